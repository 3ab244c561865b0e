import math
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.read.numbers import proven_marks, read_numbers

MARKS = st.sampled_from([".", ","])


def read(*texts: str) -> pd.DataFrame:
    """Read the texts as the values of one file."""
    values = pd.Series(texts, dtype=str)
    files = pd.Series(["file"] * len(texts))
    return read_numbers(values, files=files, marks=proven_marks([values], files=files))


@pytest.mark.parametrize(
    ("text", "comparator", "number", "half_digit"),
    [
        ("5.2", "", 5.2, 0.05),
        ("5,2", "", 5.2, 0.05),
        (" 12 ", "", 12, 0.5),
        ("0,125", "", 0.125, 0.0005),
        ("-2.5", "", -2.5, 0.05),
        ("<0,3", "<", 0.3, 0.05),
        (">= 16", ">=", 16, 0.5),
        ("≤ 5", "<=", 5, 0.5),
        ("≥0.50", ">=", 0.5, 0.005),
        ("1234.567", "", 1234.567, 0.0005),
        ("1.2345", "", 1.2345, 0.00005),
    ],
)
def test_a_number_is_read_with_its_comparator_and_its_last_digit(
    text: str, comparator: str, number: float, half_digit: float
) -> None:
    (row,) = read(text).to_dict("records")
    assert row["reading"] == "number"
    assert row["comparator"] == comparator
    assert row["number"] == number
    assert row["half_digit"] == pytest.approx(half_digit)


@pytest.mark.parametrize(
    ("text", "number", "flag"), [("7,4 H", 7.4, "H"), ("3.1*", 3.1, "*"), (".2", 0.2, "")]
)
def test_a_flag_may_stand_behind_a_number_and_no_digit_before_a_mark(
    text: str, number: float, flag: str
) -> None:
    (row,) = read(text).to_dict("records")
    assert (row["reading"], row["number"], row["flag"]) == ("number", number, flag)


@pytest.mark.parametrize(
    "text",
    ["neg", "1e5", "1E5", "NaN", "inf", "-inf", "nan", "1.234,5", "1,234.5", "1 234", "007", "5.",
     "3.9-5.6", "1+", "+5", "--5", "<<5", "=5", "٥", "５", "0x10", "1_000", "12%",
     "9" * 400, "0." + "1" * 40, "\u200b5"],
)  # fmt: skip
def test_what_is_no_plain_number_is_unreadable(text: str) -> None:
    assert list(read(text)["reading"]) == ["unreadable"]
    assert read(text)["number"].isna().all()


@pytest.mark.parametrize("text", ["", " ", "\t"])
def test_a_blank_text_is_missing(text: str) -> None:
    assert list(read(text)["reading"]) == ["missing"]


@pytest.mark.parametrize("text", ["1.234", "12.345", "123,456", "<1.000", "-1,234"])
def test_a_number_that_may_hold_a_thousands_mark_is_never_guessed(text: str) -> None:
    assert list(read(text)["reading"]) == ["ambiguous"]
    assert read(text)["number"].isna().all()


def test_a_file_that_proves_its_decimal_mark_reads_three_decimals() -> None:
    found = read("1,234", "5,2")
    assert list(found["reading"]) == ["number", "number"]
    assert list(found["number"]) == [1.234, 5.2]


def test_the_other_mark_stays_ambiguous_and_a_file_with_both_proves_none() -> None:
    assert list(read("1.234", "5,2")["reading"]) == ["ambiguous", "number"]
    assert list(read("1.234", "5,2", "6.1")["reading"]) == ["ambiguous", "number", "number"]


def test_whole_numbers_and_other_files_prove_nothing() -> None:
    values = pd.Series(["1.234", "140", "5.2"], dtype=str)
    files = pd.Series(["a", "a", "b"])
    found = read_numbers(values, files=files, marks=proven_marks([values], files=files))
    assert list(found["reading"]) == ["ambiguous", "number", "number"]


@given(
    whole=st.integers(0, 10**9), decimals=st.text("0123456789", min_size=1, max_size=6), mark=MARKS
)
def test_a_decimal_number_is_what_decimal_says_it_is_or_is_set_aside(
    whole: int, decimals: str, mark: str
) -> None:
    (row,) = read(f"{whole}{mark}{decimals}").to_dict("records")
    may_be_thousands = len(decimals) == 3 and 0 < whole < 1000
    assert row["reading"] == ("ambiguous" if may_be_thousands else "number")
    if not may_be_thousands:
        assert row["number"] == float(Decimal(f"{whole}.{decimals}"))


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_any_text_gets_one_reading_and_a_number_only_when_it_is_one(texts: list[str]) -> None:
    found = read(*texts)
    assert set(found["reading"]) <= {"number", "missing", "unreadable", "ambiguous"}
    assert (found["number"].notna() == (found["reading"] == "number")).all()
    assert all(math.isfinite(number) for number in found["number"].dropna())
