"""Middle floor. Opens a store: waits for its lock, brings its tables up to date, names its faults.

DuckDB locks the whole file for the one process that writes, readers included.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import OutputError
from pipeline.resources import resource_path

WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
# No extension is fetched from anywhere; what is too large for memory goes beside the file.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_HELD, _HOLDER = "Conflicting lock is held", re.compile(r"\(PID ([0-9]+)\)")
Connection = duckdb.DuckDBPyConnection


def scored_beside(path: Path) -> Path:
    """Return the file beside a store that keeps what was scored of its people."""
    return path.with_name(f"{path.name}.scored")


def spilled_beside(path: Path) -> str:
    """Return how folders beside a store are named that hold what a review has no memory for."""
    return f".{path.name}.review-"


@contextmanager
def open_to_write(path: Path, *, patience: float = WAIT_SECONDS) -> Iterator[Connection]:
    """Give the store of ``path``, made where there is none, for one transaction.

    It is as before where an error or a kill ends the block, and as after where it ends by itself.
    ``patience`` is how long to wait for whoever holds it [s]. Raises OutputError where it is held
    longer, cannot be written to, is damaged, or is of a newer version.
    """
    with faults_named(path):
        connection = connected(path, read_only=False, patience=patience)
        try:
            migrate(connection, path)
            connection.begin()
            yield connection
            connection.commit()
        finally:
            connection.close()  # what was not committed is undone


@contextmanager
def open_to_read(path: Path, *, patience: float = WAIT_SECONDS) -> Iterator[Connection]:
    """Give the store of ``path``, which nobody writes to meanwhile.

    Raises OutputError as ``open_to_write`` does, and where there is no store.
    """
    if not path.is_file():
        raise OutputError(f"Unable to find the store '{path}'.")
    with faults_named(path):
        connection = connected(path, read_only=True, patience=patience)
        try:
            there = _version_of(connection, path)
            _require_no_newer(there, path)
            if there < newest_version():  # an older store is brought up to date first
                connection.close()
                with open_to_write(path, patience=patience):
                    pass
                connection = connected(path, read_only=True, patience=patience)
            yield connection
        finally:
            connection.close()


def migrate(connection: Connection, path: Path, *, until: int | None = None) -> None:
    """Bring the tables of a store to the newest version, or to version ``until``.

    Raises OutputError where a newer casereport made them.
    """
    there = _version_of(connection, path)
    _require_no_newer(there, path)
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
    for number, script in enumerate(migrations(), start=1):
        if there < number <= (until or number):
            connection.begin()
            connection.execute(script)
            connection.execute("INSERT INTO schema_version VALUES (?)", [number])
            connection.commit()


def migrations() -> list[str]:
    """Return the scripts that make the tables, in the order of their numbers."""
    folder = resource_path("pipeline/store/migrations")
    return [file.read_text("utf-8") for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def newest_version() -> int:
    """Return the version of the tables that this casereport knows."""
    return len(migrations())


def _version_of(connection: Connection, path: Path) -> int:
    """Return the version of the tables, 0 of a file without any.

    Raises OutputError where they are somebody else's: they are not added to.
    """
    tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    if tables and ("schema_version",) not in tables:
        raise OutputError(f"Unable to use '{path}': it is no store of casereport.")
    if not tables:
        return 0
    (found,) = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchall()
    return int(found[0])


def _require_no_newer(version: int, path: Path) -> None:
    if version > newest_version():
        raise OutputError(
            f"Unable to use '{path}': it is of version {version}, made by a newer casereport;"
            f" this one knows versions up to {newest_version()}."
        )


def connected(path: Path, *, read_only: bool, patience: float = WAIT_SECONDS) -> Connection:
    """Return a connection, as soon as nobody else holds the file.

    Raises OutputError where it is held for longer than ``patience`` [s], and what DuckDB does.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=_SETTINGS)
        except duckdb.IOException as error:
            if _HELD not in str(error):
                raise
            if time.monotonic() >= end:
                raise OutputError(f"Unable to use '{path}': {_holder(error)} holds it.") from None
        time.sleep(_PAUSE_SECONDS)


def _holder(error: duckdb.IOException) -> str:
    """Return who holds a store, in words."""
    found = _HOLDER.search(str(error))
    return f"process {found[1]}" if found else "another process"


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Turn what DuckDB says into an error that names the file and quotes nothing of it."""
    try:
        yield
    except duckdb.Error as error:
        raise OutputError(f"Unable to use '{path}': {_fault(error)}.") from None


def _fault(error: duckdb.Error) -> str:
    text = str(error)
    words = {
        "No space left": "the disk is full",
        "not a valid DuckDB database": "it is no store",
        "orrupt": "it is damaged",
        "checksum": "it is damaged",
        "ermission denied": "it may not be written to",
        "read-only": "it may not be written to",
        "No such file": "its folder is not there",
    }
    return next((told for word, told in words.items() if word in text), type(error).__name__)


def records(connection: Connection, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query, each by the names of its columns."""
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def count(connection: Connection, of: str) -> int:
    """Return how many rows a table, or a part of one, has."""
    (found,) = connection.execute(f"SELECT count(*) FROM {of}").fetchall()
    return int(found[0])
