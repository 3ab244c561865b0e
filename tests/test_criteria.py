"""What published definitions make of a visit: every edge, every sex, and never a guessed normal."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinic import RULES, accepted, case, judged, lab

from pipeline.criteria import DEFINED_BY, DEFINITIONS, Classified, apply_criteria
from pipeline.interpret import Judged, interpret, interpret_columns
from pipeline.language import Language
from pipeline.model import CaseInput, Classification
from pipeline.narrate.classifications import classifications
from pipeline.narrate.telling import Telling
from pipeline.rules.loader import Rules

MG = {"glucose_fasting": "mg/dL", "glucose_random": "mg/dL", "glucose_meter": "mg/dL",
      "glucose_ogtt_120": "mg/dL", "triglycerides": "mg/dL", "hdl": "mg/dL"}  # fmt: skip
INSULIN, GLICLAZIDE, METFORMIN, PREDNISONE, PILL = (
    "A10AB05", "A10BB09", "A10BA02", "H02AB07", "G03AA07")  # fmt: skip


def at_last(one: CaseInput) -> dict[str, tuple[str, dict[str, bool | None], set[str]]]:
    """Return result, criteria and notes of each definition at the last visit."""
    return {id: told(found, -1) for id, found in apply_criteria(judged(one).readings).items()}


def told(found: Classified, at: int) -> tuple[str, dict[str, bool | None], set[str]]:
    criteria = {
        name: None if answer[at] is pd.NA else bool(answer[at])
        for name, answer in found.criteria.items()
    }
    return str(found.result[at]), criteria, {n for n, where in found.notes.items() if where[at]}


def asked(
    id: str, values: Mapping[str, Any], *, sex: str | None = "F", birth_year: int = 1984,
    units: Mapping[str, str] | None = None, **context: Any
) -> tuple[str, dict[str, bool | None], set[str]]:  # fmt: skip
    """Return what definition ``id`` makes of one fasting sample and a context."""
    person = case(lab(values, units=units), sex=sex, birth_year=birth_year, context=context)
    return at_last(person)[id]


def result(id: str, values: Mapping[str, Any], **more: Any) -> str:
    return asked(id, values, **more)[0]


def notes(id: str, values: Mapping[str, Any], **more: Any) -> set[str]:
    return asked(id, values, **more)[2]


# Glycaemia.


@pytest.mark.parametrize(
    ("values", "ada", "nhg"),
    [
        ({"glucose_fasting": 5.59}, "normal", "normal"),
        ({"glucose_fasting": 5.6}, "prediabetes", "normal"),
        ({"glucose_fasting": 6.09}, "prediabetes", "normal"),
        ({"glucose_fasting": 6.1}, "prediabetes", "ifg"),
        ({"glucose_fasting": 6.95}, "prediabetes", "ifg"),
        ({"glucose_fasting": 7.0}, "diabetes", "diabetes"),
        ({"glucose_ogtt_120": 7.79}, "normal", "normal"),
        ({"glucose_ogtt_120": 7.8}, "prediabetes", "igt"),
        ({"glucose_ogtt_120": 11.05}, "prediabetes", "igt"),
        ({"glucose_ogtt_120": 11.1}, "diabetes", "diabetes"),
        ({"hba1c": 38}, "normal", ""),
        ({"hba1c": 39}, "prediabetes", ""),
        ({"hba1c": 47}, "prediabetes", ""),
        ({"hba1c": 48}, "diabetes", ""),
        ({"hba1c": 50, "glucose_fasting": 5.0}, "diabetes", "normal"),
        ({"glucose_fasting": 6.5, "glucose_ogtt_120": 8.0}, "prediabetes", "igt"),
        ({"glucose_random": 7.7}, "", "normal"),
        ({"glucose_random": 7.8}, "", ""),
        ({"glucose_random": 11.1}, "", ""),
        ({"glucose_fasting": 5.0, "glucose_random": 7.8}, "normal", ""),
        ({"glucose_fasting": 5.0, "glucose_random": 11.1}, "", ""),
        ({"glucose_meter": 15}, "", ""),
        ({"triglycerides": 1.0}, "", ""),
    ],
)
def test_glycaemia_is_classed_by_the_ada_and_by_the_nhg(
    values: dict[str, float], ada: str, nhg: str
) -> None:
    found = at_last(case(lab(values)))
    assert (found["glycaemia_ada"][0], found["glycaemia_nhg"][0]) == (ada, nhg)


@pytest.mark.parametrize(
    ("marker", "value", "ada", "nhg"),
    [
        ("glucose_fasting", 99, "normal", "normal"),
        ("glucose_fasting", 100, "prediabetes", "normal"),  # 5.551 mmol/L
        ("glucose_fasting", 109, "prediabetes", "normal"),
        ("glucose_fasting", 110, "prediabetes", "ifg"),
        ("glucose_fasting", 125, "prediabetes", "ifg"),
        ("glucose_fasting", 126, "diabetes", "diabetes"),  # 6.994 mmol/L
        ("glucose_ogtt_120", 139, "normal", "normal"),
        ("glucose_ogtt_120", 140, "prediabetes", "igt"),
        ("glucose_ogtt_120", 200, "diabetes", "diabetes"),
        ("glucose_random", 140, "", ""),
    ],
)
def test_a_glucose_in_mg_dl_is_classed_by_the_limit_in_mg_dl(
    marker: str, value: float, ada: str, nhg: str
) -> None:
    assert result("glycaemia_ada", {marker: value}, units=MG) == ada
    assert result("glycaemia_nhg", {marker: value}, units=MG) == nhg


def test_a_bound_that_straddles_a_limit_gives_no_class() -> None:
    assert result("glycaemia_ada", {"glucose_fasting": "<6.0"}) == ""
    assert result("glycaemia_ada", {"glucose_fasting": "<6.0", "hba1c": 33}) == ""
    assert result("glycaemia_nhg", {"glucose_fasting": "<6.0"}) == "normal"
    assert result("glycaemia_ada", {"glucose_fasting": ">7.5"}) == "diabetes"


@pytest.mark.parametrize(
    ("values", "context", "ada", "nhg"),
    [
        ({"glucose_fasting": 7.2}, {}, "unconfirmed", "unconfirmed"),
        ({"glucose_fasting": 7.2, "hba1c": 50}, {}, "confirmed", "unconfirmed"),
        ({"glucose_fasting": 7.2, "hba1c": 44}, {}, "unconfirmed", "unconfirmed"),
        ({"glucose_random": 12}, {"symptoms": ["polyuria"]}, "confirmed", "confirmed"),
        ({"glucose_fasting": 7.2, "hba1c": 50}, {"acute_illness_14d": "yes"},
         "unconfirmed", "unconfirmed"),
        ({"glucose_fasting": 7.2, "hba1c": 50}, {"medication": [PREDNISONE]},
         "unconfirmed", "unconfirmed"),
    ],
)  # fmt: skip
def test_two_values_of_a_sample_confirm_for_the_ada_and_never_for_the_nhg(
    values: dict[str, float], context: dict[str, Any], ada: str, nhg: str
) -> None:
    found = at_last(case(lab(values), context=context))
    confirmation = {"confirmed", "unconfirmed"}
    assert found["glycaemia_ada"][2] & confirmation == {ada}
    assert found["glycaemia_nhg"][2] & confirmation == {nhg}


def on(date: str, values: Mapping[str, Any]) -> pd.DataFrame:
    return lab(values, date=date, sample_id=date)


def test_plasma_glucose_on_two_days_confirms_for_both_and_twice_a_day_for_neither() -> None:
    days = case(
        on("2024-01-01", {"glucose_fasting": 7.2}), on("2024-01-08", {"glucose_fasting": 7})
    )
    assert "confirmed" in at_last(days)["glycaemia_nhg"][2]
    assert "confirmed" in at_last(days)["glycaemia_ada"][2]
    months = case(
        on("2024-01-01", {"glucose_fasting": 7.2}), on("2024-06-01", {"glucose_fasting": 7.4})
    )
    assert "confirmed" in at_last(months)["glycaemia_nhg"][2]
    first = apply_criteria(judged(months).readings)["glycaemia_nhg"]
    assert "unconfirmed" in told(first, 0)[2]
    once = case(
        on("2024-01-01T08:00", {"glucose_fasting": 7.2}),
        on("2024-01-01T09:00", {"glucose_fasting": 7.4}),
    )
    assert "unconfirmed" in at_last(once)["glycaemia_nhg"][2]
    assert "unconfirmed" in at_last(once)["glycaemia_ada"][2]


def test_hba1c_on_another_day_does_not_confirm_for_the_nhg() -> None:
    days = case(on("2024-01-01", {"hba1c": 50}), on("2024-01-08", {"glucose_fasting": 7.2}))
    assert "unconfirmed" in at_last(days)["glycaemia_nhg"][2]
    assert "confirmed" in at_last(days)["glycaemia_ada"][2]


def test_the_worst_of_all_results_of_a_visit_is_classed() -> None:
    days = case(
        on("2024-01-01", {"glucose_fasting": 6.3}), on("2024-01-05", {"glucose_fasting": 5})
    )
    found = at_last(days)
    assert (found["glycaemia_ada"][0], found["glycaemia_nhg"][0]) == ("prediabetes", "ifg")


@pytest.mark.parametrize(
    ("values", "differ"),
    [
        ({"glucose_fasting": 5.5}, False),
        ({"glucose_fasting": 5.6}, True),
        ({"glucose_fasting": 6.0}, True),
        ({"glucose_fasting": 6.1}, False),
        ({"glucose_fasting": 5.0, "hba1c": 38}, False),
        ({"glucose_fasting": 5.0, "hba1c": 39}, True),
        ({"glucose_fasting": 5.0, "hba1c": 47}, True),
        ({"hba1c": 41}, False),
    ],
)
def test_it_is_said_where_ada_and_nhg_differ(values: dict[str, float], differ: bool) -> None:
    for id in ("glycaemia_ada", "glycaemia_nhg"):
        assert ("disagree" in notes(id, values)) is differ


def test_what_the_nhg_does_not_use_or_asks_for_is_said() -> None:
    assert "hba1c-not-used" in notes("glycaemia_nhg", {"hba1c": 41})
    assert "repeat-fasting" in notes("glycaemia_nhg", {"glucose_random": 7.8})
    assert "repeat-fasting" in notes("glycaemia_nhg", {"glucose_random": 11.0})
    assert "repeat-fasting" not in notes("glycaemia_nhg", {"glucose_random": 11.1})
    assert "repeat-fasting" not in notes("glycaemia_nhg", {"glucose_random": 7.7})
    assert "random-only" in notes("glycaemia_nhg", {"glucose_random": 7.7})


def test_known_diabetes_and_a_medicine_are_never_called_normal() -> None:
    for id in ("glycaemia_ada", "glycaemia_nhg"):
        values = {"glucose_fasting": 5.0}
        assert asked(id, values, known_diabetes="t2d")[::2] == ("", {"known-diabetes"})
        assert asked(id, values, medication=[METFORMIN])[::2] == ("", {"medication"})
    assert result("glycaemia_ada", {"glucose_fasting": 6.3}, known_diabetes="t2d") == ""
    assert result("glycaemia_ada", {"glucose_fasting": 7.3}, known_diabetes="t2d") == "diabetes"
    assert (
        result("glycaemia_ada", {"glucose_fasting": 6.3}, medication=[METFORMIN]) == "prediabetes"
    )


def test_an_unreliable_hba1c_and_an_ogtt_that_did_not_begin_fasting_do_not_count() -> None:
    anaemic = asked("glycaemia_ada", {"hba1c": 41, "haemoglobin": 5.5})
    assert anaemic[0] == "" and "hba1c-unreliable" in anaemic[2]
    fed = at_last(case(lab({"glucose_ogtt_120": 12}, fasting_hours="2")))
    assert fed["glycaemia_ada"][::2] == ("", {"not-fasting"})


@pytest.mark.parametrize(
    ("context", "withheld"),
    [
        ({"pregnant": "yes"}, True),
        ({"postpartum_weeks": 11}, True),
        ({"postpartum_weeks": 12}, False),
        ({"pregnant": "unknown"}, False),
    ],
)
def test_in_pregnancy_and_twelve_weeks_after_nothing_is_classed(
    context: dict[str, Any], withheld: bool
) -> None:
    values = {"glucose_fasting": 7.5, "hba1c": 50, "waist": 100, "triglycerides": 2.0, "hdl": 1.0,
              "hs_crp": 2.0}  # fmt: skip
    found = at_last(case(lab(values), context=context))
    for id in ("glycaemia_ada", "glycaemia_nhg", "metabolic_syndrome", "hs_crp"):
        assert (found[id][0] == "") is withheld
        assert ("pregnancy" in found[id][2]) is withheld
        if withheld:
            assert found[id][2] == {"pregnancy"}
            assert set(found[id][1].values()) <= {None}


# The metabolic syndrome.


@pytest.mark.parametrize(
    ("values", "context", "met", "known"),
    [
        ({"glucose_fasting": 5.0}, {}, 0, 1),
        ({"glucose_fasting": 5.0}, {"medication": [METFORMIN]}, 1, 1),
        ({"glucose_fasting": 5.0}, {"glucose_drug": "yes"}, 1, 1),
        ({"sbp": 120}, {}, 0, 0),
        ({"sbp": 135}, {}, 1, 1),
        ({"dbp": 80}, {}, 0, 0),
        ({"sbp": 120, "dbp": 80}, {}, 0, 1),
        ({"sbp": 120}, {"bp_drug": "yes"}, 1, 1),
        ({"sbp": 120}, {"bp_drug": "no"}, 0, 0),
    ],
)
def test_a_criterion_of_the_metabolic_syndrome_counts_only_where_it_is_known(
    values: dict[str, Any], context: dict[str, Any], met: int, known: int
) -> None:
    found = apply_criteria(judged(case(lab(values), context=context)).readings)
    syndrome = found["metabolic_syndrome"]
    assert [int(syndrome.met[0]), int(syndrome.known[0])] == [met, known]


@pytest.mark.parametrize(
    ("sex", "criterion", "values", "units", "met"),
    [
        ("F", "waist", {"waist": 79.9}, {}, False),
        ("F", "waist", {"waist": 80.0}, {}, True),
        ("M", "waist", {"waist": 93.9}, {}, False),
        ("M", "waist", {"waist": 94.0}, {}, True),
        (None, "waist", {"waist": 94.0}, {}, None),
        ("F", "triglycerides", {"triglycerides": 1.69}, {}, False),
        ("F", "triglycerides", {"triglycerides": 1.7}, {}, True),
        ("F", "triglycerides", {"triglycerides": 149}, MG, False),
        ("F", "triglycerides", {"triglycerides": 150}, MG, True),
        ("F", "hdl", {"hdl": 1.3}, {}, False),
        ("F", "hdl", {"hdl": 1.29}, {}, True),
        ("M", "hdl", {"hdl": 1.0}, {}, False),
        ("M", "hdl", {"hdl": 0.99}, {}, True),
        ("F", "hdl", {"hdl": 50}, MG, False),
        ("F", "hdl", {"hdl": 49}, MG, True),
        ("M", "hdl", {"hdl": 39}, MG, True),
        ("F", "blood_pressure", {"sbp": 129, "dbp": 84}, {}, False),
        ("F", "blood_pressure", {"sbp": 130}, {}, True),
        ("F", "blood_pressure", {"dbp": 85}, {}, True),
        ("F", "glucose", {"glucose_fasting": 5.59}, {}, False),
        ("F", "glucose", {"glucose_fasting": 5.6}, {}, True),
        ("F", "glucose", {"glucose_fasting": 100}, MG, True),
        ("F", "glucose", {"glucose_random": 9.0}, {}, None),
    ],
)
def test_a_criterion_of_the_metabolic_syndrome_is_met_at_its_edge(
    sex: str | None, criterion: str, values: dict[str, float], units: dict[str, str],
    met: bool | None,
) -> None:  # fmt: skip
    assert asked("metabolic_syndrome", values, sex=sex, units=units)[1][criterion] is met


def test_three_criteria_make_the_syndrome_and_three_that_are_not_met_exclude_it() -> None:
    three = {"waist": 90, "triglycerides": 2.0, "hdl": 1.0}
    assert result("metabolic_syndrome", three) == "met"
    two = {"waist": 90, "triglycerides": 2.0, "hdl": 1.5}
    assert result("metabolic_syndrome", two) == ""
    assert result("metabolic_syndrome", {**two, "sbp": 120, "dbp": 80}) == ""
    normal = {"sbp": 120, "dbp": 80, "glucose_fasting": 5.0}
    assert result("metabolic_syndrome", {**two, **normal}) == "not_met"


def test_the_american_waist_is_told_where_it_differs() -> None:
    three = {"triglycerides": 2.0, "hdl": 1.0, "sbp": 120, "dbp": 80, "glucose_fasting": 5.0}
    differ = {"aha-waist", "aha-not-met"}
    for waist, expected in ((79, set()), (80, differ), (87.9, differ), (88, set())):
        assert notes("metabolic_syndrome", {**three, "waist": waist}) & differ == expected
    men = {**three, "hdl": 0.9}
    for waist, expected in ((94, differ), (101.9, differ), (102, set())):
        assert notes("metabolic_syndrome", {**men, "waist": waist}, sex="M") & differ == expected
    four = {**three, "sbp": 140, "waist": 84}
    assert notes("metabolic_syndrome", four) & differ == {"aha-waist"}


def test_the_cut_off_follows_ethnicity_and_says_so() -> None:
    waist = {"waist": 91}
    assert asked("metabolic_syndrome", waist, sex="M")[1]["waist"] is False
    assert "ethnicity-unknown" in notes("metabolic_syndrome", waist, sex="M")
    asian = asked("metabolic_syndrome", waist, sex="M", ethnicity="asian")
    assert asian[1]["waist"] is True and "ethnicity-asian" in asian[2]
    low = asked("metabolic_syndrome", {"waist": 89.9}, sex="M", ethnicity="asian")
    assert low[1]["waist"] is False
    europid = notes("metabolic_syndrome", waist, sex="M", ethnicity="europid")
    assert not any(note.startswith("ethnicity") for note in europid)
    assert "ethnicity-other" in notes("metabolic_syndrome", waist, ethnicity="other")


# Fatty liver.

THIN = {"weight": 60, "height": 170, "waist": 75, "sbp": 120, "dbp": 80, "triglycerides": 1.0,
        "hdl": 1.6, "glucose_fasting": 5.0, "hba1c": 33}  # fmt: skip
SEEN = {"steatosis_imaging": "yes", "alcohol_g_week": 0}


@pytest.mark.parametrize(
    ("sex", "risk", "values", "units", "met"),
    [
        ("F", "weight", {"waist": 80.0}, {}, False),
        ("F", "weight", {"waist": 80.1}, {}, True),
        ("M", "weight", {"waist": 94.0}, {}, False),
        ("M", "weight", {"waist": 94.1}, {}, True),
        ("F", "weight", {"weight": 72.25}, {}, True),  # BMI 25
        ("F", "weight", {"weight": 72.2}, {}, False),
        ("F", "glucose", {"glucose_fasting": 5.59}, {}, False),
        ("F", "glucose", {"glucose_fasting": 5.6}, {}, True),
        ("F", "glucose", {"glucose_fasting": 100}, MG, True),
        ("F", "glucose", {"glucose_ogtt_120": 7.8}, {}, True),
        ("F", "glucose", {"hba1c": 39}, {}, True),
        ("F", "blood_pressure", {"sbp": 130}, {}, True),
        ("F", "blood_pressure", {"dbp": 85}, {}, True),
        ("F", "triglycerides", {"triglycerides": 1.69}, {}, False),
        ("F", "triglycerides", {"triglycerides": 1.7}, {}, True),
        ("F", "triglycerides", {"triglycerides": 150}, MG, True),
        ("F", "hdl", {"hdl": 1.3}, {}, True),
        ("F", "hdl", {"hdl": 1.31}, {}, False),
        ("M", "hdl", {"hdl": 1.0}, {}, True),
        ("M", "hdl", {"hdl": 1.01}, {}, False),
        ("F", "hdl", {"hdl": 50}, MG, True),
        ("M", "hdl", {"hdl": 41}, MG, False),
    ],
)
def test_one_metabolic_risk_at_its_edge_makes_masld_of_steatosis_that_was_seen(
    sex: str, risk: str, values: dict[str, float], units: dict[str, str], met: bool
) -> None:
    used = {name: unit for name, unit in units.items() if name in values}
    found = asked("masld", {**THIN, **values}, sex=sex, units=used, **SEEN)
    assert found[1][risk] is met
    assert found[0] == ("met" if met else "not_met")


def test_the_bmi_of_asian_people_counts_from_23() -> None:
    assert result("masld", {**THIN, "weight": 66.47}, ethnicity="asian", **SEEN) == "met"
    assert result("masld", {**THIN, "weight": 66.4}, ethnicity="asian", **SEEN) == "not_met"
    assert result("mafld", {**THIN, "weight": 66.47}, ethnicity="asian", **SEEN) == "met"
    assert result("mafld", {**THIN, "weight": 66.47}, **SEEN) != "met"


@pytest.mark.parametrize(
    ("sex", "grams", "group"),
    [
        ("F", 139.9, "met"), ("F", 140, "metald"), ("F", 350, "metald"), ("F", 350.1, "alcohol"),
        ("M", 209.9, "met"), ("M", 210, "metald"), ("M", 420, "metald"), ("M", 420.1, "alcohol"),
    ],
)  # fmt: skip
def test_alcohol_decides_the_group(sex: str, grams: float, group: str) -> None:
    context = {"steatosis_imaging": "yes", "alcohol_g_week": grams}
    assert result("masld", {**THIN, "triglycerides": 2.0}, sex=sex, **context) == group


def test_an_unknown_alcohol_use_leaves_masld_open_and_says_so() -> None:
    found = asked("masld", {**THIN, "triglycerides": 2.0}, steatosis_imaging="yes")
    assert found[0] == "" and "alcohol-unknown" in found[2]


def test_without_imaging_a_score_only_fits_and_imaging_decides() -> None:
    heavy = {**THIN, "weight": 95, "waist": 108, "triglycerides": 1.9, "ggt": 58}  # FLI over 60
    for id in ("masld", "mafld"):
        assert result(id, heavy) == "score_fits"
        assert result(id, heavy, steatosis_imaging="no") == "not_met"
        assert result(id, heavy, **SEEN) == "met"
        assert result(id, THIN, steatosis_imaging="no") == "not_met"
        assert result(id, THIN) == ""
        assert result(id, {"alt": 90}) == ""
    assert "alcohol-above" in notes("masld", heavy, alcohol_g_week=300)
    assert "fli-low" in notes("masld", {**THIN, "ggt": 10})


def test_a_treated_risk_is_unknown_and_never_absent() -> None:
    for drug, risk in (("bp_drug", "blood_pressure"), ("tg_drug", "triglycerides"),
                       ("hdl_drug", "hdl"), ("glucose_drug", "glucose")):  # fmt: skip
        found = asked("masld", THIN, **SEEN, **{drug: "yes"})
        assert found[1][risk] is None and found[0] == "" and "treated" in found[2]
    assert asked("masld", THIN, **SEEN, known_diabetes="t2d")[1]["glucose"] is True


def test_masld_is_excluded_only_where_every_risk_is_known() -> None:
    for marker in ("weight", "waist", "sbp", "triglycerides", "hdl", "glucose_fasting", "hba1c"):
        values = {name: value for name, value in THIN.items() if name != marker}
        assert result("masld", values, **SEEN) == "", marker


@pytest.mark.parametrize(
    ("sex", "risk", "values", "met"),
    [
        ("F", "waist", {"waist": 87.9}, False),
        ("F", "waist", {"waist": 88.0}, True),
        ("M", "waist", {"waist": 101.9}, False),
        ("M", "waist", {"waist": 102.0}, True),
        ("F", "hdl", {"hdl": 1.3}, False),
        ("F", "hdl", {"hdl": 1.29}, True),
        ("F", "prediabetes", {"hba1c": 39}, True),
        ("F", "prediabetes", {"glucose_fasting": 5.6}, True),
        ("F", "homa_ir", {"insulin_fasting": 11.2}, False),
        ("F", "homa_ir", {"insulin_fasting": 11.25}, True),  # 5.0 x 11.25 / 22.5 = 2.5
        ("F", "hs_crp", {"hs_crp": 2.0}, False),
        ("F", "hs_crp", {"hs_crp": 2.1}, True),
        ("F", "hs_crp", {"hs_crp": 10.0}, True),
        ("F", "hs_crp", {"hs_crp": 10.1}, None),
    ],
)
def test_mafld_needs_two_risks_where_there_is_no_overweight(
    sex: str, risk: str, values: dict[str, float], met: bool | None
) -> None:
    calm = {**THIN, "insulin_fasting": 5, "hs_crp": 0.5}
    found = asked("mafld", {**calm, **values}, sex=sex, **SEEN)
    assert found[1][risk] is met
    assert found[0] == "not_met"
    second = {**calm, "triglycerides": 1.7, **values}
    expected = {True: "met", False: "not_met", None: ""}[met]
    assert result("mafld", second, sex=sex, **SEEN) == expected


def test_overweight_or_type_2_diabetes_alone_makes_mafld() -> None:
    assert result("mafld", {**THIN, "weight": 72.25}, **SEEN) == "met"
    assert result("mafld", THIN, **SEEN, known_diabetes="t2d") == "met"
    assert result("mafld", THIN, **SEEN, known_diabetes="unknown") == ""


def test_the_homa_ir_of_somebody_on_insulin_or_gliclazide_is_not_used() -> None:
    values = {**THIN, "insulin_fasting": 30, "hs_crp": 3}
    assert result("mafld", values, **SEEN) == "met"
    for drug in (INSULIN, GLICLAZIDE):
        found = asked("mafld", values, **SEEN, medication=[drug])
        assert found[1]["homa_ir"] is None and "homa-not-used" in found[2]
        assert found[0] == ""


# PCOS.


@pytest.mark.parametrize(
    ("context", "met"),
    [
        ({"cycle": "irregular"}, True),
        ({"cycle": "absent"}, True),
        ({"cycle": "regular", "hormonal_contraception_3m": "no"}, False),
        ({"cycle": "regular", "hormonal_contraception_3m": "yes"}, None),
        ({"cycle_length_days": 20}, True),
        ({"cycle_length_days": 21}, False),
        ({"cycle_length_days": 35}, False),
        ({"cycle_length_days": 36}, True),
        ({"cycle": "irregular", "lactating": "yes"}, None),
        ({}, None),
    ],
)
def test_a_cycle_outside_21_to_35_days_or_called_irregular_counts(
    context: dict[str, Any], met: bool | None
) -> None:
    assert asked("pcos", {"tsh": 2.0}, **context)[1]["cycle"] is met


@pytest.mark.parametrize(
    ("values", "context", "met"),
    [
        ({"testosterone_total": 1.8}, {}, True),
        ({"testosterone_total": 1.7}, {"hormonal_contraception_3m": "no"}, None),
        (
            {"testosterone_total": 1.7},
            {"hormonal_contraception_3m": "no", "hirsutism": "no"},
            False,
        ),
        ({"testosterone_total": 1.7}, {"hirsutism": "no"}, None),
        ({"testosterone_total": 1.8}, {"hormonal_contraception_3m": "yes"}, None),
        ({"testosterone_total": 1.8}, {"medication": [PILL]}, None),
        ({"testosterone_total": 1.8}, {"oestrogen_use": "yes"}, None),
        ({"testosterone_total": 1.8}, {"sex_hormone_therapy": "yes"}, None),
        ({"testosterone_total": 1.0}, {"hirsutism": "yes"}, True),
        ({"testosterone_total": 1.6, "shbg": 32}, {}, None),  # FAI 5
        ({"testosterone_total": 1.6, "shbg": 31}, {}, True),
        ({"androstenedione": 7.1}, {}, True),
    ],
)
def test_androgens_count_unless_a_hormone_hides_them(
    values: dict[str, float], context: dict[str, Any], met: bool | None
) -> None:
    assert asked("pcos", values, **context)[1]["hyperandrogenism"] is met


def amh(value: float, **more: Any) -> bool | None:
    person = case(lab({"amh": value}, ref_high="7.0"), context={"cycle": "irregular"}, **more)
    return at_last(person)["pcos"][1]["ovaries"]


def test_ovaries_are_judged_by_ultrasound_else_by_amh_and_not_in_adolescents() -> None:
    assert asked("pcos", {}, cycle="absent", polycystic_ovaries="yes")[1]["ovaries"] is True
    assert asked("pcos", {}, cycle="absent", polycystic_ovaries="no")[1]["ovaries"] is False
    assert (amh(7.1), amh(7.0)) == (True, False)
    assert (
        asked("pcos", {"amh": 20}, cycle="absent")[1]["ovaries"] is None
    )  # no interval of its own
    young = asked("pcos", {}, cycle="absent", polycystic_ovaries="yes", birth_year=2007)
    assert amh(9.0, birth_year=2007) is None
    assert young[1]["ovaries"] is None and "adolescent" in young[2]
    grown = asked("pcos", {}, cycle="absent", polycystic_ovaries="yes", birth_year=2006)
    assert grown[1]["ovaries"] is True


def test_pcos_is_only_ever_counted_and_only_in_women() -> None:
    values = {"testosterone_total": 3.0}
    every = {"cycle": "irregular", "polycystic_ovaries": "yes"}
    assert DEFINITIONS["pcos"].results == ("counted",)
    assert result("pcos", values, **every) == "counted"
    assert result("pcos", values, sex="M", **every) == ""
    assert result("pcos", values, sex=None, **every) == ""
    assert result("pcos", {"tsh": 2.0}) == ""
    old = notes("pcos", values, birth_year=1979, **every)
    assert "menopause-possible" in old
    assert "menopause-possible" not in notes("pcos", values, birth_year=1980, **every)


def classification(one: CaseInput, id: str) -> Classification:
    return next(x for x in interpret(one).visits[-1].classifications if x.id == id)


def test_the_tests_that_exclude_another_cause_are_listed_with_pcos() -> None:
    person = case(lab({"tsh": 5.0, "prolactin": 300}), context={"cycle": "irregular"})
    found = classification(person, "pcos")
    assert found.exclusions == {"tsh": True, "prolactin": False, "ohp17": None}
    assert "ohp17" in found.missing and "tsh" not in found.missing
    assert "exclusion-outside" in found.notes
    men = case(lab({"tsh": 5.0}), sex="M", context={"cycle": "irregular"})
    assert not any(x.id == "pcos" for x in interpret(men).visits[0].classifications)


# hs-CRP and vitamin B12.


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.99, "low"), (1.0, "average"), (3.0, "average"), (3.1, "high"), (10.0, "high"),
     (10.1, "acute"), ("<1.0", "low"), ("<3.0", ""), (">3.0", "")],
)  # fmt: skip
def test_hs_crp_is_classed_and_above_10_disregarded(value: Any, expected: str) -> None:
    assert result("hs_crp", {"hs_crp": value}) == expected


@pytest.mark.parametrize(
    ("day", "earlier", "expected", "note"),
    [
        ("2024-03-18", 0.5, "average", "mean-of-two"),  # 14 days, mean 1.0
        ("2024-03-19", 0.5, "average", "single"),
        ("2023-12-31", 0.5, "average", "mean-of-two"),  # 92 days
        ("2023-12-30", 0.5, "average", "single"),
        ("2024-03-01", 0.4, "low", "mean-of-two"),
        ("2024-03-01", 4.6, "high", "mean-of-two"),
        ("2024-03-01", 4.5, "average", "mean-of-two"),
        ("2024-03-01", 10.1, "average", "single"),
        ("2024-03-01", "<0.5", "average", "single"),
    ],
)
def test_two_readings_at_least_two_weeks_apart_are_averaged(
    day: str, earlier: Any, expected: str, note: str
) -> None:
    person = case(on(day, {"hs_crp": earlier}), on("2024-04-01", {"hs_crp": 1.5}))
    found = at_last(person)["hs_crp"]
    assert (found[0], found[2]) == (expected, {note})


def test_hs_crp_around_illness_is_said_to_be_so() -> None:
    assert "ill" in notes("hs_crp", {"hs_crp": 2}, acute_illness_14d="yes")
    assert "ill" in notes("hs_crp", {"hs_crp": 2}, vaccination_14d="yes")
    assert notes("hs_crp", {"hs_crp": 12}) == set()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"b12": 149}, "deficient"),
        ({"b12": 150}, "grey"),
        ({"b12": 250}, "grey"),
        ({"b12": 251}, "sufficient"),
        ({"holotc": 19}, "deficient"),
        ({"holotc": 20}, "grey"),
        ({"holotc": 35}, "grey"),
        ({"holotc": 45}, "grey"),
        ({"holotc": 46}, "sufficient"),
        ({"b12": 400, "holotc": 30}, "grey"),
        ({"b12": 200, "mma_serum": 0.40}, "sufficient"),
        ({"b12": 200, "mma_serum": 0.41}, "deficient"),
        ({"b12": 400, "mma_serum": 0.41}, "deficient"),
        ({"b12": 140, "mma_serum": 0.2}, "deficient"),
        ({"b12": 200, "mma_serum": 0.6, "egfr": 59}, "grey"),
        ({"b12": 200, "mma_serum": 0.6, "egfr": 60}, "deficient"),
        ({"mma_serum": 0.2}, ""),
        ({"b12": "<200"}, "grey"),
    ],
)
def test_b12_is_classed_and_mma_settles_the_grey_zone(
    values: dict[str, Any], expected: str
) -> None:
    assert result("b12", values) == expected


def test_b12_says_what_to_ask_and_what_is_in_doubt() -> None:
    assert notes("b12", {"b12": 200}) == {"ask-mma"}
    assert notes("b12", {"b12": 200, "mma_serum": 0.5}) == {"mma-settles"}
    assert "medlon" in notes("b12", {"holotc": 29})
    assert "medlon" not in notes("b12", {"holotc": 30})
    assert "medlon-possible" not in notes("b12", {"holotc": 35})
    assert "medlon-possible" in notes("b12", {"holotc": 36})
    biotin = asked("b12", {"b12": 400}, biotin_last_72h="yes")
    assert (biotin[0], biotin[2]) == ("", {"biotin"})
    assert result("b12", {"b12": 200}, pregnant="yes") == "grey"


# Lows.

AFTER_MEALS = {"symptoms": ["hypo_postprandial"]}
RELIEVED = {"symptoms": ["hypo_postprandial", "relief_by_eating"]}


@pytest.mark.parametrize(
    ("values", "context", "level", "where"),
    [
        ({"glucose_meter": 5.0}, {}, "RH0", set()),
        ({"glucose_meter": 5.0}, AFTER_MEALS, "RH1", {"diary"}),
        ({}, AFTER_MEALS, "RH1", {"diary"}),
        ({"glucose_meter": 3.9}, AFTER_MEALS, "RH1", {"diary"}),
        ({"glucose_meter": 3.89}, AFTER_MEALS, "RH2", {"gp"}),
        ({"glucose_random": 3.0}, RELIEVED, "RH2", {"gp"}),
        ({"glucose_random": 2.99}, RELIEVED, "RH3", {"sf-03"}),
        ({"glucose_meter": 2.9}, AFTER_MEALS, "RH3?", {"sf-03"}),
        ({"glucose_meter": 3.9}, {}, "RH0", set()),
        ({"glucose_meter": 3.8}, {}, "RHa", {"repeat"}),
        ({"glucose_random": 2.9}, {}, "RHa", {"repeat", "sf-03"}),
        ({"cgm_longest_below_3_0_min": 14}, AFTER_MEALS, "RH1", {"diary"}),
        ({"cgm_longest_below_3_0_min": 15}, RELIEVED, "RH3", {"sf-03", "fingerprick"}),
        ({"cgm_longest_below_3_0_min": 15}, {}, "RHa", {"repeat", "sf-03", "fingerprick"}),
        ({"cgm_tbr": 2}, AFTER_MEALS, "RH1", {"diary", "cgm-trace"}),
        ({"glucose_ogtt_180": 2.5}, AFTER_MEALS, "RH1", {"diary", "ogtt-low-point"}),
        ({"glucose_ogtt_180": 3.9}, AFTER_MEALS, "RH1", {"diary"}),
        ({"glucose_ogtt_180": 2.5}, {}, "", {"ogtt-low-point"}),
        ({"tsh": 2}, {}, "", set()),
        ({"glucose_meter": 3.5}, {"symptoms": ["nocturnal_hypo"]}, "", set()),
        ({"glucose_meter": 3.5}, {**AFTER_MEALS, "medication": [INSULIN]}, "", set()),
        ({"glucose_meter": 3.5}, {**AFTER_MEALS, "bariatric_surgery": "yes"}, "", set()),
    ],
)
def test_a_low_after_meals_has_its_level_and_its_way(
    values: dict[str, float], context: dict[str, Any], level: str, where: set[str]
) -> None:
    found = asked("reactive_hypoglycaemia", values, **context)
    assert (found[0], found[2]) == (level, where)


@pytest.mark.parametrize(("value", "level"), [(69, "RH2"), (70, "RH1"), (54, "RH2"), (53, "RH3")])
@pytest.mark.parametrize("marker", ["glucose_random", "glucose_meter"])
def test_a_low_in_mg_dl_has_the_same_level(marker: str, value: float, level: str) -> None:
    assert result("reactive_hypoglycaemia", {marker: value}, units=MG, **RELIEVED) == level


def test_unknown_symptoms_give_no_level() -> None:
    for value in (2.5, 3.5, 5.0):
        person = case(lab({"glucose_meter": value}), context={"symptoms": None})
        found = at_last(person)["reactive_hypoglycaemia"]
        assert found[0] == ""
        assert ("symptoms-unknown" in found[2]) is (value < 3.9)


@pytest.mark.parametrize(
    ("values", "context", "level", "where"),
    [
        ({"glucose_meter": 5.0}, {}, "", set()),
        ({"glucose_fasting": 3.9}, {}, "", set()),
        ({"glucose_fasting": 3.89}, {}, "RHx", {"gp", "repeat", "fasting"}),
        ({"glucose_fasting": 2.9}, {}, "RHx", {"gp", "sf-03", "fasting"}),
        ({}, {"symptoms": ["nocturnal_hypo"]}, "RHx", {"sf-01", "gp", "night"}),
        ({}, {"symptoms": ["hypo_fasting"]}, "RHx", {"sf-01", "gp", "fasting"}),
        ({}, {"symptoms": ["hypo_exercise"]}, "RHx", {"gp", "exercise"}),
        ({"glucose_meter": 3.5}, {"medication": [GLICLAZIDE]}, "RHx",
         {"prescriber", "on-medication"}),
        ({"glucose_meter": 5.0}, {"medication": [GLICLAZIDE]}, "", set()),
        ({"glucose_meter": 3.5}, {"medication": [METFORMIN]}, "", set()),
        ({"glucose_meter": 3.5}, {**AFTER_MEALS, "bariatric_surgery": "yes"}, "RHx",
         {"gp", "after-surgery"}),
        ({"glucose_meter": 3.5}, AFTER_MEALS, "", set()),
        ({"glucose_ogtt_120": 2.5}, {}, "", set()),
    ],
)  # fmt: skip
def test_a_low_apart_from_meals_is_never_reactive(
    values: dict[str, float], context: dict[str, Any], level: str, where: set[str]
) -> None:
    found = asked("nonreactive_hypoglycaemia", values, **context)
    assert (found[0], found[2]) == (level, where)
    if level:
        assert result("reactive_hypoglycaemia", values, **context) == ""


# Insulin during an OGTT.

MINUTES = (0, 30, 60, 120, 180)


def ogtt(*insulin: Any) -> dict[str, Any]:
    return {f"insulin_ogtt_{m}": v for m, v in zip(MINUTES, insulin, strict=False)}


@pytest.mark.parametrize(
    ("insulin", "pattern"),
    [
        ((6, 50, 40, 30), "P1"),
        ((6, 50, 30, 30), "P2"),
        ((6, 50, 30, 40), "P2"),
        ((6, 50, 50, 30), "P1"),  # a tie: the earliest is the peak
        ((6, 40, 50, 30), "P3"),
        ((6, 40, 50, 50), "P3"),
        ((6, 30, 40, 50), "P4"),
        ((6, 40, 40, 50), "P5"),
        ((6, 40, 30, 50), "P5"),
        ((60, 40, 30, 50), "unclassified"),
        ((6, 40, 50), ""),
        ((6, "<40", 50, 30), ""),
    ],
)
def test_the_pattern_of_hayashi_follows_the_peak(insulin: tuple[Any, ...], pattern: str) -> None:
    assert result("ogtt_pattern", ogtt(*insulin)) == pattern


@pytest.mark.parametrize(
    ("insulin", "pattern"),
    [
        ((10, 50, 40, 30, 29), "I"),
        ((30, 50, 40, 30, 29), "I"),
        ((31, 50, 40, 30, 29), "unclassified"),
        ((50, 60, 40, 30, 29), "unclassified"),
        ((51, 60, 40, 30, 29), "IV"),
        ((10, 50, 40, 30, 30), "IIA"),
        ((10, 60, 40, 50, 49), "IIA"),
        ((10, 60, 40, 50, 50), "IIB"),
        ((10, 40, 50, 30, 20), "I"),
        ((10, 40, 50, 60, 20), "IIIA"),
        ((10, 40, 50, 60, 60), "IIIA"),
        ((10, 40, 50, 60, 70), "IIIB"),
        ((60, 40, 50, 60, 70), "IV"),
        ((10, 30, 20, 20, 20), "V"),
        ((10, 31, 20, 20, 20), "I"),
        ((10, 20, 20, 30, 30), "V"),
        ((40, 30, 20, 20, 20), "unclassified"),
        ((10, 50, 40, 30), ""),
    ],
)
def test_the_pattern_of_kraft_is_the_first_that_holds(
    insulin: tuple[Any, ...], pattern: str
) -> None:
    assert result("ogtt_kraft", ogtt(*insulin)) == pattern


def test_a_pattern_needs_a_fasting_start_and_no_injected_insulin() -> None:
    values = ogtt(6, 40, 50, 30, 20)
    fed = at_last(case(lab(values, fasting_hours="2")))
    unknown = at_last(case(lab(values, fasting_hours="")))
    for id in ("ogtt_pattern", "ogtt_kraft"):
        assert fed[id][::2] == unknown[id][::2] == ("", {"not-fasting"})
        assert asked(id, values, medication=[INSULIN])[::2] == ("", {"insulin-therapy"})
    assert result("ogtt_pattern", values, pregnant="yes") == ""


# The seed case.


@cache
def seed() -> tuple[tuple[Classification, ...], ...]:
    from pipeline.read import read_case_input
    from pipeline.resources import resource_path

    found = interpret(read_case_input(resource_path("samples/seed_case/input.json")))
    return tuple(visit.classifications for visit in found.visits)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, {"metabolic_syndrome": "met", "mafld": "score_fits", "ogtt_pattern": "P3",
             "ogtt_kraft": "IV", "nonreactive_hypoglycaemia": "RHx", "hs_crp": "high",
             "b12": "deficient", "reactive_hypoglycaemia": None, "glycaemia_nhg": "normal"}),
        (1, {"metabolic_syndrome": "not_met", "mafld": "score_fits", "hs_crp": "average",
             "b12": "sufficient", "nonreactive_hypoglycaemia": None}),
        (2, {"metabolic_syndrome": "not_met", "mafld": None, "hs_crp": "low",
             "b12": "sufficient", "reactive_hypoglycaemia": "RH0"}),
    ],
)  # fmt: skip
def test_the_seed_case_is_classed_as_the_specification_says(
    at: int, expected: dict[str, str | None]
) -> None:
    found = {one.id: one for one in seed()[at]}
    assert {id: found[id].result for id in expected} == expected
    assert found["metabolic_syndrome"].met == (4, 2, 1)[at]
    assert found["metabolic_syndrome"].of == found["metabolic_syndrome"].known == 5


def test_the_low_point_of_the_seeds_ogtt_is_no_diagnosis() -> None:
    found = {one.id: one for one in seed()[0]}
    assert "ogtt-low-point" in found["reactive_hypoglycaemia"].notes


# What holds for all of them.

EVERY = {**THIN, "insulin_fasting": 9, "hs_crp": 2.5, "b12": 200, "holotc": 33, "tsh": 2.0,
         "testosterone_total": 1.9, "glucose_random": 6.0, "glucose_meter": 3.5,
         "glucose_ogtt_120": 8.1, **ogtt(9, 50, 60, 40, 20)}  # fmt: skip
CONTEXT = {"symptoms": ["hypo_postprandial"], "cycle": "irregular", "alcohol_g_week": 20,
           "steatosis_imaging": "yes", "ethnicity": "europid"}  # fmt: skip


def columns(found: Mapping[str, Classified]) -> dict[str, Any]:
    return {id: told(one, 0) for id, one in found.items()}


def names_of(id: str) -> set[str]:
    """Return all that a definition may look at, through what is computed too."""
    definition = DEFINITIONS[id]
    own = {name for names in definition.inputs.values() for name in names}
    return own | {*definition.beside, *definition.exclusions}


def test_adding_an_unrelated_marker_changes_no_classification() -> None:
    from pipeline.rules.formulas import COMPUTED

    asked_for = {name for id in DEFINITIONS for name in names_of(id)}
    needed = {x for name in asked_for & set(COMPUTED) for x in COMPUTED[name].analytes}
    unrelated = [
        m.id for m in RULES.markers.values()
        if m.kind != "computed" and m.id not in asked_for | needed | set(EVERY)
        and m.id not in ("haemoglobin", "mcv", "ferritin", "creatinine", "height", "ggt")
    ]  # fmt: skip
    assert len(unrelated) > 60
    limits = {limit.marker: limit for limit in RULES.limits if limit.set == "plausible"}
    more = {id: limits[id].value for id in unrelated if id in limits}
    before = columns(apply_criteria(judged(case(lab(EVERY), context=CONTEXT)).readings))
    after = columns(apply_criteria(judged(case(lab({**EVERY, **more}), context=CONTEXT)).readings))
    assert before == after


@pytest.mark.parametrize("id", DEFINITIONS)
def test_a_definition_looks_at_nothing_but_what_it_names(id: str) -> None:
    """Each named input is read, and no marker that is not named."""
    found = judged(case(lab(EVERY), context=CONTEXT)).readings
    read: set[str] = set()

    class Watched(type(found[0])):  # type: ignore[misc]
        __slots__ = ()

        def column(self, marker: str) -> Any:
            read.add(marker)
            return super().column(marker)

    watched = [Watched(**{n: getattr(v, n) for n in v.__dataclass_fields__}) for v in found]
    DEFINED_BY[id](watched)
    reliability = {"haemoglobin", "mcv", "ferritin", "egfr"}
    assert read - reliability <= names_of(id)


@pytest.mark.parametrize("id", DEFINITIONS)
def test_a_definition_uses_the_limits_that_it_names_and_no_other(
    id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: set[str] = set()
    named = Rules.limits_named
    people = [judged(case(lab(EVERY), context=CONTEXT)).readings,
              judged(case(on("2024-01-01", {"hs_crp": 1}), on("2024-02-01", {"hs_crp": 1}))).readings]  # fmt: skip

    def watched(self: Rules, name: str) -> Any:
        used.add(name)
        return named(self, name)

    monkeypatch.setattr(Rules, "limits_named", watched)
    for readings in people:
        DEFINED_BY[id](readings)
    # HbA1c is reliable or not by a limit of its own; b12 names it for the kidney
    assert used - {"sf-14-egfr-60", "sf-14-egfr-30"} == {*DEFINITIONS[id].limits} - {
        "sf-14-egfr-60"
    }


@pytest.mark.parametrize("id", DEFINITIONS)
def test_without_any_value_a_definition_answers_nothing(id: str) -> None:
    empty = case(lab({"sodium": 140}), context=dict.fromkeys(case().context))
    found = at_last(empty)[id]
    assert found[0] == ""
    assert set(found[1].values()) <= {None}
    assert not found[2]


def test_an_answer_a_criterion_and_a_note_is_one_that_the_definition_names() -> None:
    for one in (case(lab(EVERY), context=CONTEXT), case(lab({"b12": 1}), sex=None)):
        for id, found in apply_criteria(judged(one).readings).items():
            definition = DEFINITIONS[id]
            assert set(found.result) <= {"", *definition.results}
            assert set(found.notes) == {*definition.notes} | (
                set() if definition.in_pregnancy else {"pregnancy"}
            )
            if found.criteria:
                assert set(found.criteria) == set(definition.inputs)


@pytest.mark.parametrize("marker", EVERY)
def test_a_value_that_is_taken_away_never_makes_a_normal(marker: str) -> None:
    calm = {"normal", "not_met", "low", "sufficient", "RH0"}
    full = at_last(case(lab(EVERY), context=CONTEXT))
    less = {name: value for name, value in EVERY.items() if name != marker}
    gone = at_last(case(lab(less), context=CONTEXT))
    for id, (answer, _, _) in gone.items():
        if answer in calm and answer != full[id][0]:
            # what was above its limit is gone: what remains may be normal, and says how much it is
            assert id.startswith("glycaemia") and None in gone[id][1].values()


def test_a_person_alone_and_among_others_is_classed_alike() -> None:
    people = [EVERY, {"glucose_fasting": 7.5, "hs_crp": 0.5}, {"b12": 140}]
    parts = [lab(values, case_id=f"p{n}", sample_id="s") for n, values in enumerate(people)]
    frame = pd.DataFrame({"case_id": [f"p{n}" for n in range(3)], "sex": "F", "birth_year": 1984})
    stated = pd.DataFrame({"case_id": frame["case_id"], "date": pd.NaT})
    stated = stated.assign(symptoms="hypo_postprandial", known_diabetes="none")

    def found(rows: pd.DataFrame, who: list[int]) -> Mapping[str, Classified]:
        one: Judged = interpret_columns(
            rows, frame.iloc[who], stated.iloc[who], as_of="2025-10-01", rules=RULES
        )
        return apply_criteria(one.readings)

    together = found(accepted(*parts), [0, 1, 2])
    for n in range(3):
        alone = found(accepted(parts[n]), [n])
        assert {i: told(x, n) for i, x in together.items()} == {
            i: told(x, 0) for i, x in alone.items()
        }


# In words.


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("id", DEFINITIONS)
def test_every_answer_and_note_is_told_in_whole_sentences(id: str, language: str) -> None:
    spoken, definition = Language.load(language), DEFINITIONS[id]
    texts = spoken.texts["criteria"][id]
    assert isinstance(texts, Mapping)
    assert set(texts["results"]) == set(definition.results)
    assert set(texts.get("notes", {})) <= set(definition.notes)
    shared = {*definition.notes} - set(texts.get("notes", {}))
    assert all(spoken.has(f"criteria.notes.{note}") for note in shared)
    assert all(text.endswith(".") for text in (*texts["results"].values(), texts["undetermined"]))


def say(one: CaseInput, language: str = "nl") -> str:
    interpretation = interpret(one)
    telling = Telling(interpretation=interpretation, language=Language.load(language), rules=RULES)
    paragraphs = classifications(telling, interpretation.visits[-1])
    return "\n".join(" ".join(s.text for s in paragraph.sentences) for paragraph in paragraphs)


def test_a_score_that_fits_asks_for_imaging_and_nobody_has_masld() -> None:
    heavy = {**THIN, "weight": 95, "waist": 108, "triglycerides": 1.9, "ggt": 58}
    text = say(case(lab(heavy))).replace("\N{NO-BREAK SPACE}", " ")
    assert "MAFLD (2020): score past bij leververvetting (FLI ≥ 60); beeldvorming nodig." in text
    assert "heeft" not in text


def test_pcos_is_told_as_a_count_with_the_tests_to_exclude_other_causes() -> None:
    text = say(case(lab({"tsh": 2.0}), context={"cycle": "irregular"}))
    assert "criteria aanwezig: 1 van 3; uitsluitdiagnostiek: TSH binnen het interval" in text
    assert "17-OH-progesteron ontbreekt" in text


def test_what_holds_for_several_definitions_is_said_once() -> None:
    text = say(case(lab({**THIN, "waist": 90}), context=SEEN), "en")
    assert text.count("Ethnicity is not known") == 1


def test_in_pregnancy_one_sentence_names_all_that_is_not_classed() -> None:
    text = say(case(lab({"glucose_fasting": 5.3, "hba1c": 33}), context={"pregnant": "yes"}))
    assert text.count("Tijdens de zwangerschap") == 1
    assert "Glykemie volgens de ADA (2025)" in text and "normaal" not in text


def test_a_visit_without_lows_or_symptoms_says_nothing_of_them() -> None:
    assert "RH0" not in say(case(lab({"glucose_fasting": 5.0})))
    assert np.all([x.result != "" for x in interpret(case(lab(EVERY))).visits[0].classifications])
