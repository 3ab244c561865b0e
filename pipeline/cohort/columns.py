"""Cohort floor. What a review keeps of what was judged: visits, values and flags, as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits
from pipeline.interpret import Judged
from pipeline.rules.formulas import COMPUTED

_BELOW, _ABOVE, _EXACT = 1, 2, 0
_SIGNS = pd.Index(["", "<", ">"], dtype=str)


def scored_columns(judged: Judged) -> Mapping[str, pd.DataFrame]:
    """Return the tables ``visit``, ``value`` and ``flag``; ``visit`` in all is the place of one.

    ``value``: one a marker and visit, by the last result; of "<0.3" the value is 0.3. The bands are
    the codes of ``score.BANDS``. ``lab`` and ``method`` are those of the rows it rests on.
    """
    visits = judged.visits
    known = {marker: one for marker, one in visits.columns.items() if one.known.any()}
    values = [_values(judged, marker, column) for marker, column in known.items()]
    names = dict.fromkeys(row.flag for row in visits.rules.flags)  # a row a branch
    flags = [_flags(judged, name) for name in names]
    return {
        "visit": _visits(judged),
        "value": pd.concat(values, ignore_index=True) if values else _no_values(),
        "flag": pd.concat(flags, ignore_index=True),
    }


def _visits(judged: Judged) -> pd.DataFrame:
    table = judged.visits.table
    phases = {row.rule: row.phase for row in judged.visits.rules.phases}
    return pd.DataFrame(
        {
            "visit": np.arange(len(table), dtype=np.int32),
            "case_id": table["case_id"].astype(str),
            "date": table["date"],
            "number": table.groupby("case_id", observed=True).cumcount().astype(np.int32) + 1,
            "month": table["month"].astype(np.int32),
            "age": pd.array(table["age"], dtype="Int32"),
            "sex": table["sex"],
            "phase": [phases.get(rule, "") for rule in judged.phases.rule],
        }
    )


def _values(judged: Judged, marker: str, column: Column) -> pd.DataFrame:
    at = np.flatnonzero(column.known)
    sign, value = _said(column.low[at], column.high[at])
    bands = {
        name: getattr(judged.scores, name)[marker][at]
        for name in ("laboratory", "guideline", "functional")
    }
    lab, method = (_how(judged.visits, column, name)[at] for name in ("lab", "method"))
    return pd.DataFrame(
        {
            "visit": at.astype(np.int32),
            "marker": pd.Categorical.from_codes(np.zeros(len(at), dtype=np.int8), [marker]),
            "value": value,
            "comparator": pd.Categorical.from_codes(sign, _SIGNS),
            **bands,
            "lab": lab,
            "method": method,
        }
    )


def _said(low: Any, high: Any) -> tuple[Any, Any]:
    """Return how each value was said (the code of a sign) and its number: of "<0.3" 0.3."""
    above, exact = np.isposinf(high), low == high
    sign = np.select([exact, above], [_EXACT, _ABOVE], _BELOW).astype(np.int8)
    ends = np.where(above, low, high)
    # an open end of an interval stands one ulp inside
    stated = np.where(exact, low, np.round(ends, 12))
    return sign, stated


def _how(visits: Visits, column: Column, name: str) -> np.ndarray[Any, Any]:
    """Return the laboratory, or the method, that each value rests on; of several all of them."""
    words = visits.rows[name].astype(str).to_numpy(object)
    own = _word_at(column, words)
    formula = COMPUTED.get(column.marker)
    if formula is None:
        return own
    inputs = [visits.input(one, same_draw=formula.same_draw) for one in formula.analytes]
    joined = _joined([_word_at(one, words) for one in inputs])
    return np.where(column.row >= 0, own, joined)


def _word_at(column: Column, words: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not len(words):
        return np.full(len(column.row), "", dtype=object)
    return np.where(column.row >= 0, words[column.row], "")


def _joined(words: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return the different words of each place, between " + "; few differ."""
    if not words:
        return np.array("", dtype=object)
    frame = pd.DataFrame(dict(enumerate(words)))
    unique = frame.drop_duplicates()
    told = [" + ".join(dict.fromkeys(filter(None, row))) for row in unique.to_numpy()]
    merged = frame.merge(unique.assign(told=told), how="left", on=list(frame.columns))
    return merged["told"].to_numpy(object)


def _flags(judged: Judged, flag: str) -> pd.DataFrame:
    at = np.flatnonzero(judged.flags.raised(flag))
    return pd.DataFrame({"visit": at.astype(np.int32), "flag": flag})


def _no_values() -> pd.DataFrame:
    names = ("visit", "marker", "value", "comparator", "laboratory", "guideline", "functional")
    return pd.DataFrame({name: [] for name in (*names, "lab", "method")})
