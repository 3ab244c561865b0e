"""Cohort floor. Whether the data is good: of rows and runs, where the rest is of people."""

from typing import Any

from pipeline.cohort.period import Period
from pipeline.store.opening import Connection, records

_ENDS = ("accepted", "set_aside", "no_result", "known")
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
    return records(
        connection,
        'SELECT laboratory, count(*) AS "rows", count(*) FILTER (NOT accepted) AS set_aside,'
        f" count(*) FILTER (reasons <> '' AND ({unit})) AS unit_trouble,"
        " median(run.as_of - day) AS days"
        " FROM period_row JOIN store.file AS file ON file.id = period_row.file"
        " JOIN store.run AS run ON run.id = file.run GROUP BY laboratory ORDER BY laboratory",
    )


def _reasons(connection: Connection) -> list[dict[str, Any]]:
    """Return how many rows of each laboratory were set aside for each reason, most first."""
    return records(
        connection,
        'SELECT reason, laboratory, count(*) AS "rows" FROM (SELECT laboratory, unnest('
        "list_filter(list_append(string_split(reasons, ';'), CASE repetition WHEN 'contradictory'"
        " THEN 'duplicate-contradictory' WHEN 'identical' THEN 'duplicate-identical'"
        " ELSE repetition END), lambda word: word <> '')) AS reason FROM period_row"
        ' WHERE NOT accepted) GROUP BY ALL ORDER BY "rows" DESC, reason, laboratory',
    )


def _methods(connection: Connection) -> list[dict[str, Any]]:
    """Return the markers of which one laboratory used several methods in a period."""
    return records(
        connection,
        "SELECT laboratory, marker, list(DISTINCT method ORDER BY method) AS methods"
        " FROM period_row WHERE accepted AND method <> '' GROUP BY ALL"
        " HAVING count(DISTINCT method) > 1 ORDER BY laboratory, marker",
    )


def _runs(connection: Connection) -> list[dict[str, Any]]:
    """Return what became of the entries of each run, in their order."""
    ends = ", ".join(
        f"coalesce(sum(entries) FILTER (ending = '{one}'), 0)::BIGINT AS {one}" for one in _ENDS
    )
    return records(
        connection,
        f"SELECT run.id AS run, run.as_of::VARCHAR AS as_of, {ends} FROM store.run AS run"
        " JOIN store.tally AS tally ON tally.run = run.id GROUP BY ALL ORDER BY run",
    )
