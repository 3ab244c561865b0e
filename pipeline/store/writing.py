"""Middle floor. Adds a run to the store: new rows, what they replace, what is stated of people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

import pandas as pd

from pipeline.store.opening import Connection, count
from pipeline.store.rows import COLUMNS, READ, RESULT, content_of, quoted
from pipeline.store.stating import Statement, new_among, put_statements

Compare = Callable[[pd.DataFrame], Any]
# A hash may be that of another row, however seldom: these are compared as they are.
_SAME = ("content", "owner", *(f"read_{name}" for name in READ))


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that was read: its name without a folder, its hash, and what in it is no result."""

    name: str
    folder_case: str  # the case of its folder, "" of a table of many
    sha256: str
    ignored: str  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One run to be added. ``rows``: ``COLUMNS`` and ``source``, the number of the file from 1."""

    as_of: date
    judged_by: str
    version: str
    suite: str
    files: Sequence[File]
    rows: pd.DataFrame
    statements: Sequence[Statement]
    no_result: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of the entries of a run; ``known`` ones were in the store already."""

    accepted: int = 0
    set_aside: int = 0
    no_result: int = 0
    known: int = 0
    changed: bool = False  # whether the store is another than before


def add(connection: Connection, addition: Addition, *, compare: Compare) -> Added:
    """Add a run within the transaction of ``connection``, and return what was new in it.

    A row that the store has, word for word, is known. Where a file is there already, judged by
    other rules, or one of its rows is given anew, corrected, the new rows replace the old.
    ``compare`` says of rows of one result what each makes of the others (see ``_repeated_rows``);
    a correction supersedes so what an earlier run brought. All that was there stays.
    """
    connection.register("arriving", _numbered(addition))
    _place_files(connection, addition)
    _find_new(connection)
    stated = new_among(connection, addition.statements)
    new = count(connection, "fresh") or count(connection, "standing WHERE NOT is_known")
    if not (new or stated):
        return Added(no_result=addition.no_result, known=len(addition.rows))
    run, first = _new_run(connection, addition), _next(connection, "result")
    _put_files(connection, run=run)
    _replace_rows(connection, run=run)
    _put_rows(connection, first=first)
    _put_repetition(connection, compare)
    put_statements(connection, stated, run=run)
    added = _added(connection, addition, first=first)
    _put_tally(connection, run, added)
    return added


def record_reports(connection: Connection, reports: Iterable[Mapping[str, Any]]) -> None:
    """Note reports that were made: ``case_id, kind, language, as_of, file, sha256`` of each."""
    for one in reports:
        connection.execute(
            "INSERT OR REPLACE INTO report BY NAME SELECT $case_id AS case_id, $kind AS kind,"
            " $language AS language, $as_of::DATE AS as_of, $file AS file, $sha256 AS sha256",
            dict(one),
        )


def _numbered(addition: Addition) -> pd.DataFrame:
    """Return the rows that arrive, in their order."""
    rows = addition.rows[[*COLUMNS, "source"]]
    return rows.assign(position=range(len(rows)))


# Files: known, judged anew, or new.


def _place_files(connection: Connection, addition: Addition) -> None:
    """Make the table ``standing``: how each file of the run stands to those of earlier ones.

    ``before`` is the file of the store with the same content, ``is_known`` whether the same rules
    judged that.
    """
    named = ["source", "name", "folder_case", "sha256", "ignored"]
    rows = [(number, *astuple(one)) for number, one in enumerate(addition.files, start=1)]
    connection.register("told", pd.DataFrame(rows, columns=named))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE standing AS"
        " SELECT told.*, file.id AS before, coalesce(run.judged_by = $judged_by, false) AS is_known"
        " FROM told LEFT JOIN (SELECT sha256, folder_case, max(id) AS id FROM file"
        " GROUP BY sha256, folder_case) AS last USING (sha256, folder_case)"
        " LEFT JOIN file ON file.id = last.id LEFT JOIN run ON run.id = file.run",
        {"judged_by": addition.judged_by},
    )
    connection.unregister("told")


def _put_files(connection: Connection, *, run: int) -> None:
    """Note the new files; ``label`` is where the rows of each file go, and under which name."""
    last = _next(connection, "file") - 1
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE label AS SELECT source, standing.name AS own_name,"
        " CASE WHEN is_known THEN before ELSE $last + row_number() OVER (ORDER BY is_known, source)"
        " END AS file, CASE WHEN is_known THEN there.name"
        " WHEN source IN (SELECT source FROM taken) THEN standing.name || '@' ||"
        " (SELECT count(*) + 1 FROM file WHERE file.name = standing.name"
        " OR starts_with(file.name, standing.name || '@')) ELSE standing.name END AS name"
        " FROM standing LEFT JOIN file AS there ON there.id = before",
        {"last": last},
    )
    connection.execute(
        "INSERT INTO file SELECT label.file, $run, label.name, folder_case, sha256, ignored"
        " FROM label JOIN standing USING (source) WHERE NOT is_known ORDER BY source",
        {"run": run},
    )


# Rows.


def _find_new(connection: Connection) -> None:
    """Make the table ``fresh``: the arriving rows that the store does not have, with their hash.

    ``current`` are the rows that count, without those of files that are judged anew; ``taken`` the
    new files of which a row id is that of another row of the same person.
    """
    same = " AND ".join(f"there.{name} = hashed.{name}" for name in _SAME)
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW current AS SELECT * FROM result WHERE replaced IS NULL"
        " AND file NOT IN (SELECT before FROM standing WHERE before IS NOT NULL AND NOT is_known)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS WITH hashed AS"
        " (SELECT arriving.*, is_known, before, standing.name AS own_name,"
        f" {content_of()} AS content FROM arriving JOIN standing USING (source))"
        f" SELECT * FROM hashed WHERE NOT EXISTS (SELECT 1 FROM current AS there WHERE {same})"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT DISTINCT source FROM fresh"
        ' JOIN current ON current.owner = fresh.owner AND current."row" = fresh."row"'
        ' WHERE NOT is_known AND starts_with(fresh."row", own_name)'
    )


def _replace_rows(connection: Connection, *, run: int) -> None:
    """Mark the rows that the run gives anew: of files judged anew, and each corrected one.

    A correction has the id of a row that was set aside, of a file that is known or not at hand.
    """
    connection.execute(
        "UPDATE result SET replaced = $run WHERE replaced IS NULL"
        " AND file IN (SELECT before FROM standing WHERE NOT is_known)",
        {"run": run},
    )
    again = (
        'there.file = fresh.before AND substr(there."row", length(file.name) + 1)'
        ' = substr(fresh."row", length(own_name) + 1)'
    )
    corrected = (
        'there."row" = fresh."row" AND there.reasons <> \'\''
        ' AND NOT starts_with(fresh."row", own_name)'
    )
    connection.execute(
        "UPDATE result SET replaced = $run WHERE id IN (SELECT id FROM"
        " (SELECT there.id, there.owner = fresh.owner AS same,"
        " count(*) OVER (PARTITION BY fresh.position) AS candidates"
        " FROM current AS there JOIN file ON file.id = there.file"
        f" JOIN fresh ON ({again}) OR ({corrected})) WHERE same OR candidates = 1)",
        {"run": run},
    )


def _put_rows(connection: Connection, *, first: int) -> None:
    """Add the new rows; a row id begins with the name that its file has in the store."""
    columns = quoted(tuple(name for name in COLUMNS if name != "row"))
    own = (
        'CASE WHEN starts_with(fresh."row", fresh.own_name)'
        ' THEN label.name || substr(fresh."row", length(fresh.own_name) + 1) ELSE fresh."row" END'
    )
    connection.execute(
        f'INSERT INTO result (id, file, "row", {columns}, content)'
        f" SELECT {first} - 1 + row_number() OVER (ORDER BY position), label.file, {own},"
        f" {columns}, content FROM fresh JOIN label USING (source) ORDER BY position"
    )


def _repeated_rows(connection: Connection) -> pd.DataFrame:
    """Return the rows of results that the run being added has too, in the order of arrival.

    Columns: id, repetition, and what tells versions of one result apart.
    """
    wanted = ("id", "repetition", "version", "issued", "low", "high", "specimen", *RESULT)
    key = " AND ".join(f"here.{name} = result.{name}" for name in RESULT)
    return connection.execute(
        f"SELECT {quoted(wanted, of='result')} FROM result WHERE comparable AND replaced IS NULL"
        f" AND EXISTS (SELECT 1 FROM fresh AS here WHERE here.comparable AND {key}) ORDER BY id"
    ).df()


def _put_repetition(connection: Connection, compare: Compare) -> None:
    """Write what rows of one result make of one another, the earlier ones included."""
    rows = _repeated_rows(connection)
    if rows.empty:
        return
    connection.register("words", rows[["id"]].assign(repetition=compare(rows)))
    connection.execute(
        "UPDATE result SET repetition = words.repetition FROM words WHERE words.id = result.id"
        " AND words.repetition <> result.repetition"
    )
    connection.unregister("words")


def _added(connection: Connection, addition: Addition, *, first: int) -> Added:
    """Return what became of the entries of a run whose rows begin with the id ``first``."""
    fresh = count(connection, f"result WHERE id >= {first}")
    kept = f"result WHERE id >= {first} AND reasons = '' AND repetition = ''"
    accepted = count(connection, kept)
    return Added(
        accepted=accepted,
        set_aside=fresh - accepted,
        no_result=addition.no_result,
        known=len(addition.rows) - fresh,
        changed=True,
    )


# What all share.


def _new_run(connection: Connection, addition: Addition) -> int:
    run = _next(connection, "run")
    told = [run, addition.as_of, addition.judged_by, addition.version, addition.suite]
    connection.execute("INSERT INTO run VALUES (?, ?, ?, ?, ?)", told)
    return run


def _put_tally(connection: Connection, run: int, added: Added) -> None:
    for ending in ("accepted", "set_aside", "no_result", "known"):
        connection.execute(
            "INSERT INTO tally VALUES (?, ?, ?)", [run, ending, getattr(added, ending)]
        )


def _next(connection: Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchall()
    return int(found[0])
