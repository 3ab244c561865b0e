"""Cohort floor. Opens the scored columns beside their store, and finds who was seen when."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipeline.cohort.groups import UNKNOWN
from pipeline.cohort.period import Period
from pipeline.store.opening import Connection, count, faults_named, spilled_beside
from pipeline.store.rows import sql_text

_MEMORY = "4GB"  # what needs more goes to a folder beside the store, which is gone afterwards


@contextmanager
def opened_columns(scored: Path, store: Path) -> Iterator[Connection]:
    """Give the scored columns, with the store attached as ``store``; both only to be read.

    Raises OutputError where one of them cannot be used.
    """
    with (
        TemporaryDirectory(prefix=spilled_beside(store), dir=store.parent) as spilled,
        duckdb.connect() as connection,
    ):
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {sql_text(spilled)}")
        for path, name in ((scored, "scored"), (store, "store")):
            with faults_named(path):
                connection.execute(f"ATTACH {sql_text(path)} AS {name} (READ_ONLY)")
        _find_labels(connection)
        yield connection


def _find_labels(connection: Connection) -> None:
    """Make ``named``: the practice's own word for the group of each person who has one."""
    connection.execute(
        "CREATE TEMP TABLE named AS SELECT person, label FROM (SELECT case_id, max(label) AS label"
        " FROM store.person WHERE label IS NOT NULL GROUP BY case_id)"
        " JOIN scored.visit USING (case_id) WHERE date = first"
    )


def last_until(period: Period, *, following: str = "next") -> str:
    """Return the SQL of whether a row is the last of its kind by the end of a period."""
    return f"date <= DATE '{period.end}' AND {following} > DATE '{period.end}'"


def find_seen(connection: Connection, period: Period) -> None:
    """Make the tables of a period: who was seen in it, and their values.

    ``now`` has the last visit of each person, ``now_value`` the last value of each marker.
    """
    inside = f"date >= DATE '{period.start}' AND {last_until(period)}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE now AS SELECT own.*, coalesce(label, '{UNKNOWN}') AS label"
        f" FROM (FROM scored.visit WHERE {inside}) AS own LEFT JOIN named USING (person)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW now_value AS SELECT person, date, marker, value, sign,"
        f" laboratory, guideline, functional, sex, ages FROM scored.value WHERE {inside}"
    )


def anyone_named(connection: Connection) -> bool:
    """Return whether anybody who was ever seen has a label."""
    return count(connection, "named") > 0
