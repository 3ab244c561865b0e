"""Middle floor. The store as Parquet and back, a file a table, so that nobody is locked in."""

from pathlib import Path

from pipeline.errors import OutputError
from pipeline.store.opening import (
    Connection,
    count,
    newest_version,
    open_to_read,
    open_to_write,
)
from pipeline.store.rows import NUMBERED, sql_text

# In the order in which they may be filled: what is referred to comes first.
_TABLES = ("run", "file", "result", "person", "visit", "tally", "report", "review", "tombstone")
_VERSION = "schema_version"


def export_store(path: Path, folder: Path) -> tuple[str, ...]:
    """Write each table of the store as ``<table>.parquet`` into ``folder``; return the names.

    Raises OutputError where the store cannot be used, or the folder not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Unable to write to '{folder}': {error.strerror}.") from None
    names = tuple(f"{table}.parquet" for table in (_VERSION, *_TABLES))
    with open_to_read(path) as connection:
        for table in (_VERSION, *_TABLES):
            order = "ORDER BY id" if table in NUMBERED else "ORDER BY ALL"
            file = sql_text(folder / f"{table}.parquet")
            connection.execute(f"COPY (FROM {table} {order}) TO {file} (FORMAT parquet)")
    return names


def import_store(folder: Path, path: Path) -> int:
    """Fill a new store from what ``export_store`` wrote; return how many rows it has.

    Every constraint is checked again. Raises OutputError where the store has rows already, a table
    is missing or was made by another version, or a constraint does not hold.
    """
    missing = [name for name in (_VERSION, *_TABLES) if not (folder / f"{name}.parquet").is_file()]
    if missing:
        raise OutputError(f"Unable to find '{missing[0]}.parquet' in '{folder}'.")
    with open_to_write(path) as connection:
        if count(connection, "run"):
            raise OutputError(f"Expected '{path}' to be a new store: it holds rows already.")
        _require_version(connection, folder)
        for table in _TABLES:
            file = sql_text(folder / f"{table}.parquet")
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet({file})")
        return count(connection, "result")


def _require_version(connection: Connection, folder: Path) -> None:
    file = sql_text(folder / f"{_VERSION}.parquet")
    (found,) = connection.execute(f"SELECT max(version) FROM read_parquet({file})").fetchall()
    if found[0] != newest_version():
        raise OutputError(
            f"Unable to read '{folder}': it is of version {found[0]},"
            f" and this casereport writes version {newest_version()}."
        )
