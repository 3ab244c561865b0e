"""The ordered table of phase rules: each vector of the specification, each edge between rules."""

# ruff: noqa: E501 - a drawn table is wider than code

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clinic import RULES, case, judged, lab, only_visit
from drawn import table

from pipeline.interpret import interpret
from pipeline.phase import PHASE_FUNCTIONS

VECTORS = table("""
    id | fpg | ins  | a1c | S | more                  | rule | phase                       | g   | i  | qualifiers
    a  | 4.0 | 52.8 | 36  | 6 |                       | 9    | compensation                | G1  | I2 | established
    b  | 4.7 | 17.4 | 35  | 3 |                       | 9    | compensation                | G1  | I2 | established
    c  | 4.8 | 5.6  | 33  | 1 |                       | 11   | insulin_sensitive           | G0  | I0 |
    d  | 5.0 | 7.0  | 33  | 0 |                       | 10   | compensation                | G0  | I1 | early_signal confidence_low
    e  | 5.8 | 5.0  | 35  | 0 |                       | 8    | indeterminate               | G2A | I0 | no_hyperinsulinaemia
    f  | 5.8 | 12   | 38  | 0 |                       | 6    | decompensation_prediabetes  | G2A | I2 | ada_only
    g  | 6.3 | 14   | 41  | 0 |                       | 4    | decompensation_prediabetes  | G2W | I2 |
    j  | 7.2 | 15   | 50  | 0 |                       | 3    | decompensation_t2d          | G3  | I2 | confirmed_ada
    k  | 7.2 | 15   | 44  | 0 |                       | 3    | decompensation_t2d          | G3  | I2 | provisional
    l  | 5.1 |      | 36  | 0 |                       | 14   | indeterminate               | G1  | I? | missing_insulin
    m  |     |      | 41  | 0 |                       | 7    | indeterminate               | G2A | I? | ada_only missing_insulin
    p  | 5.0 | 20   | 34  | 0 | pregnant=yes          | 1    | indeterminate               | G1  | I2 | pregnancy
    q  | 5.0 | 20   | 34  | 0 | medication=A10BB09    | 5    | indeterminate               | G1  | I2 | medication
    t  | 6.4 | 12   | 40  | 0 | medication=A10BA02    | 4    | decompensation_prediabetes  | G2W | I2 |
    v  | 5.0 | 20   | 33  | 0 | fasting=2             | 14   | indeterminate               | G0  | I? | missing_insulin
    w  |     |      |     | 0 |                       | 15   | indeterminate               | G?  | I? | insufficient_data
    y1 | 5.0 | 8    | 40  | 0 | known_diabetes=t1d    | 2a   | indeterminate               | G2A | I1 | other_diabetes
    y2 | 2.8 | 2    | 33  | 0 |                       | 4b   | indeterminate               | G0  | I? | low_glucose
    y3 | 3.5 | 4    | 33  | 0 |                       | 12   | indeterminate               | G0  | I0 | low_glucose
    y4 | 3.8 | 20   | 33  | 0 |                       | 9    | compensation                | G0  | I2 | low_glucose established
    y5 | 5.0 | 5    | 33  | 0 | random=15             | 3    | decompensation_t2d          | G3  | I0 | provisional
    y6 | 5.0 | 12   | 33  | 0 | random=8.4            | 9    | compensation                | G0  | I2 | established nonfasting_raised
    y7 | 5.0 | 5.0  | 33  | 0 | biotin_last_72h=yes   | 14   | indeterminate               | G0  | I? | missing_insulin
    y8 | 5.0 | 20   | 33  | 0 | biotin_last_72h=yes   | 9    | compensation                | G0  | I2 | established
    y9 | 5.0 | 8    | 44  | 0 | known_diabetes=t2d    | 2    | decompensation_t2d          | G2A | I1 |
""")
NORMAL = {"waist": 70, "sbp": 110, "dbp": 70, "hs_crp": 0.5, "alt": 20, "shbg": 60}
SIGNALS = {"waist": 100, "sbp": 150, "hs_crp": 4, "alt": 90, "shbg": 10}
SIGNALS |= {"triglycerides": 3.0, "hdl": 0.9}


def drawn_visit(vector: dict[str, str]) -> Any:
    """Return the visit of a person with the values of a vector, and as many signals as it says."""
    names = {"fpg": "glucose_fasting", "ins": "insulin_fasting", "a1c": "hba1c"}
    values = {names[name]: vector[name] for name in names if vector[name]}
    raised = dict(list(SIGNALS.items())[: int(vector["S"])])
    if vector["S"] == "6":
        raised = SIGNALS
    key, _, said = vector["more"].partition("=")
    hours = said if key == "fasting" else "10"
    parts = [lab({**values, **NORMAL, **raised}, fasting_hours=hours)]
    if key == "random":
        parts.append(lab({"glucose_random": said}, sample_id="s2", fasting_hours="1"))
    context = {key: [said] if key == "medication" else said} if key in RULES.context else {}
    return only_visit(interpret(case(*parts, context=context), RULES))


@pytest.mark.parametrize("vector", VECTORS.to_dict("records"), ids=VECTORS["id"])
def test_a_vector_of_the_specification_is_classified_as_it_says(vector: dict[str, str]) -> None:
    phase = drawn_visit(vector).phase
    assert (phase.rule, phase.id) == (vector["rule"], vector["phase"])
    assert (phase.g_class, phase.i_class) == (vector["g"], vector["i"])
    assert set(phase.qualifiers) == set(vector["qualifiers"].split())


def test_the_drawn_vectors_are_those_of_the_specification(shared: Path) -> None:
    told = json.loads((shared / "clinical/examples.json").read_text())["phase_vectors"]
    assert {one["id"] for one in told} == set(VECTORS["id"])
    drawn = VECTORS.set_index("id")
    for one in told:
        row, given, expected = drawn.loc[one["id"]], one["input"], one["expected"]
        assert [float(row[k]) if row[k] else None for k in ("fpg", "ins", "a1c")] == [
            given.get(k) for k in ("fpg", "ins", "a1c")
        ]
        assert int(row["S"]) == given.get("S", 0)
        assert (row["rule"], row["phase"], row["g"], row["i"]) == (
            expected["rule"],
            expected["phase"],
            expected["G"],
            expected["I"],
        )
        assert set(row["qualifiers"].split()) == set(expected["flags"])


def test_every_rule_of_the_table_is_reached_by_a_vector_or_a_case_here() -> None:
    reached = set(VECTORS["rule"]) | {"13"}
    assert reached == set(PHASE_FUNCTIONS)


def phase_of(values: dict[str, Any], **more: Any) -> Any:
    parts = [lab({**NORMAL, **values}, units=more.pop("units", None))]
    return only_visit(interpret(case(*parts, **more), RULES)).phase


def test_a_very_low_glucose_counts_though_a_later_result_of_the_visit_is_not_low() -> None:
    parts = [lab({"glucose_random": value}, sample_id=f"s{value}") for value in (2.9, 5.0)]
    assert only_visit(interpret(case(*parts), RULES)).phase.rule == "4b"


def test_hba1c_alone_slightly_raised_is_rule_13() -> None:
    phase = phase_of({"glucose_fasting": 5.0, "insulin_fasting": 4, "hba1c": 34})
    assert (phase.rule, phase.qualifiers) == ("13", ("hba1c_only",))


@pytest.mark.parametrize(
    ("glucose", "unit", "g_class"),
    [
        ("5.59", "mmol/L", "G0"),
        ("5.6", "mmol/L", "G2A"),
        ("5.55", "mmol/L", "G0"),  # prints as 5.6, but is under it
        ("6.09", "mmol/L", "G2A"),
        ("6.1", "mmol/L", "G2W"),
        ("6.99", "mmol/L", "G2W"),
        ("7.0", "mmol/L", "G3"),
        ("99", "mg/dL", "G0"),
        ("100", "mg/dL", "G2A"),
        ("109", "mg/dL", "G2A"),
        ("110", "mg/dL", "G2W"),
        ("125", "mg/dL", "G2W"),
        ("126", "mg/dL", "G3"),  # 6.994 mmol/L: compared as reported
    ],
)
def test_glucose_is_classified_in_the_unit_it_was_reported_in(
    glucose: str, unit: str, g_class: str
) -> None:
    values = {"glucose_fasting": glucose, "hba1c": "33"}
    assert phase_of(values, units={"glucose_fasting": unit}).g_class == g_class


@pytest.mark.parametrize(
    ("percent", "g_class"), [("5.2", "G0"), ("5.3", "G1"), ("5.7", "G2A"), ("6.5", "G3")]
)
def test_hba1c_in_percent_is_judged_as_a_whole_mmol_per_mol(percent: str, g_class: str) -> None:
    phase = phase_of({"hba1c": percent}, units={"hba1c": "%"})
    assert phase.g_class == g_class


@pytest.mark.parametrize(
    ("insulin", "i_class"), [("6", "I0"), ("6.1", "I1"), (">6", "I1"), ("<6", "I0"), ("<9", "I?")]
)
def test_a_censored_insulin_counts_only_as_far_as_it_is_certain(insulin: str, i_class: str) -> None:
    phase = phase_of({"glucose_fasting": 4.5, "insulin_fasting": insulin, "hba1c": 33})
    assert phase.i_class == i_class


@pytest.mark.parametrize(("insulin", "i_class"), [("5", "I?"), ("8", "I1"), ("40", "I2")])
def test_a_haemolysed_insulin_is_a_lower_bound(insulin: str, i_class: str) -> None:
    rows = lab(
        {"glucose_fasting": 5.0, "insulin_fasting": insulin, "hba1c": 33}, haemolysis="trace"
    )
    assert only_visit(interpret(case(rows), RULES)).phase.i_class == i_class


@pytest.mark.parametrize(
    ("pmol", "i_class", "sensitive"),
    [("35.9", "I0", False), ("36.6", "I0", True), ("41.5", "I0", True), ("41.8", "I1", False)],
)
def test_insulin_of_an_unknown_pmol_factor_takes_the_milder_class_and_says_so(
    pmol: str, i_class: str, sensitive: bool
) -> None:
    values = {"glucose_fasting": 4.0, "insulin_fasting": pmol, "hba1c": 33}
    phase = phase_of(values, units={"insulin_fasting": "pmol/L"})
    assert phase.i_class == i_class
    assert ("insulin_unit_sensitive" in phase.qualifiers) is sensitive
    assert phase.confidence == "low" or not sensitive


def test_confidence_is_high_only_when_repeated_supported_and_all_context_is_stated() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 36, **NORMAL, **SIGNALS}
    first = lab(values, date="2024-01-01", sample_id="s1")
    again = lab(values, date="2024-04-01", sample_id="s2")
    phases = [visit.phase for visit in interpret(case(first, again), RULES).visits]
    assert [phase.confidence for phase in phases] == ["moderate", "high"]
    unstated = case(first, again, context={"pregnant": "unknown"})
    assert interpret(unstated, RULES).visits[1].phase.confidence == "moderate"


def test_an_unknown_biotin_takes_confidence_one_step_down() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 36}
    assert phase_of(values).confidence == "moderate"
    assert phase_of(values, context={"biotin_last_72h": "unknown"}).confidence == "low"


def test_fewer_than_three_known_signals_leave_low_confidence() -> None:
    rows = lab({"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 36, "waist": 70})
    assert only_visit(interpret(case(rows), RULES)).phase.confidence == "low"


def test_a_low_haemoglobin_takes_hba1c_out_and_a_raised_ferritin_does_not() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 4, "hba1c": 44}
    assert phase_of(values).g_class == "G2A"
    anaemic = phase_of({**values, "haemoglobin": 6.0})
    assert (anaemic.g_class, anaemic.excluded) == ("G0", (("hba1c", "hba1c-unreliable"),))
    assert phase_of({**values, "ferritin": 280}).g_class == "G2A"
    assert phase_of({**values, "ferritin": 8}).g_class == "G0"


@pytest.mark.parametrize(
    "block",
    [
        {"glucose_random": 8.0},
        {"cgm_active": 90, "cgm_tar": 0.6},
        {"cgm_active": 90, "cgm_mean": 6.6},
    ],
)
def test_what_contradicts_insulin_sensitivity_blocks_it(block: dict[str, Any]) -> None:
    calm = {"glucose_fasting": 4.8, "insulin_fasting": 5, "hba1c": 33}
    assert phase_of(calm).rule == "11"
    blocked = phase_of({**calm, **block})
    assert blocked.rule == "12"
    assert "discordant" in blocked.qualifiers


def test_a_cgm_with_too_little_data_blocks_nothing() -> None:
    calm = {"glucose_fasting": 4.8, "insulin_fasting": 5, "hba1c": 33}
    assert phase_of({**calm, "cgm_active": 60, "cgm_tar": 5}).rule == "11"


def test_meter_glucose_is_part_of_no_class() -> None:
    rows = lab({"glucose_random": 15}, specimen="meter")
    phase = only_visit(interpret(case(rows), RULES)).phase
    assert (phase.g_class, phase.rule) == ("G?", "15")


def test_a_steroid_takes_away_a_confirmation() -> None:
    values = {"glucose_fasting": 7.2, "insulin_fasting": 15, "hba1c": 50}
    phase = phase_of(values, context={"medication": ["H02AB07"]})
    assert set(phase.qualifiers) == {"provisional", "steroid"}


def test_a_second_diabetes_range_value_on_another_date_confirms() -> None:
    first = lab({"glucose_fasting": 7.2}, date="2024-01-01", sample_id="s1")
    again = lab({"glucose_fasting": 7.3}, date="2024-03-01", sample_id="s2")
    phases = [visit.phase for visit in interpret(case(first, again), RULES).visits]
    assert [phase.qualifiers for phase in phases] == [("provisional",), ("confirmed_ada",)]


def test_men_have_five_supporting_signals() -> None:
    rows = lab({**NORMAL, **SIGNALS, "glucose_fasting": 5.0, "insulin_fasting": 20})
    phase = only_visit(interpret(case(rows, sex="M"), RULES)).phase
    assert phase.supporting_known == 5
    assert phase.signals["shbg"] is None


def test_a_person_alone_and_among_others_is_classified_alike() -> None:
    """One path for one person and for many: the columns of a cohort are those of its cases."""
    import pandas as pd
    from clinic import AS_OF, accepted

    from pipeline.interpret import interpret_columns

    stated = pd.DataFrame({"case_id": [], "date": pd.to_datetime([])})
    parts, alone = [], []
    for number, vector in enumerate(VECTORS.head(9).to_dict("records")):
        values = {"glucose_fasting": vector["fpg"], "insulin_fasting": vector["ins"]}
        rows = lab({**values, "hba1c": vector["a1c"]}, case_id=f"p{number}", sample_id=f"s{number}")
        parts.append(rows)
        people = pd.DataFrame({"case_id": [f"p{number}"], "sex": ["F"], "birth_year": [1984]})
        one = interpret_columns(accepted(rows), people, stated, as_of=AS_OF, rules=RULES)
        alone.append(one.phases.rule[0])
    everybody = pd.DataFrame(
        {"case_id": [f"p{n}" for n in range(9)], "sex": "F", "birth_year": 1984}
    )
    together = interpret_columns(accepted(*parts), everybody, stated, as_of=AS_OF, rules=RULES)
    np.testing.assert_array_equal(together.phases.rule, alone)


def test_a_person_without_any_value_is_judged_without_error() -> None:
    nothing = judged(case(visits=({"date": "2024-01-01"},)))
    assert list(nothing.phases.rule) == ["15"]


def test_a_bound_takes_nothing_from_a_class_that_is_certain() -> None:
    values = {"glucose_fasting": 6.5, "insulin_fasting": 14, "hba1c": ">45"}
    assert phase_of(values).g_class == "G2W"
    assert phase_of({"hba1c": ">30"}).g_class == "G?"
