"""Cohort floor. How the values of a marker are spread, in bars of enough people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, floor
from typing import Any

from pipeline.cohort.columns import marker_places
from pipeline.cohort.gate import Gate
from pipeline.rules import Rules
from pipeline.store.opening import Connection

_BINS = 24


def histograms(
    connection: Connection, markers: Iterable[Mapping[str, Any]], rules: Rules, gate: Gate
) -> dict[str, Any]:
    """Return of each marker the edges of bins and how many people each holds.

    Every bin holds as many as may be told; what lies outside is joined to the bin beside it, so
    that no single person is seen, and neither the least nor the greatest value. Bins add up to n:
    there are none where ``markers`` (see ``markers_of_period``) do not tell it.
    """
    names = [str(one["marker"]) for one in markers if isinstance(one["n"], int)]
    steps = {name: 10.0 ** -rules.markers[name].decimals for name in names}
    places = marker_places(rules)
    found = ((name, _histogram(connection, places[name], gate, step=steps[name])) for name in names)
    return {name: bins for name, bins in found if bins is not None}


def _histogram(
    connection: Connection, marker: int, gate: Gate, *, step: float
) -> dict[str, Any] | None:
    """Return the bins of one marker; ``step`` is that of its printed numbers."""
    (found,) = connection.execute(
        "SELECT count(*), quantile_cont(value, [0.02, 0.98]) FROM now_value"
        f" WHERE marker = {marker}"
    ).fetchall()
    n, ends = int(found[0]), found[1]
    if n < 4 * gate.limit or ends[1] <= ends[0]:
        return None
    # a bar holds as many printed numbers as any other: else whole numbers look like a comb
    width = step * ceil((ends[1] - ends[0]) / _BINS / step)
    start = (floor(ends[0] / step) - 0.5) * step
    rows = connection.execute(
        "SELECT least(greatest(floor((value - $low) / $width), 0), $last)::INTEGER AS bin,"
        f" count(*) FROM now_value WHERE marker = {marker} GROUP BY bin",
        {"low": start, "width": width, "last": _BINS - 1},
    ).fetchall()
    counts = dict(rows)
    edges = [start + width * place for place in range(_BINS + 1)]
    merged = list(_merged([counts.get(place, 0) for place in range(_BINS)], edges, gate.limit))
    return {
        "edges": [round(start, 6) for start, _, _ in merged] + [round(merged[-1][1], 6)],
        "counts": [count for _, _, count in merged],
    }


def _merged(
    counts: Sequence[int], edges: Sequence[float], limit: int
) -> Iterator[tuple[float, float, int]]:
    """Yield bins of at least ``limit`` people: start, end and count."""
    kept: list[tuple[float, float, int]] = []
    start, sum_of = edges[0], 0
    for place, count in enumerate(counts):
        sum_of += count
        if sum_of >= limit:
            kept.append((start, edges[place + 1], sum_of))
            start, sum_of = edges[place + 1], 0
    if sum_of and kept:
        first, _, count = kept.pop()
        kept.append((first, edges[-1], count + sum_of))
    yield from kept
