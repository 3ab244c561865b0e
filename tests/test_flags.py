"""Safety flags: each can be raised, each is silent beside its limit, and none is silently false."""

# ruff: noqa: E501 - a drawn table is wider than code

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clinic import RULES, case, judged, lab, only_visit
from drawn import table

from pipeline.columns import certain
from pipeline.interpret import interpret
from pipeline.model import Interpretation, Visit


def visit_of(values: dict[str, Any], **more: Any) -> Visit:
    rows = {key: more.pop(key) for key in ("units", "haemolysis", "fasting_hours") if key in more}
    return only_visit(interpret(case(lab(values, **rows), **more), RULES))


def raised(visit: Visit) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {flag.id: (flag.urgency.value, flag.branches) for flag in visit.flags}


# on: what raises the branch; off: the nearest value that does not. Units are the canonical ones.
EDGES = table("""
    flag  | branch              | urgency | on                                   | off
    SF-01 | fasting_insulin     | U       | insulin_fasting=50                   | insulin_fasting=49.9
    SF-02 | low_c_peptide       | U       | insulin_fasting=30 c_peptide=0.37    | insulin_fasting=30 c_peptide=0.375
    SF-02 | high_ratio          | U       | insulin_fasting=200 c_peptide=1.1    | insulin_fasting=200 c_peptide=1.2
    SF-03 | plasma              | U       | glucose_fasting=2.9                  | glucose_fasting=3.0
    SF-03 | plasma_severe       | E       | glucose_fasting=2.4                  | glucose_fasting=2.5
    SF-03 | cgm                 | U       | cgm_longest_below_3_0_min=15         | cgm_longest_below_3_0_min=14
    SF-03 | ogtt                | U       | glucose_ogtt_180=2.9                 | glucose_ogtt_180=3.0
    SF-05 | low                 | U       | cortisol_serum_am=99                 | cortisol_serum_am=100
    SF-05 | borderline          | R       | cortisol_serum_am=150                | cortisol_serum_am=151
    SF-06 | very_high           | E       | glucose_random=20.1                  | glucose_random=20
    SF-06 | new_diabetes_range  | R       | glucose_fasting=7.0                  | glucose_fasting=6.9
    SF-08 | raised_3x           | U       | alt=121                              | alt=120
    SF-08 | raised_5x           | E       | ast=176                              | ast=175
    SF-09 | high                | U       | triglycerides=10.1                   | triglycerides=10
    SF-09 | very_high           | E       | triglycerides=20.1                   | triglycerides=20
    SF-10 | ldl                 | R       | ldl=4.9                              | ldl=4.89
    SF-10 | lpa                 | R       | lpa=431                              | lpa=430
    SF-11 | raised              | R       | hs_crp=10.1                          | hs_crp=10
    SF-11 | very_high           | E       | hs_crp=101                           | hs_crp=100
    SF-13 | potassium_low       | E       | potassium=2.7                        | potassium=2.8
    SF-13 | potassium_high      | E       | potassium=6.1                        | potassium=6.0
    SF-13 | sodium_low          | E       | sodium=127                           | sodium=128
    SF-13 | sodium_high         | E       | sodium=151                           | sodium=150
    SF-13 | creatinine          | E       | creatinine=201                       | creatinine=200
    SF-13 | haemoglobin         | E       | haemoglobin=4.9                      | haemoglobin=5.0
    SF-13 | platelets           | E       | platelets=49                         | platelets=50
    SF-13 | magnesium           | E       | magnesium_serum=0.29                 | magnesium_serum=0.30
    SF-13 | ft4_low             | U       | ft4=4.9                              | ft4=5
    SF-13 | ft4_high            | E       | ft4=40.1                             | ft4=40
    SF-13 | tsh                 | E       | tsh=101                              | tsh=100
    SF-13 | ferritin            | E       | ferritin=5001                        | ferritin=5000
    SF-14 | below_60            | R       | egfr=59                              | egfr=60
    SF-14 | below_45            | U       | egfr=44                              | egfr=45
    SF-14 | below_30_new        | E       | egfr=29                              | egfr=30
    SF-15 | high                | R       | tsh=10.1                             | tsh=10
    SF-15 | low                 | R       | tsh=0.09                             | tsh=0.1
    SF-16 | testosterone        | U       | testosterone_total=5.1               | testosterone_total=5.0
    SF-16 | dheas               | U       | dheas=19                             | dheas=18.9
    SF-17 | ohp17               | R       | ohp17=6.1                            | ohp17=6.0
    SF-17 | prolactin           | R       | prolactin=1001                       | prolactin=1000
    SF-18 | b12_low             | R       | b12=149                              | b12=150
    SF-18 | holotc_low          | R       | holotc=19                            | holotc=20
    SF-19 | raised              | R       | homocysteine=30.1                    | homocysteine=30
    SF-19 | very_high           | U       | homocysteine=101                     | homocysteine=100
    SF-20 | high                | R       | ferritin=301                         | ferritin=300
    SF-20 | low                 | R       | ferritin=14                          | ferritin=15
    SF-21 | calprotectin        | U       | calprotectin=251                     | calprotectin=250
    SF-21 | elastase            | R       | elastase1=199                        | elastase1=200
    SF-22 | raised              | R       | sbp=140                              | sbp=139
    SF-22 | raised              | R       | dbp=90                               | dbp=89
    SF-22 | severe              | E       | sbp=180                              | sbp=179
    SF-25 | bmi_16              | E       | weight=40.9 height=160               | weight=41 height=160
    SF-25 | bmi_18_5            | U       | weight=47.3 height=160               | weight=47.4 height=160
    SF-27 | bilirubin           | E       | bilirubin_total=51                   | bilirubin_total=50
    SF-27 | heart_rate_low      | E       | heart_rate=39                        | heart_rate=40
    SF-27 | heart_rate_high     | E       | heart_rate=131                       | heart_rate=130
    SF-27 | sbp                 | E       | sbp=79                               | sbp=80
    SF-27 | dbp                 | E       | dbp=39                               | dbp=40
    SF-27 | albumin             | U       | albumin=19                           | albumin=20
    SF-27 | magnesium           | U       | magnesium_serum=2.07                 | magnesium_serum=2.06
    SF-27 | vitamin_d           | U       | vitamin_d=376                        | vitamin_d=375
    SF-27 | prolactin           | U       | prolactin=5001                       | prolactin=5000
    SF-27 | ketones             | U       | ketones_blood=3.1                    | ketones_blood=3.0
""")  # fmt: skip


def drawn(values: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in values.split())


@pytest.mark.parametrize(
    "edge", EDGES.to_dict("records"), ids=EDGES["flag"] + "-" + EDGES["branch"]
)
def test_a_branch_holds_on_its_side_of_the_limit_and_not_on_the_other(
    edge: dict[str, str],
) -> None:
    urgencies = {(row.flag, row.branch): row.urgency for row in RULES.flags}
    assert urgencies[edge["flag"], edge["branch"]] == edge["urgency"]
    on, off = visit_of(drawn(edge["on"])), visit_of(drawn(edge["off"]))
    assert edge["branch"] in raised(on)[edge["flag"]][1]
    assert edge["branch"] not in raised(off).get(edge["flag"], ("", ()))[1]


# What combines: values, context, and whether it is raised.
COMBINED: list[tuple[str, str, dict[str, Any], dict[str, Any], bool]] = [
    ("SF-01", "low_glucose_insulin", {"glucose_fasting": 2.9, "insulin_fasting": 3}, {}, True),
    ("SF-01", "low_glucose_insulin", {"glucose_fasting": 2.9, "insulin_fasting": 2.9}, {}, False),
    ("SF-01", "low_glucose_insulin", {"glucose_fasting": 3.0, "insulin_fasting": 9}, {}, False),
    ("SF-01", "hypo_symptoms", {}, {"symptoms": ["nocturnal_hypo"]}, True),
    ("SF-01", "hypo_symptoms", {}, {"symptoms": ["fatigue"]}, False),
    ("SF-03", "plasma_severe", {"glucose_fasting": 2.9}, {"symptoms": ["neuroglycopenia"]}, True),
    ("SF-03", "plasma_severe", {"glucose_fasting": 2.9}, {"medication": ["A10AB05"]}, True),
    ("SF-04", "very_high", {"cortisol_serum_am": 851}, {"oestrogen_use": "no"}, True),
    ("SF-04", "very_high", {"cortisol_serum_am": 850}, {"oestrogen_use": "no"}, False),
    ("SF-04", "very_high", {"cortisol_serum_am": 1491}, {"oestrogen_use": "yes"}, False),
    ("SF-04", "very_high", {"cortisol_serum_am": 1492}, {"oestrogen_use": "yes"}, True),
    ("SF-04", "very_high", {"cortisol_serum_am": 900}, {"oestrogen_use": "no", "pregnant": "yes"}, False),
    ("SF-04", "high_with_signs", {"cortisol_serum_am": 600, "sbp": 145}, {"oestrogen_use": "no", "weight_change_6m_kg": 5, "weight_change_intended": "no"}, True),
    ("SF-04", "high_with_signs", {"cortisol_serum_am": 600, "sbp": 145}, {"oestrogen_use": "no", "weight_change_6m_kg": 5, "weight_change_intended": "yes"}, False),
    ("SF-05", "low_and_ill", {"cortisol_serum_am": 90}, {"acute_illness_14d": "yes"}, True),
    ("SF-06", "ill", {"glucose_fasting": 7.1}, {"symptoms": ["vomiting"]}, True),
    ("SF-06", "ill", {"glucose_fasting": 7.1, "ketones_blood": 1.5}, {}, True),
    ("SF-06", "ill", {"glucose_fasting": 7.1, "ketones_blood": 1.4}, {"urine_ketones": 1}, False),
    ("SF-06", "ill", {"glucose_fasting": 7.1}, {"urine_ketones": 2}, True),
    ("SF-06", "new_diabetes_range", {"glucose_fasting": 7.1}, {"known_diabetes": "t2d"}, False),
    ("SF-06", "new_diabetes_range", {"glucose_fasting": 7.1}, {"known_diabetes": "unknown"}, True),
    ("SF-06", "known_high", {"hba1c": 70}, {"known_diabetes": "t2d"}, True),
    ("SF-06", "known_high", {"hba1c": 69}, {"known_diabetes": "t2d"}, False),
    ("SF-07", "suspected", {"glucose_fasting": 7.1, "c_peptide": 0.3}, {}, True),
    ("SF-07", "suspected", {"glucose_fasting": 7.1, "c_peptide": 0.3}, {"known_diabetes": "t1d"}, False),
    ("SF-07", "suspected", {"glucose_fasting": 7.1, "weight": 60, "height": 170}, {}, False),
    ("SF-07", "with_ketones", {"glucose_fasting": 7.1, "c_peptide": 0.3, "ketones_blood": 2}, {}, True),
    ("SF-08", "with_jaundice", {"alt": 130, "bilirubin_total": 35}, {}, True),
    ("SF-08", "with_jaundice", {"alt": 130, "bilirubin_total": 34}, {}, False),
    ("SF-08", "with_jaundice", {"alt": 130}, {"symptoms": ["dark_urine"]}, True),
    ("SF-09", "with_pain", {"triglycerides": 11}, {"symptoms": ["abdominal_pain"]}, True),
    ("SF-13", "ft4_low_and_ill", {"ft4": 4}, {"symptoms": ["drowsiness"]}, True),
    ("SF-15", "wish", {"tsh": 4.1}, {"pregnancy_wish": "yes"}, True),
    ("SF-15", "wish", {"tsh": 4.1}, {"pregnancy_wish": "no", "ivf": "no"}, False),
    ("SF-15", "wish_with_anti_tpo", {"tsh": 2.6, "anti_tpo": 36}, {"ivf": "yes"}, True),
    ("SF-15", "wish_with_anti_tpo", {"tsh": 2.6, "anti_tpo": 35}, {"ivf": "yes"}, False),
    ("SF-15", "pregnant", {"tsh": 4.1}, {"pregnant": "yes"}, True),
    ("SF-16", "virilisation", {}, {"symptoms": ["virilisation"]}, True),
    ("SF-16", "testosterone", {"testosterone_total": 9}, {"medication": ["G03BA03"]}, False),
    ("SF-18", "neurological", {"b12": 249}, {"symptoms": ["neurological"]}, True),
    ("SF-18", "neurological", {"b12": 300}, {"symptoms": ["neurological"]}, False),
    ("SF-18", "neurological", {"b12": 300, "mma_serum": 0.5}, {"symptoms": ["neurological"]}, True),
    ("SF-18", "b6", {"b6_plp": 201}, {"symptoms": ["neuropathy"]}, True),
    ("SF-21", "blood", {}, {"symptoms": ["blood_in_stool"]}, True),
    ("SF-21", "weight_loss", {"weight": 95}, {"weight_change_6m_kg": -5, "weight_change_intended": "no"}, True),
    ("SF-21", "weight_loss", {"weight": 95.1}, {"weight_change_6m_kg": -5, "weight_change_intended": "no"}, False),
    ("SF-21", "weight_loss", {"weight": 80}, {"weight_change_6m_kg": -15, "weight_change_intended": "yes"}, False),
    ("SF-22", "raised", {"sbp": 150}, {"pregnant": "yes"}, False),
    ("SF-23", "biotin", {"tsh": 2}, {"biotin_last_72h": "yes"}, True),
    ("SF-23", "biotin", {"alt": 20}, {"biotin_last_72h": "yes"}, False),
    ("SF-24", "pregnant", {}, {"pregnant": "yes"}, True),
    ("SF-24", "lactating", {}, {"lactating": "yes"}, True),
    ("SF-24", "wish", {}, {"ivf": "yes"}, True),
    ("SF-25", "suicidal", {}, {"suicidal_thoughts": "yes"}, True),
    ("SF-25", "ed_screen", {}, {"ed_screen": "positive"}, True),
    ("SF-28", "raised", {"sbp": 140}, {"pregnant": "yes"}, True),
    ("SF-28", "severe", {"dbp": 110}, {"pregnant": "no", "postpartum_weeks": 6}, True),
    ("SF-28", "raised", {"sbp": 140}, {"pregnant": "no", "postpartum_weeks": 7}, False),
    ("SF-28", "with_symptoms", {"sbp": 140}, {"pregnant": "yes", "symptoms": ["headache_visual"]}, True),
    ("SF-29", "ketoacidosis", {"glucose_fasting": 6}, {"medication": ["A10BK01"], "symptoms": ["vomiting"]}, True),
    ("SF-29", "ketoacidosis", {"ketones_blood": 1.5}, {"medication": ["A10BD15"]}, True),
    ("SF-29", "ketoacidosis", {"ketones_blood": 1.5}, {"medication": ["A10BA02"]}, False),
    ("SF-30", "raised", {"glucose_fasting": 5.1}, {"pregnant": "yes"}, True),
    ("SF-30", "raised", {"glucose_fasting": 5.0}, {"pregnant": "yes"}, False),
    ("SF-30", "high", {"glucose_fasting": 7.0}, {"pregnant": "yes"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("flag", "branch", "values", "context", "holds"), COMBINED)
def test_a_branch_that_combines_holds_as_the_specification_says(
    flag: str, branch: str, values: dict[str, Any], context: dict[str, Any], holds: bool
) -> None:
    values = values or {"height": 170}
    visit = visit_of(values, context={"symptoms": [], **context})
    assert (branch in raised(visit).get(flag, ("", ()))[1]) is holds


@pytest.mark.parametrize(
    ("age", "fib4", "holds"),
    [(34, 1.5, False), (35, 1.3, True), (35, 1.2, False), (65, 1.9, False), (65, 2.0, True)],
)
def test_fib4_asks_for_elastography_by_age(age: int, fib4: float, holds: bool) -> None:
    # age x AST / (platelets x sqrt(ALT)), with ALT 25 and platelets 100
    values = {"ast": fib4 * 100 * 5 / age, "alt": 25, "platelets": 100}
    visit = visit_of(values, birth_year=2024 - age)
    assert ("SF-12" in raised(visit)) is holds


def test_every_branch_of_the_table_is_raised_by_a_test_here() -> None:
    shown = set(zip(EDGES["flag"], EDGES["branch"], strict=True))
    shown |= {(flag, branch) for flag, branch, _, _, holds in COMBINED if holds}
    shown |= {("SF-12", "raised"), ("SF-26", "not_scored"), ("SF-14", "below_30")}
    assert shown == {(row.flag, row.branch) for row in RULES.flags if row.kind == "branch"}


def test_an_egfr_under_30_that_was_so_before_is_no_emergency() -> None:
    first = lab({"egfr": 28}, date="2024-01-01", sample_id="s1")
    again = lab({"egfr": 27}, date="2024-06-01", sample_id="s2")
    visits = interpret(case(first, again), RULES).visits
    assert [raised(visit)["SF-14"][0] for visit in visits] == ["E", "U"]


def test_the_most_urgent_branch_counts() -> None:
    assert raised(visit_of({"triglycerides": 25}))["SF-09"] == ("E", ("high", "very_high"))


@pytest.mark.parametrize(
    ("values", "context", "flag", "missing"),
    [
        ({"insulin_fasting": 30}, {}, "SF-02", {"c_peptide"}),
        ({"cortisol_serum_am": 900}, {}, "SF-04", {"oestrogen_use"}),
        ({"sbp": 150}, {"pregnant": "unknown"}, "SF-28", {"pregnant", "postpartum_weeks"}),
        ({"tsh": 3.0}, {}, "SF-15", {"anti_tpo", "pregnancy_wish", "ivf"}),
        ({"hba1c": 50}, {}, "SF-06", {"ketones_blood", "urine_ketones"}),
        ({"hba1c": 50}, {}, "SF-07", {"c_peptide", "weight_change_6m_kg"}),
    ],
)
def test_a_flag_without_its_inputs_is_not_assessable_where_its_question_arises(
    values: dict[str, Any], context: dict[str, Any], flag: str, missing: set[str]
) -> None:
    listed = {one.id: set(one.missing) for one in visit_of(values, context=context).not_assessable}
    assert missing <= listed[flag]


def test_a_flag_whose_question_does_not_arise_is_not_listed() -> None:
    listed = {one.id for one in visit_of({"insulin_fasting": 5, "alt": 20}).not_assessable}
    assert "SF-02" not in listed  # insulin is not raised
    assert "SF-10" not in listed  # no LDL and no Lp(a) were measured


def test_unknown_pregnancy_does_not_silence_a_raised_blood_pressure() -> None:
    visit = visit_of({"sbp": 185}, context={"pregnant": "unknown"})
    assert raised(visit)["SF-22"][0] == "E"


@pytest.mark.parametrize(
    ("printed", "unit", "holds"),
    [
        ("300", "pmol/L", True),
        ("299", "pmol/L", False),
        ("50", "uU/mL", True),
        (">50", "mU/L", True),
        ("<60", "mU/L", None),
    ],
)
def test_insulin_raises_its_flag_by_the_stricter_factor_and_in_every_unit(
    printed: str, unit: str, holds: bool | None
) -> None:
    visit = visit_of({"insulin_fasting": printed}, units={"insulin_fasting": unit})
    assert ("SF-01" in raised(visit)) is bool(holds)
    if holds is None:
        assert "SF-01" in {one.id for one in visit.not_assessable}


@pytest.mark.parametrize(("printed", "holds"), [("53", True), ("54", False)])
def test_glucose_in_mg_dl_is_compared_with_the_limit_in_mg_dl(printed: str, holds: bool) -> None:
    visit = visit_of({"glucose_fasting": printed}, units={"glucose_fasting": "mg/dL"})
    assert ("SF-03" in raised(visit)) is holds


def test_a_low_meter_glucose_raises_sf_03() -> None:
    visit = only_visit(interpret(case(lab({"glucose_random": 2.8}, specimen="meter")), RULES))
    assert raised(visit)["SF-03"] == ("U", ("plasma",))


def test_raised_means_beyond_the_laboratorys_own_interval() -> None:
    own = case(lab({"alt": 100}, ref_high="30"))
    assert "SF-08" in raised(only_visit(interpret(own, RULES)))
    assert "SF-08" not in raised(visit_of({"alt": 100}))  # 3 x 40 = 120


def test_variants_change_the_wording_only() -> None:
    visit = visit_of({"insulin_fasting": 60}, context={"medication": ["A10AB01"]})
    (flag,) = (flag for flag in visit.flags if flag.id == "SF-01")
    assert (flag.urgency, flag.variants) == ("U", ("on_medication",))


# Every result of a visit counts.


def two_results(marker: str, first: float, then: float, **columns: str) -> Visit:
    """Return a visit with an earlier and a later result of one marker, nine days apart."""
    parts = [
        lab({marker: value}, date=date, sample_id=date, **columns)
        for value, date in ((first, "2024-01-01"), (then, "2024-01-10"))
    ]
    return only_visit(interpret(case(*parts), RULES))


@pytest.mark.parametrize(
    ("marker", "first", "then", "flag"),
    [
        ("glucose_fasting", 2.4, 5.0, "SF-03"),
        ("potassium", 6.8, 4.2, "SF-13"),
        ("glucose_random", 22, 9, "SF-06"),
        ("glucose_meter", 2.6, 5.4, "SF-03"),
        ("sbp", 190, 130, "SF-22"),
    ],
)
def test_an_alarming_value_counts_whatever_came_after_it_in_the_visit(
    marker: str, first: float, then: float, flag: str
) -> None:
    visit = two_results(marker, first, then)
    (found,) = (one for one in visit.flags if one.id == flag)
    assert [evidence.value for evidence in found.values if evidence.marker == marker] == [first]
    assert found.rows[0] == "lab.csv:2"


def test_the_worst_glucose_of_a_visit_decides_the_class_and_two_dates_confirm() -> None:
    assert two_results("glucose_fasting", 7.4, 6.8).phase.g_class == "G3"
    both = two_results("glucose_fasting", 7.4, 7.2).phase
    assert both.qualifiers == ("confirmed_ada",)


def test_insulin_and_a_random_glucose_of_one_sample_raise_sf_01() -> None:
    visit = visit_of({"glucose_random": 2.7, "insulin_fasting": 8})
    assert "low_glucose_insulin" in raised(visit)["SF-01"][1]


def test_a_draw_without_an_id_leaves_open_whether_it_is_one() -> None:
    rows = lab({"glucose_fasting": 2.7, "insulin_fasting": 8}, sample_id="")
    visit = only_visit(interpret(case(rows), RULES))
    assert "low_glucose_insulin" in {b for one in visit.not_assessable for b in one.branches}


def test_oestrogen_does_not_silence_an_androgen_flag_and_an_unnamed_hormone_leaves_it_open() -> (
    None
):
    on_oestrogen = {"sex_hormone_therapy": "yes", "medication": ["G03CA03"]}
    assert "SF-16" in raised(visit_of({"testosterone_total": 7}, context=on_oestrogen))
    unnamed = visit_of({"testosterone_total": 7}, context={"sex_hormone_therapy": "yes"})
    assert "SF-16" not in raised(unnamed)
    assert "SF-16" in {one.id for one in unnamed.not_assessable}


def test_oestrogen_among_the_medicines_changes_the_limit_of_cortisol() -> None:
    visit = visit_of({"cortisol_serum_am": 1100}, context={"medication": ["G03AA07"]})
    assert "SF-04" not in raised(visit)


def test_a_low_glucose_with_symptoms_is_the_same_day() -> None:
    visit = visit_of({"glucose_fasting": 2.7}, context={"symptoms": ["hypo_fasting"]})
    assert raised(visit)["SF-03"][0] == "E"


def test_a_bound_on_both_sides_of_a_limit_is_said_to_be_only_a_bound() -> None:
    (one,) = (n for n in visit_of({"egfr": ">55"}).not_assessable if n.id == "SF-14")
    assert one.bounded == ("egfr",)
    listed = {n.id: n for n in visit_of({"hba1c": ">45"}).not_assessable}
    assert listed["SF-06"].bounded == ("hba1c",)


def test_a_limit_by_sex_of_somebody_of_unknown_sex_misses_the_sex() -> None:
    listed = {n.id: n.missing for n in visit_of({"ferritin": 400}, sex=None).not_assessable}
    assert listed["SF-20"] == ("sex",)


def test_an_upper_limit_that_the_laboratory_did_not_print_is_the_fallback() -> None:
    one = case(lab({"alt": 500}, ref_low="0"))
    assert raised(only_visit(interpret(one, RULES)))["SF-08"][0] == "E"


# Open or resolved.


def test_an_emergency_stays_open_beside_a_later_milder_branch() -> None:
    interpretation = over_time({"potassium": 6.5}, {"ft4": 4.5})
    (one,) = interpretation.open_flags
    assert (one.id, one.urgency) == ("SF-13", "E")
    assert [(str(date), flag.branches) for date, flag in one.bases] == [
        ("2024-02-01", ("ft4_low",)),
        ("2024-01-01", ("potassium_high",)),
    ]


def test_a_branch_that_closed_is_not_told_with_one_that_is_open() -> None:
    first = lab({"insulin_fasting": 55}, date="2024-01-01", sample_id="s1")
    then = lab({"insulin_fasting": 5}, date="2024-06-01", sample_id="s2")
    night = {"date": "2024-01-01", "symptoms": ["nocturnal_hypo"]}
    unknown = {"date": "2024-06-01"}
    one = case(first, then, visits=(night, unknown))
    silent = {key: value for key, value in one.context.items() if key != "symptoms"}
    interpretation = interpret(replace(one, context=silent), RULES)
    (found,) = interpretation.open_flags
    assert [flag.branches for _, flag in found.bases] == [("hypo_symptoms",)]


def over_time(*values: dict[str, Any]) -> Interpretation:
    dates = [f"2024-{month:02}-01" for month in range(1, 13)]
    parts = [lab(v, date=d, sample_id=d) for v, d in zip(values, dates, strict=False)]
    return interpret(case(*parts), RULES)


def is_open(interpretation: Interpretation, flag: str) -> bool:
    return {one.id: one.open for one in interpretation.flags}[flag]


def test_a_flag_stays_open_until_its_inputs_are_known_again() -> None:
    assert is_open(over_time({"alt": 300}, {"tsh": 2}), "SF-08")
    resolved = over_time({"alt": 300}, {"tsh": 2}, {"alt": 30})
    assert not is_open(resolved, "SF-08")
    (history,) = (one for one in resolved.flags if one.id == "SF-08")
    assert str(history.resolved) == "2024-03-01"


def test_a_flag_that_comes_back_is_open_again() -> None:
    again = over_time({"alt": 300}, {"alt": 30}, {"alt": 300})
    assert is_open(again, "SF-08")


@pytest.mark.parametrize(
    ("first", "later", "still_open"),
    [
        ({"alt": 300, "ast": 20}, {"ast": 20}, True),  # ALT raised it and is not known
        ({"alt": 300, "ast": 20}, {"alt": 20}, False),
        ({"alt": 300, "ast": 300}, {"alt": 20}, True),
        ({"sbp": 185, "dbp": 80}, {"dbp": 80}, True),
        ({"sbp": 150, "dbp": 95}, {"sbp": 120, "dbp": 80}, False),
    ],
)
def test_a_marker_that_raised_a_flag_closes_it_and_no_other(
    first: dict[str, Any], later: dict[str, Any], still_open: bool
) -> None:
    flag = "SF-08" if "ast" in first else "SF-22"
    assert is_open(over_time(first, later), flag) is still_open


@pytest.mark.parametrize(
    ("later", "pregnant", "still_open"),
    [
        ({"dbp": 80}, "yes", True),  # the systolic pressure raised it and is not known
        ({"sbp": 120, "dbp": 80}, "yes", False),
        ({"dbp": 80}, "no", False),  # no longer its question: SF-22's
    ],
)
def test_a_pressure_that_raised_sf_28_closes_it_while_it_is_asked(
    later: dict[str, Any], pregnant: str, still_open: bool
) -> None:
    parts = (
        lab({"sbp": 150, "dbp": 80}, date="2024-01-01"),
        lab(later, date="2024-03-01", sample_id="s2"),
    )
    stated = (
        {"date": "2024-01-01", "pregnant": "yes"},
        {"date": "2024-03-01", "pregnant": pregnant, "postpartum_weeks": "8"},
    )
    assert is_open(interpret(case(*parts, visits=stated), RULES), "SF-28") is still_open


def test_another_branch_that_became_normal_does_not_close_a_flag() -> None:
    both = over_time({"ldl": 5.5, "lpa": 100}, {"lpa": 100})
    assert is_open(both, "SF-10")


@pytest.mark.parametrize(
    ("days", "glucose", "closed"),
    [("2024-05-01", 5.0, True), ("2024-03-01", 5.0, False), ("2024-05-01", 3.5, False)],
)
def test_a_low_sensor_is_resolved_by_a_later_calm_visit(
    days: str, glucose: float, closed: bool
) -> None:
    first = lab({"cgm_longest_below_3_0_min": 30, "tsh": 2}, date="2024-01-01", sample_id="s1")
    later = lab({"glucose_fasting": glucose}, date=days, sample_id="s2")
    assert is_open(interpret(case(first, later), RULES), "SF-03") is not closed


def test_flags_of_many_people_do_not_touch_each_other() -> None:
    import pandas as pd
    from clinic import AS_OF, accepted

    from pipeline.interpret import interpret_columns

    rows = accepted(
        lab({"alt": 300}, case_id="a", sample_id="a"), lab({"alt": 20}, case_id="b", sample_id="b")
    )
    people = pd.DataFrame({"case_id": ["a", "b"], "sex": "F", "birth_year": 1984})
    stated = pd.DataFrame({"case_id": [], "date": pd.to_datetime([])})
    flags = interpret_columns(rows, people, stated, as_of=AS_OF, rules=RULES).flags
    np.testing.assert_array_equal(flags.raised("SF-08"), [True, False])
    np.testing.assert_array_equal(flags.open["SF-08", "raised_5x"], [True, False])


def test_missing_never_becomes_no() -> None:
    nothing = judged(case(visits=({"date": "2024-01-01"},), context={"symptoms": []}))
    for (flag, branch), answer in nothing.flags.branches.items():
        if RULES_BY_PLACE[flag, branch].limit:
            assert answer.isna().all(), (flag, branch)
            assert not certain(answer).any()


RULES_BY_PLACE = {(row.flag, row.branch): row for row in RULES.flags}
