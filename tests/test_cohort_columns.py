"""The scored columns: what takes the place of what, what makes them stale, and what they leave."""

import datetime as dt
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import reviewing
from hypothesis import given
from hypothesis import strategies as st
from made_practice import LAST_DAY, draw_practice, write_practice
from made_store import fill_store
from test_cohort import RULES, reviewed, stored

from pipeline.cohort import Period, period_of
from pipeline.cohort.change import find_pairs
from pipeline.cohort.columns import marker_places
from pipeline.cohort.groups import age_names
from pipeline.cohort.origins import Origins
from pipeline.cohort.scoring import score_store
from pipeline.cohort.seen import find_seen, opened_columns
from pipeline.cohort.spans import WINDOWS, Moments, follow_ups, next_dates, next_judged
from pipeline.store import open_to_write

AS_OF = LAST_DAY.astype(object)
MADE = period_of("2025")
_CHUNKS = 5  # of 80 people in chunks of 20, as scoring reckons them
_DAY_ONE = np.datetime64("2024-01-01", "s")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of 80 people who do not exist, and their scored columns."""
    folder = tmp_path_factory.mktemp("columns")
    write_practice(draw_practice(80, seed=9), folder)
    store = stored(folder, sorted(folder.glob("lab_*.csv")), people=folder / "people.csv")
    score_store(store, as_of=AS_OF, rules=RULES)
    return store


@pytest.fixture
def copy(practice: Path, tmp_path: Path) -> Path:
    """The same, for one test alone."""
    for file in (practice, practice.with_name(f"{practice.name}.scored")):
        shutil.copy(file, tmp_path / file.name)
    return tmp_path / practice.name


def unscored(store: Path) -> Path:
    """Return the store without its scored columns."""
    store.with_name(f"{store.name}.scored").unlink()
    return store


# What takes the place of what.

PERSON = st.lists(st.integers(0, 1000), max_size=8, unique=True).map(sorted)


def moments_of(people: Sequence[Sequence[int]]) -> Moments:
    """Return the values of some people, each on some days; a month has 30 of them here."""
    day = np.array([day for days in people for day in days], dtype=int)
    first = [days[0] for days in people for _ in days]
    return Moments(
        person=np.array([at for at, days in enumerate(people) for _ in days], dtype=np.int32),
        date=_DAY_ONE + day.astype("timedelta64[D]"),
        month=(day - np.array(first, dtype=int)) // 30,
    )


def until(found: np.ndarray, end: Any) -> np.ndarray:
    """Return what nothing has taken the place of at the end of a day."""
    return found > end


@given(st.lists(PERSON, max_size=6), st.integers(0, 1000))
def test_the_last_value_of_a_person_is_found_by_dates_alone(
    people: list[list[int]], last: int
) -> None:
    moments, end = moments_of(people), _DAY_ONE + np.timedelta64(last, "D")
    chosen = (moments.date <= end) & until(next_dates(moments), end)
    plain = [max((day for day in days if day <= last), default=None) for days in people]
    days = (moments.date[chosen] - _DAY_ONE).astype("timedelta64[D]").astype(int)
    assert days.tolist() == [day for day in plain if day is not None]


@given(st.lists(PERSON, max_size=6), st.integers(0, 1000), st.randoms())
def test_the_last_judged_value_of_a_person_is_found_by_dates_alone(
    people: list[list[int]], last: int, random: Any
) -> None:
    moments, end = moments_of(people), _DAY_ONE + np.timedelta64(last, "D")
    bands = np.array([random.choice([0, 1, 3]) for _ in moments.date], dtype=int)
    again = next_judged(moments, bands)
    chosen = np.flatnonzero((bands != 0) & (moments.date <= end) & until(again, end))
    known = [at for at in np.flatnonzero(bands != 0) if moments.date[at] <= end]
    assert chosen.tolist() == sorted({moments.person[at]: at for at in known}.values())


@given(st.lists(PERSON, max_size=6), st.integers(0, 1000))
def test_the_nearest_follow_up_by_any_day_is_found_by_dates_alone(
    people: list[list[int]], last: int
) -> None:
    moments, end = moments_of(people), _DAY_ONE + np.timedelta64(last, "D")
    window, nearer = follow_ups(moments)
    chosen = np.flatnonzero((window != 0) & (moments.date <= end) & until(nearer, end))
    assert {(moments.person[at], window[at]): at for at in chosen} == nearest(moments, end)
    assert len(chosen) == len(nearest(moments, end))


def nearest(moments: Moments, end: Any) -> dict[tuple[int, int], int]:
    """Return the same by looking at each: the nearest in months, of equals the earliest."""
    found: dict[tuple[int, int], int] = {}
    first: dict[int, int] = {}
    for at, (person, month) in enumerate(zip(moments.person, moments.month, strict=True)):
        months = month - first.setdefault(person, month)
        for name, (low, high) in WINDOWS.items():
            if low <= months <= high and moments.date[at] <= end:
                off = abs(months - int(name))
                best = found.get((person, int(name)))
                far = best is None or off < abs(moments.month[best] - first[person] - int(name))
                if far:
                    found[person, int(name)] = at
    return found


PERIODS = ["2026-Q3", "2026-Q1", "2025", "2025-H1", "2025-07"]


@pytest.mark.parametrize("written", PERIODS)
def test_a_period_has_the_values_that_sorting_those_of_each_person_would_give(
    practice: Path, written: str
) -> None:
    period = period_of(written)
    with opened_columns(practice.with_name(f"{practice.name}.scored"), practice) as columns:
        find_seen(columns, period)
        find_pairs(columns, period)
        for view, plain in ((NOW, _plain_now(period)), (PAIR, _plain_pairs(period))):
            found = sorted(columns.execute(view).fetchall(), key=repr)
            assert found == sorted(columns.execute(plain).fetchall(), key=repr)
            assert found


NOW = "SELECT person, marker, value, guideline FROM now_value"
PAIR = "SELECT marker, of_window::VARCHAR, v0, value FROM pair"


def _plain_now(period: Period) -> str:
    return (
        "SELECT person, marker, value, guideline FROM scored.value WHERE date BETWEEN"
        f" DATE '{period.start}' AND DATE '{period.end}'"
        " QUALIFY row_number() OVER (PARTITION BY person, marker ORDER BY date DESC) = 1"
    )


def _plain_pairs(period: Period) -> str:
    windows = ", ".join(f"('{name}', {a}, {b})" for name, (a, b) in WINDOWS.items())
    dated = "scored.value AS value JOIN scored.visit AS visit USING (person, date)"
    return (
        f"WITH dated AS (SELECT person, marker, date, value, month FROM {dated}"
        f" WHERE date <= DATE '{period.end}'),"
        " start AS (SELECT person, marker, arg_min(value, date) AS v0, min(month) AS began"
        " FROM dated GROUP BY ALL)"
        " SELECT marker, of_window, v0, value FROM dated JOIN start USING (person, marker)"
        f" JOIN (VALUES {windows}) AS t(of_window, low, high) ON month - began BETWEEN low AND high"
        " QUALIFY row_number() OVER (PARTITION BY person, marker, of_window"
        " ORDER BY abs(month - began - of_window::INTEGER), date) = 1"
    )


def test_values_measured_otherwise_are_told_by_the_words_of_all_that_they_rest_on() -> None:
    origins = object.__new__(Origins)
    origins._base, origins._several = 4, {}
    one, other, several = origins._code((1, 0, 1)), origins._code((2, 1)), origins._code((1, 2))
    assert (one, origins._code((0, 0))) == (1, 0)
    assert len({1, 2, 3, other, several}) == 5
    assert origins._code((1, 2, 2)) == several


# What makes them stale.

_LATER = "UPDATE result SET day = DATE '2027-01-01' WHERE owner = $case AND day IS NOT NULL"
CHANGES = {
    "a result": "UPDATE result SET low = low + 1, content = content + 1 WHERE owner = $case",
    "a result that is repeated": "UPDATE result SET repetition = 'superseded' WHERE owner = $case",
    "a result that counts no more": "UPDATE result SET replaced = 1 WHERE owner = $case",
    "a result after the date it is asked of": _LATER,
    "a sex": "UPDATE person SET sex = if(sex = 'F', 'M', 'F') WHERE case_id = $case",
    "a birth year": "UPDATE person SET birth_year = birth_year + 1 WHERE case_id = $case",
    "what is stated": 'UPDATE person SET context = \'{"smoking": "yes"}\' WHERE case_id = $case',
    "what is stated of a visit": "INSERT INTO visit VALUES ($case, 'people', '2025-03-03', '{}')",
    "a statement that is gone": "DELETE FROM person WHERE case_id = $case",
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_score_depends_on_scores_the_people_again(copy: Path, change: str) -> None:
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == 0
    changed(copy, CHANGES[change])
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == 1
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == 0


def changed(store: Path, change: str) -> None:
    """Change what a store holds of one person who has results and is told of."""
    with open_to_write(store) as opened:
        (case,) = opened.execute("SELECT min(case_id) FROM person").fetchall()
        opened.execute(change, {"case": case[0]})


def test_a_label_and_a_date_without_results_score_nobody_again(copy: Path) -> None:
    changed(copy, "UPDATE person SET label = 'another' WHERE case_id = $case")
    later = AS_OF + dt.timedelta(days=1)
    assert score_store(copy, as_of=later, rules=RULES).made == 0


def test_another_program_scores_everybody_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cohort.keys.judge_hash", lambda _: "another")
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == 1


def test_scoring_that_ended_early_is_taken_up_where_it_was(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unscored(copy)
    monkeypatch.setattr("pipeline.cohort.keys.PEOPLE_IN_A_CHUNK", 20)
    with monkeypatch.context() as ending:
        ending.setattr("pipeline.cohort.scoring._put", ends_at(3))
        with pytest.raises(KeyboardInterrupt):
            score_store(copy, as_of=AS_OF, rules=RULES)
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == _CHUNKS - 2
    assert score_store(copy, as_of=AS_OF, rules=RULES).made == 0


def ends_at(call: int) -> Callable[..., None]:
    """Return what puts chunks in their file until one call of it, which is interrupted."""
    from pipeline.cohort.scoring import _put

    calls = []

    def put(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        _put(*arguments)

    return put


# What they are made into.


def test_a_review_is_the_same_in_chunks_of_any_size(
    copy: Path, practice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reviewed(practice)
    monkeypatch.setattr("pipeline.cohort.keys.PEOPLE_IN_A_CHUNK", 20)
    assert score_store(unscored(copy), as_of=AS_OF, rules=RULES).made == _CHUNKS
    assert reviewed(copy) == whole


@pytest.mark.parametrize("threads", [1, 3])
def test_a_review_is_the_same_on_any_number_of_cores(
    practice: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reviewed(practice)
    connect = duckdb.connect

    def with_threads(*arguments: Any, **named: Any) -> Any:
        connection = connect(*arguments, **named)
        connection.execute(f"SET threads = {threads}")
        return connection

    monkeypatch.setattr("pipeline.cohort.seen.duckdb.connect", with_threads)
    assert reviewed(practice) == whole


def test_a_review_leaves_nothing_beside_the_store_but_its_scored_columns(copy: Path) -> None:
    reviewed(copy)
    assert {path.name for path in copy.parent.iterdir()} == {copy.name, f"{copy.name}.scored"}


def test_a_made_store_holds_the_same_people_however_many_are_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fill_store(tmp_path / "one.duckdb", 30) == 30 * 4 * 20
    monkeypatch.setattr("made_store.PEOPLE_AT_ONCE", 7)
    assert fill_store(tmp_path / "other.duckdb", 30) == 30 * 4 * 20
    one, other = (reviewed(tmp_path / f"{name}.duckdb", MADE) for name in ("one", "other"))
    assert one == other
    assert one["who"]["seen"] == 30


def test_every_marker_has_a_code_of_its_own() -> None:
    assert sorted(marker_places(RULES).values()) == list(range(len(RULES.markers)))


def test_the_plain_query_that_a_review_is_timed_against_takes_the_same_quartiles(
    tmp_path: Path,
) -> None:
    store = tmp_path / "200.duckdb"
    reviewing.fill(store)
    told = {one["marker"]: one for one in reviewed(store, MADE)["how"]["markers"]}
    for marker, sex, ages, _, quartiles in reviewing.plain_same(store):
        one = told[marker]
        if sex is not None:
            one = group_of(one, "sex", sex)
        elif ages is not None:
            one = group_of(one, "ages", age_names()[ages])
        assert one["quartiles"] == pytest.approx(quartiles), (marker, sex, ages)


def group_of(marker: dict[str, Any], by: str, group: str) -> dict[str, Any]:
    return next(one for one in marker["groups"][by] if one["group"] == group)
