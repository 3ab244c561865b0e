"""The made-up practice: what is planted is found, and what is drawn is there to be found."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import DRAWN
from made_errors import ERRORS, plant
from made_practice import (
    COLUMNS,
    EFFECT,
    HEIGHT_MISSING_AGAIN,
    LABELS,
    LABORATORIES,
    LAST_DAY,
    MISSING,
    MISSING_ELSE,
    MONTHS,
    Practice,
    draw_practice,
    rows_of,
    write_practice,
)
from sizes import sized

from pipeline.intake import Intake, take_in
from pipeline.read.people import read_people
from pipeline.rules import load_rules
from pipeline.trend import reference_change

RULES = load_rules()
PEOPLE, DRAWN_PEOPLE = sized(300, full=2000), sized(2000, full=20_000)
FALSE = 0.005  # of the rows without a planted error, at most so many are set aside
MARKERS, HALF_A_YEAR = list(DRAWN), MONTHS.index(6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("practice")
    write_practice(draw_practice(PEOPLE), folder)
    return folder


@pytest.fixture(scope="module")
def intake(folder: Path) -> Intake:
    files = sorted(folder.glob("lab_*.csv"))
    as_of = LAST_DAY.astype(object)
    return take_in(files, as_of=as_of, people=folder / "people.csv", rules=RULES)


@pytest.fixture(scope="module")
def many() -> Practice:
    return draw_practice(DRAWN_PEOPLE)


@pytest.fixture(scope="module")
def unchanged() -> Practice:
    return draw_practice(DRAWN_PEOPLE, effect=0.0)


def table(path: Path) -> pd.DataFrame:
    """Return a file of the practice, all text; its delimiter is the one in its header."""
    with path.open(newline="", encoding="utf-8") as file:
        delimiter = ";" if ";" in file.readline() else ","
        file.seek(0)
        first, *rows = csv.reader(file, delimiter=delimiter, strict=True)
    return pd.DataFrame(rows, columns=first, dtype=str)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def within(found: float, expected: float) -> bool:
    """Return whether a count is what chance makes of an expected one: within 4 SD."""
    return abs(found - expected) <= 4 * np.sqrt(expected)


def logs_at(practice: Practice, at: int) -> pd.DataFrame:
    """Return the logarithms of what was found at one of the ``MONTHS``, a row a person.

    ``new_method`` says which method insulin had.
    """
    here = (practice.visits["at"] == at).to_numpy()
    visits = practice.visits[here]
    logs = pd.DataFrame(np.log(practice.values[here]), columns=MARKERS, index=visits["person"])
    return logs.assign(new_method=visits["new_method"].to_numpy())


def changes(
    practice: Practice, at: int = HALF_A_YEAR, *, marker: str = "insulin_fasting"
) -> pd.Series:
    """Return the change of the logarithm since the first visit, where insulin had one method."""
    before, after = logs_at(practice, 0), logs_at(practice, at)
    before = before.reindex(after.index)
    same = before["new_method"] == after["new_method"]
    return (after[marker] - before[marker])[same].dropna()


# Files.


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        write_practice(draw_practice(40, seed=seed, quarters=4), tmp_path / name)
    one, again, other = (bytes_of(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again
    assert one.keys() == other.keys()
    assert all(one[name] != other[name] for name in one)


@pytest.mark.parametrize("quarters", [1, 7])
def test_there_is_a_lab_table_for_each_quarter_until_the_last(tmp_path: Path, quarters) -> None:
    write_practice(draw_practice(60, quarters=quarters), tmp_path)
    months = pd.period_range(end="2026Q3", periods=quarters, freq="Q")
    names = [f"lab_{month.year}-Q{month.quarter}.csv" for month in months]
    assert sorted(path.name for path in tmp_path.glob("lab_*.csv")) == names
    for name, month in zip(names, months, strict=True):
        rows = table(tmp_path / name)
        assert tuple(rows) == COLUMNS
        late = rows["collected_at"].str[:4].astype(int) > LAST_DAY.astype(object).year
        days = pd.to_datetime(rows["collected_at"][~late])
        assert (days.dt.to_period("Q") == month).all()


def test_a_quarter_without_a_visit_has_no_file(tmp_path: Path) -> None:
    write_practice(draw_practice(1), tmp_path)
    files = sorted(tmp_path.glob("lab_*.csv"))
    assert 1 <= len(files) <= len(MONTHS)
    assert all(len(table(path)) for path in files)


def test_a_file_has_one_decimal_mark(folder: Path) -> None:
    marks = {}
    for path in folder.glob("lab_*.csv"):
        numbers = table(path)[["value", "ref_low", "ref_high"]].to_numpy().ravel()
        marks[path.name] = {mark for mark in ",." if any(mark in text for text in numbers)}
    assert marks.pop("lab_2024-Q4.csv") == {","}
    assert all(own == {"."} for own in marks.values())


def test_the_table_of_people_can_be_read_and_says_much_but_not_all(folder: Path) -> None:
    people = read_people(folder / "people.csv", keys=RULES.context)
    assert len(people) == PEOPLE
    stated = table(folder / "people.csv").drop(columns=["case_id", "date"]) != ""
    assert stated.mean().between(0.1, 0.99).all()


def test_labels_are_words_of_the_practice_and_some_people_have_none(folder: Path) -> None:
    labels = table(folder / "people.csv")["label"]
    for label, rate in LABELS.items():
        expected = rate * PEOPLE
        found = (labels == label).sum()
        assert within(found, expected), label


def test_only_one_laboratory_changes_its_method_and_only_once() -> None:
    practice = draw_practice(400)
    rows = pd.concat([rows_of(practice, quarter) for quarter in range(len(practice.quarters))])
    methods = rows[rows["method"] != ""].groupby("lab")["method"].unique().map(list)
    assert methods.map(len).to_dict() == {name: 1 + (name == "east") for name in LABORATORIES}
    insulin = rows[(rows["lab"] == "east") & (rows["marker"] == "insulin_fasting")]
    new = insulin["collected_at"] >= str(practice.quarters[len(practice.quarters) // 2])
    assert insulin[new]["method"].nunique() == insulin[~new]["method"].nunique() == 1


# Errors.


def test_errors_are_planted_at_the_stated_rates(many: Practice) -> None:
    can, found = Counter[str](), Counter[str]()
    for quarter in range(len(many.quarters)):
        rows = rows_of(many, quarter)
        can.update({kind: int(error.befalls(rows).sum()) for kind, error in ERRORS.items()})
        found.update(plant(rows, np.random.default_rng(quarter))["kind"])
    found["contradictory"] //= 2  # both rows are in error
    rates = {kind: (found[kind], error.rate * can[kind]) for kind, error in ERRORS.items()}
    assert all(within(*pair) for pair in rates.values()), rates


def test_every_planted_row_is_set_aside_for_its_reason(folder: Path, intake: Intake) -> None:
    got = dict(zip(intake.set_aside["row"], intake.set_aside["reasons"], strict=True))
    planted = table(folder / "planted.csv")
    missed = planted[
        [
            reason not in got.get(row, "").split(";")
            for row, reason in zip(planted["row"], planted["reason"], strict=True)
        ]
    ]
    assert missed.empty, missed
    assert set(planted["kind"]) == set(ERRORS)
    assert (planted["row"] == planted["file"] + ":" + planted["line"]).all()


def test_rows_without_a_planted_error_are_accepted(folder: Path, intake: Intake) -> None:
    planted = set(table(folder / "planted.csv")["row"])
    sound = intake.set_aside[~intake.set_aside["row"].isin(planted)]
    assert len(sound) <= FALSE * len(intake.accepted), Counter(sound["reasons"])
    written = sum(len(table(path)) for path in folder.glob("lab_*.csv"))
    assert written == len(intake.accepted) + len(intake.set_aside)


def test_of_what_was_corrected_the_later_version_is_accepted(folder: Path, intake: Intake) -> None:
    planted = table(folder / "planted.csv")
    corrected = intake.accepted[intake.accepted["status"] == "corrected"]
    assert len(corrected) == (planted["kind"] == "corrected later").sum() > 0


# What is drawn.


def test_without_an_effect_insulin_does_not_change(unchanged: Practice) -> None:
    for at in range(1, len(MONTHS)):
        found = changes(unchanged, at)
        assert abs(found.mean()) <= 3 * found.sem()


def test_the_effect_is_recovered_half_a_year_on(many: Practice) -> None:
    found = changes(many)
    assert abs(found.mean() - EFFECT) <= 3 * found.sem()
    assert found.mean() < -6 * found.sem()


def test_the_effect_can_be_read_back_from_the_files(intake: Intake) -> None:
    rows = intake.accepted[intake.accepted["marker"] == "insulin_fasting"]
    rows = rows[rows["low"] == rows["high"]]
    rows = rows.assign(day=pd.to_datetime(rows["collected_at"].str[:10])).sort_values("day")
    pairs = rows.merge(rows, on=["case_id", "lab", "method"], suffixes=("", "_later"))
    days = (pairs["day_later"] - pairs["day"]).dt.days
    half = pairs[days.between(150, 215)].drop_duplicates("case_id")
    found = np.log(half["low_later"] / half["low"])
    first = half["day"] == half["case_id"].map(rows.groupby("case_id")["day"].min())
    assert abs(found[first].mean() - EFFECT) <= 3 * found[first].sem()


def test_all_else_is_drawn_the_same_whatever_the_effect(
    many: Practice, unchanged: Practice
) -> None:
    pd.testing.assert_frame_equal(many.visits, unchanged.visits)
    first = (many.visits["at"] == 0).to_numpy()
    assert np.array_equal(many.values[first], unchanged.values[first], equal_nan=True)
    tsh = MARKERS.index("tsh")  # which insulin resistance does not move
    assert np.array_equal(many.values[:, tsh], unchanged.values[:, tsh], equal_nan=True)


def test_markers_move_together_as_insulin_resistance_moves_them(many: Practice) -> None:
    found = logs_at(many, 0)[MARKERS].corr()["insulin_fasting"]
    spread, moves = (np.array([DRAWN[name][place] for name in MARKERS]) for place in (1, 2))
    shared = moves / np.hypot(spread, moves)
    expected = pd.Series(shared * shared[MARKERS.index("insulin_fasting")], index=MARKERS)
    others = expected.drop("insulin_fasting")
    both_measured = DRAWN_PEOPLE / 2  # at the least
    assert ((found[others.index] - others).abs() <= 4 / np.sqrt(both_measured)).all()
    assert (found[["glucose_fasting", "triglycerides", "waist", "weight"]] > 0.1).all()
    assert found["hdl"] < -0.1


@pytest.mark.parametrize("marker", ["insulin_fasting", "triglycerides", "hdl"])
def test_without_an_effect_one_in_twenty_changes_exceeds_the_reference_change(
    unchanged: Practice, marker: str
) -> None:
    fall, rise = np.log1p(np.array(reference_change(RULES.markers[marker])) / 100)
    found = changes(unchanged, 1, marker=marker)
    assert within(((found < fall) | (found > rise)).sum(), 0.05 * len(found))


def test_fewer_return_each_time_and_the_insulin_resistant_more_often(many: Practice) -> None:
    counts = many.visits["at"].value_counts().sort_index()
    assert counts.is_monotonic_decreasing
    early = many.visits[many.visits["day"] < LAST_DAY - np.timedelta64(400, "D")]
    insulin = logs_at(many, 0)["insulin_fasting"].reindex(early[early["at"] == 0]["person"])
    returned = insulin.index.isin(many.visits[many.visits["at"] == 1]["person"])
    assert insulin[returned].mean() > insulin[~returned].mean()


def test_markers_are_missing_at_the_stated_rates(many: Practice) -> None:
    missing = pd.DataFrame(np.isnan(many.values), columns=MARKERS)
    again = (many.visits["at"] > 0).to_numpy()
    for marker in MARKERS:
        rate = MISSING.get(marker, MISSING_ELSE)
        later = HEIGHT_MISSING_AGAIN if marker == "height" else rate
        assert within(missing[marker][~again].sum(), rate * (~again).sum()), marker
        assert within(missing[marker][again].sum(), later * again.sum()), marker
