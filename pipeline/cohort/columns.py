"""Cohort floor. What a review keeps of what was judged: visits, values and flags, as tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.cohort.groups import age_codes, sex_codes
from pipeline.cohort.origins import NOT_SAID, Origins
from pipeline.cohort.spans import (
    Moments,
    follow_ups,
    next_dates,
    next_judged,
    places_of_first,
)
from pipeline.columns import Column
from pipeline.interpret import Judged
from pipeline.rules import Rules
from pipeline.trend import reference_change

SETS = ("laboratory", "guideline", "functional")
SIGNS = ("", "<", ">")  # by their codes
_EXACT, _BELOW, _ABOVE = range(3)
SHIFTS = ("not_judged", "within", "down", "up")  # by theirs
_NOT_JUDGED, _WITHIN, _DOWN, _UP = range(4)
_AT_ONCE = 8
TABLES = {
    "visit": "(chunk INTEGER, person INTEGER, case_id VARCHAR, date DATE, next DATE, first DATE,"
    " month INTEGER, age INTEGER, sex TINYINT, ages TINYINT, phase VARCHAR, first_phase VARCHAR)",
    "value": "(chunk INTEGER, person INTEGER, marker SMALLINT, date DATE, next DATE, again DATE,"
    " value DOUBLE, sign TINYINT, laboratory TINYINT, guideline TINYINT, functional TINYINT,"
    " sex TINYINT, ages TINYINT, of_window TINYINT, nearer DATE, v0 DOUBLE, shift TINYINT)",
    "flag": "(chunk INTEGER, person INTEGER, date DATE, flag VARCHAR)",
}


def scored_columns(judged: Judged) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name of a table of ``TABLES`` and some of its rows, without ``chunk``.

    ``person``: the place among the people of the chunk. ``marker``: that in the rules. Of "<0.3"
    the value is 0.3, and the ``sign`` a code of ``SIGNS``. Bands are the codes of ``score.BANDS``.
    ``next``, ``again`` and ``nearer`` are the dates of what takes the place of a row, ``NEVER``
    where nothing does: as the last one, as the last judged one, and as the one nearest to the
    follow-up that ``of_window`` names (months, 0 for none). ``v0`` is the first value, ``shift``
    how the value differs from it (``SHIFTS``).
    """
    moments = _moments(judged)
    yield "visit", _visits(judged, moments)
    known = {name: one for name, one in judged.visits.columns.items() if one.known.any()}
    origins = [Origins(judged.visits, name) for name in ("lab", "method")]
    people = {
        "sex": sex_codes(judged.visits.table["sex"]),
        "ages": age_codes(judged.visits.table["age"]),
    }
    places = marker_places(judged.visits.rules)
    for name in sorted(known, key=places.__getitem__):
        at = np.flatnonzero(known[name].known)
        values = _values(judged, known[name], at, moments=moments, origins=origins)
        groups = {by: codes[at] for by, codes in people.items()}
        yield "value", values.assign(marker=np.int16(places[name]), **groups)
    for flag in dict.fromkeys(row.flag for row in judged.visits.rules.flags):  # a row a branch
        at = np.flatnonzero(judged.flags.raised(flag))
        yield (
            "flag",
            pd.DataFrame({"person": moments.person[at], "date": moments.date[at], "flag": flag}),
        )


def marker_places(rules: Rules) -> dict[str, int]:
    """Return the code of each marker: its place in the rules."""
    return {name: place for place, name in enumerate(rules.markers)}


def some_markers(rules: Rules) -> Iterator[tuple[int, int]]:
    """Yield the first and the last code of a few markers at a time, until all were among them.

    Quantiles hold all values that they are of in memory: of all markers at once they would fill it.
    """
    last = len(rules.markers) - 1
    for first in range(0, last + 1, _AT_ONCE):
        yield first, min(first + _AT_ONCE - 1, last)


def _moments(judged: Judged) -> Moments:
    table, first = judged.visits.table, judged.visits.first_of_person
    person = judged.visits.per_person(np.arange(len(first), dtype=np.int32))
    dates = table["date"].to_numpy("datetime64[s]")
    return Moments(person=person, date=dates, month=table["month"].to_numpy(np.int32))


def _visits(judged: Judged, moments: Moments) -> pd.DataFrame:
    table = judged.visits.table
    phases = {row.rule: row.phase for row in judged.visits.rules.phases}
    phase = np.array([phases.get(rule, "") for rule in judged.phases.rule], dtype=object)
    first = places_of_first(moments.person)
    return pd.DataFrame(
        {
            "person": moments.person,
            "case_id": table["case_id"].astype(str),
            "date": moments.date,
            "next": next_dates(moments),
            "first": moments.date[first],
            "month": moments.month,
            "age": pd.array(table["age"], dtype="Int32"),
            "sex": sex_codes(table["sex"]),
            "ages": age_codes(table["age"]),
            "phase": phase,
            "first_phase": phase[first],
        }
    )


def _values(
    judged: Judged,
    column: Column,
    at: np.ndarray[Any, Any],
    *,
    moments: Moments,
    origins: list[Origins],
) -> pd.DataFrame:
    """Return the values of one marker, at the visits where there is one."""
    bands = {name: getattr(judged.scores, name)[column.marker][at] for name in SETS}
    own = moments.at(at)
    value, sign = _said(column.low[at], column.high[at])
    first = places_of_first(own.person)
    alike = (sign == _EXACT) & (sign[first] == _EXACT)
    for origin in origins:
        alike &= _alike(origin.of(column)[at], first)
    window, nearer = follow_ups(own)
    return pd.DataFrame(
        {
            "person": own.person,
            "date": own.date,
            "next": next_dates(own),
            "again": next_judged(own, bands["guideline"]),
            "value": value,
            "sign": sign,
            **bands,
            "of_window": window,
            "nearer": nearer,
            "v0": value[first],
            "shift": _shifts(judged, column.marker, value, value[first], alike),
        }
    )


def _said(low: Any, high: Any) -> tuple[Any, Any]:
    """Return the number of each value (of "<0.3" 0.3), and the code of its sign."""
    above, exact = np.isposinf(high), low == high
    sign = np.select([exact, above], [_EXACT, _ABOVE], _BELOW).astype(np.int8)
    # an open end of an interval stands one ulp inside
    return np.where(exact, low, np.round(np.where(above, low, high), 12)), sign


def _alike(codes: np.ndarray[Any, Any], first: np.ndarray[Any, Any]) -> Any:
    """Return where nothing says that a value was measured otherwise than the first."""
    before = codes[first]
    return (codes == before) | (codes == NOT_SAID) | (before == NOT_SAID)


def _shifts(judged: Judged, marker: str, value: Any, before: Any, alike: Any) -> Any:
    """Return the codes of ``SHIFTS``: how each value differs from the first, beyond chance or not.

    That is by the reference change value of the marker; it is not judged where there is none, nor
    of values that cannot be compared.
    """
    limits = reference_change(judged.visits.rules.markers[marker])
    if limits is None:
        return np.full(len(value), _NOT_JUDGED, dtype=np.int8)
    fall, rise = limits
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = 100 * (value - before) / before
    judged_so = [~alike | (before <= 0), percent < fall, percent > rise]
    return np.select(judged_so, [_NOT_JUDGED, _DOWN, _UP], _WITHIN).astype(np.int8)
