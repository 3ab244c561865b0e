"""Order floor. A value as it is printed: an interval with its sign, and with how many decimals."""

from collections.abc import Set
from decimal import ROUND_HALF_UP, Decimal

import numpy as np


def as_said(low: float, high: float) -> tuple[float, str | None]:
    """Return an interval as it is printed: a number, or a limit with its sign."""
    if low == high:
        return low, None
    if np.isinf(high):
        return _nearest_number(low), ">" if low != _nearest_number(low) else ">="
    return _nearest_number(high), "<" if high != _nearest_number(high) else "<="


def _nearest_number(value: float) -> float:
    """Return the number that stands a hair beside an open end."""
    return float(f"{value:.12g}")


def decimals_of(value: float, decimals: int, printed: str, edges: Set[float]) -> int:
    """Return how many decimals to print: the marker's, those ``printed``, and more at an edge."""
    if value == _plain_number(printed):
        decimals = max(decimals, _printed_decimals(printed))
    while decimals < 6 and float(_rounded(value, decimals)) in edges - {value}:
        decimals += 1
    return decimals


def _rounded(value: float, decimals: int) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _plain_number(text: str) -> float | None:
    digits = text.lstrip("<>=≤≥ ").replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _printed_decimals(text: str) -> int:
    digits = text.strip().replace(",", ".")
    return len(digits.partition(".")[2]) if "." in digits else 0
