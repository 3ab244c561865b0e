"""Middle floor. How often a person's values lay beyond a limit: those of other visits count too."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits, certain

# Of each criterion its value and the name of a limit.
Asked = Mapping[str, tuple[Callable[[Visits], Column], str]]


def values_so_far(
    readings: Sequence[Visits], asked: Asked, *, by_kind: bool
) -> np.ndarray[Any, Any]:
    """Return how many values beyond their limit a person has had, up to and with each visit.

    Of one date those of different kind count apart, or (without ``by_kind``) all as one.
    """
    visits = readings[0]
    found = pd.concat([_events(one, *question) for one in readings for question in asked.values()])
    keys = ["case_id", "date", "marker"] if by_kind else ["case_id", "date"]
    first = found.sort_values("visit", kind="stable").drop_duplicates(keys)
    counts = first.groupby("visit").size().reindex(range(len(visits)), fill_value=0)
    return counts.groupby(visits.table["case_id"].to_numpy()).cumsum().to_numpy()


def _events(visits: Visits, of: Callable[[Visits], Column], limit: str) -> pd.DataFrame:
    """Return case, visit, date and marker of each measured value beyond ``limit``."""
    column = of(visits)
    at = np.flatnonzero(certain(column.beyond(limit)) & (column.row >= 0))
    return pd.DataFrame(
        {
            "case_id": visits.table["case_id"].to_numpy(object)[at],
            "visit": at,
            "date": visits.rows["date"].to_numpy()[column.row[at]],
            "marker": column.marker,
        }
    )
