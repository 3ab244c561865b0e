"""Cohort floor. Scores everybody in a store, in chunks of people, and keeps the columns.

The columns lie in a file of their own beside the store (``<store>.scored``), by chunk and by what
made them: the rules, and all that the store holds of its people. A changed rule scores everybody
again, new results only the chunks of the people they are of. It may be deleted at any time.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from pipeline.cohort.chunk import score_chunk
from pipeline.cohort.columns import TABLES, scored_columns
from pipeline.cohort.keys import find_keys, key_of_all
from pipeline.rules import Rules
from pipeline.store import open_to_read
from pipeline.store.opening import Connection, connected, faults_named, scored_beside

_KEPT = {
    **TABLES,
    "chunk": "(chunk INTEGER, key VARCHAR)",
    "owner": "(case_id VARCHAR)",  # everybody that a row is of, without a result too
    "made": "(key VARCHAR)",  # of all together, once all of it is there
}
_PEOPLE_AT_MOST = 1 << 20  # of a chunk: a person's number is its own among those of all chunks
_MEMORY = "2GB"  # of each of the two files that are open


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Where the scored columns lie, and how many chunks of people had to be scored for them."""

    path: Path
    made: int


def score_store(store: Path, *, as_of: dt.date, rules: Rules) -> Scored:
    """Bring the scored columns of a store up to date, as of a date, and return where they lie.

    The store is open to read meanwhile, and closed afterwards. Raises OutputError where the store
    or the file beside it cannot be used.
    """
    path, made = scored_beside(store), 0
    with open_to_read(store) as opened, _cache(path) as cache:
        key = key_of_all(opened, as_of=as_of, rules=rules)
        if cache.execute("SELECT key FROM made").fetchall() != [(key,)]:
            cache.execute("DELETE FROM made")
            made = _score_changed(opened, cache, as_of=as_of, rules=rules)
            _keep_owners(opened, cache)
            cache.execute("INSERT INTO made VALUES (?)", [key])
    return Scored(path=path, made=made)


def _score_changed(store: Connection, cache: Connection, *, as_of: dt.date, rules: Rules) -> int:
    """Score the chunks of people of which something changed; return how many that were."""
    for connection in (store, cache):
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
    keys = find_keys(store, as_of=as_of, rules=rules)
    there = dict(cache.execute("SELECT chunk, key FROM chunk").fetchall())
    _drop(cache, [number for number in there if there[number] != keys.get(number)])
    wanted = [number for number, key in keys.items() if there.get(number) != key]
    for number in wanted:
        judged = score_chunk(store, number, as_of=as_of, rules=rules)
        _put(cache, number, keys[number], scored_columns(judged))
    return len(wanted)


def _keep_owners(store: Connection, cache: Connection) -> None:
    owners = store.execute(
        "SELECT owner AS case_id FROM known_owner WHERE there"
        " AND regexp_full_match(owner, '[A-Za-z0-9_-]{1,64}') ORDER BY owner"
    ).df()
    cache.execute("DELETE FROM owner")
    cache.register("arriving", owners)
    cache.execute("INSERT INTO owner FROM arriving")
    cache.unregister("arriving")


# The file beside the store.


@contextmanager
def _cache(path: Path) -> Iterator[Connection]:
    """Give the file of scored columns; one that is damaged, or has other columns, is made anew."""
    with faults_named(path):
        connection = _readable(path)
        if connection is None:
            path.unlink(missing_ok=True)
            connection = connected(path, read_only=False)
        try:
            for name, columns in _KEPT.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
            yield connection
        finally:
            connection.close()


def _readable(path: Path) -> Connection | None:
    """Return the open file, if it has our columns or none yet."""
    try:
        connection = connected(path, read_only=False)
        found = connection.execute(
            "SELECT table_name, string_agg(column_name || ' ' || data_type, ', '"
            " ORDER BY column_index) FROM duckdb_columns() WHERE NOT internal GROUP BY table_name"
        ).fetchall()
    except duckdb.Error:
        return None
    if all(_KEPT.get(name) == f"({columns})" for name, columns in found):
        return connection
    connection.close()
    return None


def _drop(cache: Connection, chunks: list[int]) -> None:
    for name in (*TABLES, "chunk"):
        cache.execute(f"DELETE FROM {name} WHERE list_contains($chunks, chunk)", {"chunks": chunks})


def _put(
    cache: Connection, number: int, key: str, tables: Iterable[tuple[str, pd.DataFrame]]
) -> None:
    """Add one chunk at once or not at all."""
    cache.begin()
    for name, table in tables:
        person = table["person"] + number * _PEOPLE_AT_MOST
        cache.register("arriving", table.assign(chunk=number, person=person))
        cache.execute(f"INSERT INTO {name} BY NAME SELECT * FROM arriving")
        cache.unregister("arriving")
    cache.execute("INSERT INTO chunk VALUES (?, ?)", [number, key])
    cache.commit()
