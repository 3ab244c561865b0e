"""Middle floor. Two descriptions of insulin during an OGTT. Specification, section 4."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.columns import Column, Visits, certain
from pipeline.criteria.classified import Classified, Definition, Where, first_that_holds
from pipeline.criteria.questions import on_any

_HAYASHI = ("insulin_ogtt_0", "insulin_ogtt_30", "insulin_ogtt_60", "insulin_ogtt_120")
_KRAFT = (*_HAYASHI, "insulin_ogtt_180")
_NOTES = ("not-fasting", "insulin-therapy", "censored")
OGTT_PATTERN = Definition(
    id="ogtt_pattern",
    source="HAYASHI-2013",
    results=("P1", "P2", "P3", "P4", "P5", "unclassified"),
    inputs={"": _HAYASHI},
    beside=("insulin",),
    notes=_NOTES,
)
OGTT_KRAFT = Definition(
    id="ogtt_kraft",
    source="UNVERIFIED",
    results=("I", "IIA", "IIB", "IIIA", "IIIB", "IV", "V", "unclassified"),
    inputs={"": _KRAFT},
    beside=("insulin",),
    notes=_NOTES,
    limits=("kraft-low", "kraft-fasting-high", "kraft-sum-iia", "kraft-sum-iib"),
)
_Numbers = np.ndarray[Any, np.dtype[np.float64]]


def ogtt_pattern(readings: Sequence[Visits]) -> Classified:
    """Return the insulin pattern by Hayashi (2013), P1 to P5: when insulin is highest.

    Needs insulin at 0, 30, 60 and 120 minutes of an OGTT (75 g) that began fasting; of equal values
    the earliest is the peak. Where that is the start, the pattern is not described. Not where
    insulin is injected, or is known by a bound only.
    """
    visits = readings[0]
    values, usable = _values(visits, _HAYASHI)
    _, at_30, at_60, at_120 = values
    peak = _peak(values)
    return Classified(
        definition=OGTT_PATTERN,
        result=first_that_holds(
            ("", ~usable),
            ("P1", (peak == 1) & (at_60 > at_120)),
            ("P2", peak == 1),
            ("P3", peak == 2),
            ("P4", (peak == 3) & (at_30 < at_60)),
            ("P5", peak == 3),
            ("unclassified", usable),
        ),
        notes=_notes(visits, _HAYASHI),
    )


def ogtt_kraft(readings: Sequence[Visits]) -> Classified:
    """Return the insulin pattern by Kraft, I to V, or "unclassified": secondary, and unverified.

    Needs insulin at 0, 30, 60, 120 and 180 minutes of an OGTT that began fasting; the original is
    of 100 g. The first that holds of V (all low), IV (fasting high), IIIB (peak at 180), IIIA (peak
    at 120), and, with a low fasting value and an early peak, IIB, IIA and I by the sum at 120 and
    180 minutes.
    """
    visits = readings[0]
    values, usable = _values(visits, _KRAFT)
    columns = [visits.column(name) for name in _KRAFT]
    peak = _peak(values)
    early = np.isin(peak, (1, 2)) & _is(columns[0], "kraft-low")
    sum_late = columns[0].with_values("insulin_sum_120_180", values[3] + values[4])
    return Classified(
        definition=OGTT_KRAFT,
        result=first_that_holds(
            ("", ~usable),
            ("V", np.all([_is(column, "kraft-low") for column in columns], axis=0)),
            ("IV", _is(columns[0], "kraft-fasting-high")),
            ("IIIB", peak == 4),
            ("IIIA", peak == 3),
            ("IIB", early & _is(sum_late, "kraft-sum-iib")),
            ("IIA", early & _is(sum_late, "kraft-sum-iia")),
            ("I", early),
            ("unclassified", usable),
        ),
        notes=_notes(visits, _KRAFT),
    )


def _values(visits: Visits, names: Sequence[str]) -> tuple[_Numbers, Where]:
    """Return the values of each sample, and where all of them can be used."""
    columns = [visits.column(name) for name in names]
    exact = np.all([column.known & ~column.censored for column in columns], axis=0)
    began_fasting = certain(visits.yes("ogtt_began_fasting"))
    usable = exact & began_fasting & ~on_any(visits, ("insulin",))
    return np.array([column.low for column in columns]), usable


def _peak(values: _Numbers) -> np.ndarray[Any, Any]:
    """Return the position of the first sample that no other exceeds."""
    return np.argmax(np.nan_to_num(values, nan=-np.inf), axis=0)


def _is(column: Column, limit: str) -> Where:
    return certain(column.beyond(limit))


def _notes(visits: Visits, names: Sequence[str]) -> dict[str, Where]:
    columns = [visits.column(name) for name in names]
    complete = np.all([column.known for column in columns], axis=0)
    return {
        "not-fasting": complete & ~certain(visits.yes("ogtt_began_fasting")),
        "insulin-therapy": complete & on_any(visits, ("insulin",)),
        "censored": complete & np.any([column.censored for column in columns], axis=0),
    }
