"""Rules floor. How far glucose swings: the excursions that MAGE is the mean of.

Written anew from the published description. Source: FERNANDES-2022.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from pipeline.model import Limit
from pipeline.rules.cgm.trace import Floats, Trace

_SHORT, _LONG = 5, 32  # readings that each moving average takes


def excursions(trace: Trace, gap: Limit, *, more_than: float) -> Floats:
    """Return the heights of the swings between turning points that exceed ``more_than``.

    Upward and downward alike. What lies on either side of a ``gap`` is taken by itself, and tells
    nothing where it has fewer readings than the longer moving average.
    """
    parts = (part.glucose for part in trace.stretches(gap) if len(part) >= _LONG)
    swings = (list(_swings(_turning_points(glucose), more_than)) for glucose in parts)
    return np.concatenate([np.array([]), *(np.abs(np.diff(swing)) for swing in swings)])


def _turning_points(glucose: Floats) -> Iterator[float]:
    """Yield the highest or lowest reading, in turn, of each time between two crossings.

    An average lags behind, so a peak may lie before the crossing: it is sought from the last
    turning point onward.
    """
    above = _moving_average(glucose, _SHORT) > _moving_average(glucose, _LONG)
    crossings = np.flatnonzero(np.diff(above)) + 1
    since = 0
    for first, end in zip((0, *crossings), (*crossings, len(glucose)), strict=True):
        inside = glucose[since:end]
        since += int(inside.argmax() if above[first] else inside.argmin())
        yield float(glucose[since])


def _moving_average(glucose: Floats, count: int) -> Floats:
    """Return the mean of the last ``count`` readings; before there are so many, the first such."""
    means = np.convolve(glucose, np.ones(count) / count, mode="valid")
    return np.concatenate([np.full(count - 1, means[0]), means])


def _swings(turns: Iterable[float], more_than: float) -> Iterator[float]:
    """Yield the turning points between which glucose moves more than this, small moves skipped."""
    kept: list[float] = []
    lowest, highest = np.inf, -np.inf
    for turn in turns:
        lowest, highest = min(lowest, turn), max(highest, turn)
        if not kept and highest - lowest > more_than:
            kept = [highest, lowest] if turn == lowest else [lowest, highest]
        elif kept and (turn - kept[-1]) * (kept[-1] - kept[-2]) > 0:
            kept[-1] = turn
        elif kept and abs(turn - kept[-1]) > more_than:
            kept.append(turn)
    yield from kept
