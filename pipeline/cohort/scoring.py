"""Cohort floor. Scores everybody in a store, in chunks of people, and keeps the columns.

The columns lie in a file of their own beside the store (``<store>.scored``), by chunk and by what
made them: the rules, and all that the store holds of its people. A changed rule scores everybody
again, new results only the chunks of the people they are of. It may be deleted at any time.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from pipeline.cohort.columns import scored_columns
from pipeline.intake.stated import known_people, people_named
from pipeline.interpret import interpret_columns
from pipeline.model import ACCEPTED_COLUMNS, NOT_SCORED
from pipeline.read import stated_table
from pipeline.resources import resource_path
from pipeline.rules import Rules, facts_hash
from pipeline.store import open_to_read
from pipeline.store.opening import Connection, connected, faults_named, scored_beside

PEOPLE_IN_A_CHUNK = 15_000
_MOST_CHUNKS = 256
_WORDS = (
    *("case_id", "sample_id", "collected_at", "marker", "unit_as_reported", "comparator"),
    *("haemolysis", "lab", "method", "status", "specimen", "notes"),
)
_NUMBERS = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "fasting_hours")
_TABLES = {
    "visit": "(chunk INTEGER, visit INTEGER, case_id VARCHAR, date DATE, number INTEGER,"
    " month INTEGER, age INTEGER, sex VARCHAR, phase VARCHAR)",
    "value": "(chunk INTEGER, visit INTEGER, marker VARCHAR, value DOUBLE, comparator VARCHAR,"
    " laboratory TINYINT, guideline TINYINT, functional TINYINT, lab VARCHAR, method VARCHAR)",
    "flag": "(chunk INTEGER, visit INTEGER, flag VARCHAR)",
    "chunk": "(chunk INTEGER, key VARCHAR)",
}


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
    path = scored_beside(store)
    with open_to_read(store) as opened, _cache(path) as cache:
        chunks = _chunks(opened)
        keys = _keys(opened, chunks, as_of=as_of, rules=rules)
        there = dict(cache.execute("SELECT chunk, key FROM chunk").fetchall())
        wanted = [number for number, key in keys.items() if there.get(number) != key]
        _drop(cache, [number for number in there if there[number] != keys.get(number)])
        for number in wanted:
            tables = _score(opened, number, chunks, as_of=as_of, rules=rules)
            _put(cache, number, keys[number], tables)
    return Scored(path=path, made=len(wanted))


# Chunks of people, and what they depend on.


def _chunks(store: Connection) -> int:
    (found,) = store.execute("SELECT count(DISTINCT owner) FROM result").fetchall()
    return min(_MOST_CHUNKS, 1 + int(found[0]) // PEOPLE_IN_A_CHUNK)


def _chunk_of(column: str, chunks: int) -> str:
    """Return the SQL of the chunk of a person: that of the hash of the pseudonym."""
    return f"(md5_number_lower({column}) % {chunks})::INTEGER"


def _keys(store: Connection, chunks: int, *, as_of: dt.date, rules: Rules) -> Mapping[int, str]:
    """Return of each chunk the hash of all that its scores depend on."""
    common = f"{chunks} {_judge_hash(rules)}"
    rows = store.execute(
        f"SELECT {_chunk_of('owner', chunks)} AS chunk, count(*), sum(content::HUGEINT),"
        f" max(id) FROM result WHERE {_COUNTS} AND day <= $as_of GROUP BY chunk",
        {"as_of": as_of},
    ).fetchall()
    told = {number: f"{common} {rest}" for number, *rest in rows}
    stated = store.execute(
        f"SELECT {_chunk_of('case_id', chunks)}, case_id, origin, sex, birth_year, context,"
        " (SELECT list((date, context) ORDER BY date) FROM visit WHERE visit.case_id ="
        " person.case_id AND visit.origin = person.origin AND date <= $as_of)"
        " FROM person ORDER BY case_id, origin",
        {"as_of": as_of},
    )
    hashes = {number: sha256(text.encode()) for number, text in told.items()}
    while batch := stated.fetchmany(10_000):
        for number, *rest in batch:
            if number in hashes:
                hashes[number].update(repr(rest).encode())
    return {number: hash.hexdigest() for number, hash in sorted(hashes.items())}


def _judge_hash(rules: Rules) -> str:
    """Return the hash of all that judges: the facts, a practice's own targets, the program."""
    program = (file.read_bytes() for file in sorted(resource_path("pipeline").rglob("*.py")))
    own = json.dumps([dict(row) for row in rules.targets], sort_keys=True).encode()
    return sha256(b"".join([facts_hash().encode(), *program, own])).hexdigest()


_COUNTS = "replaced IS NULL AND repetition = '' AND day IS NOT NULL AND marker IS NOT NULL"


# One chunk.


def _score(
    store: Connection, number: int, chunks: int, *, as_of: dt.date, rules: Rules
) -> Mapping[str, pd.DataFrame]:
    """Return the scored columns of one chunk of people, a table for each of ``_TABLES``."""
    where = f"{_COUNTS} AND {_chunk_of('owner', chunks)} = {number} AND day <= DATE '{as_of}'"
    rows = _rows(store, f"{where} AND reasons = ''")
    doubted = _doubted(store, where)
    cases = pd.Index(rows["case_id"].cat.categories).union(doubted["case_id"].unique())
    told = list(known_people(store, cases))
    judged = interpret_columns(
        rows,
        people_named(cases, told),
        stated_table(told),
        as_of=as_of,
        rules=rules,
        not_scored=doubted,
    )
    return scored_columns(judged)


def _rows(store: Connection, where: str) -> pd.DataFrame:
    """Return accepted rows in which words are categories; evidence is not asked for."""
    names = ", ".join(f'"{name}"' for name in (*_WORDS, *_NUMBERS, "factor_known"))
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE part AS SELECT {names} FROM result WHERE {where} ORDER BY id"
    )
    found = store.execute(f"SELECT {', '.join((*_NUMBERS, 'factor_known'))} FROM part").fetchnumpy()
    frame = {name: np.ma.filled(found[name].astype(float), np.nan) for name in _NUMBERS}
    frame["factor_known"] = np.ma.filled(found["factor_known"], True).astype(bool)
    words = {name: _category(store, name) for name in _WORDS}
    count = len(frame["low"])
    rows = pd.DataFrame({"row": np.arange(count, dtype=np.int32), **words, **frame})
    blank = pd.Categorical.from_codes(np.zeros(count, dtype=np.int8), pd.Index([""], dtype=str))
    return rows.assign(value_as_reported=blank, comment=blank)[list(ACCEPTED_COLUMNS)]


def _category(store: Connection, name: str) -> pd.Categorical:
    """Return a column of words as codes, made by DuckDB: Python strings would take the memory."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE word AS SELECT word, row_number() OVER (ORDER BY word) - 1"
        f" AS code FROM (SELECT DISTINCT coalesce(\"{name}\", '') AS word FROM part)"
    )
    words = [word for (word,) in store.execute("SELECT word FROM word ORDER BY code").fetchall()]
    codes = store.execute(
        f"SELECT code::INTEGER AS code FROM (SELECT rowid AS place,"
        f" coalesce(\"{name}\", '') AS word FROM part) JOIN word USING (word) ORDER BY place"
    ).fetchnumpy()["code"]
    return pd.Categorical.from_codes(np.asarray(codes), pd.Index(words, dtype=str))


def _doubted(store: Connection, where: str) -> pd.DataFrame:
    """Return case_id, date and marker of values that were set aside for their unit or size."""
    words = " OR ".join(f"list_contains(string_split(reasons, ';'), '{one}')" for one in NOT_SCORED)
    found = store.execute(
        "SELECT owner AS case_id, day AS date, marker FROM result"
        f" WHERE {where} AND reasons <> '' AND ({words}) ORDER BY id"
    ).df()
    return found.astype({"case_id": str, "date": "datetime64[ns]", "marker": str})


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
            for name, columns in _TABLES.items():
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
    if all(_TABLES.get(name) == f"({columns})" for name, columns in found):
        return connection
    connection.close()
    return None


def _drop(cache: Connection, chunks: list[int]) -> None:
    for name in _TABLES:
        cache.execute(f"DELETE FROM {name} WHERE list_contains($chunks, chunk)", {"chunks": chunks})


def _put(cache: Connection, number: int, key: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Add one chunk at once or not at all."""
    cache.begin()
    for name, table in tables.items():
        cache.register("arriving", table.assign(chunk=number))
        cache.execute(f"INSERT INTO {name} BY NAME SELECT * FROM arriving")
        cache.unregister("arriving")
    cache.execute("INSERT INTO chunk VALUES (?, ?)", [number, key])
    cache.commit()
