"""Where practice and guideline differ, both are printed, and a target is never a disease."""

import re
from dataclasses import replace
from typing import Any

import pytest
from clinic import RULES, case, lab

from pipeline.interpret import interpret
from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.model import Interpretation
from pipeline.narrate import narrate
from pipeline.narrate.differences import _SUBJECTS
from pipeline.read.case_input import read_case_input
from pipeline.story import Row, Section, Table

SEED = interpret(read_case_input())
each_language = pytest.mark.parametrize("language", ["nl", "en"])
FUNCTIONAL = ("homa_ir", "insulin_fasting", "hba1c", "tg_hdl_molar", "hs_crp", "homocysteine")


def section(found: Interpretation, language: str = "en") -> Section | None:
    discussion = narrate(found, language).section("discussion")
    parts = () if discussion is None else discussion.subsections
    return next((part for part in parts if part.id == "differences"), None)


def rows(found: Interpretation, language: str = "en") -> dict[str, Row]:
    """Return the rows of the table by their subject."""
    told = section(found, language)
    if told is None:
        return {}
    (table,) = told.blocks
    assert isinstance(table, Table)
    return {row.cells[0]: row for group in table.groups for row in group.rows}


def of(values: dict[str, Any], *targets: dict[str, Any]) -> dict[str, Row]:
    return rows(interpret(case(lab(values), rules=targets)))


def plain(text: str) -> str:
    return text.replace(NO_BREAK_SPACE, " ")


@each_language
def test_each_number_of_both_sides_comes_from_a_row_of_the_rules(language: str) -> None:
    told = rows(SEED, language)
    texts = Language.load(language)
    for marker in FUNCTIONAL:
        (limit,) = RULES.all_limits_of(marker, "functional")  # type: ignore[arg-type]
        assert told[texts.marker(marker)].cells[1].startswith(texts.beyond(limit))
    ada = texts.beyond(RULES.limits_named("hba1c-ada")[0])
    assert ada in told[texts.marker("hba1c")].cells[2]


def test_no_text_holds_a_number_that_a_rule_compares_with() -> None:
    texts = Language.load("en").texts["differences"]
    told = [text for part in texts.values() if isinstance(part, dict) for text in part.values()]
    numbers = {n for text in told for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)}
    assert numbers == {"40", "80", "2019", "2024", "24"}  # of the evidence, years, and 24 hours


def test_the_laboratorys_own_interval_is_the_one_that_is_shown() -> None:
    own = of({"insulin_fasting": 8})["Insulin, fasting"].cells[2]
    assert "laboratory ≤ 25 mU/L" in plain(own)
    printed = rows(interpret(case(lab({"insulin_fasting": 8}, ref_low="3", ref_high="17"))))
    assert "laboratory 3–17 mU/L" in plain(printed["Insulin, fasting"].cells[2])


def test_a_target_of_the_practice_stands_in_its_column() -> None:
    target = {"marker": "apob", "high": 0.9, "unit": "g/L", "source": "Own protocol"}
    assert plain(of({"apob": 1.0})["Apolipoprotein B"].cells[1]) == "named, without a number"
    assert plain(of({"apob": 1.0}, target)["Apolipoprotein B"].cells[1]) == "> 0.9 g/L"


def test_only_what_was_measured_or_advised_has_a_row() -> None:
    advised = {"Gluten and dairy", "Protein"}  # to everybody, to every adult
    assert set(of({"tsh": 2})) == advised
    assert set(of({"hs_crp": 0.5})) == {"hs-CRP", *advised}
    assert set(of({"calprotectin": 20})) == {"Gut tests", *advised}
    assert "Gut tests" not in of({"zonulin_serum": 30})
    assert "Zonulin" in of({"zonulin_serum": 30})


def test_without_anything_to_compare_there_is_no_table() -> None:
    found = interpret(case(lab({"tsh": 2})))
    assert section(replace(found, plan=())) is None


def test_variants_call_for_their_row() -> None:
    assert ("Genetic variants" in rows(SEED)) is bool(SEED.genotypes)
    assert "Genetic variants" not in rows(replace(SEED, genotypes=()))


@each_language
def test_a_target_is_never_called_abnormal_or_a_disease(language: str) -> None:
    forbidden = {"nl": r"afwijkend|stoornis", "en": r"abnormal|disorder"}
    words = {"nl": "aandachtspunt", "en": "point of attention"}
    told = section(SEED, language)
    assert told is not None
    assert not re.search(forbidden[language], str(told), re.IGNORECASE)
    (table,) = told.blocks
    assert isinstance(table, Table)
    assert words[language] in table.note


@each_language
def test_nothing_of_the_table_is_said_a_second_time(language: str) -> None:
    texts = Language.load(language)
    subjects = {one.id for one in _SUBJECTS} | {"zonulin_serum", "zonulin_stool"}
    remarks = {*texts.keys("findings.remarks"), *texts.keys("findings.caveats")}
    assert subjects & remarks == set()


@each_language
def test_the_methods_say_how_many_exceed_the_targets_and_the_table_points_there(
    language: str,
) -> None:
    story = narrate(SEED, language)
    assert str(story.sections).count("NHANES 2017") == 1
    assert "2463" in str(story.section("methods"))
    words = {"nl": "methoden", "en": "methods"}
    assert words[language] in str(section(SEED, language))
