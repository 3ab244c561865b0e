"""Order floor. The safety flags of one visit, of one case over time, and those that are open."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, certain, ruled_out
from pipeline.flags import inputs_of, question_arises, unknown_inputs
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import decimals_at, rows_of
from pipeline.interpret.printed import as_said
from pipeline.model import Evidence, Flag, FlagHistory, NotAssessable, OpenFlag, Urgency
from pipeline.rules.loader import FlagBranch

_SEVERITY = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE, Urgency.BANNER)
_MADE_DIABETES_RANGE = (
    ("glucose_fasting", "g3-fpg"),
    ("glucose_ogtt_120", "g3-2h"),
    ("hba1c", "g3-hba1c"),
    ("glucose_random", "g3-random"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One case judged by its accepted rows, and as if what is set aside in doubt were right."""

    judged: Judged
    doubtful: Judged


def flags_at(pair: Pair, at: int) -> tuple[Flag, ...]:
    """Return the flags that one visit raises, the most urgent first.

    What only the doubtful values raise, or raise more urgently, is marked ``if_correct``.
    """
    own = _raised(pair.judged, at)
    flags = [_flag(pair.judged, held, at) for held in own.values()]
    for id, held in _raised(pair.doubtful, at).items():
        if id not in own or _worst(held) < _worst(own[id]):
            flags.append(_flag(pair.doubtful, held, at, if_correct=True))
    return tuple(sorted(flags, key=lambda flag: (_SEVERITY.index(flag.urgency), flag.id)))


def not_assessable_at(judged: Judged, at: int) -> tuple[NotAssessable, ...]:
    """Return the flags with a branch whose question arose at one visit, but lacks an input."""
    found: dict[str, list[FlagBranch]] = {}
    diabetes_range = judged.phases.classes.diabetes_range
    for row in _branches(judged):
        unknown = judged.flags.branches[row.flag, row.branch].isna()[at]
        if unknown and question_arises(row, judged.visits, at, diabetes_range):
            found.setdefault(row.flag, []).append(row)
    raised = _raised(judged, at)
    return tuple(
        _not_assessable(judged, rows, at, raised=id in raised) for id, rows in found.items()
    )


def _not_assessable(
    judged: Judged, rows: list[FlagBranch], at: int, *, raised: bool
) -> NotAssessable:
    visits = judged.visits
    missing = (name for row in rows for name in unknown_inputs(row, visits, at))
    inputs = (name for row in rows for name in _markers_of(row, judged))
    bounded = (name for name in inputs if visits.column(name).censored[at])
    return NotAssessable(
        id=rows[0].flag,
        branches=tuple(row.branch for row in rows),
        missing=tuple(dict.fromkeys(missing)),
        bounded=tuple(dict.fromkeys(bounded)),
        raised=raised,
    )


def _markers_of(row: FlagBranch, judged: Judged) -> list[str]:
    """Return the markers that a branch looks at, those of the diabetes range included."""
    rules = judged.visits.rules
    names = inputs_of(row, rules)
    through = [m for m, _ in _MADE_DIABETES_RANGE] if "diabetes_range" in names else []
    return [*(name for name in names if name in rules.markers), *through]


def _branches(judged: Judged) -> list[FlagBranch]:
    return [row for row in judged.visits.rules.flags if row.kind == "branch"]


def _raised(judged: Judged, at: int) -> dict[str, list[FlagBranch]]:
    """Return the branches that hold at one visit, by flag."""
    held: dict[str, list[FlagBranch]] = {}
    for row in _branches(judged):
        if certain(judged.flags.branches[row.flag, row.branch])[at]:
            held.setdefault(row.flag, []).append(row)
    return held


def _worst(held: list[FlagBranch]) -> int:
    return min(_SEVERITY.index(row.urgency) for row in held if row.urgency is not None)


def _flag(judged: Judged, held: list[FlagBranch], at: int, *, if_correct: bool = False) -> Flag:
    """Return a flag by those of its branches that are given."""
    id = held[0].flag
    found = [one for row in held for one in _evidence(judged, row, at)]
    names = tuple(dict.fromkeys(name for _, name in found))
    measured = [(visits, name) for visits, name in found if name in visits.rules.markers]
    values = (_value(judged, visits.column(name), at) for visits, name in measured)
    rows = (row for visits, name in found for row in rows_of(visits, name, at))
    return Flag(
        id=id,
        urgency=_SEVERITY[_worst(held)],
        open=any(_is_open(judged, row, at) for row in held),
        branches=tuple(row.branch for row in held),
        variants=tuple(
            variant
            for (flag, variant), answer in judged.flags.variants.items()
            if flag == id and certain(answer)[at]
        ),
        evidence=names,
        rows=tuple(dict.fromkeys(rows)),
        values=tuple(dict.fromkeys(values)),
        if_correct=if_correct,
    )


def _evidence(judged: Judged, row: FlagBranch, at: int) -> Iterator[tuple[Visits, str]]:
    """Yield the markers with a value and the facts that are so, of a branch that holds.

    Each with the reading of the visit by which it holds.
    """
    visits = judged.readings[int(judged.flags.fired[row.flag, row.branch][at])]
    for name in inputs_of(row, visits.rules):
        if name == "diabetes_range":
            yield from _diabetes_evidence(judged, at)
        elif _holds(visits, name, at):
            yield visits, name


def _diabetes_evidence(judged: Judged, at: int) -> Iterator[tuple[Visits, str]]:
    for reading in judged.readings:
        for marker, limit in _MADE_DIABETES_RANGE:
            if certain(reading.column(marker).beyond(limit))[at]:
                yield reading, marker


def _holds(visits: Visits, name: str, at: int) -> bool:
    if name in visits.rules.markers:
        return bool(visits.column(name).known[at])
    stated = visits.stated.get(name)
    return isinstance(stated, BooleanArray) and bool(certain(stated)[at])


def _value(judged: Judged, column: Column, at: int) -> Evidence:
    value, comparator = as_said(float(column.low[at]), float(column.high[at]))
    return Evidence(
        marker=column.marker,
        value=value,
        comparator=comparator,
        unit=column.rules.markers[column.marker].unit,
        decimals=decimals_at(judged, column, at),
    )


# Open or resolved.


def open_flags(pair: Pair) -> tuple[OpenFlag, ...]:
    """Return what is open as of the report's date, the most urgent first.

    A branch is open where it held when its inputs were last known, whatever another branch of the
    same flag did since; each tells of the visit that raised it last.
    """
    if not len(pair.judged.visits):
        return ()
    bases: dict[str, list[tuple[dt.date, Flag]]] = {}
    for id, at, judged, held in _open_branches(pair):
        flag = _flag(judged, held, at, if_correct=judged is not pair.judged)
        bases.setdefault(id, []).append((_date(judged, at), flag))
    found = [_open_flag(id, flags) for id, flags in bases.items()]
    return tuple(sorted(found, key=lambda one: (_SEVERITY.index(one.urgency), one.id)))


def _open_flag(id: str, bases: list[tuple[dt.date, Flag]]) -> OpenFlag:
    return OpenFlag(
        id=id,
        urgency=min((flag.urgency for _, flag in bases), key=_SEVERITY.index),
        if_correct=all(flag.if_correct for _, flag in bases),
        bases=tuple(sorted(bases, key=lambda basis: basis[0], reverse=True)),
    )


def _open_branches(pair: Pair) -> Iterator[tuple[str, int, Judged, list[FlagBranch]]]:
    """Yield the open branches of each flag together by the visit that raised them last."""
    found: dict[tuple[str, int, bool], list[FlagBranch]] = {}
    for row in _branches(pair.judged):
        for judged in (pair.judged, pair.doubtful):
            if _is_open(judged, row, -1):
                at = int(np.flatnonzero(_certain(judged, row))[-1])
                found.setdefault((row.flag, at, judged is pair.judged), []).append(row)
                break
    for (id, at, own), held in found.items():
        yield id, at, pair.judged if own else pair.doubtful, held


def _certain(judged: Judged, row: FlagBranch) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return certain(judged.flags.branches[row.flag, row.branch])


def _is_open(judged: Judged, row: FlagBranch, at: int) -> bool:
    return bool(judged.flags.open[row.flag, row.branch][at])


def _date(judged: Judged, at: int) -> dt.date:
    date: dt.date = judged.visits.table["date"].iloc[at].date()
    return date


def flag_histories(judged: Judged) -> tuple[FlagHistory, ...]:
    """Return each flag that was ever raised in this case, and whether it still is."""
    rows: dict[str, list[FlagBranch]] = {}
    for row in _branches(judged):
        if _certain(judged, row).any():
            rows.setdefault(row.flag, []).append(row)
    return tuple(_history(judged, id, held) for id, held in rows.items())


def _history(judged: Judged, id: str, held: list[FlagBranch]) -> FlagHistory:
    """Return the history of a flag, of which the branches ``held`` held at some visit."""
    at = np.flatnonzero(np.any([_certain(judged, row) for row in held], axis=0))
    still = [row for row in held if _is_open(judged, row, -1)]
    return FlagHistory(
        id=id,
        urgency=_SEVERITY[_worst(still or held)],
        raised=tuple(_date(judged, int(place)) for place in at),
        open=bool(still),
        resolved=None if still else max(_closed_on(judged, row) for row in held),
    )


def _closed_on(judged: Judged, row: FlagBranch) -> dt.date:
    """Return the first visit, after a branch held last, at which it was known not to hold."""
    last = np.flatnonzero(_certain(judged, row))[-1]
    later = np.flatnonzero(ruled_out(judged.flags.settled[row.flag, row.branch]))
    return _date(judged, int(later[later > last][0]))
