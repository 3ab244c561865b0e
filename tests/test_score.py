"""Three judgements side by side: the laboratory's interval, the guideline, the practice's target."""

# ruff: noqa: E501 - a drawn table is wider than code

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES, accepted, case, judged, lab, only_visit

from pipeline.interpret import interpret, interpret_columns
from pipeline.model import Band, Finding, LimitSet, Visit
from pipeline.score import HIGH, WITHIN


def visit_of(values: dict[str, Any], **more: Any) -> Visit:
    names = ("units", "haemolysis", "fasting_hours", "ref_low", "ref_high")
    rows = {key: more.pop(key) for key in names if key in more}
    return only_visit(interpret(case(lab(values, **rows), **more), RULES))


def finding_of(visit: Visit, marker: str) -> Finding:
    (finding,) = (finding for finding in visit.findings if finding.marker == marker)
    return finding


def judgements(visit: Visit, marker: str) -> tuple[str | None, ...]:
    finding = finding_of(visit, marker)
    found = (finding.laboratory, finding.guideline, finding.functional)
    return tuple(None if band is None else band.value for band in found)


@pytest.mark.parametrize(
    ("marker", "value", "expected"),
    [
        ("homocysteine", 13.2, ("within", None, "high")),
        ("homocysteine", 8, ("within", None, "within")),
        ("homocysteine", 14, ("high", None, "high")),
        ("hs_crp", 2, ("within", "within", "high")),
        ("hs_crp", 3.1, ("high", "high", "high")),
        ("insulin_fasting", 25, ("within", None, "high")),
        ("hba1c", 34, ("within", "within", "high")),
        ("hba1c", 33, ("within", "within", "within")),
        ("hba1c", 39, ("within", "high", "high")),
        ("triglycerides", 1.7, ("within", "high", None)),
        ("hdl", 1.29, ("low", "low", None)),
        ("waist", 80, (None, "within", None)),
        ("waist", 80.5, (None, "high", None)),
        ("estradiol", 300, (None, None, None)),
        ("ferritin", 14, ("low", None, None)),
        ("hs_crp", "<0,3", ("within", "within", "within")),
        ("hs_crp", "<2", ("within", "within", "undetermined")),
        ("hs_crp", ">1", ("undetermined", "undetermined", "high")),
        ("vitamin_d", ">120", ("undetermined", None, None)),
    ],
)
def test_a_value_is_placed_against_each_set_apart(
    marker: str, value: Any, expected: tuple[str | None, ...]
) -> None:
    assert judgements(visit_of({marker: value}), marker) == expected


def test_the_laboratorys_own_interval_beats_the_fallback() -> None:
    own = visit_of({"tsh": 4.0}, ref_low="0.3", ref_high="3.5")
    assert judgements(own, "tsh")[0] == "high"
    (finding,) = own.findings
    assert [limit.source for limit in finding.limits["reference"]] == ["laboratory"] * 2


@pytest.mark.parametrize(("marker", "band"), [("tsh", "low"), ("hs_crp", "within")])
def test_a_side_that_the_laboratory_leaves_open_is_left_to_the_fallback(
    marker: str, band: str
) -> None:
    assert judgements(visit_of({marker: 0.06}, ref_high="4"), marker)[0] == band


def test_an_interval_by_sex_is_not_judged_where_the_sex_is_unknown() -> None:
    assert (
        judgements(visit_of({"testosterone_total": 5}, sex=None), "testosterone_total")[0] is None
    )
    assert (
        judgements(visit_of({"testosterone_total": 5}, sex="M"), "testosterone_total")[0] == "low"
    )


@pytest.mark.parametrize(
    ("triglycerides", "functional", "notes"),
    [
        ("1.51", "high", False),
        ("1.5", "undetermined", True),
        ("0.66", "undetermined", True),
        ("0.65", "within", False),
    ],
)
def test_a_ratio_between_both_readings_of_one_and_a_half_is_undetermined(
    triglycerides: str, functional: str, notes: bool
) -> None:
    visit = visit_of({"triglycerides": triglycerides, "hdl": "1.0"})
    assert judgements(visit, "tg_hdl_molar")[2] == functional
    (finding,) = (f for f in visit.findings if f.marker == "tg_hdl_molar")
    assert ("unit-zone" in finding.notes) is notes


def test_outside_on_the_side_without_meaning_does_not_count() -> None:
    (finding,) = visit_of({"homocysteine": 3.0}).findings
    assert (finding.laboratory, finding.counts) == (Band.LOW, False)


@pytest.mark.parametrize(
    ("marker", "value", "band"),
    [
        ("potassium", 6.0, None),
        ("potassium", 6.1, "high"),
        ("potassium", 2.7, "low"),
        ("ft4", 4.9, "low"),
    ],
)
def test_a_critical_value_lies_beyond_its_limit(
    marker: str, value: float, band: str | None
) -> None:
    (finding,) = visit_of({marker: value}).findings
    assert (finding.critical and finding.critical.value) == band


def test_acute_illness_blanks_the_functional_column_only() -> None:
    visit = visit_of({"hs_crp": 5}, context={"acute_illness_14d": "yes"})
    assert judgements(visit, "hs_crp") == ("high", "high", None)


@pytest.mark.parametrize(("value", "functional"), [(10, "high"), (10.1, None)])
def test_a_crp_over_ten_counts_as_acute_illness(value: float, functional: str | None) -> None:
    visit = visit_of({"hs_crp": value, "glucose_fasting": 5.0})
    assert judgements(visit, "hs_crp")[2] == functional
    for marker in ("hs_crp", "glucose_fasting"):
        assert ("acute-illness" in finding_of(visit, marker).notes) is (functional is None)


def test_an_unreliable_hba1c_is_shown_and_not_judged_nor_is_what_follows_from_it() -> None:
    visit = visit_of({"hba1c": 50, "haemoglobin": 6.0})
    for marker in ("hba1c", "hba1c_ngsp", "eag"):
        assert judgements(visit, marker) == (None, None, None)
        assert "hba1c-unreliable" in finding_of(visit, marker).notes
    assert judgements(visit_of({"hba1c": 50, "haemoglobin": 8.0}), "hba1c")[1] == "high"


@pytest.mark.parametrize("context", [{"oestrogen_use": "yes"}, {"medication": ["G03AA07"]}])
@pytest.mark.parametrize(
    ("value", "band"), [(283, "low"), (284, "within"), (994, "within"), (995, "high")]
)
def test_cortisol_on_oestrogen_is_held_against_the_higher_interval(
    context: dict[str, Any], value: float, band: str
) -> None:
    visit = visit_of({"cortisol_serum_am": value}, context=context)
    finding = finding_of(visit, "cortisol_serum_am")
    assert (finding.laboratory, finding.refer) == (band, None)
    assert "oestrogen" in finding.notes


def test_an_interval_that_the_laboratory_printed_stands_on_oestrogen_too() -> None:
    context = {"oestrogen_use": "yes"}
    visit = visit_of({"cortisol_serum_am": 800}, ref_low="200", ref_high="700", context=context)
    assert judgements(visit, "cortisol_serum_am")[0] == "high"


@pytest.mark.parametrize(("value", "beyond"), [(850, False), (851, True)])
def test_a_cortisol_over_850_is_beyond_one_and_a_half_times_the_fallback(
    value: float, beyond: bool
) -> None:
    column = judged(case(lab({"cortisol_serum_am": value}))).visits.column("cortisol_serum_am")
    assert list(column.beyond("cortisol-fallback")) == [beyond]


@pytest.mark.parametrize("marker", ["haemoglobin", "testosterone_total"])
def test_what_sex_hormones_change_is_shown_and_not_judged(marker: str) -> None:
    visit = visit_of({marker: 4.5}, context={"sex_hormone_therapy": "yes"})
    assert judgements(visit, marker) == (None, None, None)
    assert finding_of(visit, marker).notes == ("sex-hormone-therapy",)


@pytest.mark.parametrize(
    ("own", "stated", "noted"),
    [
        ("", "visible", True),
        ("trace", "none", True),
        ("none", "visible", False),
        ("", "none", False),
    ],
)
def test_haemolysis_of_the_visit_is_noted_where_the_sample_says_nothing(
    own: str, stated: str, noted: bool
) -> None:
    visit = visit_of({"potassium": 5.0}, haemolysis=own, context={"haemolysis": stated})
    assert ("haemolysis" in finding_of(visit, "potassium").notes) is noted


def test_homa_ir_on_insulin_is_shown_and_not_judged() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20}
    visit = visit_of(values, context={"medication": ["A10AB01"]})
    assert judgements(visit, "homa_ir") == (None, None, None)
    (finding,) = (f for f in visit.findings if f.marker == "homa_ir")
    assert "unreliable-medication" in finding.notes


@pytest.mark.parametrize(("age", "band"), [(34, None), (35, "high"), (64, "high"), (65, "within")])
def test_fib4_is_judged_by_age(age: int, band: str | None) -> None:
    values = {"ast": 1.5 * 100 * 5 / age, "alt": 25, "platelets": 100}
    assert judgements(visit_of(values, birth_year=2024 - age), "fib4")[1] == band


@pytest.mark.parametrize(
    ("age", "ast", "band"),
    [(34, 200, None), (35, 130, "high"), (64, 130, "high"), (65, 130, None), (65, 200, "high")],
)
def test_fib4_points_to_a_referral_by_age(age: int, ast: float, band: str | None) -> None:
    """With platelets 100 and ALT 25 a FIB-4 of ``ast`` hundredths."""
    values = {"ast": ast * 5 / age, "alt": 25, "platelets": 100}
    found = finding_of(visit_of(values, birth_year=2024 - age), "fib4").refer
    assert (found and found.value) == band


@pytest.mark.parametrize(
    ("active", "guideline"), [({"cgm_active": 60}, None), ({}, None), ({"cgm_active": 70}, "low")]
)
def test_a_cgm_is_judged_only_where_it_is_known_to_have_enough_data(
    active: dict[str, Any], guideline: str | None
) -> None:
    finding = finding_of(visit_of({**active, "cgm_tir": 50}), "cgm_tir")
    assert (finding.guideline and finding.guideline.value) == guideline
    assert ("cgm-insufficient" in finding.notes) is (guideline is None)


def test_a_cortisol_outside_the_morning_is_shown_and_not_judged() -> None:
    rows = lab({"cortisol_serum_am": 800}, date="2024-01-01T16:30")
    (finding,) = only_visit(interpret(case(rows), RULES)).findings
    assert (finding.laboratory, finding.notes) == (None, ("outside-clock-time",))


def test_a_higher_value_is_never_judged_better() -> None:
    """Two hundred people, each marker higher from one to the next: no band goes back."""
    people = 200
    highs = {
        limit.marker: (limit.value * 0.8, limit.value * 1.3)
        for limit in RULES.limits
        if limit.set == LimitSet.FUNCTIONAL and RULES.markers[limit.marker].kind == "measured"
    }
    rows = [
        lab(
            {m: f"{low + (high - low) * n / people:.4f}" for m, (low, high) in highs.items()},
            case_id=f"p{n:03}",
            sample_id=f"s{n}",
        )
        for n in range(people)
    ]
    who = pd.DataFrame(
        {"case_id": [f"p{n:03}" for n in range(people)], "sex": "F", "birth_year": 1984}
    )
    stated = pd.DataFrame({"case_id": [], "date": pd.to_datetime([])})
    scores = interpret_columns(accepted(*rows), who, stated, as_of=AS_OF, rules=RULES).scores
    for marker in highs:
        codes = scores.functional[marker]
        assert set(codes) == {WITHIN, HIGH}
        assert (np.diff(codes) >= 0).all()


@pytest.mark.parametrize("unit", ["mmol/L", "mg/dL"])
@pytest.mark.parametrize("mmol", ["4.5", "5.2", "6.5", "8.0", "12.0"])
def test_a_value_in_another_unit_is_judged_alike(unit: str, mmol: str) -> None:
    number = mmol if unit == "mmol/L" else f"{float(mmol) / 0.05551:.0f}"
    visit = visit_of({"glucose_fasting": number}, units={"glucose_fasting": unit})
    plain = visit_of({"glucose_fasting": mmol})
    assert judgements(visit, "glucose_fasting") == judgements(plain, "glucose_fasting")
