"""Middle floor. Compares visits of one person: does a marker change more than it varies by itself.

Reference change value, log-normal form: σ = √ln(1 + CVa² + CVi²); a fall is real beyond
e^(−2.77σ) − 1, a rise beyond e^(2.77σ) − 1. Source: specification, section 14; RICOS-2004.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from math import exp, log, sqrt
from typing import Any, Literal

import numpy as np

from pipeline.columns import Column, Visits, certain
from pipeline.model import Change
from pipeline.rules.formulas import COMPUTED
from pipeline.rules.loader import Marker

_FACTOR = 2.77  # √2 × 1.96
_INSULIN_BASED = ("homa_ir", "homa_b", "quicki", "mcauley")
_HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")
_HOW = ("lab", "method")


def reference_change(marker: Marker) -> tuple[float, float] | None:
    """Return the fall and the rise [%] beyond which a change is real; None where unknown."""
    if marker.cv_i is None or marker.cv_a is None:
        return None
    sigma = sqrt(log(1 + (marker.cv_a / 100) ** 2 + (marker.cv_i / 100) ** 2))
    return 100 * (exp(-_FACTOR * sigma) - 1), 100 * (exp(_FACTOR * sigma) - 1)


def compare_visits(visits: Visits) -> tuple[Change, ...]:
    """Return the changes of each marker, of visits of one person in order of date.

    Each visit is compared with the one before that has the marker, and with the first that has it.
    """
    changes: list[Change] = []
    for column in visits.columns.values():
        changes.extend(_changes(column, visits))
    return tuple(changes)


def _changes(column: Column, visits: Visits) -> Iterator[Change]:
    at = np.flatnonzero(column.known)
    for place, end in enumerate(at[1:], start=1):
        yield _change(column, visits, int(at[place - 1]), int(end), "previous")
        if place > 1:
            yield _change(column, visits, int(at[0]), int(end), "first")


def _change(
    column: Column,
    visits: Visits,
    start: int,
    end: int,
    against: Literal["previous", "first"],
) -> Change:
    reason = _why_not_comparable(column, visits, start, end)
    before, after = float(column.low[start]), float(column.low[end])
    percent = None if reason == "censored" or before <= 0 else 100 * (after - before) / before
    limits = reference_change(visits.rules.markers[column.marker])
    if limits is None:
        reason = reason or "no-variation-known"
    real = None
    if not reason and percent is not None and limits is not None:
        real = percent < limits[0] or percent > limits[1]
    dates = visits.table["date"]
    return Change(
        marker=column.marker,
        start=dates.iloc[start].date(),
        end=dates.iloc[end].date(),
        against=against,
        start_value=before,
        end_value=after,
        percent=None if percent is None else _to_a_tenth(percent),
        real=real,
        reason=reason,
    )


def _to_a_tenth(percent: float) -> float:
    """Return a percentage as case.json and every report state it: rounded once, half up."""
    return float(Decimal(repr(percent)).quantize(Decimal("0.1"), ROUND_HALF_UP))


def _why_not_comparable(column: Column, visits: Visits, start: int, end: int) -> str:
    if column.censored[start] or column.censored[end]:
        return "censored"
    if column.marker in _INSULIN_BASED and _on_hypoglycaemics(visits, start, end):
        return "medication"
    before, after = (_rows_behind(column, visits, at) for at in (start, end))
    if before.keys() != after.keys():  # computed at one visit, reported at the other
        return "different-method"
    asked = (*_HOW, "factor_known")
    pairs = [(visits.row(before[name], *asked), visits.row(after[name], *asked)) for name in before]
    if any(_measured_otherwise(*pair) for pair in pairs):
        return "different-method"
    if any(first["factor_known"] != second["factor_known"] for first, second in pairs):
        return "different-unit-factor"
    return ""


def _rows_behind(column: Column, visits: Visits, at: int) -> dict[str, int]:
    """Return the measured markers that a value rests on, each with the position of its row."""
    if column.row[at] >= 0:
        return {column.marker: int(column.row[at])}
    formula = COMPUTED.get(column.marker)
    if formula is None or not column.known[at]:
        return {}
    rows: dict[str, int] = {}
    for name in formula.analytes:
        rows |= _rows_behind(visits.input(name, same_draw=formula.same_draw), visits, at)
    return rows


def _measured_otherwise(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether laboratory or method differ; one that is not named differs from none."""
    return any(first[key] and second[key] and first[key] != second[key] for key in _HOW)


def _on_hypoglycaemics(visits: Visits, *at: int) -> bool:
    return any(certain(visits.yes(group))[list(at)].any() for group in _HYPOGLYCAEMIC)
