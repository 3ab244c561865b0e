"""Genotypes: placed on the plus strand or not at all, and never part of a phase or a flag."""

from dataclasses import replace
from pathlib import Path

import pytest
from clinic import RULES, case, lab, only_visit
from drawn import table
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CaseFileError
from pipeline.export import case_json
from pipeline.genotype import place_genotypes
from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.model import Genotype, Sex, StatedGenotype
from pipeline.narrate import narrate
from pipeline.read.genotypes import read_genotypes
from pipeline.rulebook import explain


def stated(rsid: str, call: str, strand: str = "", assay: str = "") -> StatedGenotype:
    return StatedGenotype(rsid=rsid, call=call, strand=strand, build="", assay=assay)


def placed(rsid: str, call: str, strand: str = "", sex: Sex | None = "F") -> Genotype:
    (found,) = place_genotypes([stated(rsid, call, strand)], sex, RULES)
    return found


# What each variant needs.

CALLS = table("""
    rsid       | call | strand | sex | plus | copies | reason
    rs1801133  | AG   | plus   | F   | AG   | 1      |
    rs1801133  | GA   |        | F   | AG   | 1      |
    rs1801133  | CT   | minus  | F   | AG   | 1      |
    rs1801133  | CT   |        | F   | AG   | 1      |
    rs1801133  | TT   |        | M   | AA   | 2      |
    rs1801133  | GG   |        | F   | GG   | 0      |
    rs1801133  | CC   | plus   | F   | CC   | 0      |
    rs1801133  | CC   |        | F   | GG   | 0      |
    rs1801133  | A/G  | plus   | F   | AG   | 1      |
    rs1801133  | ga   | plus   | F   | AG   | 1      |
    rs1801133  | AT   |        | F   |      |        | alleles-unknown
    rs1801133  | --   | plus   | F   |      |        | no-call
    rs1801133  | II   | plus   | F   |      |        | alleles-unknown
    rs1801133  | A    | plus   | F   |      |        | one-allele
    rs1801133  | AGG  | plus   | F   |      |        | alleles-unknown
    rs1801131  | TG   | plus   | F   | GT   | 1      |
    rs1801131  | AC   |        | F   | GT   | 1      |
    rs4680     | AA   | plus   | F   | AA   | 2      |
    rs9939609  | AA   |        | F   |      |        | strand-unknown
    rs9939609  | AT   |        | F   |      |        | strand-unknown
    rs9939609  | AA   | plus   | F   | AA   | 2      |
    rs9939609  | AA   | minus  | F   | TT   | 0      |
    rs1801282  | CC   |        | F   |      |        | strand-unknown
    rs1801282  | CC   | plus   | F   | CC   | 2      |
    rs1801282  | CC   | minus  | F   | GG   | 0      |
    rs7903146  | CT   | plus   | F   | CT   | 1      |
    rs5418     | GG   | plus   | F   |      |        | alleles-unverified
    rs6323     | GG   | plus   | M   | G    | 0      |
    rs6323     | T    | plus   | M   | T    | 1      |
    rs6323     | TG   | plus   | M   |      |        | heterozygous-in-man
    rs6323     | TG   | plus   | F   | GT   | 1      |
    rs6323     | GG   | plus   |     |      |        | sex-unknown
    rs6323     | G    | plus   | F   |      |        | one-allele
    rs1        | AG   | plus   | F   |      |        | not-in-panel
""")


@pytest.mark.parametrize("row", CALLS.to_dict("records"), ids=lambda row: " ".join(row.values()))
def test_a_call_is_placed_on_the_plus_strand_or_says_why_not(row: dict[str, str]) -> None:
    found = placed(row["rsid"], row["call"], row["strand"], row["sex"] or None)  # type: ignore[arg-type]
    assert (found.plus or "") == row["plus"]
    assert ("" if found.copies is None else str(found.copies)) == row["copies"]
    assert found.reason == row["reason"]
    assert found.stated.call == row["call"]


@given(
    st.sampled_from(sorted(id for id, v in RULES.genotypes.items() if v.alleles)),
    st.text("ACGT", min_size=2, max_size=2),
    st.sampled_from(("F", "M")),
)
def test_the_other_strand_declared_as_such_gives_the_same(rsid: str, call: str, sex: Sex) -> None:
    other = call.translate(str.maketrans("ACGT", "TGCA"))
    one, two = placed(rsid, call, "plus", sex), placed(rsid, other, "minus", sex)
    assert (one.plus, one.copies, one.reason) == (two.plus, two.copies, two.reason)


def test_the_palindromic_variants_are_those_of_the_specification() -> None:
    found = {id for id, variant in RULES.genotypes.items() if variant.is_palindromic}
    assert found == {"rs9939609", "rs1801282"}


def test_two_assays_that_disagree_are_both_shown_and_neither_is_counted() -> None:
    calls = [stated("rs1801133", "AA", "plus", "one"), stated("rs1801133", "AG", "plus", "two")]
    found = place_genotypes(calls, "F", RULES)
    assert [one.plus for one in found] == ["AA", "AG"]
    assert {one.copies for one in found} == {None}
    assert {one.reason for one in found} == {"assays-disagree"}
    assert not any("measure-homocysteine" in one.notes for one in found)


def test_two_copies_of_c677t_ask_for_homocysteine_and_one_does_not() -> None:
    assert "measure-homocysteine" in placed("rs1801133", "AA", "plus").notes
    assert "measure-homocysteine" not in placed("rs1801133", "AG", "plus").notes


# A genotype changes nothing but its own section.


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(RULES.genotypes)), st.text("ACGT", min_size=2, max_size=2)
        ),
        max_size=4,
    )
)
def test_no_genotype_changes_a_phase_a_flag_or_a_finding(calls: list[tuple[str, str]]) -> None:
    person = case(lab({"glucose_fasting": 5.0, "insulin_fasting": 20, "homocysteine": 12}))
    with_calls = replace(person, genotypes=tuple(stated(id, call, "plus") for id, call in calls))
    plain, typed = (case_json(interpret(one)) for one in (person, with_calls))
    assert typed["visits"] == plain["visits"]
    assert typed["flags"] == plain["flags"]
    assert [item["id"] for item in typed["plan"]] == [item["id"] for item in plain["plan"]]


# Read and told.


@pytest.mark.parametrize(
    ("given_table", "said"),
    [
        ({"rsid": "rs4680"}, "to state 'rsid' and 'call'"),
        ({"rsid": "4680", "call": "AG"}, "written as rs and a number"),
        ({"rsid": "rs4680", "call": "AG", "strand": "up"}, "expected one of plus, minus"),
        ({"rsid": "rs4680", "call": "AG", "build": "hg19"}, "expected one of GRCh37, GRCh38"),
        ({"rsid": "rs4680", "call": "AG", "gene": "COMT"}, "expected one of rsid, call"),
        ({"rsid": "rs4680", "call": 7}, "as text"),
        ({"rsid": "rs4680", "call": "A" * 61}, "60 characters"),
    ],
)
def test_a_table_that_cannot_be_is_refused_without_its_call(
    given_table: dict[str, object], said: str
) -> None:
    with pytest.raises(CaseFileError, match=said) as refused:
        read_genotypes([given_table], where="'case.toml'")
    assert "AG" not in str(refused.value)


def test_every_reason_note_effect_and_grade_has_its_words() -> None:
    reasons = {*CALLS["reason"], "assays-disagree"} - {"", "not-in-panel"}
    for code in ("nl", "en"):
        language = Language.load(code)
        keys = [f"reasons.{reason}" for reason in reasons]
        for rsid, variant in RULES.genotypes.items():
            keys += [f"effects.{rsid}", f"client.effects.{rsid}", f"evidence.{variant.evidence}"]
            keys += [f"notes.{note}" for note in (*variant.notes, "measure-homocysteine")]
        assert [key for key in keys if not language.has(f"genotypes.{key}")] == []


@pytest.mark.parametrize("code", ["nl", "en"])
def test_a_report_shows_every_genotype_that_was_stated(code: str) -> None:
    calls = [*(stated(rsid, "AG", "plus") for rsid in RULES.genotypes), stated("rs1", "AG")]
    person = replace(case(lab({"glucose_fasting": 5.0})), genotypes=tuple(calls))
    section = narrate(interpret(person), code).section("genotypes")
    assert section is not None
    told = str(section)
    assert all(one.rsid in told for one in calls)
    assert only_visit(interpret(person)).phase.id


@pytest.mark.parametrize(
    ("rsid", "plus", "papers"),
    [("rs1801133", "AG", "CT"), ("rs1801131", "GT", "AC"), ("rs7903146", "CT", "CT")],
)
def test_the_letters_of_papers_stand_beside_those_of_the_plus_strand(
    rsid: str, plus: str, papers: str
) -> None:
    assert RULES.genotypes[rsid].in_papers(plus) == papers
    person = replace(case(lab({"alt": 20})), genotypes=(stated(rsid, plus, "plus"),))
    told = str(narrate(interpret(person), "en").section("genotypes"))
    assert (f"{plus} (in papers {papers})" in told) == (papers != plus)


def test_what_is_known_of_a_variant_can_be_read() -> None:
    told = explain("rs1801133")
    for part in ("MTHFR", "C677T", "1:11796321", "effect allele A", "S61"):
        assert part in told
    assert "papers write C > T" in told
    assert "papers" not in explain("rs4680")
    assert "[unverified]" in explain("rs6323")
    assert "palindromic" in explain("rs1801282")


def test_the_seed_case_states_its_two_variants(root: Path) -> None:
    text = (root / "samples/seed_case/case.toml").read_text(encoding="utf-8")
    assert "rs1801133" in text
    assert "rs1801131" in text
