"""Cohort floor. Whether people change: the same people at their baseline and afterwards."""

from collections.abc import Mapping
from typing import Any

from pipeline.cohort.columns import SHIFTS, some_markers
from pipeline.cohort.counts import Key, Table
from pipeline.cohort.gate import TOTAL, Gate, told, told_share
from pipeline.cohort.period import Period
from pipeline.cohort.seen import last_until
from pipeline.cohort.spans import NO_WINDOW, WINDOWS
from pipeline.rules import Rules
from pipeline.store.opening import Connection, records


def changes_until(
    connection: Connection, period: Period, rules: Rules, gate: Gate
) -> dict[str, Any]:
    """Return paired changes from the first value of each marker to each follow-up, until a period.

    A change counts beyond the reference change value of the marker; of a pair that was measured
    otherwise, or where one is known only as a limit, it is not judged.
    """
    find_pairs(connection, period)
    return {
        "windows": [
            {"window": name, "from": first, "to": last} for name, (first, last) in WINDOWS.items()
        ],
        "followed": _followed(connection, period, gate),
        "markers": _markers(connection, rules, gate),
        "phases": _transitions(connection, period, rules, gate),
    }


def find_pairs(connection: Connection, period: Period) -> None:
    """Make ``pair``: of each person, marker and window both values, and how they differ."""
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW pair AS SELECT marker, of_window, value, v0, shift,"
        " 100 * (value - v0) / nullif(v0, 0) AS percent FROM scored.value"
        f" WHERE of_window <> {NO_WINDOW} AND {last_until(period, following='nearer')}"
    )


def _markers(connection: Connection, rules: Rules, gate: Gate) -> list[dict[str, Any]]:
    """Return of each marker and window the pairs, the change, and how many changed for real."""
    names = list(rules.markers)
    found = {
        (names[row["marker"]], str(row["of_window"])): row
        for first, last in some_markers(rules)
        for row in records(connection, _changes(first, last))
    }
    return [
        _one(marker, window, found[marker, window], gate)
        for marker in names
        for window in WINDOWS
        if (marker, window) in found
    ]


def _changes(first: int, last: int) -> str:
    """Return the SQL of the changes of some markers."""
    measures = {"change": "value - v0", "percent": "percent", "before": "v0", "after": "value"}
    quartiles = ", ".join(
        f"quantile_cont({one}, [0.25, 0.5, 0.75]) AS {name}" for name, one in measures.items()
    )
    shifts = ", ".join(
        f"count(*) FILTER (shift = {code}) AS {name}" for code, name in enumerate(SHIFTS)
    )
    return (
        f"SELECT marker, of_window, count(*) AS n, {quartiles}, {shifts} FROM pair"
        f" WHERE marker BETWEEN {first} AND {last} GROUP BY marker, of_window"
    )


def _one(marker: str, window: str, row: Mapping[str, Any], gate: Gate) -> dict[str, Any]:
    """Return one marker after one window.

    How many did not change is not told: it follows, but for the few who did.
    """
    name, n = f"change/{marker}/{window}", int(row["n"])
    atoms: dict[Key, int] = {(one,): int(row[one]) for one in ("down", "up", "within")}
    cells: dict[Key, frozenset[Key]] = {(one,): frozenset([(one,)]) for one in ("down", "up")}
    cells[(TOTAL,)] = frozenset(atoms)
    shown = gate.counts(name, Table(atoms=atoms, cells=cells))
    aside = gate.list(f"{name}/not_judged", {"not_judged": int(row["not_judged"])})
    kept = {key: gate.quantiles(n, row[key]) for key in ("before", "after", "change", "percent")}
    return {
        "marker": marker,
        "window": window,
        "judged": told(shown[(TOTAL,)]),
        "not_judged": told(aside[("not_judged",)]),
        **{key: None if values is None else list(values) for key, values in kept.items()},
        **{
            one: {
                "n": told(shown[(one,)]),
                "share": told_share(shown[(one,)], shown[(TOTAL,)]),
            }
            for one in ("down", "up")
        },
    }


def _followed(connection: Connection, period: Period, gate: Gate) -> list[dict[str, Any]]:
    """Return of each window how many people could have come back by now, and how many did."""
    found = []
    for name, (first, last) in WINDOWS.items():
        (row,) = connection.execute(
            "WITH back AS (SELECT first, bool_or(month BETWEEN $from AND $until) AS came"
            " FROM scored.visit WHERE date <= $end GROUP BY person, first)"
            " SELECT count(*) FILTER (came), count(*) FILTER (NOT came) FROM back"
            " WHERE first + to_months($until) <= $end",
            {"from": first, "until": last, "end": period.end},
        ).fetchall()
        shown = gate.list(f"followed/{name}", {"came": int(row[0]), "not": int(row[1])})
        came, eligible = shown[("came",)], shown[(TOTAL,)]
        found.append(
            {
                "window": name,
                "eligible": told(eligible),
                "came": told(came),
                "share": told_share(came, eligible),
            }
        )
    return found


def _transitions(
    connection: Connection, period: Period, rules: Rules, gate: Gate
) -> dict[str, Any]:
    """Return how many people went from each phase at their first visit to each at their last."""
    rows = connection.execute(
        "SELECT first_phase, phase, count(*) FROM scored.visit"
        f" WHERE month >= {WINDOWS['3'][0]} AND {last_until(period)} GROUP BY ALL"
    ).fetchall()
    found = {(str(a), str(b)): int(count) for a, b, count in rows}
    there = {name for pair in found for name in pair}
    names = [name for name in dict.fromkeys(row.phase for row in rules.phases) if name in there]
    atoms: dict[Key, int] = {(a, b): found.get((a, b), 0) for a in names for b in names}
    if not atoms:
        return {"phases": [], "counts": {}}
    cells: dict[Key, frozenset[Key]] = {key: frozenset([key]) for key in atoms}
    for name in names:
        cells[(name, TOTAL)] = frozenset(key for key in atoms if key[0] == name)
        cells[(TOTAL, name)] = frozenset(key for key in atoms if key[1] == name)
    cells[(TOTAL, TOTAL)] = frozenset(atoms)
    shown = gate.counts("transitions", Table(atoms=atoms, cells=cells))
    return {
        "phases": names,
        "counts": {"/".join(key): told(one) for key, one in shown.shown.items()},
    }
