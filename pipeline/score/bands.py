"""Middle floor. The band of each value of one marker against the limits of each set."""

from dataclasses import replace
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, certain
from pipeline.model import Band, Limit, LimitSet

# A band as a code, so that a million visits fit in bytes.
BANDS = (None, Band.WITHIN, Band.LOW, Band.HIGH, Band.UNDETERMINED)
_UNIT_UNSTATED = "tg-hdl-molar-functional"  # the seed's 1.5
NONE, WITHIN, LOW, HIGH, UNDETERMINED = range(5)
Codes = np.ndarray[Any, np.dtype[np.int8]]
Where = np.ndarray[Any, np.dtype[np.bool_]]


def score_column(column: Column, *, oestrogen: Where) -> dict[str, Codes]:
    """Return the codes of each set, and where a value counts as outside, of one marker.

    ``oestrogen``: where the value is raised by it, and is held against limits that allow for that.
    """
    rules, marker = column.rules, column.marker
    laboratory = _laboratory(_with_oestrogen_interval(column, oestrogen))
    guideline = _band_codes(column, rules.all_limits_of(marker, LimitSet.GUIDELINE))
    judged = np.where(laboratory == NONE, guideline, laboratory)
    return {
        "laboratory": laboratory,
        "guideline": guideline,
        "functional": functional_codes(column),
        "critical": _expected(_only_beyond(column, LimitSet.CRITICAL), oestrogen),
        "refer": _expected(_only_beyond(column, LimitSet.REFER), oestrogen),
        "counts": _on_judged_side(judged, rules.markers[marker].direction),
    }


def _band_codes(column: Column, limits: tuple[Limit, ...]) -> Codes:
    """Return the band of each value against ``limits``; none where none of them holds."""
    low, high = (_beyond_side(column, limits, side) for side in (Band.LOW, Band.HIGH))
    return _codes(low, high, judged=column.known & _covered(column, limits))


def _beyond_side(column: Column, limits: tuple[Limit, ...], side: Band) -> BooleanArray:
    """Return whether a value lies beyond a limit on ``side``: no, where there is none."""
    on_side = tuple(limit for limit in limits if limit.side == side)
    answer = column.beyond_any(on_side)
    return BooleanArray(certain(answer), answer.isna() & _covered(column, on_side))


def _covered(column: Column, limits: tuple[Limit, ...]) -> np.ndarray[Any, Any]:
    covered = [column.people.covered_by(limit) for limit in limits]
    return np.any(covered, axis=0) if covered else np.zeros(len(column.low), dtype=bool)


def _codes(low: BooleanArray, high: BooleanArray, *, judged: Any) -> Codes:
    """Return the code of each judged value: high before low, and both before what is unknown."""
    above = certain(high)
    below = certain(low) & ~above
    open_ = (low.isna() | high.isna()) & ~above & ~below
    codes = np.full(len(above), WITHIN, dtype=np.int8)
    for code, where in ((HIGH, above), (LOW, below), (UNDETERMINED, open_)):
        codes += where * np.int8(code - WITHIN)
    return codes * judged


def _laboratory(column: Column) -> Codes:
    """Return the band of what was measured against the laboratory's own, else the fallback."""
    if column.rules.markers[column.marker].kind != "measured":
        return np.zeros(len(column.low), dtype=np.int8)
    reported = column.known & (column.row >= 0)
    return _codes(column.lowered(), column.raised(), judged=reported & column.has_interval)


def _with_oestrogen_interval(column: Column, oestrogen: Where) -> Column:
    """Return cortisol with the interval that holds on oestrogen, where the laboratory has none.

    Oestrogen raises what binds cortisol, and so the total that is measured. Source: S9.
    """
    if not oestrogen.any():
        return column
    (low,) = column.rules.limits_named("cortisol-oestrogen-low")
    (high,) = column.rules.limits_named("cortisol-oestrogen-high")
    return replace(
        column,
        ref_low=np.where(oestrogen & np.isnan(column.ref_low), low.value, column.ref_low),
        ref_high=np.where(oestrogen & np.isnan(column.ref_high), high.value, column.ref_high),
    )


def _expected(codes: Codes, oestrogen: Where) -> Codes:
    """Return ``codes`` without the high ones on oestrogen: those limits are for who is not."""
    return np.where(oestrogen & (codes == HIGH), NONE, codes).astype(np.int8)


def functional_codes(column: Column) -> Codes:
    """Return the band against the practice's target; a ratio in the unit zone is undetermined."""
    limits = column.rules.all_limits_of(column.marker, LimitSet.FUNCTIONAL)
    codes = _band_codes(column, limits)
    if column.marker != "tg_hdl_molar":
        return codes
    return np.where(in_unit_zone(column), UNDETERMINED, codes).astype(np.int8)


def in_unit_zone(column: Column) -> np.ndarray[Any, Any]:
    """Return where 1.5 is exceeded only if the ratio is reckoned in mg/dL. Source: section 3.8.

    A practice that says in which unit it reckons leaves no zone.
    """
    targets = column.rules.all_limits_of(column.marker, LimitSet.FUNCTIONAL)
    if _UNIT_UNSTATED not in [limit.id for limit in targets]:
        return np.zeros(len(column.low), dtype=bool)
    return certain(column.beyond("tg-hdl-zone")) & ~certain(column.beyond("tg-hdl-raised"))


def _only_beyond(column: Column, set: LimitSet) -> Codes:
    codes = _band_codes(column, column.rules.all_limits_of(column.marker, set))
    return np.where((codes == LOW) | (codes == HIGH), codes, NONE).astype(np.int8)


def _on_judged_side(codes: Codes, direction: str) -> np.ndarray[Any, Any]:
    sides = {"high_bad": (HIGH,), "low_bad": (LOW,), "both": (LOW, HIGH)}
    return np.isin(codes, sides[direction])
