"""Rows become visits: which rows belong together, and which one of them stands for a marker."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES, accepted, case, judged, lab
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from pipeline.columns import Column, People, certain, round_significant, ruled_out, tristate
from pipeline.visits import arrange_visits


def dates_of(
    *parts: pd.DataFrame, visits: tuple[dict[str, Any], ...] = ()
) -> list[tuple[str, int]]:
    table = judged(case(*parts, visits=visits)).visits.table
    return [(str(row.date.date()), row.month) for row in table.itertuples()]


def sample(date: str, marker: str = "tsh") -> pd.DataFrame:
    return lab({marker: 2}, date=date, sample_id=date)


def test_a_named_date_is_a_visit_and_takes_the_rows_around_it() -> None:
    parts = sample("2024-01-10"), sample("2024-01-20")
    assert dates_of(*parts, visits=({"date": "2024-01-15"},)) == [("2024-01-15", 0)]


def test_without_names_rows_within_fourteen_days_of_a_blood_sample_are_one_visit() -> None:
    weight = lab({"weight": 80}, date="2023-12-20", sample_id="b")
    parts = weight, sample("2024-01-01"), sample("2024-01-15"), sample("2024-01-16")
    assert dates_of(*parts) == [("2024-01-01", 0), ("2024-01-16", 0)]


def test_a_person_without_blood_samples_still_has_visits() -> None:
    parts = [lab({"weight": 80}, date=d, sample_id=d) for d in ("2024-01-01", "2024-06-01")]
    assert dates_of(*parts) == [("2024-01-01", 0), ("2024-06-01", 5)]


def test_a_row_far_from_every_named_visit_is_not_lost() -> None:
    parts = sample("2024-01-01"), sample("2024-06-01")
    assert dates_of(*parts, visits=({"date": "2024-01-01"},)) == [
        ("2024-01-01", 0),
        ("2024-06-01", 5),
    ]


@pytest.mark.parametrize(
    ("later", "month"),
    [
        ("2024-05-06", 8),
        ("2025-09-08", 24),
        ("2023-09-18", 0),
        ("2023-09-20", 1),
        ("2023-10-04", 1),
    ],
)
def test_a_month_is_counted_from_the_first_visit_and_rounded(later: str, month: int) -> None:
    table = judged(case(visits=({"date": "2023-09-04"}, {"date": later}))).visits.table
    assert list(table["month"]) == [0, month]


days = st.integers(min_value=0, max_value=200)


@given(st.lists(days, min_size=1, max_size=12), st.lists(days, max_size=3))
@settings(max_examples=sized(30, full=300))
def test_every_row_is_in_exactly_one_visit_and_near_it(
    sampled: list[int], named: list[int]
) -> None:
    start = dt.date(2024, 1, 1)
    parts = [sample(str(start + dt.timedelta(days=day))) for day in sampled]
    visits = tuple({"date": str(start + dt.timedelta(days=day))} for day in named)
    rows = judged(case(*parts, visits=visits)).visits
    assert len(rows.rows) == len(sampled)
    at = rows.table["date"].to_numpy()[rows.rows["visit"]]
    assert (np.abs(rows.rows["date"].to_numpy() - at) <= np.timedelta64(14, "D")).all()


def test_people_keep_their_own_rows() -> None:
    rows = accepted(
        lab({"tsh": 1}, case_id="a", sample_id="a"), lab({"tsh": 9}, case_id="b", sample_id="b")
    )
    people = pd.DataFrame({"case_id": ["a", "b"], "sex": ["F", "M"], "birth_year": [1984, 1950]})
    stated = pd.DataFrame({"case_id": [], "date": pd.to_datetime([])})
    visits = arrange_visits(rows, people, stated, as_of=AS_OF, rules=RULES)
    assert list(visits.table["case_id"]) == ["a", "b"]
    assert list(visits.column("tsh").low) == [1, 9]
    assert list(visits.people.sex) == ["F", "M"]


def test_what_is_stated_of_a_visit_beats_what_is_stated_always() -> None:
    one = case(
        context={"pregnancy_wish": "no", "symptoms": ["fatigue"]},
        visits=(
            {"date": "2024-01-01"},
            {"date": "2024-06-01", "pregnancy_wish": "yes", "symptoms": []},
        ),
    )
    visits = judged(one).visits
    assert list(visits.yes("pregnancy_wish")) == [False, True]
    assert list(visits.yes("fatigue")) == [True, False]
    assert visits.yes("ivf").isna().all()


def test_pregnancy_is_not_unknown_in_a_man() -> None:
    visits = judged(
        case(sex="M", context={"pregnant": "unknown"}, visits=({"date": "2024-01-01"},))
    )
    assert list(visits.visits.yes("pregnant")) == [False]


# Columns.


def column(low: float, high: float, marker: str = "hs_crp", **ends: float) -> Column:
    people = People(sex=np.array(["F"], dtype=object), age=np.array([40.0]))
    empty = Column.empty(marker, people, RULES)
    from dataclasses import replace

    arrays = {name: np.array([value]) for name, value in {"low": low, "high": high, **ends}.items()}
    return replace(empty, **arrays)


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (1.0, 1.0, "no"),
        (1.0001, 1.0001, "yes"),
        (0.0, 0.999, "no"),
        (0.0, 1.5, "unknown"),
        (1.5, np.inf, "yes"),
    ],
)
def test_an_interval_is_beyond_a_limit_only_as_a_whole(
    low: float, high: float, answer: str
) -> None:
    found = column(low, high).beyond("signal-crp")  # > 1
    assert (certain(found)[0], ruled_out(found)[0]) == (answer == "yes", answer == "no")
    assert found.isna()[0] == (answer == "unknown")


def test_unknown_stays_unknown_unless_the_other_side_decides() -> None:
    yes, no, unknown = (
        tristate(np.array([y]), k) for y, k in ((True, True), (False, True), (False, False))
    )
    assert (unknown & no)[0] is np.False_ or not (unknown & no)[0]
    assert (unknown | yes)[0]
    assert (unknown & yes).isna()[0]
    assert (~unknown).isna()[0]


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (6.000012, 6.00001),
        (9.3866666, 9.38667),
        (2.5, 2.5),
        (0.0, 0.0),
        (-1.2345675, -1.23457),
        (1234565.0, 1234570.0),
    ],
)
def test_a_value_keeps_six_digits_rounded_half_up(value: float, rounded: float) -> None:
    assert round_significant(np.array([value]))[0] == pytest.approx(rounded, rel=1e-12)
