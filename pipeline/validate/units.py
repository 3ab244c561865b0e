"""Middle floor. Recognises a value that is in another unit than it says."""

import pandas as pd

from pipeline.model import LimitSet
from pipeline.rules import Rules

_STATED = "unit-"  # how the id of a limit begins from where a unit is in doubt
_PLAUSIBLE = ("plausible_low", "plausible_high")
_USUAL = 2.0  # times the typical interval: where a value in its right unit may well lie
_LOWEST = 7.0  # times under the upper limit, where there is no lower one


def likely_unit(rows: pd.DataFrame, *, rules: Rules) -> pd.Series:
    """Return the unit that a value is more likely to be in than its own; "" where its own may be.

    That is so where the value cannot be while the same number in another unit of the marker could,
    or where it lies beyond a limit "unit-…" of ``limits.csv`` (from where it is seldom seen) while
    the same number in another unit is a usual one. No value is changed.
    """
    bounds = _bounds(rules)
    known = rows[(rows["unit_reading"] == "known") & rows["number"].notna()]
    told = known[["marker", "ucum", "factor", "number", "low", "high", *_PLAUSIBLE]]
    told = told.join(bounds, on="marker").assign(row=known.index)
    told["cannot_be"] = (told["high"] < told["plausible_low"]) | (
        told["low"] > told["plausible_high"]
    )
    told["beyond"] = (told["low"] > told["above"]) | (told["high"] < told["below"])
    odd = told[told[["cannot_be", "beyond"]].any(axis="columns")]
    return _usual_elsewhere(odd, rules).reindex(rows.index, fill_value="")


def _usual_elsewhere(odd: pd.DataFrame, rules: Rules) -> pd.Series:
    """Return by row the first other unit of the marker in which a number is a usual value."""
    units = rules.units[["marker", "unit", "factor", "offset"]]
    tried = odd.merge(units, on="marker", suffixes=("", "_other"))
    value = tried["number"] * tried["factor_other"] + tried["offset"]
    lowest = (tried["least"] / _USUAL).fillna(tried["most"] / _LOWEST)
    least = lowest.mask(tried["cannot_be"]).fillna(tried["plausible_low"])
    most = (tried["most"] * _USUAL).mask(tried["cannot_be"]).fillna(tried["plausible_high"])
    # By its name too: the factor of a row may be the laboratory's own, as that of insulin is.
    other = (tried["factor_other"] != tried["factor"]) & (tried["unit"] != tried["ucum"])
    fits = value.between(least, most) & other
    found = tried[fits].drop_duplicates("row")
    return found.set_index("row")["unit"]


def _bounds(rules: Rules) -> pd.DataFrame:
    """Return by marker the widest typical interval, and from where on its unit is in doubt."""
    edges: dict[str, dict[str, float]] = {name: {} for name in ("least", "most", "above", "below")}
    for limit in rules.limits:
        if limit.set == LimitSet.REFERENCE and limit.value > 0:
            name, choose = ("most", max) if limit.op.startswith(">") else ("least", min)
            known = edges[name].get(limit.marker, limit.value)
            edges[name][limit.marker] = choose(known, limit.value)
        elif limit.id.startswith(_STATED):
            edges["above" if limit.op.startswith(">") else "below"][limit.marker] = limit.value
    return pd.DataFrame(edges, dtype=float)
