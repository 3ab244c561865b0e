"""Floor 6. The safety flags of one visit, and of one case over time."""

import datetime as dt

from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain, ruled_out
from pipeline.flags import inputs_of, unknown_inputs
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import rows_of
from pipeline.model import Flag, FlagHistory, NotAssessable, Urgency
from pipeline.rules.loader import FlagBranch

_SEVERITY = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE, Urgency.BANNER)


def flags_at(judged: Judged, doubtful: Judged | None, at: int) -> tuple[Flag, ...]:
    """Return the flags that one visit raises, the most urgent first.

    ``doubtful`` is the case judged with the values that were set aside as implausible: what only
    it raises, or raises more urgently, is marked ``if_correct``.
    """
    own = _raised(judged, at)
    flags = [_flag(judged, held, at) for held in own.values()]
    if doubtful is not None:
        place = _same_visit(judged, doubtful, at)
        for id, held in _raised(doubtful, place).items():
            if id not in own or _worst(held) < _worst(own[id]):
                flags.append(_flag(doubtful, held, place, if_correct=True))
    return tuple(sorted(flags, key=lambda flag: (_SEVERITY.index(flag.urgency), flag.id)))


def not_assessable_at(judged: Judged, at: int) -> tuple[NotAssessable, ...]:
    """Return the flags with a branch whose question arose at one visit, but lacks an input."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for row in _branches(judged):
        if not judged.flags.branches[row.flag, row.branch].isna()[at]:
            continue
        g = str(judged.phases.classes.g[at])
        missing, arises = unknown_inputs(row, judged.visits, at, g=g)
        if arises:
            branches, inputs = found.setdefault(row.flag, ([], []))
            branches.append(row.branch)
            inputs.extend(missing)
    return tuple(
        NotAssessable(id=id, branches=tuple(branches), missing=tuple(dict.fromkeys(inputs)))
        for id, (branches, inputs) in found.items()
    )


def flag_histories(judged: Judged) -> tuple[FlagHistory, ...]:
    """Return each flag that was ever raised in this case, and whether it still is."""
    histories = (
        _history(judged, id) for id in dict.fromkeys(row.flag for row in _branches(judged))
    )
    return tuple(history for history in histories if history is not None)


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
    id = held[0].flag
    evidence = tuple(dict.fromkeys(name for row in held for name in _evidence(judged, row, at)))
    rows = (row for name in evidence for row in rows_of(judged, name, at))
    return Flag(
        id=id,
        urgency=_SEVERITY[_worst(held)],
        open=_is_open(judged, id, at),
        branches=tuple(row.branch for row in held),
        variants=tuple(
            variant
            for (flag, variant), answer in judged.flags.variants.items()
            if flag == id and certain(answer)[at]
        ),
        evidence=evidence,
        rows=tuple(dict.fromkeys(rows)),
        if_correct=if_correct,
    )


def _evidence(judged: Judged, row: FlagBranch, at: int) -> list[str]:
    """Return the markers that have a value and the facts that are so, of a branch that holds."""
    visits, names = judged.visits, inputs_of(row, judged.visits.rules)
    return [name for name in names if _holds(visits, name, at)]


def _holds(visits: Visits, name: str, at: int) -> bool:
    if name in visits.rules.markers:
        return bool(visits.column(name).known[at])
    stated = visits.stated.get(name)
    return isinstance(stated, BooleanArray) and bool(certain(stated)[at])


def _is_open(judged: Judged, id: str, at: int) -> bool:
    return any(bool(where[at]) for (flag, _), where in judged.flags.open.items() if flag == id)


def _same_visit(judged: Judged, other: Judged, at: int) -> int:
    """Return the visit of ``other`` nearest in time to the visit ``at`` of ``judged``."""
    date = judged.visits.table["date"].iloc[at]
    return int((other.visits.table["date"] - date).abs().to_numpy().argmin())


def _history(judged: Judged, id: str) -> FlagHistory | None:
    at = judged.flags.raised(id).nonzero()[0]
    if not len(at):
        return None
    dates = [date.date() for date in judged.visits.table["date"]]
    last = int(at[-1])
    is_open = _is_open(judged, id, last)
    return FlagHistory(
        id=id,
        urgency=_SEVERITY[_worst(_raised(judged, last)[id])],
        raised=tuple(dates[int(place)] for place in at),
        open=is_open,
        resolved=None if is_open else _resolved_on(judged, id, last, dates),
    )


def _resolved_on(judged: Judged, id: str, last: int, dates: list[dt.date]) -> dt.date | None:
    """Return the first later visit at which every branch that held was known not to hold."""
    held = [judged.flags.settled[id, row.branch] for row in _raised(judged, last)[id]]
    for place in range(last + 1, len(dates)):
        if all(ruled_out(answer)[last + 1 : place + 1].any() for answer in held):
            return dates[place]
    return None
