"""Middle floor. Makes a column of each marker: of a visit's last result, or of an earlier one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, tristate, unknown
from pipeline.visits.results import rows_by_marker

_PAIR = ("glucose_fasting", "insulin_fasting")
_PLACE = ["visit", "marker"]
_ENDS = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high")
Where = np.ndarray[Any, np.dtype[np.bool_]]


def last_reading(visits: Visits) -> Visits:
    """Return ``visits`` with a column for each marker, of the last final result of the visit."""
    columns = _columns(visits, visits.rows["reading"].to_numpy() == 0)
    stated = {**visits.stated, "ogtt_began_fasting": _ogtt_began_fasting(visits)}
    visits = replace(visits, columns=columns, stated=stated)
    return replace(visits, paired=_paired(visits))


def earlier_readings(last: Visits) -> Iterator[Visits]:
    """Yield the same visits with, of each marker, the result before the last, and so on back.

    Safety flags and the G-class look at every result of a visit. Where a visit has no earlier one
    of a marker, its last stands.
    """
    reading = last.rows["reading"].to_numpy()
    for back in range(1, int(reading.max(initial=0)) + 1):
        earlier = _columns(last, reading == back)
        yield last.with_columns(
            {m: last.column(m).replaced_by(column) for m, column in earlier.items()}
        )


def _columns(visits: Visits, chosen: Where) -> dict[str, Column]:
    """Return a column for each marker of the ``chosen`` rows, at most one a visit."""
    return {
        marker: _column(marker, places, visits)
        for marker, places in rows_by_marker(visits.rows, chosen).items()
    }


def _column(marker: str, places: np.ndarray[Any, Any], visits: Visits) -> Column:
    """Return the column of the results at ``places`` of the rows."""
    rows, at = visits.rows, visits.rows["visit"].to_numpy()[places]
    empty = Column.empty(marker, visits.people, visits.rules)
    ends = {name: rows[name].to_numpy(float)[places] for name in _ENDS}
    if marker.startswith("insulin_"):  # haemolysis destroys it: only a lower bound. Source: S8
        ends["high"] = np.where(rows["haemolysed"].to_numpy()[places], np.inf, ends["high"])
    return empty.filled(at, ends, sample=rows["draw"].to_numpy()[places], row=places)


def _paired(visits: Visits) -> Mapping[str, Column]:
    """Return glucose and insulin of the last draw that holds both, else as they were judged."""
    judged = {marker: visits.column(marker) for marker in _PAIR}
    glucose, insulin = judged.values()
    both = (glucose.row >= 0) & (insulin.row >= 0)
    apart = both & ~((glucose.sample == insulin.sample) & (glucose.sample >= 0))
    if not apart.any():  # the last results of every visit are of one draw
        return judged
    rows = visits.rows[visits.rows["marker"].isin(_PAIR) & apart[visits.rows["visit"]]]
    chosen = np.zeros(len(visits.rows), dtype=bool)
    chosen[_latest_pairs(rows)] = True
    columns = _columns(visits, chosen)
    return judged | {marker: judged[marker].replaced_by(one) for marker, one in columns.items()}


def _latest_pairs(rows: pd.DataFrame) -> pd.Index:
    """Return which ``rows`` are of the last draw of their visit that holds both of a pair."""
    rows = rows.loc[rows["sample_id"] != "", ["visit", "sample_id", "marker", "reading"]]
    rows = rows.astype({"sample_id": str, "marker": str})
    both = rows.groupby(["visit", "sample_id"])["marker"].transform("nunique") == len(_PAIR)
    pairs = rows[both].sort_values(["visit", "reading"], ascending=[True, False], kind="stable")
    latest = pairs.groupby("visit")["sample_id"].transform("last")
    return (
        pairs[pairs["sample_id"] == latest].drop_duplicates(["visit", "marker"], keep="last").index
    )


def _ogtt_began_fasting(visits: Visits) -> BooleanArray:
    """Return whether the OGTT of a visit began fasting: its start says so, else its own rows."""
    during = [id for id in visits.rules.markers if "_ogtt_" in id]
    rows = visits.rows[visits.rows["marker"].isin(during)]
    if rows.empty:
        return unknown(len(visits))
    starts = rows[rows["marker"].isin([id for id in during if id.endswith("_ogtt_0")])]
    others = rows[~rows["visit"].isin(starts["visit"])]
    fasting = pd.concat([starts, others]).groupby("visit")["fasting"].any()
    answer = fasting.reindex(range(len(visits)))
    return tristate(answer.fillna(False).to_numpy(bool), answer.notna().to_numpy())
