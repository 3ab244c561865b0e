"""Rules floor. How long a sensor read low: the longest run, and the events of hypoglycaemia."""

from dataclasses import dataclass

import numpy as np

from pipeline.model import Limit
from pipeline.rules.cgm.trace import Trace, Where, is_beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Readings that follow one another: the places of the first and the last of them."""

    first: int
    last: int
    minutes: int  # each reading stands for one step; whole, because clocks waver by seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LowEvent:
    """A hypoglycaemic event: the minutes of its first and last low reading, and its level.

    Level 1 is below 3.9 mmol/L (70 mg/dL), level 2 below 3.0 (54). Where readings are missing
    after it, when it ended is not known.
    """

    first: float
    last: float
    level: int


def longest_run(trace: Trace, readings: Where) -> int:
    """Return the minutes of the longest run of such readings, 0 where there is none."""
    return max((run.minutes for run in runs_of(trace, readings)), default=0)


def runs_of(trace: Trace, readings: Where) -> list[Run]:
    """Return the runs of such readings; one that is missing ends a run."""
    joined = readings & trace.follows
    joined[1:] &= readings[:-1]
    firsts = np.flatnonzero(readings & ~joined)
    lasts = np.flatnonzero(readings & ~np.append(joined[1:], False))
    return [_run(trace, *ends) for ends in zip(firsts.tolist(), lasts.tolist(), strict=True)]


def _run(trace: Trace, first: int, last: int) -> Run:
    exact = trace.minutes[last] - trace.minutes[first] + trace.step
    return Run(first=first, last=last, minutes=0 if np.isnan(exact) else round(exact))


def low_events(trace: Trace, low: Limit, very_low: Limit, event: Limit) -> tuple[LowEvent, ...]:
    """Return the events of hypoglycaemia, in order of time.

    One begins where readings are below ``low`` for as long as ``event``, and ends where they are
    not for as long, or where readings are missing for as long: what happened then is not known.
    Source: CGM-CONSENSUS-2019, specification-5; the 15 minutes of its end are unverified.
    """
    below = _lasting(trace, trace.beyond(low), event)
    severe = _lasting(trace, trace.beyond(very_low), event)
    ends = _ends(trace, low, event)
    together: dict[int, list[Run]] = {}
    for run in below:
        together.setdefault(_event_of(run, ends), []).append(run)
    levels = {_event_of(run, ends): 2 for run in severe}
    return tuple(
        LowEvent(
            first=float(trace.minutes[runs[0].first]),
            last=float(trace.minutes[runs[-1].last]),
            level=levels.get(number, 1),
        )
        for number, runs in together.items()
    )


def _lasting(trace: Trace, readings: Where, event: Limit) -> list[Run]:
    return [run for run in runs_of(trace, readings) if is_beyond(run.minutes, event)]


def _ends(trace: Trace, low: Limit, event: Limit) -> list[int]:
    """Return the places of the readings before which an event has ended."""
    risen = {run.first for run in _lasting(trace, ~trace.beyond(low), event)}
    unknown = {i for i, gap in enumerate(trace.missing.tolist()) if is_beyond(gap, event)}
    return sorted(risen | unknown)


def _event_of(run: Run, ends: list[int]) -> int:
    return int(np.searchsorted(ends, run.first, side="right"))
