"""Middle floor. Which visits there are, and to which of them a row belongs.

A date of a case is one number, its key: the place of the case, then the day. Keys sort by case and
date, and differ by days within a case, by far more between two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.rules import Rules

Keys = np.ndarray[Any, np.dtype[np.int64]]
Places = np.ndarray[Any, Any]
_NEAR = 14  # days
_DAY_ONE = np.datetime64("0001-01-01")
_SPAN = 1 << 23  # more days than there are
_BLOOD = ("serum", "plasma", "whole_blood", "blood", "erythrocytes")
_DAYS_PER_MONTH = 30.436875


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The visits of all people: the ids of the cases, and the key of each visit, both sorted."""

    cases: pd.Index
    keys: Keys

    @property
    def case(self) -> Places:
        """Return the place among ``cases`` of the person of each visit."""
        return self.keys // _SPAN

    @property
    def dates(self) -> np.ndarray[Any, np.dtype[np.datetime64]]:
        """Return the date of each visit."""
        return (_DAY_ONE + self.keys % _SPAN).astype("datetime64[ns]")

    @property
    def first_of_person(self) -> Places:
        """Return the place of the first visit of each person."""
        return _starts(self.case)

    def case_of(self, ids: pd.Series) -> Places:
        """Return the place among ``cases`` of each id; -1 of somebody without a visit."""
        return _places(ids.astype("category"), self.cases)

    def visit_of(self, table: pd.DataFrame) -> Places:
        """Return the visit nearest to each row's case_id and date; -1 where none is near."""
        return _nearest(_keys(self.case_of(table["case_id"]), table["date"]), self.keys)


def arrange_dates(
    rows: pd.DataFrame, named: pd.DataFrame, also: pd.DataFrame, rules: Rules
) -> tuple[Calendar, Places]:
    """Return the visits, and to which of them each of the ``rows`` belongs.

    A visit is a date that is ``named``, else all ``rows`` (and those set aside, ``also``) within 14
    days of a blood sample, else of any row.
    """
    tables = (rows, also, named)
    ids = [table["case_id"].astype("category") for table in tables]
    cases = _all_cases(ids)
    keys = [_keys(_places(i, cases), t["date"]) for i, t in zip(ids, tables, strict=True)]
    sampled, place = _distinct(np.concatenate(keys[:2]))
    blood = np.zeros(len(sampled), dtype=bool)
    blood[place[np.concatenate([_is_blood(table["marker"], rules) for table in tables[:2]])]] = True
    anchors = _add_anchors(_add_anchors(np.unique(keys[2]), sampled[blood]), sampled)
    visit = _nearest(sampled, anchors)[place[: len(rows)]]
    return Calendar(cases=cases, keys=anchors), visit.astype(np.int32)


def _all_cases(ids: Iterable[pd.Series]) -> pd.Index:
    cases = pd.Index([], dtype=str)
    for one in ids:
        cases = cases.union(one.cat.categories, sort=False)
    return cases.sort_values()


def _places(ids: pd.Series, cases: pd.Index) -> Places:
    if not len(ids):
        return np.zeros(0, dtype=int)
    return cases.get_indexer(ids.cat.categories)[ids.cat.codes.to_numpy()]


def _keys(case: Places, dates: pd.Series) -> Keys:
    days = dates.to_numpy().astype("datetime64[D]") - _DAY_ONE
    return case.astype(np.int64) * _SPAN + days.astype(np.int64)


def _is_blood(markers: pd.Series, rules: Rules) -> np.ndarray[Any, np.dtype[np.bool_]]:
    blood = [id for id, marker in rules.markers.items() if marker.specimen.startswith(_BLOOD)]
    return markers.isin(blood).to_numpy(bool)


def _starts(values: Places) -> Places:
    """Return where a value differs from the one before it."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])


def _distinct(keys: Keys) -> tuple[Keys, Places]:
    """Return the different ``keys``, sorted, and the place of each row's among them."""
    # rows of one sample mostly stand together: one of each run is enough
    starts = _starts(keys)
    unique, place = np.unique(keys[starts], return_inverse=True)
    return unique, np.repeat(place.astype(np.int32), np.diff(np.append(starts, len(keys))))


def _add_anchors(anchors: Keys, dates: Keys) -> Keys:
    """Return ``anchors`` and, of the ``dates`` that are near none, the first of each run."""
    left = dates[_nearest(dates, anchors) < 0]
    while len(left):  # once for each further visit of the person with the most visits
        first = left[_starts(left // _SPAN)]
        anchors = np.sort(np.concatenate([anchors, first]))
        left = left[_nearest(left, first) < 0]
    return anchors


def _nearest(keys: Keys, anchors: Keys) -> Places:
    """Return the place of the nearest anchor within 14 days, of two as near the earlier; else -1.

    ``anchors`` are sorted.
    """
    if not len(anchors):
        return np.full(len(keys), -1)
    after = np.searchsorted(anchors, keys, side="right")
    before = np.maximum(after - 1, 0)
    after = np.minimum(after, len(anchors) - 1)
    to_before, to_after = np.abs(keys - anchors[before]), np.abs(anchors[after] - keys)
    found = np.where(to_before <= to_after, before, after)
    return np.where(np.minimum(to_before, to_after) <= _NEAR, found, -1)


def visit_table(calendar: Calendar, people: pd.DataFrame) -> pd.DataFrame:
    """Return case_id, date, sex, birth_year, month and age of each visit."""
    known = people.astype({"case_id": str}).set_index("case_id").reindex(calendar.cases)
    table = known.take(calendar.case).rename_axis("case_id").reset_index()
    table.insert(1, "date", calendar.dates)
    born = pd.to_numeric(table["birth_year"], errors="coerce")
    return table.assign(
        month=_months_since_first(calendar),
        sex=table["sex"].fillna(""),
        age=(table["date"].dt.year - born).astype(float),
    )


def _months_since_first(calendar: Calendar) -> pd.Series:
    """Return whole calendar months, the days that are left rounded half up."""
    first = calendar.first_of_person
    visits = np.diff(np.append(first, len(calendar.keys)))
    end = pd.Series(calendar.dates).dt
    start = pd.Series(np.repeat(calendar.dates[first], visits)).dt
    months = (end.year - start.year) * 12 + (end.month - start.month)
    days = (end.day - start.day) / _DAYS_PER_MONTH
    return np.floor(months + days + 0.5).astype(int)
