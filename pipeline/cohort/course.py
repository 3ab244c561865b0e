"""Cohort floor. One period against others: the last, the same a year ago, and a run of them."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from pipeline.cohort.columns import marker_places
from pipeline.cohort.counts import Key, Mark, Table
from pipeline.cohort.gate import TOTAL, Gate, told, told_share
from pipeline.cohort.period import Period
from pipeline.rules import Rules
from pipeline.score.bands import HIGH, LOW
from pipeline.store.opening import Connection

PERIODS_OF_A_RUN = 8
_LEAST_BEFORE = 4  # periods, before it is said what is chance
_SIGMAS = 3  # of a p-chart; Shewhart 1931


def course_of(
    connection: Connection,
    period: Period,
    now: Sequence[Mapping[str, Any]],
    rules: Rules,
    gate: Gate,
) -> dict[str, Any]:
    """Return how a period stands beside earlier ones: shares beyond the guideline, and findings.

    A share has moved by more than chance where it lies outside three standard deviations of the
    mean of the periods before, of which there must be four; other causes than treatment stay open.
    ``now`` is what is told of the markers of the period itself: it is not told otherwise here.
    """
    run = [period.earlier(back) for back in reversed(range(PERIODS_OF_A_RUN))]
    counted = _shares(connection, sorted({*run[:-1], period.a_year_ago}), list(rules.markers))
    judged = {one["marker"]: _point_of(one, period) for one in now if one["guideline"]}
    told_now = {one["marker"]: one for one in now}
    return {
        "periods": [one.name for one in run],
        "previous": period.earlier(1).name,
        "a_year_ago": period.a_year_ago.name,
        "people": {one.name: _people(counted[one], one, gate) for one in sorted(counted)},
        "markers": [
            _marker(marker, run, period.a_year_ago, counted, gate, now=point)
            for marker, point in judged.items()
        ],
        "findings": _findings(connection, period, rules, told_now, gate),
    }


Counts = Mapping[str, tuple[int, int]]  # marker -> people with a value, and beyond the guideline


def _shares(
    connection: Connection, periods: Sequence[Period], names: Sequence[str]
) -> Mapping[Period, Counts]:
    """Return of each period and marker with a guideline how many have it, and how many beyond."""
    _find_days(connection, periods)
    last = "JOIN of_day USING (date) WHERE next > last"
    people = connection.execute(
        f"SELECT period, count(*) FROM scored.visit {last} GROUP BY period"
    ).fetchall()
    rows = connection.execute(
        "SELECT period, marker, count(*), count(*) FILTER (guideline IN"
        f" ({LOW}, {HIGH})) FROM scored.value {last} AND guideline <> 0 GROUP BY ALL"
    ).fetchall()
    found: dict[Period, dict[str, tuple[int, int]]] = {one: {TOTAL: (0, 0)} for one in periods}
    for place, count in people:
        found[periods[place]][TOTAL] = (int(count), 0)
    for place, marker, n, above in rows:
        found[periods[place]][names[marker]] = (int(n), int(above))
    return found


def _find_days(connection: Connection, periods: Sequence[Period]) -> None:
    """Make the table ``of_day``: each day of these periods, with the last of its period."""
    periods_told = ", ".join(
        f"({place}, DATE '{one.start}', DATE '{one.end}')" for place, one in enumerate(periods)
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE of_day AS SELECT period, last,"
        " unnest(range(first, last + INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS date"
        f" FROM (VALUES {periods_told}) AS t(period, first, last)"
    )


def _people(counts: Counts, period: Period, gate: Gate) -> int | str:
    shown = gate.list(f"{period.name}/people", {"seen": counts[TOTAL][0]})
    return told(shown[("seen",)])


def _marker(
    marker: str,
    run: Sequence[Period],
    a_year_ago: Period,
    counted: Mapping[Period, Counts],
    gate: Gate,
    *,
    now: Mapping[str, Any],
) -> dict[str, Any]:
    points = {one.name: _point(marker, one, counted[one], gate) for one in sorted(counted)}
    told_run = [*(points[one.name] for one in run[:-1]), now]
    limits = _limits(told_run[:-1], told_run[-1])
    return {
        "marker": marker,
        "run": told_run,
        "a_year_ago": points[a_year_ago.name],
        "limits": limits,
        "moved": _moved(told_run[-1], limits),
    }


def _point(marker: str, period: Period, counts: Counts, gate: Gate) -> dict[str, Any]:
    n, beyond = counts.get(marker, (0, 0))
    shown = gate.list(f"{period.name}/{marker}/beyond", {"beyond": beyond, "not": n - beyond})
    return {
        "period": period.name,
        "n": told(shown[(TOTAL,)]),
        "beyond": told(shown[("beyond",)]),
        "share": told_share(shown[("beyond",)], shown[(TOTAL,)]),
    }


def _point_of(told_now: Mapping[str, Any], period: Period) -> dict[str, Any]:
    """Return the point of the period itself, as its table tells it."""
    beyond = told_now["guideline"]["beyond"]
    return {
        "period": period.name,
        "n": told_now["n"],
        "beyond": beyond["n"],
        "share": beyond["share"],
    }


def _limits(before: Sequence[Mapping[str, Any]], now: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the mean of the shares before and where chance ends; None where too few are told."""
    known = [one for one in before if one["share"] is not None]
    if len(known) < _LEAST_BEFORE or not isinstance(now["n"], int) or not now["n"]:
        return None
    people = sum(one["n"] for one in known)
    mean = sum(one["beyond"] for one in known) / people
    room = _SIGMAS * sqrt(mean * (1 - mean) / now["n"])
    return {
        "mean": round(mean, 3),
        "low": round(max(0.0, mean - room), 3),
        "high": round(min(1.0, mean + room), 3),
    }


def _moved(now: Mapping[str, Any], limits: Mapping[str, float] | None) -> str | None:
    """Return "up", "down" or "no"; None where it cannot be said."""
    if limits is None or now["share"] is None:
        return None
    if now["share"] > limits["high"]:
        return "up"
    return "down" if now["share"] < limits["low"] else "no"


def _findings(
    connection: Connection,
    period: Period,
    rules: Rules,
    now: Mapping[str, Mapping[str, Any]],
    gate: Gate,
) -> list[dict[str, Any]]:
    """Return of the people seen in a period and before it which findings came, went and stayed."""
    return [
        _finding(marker, _courses(connection, place, period), now[marker], gate)
        for marker, place in marker_places(rules).items()
        if marker in now and now[marker]["guideline"]
    ]


def _courses(connection: Connection, marker: int, period: Period) -> tuple[int, ...]:
    """Return the counts of ``_COURSES`` of one marker."""
    beyond = f"guideline IN ({LOW}, {HIGH})"
    (found,) = connection.execute(
        f"WITH before AS (SELECT person, {beyond} AS was FROM scored.value"
        f" WHERE marker = {marker} AND guideline <> 0 AND date < DATE '{period.start}'"
        f" AND again >= DATE '{period.start}'),"
        f" both_ends AS (SELECT {beyond} AS beyond, was FROM now_value LEFT JOIN before"
        f" USING (person) WHERE marker = {marker} AND guideline <> 0)"
        " SELECT count(*) FILTER (beyond AND NOT was), count(*) FILTER (NOT beyond AND was),"
        " count(*) FILTER (beyond AND was), count(*) FILTER (NOT beyond AND NOT was),"
        " count(*) FILTER (beyond AND was IS NULL), count(*) FILTER (NOT beyond AND was IS NULL)"
        " FROM both_ends"
    ).fetchall()
    return tuple(map(int, found))


_COURSES = ("new", "resolved", "persisting", "neither", "first_beyond", "first_not")


def _finding(
    marker: str, counts: Sequence[int], now: Mapping[str, Any], gate: Gate
) -> dict[str, Any]:
    """Return the courses of one finding; who has no earlier value is counted, and not told."""
    atoms: dict[Key, int] = {(name,): n for name, n in zip(_COURSES, counts, strict=True)}
    cells: dict[Key, frozenset[Key]] = {(name,): frozenset([(name,)]) for name in _COURSES[:3]}
    cells[("again",)] = frozenset((name,) for name in _COURSES[:4])
    cells[("beyond",)] = frozenset([("new",), ("persisting",), ("first_beyond",)])
    beyond = now["guideline"]["beyond"]["n"]
    if not isinstance(beyond, int):
        return {"marker": marker, **dict.fromkeys((*_COURSES[:3], "again"), Mark.WITHHELD.value)}
    shown = gate.counts(f"findings/{marker}", Table(atoms=atoms, cells=cells), known=[("beyond",)])
    return {"marker": marker} | {
        key[0]: told(one) for key, one in shown.shown.items() if key != ("beyond",)
    }
