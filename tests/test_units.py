"""A value in another unit than it says is recognised and set aside, and a right one is not."""

import numpy as np
import pandas as pd
import pytest
from clinic import RULES
from hypothesis import given
from hypothesis import strategies as st

from pipeline.validate.units import likely_unit

# median and log-normal spread of adults in the canonical unit, chosen by hand from their intervals
ADULTS = {
    "glucose_fasting": (5.3, 0.15, "mg/dL"),
    "creatinine": (75, 0.22, "mg/dL"),
    "cholesterol_total": (5.1, 0.2, "mg/dL"),
    "triglycerides": (1.2, 0.5, "mg/dL"),
    "hba1c": (36, 0.12, "%"),
    "ft4": (15, 0.16, "ng/dL"),
}
SWAPPED = 10_000


def rows(marker: str, numbers: np.ndarray, unit: str) -> pd.DataFrame:
    """Return rows as they are compared: numbers as printed in ``unit``."""
    own = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["unit"] == unit)].iloc[0]
    bounds = {limit.op: limit.value for limit in RULES.all_limits_of(marker, "plausible")}  # type: ignore[arg-type]
    value = numbers * own["factor"] + own["offset"]
    return pd.DataFrame(
        {
            "marker": marker, "ucum": unit, "unit_reading": "known", "number": numbers,
            "low": value, "high": value, "factor": own["factor"], "plausible_low": bounds["<"],
            "plausible_high": bounds[">"],
        }
    )  # fmt: skip


def one(marker: str, number: float, unit: str) -> str:
    return str(likely_unit(rows(marker, np.array([number]), unit), rules=RULES).iloc[0])


@pytest.mark.parametrize(
    ("marker", "number", "unit", "likely"),
    [
        ("glucose_fasting", 90, "mmol/L", "mg/dL"),
        ("insulin_fasting", 312, "m[IU]/L", "pmol/L"),
        ("hba1c", 38, "%", "mmol/mol{Hb}"),
        ("hba1c", 5.6, "mmol/mol{Hb}", "%"),
        ("haemoglobin", 14, "mmol/L", "g/dL"),
        ("creatinine", 0.9, "umol/L", "mg/dL"),
        ("triglycerides", 40, "mmol/L", "mg/dL"),
        ("insulin_fasting", 60, "m[IU]/L", ""),
        ("glucose_fasting", 22, "mmol/L", ""),
        ("haemoglobin", 11.5, "mmol/L", ""),
        ("creatinine", 600, "umol/L", ""),
        ("triglycerides", 12, "mmol/L", ""),
        ("triglycerides", 20.1, "mmol/L", ""),
        ("ketones_blood", 3.1, "mmol/L", ""),
    ],
)
def test_a_mix_up_names_the_unit_that_fits(
    marker: str, number: float, unit: str, likely: str
) -> None:
    assert one(marker, number, unit) == likely


@pytest.mark.parametrize("marker", ADULTS)
def test_of_ten_thousand_swapped_values_all_but_a_few_are_caught_and_no_right_one(
    marker: str,
) -> None:
    median, spread, other = ADULTS[marker]
    canonical = RULES.markers[marker].unit
    value = np.random.default_rng(7).lognormal(np.log(median), spread, SWAPPED)
    units = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["unit"] == other)]
    own = units.iloc[0]
    as_other = (value - own["offset"]) / own["factor"]
    swapped = (rows(marker, as_other, canonical), rows(marker, value, other))
    caught = [(likely_unit(table, rules=RULES) != "").mean() for table in swapped]
    right = (rows(marker, value, canonical), rows(marker, as_other, other))
    wrong = [(likely_unit(table, rules=RULES) != "").mean() for table in right]
    assert min(caught) >= 0.999
    assert max(wrong) <= 0.001


@given(number=st.floats(0.001, 1e6, allow_nan=False))
def test_a_unit_that_is_likelier_is_never_the_units_own(number: float) -> None:
    for marker, (_, _, other) in ADULTS.items():
        for unit in (RULES.markers[marker].unit, other):
            assert one(marker, number, unit) != unit
