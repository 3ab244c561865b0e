"""Middle floor. Takes out of the store what a report is made from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.store.opening import Connection
from pipeline.store.rows import COLUMNS, quoted
from pipeline.store.stating import Statement, statements_of

# The files of which rows count, and those that had none, numbered from 1.
_FILES = (
    "SELECT *, row_number() OVER (ORDER BY id) AS source FROM file"
    " WHERE id IN (SELECT DISTINCT file FROM result WHERE replaced IS NULL)"
    " OR id NOT IN (SELECT DISTINCT file FROM result) ORDER BY id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the store holds of some people, or of all.

    ``rows``: ``COLUMNS`` and ``source``, the number of the file from 1, in the order of arrival.
    ``files``: name and hash (SHA-256) of each; ``ignored``: what in it is no result (JSON);
    ``suites``: the practice's own expectations by which rows were judged, the latest last.
    """

    rows: pd.DataFrame
    files: Sequence[tuple[str, str]]
    ignored: Sequence[str]
    suites: Sequence[str]
    statements: Sequence[Statement]


def recall(connection: Connection, case_ids: Iterable[str] | None = None) -> Remembered:
    """Return what counts of the people named, of all where none are."""
    cases = None if case_ids is None else list(case_ids)
    files = connection.execute(f"SELECT name, sha256, ignored FROM ({_FILES})").fetchall()
    suites = connection.execute("SELECT suite FROM run WHERE suite <> '' ORDER BY id").fetchall()
    return Remembered(
        rows=_rows(connection, cases),
        files=recall_files(connection),
        ignored=[ignored for _, _, ignored in files],
        suites=list(dict.fromkeys(suite for (suite,) in suites)),
        statements=statements_of(connection, cases),
    )


def recall_files(connection: Connection) -> list[tuple[str, str]]:
    """Return name and hash (SHA-256) of each file that counts, in the order of arrival."""
    found = connection.execute(f"SELECT name, sha256 FROM ({_FILES})").fetchall()
    return [(str(name), str(sha256)) for name, sha256 in found]


def _rows(connection: Connection, cases: list[str] | None) -> pd.DataFrame:
    own = "" if cases is None else " AND owner IN (SELECT unnest($cases))"
    return connection.execute(
        f"SELECT {quoted(COLUMNS)}, current.source FROM result"
        f" JOIN ({_FILES}) AS current ON current.id = result.file"
        f" WHERE replaced IS NULL{own} ORDER BY result.id",
        {} if cases is None else {"cases": cases},
    ).df()


def tally(connection: Connection) -> dict[str, int]:
    """Return how many rows count, and how many of these are accepted and set aside."""
    (found,) = connection.execute(
        "SELECT count(*), count(*) FILTER (reasons = '' AND repetition = '') FROM result"
        " WHERE replaced IS NULL"
    ).fetchall()
    read, accepted = map(int, found)
    return {"read": read, "accepted": accepted, "set_aside": read - accepted}
