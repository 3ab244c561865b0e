"""Middle floor. Makes a column of each marker: of a visit's last result, or of an earlier one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, tristate

_PAIR = ("glucose_fasting", "insulin_fasting")
_ENDS = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high")


def last_reading(visits: Visits) -> Visits:
    """Return ``visits`` with a column for each marker, of the last final result of the visit."""
    columns = _columns(visits, visits.rows[visits.rows["reading"] == 0])
    stated = {**visits.stated, "ogtt_began_fasting": _ogtt_began_fasting(visits)}
    visits = replace(visits, columns=columns, stated=stated)
    return replace(visits, paired=_paired(visits))


def earlier_readings(last: Visits) -> Iterator[Visits]:
    """Yield the same visits with, of each marker, the result before the last, and so on back.

    Safety flags and the G-class look at every result of a visit. Where a visit has no earlier one
    of a marker, its last stands.
    """
    furthest = int(last.rows["reading"].to_numpy().max(initial=0))
    for back in range(1, furthest + 1):
        earlier = _columns(last, last.rows[last.rows["reading"] == back])
        yield last.with_columns(
            {m: last.column(m).replaced_by(column) for m, column in earlier.items()}
        )


def _columns(visits: Visits, chosen: pd.DataFrame) -> dict[str, Column]:
    samples = _samples(visits.rows)
    return {
        str(marker): _column(str(marker), rows, samples, visits)
        for marker, rows in chosen.groupby("marker")
    }


def _samples(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return a code for each draw; -1 where the sample has no id."""
    codes = pd.factorize(rows["case_id"] + "\n" + rows["sample_id"])[0]
    return np.where(rows["sample_id"] == "", -1, codes)


def _column(
    marker: str, rows: pd.DataFrame, samples: np.ndarray[Any, Any], visits: Visits
) -> Column:
    at = rows["visit"].to_numpy(int)

    def spread(values: Any, nothing: float) -> np.ndarray[Any, Any]:
        column = np.full(len(visits), nothing, dtype=type(nothing))
        column[at] = values
        return column

    ends = {name: spread(rows[name].to_numpy(float), np.nan) for name in _ENDS}
    if marker.startswith("insulin_"):  # haemolysis destroys it: only a lower bound. Source: S8
        lost = spread(rows["haemolysed"].to_numpy(float), 0.0) == 1
        ends["high"] = np.where(lost, np.inf, ends["high"])
    position = rows.index.to_numpy(int)
    return Column(
        marker=marker,
        **ends,
        sample=spread(samples[position], -1),
        row=spread(position, -1),
        people=visits.people,
        rules=visits.rules,
    )


def _paired(visits: Visits) -> Mapping[str, Column]:
    """Return glucose and insulin of the last draw that holds both, else as they were judged."""
    rows = visits.rows[visits.rows["marker"].isin(_PAIR) & (visits.rows["sample_id"] != "")]
    if rows.empty:
        return {}
    both = rows.groupby(["visit", "sample_id"])["marker"].transform("nunique") == len(_PAIR)
    pairs = rows[both].sort_values(["visit", "reading"], ascending=[True, False], kind="stable")
    latest = pairs.groupby("visit")["sample_id"].transform("last")
    chosen = pairs[pairs["sample_id"] == latest].drop_duplicates(["visit", "marker"], keep="last")
    columns = _columns(visits, chosen)
    return {marker: visits.column(marker).replaced_by(column) for marker, column in columns.items()}


def _ogtt_began_fasting(visits: Visits) -> BooleanArray:
    """Return whether the OGTT of a visit began fasting: its start says so, else its own rows."""
    during = [id for id in visits.rules.markers if "_ogtt_" in id]
    rows = visits.rows[visits.rows["marker"].isin(during)]
    starts = rows[rows["marker"].isin([id for id in during if id.endswith("_ogtt_0")])]
    others = rows[~rows["visit"].isin(starts["visit"])]
    fasting = pd.concat([starts, others]).groupby("visit")["fasting"].any()
    answer = fasting.reindex(range(len(visits)))
    return tristate(answer.fillna(False).to_numpy(bool), answer.notna().to_numpy())
