"""Order floor. What weakens a conclusion: the phase of a visit, or a flag that it raised.

A reservation is about the results that a conclusion rests on, never about the visit as a whole. It
takes nothing from a flag or from its urgency: it is told beside it.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pipeline.columns.given import parameters_of
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import rows_of
from pipeline.interpret.safety import Pair
from pipeline.interpret.weakness import PHASE, REASONS, Conclusion, Markers
from pipeline.model import Change, Reservation, Visit
from pipeline.phase import PHASE_FUNCTIONS

_GLUCOSE = ("glucose_fasting", "glucose_ogtt_120", "hba1c")
_RANDOM = "glucose_random"  # gives a class only in the diabetes range
_INSULIN = ("homa_ir", "insulin_fasting")
_OGTT = ("matsuda", "insulin_ogtt_120")  # only of an OGTT that began fasting


def with_reservations(
    pair: Pair, visits: tuple[Visit, ...], *, changes: Iterable[Change], as_of: dt.date
) -> tuple[Visit, ...]:
    """Return the visits of one case, each with what weakens its phase and its flags.

    The age of a result counts where the conclusion is told as current on ``as_of``: the phase of
    the last visit, and a flag that is still open. Within a visit no result is older than 14 days.
    """
    otherwise = _measured_otherwise(changes)
    told = []
    for at, visit in enumerate(visits):
        found = _conclusions(pair, visit, at, last=at == len(visits) - 1)
        here = otherwise.get(visit.date, frozenset())
        conclusions = [replace(one, as_of=as_of, changed=here) for one in found]
        reservations = dict.fromkeys(each for one in conclusions for each in _weakened(one))
        told.append(replace(visit, reservations=tuple(reservations)))
    return tuple(told)


def _measured_otherwise(changes: Iterable[Change]) -> Mapping[dt.date, Markers]:
    """Return, by visit, the markers whose laboratory or method differs from the visit before."""
    found: dict[dt.date, Markers] = {}
    for change in changes:
        if change.against == "previous" and change.reason == "different-method":
            found[change.end] = found.get(change.end, frozenset()) | {change.marker}
    return found


def _weakened(conclusion: Conclusion) -> Iterator[Reservation]:
    """Yield each reason that holds for one of the results, with the results it holds for."""
    for word, holds in REASONS.items():
        found = holds(conclusion)
        if found.any():
            rows = conclusion.rows[found]
            yield Reservation(
                word=word,
                weakens=conclusion.weakens,
                markers=tuple(dict.fromkeys(map(str, rows["marker"]))),
                rows=tuple(dict.fromkeys(map(str, rows["row"]))),
                days=conclusion.oldest(rows) if word == "aged" else None,
            )


# What was concluded, and on which results.


def _conclusions(pair: Pair, visit: Visit, at: int, *, last: bool) -> Iterator[Conclusion]:
    if visit.phase.confidence is not None:  # else it says that something could not be concluded
        rows = _rows_of_phase(pair.judged, visit, at)
        yield replace(_conclusion(pair.judged, at, PHASE, rows), is_current=last)
    for flag in visit.flags:
        judged = pair.doubtful if flag.if_correct else pair.judged
        yield replace(_conclusion(judged, at, flag.id, flag.rows), is_current=flag.open)


def _conclusion(judged: Judged, at: int, weakens: str, ids: Iterable[str]) -> Conclusion:
    """Return a conclusion with its results in the order of the catalogue, not of the file."""
    rows = judged.visits.rows
    own = rows[rows["row"].isin(list(ids)) & (rows["visit"] == at) & ~rows["from_ogtt"]]
    own = own.sort_values(["marker", "collected_at", "row"])
    return Conclusion(weakens=weakens, judged=judged, at=at, rows=own)


def _rows_of_phase(judged: Judged, visit: Visit, at: int) -> tuple[str, ...]:
    """Return the results behind the classes that the deciding rule asks for."""
    asked = parameters_of(PHASE_FUNCTIONS[visit.phase.rule])
    gone = {marker for marker, _ in visit.phase.excluded}
    names: list[str] = []
    if "g" in asked:
        names += [*_GLUCOSE, *([_RANDOM] if visit.phase.g_class == "G3" else [])]
    if "i" in asked and visit.phase.i_class != "I?":
        names += [
            *_INSULIN,
            *(_OGTT if judged.visits.yes("ogtt_began_fasting")[at] is True else ()),
        ]
    known = [name for name in names if judged.visits.column(name).known[at] and name not in gone]
    found = (rows_of(judged.visits, name, at, same_draw=name in _INSULIN) for name in known)
    return tuple(dict.fromkeys(row for rows in found for row in rows))
