"""What published definitions make of a visit: every edge, every sex, and never a guessed normal."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import pytest
from clinic import AS_OF, RULES, accepted, case, judged, lab

from pipeline.columns import Visits
from pipeline.criteria import DEFINED_BY, DEFINITIONS, Classified, apply_criteria
from pipeline.interpret import interpret, interpret_columns
from pipeline.language import Language
from pipeline.model import CaseInput, Classification
from pipeline.narrate.classifications import classifications
from pipeline.narrate.telling import Telling
from pipeline.read import read_case_input
from pipeline.read.people import stated_table
from pipeline.resources import resource_path
from pipeline.rules.formulas import COMPUTED
from pipeline.rules.loader import Rules

MG = {"glucose_fasting": "mg/dL", "glucose_random": "mg/dL", "glucose_meter": "mg/dL",
      "glucose_ogtt_120": "mg/dL", "triglycerides": "mg/dL", "hdl": "mg/dL"}  # fmt: skip
INSULIN, GLICLAZIDE, METFORMIN, PREDNISONE, PILL = (
    "A10AB05", "A10BB09", "A10BA02", "H02AB07", "G03AA07")  # fmt: skip


Told = tuple[str, dict[str, bool | None], set[str]]  # result, criteria, notes


def told(found: Classified, at: int) -> Told:
    criteria = {
        name: None if answer[at] is pd.NA else bool(answer[at])
        for name, answer in found.criteria.items()
    }
    return str(found.result[at]), criteria, {n for n, where in found.notes.items() if where[at]}


def at_last(one: CaseInput) -> dict[str, Told]:
    """Return what each definition makes of the last visit of a person."""
    return {id: told(found, -1) for id, found in apply_criteria(judged(one).readings).items()}


def row(values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return one row of a table: a fasting sample, its units and person, and what is stated."""
    return {"values": values, **more}


def many(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Told]]:
    """Return what each definition makes of each row: a person each, all judged at once."""
    people = [_person(n, **row) for n, row in enumerate(rows)]
    frame = pd.DataFrame(
        {"case_id": [one.case_id for one, _ in people], "sex": [one.sex for one, _ in people],
         "birth_year": [one.birth_year for one, _ in people]}
    )  # fmt: skip
    drawn = accepted(*(part for _, part in people))
    stated = stated_table([one for one, _ in people])
    readings = interpret_columns(drawn, frame, stated, as_of=AS_OF, rules=RULES).readings
    found, cases = apply_criteria(readings), list(readings[0].table["case_id"])
    places = [cases.index(one.case_id) for one, _ in people]
    return [{id: told(answer, at) for id, answer in found.items()} for at in places]


def _person(
    n: int, *, values: Mapping[str, Any], sex: str | None = "F", birth_year: int = 1984,
    units: Mapping[str, str] | None = None, fasting_hours: str = "10", ref_high: str = "",
    **context: Any,
) -> tuple[CaseInput, pd.DataFrame]:  # fmt: skip
    one = replace(case(sex=sex, birth_year=birth_year, context=context), case_id=f"p{n}")
    sample = {"sodium": 140, **values}  # nobody is without any value
    return one, lab(sample, case_id=one.case_id, units=units, fasting_hours=fasting_hours,
                    ref_high=ref_high)  # fmt: skip


def check(id: str, table: Sequence[tuple[Mapping[str, Any], Any]], part: Any = 0) -> None:
    """Compare a definition's result (0), notes (2) or one criterion (a name) with each row."""
    found = many([row for row, _ in table])
    seen = [one[id][part] if isinstance(part, int) else one[id][1][part] for one in found]
    rows = zip(table, seen, strict=True)
    assert [(row, want, got) for (row, want), got in rows if want != got] == []


def asked(id: str, values: Mapping[str, Any], **more: Any) -> Told:
    """Return what definition ``id`` makes of one fasting sample and what is stated."""
    (found,) = many([row(values, **more)])
    return found[id]


def result(id: str, values: Mapping[str, Any], **more: Any) -> str:
    return asked(id, values, **more)[0]


def notes(id: str, values: Mapping[str, Any], **more: Any) -> set[str]:
    return asked(id, values, **more)[2]


def on(date: str, values: Mapping[str, Any]) -> pd.DataFrame:
    return lab(values, date=date, sample_id=date)


# Glycaemia.


GLYCAEMIA = [
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
]


def test_glycaemia_is_classed_by_the_ada_and_by_the_nhg() -> None:
    check("glycaemia_ada", [(row(values), ada) for values, ada, _ in GLYCAEMIA])
    check("glycaemia_nhg", [(row(values), nhg) for values, _, nhg in GLYCAEMIA])


GLYCAEMIA_MG_DL = [
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
]


def test_a_glucose_in_mg_dl_is_classed_by_the_limit_in_mg_dl() -> None:
    rows = [(row({marker: value}, units=MG), *wanted) for marker, value, *wanted in GLYCAEMIA_MG_DL]
    check("glycaemia_ada", [(asked, ada) for asked, ada, _ in rows])
    check("glycaemia_nhg", [(asked, nhg) for asked, _, nhg in rows])


def test_a_bound_that_straddles_a_limit_gives_no_class() -> None:
    assert result("glycaemia_ada", {"glucose_fasting": "<6.0"}) == ""
    assert result("glycaemia_ada", {"glucose_fasting": "<6.0", "hba1c": 33}) == ""
    assert result("glycaemia_nhg", {"glucose_fasting": "<6.0"}) == "normal"
    assert result("glycaemia_ada", {"glucose_fasting": ">7.5"}) == "diabetes"


CONFIRMED = [
    ({"glucose_fasting": 7.2}, {}, "unconfirmed", "unconfirmed"),
    ({"glucose_fasting": 7.2, "hba1c": 50}, {}, "confirmed", "unconfirmed"),
    ({"glucose_fasting": 7.2, "hba1c": 44}, {}, "unconfirmed", "unconfirmed"),
    ({"glucose_random": 12}, {"symptoms": ["polyuria"]}, "confirmed", "confirmed"),
    (
        {"glucose_fasting": 7.2, "hba1c": 50},
        {"acute_illness_14d": "yes"},
        "unconfirmed",
        "unconfirmed",
    ),
    (
        {"glucose_fasting": 7.2, "hba1c": 50},
        {"medication": [PREDNISONE]},
        "unconfirmed",
        "unconfirmed",
    ),
]


def test_two_values_of_a_sample_confirm_for_the_ada_and_never_for_the_nhg() -> None:
    found = many([row(values, **context) for values, context, *_ in CONFIRMED])
    words = {"confirmed", "unconfirmed"}
    seen = [(one["glycaemia_ada"][2] & words, one["glycaemia_nhg"][2] & words) for one in found]
    assert seen == [({ada}, {nhg}) for _, _, ada, nhg in CONFIRMED]


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


DIFFER = [
    ({"glucose_fasting": 5.5}, False),
    ({"glucose_fasting": 5.6}, True),
    ({"glucose_fasting": 6.0}, True),
    ({"glucose_fasting": 6.1}, False),
    ({"glucose_fasting": 5.0, "hba1c": 38}, False),
    ({"glucose_fasting": 5.0, "hba1c": 39}, True),
    ({"glucose_fasting": 5.0, "hba1c": 47}, True),
    ({"hba1c": 41}, False),
]


def test_it_is_said_where_ada_and_nhg_differ() -> None:
    found = many([row(values) for values, _ in DIFFER])
    for id in ("glycaemia_ada", "glycaemia_nhg"):
        said = ["disagree" in one[id][2] for one in found]
        assert said == [differ for _, differ in DIFFER]


def test_what_the_nhg_does_not_use_or_asks_for_is_said() -> None:
    table = [
        (row({"hba1c": 41}), {"hba1c-not-used"}),
        (row({"glucose_random": 7.7}), {"random-only"}),
        (row({"glucose_random": 7.8}), {"repeat-fasting"}),
        (row({"glucose_random": 11.0}), {"repeat-fasting"}),
        (row({"glucose_random": 11.1}), {"random-high"}),
    ]
    check("glycaemia_nhg", table, 2)


def test_known_diabetes_and_a_medicine_are_never_called_normal() -> None:
    calm, raised, high = ({"glucose_fasting": value} for value in (5.0, 6.3, 7.3))
    known, lowered = {"known_diabetes": "t2d"}, {"medication": [METFORMIN]}
    for id in ("glycaemia_ada", "glycaemia_nhg"):
        table = [(row(calm, **known), {"known-diabetes"}), (row(calm, **lowered), {"medication"})]
        check(id, table, 2)
        check(id, [(asked, "") for asked, _ in table])
    classed = [(row(raised, **known), ""), (row(high, **known), "diabetes")]
    check("glycaemia_ada", [*classed, (row(raised, **lowered), "prediabetes")])


def test_an_unreliable_hba1c_and_an_ogtt_that_did_not_begin_fasting_do_not_count() -> None:
    anaemic = asked("glycaemia_ada", {"hba1c": 41, "haemoglobin": 5.5})
    assert anaemic[0] == ""
    assert "hba1c-unreliable" in anaemic[2]
    fed = asked("glycaemia_ada", {"glucose_ogtt_120": 12}, fasting_hours="2")
    assert fed[::2] == ("", {"not-fasting"})


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


COUNTED = [
    ({"glucose_fasting": 5.0}, {}, 0, 1),
    ({"glucose_fasting": 5.0}, {"medication": [METFORMIN]}, 1, 1),
    ({"glucose_fasting": 5.0}, {"glucose_drug": "yes"}, 1, 1),
    ({"sbp": 120}, {}, 0, 0),
    ({"sbp": 135}, {}, 1, 1),
    ({"dbp": 80}, {}, 0, 0),
    ({"sbp": 120, "dbp": 80}, {}, 0, 1),
    ({"sbp": 120}, {"bp_drug": "yes"}, 1, 1),
    ({"sbp": 120}, {"bp_drug": "no"}, 0, 0),
]


def test_a_criterion_of_the_metabolic_syndrome_counts_only_where_it_is_known() -> None:
    found = many([row(values, **context) for values, context, *_ in COUNTED])
    answers = [list(one["metabolic_syndrome"][1].values()) for one in found]
    counts = [(some.count(True), len(some) - some.count(None)) for some in answers]
    assert counts == [(met, known) for *_, met, known in COUNTED]


SYNDROME = [
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
]


def test_a_criterion_of_the_metabolic_syndrome_is_met_at_its_edge() -> None:
    for name in {name for _, name, *_ in SYNDROME}:
        own = [one for one in SYNDROME if one[1] == name]
        rows = [(row(values, sex=sex, units=units), met) for sex, _, values, units, met in own]
        check("metabolic_syndrome", rows, name)


def test_three_criteria_make_the_syndrome_and_three_that_are_not_met_exclude_it() -> None:
    three = {"waist": 90, "triglycerides": 2.0, "hdl": 1.0}
    assert result("metabolic_syndrome", three) == "met"
    two = {"waist": 90, "triglycerides": 2.0, "hdl": 1.5}
    assert result("metabolic_syndrome", two) == ""
    assert result("metabolic_syndrome", {**two, "sbp": 120, "dbp": 80}) == ""
    normal = {"sbp": 120, "dbp": 80, "glucose_fasting": 5.0}
    assert result("metabolic_syndrome", {**two, **normal}) == "not_met"


def test_the_american_waist_is_told_where_it_differs() -> None:
    three = {"triglycerides": 2.0, "hdl": 0.9, "sbp": 120, "dbp": 80, "glucose_fasting": 5.0}
    unknown, differ = {"ethnicity-unknown"}, {"ethnicity-unknown", "aha-waist", "aha-not-met"}
    women = {79: unknown, 80: differ, 87.9: differ, 88: unknown}
    men = {94: differ, 101.9: differ, 102: unknown}
    table = [
        (row({**three, "waist": waist}, sex=sex), said)
        for sex, waists in (("F", women), ("M", men))
        for waist, said in waists.items()
    ]
    four = row({**three, "sbp": 140, "waist": 84})
    check("metabolic_syndrome", [*table, (four, unknown | {"aha-waist"})], 2)


def test_the_cut_off_follows_ethnicity_and_says_so() -> None:
    waist = {"waist": 91}
    assert asked("metabolic_syndrome", waist, sex="M")[1]["waist"] is False
    assert "ethnicity-unknown" in notes("metabolic_syndrome", waist, sex="M")
    asian = asked("metabolic_syndrome", waist, sex="M", ethnicity="asian")
    assert asian[1]["waist"] is True
    assert "ethnicity-asian" in asian[2]
    low = asked("metabolic_syndrome", {"waist": 89.9}, sex="M", ethnicity="asian")
    assert low[1]["waist"] is False
    europid = notes("metabolic_syndrome", waist, sex="M", ethnicity="europid")
    assert not any(note.startswith("ethnicity") for note in europid)
    assert "ethnicity-other" in notes("metabolic_syndrome", waist, ethnicity="other")


# Fatty liver.

THIN = {"weight": 60, "height": 170, "waist": 75, "sbp": 120, "dbp": 80, "triglycerides": 1.0,
        "hdl": 1.6, "glucose_fasting": 5.0, "hba1c": 33}  # fmt: skip
SEEN = {"steatosis_imaging": "yes", "alcohol_g_week": 0}


MASLD_RISKS = [
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
]


def test_one_metabolic_risk_at_its_edge_makes_masld_of_steatosis_that_was_seen() -> None:
    rows = [
        row(
            {**THIN, **values},
            sex=sex,
            units={n: u for n, u in units.items() if n in values},
            **SEEN,
        )
        for sex, _, values, units, _ in MASLD_RISKS
    ]
    found = [one["masld"] for one in many(rows)]
    names = [(name, met) for _, name, _, _, met in MASLD_RISKS]
    seen = [(one[1][name], one[0]) for one, (name, _) in zip(found, names, strict=True)]
    assert seen == [(met, "met" if met else "not_met") for _, met in names]


def test_the_bmi_of_asian_people_counts_from_23() -> None:
    assert result("masld", {**THIN, "weight": 66.47}, ethnicity="asian", **SEEN) == "met"
    assert result("masld", {**THIN, "weight": 66.4}, ethnicity="asian", **SEEN) == "not_met"
    assert result("mafld", {**THIN, "weight": 66.47}, ethnicity="asian", **SEEN) == "met"
    assert result("mafld", {**THIN, "weight": 66.47}, **SEEN) != "met"


ALCOHOL = [
    ("F", 139.9, "met"),
    ("F", 140, "metald"),
    ("F", 350, "metald"),
    ("F", 350.1, "alcohol"),
    ("M", 209.9, "met"),
    ("M", 210, "metald"),
    ("M", 420, "metald"),
    ("M", 420.1, "alcohol"),
]


def test_alcohol_decides_the_group() -> None:
    values, seen = {**THIN, "triglycerides": 2.0}, {"steatosis_imaging": "yes"}
    rows = [(row(values, sex=sex, alcohol_g_week=g, **seen), group) for sex, g, group in ALCOHOL]
    check("masld", rows)


def test_an_unknown_alcohol_use_leaves_masld_open_and_says_so() -> None:
    found = asked("masld", {**THIN, "triglycerides": 2.0}, steatosis_imaging="yes")
    assert found[0] == ""
    assert "alcohol-unknown" in found[2]


def test_without_imaging_a_score_only_fits_and_imaging_decides() -> None:
    heavy = {**THIN, "weight": 95, "waist": 108, "triglycerides": 1.9, "ggt": 58}  # FLI over 60
    table = [
        (row(heavy), "score_fits"),
        (row(heavy, steatosis_imaging="no"), "not_met"),
        (row(heavy, **SEEN), "met"),
        (row(THIN, steatosis_imaging="no"), "not_met"),
        (row(THIN), ""),
        (row({"alt": 90}), ""),
    ]
    for id in ("masld", "mafld"):
        check(id, table)
    drinking, low = many([row(heavy, alcohol_g_week=300), row({**THIN, "ggt": 10})])
    assert "alcohol-above" in drinking["masld"][2]
    assert "fli-low" in low["masld"][2]


def test_a_treated_risk_is_unknown_and_never_absent() -> None:
    risks = {"bp_drug": "blood_pressure", "tg_drug": "triglycerides", "hdl_drug": "hdl",
             "glucose_drug": "glucose"}  # fmt: skip
    treated = many([row(THIN, **SEEN, **{drug: "yes"}) for drug in risks])
    for found, risk in zip(treated, risks.values(), strict=True):
        assert (found["masld"][0], found["masld"][1][risk]) == ("", None)
        assert "treated" in found["masld"][2]
    assert asked("masld", THIN, **SEEN, known_diabetes="t2d")[1]["glucose"] is True


def test_treatment_is_told_only_where_it_may_hide_a_risk() -> None:
    values = {**THIN, "triglycerides": 2.0}
    assert "treated" not in notes("masld", values, tg_drug="yes")
    assert "treated" in notes("masld", values, bp_drug="yes")
    assert "treated" not in notes("masld", {"waist": 70}, bp_drug="yes")


def test_masld_is_excluded_only_where_every_risk_is_known() -> None:
    needed = ("weight", "waist", "sbp", "triglycerides", "hdl", "glucose_fasting", "hba1c")
    less = [{name: value for name, value in THIN.items() if name != gone} for gone in needed]
    check("masld", [(row(THIN, **SEEN), "not_met"), *((row(some, **SEEN), "") for some in less)])


MAFLD_RISKS = [
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
]


def test_mafld_needs_two_risks_where_there_is_no_overweight() -> None:
    calm = {**THIN, "insulin_fasting": 5, "hs_crp": 0.5}
    made = [({**calm, **values}, sex, met) for sex, _, values, met in MAFLD_RISKS]
    alone = [one["mafld"] for one in many([row(v, sex=sex, **SEEN) for v, sex, _ in made])]
    names = [name for _, name, *_ in MAFLD_RISKS]
    seen = [(one[1][name], one[0]) for one, name in zip(alone, names, strict=True)]
    assert seen == [(met, "not_met") for *_, met in made]
    expected = {True: "met", False: "not_met", None: ""}
    second = [(row({**v, "triglycerides": 1.7}, sex=s, **SEEN), expected[m]) for v, s, m in made]
    check("mafld", second)


def test_overweight_or_type_2_diabetes_alone_makes_mafld() -> None:
    assert result("mafld", {**THIN, "weight": 72.25}, **SEEN) == "met"
    assert result("mafld", THIN, **SEEN, known_diabetes="t2d") == "met"
    assert result("mafld", THIN, **SEEN, known_diabetes="unknown") == ""


def test_the_homa_ir_of_somebody_on_insulin_or_gliclazide_is_not_used() -> None:
    values = {**THIN, "insulin_fasting": 30, "hs_crp": 3}
    assert result("mafld", values, **SEEN) == "met"
    for drug in (INSULIN, GLICLAZIDE):
        found = asked("mafld", values, **SEEN, medication=[drug])
        assert (found[0], found[1]["homa_ir"]) == ("", None)
        assert "homa-not-used" in found[2]


# PCOS.


CYCLES = [
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
]


def test_a_cycle_outside_21_to_35_days_or_called_irregular_counts() -> None:
    check("pcos", [(row({}, **context), met) for context, met in CYCLES], "cycle")


ANDROGENS = [
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
]


def test_androgens_count_unless_a_hormone_hides_them() -> None:
    rows = [(row(values, **context), met) for values, context, met in ANDROGENS]
    check("pcos", rows, "hyperandrogenism")


def test_ovaries_are_judged_by_ultrasound_else_by_amh_and_not_in_adolescents() -> None:
    seen, own = {"cycle": "absent", "polycystic_ovaries": "yes"}, {"ref_high": "7.0"}
    table = [
        (row({}, **seen), True),
        (row({}, cycle="absent", polycystic_ovaries="no"), False),
        (row({"amh": 7.1}, cycle="absent", **own), True),
        (row({"amh": 7.0}, cycle="absent", **own), False),
        (row({"amh": 20}, cycle="absent"), None),  # no interval of the laboratory's own
        (row({"amh": 9.0}, cycle="absent", birth_year=2007, **own), None),
        (row({}, birth_year=2007, **seen), None),
        (row({}, birth_year=2006, **seen), True),
    ]
    check("pcos", table, "ovaries")
    assert "adolescent" in notes("pcos", {}, birth_year=2007, **seen)


def test_pcos_is_only_ever_counted_and_only_in_women() -> None:
    values = {"testosterone_total": 3.0}
    every = {"cycle": "irregular", "polycystic_ovaries": "yes"}
    assert DEFINITIONS["pcos"].results == ("counted",)
    sexes = [(row(values, sex=sex, **every), said) for sex, said in (("F", "counted"), ("M", ""))]
    check("pcos", [*sexes, (row(values, sex=None, **every), ""), (row({"tsh": 2.0}), "")])
    old, younger = many([row(values, birth_year=year, **every) for year in (1979, 1980)])
    assert "menopause-possible" in old["pcos"][2]
    assert "menopause-possible" not in younger["pcos"][2]


def classification(one: CaseInput, id: str) -> Classification:
    return next(x for x in interpret(one).visits[-1].classifications if x.id == id)


def test_the_tests_that_exclude_another_cause_are_listed_with_pcos() -> None:
    person = case(lab({"tsh": 5.0, "prolactin": 300}), context={"cycle": "irregular"})
    found = classification(person, "pcos")
    assert found.exclusions == {"tsh": True, "prolactin": False, "ohp17": None}
    assert {"tsh", "ohp17"} & {*found.missing} == {"ohp17"}
    assert "exclusion-outside" in found.notes
    men = case(lab({"tsh": 5.0}), sex="M", context={"cycle": "irregular"})
    assert not any(x.id == "pcos" for x in interpret(men).visits[0].classifications)


# hs-CRP and vitamin B12.


CRP = [
    (0.99, "low"),
    (1.0, "average"),
    (3.0, "average"),
    (3.1, "high"),
    (10.0, "high"),
    (10.1, "acute"),
    ("<1.0", "low"),
    ("<3.0", ""),
    (">3.0", ""),
]


def test_hs_crp_is_classed_and_above_10_disregarded() -> None:
    check("hs_crp", [(row({"hs_crp": value}), expected) for value, expected in CRP])


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


B12 = [
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
]


def test_b12_is_classed_and_mma_settles_the_grey_zone() -> None:
    check("b12", [(row(values), expected) for values, expected in B12])


def test_b12_says_what_to_ask_and_what_is_in_doubt() -> None:
    table = [
        (row({"b12": 200}), {"ask-mma"}),
        (row({"b12": 200, "mma_serum": 0.5}), {"mma-settles"}),
        (row({"holotc": 29}), {"ask-mma", "medlon"}),
        (row({"holotc": 30}), {"ask-mma"}),
        (row({"holotc": 35}), {"ask-mma"}),
        (row({"holotc": 36}), {"ask-mma", "medlon-possible"}),
        (row({"b12": 400}, biotin_last_72h="yes"), {"biotin"}),
    ]
    check("b12", table, 2)
    biotin = row({"b12": 400}, biotin_last_72h="yes")
    check("b12", [(biotin, ""), (row({"b12": 200}, pregnant="yes"), "grey")])


# Lows.

AFTER_MEALS = {"symptoms": ["hypo_postprandial"]}
RELIEVED = {"symptoms": ["hypo_postprandial", "relief_by_eating"]}


AFTER = [
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
]


def test_a_low_after_meals_has_its_level_and_its_way() -> None:
    rows = [row(values, **context) for values, context, *_ in AFTER]
    wanted = [(level, where) for *_, level, where in AFTER]
    assert [one["reactive_hypoglycaemia"][::2] for one in many(rows)] == wanted


def test_a_low_in_mg_dl_has_the_same_level() -> None:
    levels = {69: "RH2", 70: "RH1", 54: "RH2", 53: "RH3"}
    for marker in ("glucose_random", "glucose_meter"):
        rows = [(row({marker: v}, units=MG, **RELIEVED), level) for v, level in levels.items()]
        check("reactive_hypoglycaemia", rows)


def test_unknown_symptoms_give_no_level() -> None:
    rows = [row({"glucose_meter": value}, symptoms=None) for value in (2.5, 3.5, 5.0)]
    found = [one["reactive_hypoglycaemia"] for one in many(rows)]
    assert [one[0] for one in found] == ["", "", ""]
    assert ["symptoms-unknown" in one[2] for one in found] == [True, True, False]


APART = [
    ({"glucose_meter": 5.0}, {}, "", set()),
    ({"glucose_fasting": 3.9}, {}, "", set()),
    ({"glucose_fasting": 3.89}, {}, "RHx", {"gp", "repeat", "fasting"}),
    ({"glucose_fasting": 2.9}, {}, "RHx", {"gp", "sf-03", "fasting"}),
    ({}, {"symptoms": ["nocturnal_hypo"]}, "RHx", {"sf-01", "gp", "night"}),
    ({}, {"symptoms": ["hypo_fasting"]}, "RHx", {"sf-01", "gp", "fasting"}),
    ({}, {"symptoms": ["hypo_exercise"]}, "RHx", {"gp", "exercise"}),
    ({"glucose_meter": 3.5}, {"medication": [GLICLAZIDE]}, "RHx", {"prescriber", "on-medication"}),
    ({"glucose_meter": 5.0}, {"medication": [GLICLAZIDE]}, "", set()),
    ({"glucose_meter": 3.5}, {"medication": [METFORMIN]}, "", set()),
    (
        {"glucose_meter": 3.5},
        {**AFTER_MEALS, "bariatric_surgery": "yes"},
        "RHx",
        {"gp", "after-surgery"},
    ),
    ({"glucose_meter": 3.5}, AFTER_MEALS, "", set()),
    ({"glucose_ogtt_120": 2.5}, {}, "", set()),
]


def test_a_low_apart_from_meals_is_never_reactive() -> None:
    found = many([row(values, **context) for values, context, *_ in APART])
    wanted = [(level, where) for *_, level, where in APART]
    assert [one["nonreactive_hypoglycaemia"][::2] for one in found] == wanted
    apart = [one for one in found if one["nonreactive_hypoglycaemia"][0]]
    assert {one["reactive_hypoglycaemia"][0] for one in apart} == {""}


# Insulin during an OGTT.

MINUTES = (0, 30, 60, 120, 180)


def ogtt(*insulin: Any) -> dict[str, Any]:
    return {f"insulin_ogtt_{m}": v for m, v in zip(MINUTES, insulin, strict=False)}


HAYASHI = [
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
]


def test_the_pattern_of_hayashi_follows_the_peak() -> None:
    check("ogtt_pattern", [(row(ogtt(*insulin)), pattern) for insulin, pattern in HAYASHI])


KRAFT = [
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
]


def test_the_pattern_of_kraft_is_the_first_that_holds() -> None:
    check("ogtt_kraft", [(row(ogtt(*insulin)), pattern) for insulin, pattern in KRAFT])


def test_a_pattern_needs_a_fasting_start_and_no_injected_insulin() -> None:
    values = ogtt(6, 40, 50, 30, 20)
    fed, unknown = many([row(values, fasting_hours=hours) for hours in ("2", "")])
    for id in ("ogtt_pattern", "ogtt_kraft"):
        assert fed[id][::2] == unknown[id][::2] == ("", {"not-fasting"})
        assert asked(id, values, medication=[INSULIN])[::2] == ("", {"insulin-therapy"})
    assert result("ogtt_pattern", values, pregnant="yes") == ""


# The seed case.


@cache
def seed() -> tuple[tuple[Classification, ...], ...]:
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


@cache
def full() -> tuple[Visits, ...]:
    """Return the readings of somebody of whom everything is known."""
    return judged(case(lab(EVERY), context=CONTEXT)).readings


def names_of(id: str) -> set[str]:
    """Return all that a definition may look at, through what is computed too."""
    definition = DEFINITIONS[id]
    own = {name for names in definition.inputs.values() for name in names}
    return own | {*definition.beside, *definition.exclusions}


def test_adding_an_unrelated_marker_changes_no_classification() -> None:
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
    before, after = many([row(EVERY, **CONTEXT), row({**EVERY, **more}, **CONTEXT)])
    assert before == after


@pytest.mark.parametrize("id", DEFINITIONS)
def test_a_definition_looks_at_nothing_but_what_it_names(
    id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    column = Visits.column
    readings = full()
    monkeypatch.setattr(Visits, "column", lambda self, name: read.add(name) or column(self, name))
    DEFINED_BY[id](readings)
    reliability = {"haemoglobin", "mcv", "ferritin", "egfr"}
    assert read - reliability <= names_of(id)


@pytest.mark.parametrize("id", DEFINITIONS)
def test_a_definition_uses_the_limits_that_it_names_and_no_other(
    id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: set[str] = set()
    named = Rules.limits_named
    people = (full(), repeated())
    monkeypatch.setattr(
        Rules, "limits_named", lambda self, name: used.add(name) or named(self, name)
    )
    for readings in people:
        DEFINED_BY[id](readings)
    reliability = {"sf-14-egfr-30"}  # whether HbA1c can be used at all
    assert used - reliability == {*DEFINITIONS[id].limits}


@cache
def repeated() -> tuple[Visits, ...]:
    """Return the readings of somebody whose hs-CRP was measured twice."""
    days = (on("2024-01-01", {"hs_crp": 1}), on("2024-02-01", {"hs_crp": 1}))
    return judged(case(*days)).readings


def test_without_any_value_a_definition_answers_nothing() -> None:
    for found in many([row({}, **dict.fromkeys(case().context))])[0].values():
        assert found[0] == ""
        assert set(found[1].values()) <= {None}
        assert not found[2]


def test_an_answer_a_criterion_and_a_note_is_one_that_the_definition_names() -> None:
    for id, found in apply_criteria(full()).items():
        definition = DEFINITIONS[id]
        assert set(found.result) <= {"", *definition.results}
        assert set(found.criteria) == {name for name in definition.inputs if name}
        withheld = set() if definition.in_pregnancy else {"pregnancy"}
        assert set(found.notes) == {*definition.notes} | withheld


def test_a_value_that_is_taken_away_never_makes_a_normal() -> None:
    calm = {"normal", "not_met", "low", "sufficient", "RH0"}
    values = {**EVERY, "glucose_ogtt_120": 7.0}  # nobody needs an OGTT to be normal
    without = [{name: v for name, v in values.items() if name != gone} for gone in values]
    whole, *less = many([row(each, **CONTEXT) for each in (values, *without)])
    for found in less:
        made = {id: answer for id, (answer, *_) in found.items() if answer in calm}
        assert made.items() <= {id: answer for id, (answer, *_) in whole.items()}.items()


def test_a_person_alone_and_among_others_is_classed_alike() -> None:
    people = [
        row(EVERY, **CONTEXT),
        row({"glucose_fasting": 7.5, "hs_crp": 0.5}),
        row({"b12": 140}),
    ]
    assert many(people) == [found for one in people for found in many([one])]


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


def test_why_a_visit_gets_no_class_of_glycaemia_is_told() -> None:
    text = say(case(lab({"glucose_random": 12})), "en")
    assert "Glycaemia by the ADA (2025): cannot be classed" in text
    assert text.count("rules out normal; repeat fasting") == 1
    assert say(case(lab({"sodium": 140}))) == ""


def test_in_pregnancy_one_sentence_names_all_that_is_not_classed() -> None:
    text = say(case(lab({"glucose_fasting": 5.3, "hba1c": 33}), context={"pregnant": "yes"}))
    assert text.count("Tijdens de zwangerschap") == 1
    assert "Glykemie volgens de ADA (2025)" in text
    assert "normaal" not in text


def test_a_visit_without_lows_or_symptoms_says_nothing_of_them() -> None:
    assert "RH0" not in say(case(lab({"glucose_fasting": 5.0})))


def test_an_answer_names_the_rows_of_other_days_that_it_rests_on() -> None:
    days = [on("2024-01-01", {"glucose_fasting": 7.2}), on("2024-06-01", {"glucose_fasting": 7.4})]
    for id in ("glycaemia_ada", "glycaemia_nhg"):
        assert len(classification(case(*days), id).rows) == 2
        assert len(classification(case(days[1]), id).rows) == 1
    twice = case(on("2024-01-01", {"hs_crp": 2}), on("2024-02-01", {"hs_crp": 2}))
    assert len(classification(twice, "hs_crp").rows) == 2
    later = case(on("2024-01-01", {"hs_crp": 2}), on("2024-09-01", {"hs_crp": 2}))
    assert len(classification(later, "hs_crp").rows) == 1
