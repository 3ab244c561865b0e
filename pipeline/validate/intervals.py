"""Middle floor. Judges the interval that is printed beside a value: its numbers and its unit."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pipeline.model import Limit, LimitSet
from pipeline.rules import Rules

_EDGES = ("ref_low", "ref_high")
_Judge = Callable[[pd.Series, pd.Series, pd.Series], pd.Series]
# How often an edge may lie above or below that of the fallback interval. Laboratories differ by
# less than twice; two units of which one can be told from the other differ by more than thrice.
_FITS, _FAR = 2.0, 3.0


def interval_reading(rows: pd.DataFrame, *, rules: Rules) -> pd.DataFrame:
    """Return ``interval``, "", "unreadable" or "conflicts", of what is printed with each row.

    Unreadable: an edge is written, but is no number, or has a sign that no such edge has.
    Conflicts: the interval lies far outside the fallback interval in the unit of the row, and fits
    it in ``interval_unit``, another unit of the marker (else ""): value and interval are not in one
    unit, or the unit is wrong.
    """
    words = pd.Series("", index=rows.index, dtype=object)
    unread = [(rows[f"{edge}_reading"] != "missing") & rows[edge].isna() for edge in _EDGES]
    words[(rows["unit_reading"] == "known") & np.logical_or(*unread)] = "unreadable"
    fallback = fallback_intervals(rules)
    far = rows[_agree(rows, fallback, _is_far)]
    fitting = _unit_that_fits(far, fallback, rules=rules)
    words[fitting.index] = "conflicts"
    units = fitting.reindex(rows.index, fill_value="")
    return pd.DataFrame({"interval": words, "interval_unit": units})


def fallback_intervals(rules: Rules) -> pd.DataFrame:
    """Return, by marker, the lowest and the highest of each edge, whatever the sex and age.

    The columns are ``ref_low_min``, ``ref_low_max``, ``ref_high_min`` and ``ref_high_max``.
    """
    limits = [
        (limit.marker, _edge(limit), limit.value)
        for limit in rules.limits
        if limit.set == LimitSet.REFERENCE and limit.value > 0
    ]
    edges = pd.DataFrame(limits, columns=["marker", "edge", "value"])
    table = edges.groupby(["marker", "edge"])["value"].agg(["min", "max"]).unstack()
    return table.set_axis([f"{edge}_{end}" for end, edge in table.columns], axis="columns")


def _edge(limit: Limit) -> str:
    return "ref_high" if limit.op.startswith(">") else "ref_low"


def _agree(rows: pd.DataFrame, fallback: pd.DataFrame, judge: _Judge) -> pd.Series:
    """Return where ``judge`` holds of every edge that can be compared, and of one at least.

    An edge of zero is as good as none.
    """
    holds, compared = pd.Series(True, index=rows.index), pd.Series(False, index=rows.index)
    for edge in _EDGES:
        own = rows[edge].where(rows[edge] > 0)
        least, most = (rows["marker"].map(fallback[f"{edge}_{end}"]) for end in ("min", "max"))
        known = own.notna() & least.notna()
        holds &= judge(own, least, most) | ~known
        compared |= known
    return holds & compared


def _is_far(own: pd.Series, least: pd.Series, most: pd.Series) -> pd.Series:
    return (own < least / _FAR) | (own > most * _FAR)


def _fits(own: pd.Series, least: pd.Series, most: pd.Series) -> pd.Series:
    return own.between(least / _FITS, most * _FITS)


def _unit_that_fits(rows: pd.DataFrame, fallback: pd.DataFrame, *, rules: Rules) -> pd.Series:
    """Return, by row, the first unit of the marker in which the printed numbers fit the fallback.

    A row of which they fit in none is left out.
    """
    units = rules.units[["marker", "unit", "factor", "offset"]].rename(columns={"unit": "fitting"})
    printed = rows[["marker", *(f"{edge}_number" for edge in _EDGES)]].assign(row=rows.index)
    tried = printed.merge(units, on="marker")
    in_unit = {edge: tried[f"{edge}_number"] * tried["factor"] + tried["offset"] for edge in _EDGES}
    fits = _agree(tried.assign(**in_unit), fallback, _fits)
    return tried[fits].drop_duplicates("row").set_index("row")["fitting"]
