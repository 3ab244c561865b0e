"""Middle floor. Recognises a value that is in another unit than it says."""

import numpy as np
import pandas as pd

from pipeline.model import LimitSet
from pipeline.rules import Rules

_FAR = 5.0  # times the typical interval: farther than an illness that is seen once in a practice
_USUAL = 2.0  # times the typical interval: where a value in its right unit may well lie
_APART = 10.0  # units nearer to each other than this are told apart only by what cannot be


def likely_unit(rows: pd.DataFrame, *, rules: Rules) -> pd.Series:
    """Return the unit that a value is more likely to be in than its own; "" where its own may be.

    That is so where the value cannot be, or lies far outside the typical interval, while the same
    number in another unit of the marker could well be. ``unit-MARKER`` in ``limits.csv`` states
    from where a marker is in doubt of which the units lie near each other. No value is changed.
    """
    bounds = _bounds(rules)
    known = rows[(rows["unit_reading"] == "known") & rows["number"].notna()]
    told = known[["marker", "number", "low", "high", "factor", "plausible_low", "plausible_high"]]
    told = told.join(bounds, on="marker").assign(row=known.index)
    told["cannot_be"] = (told["high"] < told["plausible_low"]) | (
        told["low"] > told["plausible_high"]
    )
    told["far"] = (told["low"] > told["most"] * _FAR) | (told["high"] < told["least"] / _FAR)
    told["beyond"] = told["low"] > told["stated"]
    odd = told[told[["cannot_be", "far", "beyond"]].any(axis="columns")]
    return _usual_elsewhere(odd, rules).reindex(rows.index, fill_value="")


def _usual_elsewhere(odd: pd.DataFrame, rules: Rules) -> pd.Series:
    """Return by row the first other unit of the marker in which a number is a usual value."""
    units = rules.units[["marker", "unit", "factor", "offset"]]
    tried = odd.merge(units, on="marker", suffixes=("", "_other"))
    value = tried["number"] * tried["factor_other"] + tried["offset"]
    least = (tried["least"] / _USUAL).mask(tried["cannot_be"]).fillna(tried["plausible_low"])
    most = (tried["most"] * _USUAL).mask(tried["cannot_be"]).fillna(tried["plausible_high"])
    ratio = np.abs(np.log(tried["factor_other"] / tried["factor"]))
    apart = (ratio >= np.log(_APART)) | tried["cannot_be"] | tried["beyond"]
    fits = value.between(least, most) & (ratio > 0) & apart
    found = tried[fits].drop_duplicates("row")
    return found.set_index("row")["unit"]


def _bounds(rules: Rules) -> pd.DataFrame:
    """Return by marker the widest typical interval, and from where on its unit is in doubt."""
    edges: dict[str, dict[str, float]] = {name: {} for name in ("least", "most", "stated")}
    for limit in rules.limits:
        if limit.set == LimitSet.REFERENCE and limit.value > 0:
            name, choose = ("most", max) if limit.op.startswith(">") else ("least", min)
            known = edges[name].get(limit.marker, limit.value)
            edges[name][limit.marker] = choose(known, limit.value)
        elif limit.id == f"unit-{limit.marker}":
            edges["stated"][limit.marker] = limit.value
    return pd.DataFrame(edges, dtype=float)
