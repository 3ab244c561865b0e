"""Column and language floor. Yes, no and unknown at every visit, and how numbers are rounded."""

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

Floats = np.ndarray[Any, np.dtype[np.float64]]
Where = np.ndarray[Any, np.dtype[np.bool_]]
with np.errstate(over="ignore"):
    _POWERS = 10.0 ** np.arange(340.0)  # up to those that the smallest float asks for


def tristate(yes: Any, known: Any) -> BooleanArray:
    """Return ``yes`` where ``known``, and unknown elsewhere."""
    yes, unknown = np.asarray(yes, dtype=bool), ~np.asarray(known, dtype=bool)
    if unknown.shape != yes.shape:
        unknown = np.broadcast_to(unknown, yes.shape).copy()
    return BooleanArray(yes, unknown)


def certain(answer: BooleanArray) -> Where:
    """Return where ``answer`` is yes; unknown counts as no."""
    # to_numpy(na_value=False) says the same, sixty times slower: this is asked of every limit
    return answer._data & ~answer._mask


def ruled_out(answer: BooleanArray) -> Where:
    """Return where ``answer`` is no; unknown does not count."""
    return certain(~answer)


def any_of(answers: Sequence[BooleanArray]) -> BooleanArray:
    """Return the Kleene or of all ``answers`` (at least one)."""
    return reduce(or_, answers)


def first_known(first: BooleanArray, second: BooleanArray, use_first: Where) -> BooleanArray:
    """Return the answer ``first`` where it is to be used, else ``second``."""
    yes = (use_first & certain(first)) | (~use_first & certain(second))
    known = (use_first & ~first.isna()) | (~use_first & ~second.isna())
    return tristate(yes, known)


def compare(low: Floats, high: Floats, op: str, limit: Any) -> BooleanArray:
    """Return whether all of an interval lies beyond ``limit``; unknown where a part does."""
    if op == ">":
        yes, no = low > limit, high <= limit
    elif op == ">=":
        yes, no = low >= limit, high < limit
    elif op == "<":
        yes, no = high < limit, low >= limit
    else:
        yes, no = high <= limit, low > limit
    return BooleanArray(yes, ~(yes | no))


@lru_cache(maxsize=64)
def nothing(count: int) -> Floats:
    """Return ``count`` times NaN, in the room of one; it cannot be written to."""
    return np.broadcast_to(np.nan, count)


@lru_cache(maxsize=64)
def nowhere(count: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return ``count`` times -1, no sample and no row, in the room of one; not to be written to."""
    return np.broadcast_to(np.int32(-1), count)


@lru_cache(maxsize=64)
def unknown(count: int) -> BooleanArray:
    """Return ``count`` times unknown, in the room of one; it cannot be written to."""
    return BooleanArray(np.broadcast_to(np.False_, count), np.broadcast_to(np.True_, count))


def is_nothing(values: Floats) -> bool:
    """Return whether no value is known."""
    if values.strides == (0,):  # as ``nothing`` makes them: one look is enough
        return bool(np.isnan(values[:1]).all())
    return bool(np.isnan(values).all())


def same_values(one: Floats, other: Floats) -> bool:
    """Return whether two columns hold the same numbers, and none at the same visits."""
    return one is other or np.array_equal(one, other, equal_nan=True)


def round_significant(values: Floats, digits: int = 6) -> Floats:
    """Return ``values`` rounded half up, away from zero, to ``digits`` significant digits.

    A product that float arithmetic left a hair below the half counts as the half.
    """
    size = np.abs(values)
    usual = np.isfinite(size) & (size > 0)
    exponent = np.floor(np.log10(np.where(usual, size, 1.0))).astype(int)
    up = _POWERS[np.maximum(digits - 1 - exponent, 0)]
    down = _POWERS[np.maximum(exponent - digits + 1, 0)]
    rounded = np.floor(size * up / down * (1 + 1e-12) + 0.5) / up * down
    return np.where(usual, np.copysign(rounded, values), values)
