"""Cohort floor. Opens the scored columns beside their store, and finds who was seen when."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.cohort.period import Period
from pipeline.store.opening import Connection, faults_named
from pipeline.store.rows import sql_text

AGES = ((0, 29), (30, 44), (45, 59), (60, 74), (75, 150))
UNKNOWN = "unknown"
GROUPINGS = ("sex", "ages", "label")  # by which people are told apart


@contextmanager
def opened_columns(scored: Path, store: Path) -> Iterator[Connection]:
    """Give the scored columns, with the store attached as ``store``; both only to be read.

    Raises OutputError where one of them cannot be used.
    """
    with duckdb.connect() as connection:
        for path, name in ((scored, "scored"), (store, "store")):
            with faults_named(path):
                connection.execute(f"ATTACH {sql_text(path)} AS {name} (READ_ONLY)")
        _find_groups(connection)
        yield connection


def age_names() -> tuple[str, ...]:
    """Return the names of the age bands, youngest first: "0-29", … "75+"."""
    named = [f"{first}-{last}" for first, last in AGES[:-1]]
    return (*named, f"{AGES[-1][0]}+")


def _find_groups(connection: Connection) -> None:
    """Make ``visit``: the visits of everybody with the groups that they belong to then."""
    ages = " ".join(
        f"WHEN age BETWEEN {first} AND {last} THEN '{name}'"
        for (first, last), name in zip(AGES, age_names(), strict=True)
    )
    connection.execute(
        "CREATE TEMP TABLE visit AS SELECT own.*,"
        " coalesce(nullif(own.sex, ''), 'unknown') AS sex_known,"
        f" CASE {ages} ELSE '{UNKNOWN}' END AS ages, coalesce(named.label, '{UNKNOWN}') AS label"
        " FROM scored.visit AS own LEFT JOIN (SELECT case_id, max(label) AS label"
        " FROM store.person GROUP BY case_id) AS named USING (case_id)"
    )


def find_seen(connection: Connection, period: Period, *, name: str) -> None:
    """Make the tables of a period: who was seen in it, and their values.

    ``<name>`` has the last visit of each person, ``<name>_value`` the last value of each marker.
    """
    inside = f"date BETWEEN DATE '{period.start}' AND DATE '{period.end}'"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_visits AS SELECT *, count(*) OVER person AS visits,"
        " row_number() OVER (person ORDER BY date DESC) AS back"
        f" FROM visit WHERE {inside} WINDOW person AS (PARTITION BY case_id)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {name}_visits WHERE back = 1"
    )
    # most people have one visit in a period: only of the others a choice is to be made
    columns = "own.case_id, own.sex_known AS sex, own.ages, own.label, own.date, value.*"
    joined = f"FROM scored.value AS value JOIN {name}_visits AS own USING (chunk, visit)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_value AS"
        f" SELECT {columns} {joined} WHERE own.visits = 1 UNION ALL"
        f" SELECT {columns} {joined} WHERE own.visits > 1 QUALIFY row_number()"
        " OVER (PARTITION BY own.case_id, marker ORDER BY own.date DESC) = 1"
    )
