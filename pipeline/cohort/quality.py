"""Cohort floor. Whether the data is good: of rows and runs, where the rest is of people."""

from typing import Any

from pipeline.cohort.period import Period
from pipeline.store.opening import Connection

_UNIT = ("unit-unknown", "unit-missing", "unit-likely", "unit-column", "unit-doubtful")


def quality_of(connection: Connection, period: Period) -> dict[str, Any]:
    """Return the rows of a period by laboratory and reason, how late they came, and each run."""
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW period_row AS SELECT *, coalesce(lab, '') AS laboratory,"
        " reasons = '' AND repetition = '' AS accepted FROM store.result WHERE replaced IS NULL"
        f" AND day BETWEEN DATE '{period.start}' AND DATE '{period.end}'"
    )
    return {
        "laboratories": _laboratories(connection),
        "reasons": _reasons(connection),
        "methods": _methods(connection),
        "runs": _runs(connection),
    }


def _laboratories(connection: Connection) -> list[dict[str, Any]]:
    """Return of each laboratory its rows, those set aside, unit trouble, and the days until a run.

    "" are the rows that name none.
    """
    unit = " OR ".join(f"list_contains(string_split(reasons, ';'), '{one}')" for one in _UNIT)
    rows = connection.execute(
        "SELECT laboratory, count(*), count(*) FILTER (NOT accepted),"
        f" count(*) FILTER ({unit}), median(run.as_of - day)"
        " FROM period_row JOIN store.file AS file ON file.id = period_row.file"
        " JOIN store.run AS run ON run.id = file.run GROUP BY laboratory ORDER BY laboratory"
    ).fetchall()
    names = ("laboratory", "rows", "set_aside", "unit_trouble", "days")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _reasons(connection: Connection) -> list[dict[str, Any]]:
    """Return how many rows of each laboratory were set aside for each reason, most first."""
    rows = connection.execute(
        "SELECT reason, laboratory, count(*) AS n FROM (SELECT laboratory, unnest("
        "list_filter(list_append(string_split(reasons, ';'), CASE repetition WHEN 'contradictory'"
        " THEN 'duplicate-contradictory' WHEN 'identical' THEN 'duplicate-identical'"
        " ELSE repetition END), lambda word: word <> '')) AS reason FROM period_row"
        " WHERE NOT accepted)"
        " GROUP BY ALL ORDER BY n DESC, reason, laboratory"
    ).fetchall()
    return [{"reason": reason, "laboratory": lab, "rows": n} for reason, lab, n in rows]


def _methods(connection: Connection) -> list[dict[str, Any]]:
    """Return the markers of which one laboratory used several methods in a period."""
    rows = connection.execute(
        "SELECT laboratory, marker, list(DISTINCT method ORDER BY method) AS methods"
        " FROM period_row WHERE accepted AND coalesce(method, '') <> '' GROUP BY ALL"
        " HAVING count(DISTINCT method) > 1 ORDER BY laboratory, marker"
    ).fetchall()
    return [
        {"laboratory": lab, "marker": marker, "methods": methods} for lab, marker, methods in rows
    ]


def _runs(connection: Connection) -> list[dict[str, Any]]:
    """Return what became of the entries of each run, in their order."""
    rows = connection.execute(
        "SELECT run.id, run.as_of::VARCHAR, sum(entries) FILTER (ending = 'accepted'),"
        " sum(entries) FILTER (ending = 'set_aside'), sum(entries) FILTER (ending = 'no_result'),"
        " sum(entries) FILTER (ending = 'known') FROM store.run AS run JOIN store.tally AS tally"
        " ON tally.run = run.id GROUP BY ALL ORDER BY run.id"
    ).fetchall()
    names = ("run", "as_of", "accepted", "set_aside", "no_result", "known")
    return [
        dict(zip(names, (row[0], row[1], *(int(n or 0) for n in row[2:])), strict=True))
        for row in rows
    ]
