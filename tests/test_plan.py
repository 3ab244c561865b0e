"""The plan: what is advised, what withholds or changes it, and nothing that is forbidden."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinic import AS_OF, CALM, RULES, accepted, case, lab
from clinic import judged as judged_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from leaves import leaves

from pipeline.criteria import apply_criteria
from pipeline.export import case_json
from pipeline.interpret import interpret, interpret_columns
from pipeline.interpret.plan import plan_columns, plan_items
from pipeline.interpret.safety import Pair
from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.model import CaseInput, Genotype, Interpretation, PlanItem, SetAside, StatedGenotype
from pipeline.narrate import narrate
from pipeline.narrate.client import plan as client_plan
from pipeline.narrate.client.plan import THEMES
from pipeline.narrate.telling import Telling
from pipeline.plan import CONTRAINDICATIONS, TRIGGERS, Planned
from pipeline.read.case_input import read_case_input
from pipeline.read.people import stated_table
from pipeline.story import Bullets, Paragraph, Section, Step, Steps, Table

FACTS = Path(__file__).parents[1] / "pipeline" / "rules"
RESISTANT = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 34}
SENSITIVE = {"glucose_fasting": 4.8, "insulin_fasting": 4, "hba1c": 32}
HEAVY = {"weight": 95, "height": 168}
WELL_KIDNEYS = {"creatinine": 61, "urine_acr": 1.0}
CLEAR = {
    "pregnant": "no",
    "pregnancy_wish": "no",
    "ivf": "no",
    "lactating": "no",
    "ed_screen": "negative",
    "medication": [],
    "symptoms": [],
    **dict.fromkeys(
        (
            "eating_disorder_history",
            "cvd",
            "retinopathy",
            "coeliac_workup",
            "iron_overload",
            "cancer",
            "immunosuppression",
            "kidney_stones",
        ),
        "no",
    ),
}
CLEAR_VALUES = {
    "weight": 65,
    "height": 168,
    "creatinine": 61,
    "ferritin": 60,
    "sbp": 115,
    "dbp": 70,
}
ADAPTOGENS = ("D5-adaptogens", "D5-rhodiola", "D5-liquorice")


def planned(
    values: Mapping[str, Any], context: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, PlanItem]:
    """Return what is called for at the only visit, by id."""
    return {item.id: item for item in interpret(case(lab(values), context=context, **more)).plan}


def advised(plan: Mapping[str, PlanItem]) -> set[str]:
    return {id for id, item in plan.items() if not item.withheld_by}


def amounts(values: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return dict(planned(values, context)["N6"].amounts)


def seed() -> Interpretation:
    samples = Path(__file__).parents[1] / "samples" / "seed_case" / "input.json"
    return interpret(read_case_input(samples))


# What calls for advice; a table of people is planned at once, as a cohort is.


def placed(table: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return a table of people with the place of each in the cohort instead of the person."""
    return [(at, *expected) for at, (_, _, *expected) in enumerate(table)]


def cohort_of(table: Sequence[tuple[Any, ...]]) -> dict[str, Planned]:
    """Return the plan of all people of a table, values and context first, made at once."""
    if id(table) not in _COHORTS:
        _COHORTS[id(table)] = _plan_of([(values, context) for values, context, *_ in table])
    return _COHORTS[id(table)]


_COHORTS: dict[int, dict[str, Planned]] = {}


def _plan_of(people: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Planned]:
    ids = [f"p{at:03}" for at in range(len(people))]
    cases = [
        replace(case(context=told), case_id=id) for id, (_, told) in zip(ids, people, strict=True)
    ]
    rows = accepted(*(lab(values, case_id=id) for id, (values, _) in zip(ids, people, strict=True)))
    persons = pd.DataFrame({"case_id": ids, "sex": "F", "birth_year": 1984})
    judged = interpret_columns(rows, persons, stated_table(cases), as_of=AS_OF, rules=RULES)
    assert judged.visits.table["case_id"].tolist() == ids
    pair = Pair(judged=judged, doubtful=judged)
    return {one.advice.id: one for one in plan_columns(pair, apply_criteria(judged.readings))}


CALLED: list[tuple[dict[str, Any], dict[str, Any], str, bool]] = [
    (RESISTANT, {}, "D1", True),
    (SENSITIVE, {}, "D1", False),
    ({**SENSITIVE, "hs_crp": 1.0}, {}, "D1", False),
    ({**SENSITIVE, "hs_crp": 1.1}, {}, "D1", True),
    ({**SENSITIVE, "hs_crp": 10}, {}, "D1", True),
    ({**SENSITIVE, "hs_crp": 10.1}, {}, "D1", False),
    ({**SENSITIVE, "triglycerides": 1.5, "hdl": 1.0}, {}, "D1", False),
    ({**SENSITIVE, "triglycerides": 1.6, "hdl": 1.0}, {}, "D1", True),
    ({**SENSITIVE, "cgm_titr": 92, "cgm_active": 90}, {}, "D1", True),
    ({**SENSITIVE, "cgm_titr": 93, "cgm_active": 90}, {}, "D1", False),
    ({**SENSITIVE, "cgm_titr": 92, "cgm_active": 60}, {}, "D1", False),
    ({**SENSITIVE, "cgm_titr": 92}, {}, "D1", False),
    (RESISTANT, {}, "D2-activity", True),
    ({**SENSITIVE, "waist": 79.9}, {}, "D2-activity", False),
    ({**SENSITIVE, "waist": 80}, {}, "D2-activity", True),
    ({**RESISTANT, "bmi": 24.9}, {}, "D2-weight", False),
    ({**RESISTANT, "weight": 70.56, "height": 168}, {}, "D2-weight", True),
    (RESISTANT, {}, "D2-weight", False),
    ({**SENSITIVE, "alt": 200}, {}, "D3-alcohol", True),
    ({**SENSITIVE, "alt": 20}, {}, "D3-alcohol", False),
    ({"ferritin": 400}, {}, "D3-alcohol", True),
    ({"homocysteine": 8}, {}, "D3-folate-foods", False),
    ({"homocysteine": 8.1}, {}, "D3-folate-foods", True),
    ({"b12": 149}, {}, "D3-b12", True),
    ({"b12": 150}, {}, "D3-b12", False),
    ({"holotc": 18}, {}, "D3-b12", True),
    (SENSITIVE, {"pregnancy_wish": "yes"}, "D3-folic-acid", True),
    (SENSITIVE, {"pregnancy_wish": "unknown"}, "D3-folic-acid", False),
    (SENSITIVE, {"medication": ["A10BA02"]}, "D3-test", True),
    ({"calprotectin": 50}, {"symptoms": ["gut_complaints"]}, "D4-fibre", False),
    ({"calprotectin": 51}, {"symptoms": ["gut_complaints"]}, "D4-fibre", True),
    ({"calprotectin": 250}, {"symptoms": ["gut_complaints"]}, "D4-fibre", True),
    ({"calprotectin": 251}, {"symptoms": ["gut_complaints"]}, "D4-fibre", False),
    ({"calprotectin": 100}, {}, "D4-fibre", False),
    ({"siga_stool": 400}, {"symptoms": ["gut_complaints"]}, "D4-fibre", True),
    (SENSITIVE, {"dysbiosis": "yes", "symptoms": ["gut_complaints"]}, "D4-fibre", True),
    (SENSITIVE, {"symptoms": ["stress"]}, "D5-mind-body", True),
    (SENSITIVE, {}, "D5-mind-body", False),
    ({"cortisol_serum_am": 600}, {}, "D5-mind-body", True),
    ({"cortisol_serum_am": 600}, {"oestrogen_use": "yes"}, "D5-mind-body", False),
    (SENSITIVE, {"symptoms": ["insomnia"]}, "D6-cbt-i", True),
    (SENSITIVE, {"short_sleep": "yes"}, "D6-rhythm", True),
    (SENSITIVE, {"short_sleep": "unknown"}, "D6-rhythm", False),
    ({"weight": 84, "height": 168}, {"symptoms": ["insomnia"]}, "D6-apnoea", False),
    ({"weight": 85, "height": 168}, {"symptoms": ["insomnia"]}, "D6-apnoea", True),
    (SENSITIVE, {"symptoms": ["insomnia"], "snoring": "yes"}, "D6-apnoea", True),
    (RESISTANT, {}, "N2", True),
    (SENSITIVE, {}, "N2", False),
    ({"hba1c": 35}, {}, "N2", False),
    (SENSITIVE, {}, "N1", True),
    ({"alt": 200}, {}, "N5-omega3", True),
    (SENSITIVE, {}, "N5-omega3", False),
    ({"zinc": 5}, {}, "N7-supplements", True),
    (SENSITIVE, {}, "N7-supplements", False),
]


@pytest.mark.parametrize(("at", "item", "called"), placed(CALLED))
def test_advice_is_called_for_only_where_its_reason_certainly_holds(
    at: int, item: str, called: bool
) -> None:
    assert bool(cohort_of(CALLED)[item].called[at]) is called


@pytest.mark.parametrize("marker", ["oa_adipate", "oa_citrate", "zonulin_serum", "zonulin_stool"])
def test_organic_acids_and_zonulin_alone_call_for_nothing(marker: str) -> None:
    more = {"symptoms": ["gut_complaints"]}
    raised = interpret(case(lab({marker: 80}, ref_high="5"), context=more)).plan
    plain = interpret(case(lab({"hdl": 1.5}), context=more)).plan
    assert [item.id for item in raised] == [item.id for item in plain]


def test_what_supports_a_reason_is_told_beside_it() -> None:
    item = interpret(
        case(lab({"waist": 90}), lab({"oa_adipate": 80}, sample_id="u1", ref_high="5"))
    ).plan[0]
    assert item.id == "D2-activity"
    assert item.because == ("waist", "oa_adipate")


def test_figlu_alone_asks_for_a_test_and_for_no_supplement() -> None:
    plan = interpret(case(lab({"oa_figlu": 80}, ref_high="5"))).plan
    assert [item.id for item in plan if item.id.startswith("D3")] == ["D3-test"]


def test_a_genotype_alone_calls_for_nothing_and_stands_beside_a_reason() -> None:
    stated = StatedGenotype(rsid="rs1801133", call="AA", strand="plus", build="GRCh38", assay="")
    genotype = Genotype(
        stated=stated,
        gene="MTHFR",
        variant="C677T",
        plus="AA",
        effect_allele="A",
        copies=2,
        evidence="A",
    )
    for values, reasons in (
        ({"homocysteine": 7}, None),
        ({"homocysteine": 12}, ("homocysteine", "mthfr_aa")),
    ):
        judged = judged_of(case(lab(values)))
        plan = plan_items(Pair(judged=judged, doubtful=judged), {}, (genotype,))
        found = {item.id: item.because for item in plan}
        assert found.get("D3-folate-foods") == reasons


# Protein.


def test_protein_is_printed_by_weight_and_by_adjusted_weight() -> None:
    told = amounts({**HEAVY, **WELL_KIDNEYS})
    assert (told["per_kg_low"], told["per_kg_high"]) == (1.2, 1.6)
    assert (told["literal_low"], told["literal_high"]) == (114, 152)
    assert told["adjusted_weight"] == 76.7
    assert (told["adjusted_low"], told["adjusted_high"]) == (92, 123)
    assert (told["low"], told["high"]) == (92, 123)


@pytest.mark.parametrize(
    ("weight", "adjusted", "chosen"),
    [(70.0, None, 84), (70.56, 85, 85), (84.6, 89, 102), (84.7, 89, 89)],
)
def test_both_weights_stand_from_a_bmi_of_25_and_the_adjusted_counts_from_30(
    weight: float, adjusted: int | None, chosen: int
) -> None:
    told = amounts({"weight": weight, "height": 168, **WELL_KIDNEYS})
    assert told.get("adjusted_low") == adjusted
    assert told["low"] == chosen


@pytest.mark.parametrize(
    ("values", "band", "changed"),
    [
        (WELL_KIDNEYS, (1.2, 1.6), ()),
        ({"creatinine": 61}, (0.83, 1.2), ("albuminuria-unknown",)),
        ({"creatinine": 61, "urine_acr": 3.0}, (1.2, 1.6), ()),
        ({"creatinine": 61, "urine_acr": 3.1}, (0.83, 1.2), ("albuminuria",)),
        ({"urine_acr": 1.0}, (0.83, 1.2), ("kidney-unknown",)),
        ({}, (0.83, 1.2), ("kidney-unknown", "albuminuria-unknown")),
        ({"creatinine": 120, "urine_acr": 1.0}, (0.8, 0.8), ("CI-06",)),
    ],
)
def test_the_upper_band_of_protein_needs_kidneys_that_are_known_to_be_well(
    values: dict[str, Any], band: tuple[float, float], changed: tuple[str, ...]
) -> None:
    item = planned({**HEAVY, **values})["N6"]
    assert (item.amounts["per_kg_low"], item.amounts["per_kg_high"]) == band
    assert item.changed_by == changed


def test_with_a_low_egfr_protein_is_of_the_adjusted_weight_and_capped() -> None:
    told = amounts({**HEAVY, "creatinine": 120, "urine_acr": 1.0})
    assert (told["low"], told["high"], told["never_above"]) == (61, 61, 100)


def test_an_egfr_of_more_than_a_year_ago_is_no_ground_for_the_upper_band() -> None:
    for date, band in (("2024-01-01", 1.2), ("2023-12-31", 0.83)):
        rows = (lab(WELL_KIDNEYS, date=date), lab(HEAVY, date="2024-12-31"))
        item = {x.id: x for x in interpret(case(*rows)).plan}["N6"]
        assert item.amounts["per_kg_low"] == band


def test_a_low_egfr_of_long_ago_still_lowers_protein() -> None:
    rows = (lab({"creatinine": 150}, date="2019-01-01"), lab(HEAVY, date="2024-12-31"))
    item = {x.id: x for x in interpret(case(*rows)).plan}["N6"]
    assert item.amounts["per_kg_low"] == 0.8


@pytest.mark.parametrize(
    ("context", "more"),
    [
        ({"pregnant": "yes"}, {}),
        ({"lactating": "yes"}, {}),
        ({"liver_failure": "yes"}, {}),
        ({}, {"birth_year": 1949}),
    ],
)
def test_protein_is_individual_where_a_number_would_mislead(
    context: dict[str, Any], more: dict[str, Any]
) -> None:
    item = planned({**HEAVY, **WELL_KIDNEYS}, context, **more)["N6"]
    assert item.amounts == {}
    assert item.changed_by


def test_protein_is_for_adults_and_for_nobody_of_unknown_age() -> None:
    assert "N6" not in planned(HEAVY, birth_year=2007)
    assert "N6" in planned(HEAVY, birth_year=2006)
    assert "N6" not in planned(HEAVY, birth_year=None)


def test_without_a_height_no_choice_between_weights_is_made() -> None:
    told = amounts({"weight": 95, **WELL_KIDNEYS})
    assert "low" not in told
    assert (told["literal_low"], told["literal_high"]) == (114, 152)


# What withholds and changes.

ON = {
    "insulin": {"medication": ["A10AE04"]},
    "gliclazide": {"medication": ["A10BB09"]},
    "repaglinide": {"medication": ["A10BX02"]},
    "sglt2": {"medication": ["A10BK01"]},
    "sglt2_combined": {"medication": ["A10BD20"]},
    "t1d": {"known_diabetes": "t1d"},
    "pregnant": {"pregnant": "yes"},
    "lactating": {"lactating": "yes"},
    "nocturnal": {"symptoms": ["nocturnal_hypo"]},
    "after_meals": {"symptoms": ["hypo_postprandial"]},
    "ed_screen": {"ed_screen": "positive"},
    "ed_history": {"eating_disorder_history": "yes"},
}


@pytest.mark.parametrize("context", ON.values(), ids=ON)
def test_three_meals_without_snacks_give_way_to_planned_snacks(context: dict[str, Any]) -> None:
    plan = planned(RESISTANT, {**context, "fasting_agreed": "yes"})
    assert plan["N2"].withheld_by
    assert plan["D2-fasting"].withheld_by
    assert plan["N2-snacks"].because == plan["N2"].withheld_by
    assert "N2-snacks" in advised(plan)


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({**RESISTANT, "insulin_fasting": 50}, "SF-01"),
        ({**RESISTANT, "insulin_fasting": 30, "c_peptide": 0.3}, "SF-02"),
        ({**RESISTANT, "glucose_meter": 2.9}, "SF-03"),
        ({**RESISTANT, "cortisol_serum_am": 120}, "SF-05"),
    ],
)
def test_an_open_flag_of_hypoglycaemia_or_the_adrenals_withholds_meals_without_snacks(
    values: dict[str, Any], flag: str
) -> None:
    plan = planned(values, {"fasting_agreed": "yes"})
    assert flag in plan["N2"].withheld_by
    assert plan["D2-fasting"].withheld_by


def test_without_any_of_these_meals_without_snacks_are_advised_and_fasting_only_if_chosen() -> None:
    plan = planned(RESISTANT, CLEAR)
    assert "N2" in advised(plan)
    assert "N2-snacks" not in plan
    assert plan["D2-fasting"].withheld_by == ("fasting-not-agreed",)
    assert "D2-fasting" in advised(planned(RESISTANT, {**CLEAR, "fasting_agreed": "yes"}))


def test_underweight_leaves_no_rule_that_restricts() -> None:
    for bmi_weight, restricted in ((52.2, True), (52.3, False)):
        plan = planned({**RESISTANT, "weight": bmi_weight, "height": 168})
        assert ("N4-limit" not in advised(plan)) is restricted
        assert ("N2" not in advised(plan)) is restricted
        assert ("N3-share" not in advised(plan)) is restricted


def test_a_flag_that_rests_on_a_doubtful_value_withholds_too() -> None:
    doubtful = case(lab({"cortisol_serum_am": 90}))
    row = doubtful.rows.iloc[0].to_dict()
    aside = SetAside(row="x:1", reasons=("implausible",), measurement={**row, "row": "x:1"})
    one = case(lab(RESISTANT), context={"fasting_agreed": "yes"}, set_aside=(aside,))
    plan = {item.id: item for item in interpret(one).plan}
    assert "SF-05" in plan["D2-fasting"].withheld_by
    assert "SF-05" in plan["N2"].withheld_by


def test_metformin_changes_nothing_but_asks_to_watch_b12() -> None:
    plan = planned(RESISTANT, {"medication": ["A10BA02"]})
    assert "N2" in advised(plan)
    assert plan["D3-test"].because == ("metformin",)
    assert plan["D3-test"].changed_by == ("CI-02",)


def test_the_second_branch_of_sf_29_blocks_fasting_without_raising_the_flag() -> None:
    found = interpret(
        case(lab(RESISTANT), context={"medication": ["A10BK01"], "fasting_agreed": "yes"})
    )
    plan = {item.id: item for item in found.plan}
    assert "SF-29" in plan["D2-fasting"].withheld_by
    assert "SF-29" not in {flag.id for flag in found.open_flags}


@pytest.mark.parametrize("agreed", ["yes", "no", "unknown"])
def test_ashwagandha_is_never_advised_and_always_told(agreed: str) -> None:
    plan = planned(CLEAR_VALUES, {**CLEAR, "symptoms": ["stress"], "adaptogens_agreed": agreed})
    assert "CI-07" in plan["D5-ashwagandha"].withheld_by


def test_adaptogens_need_every_contra_indication_ruled_out_and_a_choice() -> None:
    context = {**CLEAR, "symptoms": ["stress"], "adaptogens_agreed": "yes"}
    told = (lab(CLEAR_VALUES), lab({"ttg_iga": 1}, sample_id="s2", ref_high="7"))

    def advicewith(context: dict[str, Any]) -> set[str]:
        found = interpret(case(*told, context=context)).plan
        return {item.id for item in found if not item.withheld_by} & set(ADAPTOGENS)

    assert advicewith(context) == set(ADAPTOGENS)
    for key in ("pregnancy_wish", "ed_screen", "cvd", "coeliac_workup", "cancer", "kidney_stones"):
        assert advicewith({k: v for k, v in context.items() if k != key}) == set(), key
    assert advicewith({**context, "cvd": "unknown"}) == set()
    assert advicewith({**context, "adaptogens_agreed": "no"}) == set()


@pytest.mark.parametrize(("code", "item"), [("N06AB04", "D5-rhodiola"), ("N06AG02", "D5-rhodiola")])
def test_rhodiola_is_not_advicebeside_an_ssri_or_mao_inhibitor(code: str, item: str) -> None:
    plan = planned(SENSITIVE, {"symptoms": ["stress"], "medication": [code]})
    assert "CI-07" in plan[item].withheld_by
    assert "CI-11" in plan["D5-adaptogens"].withheld_by


@pytest.mark.parametrize(
    "values", [{"sbp": 130}, {"dbp": 85}, {"potassium": 3.0}, {"cortisol_serum_am": 900}]
)
def test_liquorice_is_not_advicewith_blood_pressure_potassium_or_cortisol(
    values: dict[str, Any],
) -> None:
    more = {"adaptogens_agreed": "yes", "oestrogen_use": "no"}
    plan = planned(values, {"symptoms": ["stress"], **more})
    assert "CI-07" in plan["D5-liquorice"].withheld_by


@pytest.mark.parametrize("key", ["pregnant", "pregnancy_wish", "ivf", "lactating"])
def test_around_pregnancy_there_is_no_fasting_adaptogen_herb_or_supplement(key: str) -> None:
    values = {**RESISTANT, "alt": 50, "zinc": 5}
    context = {key: "yes", "symptoms": ["stress"]}
    adviceup = {"adaptogens_agreed": "yes", "fasting_agreed": "yes"}
    plan = planned(values, {**context, **adviceup})
    forbidden = {*ADAPTOGENS, "D2-fasting", "N5-bitters", "N7-supplements"}
    assert forbidden <= plan.keys()
    assert not advised(plan) & forbidden


def test_in_pregnancy_there_is_no_target_for_weight() -> None:
    values = {**RESISTANT, **HEAVY}
    assert planned(values, {"pregnant": "yes"})["D2-weight"].withheld_by == ("CI-01",)
    wish = planned(values, {"pregnancy_wish": "yes"})["D2-weight"]
    assert (wish.withheld_by, wish.changed_by) == ((), ("CI-01",))


@pytest.mark.parametrize("b12", [100, 400])
def test_periconceptional_folic_acid_is_never_withheld(b12: int) -> None:
    plan = planned({"b12": b12, "folate": 3}, {"pregnancy_wish": "yes"})
    item = plan["D3-folic-acid"]
    assert item.withheld_by == ()
    assert item.amounts == {"dose": 400}
    assert ("SF-18" in item.changed_by) is (b12 == 100)


def test_folate_is_not_repleted_without_knowing_b12_nor_while_it_is_low() -> None:
    assert planned({"folate": 3})["D3-folate"].withheld_by == ("b12-untested",)
    assert planned({"folate": 3, "b12": 100})["D3-folate"].withheld_by == ("SF-18",)
    assert planned({"folate": 3, "b12": 400})["D3-folate"].withheld_by == ()
    item = planned({"folate": 3, "b12": 400, "mma_serum": 0.9})["D3-folate"]
    assert (item.withheld_by, item.changed_by) == ((), ("b12-low",))


@pytest.mark.parametrize(
    ("values", "context", "reason"),
    [
        ({"siga_stool": 400}, {"symptoms": ["gut_complaints", "blood_in_stool"]}, "SF-21"),
        ({"siga_stool": 400, "calprotectin": 300}, {"symptoms": ["gut_complaints"]}, "SF-21"),
        ({"siga_stool": 400}, {"symptoms": ["gut_complaints"], "coeliac_workup": "yes"}, "CI-09"),
    ],
)
def test_fibre_is_not_built_up_while_the_gut_awaits_assessment(
    values: dict[str, Any], context: dict[str, Any], reason: str
) -> None:
    plan = planned(values, context)
    assert reason in plan["D4-fibre"].withheld_by
    assert reason in plan["N5-fibre"].withheld_by


def test_gluten_is_left_out_only_after_both_tests_of_coeliac_disease() -> None:
    assert "N4-gluten" not in advised(planned(SENSITIVE))
    assert "N4-gluten" not in advised(planned({"ttg_iga": 1}))
    assert "N4-gluten" in advised(planned({"ttg_iga": 1, "iga_total": 2}))
    raised = interpret(case(lab({"ttg_iga": 50, "iga_total": 2}, ref_high="7"))).plan
    assert "CI-09" in {item.id: item for item in raised}["N4-gluten"].withheld_by


def test_raised_liver_values_stop_herbs_and_supplements() -> None:
    plan = planned({"alt": 200, "zinc": 5}, {"symptoms": ["stress"], "adaptogens_agreed": "yes"})
    for item in ("N5-bitters", "N7-supplements", "D5-adaptogens"):
        assert "SF-08" in plan[item].withheld_by
    assert "SF-08" in plan["D3-alcohol"].changed_by


CHANGED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (RESISTANT, {"medication": ["A10BB09"]}, "N1", "CI-02"),
    (RESISTANT, {"cvd": "yes"}, "D2-activity", "CI-05"),
    ({**RESISTANT, "sbp": 150}, {}, "D2-activity", "SF-22"),
    ({"creatinine": 200}, {}, "N3-vegetables", "CI-06"),
    (SENSITIVE, {"medication": ["B01AA07"]}, "N3-vegetables", "CI-08"),
    ({"alt": 60}, {"medication": ["B01AF01"]}, "N5-omega3", "CI-08"),
    ({"alt": 60}, {"atrial_fibrillation": "yes"}, "N5-omega3", "atrial-fibrillation"),
    ({"zinc": 5}, {"medication": ["H03AA01"]}, "N7-supplements", "CI-10"),
    ({"zinc": 5}, {"iron_overload": "yes"}, "N7-supplements", "CI-12"),
    ({"zinc": 5}, {"kidney_stones": "yes"}, "N7-supplements", "CI-14"),
    ({"zinc": 5}, {"smoking": "yes"}, "N7-supplements", "smoking"),
    (SENSITIVE, {"ibs": "yes"}, "N3-vegetables", "ibs"),
    (SENSITIVE, {"symptoms": ["insomnia", "nocturnal_hypo"]}, "D6-cbt-i", "SF-01"),
]


@pytest.mark.parametrize(("at", "item", "id"), placed(CHANGED))
def test_what_is_known_changes_advice_that_stays(at: int, item: str, id: str) -> None:
    found = cohort_of(CHANGED)[item]
    assert found.called[at]
    assert found.changed[id][at]
    assert not any(where[at] for where in found.withheld.values())


WITHHELD: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"alt": 60}, {"gallstones": "yes"}, "N5-bitters", "gallstones"),
    ({"alt": 60}, {"medication": ["B01AC06"]}, "N5-bitters", "CI-08"),
    ({"alt": 60}, {"fish_allergy": "yes"}, "N5-omega3", "fish-allergy"),
    ({"zinc": 5}, {"cancer": "yes"}, "N7-supplements", "CI-13"),
    ({"zinc": 5}, {"immunosuppression": "yes"}, "N7-supplements", "CI-13"),
    (SENSITIVE, {"medication": ["B01AA07"]}, "N3-share", "CI-08"),
    ({"creatinine": 200}, {}, "N3-share", "CI-06"),
    (SENSITIVE, {"ibs": "yes"}, "N3-share", "ibs"),
    (SENSITIVE, {"suicidal_thoughts": "yes"}, "N4-limit", "SF-25"),
]


@pytest.mark.parametrize(("at", "item", "id"), placed(WITHHELD))
def test_what_is_known_withholds_advice(at: int, item: str, id: str) -> None:
    found = cohort_of(WITHHELD)[item]
    assert found.called[at]
    assert found.withheld[id][at]


@pytest.mark.parametrize(("birth_year", "on"), [(2007, True), (2006, False), (1950, False)])
def test_the_young_have_a_plan_of_their_own(birth_year: int, on: bool) -> None:
    plan = planned(SENSITIVE, birth_year=birth_year)
    assert ("CI-15" in plan["N1"].changed_by) is on
    assert ("CI-15" in plan["N4-dairy"].withheld_by) is on


def test_what_was_known_last_still_withholds() -> None:
    rows = (lab(RESISTANT, date="2023-01-02"), lab(RESISTANT, date="2024-01-02"))
    context = {key: value for key, value in CALM.items() if key != "medication"}
    visits = ({"date": "2023-01-02", "medication": ["A10BK01"]}, {"date": "2024-01-02"})
    one = case(*rows, visits=visits)
    one = CaseInput(
        case_id=one.case_id,
        as_of=one.as_of,
        sex=one.sex,
        birth_year=one.birth_year,
        rows=one.rows,
        context=context,
        visits=visits,
    )
    plan = {item.id: item for item in interpret(one).plan}
    assert "CI-02" in plan["N2"].withheld_by


def test_what_nobody_stated_is_asked_first_and_withholds_no_ordinary_food() -> None:
    plan = planned({"alt": 60})
    assert plan["N5-omega3"].withheld_by == ()
    assert "fish_allergy" in plan["N5-omega3"].ask_first
    assert "kidney_stones" in plan["N3-vegetables"].ask_first
    told = planned({"alt": 60}, {"fish_allergy": "no", "atrial_fibrillation": "no"})
    assert told["N5-omega3"].ask_first == ()


# Nothing that is forbidden.


def rows_of(name: str) -> list[dict[str, str]]:
    text = (FACTS / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in text if not line.startswith("#")))


def forbidden_by() -> dict[str, set[str]]:
    """Return the items that each contra-indication forbids, by its id and branch."""
    kinds = {row["item"]: {row["item"], *row["kinds"].split()} for row in rows_of("plan.csv")}
    return {
        f"{row['id']} {row['branch']}".strip(): {
            item for item, own in kinds.items() if own & set(row["withholds"].split())
        }
        for row in rows_of("contraindications.csv")
    }


def stated(context: Mapping[str, Any], *keys: str) -> bool:
    return any(context.get(key) == "yes" for key in keys)


def takes(context: Mapping[str, Any], *codes: str) -> bool:
    return any(drug.startswith(codes) for drug in context["medication"])


def has(context: Mapping[str, Any], *symptoms: str) -> bool:
    return any(symptom in context["symptoms"] for symptom in symptoms)


HOLDS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "CI-01": lambda x: stated(x, "pregnant", "pregnancy_wish", "ivf", "lactating"),
    "CI-01 pregnant": lambda x: stated(x, "pregnant"),
    "CI-01 lactating": lambda x: stated(x, "lactating"),
    "CI-02": lambda x: takes(x, "A10A", "A10BB", "A10BX02"),
    "CI-02 sglt2": lambda x: takes(x, "A10BK", "A10BD20"),
    "CI-03": lambda x: (
        has(x, "nocturnal_hypo", "hypo_fasting", "hypo_postprandial")
        or takes(x, "A10BK", "A10BD20")
        or x["known_diabetes"] == "t1d"
        or stated(x, "lactating")
    ),
    "CI-04": lambda x: stated(x, "eating_disorder_history") or x.get("ed_screen") == "positive",
    "CI-07": lambda x: True,
    "CI-07 rhodiola": lambda x: takes(x, "N06AB", "N06AG"),
    "CI-08": lambda x: takes(x, "B01A"),
    "CI-08 vitamin_k": lambda x: takes(x, "B01AA"),
    "CI-09": lambda x: stated(x, "coeliac_workup"),
    "CI-11": lambda x: takes(x, "N05A", "N06A"),
    "CI-13": lambda x: stated(x, "cancer", "immunosuppression"),
    "SF-01": lambda x: has(x, "nocturnal_hypo", "hypo_fasting"),
    "SF-05": lambda x: x["cortisol"] < 150,
    "SF-08": lambda x: x["alt"] > 150,
    "SF-18": lambda x: x["b12"] < 150,
    "SF-21": lambda x: has(x, "blood_in_stool"),
    "SF-25": lambda x: stated(x, "suicidal_thoughts") or x.get("ed_screen") == "positive",
    "SF-29 drugs": lambda x: takes(x, "A10BK", "A10BD20", "A10A") or x["known_diabetes"] == "t1d",
    "gallstones": lambda x: stated(x, "gallstones"),
    "fish-allergy": lambda x: stated(x, "fish_allergy"),
    "liver-failure": lambda x: stated(x, "liver_failure"),
    "liver-disease": lambda x: stated(x, "liver_disease"),
    "ibs": lambda x: stated(x, "ibs"),
    "adaptogens-not-agreed": lambda x: not stated(x, "adaptogens_agreed"),
    "fasting-not-agreed": lambda x: not stated(x, "fasting_agreed"),
}
YES_NO = (
    *("pregnant", "pregnancy_wish", "ivf", "lactating", "eating_disorder_history"),
    *("coeliac_workup", "cancer", "immunosuppression", "suicidal_thoughts", "gallstones"),
    *("fish_allergy", "liver_failure", "liver_disease", "ibs", "adaptogens_agreed"),
    *("fasting_agreed", "dysbiosis", "kidney_stones", "iron_overload", "cvd"),
)
DRUGS = "A10AE04 A10BB09 A10BX02 A10BK01 A10BD20 A10BA02 N06AB04 N06AG02 N05AH04 B01AA07 B01AC06"
SYMPTOMS = (
    "stress insomnia gut_complaints nocturnal_hypo hypo_fasting hypo_postprandial blood_in_stool"
)
CONTEXTS = st.fixed_dictionaries(
    {
        "medication": st.lists(st.sampled_from(DRUGS.split()), max_size=2, unique=True),
        "symptoms": st.lists(st.sampled_from(SYMPTOMS.split()), max_size=4, unique=True),
        "known_diabetes": st.sampled_from(["none", "t1d", "t2d", "unknown"]),
        "cortisol": st.sampled_from([90, 140, 400, 900]),
        "insulin_fasting": st.sampled_from([4, 20]),
        "alt": st.sampled_from([20, 60, 200]),
        "b12": st.sampled_from([100, 400]),
    },
    optional={
        "ed_screen": st.sampled_from(["positive", "negative"]),
        **dict.fromkeys(YES_NO, st.sampled_from(["yes", "no", "no", "unknown"])),
    },
)


def measured_in(context: Mapping[str, Any]) -> dict[str, Any]:
    drawn = {key: context[key] for key in ("insulin_fasting", "alt", "b12")}
    plain = {"folate": 3, "zinc": 5, "siga_stool": 400, "cortisol_serum_am": context["cortisol"]}
    return {**RESISTANT, **HEAVY, **plain, **drawn}


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # the failing people are named; smaller ones cost minutes
)
@given(people=st.lists(CONTEXTS, min_size=20, max_size=40))
def test_nothing_that_is_forbidden_is_ever_advised(people: list[dict[str, Any]]) -> None:
    stated_keys = [{k: v for k, v in one.items() if k in RULES.context} for one in people]
    plan = _plan_of(
        [(measured_in(one), told) for one, told in zip(people, stated_keys, strict=True)]
    )
    table, found = forbidden_by(), []
    for at, person in enumerate(people):
        advice = {
            id
            for id, one in plan.items()
            if one.called[at] and not any(where[at] for where in one.withheld.values())
        }
        held = [id for id, holds in HOLDS.items() if holds(person)]
        found += [(at, id, advice & table[id]) for id in held if advice & table[id]]
    assert found == []


def test_the_case_of_the_practice_has_neither_fasting_nor_adaptogens_and_does_have_folic_acid() -> (
    None
):
    items = {item.id: item for item in seed().plan}
    plan = advised(items)
    assert not plan & {*ADAPTOGENS, "D5-ashwagandha", "D2-fasting", "N2", "D1"}
    assert "CI-01" in items["D2-fasting"].withheld_by
    assert "D3-folic-acid" in plan


# The rows and the texts.


def test_every_function_has_a_row_and_every_row_can_be_decided() -> None:
    named = {row.function for row in RULES.contraindications}
    assert set(CONTRAINDICATIONS) <= named
    flags = {row.flag.lower().replace("-", "_") for row in RULES.flags}
    assert named - set(CONTRAINDICATIONS) - flags - set(RULES.context) == set()
    triggers = {one for row in RULES.plan for one in (*row.triggers, *row.needs, *row.context)}
    assert set(TRIGGERS) <= triggers


def test_every_contra_indication_of_the_specification_has_a_row() -> None:
    ids = {row.id for row in RULES.contraindications}
    assert {f"CI-{number:02d}" for number in range(1, 16)} <= ids


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_advice_and_contra_indication_is_told(language: str) -> None:
    words = Language.load(language)
    keys = [
        f"plan.items.{row.id}.{part}"
        for row in RULES.plan
        for part in ("title", "clinician", "client", "view")
    ]
    keys += [f"plan.ci.{row.id}.clinician" for row in RULES.contraindications]
    keys += [f"plan.areas.{row.area}" for row in RULES.plan]
    keys += [
        f"plan.reasons.{row.id}"
        for row in RULES.contraindications
        if not row.id.startswith(("CI-", "SF-"))
    ]
    assert [key for key in keys if not words.has(key)] == []


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_changed_wording_is_of_advice_that_is_never_changed_so(language: str) -> None:
    words = Language.load(language)
    for row in RULES.plan:
        changes = {x.id for x in RULES.contraindications if row.is_one_of(x.changes)}
        parts = words.keys(f"plan.items.{row.id}")
        told = {part.partition("_")[2] for part in parts if part.startswith("changed_")}
        plain = {part.partition("_")[2] for part in parts if part.startswith("client_")} - {"bare"}
        assert told <= changes, row.id
        assert plain <= changes, row.id


def sentences(section: Section) -> list[str]:
    found = []
    for block in section.blocks:
        if isinstance(block, Paragraph):
            found += [sentence.text for sentence in block.sentences]
        elif isinstance(block, Bullets):
            found += [sentence.text for sentence in block.items]
        elif isinstance(block, Steps):
            found += [one.text for step in block.items for one in step.sentences]
        elif isinstance(block, Table):
            found += [" | ".join(row.cells) for group in block.groups for row in group.rows]
    return found + [text for part in section.subsections for text in sentences(part)]


def told_to_client(found: Interpretation, language: str) -> str:
    telling = Telling(interpretation=found, language=Language.load(language), rules=RULES)
    return "\n".join(sentences(client_plan(telling))).replace(NO_BREAK_SPACE, " ")


def told_to_clinician(found: Interpretation, language: str) -> str:
    section = narrate(found, language).section("plan")
    assert section is not None
    return "\n".join(sentences(section)).replace(NO_BREAK_SPACE, " ")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_protein_is_told_with_its_arithmetic(language: str) -> None:
    found = interpret(case(lab({**HEAVY, **WELL_KIDNEYS})))
    text = told_to_clinician(found, language)
    mark = "," if language == "nl" else "."
    assert f"95 kg × 1{mark}2–1{mark}6 g/kg = 114–152 g" in text
    assert f"76{mark}7 kg × 1{mark}2–1{mark}6 g/kg = 92–123 g" in text
    assert "92–123 gram" in told_to_client(found, language)


def test_a_missing_kidney_function_is_said() -> None:
    text = told_to_clinician(interpret(case(lab(HEAVY))), "nl")
    assert "Eerst nierfunctie" in text
    assert "0,83–1,2 g/kg" in text


def test_the_reason_against_ashwagandha_is_told_to_both_audiences() -> None:
    found = interpret(case(lab(SENSITIVE), context={"symptoms": ["stress"]}))
    assert "RIVM (5 maart 2024)" in told_to_clinician(found, "nl")
    assert "Gebruik geen ashwagandha" in told_to_client(found, "nl")


def test_insufficient_evidence_is_said_to_both_audiences() -> None:
    found = interpret(case(lab(SENSITIVE)))
    phrase = "Onvoldoende wetenschappelijk bewijs; keuze van de behandelaar."
    assert phrase in told_to_clinician(found, "nl")
    assert phrase in told_to_client(found, "nl")


def test_open_safety_flags_stand_before_the_plan() -> None:
    found = interpret(case(lab({**RESISTANT, "insulin_fasting": 60})))
    assert "Die beoordeling gaat vóór het plan" in told_to_clinician(found, "nl")
    assert "Laat eerst een arts" in told_to_client(found, "nl")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_advice_can_be_told_whatever_changes_it(language: str) -> None:
    values = {**RESISTANT, **HEAVY, "alt": 60, "b12": 100, "folate": 3, "zinc": 5}
    values |= {"homocysteine": 12, "siga_stool": 400, "creatinine": 200, "hs_crp": 3, "waist": 108}
    drugs = ["A10BA02", "A10BB09", "B01AA07", "H03AA01", "N06AB04"]
    histories = ("cvd", "ibs", "kidney_stones", "gallstones", "smoking", "pregnancy_wish")
    context = {"medication": drugs, "symptoms": ["stress", "insomnia", "gut_complaints"]}
    found = interpret(case(lab(values), context={**context, **dict.fromkeys(histories, "yes")}))
    assert len(found.plan) > 30
    for text in (told_to_clinician(found, language), told_to_client(found, language)):
        assert "{" not in text


def test_a_client_reads_short_sentences() -> None:
    plan = Language.load("nl").texts["plan"]
    assert isinstance(plan, dict)
    told = [
        text
        for part in ("items", "ci")
        for texts in plan[part].values()
        for name, text in texts.items()
        if name.startswith("client")
    ]
    told += [text for _, text in leaves(plan["client"])]
    long = [s for text in told for s in re.split(r"(?<=[.?!])\s", text) if len(s.split()) > 15]
    assert len(told) > 80
    assert long == []


def test_the_plan_is_in_case_json() -> None:
    told = {item["id"]: item for item in case_json(seed())["plan"]}
    assert told["D2-fasting"]["withheld_by"] == ["CI-01", "fasting-not-agreed"]
    assert told["D3-folic-acid"]["amounts"] == {"dose": 400.0}
    assert told["N6"]["ask_first"] == ["liver_failure"]


def steps_to_client(found: Interpretation) -> dict[str, list[Step]]:
    telling = Telling(interpretation=found, language=Language.load("nl"), rules=RULES)
    return {
        section.title: list(block.items)
        for section in client_plan(telling).subsections
        for block in section.blocks
        if isinstance(block, Steps)
    }


def test_the_client_reads_each_advice_once_under_its_theme_with_why_and_how_sure() -> None:
    found = interpret(case(lab({**RESISTANT, **HEAVY, **WELL_KIDNEYS, "alt": 61})))
    steps = steps_to_client(found)
    assert [*steps][:3] == ["Eten en drinken", "Bewegen en gewicht", "Slapen"]
    told = [step.sentence.rules[0] for own in steps.values() for step in own]
    assert sorted(told) == sorted(item.id for item in found.plan if not item.withheld_by)
    alcohol = next(step for step in steps["Lever en darmen"] if "Drink geen" in step.sentence.text)
    assert alcohol.because is not None
    assert "ALAT 61\N{NO-BREAK SPACE}U/L" in alcohol.because.text
    assert alcohol.proof.text == "Dit is goed onderzocht."


def test_the_client_hears_what_protein_is_in_food_only_where_grams_are_given() -> None:
    known = interpret(case(lab({**RESISTANT, **HEAVY, **WELL_KIDNEYS})))
    assert "een ei 7 gram" in told_to_client(known, "nl")
    unknown = interpret(case(lab(RESISTANT)))
    assert "een ei" not in told_to_client(unknown, "nl")


def test_the_client_hears_what_is_not_advised_and_why_once() -> None:
    found = interpret(case(lab(RESISTANT), context={"pregnancy_wish": "yes"}))
    withheld = {item.id for item in found.plan if "CI-01" in item.withheld_by}
    assert "D5-ashwagandha" not in withheld
    text = told_to_client(found, "nl")
    assert "U bent zwanger, wilt zwanger worden" in text
    assert "Daarom staat dit niet in uw plan: ‘Vasten of koolhydraatbeperking’" in text
    assert text.count("Vasten of koolhydraatbeperking") == 1


@pytest.mark.parametrize("code", ["nl", "en"])
def test_every_theme_and_every_grade_has_words_for_the_client(code: str) -> None:
    language = Language.load(code)
    themes = {row.theme for row in RULES.plan}
    assert themes == set(THEMES)  # else advice of another would be told to nobody
    assert themes == set(language.keys("plan.client.themes"))
    assert set("ABCD") == set(language.keys("plan.client.proof"))
