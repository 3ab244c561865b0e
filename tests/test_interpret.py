"""The built-in case, and what interpretation promises of any case."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinic import RULES, bands, case, lab, only_visit

from pipeline.export import case_json
from pipeline.intake import take_in
from pipeline.interpret import interpret
from pipeline.model import Interpretation, Visit
from pipeline.read.case_input import read_case_input
from pipeline.resources import resource_path

AS_OF = dt.date(2025, 10, 1)


@pytest.fixture(scope="module")
def seed() -> Interpretation:
    return interpret(read_case_input(""))


def values(visit: Visit) -> dict[str, float]:
    return {finding.marker: finding.value for finding in visit.findings}


def test_the_built_in_case_has_its_three_visits(seed: Interpretation) -> None:
    assert [(visit.month, visit.age) for visit in seed.visits] == [(0, 36), (8, 37), (24, 38)]


@pytest.mark.parametrize(
    ("at", "rule", "qualifiers", "supporting", "syndrome"),
    [(0, "9", ("established",), 6, 4), (1, "9", ("established",), 4, 2), (2, "11", (), 1, 1)],
)
def test_the_built_in_case_has_the_phase_of_the_specification(
    seed: Interpretation,
    at: int,
    rule: str,
    qualifiers: tuple[str, ...],
    supporting: int,
    syndrome: int,
) -> None:
    phase = seed.visits[at].phase
    assert (phase.rule, phase.qualifiers, phase.confidence) == (rule, qualifiers, "moderate")
    assert (phase.supporting, phase.supporting_known) == (supporting, 6)
    (found,) = (x for x in seed.visits[at].classifications if x.id == "metabolic_syndrome")
    assert (found.met, found.known) == (syndrome, 5)


def test_the_built_in_case_raises_its_flags_and_keeps_the_others_silent(
    seed: Interpretation,
) -> None:
    raised = [{flag.id: flag.branches for flag in visit.flags} for visit in seed.visits]
    assert raised == [
        {
            "SF-01": ("fasting_insulin", "hypo_symptoms"),
            "SF-03": ("cgm",),
            "SF-04": ("very_high",),
        },
        {},
        {"SF-24": ("wish",)},
    ]
    assert {flag.id: (flag.open, flag.resolved) for flag in seed.flags} == {
        "SF-01": (False, dt.date(2024, 5, 6)),
        "SF-03": (False, dt.date(2024, 5, 6)),
        "SF-04": (False, dt.date(2024, 5, 6)),
        "SF-24": (True, None),
    }


def test_as_of_the_first_visit_its_flags_are_open() -> None:
    one = take_in([resource_path("samples/seed_case")], as_of=dt.date(2023, 9, 30), rules=RULES)
    interpretation = interpret(one.case("seed_case"))
    assert {flag.id for flag in interpretation.flags if flag.open} == {"SF-01", "SF-03", "SF-04"}
    assert len(interpretation.visits) == 1


def test_the_built_in_case_is_judged_functionally_as_the_seed_says(seed: Interpretation) -> None:
    high = [
        {marker for marker, band in bands(visit, "functional").items() if band == "high"}
        for visit in seed.visits
    ]
    five = {"insulin_fasting", "hba1c", "hs_crp", "homocysteine", "homa_ir"}
    assert high == [five | {"tg_hdl_molar"}, five, set()]
    assert bands(seed.visits[1], "functional")["tg_hdl_molar"] == "undetermined"


def test_homocysteine_is_only_functionally_raised(seed: Interpretation) -> None:
    (finding,) = (f for f in seed.visits[0].findings if f.marker == "homocysteine")
    assert (finding.laboratory, finding.functional) == ("within", "high")
    assert not finding.counts


def test_every_judgement_of_the_built_in_case_is_that_of_the_specification(
    seed: Interpretation, shared: Path
) -> None:
    told = json.loads((shared / "clinical/examples.json").read_text())["seed_case_f36"]
    for visit, expected in zip(seed.visits, told, strict=True):
        found = {finding.marker: finding for finding in visit.findings}
        flags = expected["flags"]
        assert {m for m, f in found.items() if f.counts} == set(flags["ref"])
        assert {m for m, f in found.items() if f.functional == "high"} == set(flags["functional"])
        assert {m for m, f in found.items() if f.refer} == set(flags["refer"])
        assert {m for m, f in found.items() if f.critical} == set(flags["critical"])
        assert {flag.id for flag in visit.flags} == set(expected["safety"])
        assert (visit.phase.g_class, visit.phase.i_class) == (
            expected["phase"]["G"],
            expected["phase"]["I"],
        )
        assert visit.phase.confidence == expected["phase"]["confidence"]
        assert (visit.phase.supporting, visit.phase.supporting_known) == (
            expected["S"],
            expected["S_known"],
        )
        syndrome = [one for one in visit.classifications if one.id == "metabolic_syndrome"]
        assert [one.met for one in syndrome] == [expected["mets_n"]]


def test_every_computed_value_of_the_built_in_case_is_that_of_the_specification(
    seed: Interpretation, shared: Path
) -> None:
    """Ours keeps six significant digits, the example four decimals: equal to the coarser one."""
    told = json.loads((shared / "clinical/examples.json").read_text())["seed_case_f36"]
    for visit, expected in zip(seed.visits, told, strict=True):
        ours = values(visit)
        for marker, value in expected["derived"].items():
            if value is None:
                assert marker not in ours
                continue
            step = max(1e-4, 10.0 ** (len(str(int(abs(value)))) - 6))
            assert abs(ours[marker] - value) <= step / 2 + 1e-9, marker
        for marker, value in expected["values"].items():
            assert ours[marker] == value


def test_homa_b_is_suppressed_and_says_why(seed: Interpretation) -> None:
    reasons = {one.marker: one.reason for one in seed.visits[0].not_computed}
    assert reasons == {"homa_b": "glucose-too-low"}
    assert values(seed.visits[1])["homa_b"] == pytest.approx(290.0)


def test_a_computed_finding_names_the_rows_it_rests_on(seed: Interpretation) -> None:
    found = {finding.marker: finding for finding in seed.visits[0].findings}
    glucose, insulin = found["glucose_fasting"].rows, found["insulin_fasting"].rows
    assert found["homa_ir"].rows == (*glucose, *insulin)
    assert "MATTHEWS-1985" in found["homa_ir"].sources
    assert found["homa_ir"].reported == ("9.4", "1")


def test_the_reported_homa_ir_is_checked_and_agrees(seed: Interpretation) -> None:
    (check,) = seed.checks
    assert check.agrees
    assert (check.reported, check.computed) == (9.4, 9.38667)


def test_with_another_glucose_the_cross_check_fails_and_takes_confidence_down(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "seed_case"
    folder.mkdir()
    sample = resource_path("samples/seed_case")
    (folder / "case.toml").write_bytes((sample / "case.toml").read_bytes())
    text = (sample / "lab.csv").read_text(encoding="utf-8")
    changed = text.replace("glucose_fasting,4.0,", "glucose_fasting,5.6,")
    assert changed != text
    (folder / "lab.csv").write_text(changed, encoding="utf-8")
    intake = take_in([folder], as_of=AS_OF, rules=RULES)
    assert intake.reasons == {"reported-differs": 1}
    assert intake.notes == {"cross-check-failed": 2}
    interpretation = interpret(intake.case("seed_case"))
    (check,) = interpretation.checks
    assert not check.agrees
    assert len(check.rows) == 3
    assert interpretation.visits[0].phase.confidence == "low"


def test_case_json_is_plain_json_and_the_same_twice(seed: Interpretation) -> None:
    told = json.dumps(case_json(seed), sort_keys=True, allow_nan=False)
    assert told == json.dumps(case_json(interpret(read_case_input(""))), sort_keys=True)
    assert {"schema", "case_id", "as_of", "visits", "changes", "plan", "quarantined"} <= set(
        json.loads(told)
    )


def test_the_order_of_rows_changes_nothing() -> None:
    one = read_case_input("")
    shuffled = one.rows.sample(frac=1, random_state=3).reset_index(drop=True)
    from dataclasses import replace

    first, second = (case_json(interpret(c)) for c in (one, replace(one, rows=shuffled)))
    assert first == second


def test_an_unrelated_marker_changes_no_other_finding() -> None:
    calm = {"glucose_fasting": 5.0, "insulin_fasting": 8, "hba1c": 35}
    alone = only_visit(interpret(case(lab(calm))))
    more = only_visit(interpret(case(lab({**calm, "urate": 500}))))
    assert alone.findings == tuple(f for f in more.findings if f.marker != "urate")
    assert alone.phase == more.phase


def implausible(marker: str, value: float) -> dict[str, Any]:
    """Return a set-aside row as intake keeps it."""
    from pipeline.model import SetAside

    rows = case(lab({marker: value}, sample_id="s9")).rows
    return {
        "set_aside": (
            SetAside(row="lab.csv:9", reasons=("implausible",), measurement=rows.iloc[0].to_dict()),
        )
    }


def test_an_implausible_value_is_not_scored_but_still_reaches_the_flags() -> None:
    one = case(lab({"glucose_fasting": 5.0}), **implausible("insulin_fasting", 312))
    visit = only_visit(interpret(one))
    assert "insulin_fasting" not in values(visit)
    flags = {flag.id: flag.if_correct for flag in visit.flags}
    assert flags == {"SF-01": True, "SF-26": False}


def test_an_implausible_value_of_another_day_keeps_its_flag_and_its_own_date() -> None:
    one = case(lab({"tsh": 2}, date="2024-06-01"), **implausible("glucose_random", 65))
    interpretation = interpret(one)
    (found,) = (flag for flag in interpretation.open_flags if flag.id == "SF-06")
    assert found.if_correct
    assert [str(date) for date, _ in found.bases] == ["2024-01-01"]


def test_an_implausible_value_beside_an_accepted_one_is_the_one_that_is_told() -> None:
    one = case(lab({"potassium": 4.2}), **implausible("potassium", 12.5))
    (found,) = (flag for flag in interpret(one).open_flags if flag.id == "SF-13")
    (_, flag) = found.bases[0]
    assert [evidence.value for evidence in flag.values] == [12.5]


def test_a_value_beyond_a_limit_is_never_printed_as_that_limit() -> None:
    visit = only_visit(interpret(case(lab({"glucose_fasting": "5.55", "homocysteine": "8.04"}))))
    found = {finding.marker: finding for finding in visit.findings}
    assert found["glucose_fasting"].decimals == 2
    assert found["homocysteine"].decimals == 2


def test_the_last_final_result_of_a_visit_is_judged_and_the_others_are_repeats() -> None:
    first = lab({"hs_crp": 1.5}, date="2024-01-01", sample_id="s1")
    later = lab({"hs_crp": 0.7}, date="2024-01-10", sample_id="s2")
    visit = only_visit(interpret(case(first, later)))
    (finding,) = visit.findings
    assert (finding.value, finding.repeats) == (0.7, ("lab.csv:2",))


def test_a_preliminary_result_gives_way_to_a_final_one() -> None:
    final = lab({"hs_crp": 1.5}, date="2024-01-01", sample_id="s1", status="final")
    later = lab({"hs_crp": 0.7}, date="2024-01-10", sample_id="s2", status="preliminary")
    (finding,) = only_visit(interpret(case(final, later))).findings
    assert finding.value == 1.5


def test_a_censored_result_keeps_its_sign() -> None:
    (finding,) = only_visit(interpret(case(lab({"hs_crp": "<0,3"})))).findings
    assert (finding.value, finding.comparator, finding.functional) == (0.3, "<", "within")


def test_symptoms_and_medicines_that_are_stated_are_told(seed: Interpretation) -> None:
    told = [visit.context["symptoms"] for visit in seed.visits]
    assert told == [("nocturnal_hypo", "insomnia", "fatigue", "dizziness"), (), ()]
    one = case(lab({"tsh": 2}), context={"medication": ["A10BA02"]})
    assert only_visit(interpret(one)).context["medication"] == ("metformin", "glucose_lowering")


def test_what_is_not_stated_is_unknown_and_listed() -> None:
    from pipeline.model import CaseInput

    one = case(lab({"hba1c": 36}, fasting_hours=""))
    silent = CaseInput(case_id="p1", as_of=AS_OF, sex="F", birth_year=None, rows=one.rows)
    visit = only_visit(interpret(silent))
    assert visit.age is None
    assert set(visit.unknown) == {key.key for key in RULES.context.values() if key.confidence}


def test_a_case_without_any_accepted_row_has_only_the_visits_it_names() -> None:
    empty = case(visits=({"date": "2024-01-01"}, {"date": "2026-01-01"}))
    assert [visit.date for visit in interpret(empty).visits] == [dt.date(2024, 1, 1)]
    assert pd.isna(empty.rows["low"]).all()


def test_cortisol_on_oestrogen_shows_the_interval_it_was_judged_by() -> None:
    one = case(lab({"cortisol_serum_am": 700}), context={"oestrogen_use": "yes"})
    (finding,) = only_visit(interpret(one)).findings
    assert [limit.value for limit in finding.limits["reference"]] == [284, 994]
    assert finding.laboratory == "within"
