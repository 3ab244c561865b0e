"""Cohort floor. What the scored columns depend on, as hashes: where one changed, they are stale.

Rows and statements are told by sums of hashes of 64 bits, which DuckDB makes over columns; the sum
of all of them shows in one look that nothing changed, that of each chunk of people where it did.
"""

import datetime as dt
import json
from collections.abc import Mapping
from hashlib import sha256

from pipeline.resources import resource_path
from pipeline.rules import Rules, facts_hash
from pipeline.store.opening import Connection

PEOPLE_IN_A_CHUNK = 25_000
_MOST_CHUNKS = 256
COUNTS = "replaced IS NULL AND repetition = '' AND day IS NOT NULL AND marker IS NOT NULL"
# What is stated of people that a score may depend on; a label does not judge.
_STATED = {
    "person": ("case_id", "origin", "sex", "birth_year", "context"),
    "visit": ("case_id", "origin", "date", "context"),
}


def key_of_all(store: Connection, *, as_of: dt.date, rules: Rules) -> str:
    """Return the hash of all that the scored columns depend on, together with what is beside them.

    Every row that counts is in it, those without a marker and those of later days too.
    """
    rows = store.execute(
        "SELECT repetition, count(*), sum(content), sum(id), count(*) FILTER (day <= $as_of)"
        " FROM result WHERE replaced IS NULL GROUP BY repetition ORDER BY repetition",
        {"as_of": as_of},
    ).fetchall()
    stated = [store.execute(f"SELECT {_sums(table)} FROM {table}").fetchall() for table in _STATED]
    return _hashed(judge_hash(rules), as_of.isoformat(), rows, stated)


def find_keys(store: Connection, *, as_of: dt.date, rules: Rules) -> Mapping[int, str]:
    """Return of each chunk of people the hash of all that its scores depend on.

    Makes the table ``known_owner``: everybody that rows are of, and the chunk of each.
    """
    _find_owners(store, as_of=as_of)
    chunks = _find_chunks(store)
    rows = store.execute(
        "SELECT chunk, sum(n), sum(content), max(id) FROM known_owner WHERE n > 0 GROUP BY chunk"
    ).fetchall()
    stated = [_stated_by_chunk(store, table, as_of=as_of) for table in _STATED]
    common = (judge_hash(rules), chunks)
    return {
        int(number): _hashed(*common, rest, [told.get(number) for told in stated])
        for number, *rest in sorted(rows)
    }


def _find_owners(store: Connection, *, as_of: dt.date) -> None:
    """Make ``known_owner``, all rows of a person in one; ``n`` counts those that may be scored."""
    scored = f"FILTER ({COUNTS} AND day <= $as_of)"
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE known_owner AS SELECT owner, count(*) {scored} AS n,"
        f" sum(content) {scored} AS content, max(id) {scored} AS id,"
        " bool_or(replaced IS NULL) AS there FROM result GROUP BY owner",
        {"as_of": as_of},
    )


def _find_chunks(store: Connection) -> int:
    """Give everybody a chunk by the hash of the pseudonym; return how many chunks there are."""
    (people,) = store.execute("SELECT count(*) FROM known_owner").fetchall()
    chunks = min(_MOST_CHUNKS, 1 + int(people[0]) // PEOPLE_IN_A_CHUNK)
    store.execute("ALTER TABLE known_owner ADD COLUMN chunk INTEGER")
    store.execute(f"UPDATE known_owner SET chunk = md5_number_lower(owner) % {chunks}")
    return chunks


def _stated_by_chunk(
    store: Connection, table: str, *, as_of: dt.date
) -> dict[int, tuple[int, ...]]:
    until = f" WHERE date <= DATE '{as_of}'" if table == "visit" else ""
    found = store.execute(
        f"SELECT chunk, {_sums(table)} FROM {table} JOIN known_owner ON owner = {table}.case_id"
        f"{until} GROUP BY chunk"
    ).fetchall()
    return {int(number): tuple(rest) for number, *rest in found}


def _sums(table: str) -> str:
    """Return the SQL of two sums of hashes of all that a table states."""
    cells = ", ".join(f"coalesce({table}.{name}::VARCHAR, chr(30))" for name in _STATED[table])
    said = f"concat_ws(chr(31), {cells})"
    return f"count(*), sum(md5_number_lower({said})), sum(md5_number_upper({said}))"


def judge_hash(rules: Rules) -> str:
    """Return the hash of all that judges: the facts, a practice's own targets, the program."""
    program = (file.read_bytes() for file in sorted(resource_path("pipeline").rglob("*.py")))
    own = json.dumps([dict(row) for row in rules.targets], sort_keys=True).encode()
    return sha256(b"".join([facts_hash().encode(), *program, own])).hexdigest()


def _hashed(*told: object) -> str:
    return sha256(repr(told).encode()).hexdigest()
