"""Middle floor. Forgets a person: the store is written anew without, and takes the old one's place.

DuckDB keeps what was deleted in free blocks of its file, so deleting alone does not forget.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree

from pipeline.errors import CommandError
from pipeline.store.opening import Connection, open_to_write, scored_beside, spilled_beside
from pipeline.store.rows import NUMBERED, sql_text

# By table, the rows that stay. What is known of a file that only this person had goes too.
_OF_OTHERS = "owner <> $case AND read_case_id <> $case AND coalesce(case_id, '') <> $case"
_KEPT = {
    "run": "true",
    "file": f"id IN (SELECT file FROM result WHERE {_OF_OTHERS})"
    " OR (folder_case <> $case AND id NOT IN (SELECT file FROM result))",
    "result": _OF_OTHERS,
    "person": "case_id <> $case",
    "visit": "case_id <> $case",
    "tally": "true",
    "report": "case_id <> $case",
    "review": "true",
    "tombstone": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What went: how many rows, and the report files that lie elsewhere and are to be deleted."""

    rows: int
    reports: tuple[str, ...]


def forget_person(path: Path, case_id: str, *, on: date) -> Forgotten:
    """Forget a person everywhere in the store of ``path``; a tombstone with the date ``on`` stays.

    A kill at any moment leaves the store as before or as after. Raises CommandError where the store
    knows no such case, OutputError where it cannot be used.
    """
    with open_to_write(path) as connection:
        rows, reports = _there(connection, case_id)
        statement = "SELECT count(*) FROM person WHERE case_id = ?"
        (stated,) = connection.execute(statement, [case_id]).fetchall()
        if not (rows or reports or stated[0]):
            raise CommandError(f"Unable to find case '{case_id}' in '{path}'.")
        connection.commit()
        connection.execute("CHECKPOINT")  # no log must be left that would be read into the new file
        _remove_beside(path)
        with _written_anew(path) as anew:
            _copy(connection, anew, case_id, on=on)
        connection.begin()
    return Forgotten(rows=rows, reports=reports)


def _remove_beside(path: Path) -> None:
    """Remove what lies beside a store of its people; it is made again, of those who stay."""
    scored = scored_beside(path)
    for left in (scored, scored.with_name(f"{scored.name}.wal")):
        left.unlink(missing_ok=True)
    for folder in path.parent.iterdir():  # of a review that was killed
        if folder.name.startswith(spilled_beside(path)):
            rmtree(folder)


def _there(connection: Connection, case_id: str) -> tuple[int, tuple[str, ...]]:
    """Return how many rows the store has of a person, and which reports were made."""
    of_person = f"SELECT count(*) FROM result WHERE NOT ({_OF_OTHERS})"
    (rows,) = connection.execute(of_person, {"case": case_id}).fetchall()
    query = "SELECT file FROM report WHERE case_id = ? ORDER BY file"
    reports = connection.execute(query, [case_id]).fetchall()
    return int(rows[0]), tuple(str(file) for (file,) in reports)


@contextmanager
def _written_anew(path: Path) -> Iterator[Path]:
    """Give the place of a new file, which takes that of ``path`` once it is on the disk."""
    anew = path.with_name(f".{path.name}.anew")
    for left in (anew, anew.with_name(f"{anew.name}.wal")):
        left.unlink(missing_ok=True)  # of a run that was killed
    try:
        yield anew
        _sync(anew)
        anew.replace(path)
        _sync(path.parent)
    finally:
        anew.unlink(missing_ok=True)


def _copy(connection: Connection, anew: Path, case_id: str, *, on: date) -> None:
    """Copy all but one person into a new file that is attached to the store."""
    with open_to_write(anew):
        pass  # makes the tables
    connection.execute(f"ATTACH {sql_text(anew)} AS anew")
    for table, stays in _KEPT.items():
        given = {"case": case_id} if "$case" in stays else {}
        order = "ORDER BY id" if table in NUMBERED else ""
        connection.execute(
            f"INSERT INTO anew.{table} BY NAME SELECT * FROM {table} WHERE {stays} {order}", given
        )
    connection.execute(
        "INSERT INTO anew.tombstone SELECT coalesce(max(id), 0) + 1, ?::DATE FROM anew.tombstone",
        [on],
    )
    connection.execute("CHECKPOINT anew")
    connection.execute("DETACH anew")


def _sync(path: Path) -> None:
    """Force a file, or the name of one in its folder, to disk."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
