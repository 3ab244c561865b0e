import math
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import pandas as pd
import pytest
from drawn import table
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns import round_significant
from pipeline.model import RAW_COLUMNS, LimitSet
from pipeline.normalise import normalise_units
from pipeline.read.dates import with_dates
from pipeline.read.numbers import with_numbers
from pipeline.rules import load_rules

RULES = load_rules()


def normalise(drawing: str, **factors: float) -> pd.DataFrame:
    """Normalise drawn rows; what the drawing leaves out is blank."""
    drawn = table(drawing)
    raw = drawn.reindex(columns=list(RAW_COLUMNS), fill_value="")
    return normalise_units(
        with_dates(with_numbers(raw.astype(str))), RULES, insulin_factors=factors
    )


def interval(value: str, unit: str = "mmol/L", analyte: str = "glucose_fasting") -> tuple:
    (row,) = normalise(f"analyte|value|unit\n{analyte}|{value}|{unit}").to_dict("records")
    return row["low"], row["high"]


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("insulin_fasting", "36", "pmol/L", 6.0),
        ("insulin_fasting", "150", "pmol/L", 25.0),
        ("insulin_fasting", "1800", "pmol/L", 300.0),
        ("insulin_fasting", "52.8", "mIE/L", 52.8),
        ("insulin_fasting", "52.8", "uU/mL", 52.8),
        ("hba1c", "5.2", "%", 33),
        ("hba1c", "5.3", "%", 34),
        ("hba1c", "5.7", "%", 39),
        ("hba1c", "6.5", "%", 48),
        ("hba1c", "38.5", "mmol/mol", 39),
        ("glucose_fasting", "90", "mg/dL", 4.9959),
        ("alt", "1", "ukat/L", 60),
        ("mma_serum", "460", "nmol/L", 0.46),
        ("platelets", "268", "x10E9/L", 268),
    ],
)
def test_a_value_is_converted_and_rounded_as_the_specification_says(
    analyte: str, value: str, unit: str, canonical: float
) -> None:
    assert interval(value, unit, analyte) == (canonical, canonical)


@pytest.mark.parametrize("unit", ["mU/L", "mE/L", "mIU/L", "m[IU]/L", "mIE/l", "µU/mL", "uIU/ml"])
def test_spellings_of_a_unit_are_one_unit(unit: str) -> None:
    assert interval("10", unit, "insulin_fasting") == (10, 10)


def test_an_open_end_stands_one_ulp_inside() -> None:
    assert interval("<0,3") == (0, np.nextafter(0.3, 0))
    assert interval("<=0,3") == (0, 0.3)
    assert interval(">300") == (np.nextafter(300, np.inf), np.inf)
    assert interval(">= 16") == (16, np.inf)


def test_below_a_number_that_is_not_positive_there_is_no_end() -> None:
    low, high = interval("<-0.2", analyte="remnant_c")
    assert low == -np.inf
    assert high == np.nextafter(-0.2, -np.inf)


def test_what_was_reported_stays_beside_the_canonical_value() -> None:
    (row,) = normalise("analyte|value|unit\nglucose_fasting|<90|mg/dL").to_dict("records")
    assert (row["value_as_reported"], row["unit_as_reported"]) == ("<90", "mg/dL")
    assert (row["mg_low"], row["mg_high"]) == (0, np.nextafter(90, 0))
    assert row["comparator"] == "<"
    (row,) = normalise("analyte|value|unit\nglucose_fasting|5|mmol/L").to_dict("records")
    assert math.isnan(row["mg_low"])


def test_a_unit_is_never_guessed() -> None:
    rows = normalise("""
        analyte         | value | unit
        glucose_fasting | 5     |
        glucose_fasting | 5     | stone
        weight          | 70    | mmol/L
        no such analyte | 5     | mmol/L
        homa_ir         | 2.1   |
    """)
    readings = ["missing", "unknown", "unknown", "unjudged", "known"]
    assert list(rows["unit_reading"]) == readings
    assert list(rows["low"].isna()) == [True, True, True, True, False]


def test_insulin_in_pmol_has_no_known_factor_unless_the_laboratory_gives_it() -> None:
    drawing = """
        analyte         | value | unit   | lab
        insulin_fasting | 69.45 | pmol/L | Lab A
        insulin_fasting | 69.45 | pmol/L | Lab B
        insulin_fasting | 10    | mU/L   | Lab B
        c_peptide       | 600   | pmol/L | Lab B
    """
    rows = normalise(drawing, **{"Lab A": 6.945})
    assert list(rows["factor_known"]) == [True, False, True, True]
    assert list(rows["low"]) == [10, 11.575, 10, 0.6]


def test_the_laboratorys_interval_is_converted_with_the_value() -> None:
    rows = normalise("""
        analyte           | value | unit   | ref_low | ref_high
        cortisol_serum_am | 1     | umol/L | 0,159   | 0,569
        zonulin_serum     | 40    | ng/mL  |         | <48
        glucose_fasting   | 90    | mg/dL  | >70     | 99
    """)
    assert rows["ref_low"][0] == 159
    assert list(rows["ref_high"])[:2] == [569, 48]
    assert np.isnan(rows["ref_low"][1])
    assert rows["ref_low"][2] == pytest.approx(3.8857)


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("2024-02-29", True),
        ("2024-02-29T08:15", True),
        ("2024-02-29 08:15:30", True),
        ("2024-02-29T08:15:30+01:00", True),
        ("2024-02-29T08:15:30Z", True),
        ("2023-02-29", False),
        ("29-02-2024", True),
        ("29 feb 2024", True),
        ("20240229", True),
        ("02/03/2024", False),
        ("2024-02", False),
        ("2024-02-29T25:00", False),
        ("2024-02-29T08:15 by nurse", False),
        ("", False),
    ],
)
def test_a_date_that_can_be_only_one_day_is_read(text: str, readable: bool) -> None:
    (row,) = normalise(f"analyte|collected_at\nalt|{text}").to_dict("records")
    assert (row["date"] == pd.Timestamp("2024-02-29")) is readable
    assert pd.isna(row["date"]) is not readable


def test_a_date_is_the_day_that_the_laboratorys_own_clock_showed() -> None:
    (row,) = normalise("analyte|collected_at\nalt|2024-03-01T00:30+02:00").to_dict("records")
    assert row["date"] == pd.Timestamp("2024-03-01")


def test_any_mark_of_haemolysis_counts_unless_it_says_none() -> None:
    rows = normalise("analyte|haemolysis\nalt|\nalt|None\nalt|geen\nalt|trace\nalt|1+\nalt|visible")
    assert list(rows["haemolysis"]) == ["", "none", "none", "trace", "visible", "visible"]


def test_every_marker_with_limits_of_plausibility_carries_them() -> None:
    for limit in RULES.limits:
        if limit.set == LimitSet.PLAUSIBLE:
            row = normalise(f"analyte|value\n{limit.marker}|1").iloc[0]
            side = "plausible_high" if limit.op.startswith(">") else "plausible_low"
            assert row[side] == limit.value
            break


def test_every_unit_of_the_rules_converts_by_its_own_factor() -> None:
    units = RULES.units.to_dict("records")
    lines = [f"{unit['marker']}|8|{unit['unit']}" for unit in units]
    rows = normalise("\n".join(["analyte|value|unit", *lines])).to_dict("records")
    wrong = []
    for unit, row in zip(units, rows, strict=True):
        exact = 8 * unit["factor"] + unit["offset"]
        tolerance = 0.5 if unit["marker"] == "hba1c" else 1e-5 * abs(exact)
        is_right = row["low"] == pytest.approx(exact, abs=tolerance)
        if row["unit_reading"] != "known" or not is_right:
            wrong.append((unit["marker"], unit["unit"], row["unit_reading"], row["low"]))
    assert wrong == []


@given(st.decimals(min_value="1e-6", max_value="1e9", allow_nan=False, places=6))
def test_rounding_to_six_digits_is_half_up_in_decimal(number: Decimal) -> None:
    expected = Context(prec=6, rounding=ROUND_HALF_UP).plus(number)
    assert round_significant(np.array([float(number)]))[0] == pytest.approx(
        float(expected), rel=1e-15
    )


@given(st.integers(1, 999_999), st.integers(0, 5))
def test_a_number_of_at_most_six_digits_keeps_its_very_float(digits: int, places: int) -> None:
    number = float(Decimal(digits).scaleb(-places))
    assert round_significant(np.array([number]))[0] == number
