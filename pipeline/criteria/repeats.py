"""Middle floor. How often a person's values lay beyond a limit: those of other visits count too."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits, certain
from pipeline.criteria.classified import NO_ROWS, Where

# Of each criterion its value and the name of a limit.
Asked = Mapping[str, tuple[Callable[[Visits], Column], str]]
_NO_VALUES = pd.DataFrame({name: [] for name in ("case_id", "visit", "date", "marker", "row")})


def values_beyond(readings: Sequence[Visits], asked: Asked, *, by_kind: bool) -> pd.DataFrame:
    """Return case, visit, date, marker and row of each measured value beyond its limit.

    Of one date those of different kind count apart, or (without ``by_kind``) all as one.
    """
    found = [_events(one, *question) for one in readings for question in asked.values()]
    some = [events for events in found if len(events)]
    if not some:  # as of most people
        return _NO_VALUES
    keys = ["case_id", "date", "marker"] if by_kind else ["case_id", "date"]
    return pd.concat(some).sort_values("visit", kind="stable").drop_duplicates(keys)


def count_so_far(values: pd.DataFrame, visits: Visits) -> np.ndarray[Any, Any]:
    """Return how many of ``values`` a person has had, up to and with each visit."""
    if values.empty:
        return np.zeros(len(visits), dtype=int)
    counts = values.groupby("visit").size().reindex(range(len(visits)), fill_value=0)
    return counts.groupby(visits.table["case_id"].to_numpy()).cumsum().to_numpy()


def rows_so_far(values: pd.DataFrame, visits: Visits, where: Where) -> pd.DataFrame:
    """Return visit and row of all ``values`` that a person has had, up to and with some visits."""
    at = np.flatnonzero(where)
    if values.empty or not len(at):
        return NO_ROWS
    asked = pd.DataFrame({"case_id": visits.table["case_id"].to_numpy(object)[at], "at": at})
    pairs = asked.merge(values, on="case_id")
    pairs = pairs[pairs["visit"] <= pairs["at"]]
    return pd.DataFrame({"visit": pairs["at"], "row": pairs["row"]})


def _events(visits: Visits, of: Callable[[Visits], Column], limit: str) -> pd.DataFrame:
    column = of(visits)
    at = np.flatnonzero(certain(column.beyond(limit)) & (column.row >= 0))
    if not len(at):
        return _NO_VALUES
    return pd.DataFrame(
        {
            "case_id": visits.table["case_id"].to_numpy(object)[at],
            "visit": at,
            "date": visits.rows["date"].to_numpy()[column.row[at]],
            "marker": column.marker,
            "row": column.row[at],
        }
    )
