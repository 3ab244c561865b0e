"""Computed markers: only when their conditions hold, else with the reason; intervals stay intervals."""

# ruff: noqa: E501 - a drawn table is wider than code

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clinic import AS_OF, RULES, case, judged, lab, only_visit

from pipeline.columns import certain
from pipeline.intake import take_in
from pipeline.interpret import interpret
from pipeline.model import Visit
from pipeline.rules.formulas import COMPUTED, fli_mass

FASTING = {"glucose_fasting": 5.0, "insulin_fasting": 10}
LIPIDS = {"cholesterol_total": 5.5, "hdl": 1.3, "triglycerides": 1.6}
CURVE = {
    **{f"glucose_ogtt_{minute}": value for minute, value in ((0, 5.0), (30, 7.8), (60, 7.0), (90, 6.2), (120, 5.5))},
    **{f"insulin_ogtt_{minute}": value for minute, value in ((0, 6), (30, 45), (60, 50), (90, 38), (120, 28))},
}  # fmt: skip


def visit_of(values: dict[str, Any], **more: Any) -> Visit:
    rows = {key: more.pop(key) for key in ("units", "haemolysis", "fasting_hours") if key in more}
    return only_visit(interpret(case(lab(values, **rows), **more), RULES))


def value(visit: Visit, marker: str) -> tuple[str | None, float] | None:
    found = {finding.marker: finding for finding in visit.findings}
    return (found[marker].comparator, found[marker].value) if marker in found else None


def reason(visit: Visit, marker: str) -> str | None:
    return {one.marker: one.reason for one in visit.not_computed}.get(marker)


@pytest.mark.parametrize(
    ("values", "more", "marker", "why"),
    [
        (FASTING, {"fasting_hours": "7.9"}, "homa_ir", "not-fasting"),
        (FASTING, {"fasting_hours": ""}, "homa_ir", "not-fasting"),
        (FASTING, {"fasting_hours": ""}, "quicki", "not-fasting"),
        ({**FASTING, **LIPIDS}, {"fasting_hours": "2"}, "tyg", "not-fasting"),
        (LIPIDS, {"fasting_hours": "2"}, "ldl_friedewald", "not-fasting"),
        ({"glucose_fasting": 5.0}, {}, "homa_ir", "missing-input"),
        ({"glucose_fasting": 2.9, "insulin_fasting": 10}, {}, "homa_ir", "glucose-out-of-range"),
        ({"glucose_fasting": 20.1, "insulin_fasting": 10}, {}, "homa_ir", "glucose-out-of-range"),
        ({"glucose_fasting": 5.0, "insulin_fasting": "<0.2"}, {}, "homa_ir", "insulin-out-of-range"),
        ({"glucose_fasting": 4.4, "insulin_fasting": 10}, {}, "homa_b", "glucose-too-low"),
        ({**LIPIDS, "triglycerides": 9.1}, {}, "ldl", "triglycerides-too-high"),
        ({**LIPIDS, "triglycerides": 4.6}, {}, "ldl_friedewald", "triglycerides-too-high"),
        ({**LIPIDS, "hdl": "<0.3"}, {}, "ldl", "censored"),
        ({"testosterone_total": 15, "shbg": 30}, {"sex": "M"}, "fai", "men-not-defined"),
        ({"testosterone_total": 1.9, "shbg": 22}, {"sex": None}, "fai", "sex-unknown"),
        ({**LIPIDS, "triglycerides": 9.1}, {}, "remnant_c", "missing-input"),
        ({**LIPIDS, "ldl": "<1.5"}, {}, "remnant_c", "censored"),
        ({"cgm_mean": "<4.0"}, {}, "gmi", "censored"),
        ({**CURVE, "glucose_ogtt_30": ">20"}, {}, "disposition_index", "missing-input"),
        ({"glucose_fasting": "<4.0", "insulin_fasting": 10}, {}, "homa_b", "glucose-too-low"),
        ({"glucose_fasting": ">5.0", "insulin_fasting": 10}, {}, "homa_b", "censored"),
        ({"creatinine": 80}, {"sex": None}, "egfr", "missing-input"),
        ({"creatinine": 80}, {"birth_year": None}, "egfr", "missing-input"),
        (CURVE, {"fasting_hours": "2"}, "matsuda", "ogtt-not-fasting"),
        ({**CURVE, "glucose_ogtt_30": 5.0}, {}, "insulinogenic_index", "glucose-did-not-rise"),
        ({**CURVE, "insulin_ogtt_30": ">300"}, {}, "insulinogenic_index", "censored"),
    ],
)  # fmt: skip
def test_a_marker_that_may_not_be_computed_has_no_value_and_a_reason(
    values: dict[str, Any], more: dict[str, Any], marker: str, why: str
) -> None:
    visit = visit_of(values, **more)
    assert value(visit, marker) is None
    assert reason(visit, marker) == why


def test_what_is_missing_is_named() -> None:
    (one,) = (n for n in visit_of({"glucose_fasting": 5.0}).not_computed if n.marker == "homa_ir")
    assert one.missing == ("insulin_fasting",)


def test_glucose_and_insulin_of_two_draws_give_no_homa_ir() -> None:
    parts = lab({"glucose_fasting": 5.0}), lab({"insulin_fasting": 10}, sample_id="s2")
    visit = only_visit(interpret(case(*parts), RULES))
    assert reason(visit, "homa_ir") == "not-same-draw"


def test_rows_without_a_sample_id_are_no_same_draw() -> None:
    visit = only_visit(interpret(case(lab(FASTING, sample_id="")), RULES))
    assert reason(visit, "homa_ir") == "not-same-draw"


def test_a_sample_that_was_not_fasting_is_a_random_one() -> None:
    visit = visit_of(FASTING, fasting_hours="2")
    assert value(visit, "glucose_random") == (None, 5.0)
    assert value(visit, "insulin_random") == (None, 10)
    assert value(visit, "glucose_fasting") is None


@pytest.mark.parametrize(
    ("insulin", "homa"),
    [("<2", ("<", 0.444444)), (">300", (">", 66.6667)), (">=16", (">=", 3.55556))],
)
def test_a_censored_input_gives_a_censored_result(insulin: str, homa: tuple[str, float]) -> None:
    visit = visit_of({"glucose_fasting": 5.0, "insulin_fasting": insulin})
    sign, number = value(visit, "homa_ir") or ("", 0)
    assert sign in (homa[0], f"{homa[0]}=")
    assert number == pytest.approx(homa[1], rel=1e-5)


def test_an_index_that_falls_with_its_input_turns_the_sign() -> None:
    sign, _ = value(visit_of({"insulin_fasting": ">100", "triglycerides": 1.2}), "mcauley") or (
        "",
        0,
    )
    assert sign.startswith("<")


def test_haemolysis_makes_homa_ir_a_lower_bound() -> None:
    visit = visit_of(FASTING, haemolysis="visible")
    sign, number = value(visit, "homa_ir") or ("", 0)
    assert (sign[0], round(number, 3)) == (">", 2.222)


def test_results_in_mg_dl_take_the_published_form_in_mg_dl() -> None:
    mass = {"glucose_fasting": 90, "insulin_fasting": 10}
    visit = visit_of(mass, units={"glucose_fasting": "mg/dL", "insulin_fasting": "uU/mL"})
    assert value(visit, "homa_ir") == (None, 2.22222)
    assert value(visit, "homa_b") == (None, 133.333)
    units = dict.fromkeys(LIPIDS, "mg/dL")
    lipids = visit_of({"cholesterol_total": 200, "hdl": 50, "triglycerides": 150}, units=units)
    assert value(lipids, "ldl_friedewald") == (None, pytest.approx(120 / 38.67, rel=1e-5))


def test_gmi_of_a_mean_in_mg_dl_takes_the_reported_number() -> None:
    visit = visit_of({"cgm_mean": 154}, units={"cgm_mean": "mg/dL"})
    assert value(visit, "gmi") == (None, 6.99368)
    assert value(visit_of({"cgm_mean": 5.5}), "gmi") == (None, 5.68018)


def test_one_input_in_another_unit_takes_the_canonical_form() -> None:
    units = {"glucose_fasting": "mg/dL", "insulin_fasting": "pmol/L"}
    visit = visit_of({"glucose_fasting": 90, "insulin_fasting": 60}, units=units)
    assert value(visit, "homa_ir") == (None, pytest.approx(90 * 0.05551 * 10 / 22.5, rel=1e-5))


def test_a_reported_ldl_stands_and_a_reported_homa_ir_does_not() -> None:
    visit = visit_of({**LIPIDS, "ldl": 2.2, **FASTING, "homa_ir": 2.3})
    assert value(visit, "ldl") == (None, 2.2)
    assert value(visit, "homa_ir") == (None, 2.22222)


@pytest.mark.parametrize(
    ("reported", "inputs"),
    [
        ({"egfr": 61}, {"creatinine": 80}),
        ({"gmi": 6.1}, {"cgm_mean": 5.5}),
        ({"ldl": 2.2}, LIPIDS),
        ({"hba1c": 36}, {"eag": 9.9}),
        ({"cgm_tir": 81, "cgm_cv": 22}, {"cgm_mean": 5.5, "cgm_sd": 3}),
    ],
)
def test_what_is_taken_as_reported_stands(
    reported: dict[str, float], inputs: dict[str, float]
) -> None:
    visit = visit_of({**inputs, **reported})
    assert {marker: value(visit, marker) for marker in reported} == {
        marker: (None, number) for marker, number in reported.items()
    }


def test_every_other_computed_marker_is_computed_again() -> None:
    again = {m.id for m in RULES.markers.values() if m.id in COMPUTED and not m.as_reported}
    assert set(COMPUTED) - again == {"ldl", "egfr", "gmi"}


def test_remnant_cholesterol_is_of_the_ldl_that_stands_and_never_of_friedewald() -> None:
    assert value(visit_of(LIPIDS), "remnant_c") == (None, pytest.approx(4.2 - 3.545, abs=1e-3))
    assert value(visit_of({**LIPIDS, "ldl": 3.4}), "remnant_c") == (None, pytest.approx(0.8))
    high = visit_of({**LIPIDS, "triglycerides": 4.4, "ldl_friedewald": 2.2})
    assert value(high, "remnant_c") != (None, pytest.approx(2.0))


def test_an_imported_homa2_ir_is_shown_and_never_judged() -> None:
    visit = visit_of({"homa2_ir_reported": 4.0, **FASTING})
    assert value(visit, "homa2_ir_reported") == (None, 4.0)
    (finding,) = (one for one in visit.findings if one.marker == "homa2_ir_reported")
    assert (finding.guideline, finding.functional, finding.refer) == (None, None, None)
    assert value(visit, "homa_ir") == (None, 2.22222)


def test_fib_4_is_shown_unjudged_under_35_and_by_another_limit_from_65() -> None:
    liver = {"ast": 60, "alt": 25, "platelets": 200}
    found = {}
    for born in (1990, 1989, 1960, 1959):
        visit = visit_of(liver, birth_year=born)
        (found[2024 - born],) = (one for one in visit.findings if one.marker == "fib4")
    assert found[34].guideline is None
    assert "unjudged-age" in found[34].notes
    assert [limit.value for limit in found[35].limits["guideline"]] == [1.3]
    assert [limit.value for limit in found[64].limits["guideline"]] == [1.3]
    assert [limit.value for limit in found[65].limits["guideline"]] == [2.0]


def test_homa_ir_on_a_sulfonylurea_is_computed_and_said_to_be_unreliable() -> None:
    visit = visit_of(FASTING, context={"medication": ["A10BB09"]})
    (finding,) = (one for one in visit.findings if one.marker == "homa_ir")
    assert (finding.value, finding.functional) == (2.22222, None)
    assert "unreliable-medication" in finding.notes


@pytest.mark.parametrize(
    ("tyg", "lipids", "notes"),
    [
        (8.5, {}, ("reported-only",)),
        (6.01, {}, ("reported-only",)),
        (6.0, {}, ("reported-only",)),
        (5.99, {}, ("reported-only", "tyg-variant-b")),
        (3.35, {}, ("reported-only", "tyg-variant-b")),
        (4.6, {"triglycerides": 1.2, **FASTING}, ("tyg-variant-b",)),
    ],
)
def test_a_reported_tyg_of_variant_b_is_kept_with_its_tag(
    tyg: float, lipids: dict[str, float], notes: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "lab.csv"
    lab({"tyg": tyg, **lipids}).to_csv(path, index=False)
    taken = take_in([path], as_of=AS_OF, rules=RULES).case("p1")
    (finding,) = (
        one for one in only_visit(interpret(taken, RULES)).findings if one.marker == "tyg"
    )
    assert finding.notes == notes
    assert finding.value == (pytest.approx(8.474, abs=1e-3) if lipids else tyg)
    assert finding.guideline is None


def test_a_tyg_that_is_neither_variant_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "lab.csv"
    lab({"tyg": 3.34, "alt": 20}).to_csv(path, index=False)
    (aside,) = take_in([path], as_of=AS_OF, rules=RULES).case("p1").set_aside
    assert aside.reasons == ("implausible",)


def test_a_fatty_liver_index_of_triglycerides_in_mg_dl_takes_the_reported_number() -> None:
    values = {"triglycerides": 150, "ggt": 30, "waist": 95, "weight": 80, "height": 170}
    visit = visit_of(values, units={"triglycerides": "mg/dL"})
    exact = fli_mass(150, 80 / 1.7**2, 30, 95)
    assert value(visit, "fli") == (None, pytest.approx(exact, rel=1e-5))


def test_a_reported_homa_ir_that_cannot_be_recomputed_is_shown_unjudged() -> None:
    (finding,) = visit_of({"homa_ir": 2.9}).findings
    assert (finding.value, finding.guideline, finding.functional) == (2.9, None, None)
    assert finding.notes == ("reported-only",)


def test_the_start_of_a_fasting_ogtt_stands_in_for_a_fasting_sample() -> None:
    visit = visit_of(CURVE)
    assert value(visit, "glucose_fasting") == (None, 5.0)
    assert value(visit, "homa_ir") == (None, pytest.approx(5.0 * 6 / 22.5, rel=1e-5))
    assert value(visit, "matsuda") == (None, pytest.approx(6.46, abs=0.005))


def test_tyg_bmi_enters_unrounded_numbers() -> None:
    visit = visit_of({**FASTING, "triglycerides": 1.9, "weight": 95, "height": 168})
    exact = 95 / 1.68**2
    tyg = value(visit, "tyg")
    assert tyg is not None
    assert value(visit, "bmi") == (None, pytest.approx(exact, rel=1e-5))
    assert value(visit, "tyg_bmi") == (None, pytest.approx(tyg[1] * exact, rel=1e-5))


def test_a_later_glucose_alone_does_not_take_the_homa_ir_of_the_pair() -> None:
    pair = lab({"glucose_fasting": 5.0, "insulin_fasting": 20}, sample_id="s1")
    later = lab({"glucose_fasting": 5.1}, date="2024-01-05", sample_id="s2")
    visit = only_visit(interpret(case(pair, later), RULES))
    (homa,) = (finding for finding in visit.findings if finding.marker == "homa_ir")
    assert (homa.value, homa.rows) == (4.44444, ("lab.csv:2", "lab.csv:3"))
    assert value(visit, "glucose_fasting") == (None, 5.1)


def test_the_start_of_an_ogtt_counts_beside_a_fasting_result_of_another_date() -> None:
    fasting = lab({"glucose_fasting": 5.0}, sample_id="s1")
    later = lab({"glucose_ogtt_0": 7.2, "glucose_ogtt_120": 8}, date="2024-01-10", sample_id="s2")
    visit = only_visit(interpret(case(fasting, later), RULES))
    assert visit.phase.g_class == "G3"


def test_the_start_of_an_ogtt_that_was_not_fasting_is_a_random_glucose() -> None:
    visit = visit_of({"glucose_ogtt_0": 2.8}, fasting_hours="2")
    assert visit.phase.rule == "4b"


def test_fasting_hours_that_cannot_be_read_are_unknown() -> None:
    one = case(lab(FASTING, fasting_hours=""), context={"fasting_hours": 10.0})
    assert value(only_visit(interpret(one, RULES)), "homa_ir") is not None
    noted = replace(one, rows=one.rows.assign(notes="fasting-unreadable"))
    assert reason(only_visit(interpret(noted, RULES)), "homa_ir") == "not-fasting"


@pytest.mark.parametrize(("sign", "answer"), [("<", True), ("<=", False)])
def test_a_reported_egfr_below_its_limit_raises_the_flag_of_that_limit(
    sign: str, answer: bool
) -> None:
    found = judged(case(lab({"egfr": f"{sign}30"})))
    assert certain(found.flags.branches["SF-14", "below_30"]).tolist() == [answer]
