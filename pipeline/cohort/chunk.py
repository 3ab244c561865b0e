"""Cohort floor. Judges one chunk of the people of a store, by the path of one person."""

import datetime as dt

import numpy as np
import pandas as pd

from pipeline.cohort.keys import COUNTS
from pipeline.intake.stated import known_people, people_named
from pipeline.interpret import Judged, interpret_columns
from pipeline.model import ACCEPTED_COLUMNS, NOT_SCORED
from pipeline.read import stated_table
from pipeline.rules import Rules
from pipeline.store.opening import Connection, count
from pipeline.store.rows import quoted

_WORDS = (
    *("case_id", "sample_id", "collected_at", "marker", "unit_as_reported", "comparator"),
    *("haemolysis", "lab", "method", "status", "specimen", "notes"),
)
_NUMBERS = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "fasting_hours")


def score_chunk(store: Connection, number: int, *, as_of: dt.date, rules: Rules) -> Judged:
    """Return what is judged of the people of one chunk; which they are, ``find_keys`` has found."""
    _take_rows(store, number, as_of=as_of)
    rows, doubted = _rows(store), _doubted(store)
    cases = pd.Index(rows["case_id"].cat.categories).union(doubted["case_id"].unique())
    told = list(known_people(store, cases))
    return interpret_columns(
        rows,
        people_named(cases, told),
        stated_table(told),
        as_of=as_of,
        rules=rules,
        not_scored=doubted,
    )


def _take_rows(store: Connection, number: int, *, as_of: dt.date) -> None:
    """Make the tables of one chunk: ``part``, its accepted rows, and ``aside``, the others."""
    names = quoted((*_WORDS, *_NUMBERS, "factor_known"))
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE taken AS SELECT {names}, owner, day, reasons FROM result"
        f" WHERE {COUNTS} AND day <= $as_of AND owner IN"
        f" (SELECT owner FROM known_owner WHERE chunk = {number}) ORDER BY id",
        {"as_of": as_of},
    )
    store.execute("CREATE OR REPLACE TEMP TABLE part AS FROM taken WHERE reasons = ''")
    store.execute("CREATE OR REPLACE TEMP TABLE aside AS FROM taken WHERE reasons <> ''")
    store.execute("DROP TABLE taken")


def _rows(store: Connection) -> pd.DataFrame:
    """Return accepted rows in which words are categories; evidence is not asked for."""
    found = store.execute(f"SELECT {', '.join((*_NUMBERS, 'factor_known'))} FROM part").fetchnumpy()
    frame = {name: np.ma.filled(found[name].astype(float), np.nan) for name in _NUMBERS}
    frame["factor_known"] = np.ma.filled(found["factor_known"], True).astype(bool)
    words = {name: _category(store, name) for name in _WORDS}
    rows = pd.DataFrame({"row": np.arange(len(frame["low"]), dtype=np.int32), **words, **frame})
    blank = pd.Categorical.from_codes(np.zeros(len(rows), dtype=np.int8), _index([""]))
    return rows.assign(value_as_reported=blank, comment=blank)[list(ACCEPTED_COLUMNS)]


def _category(store: Connection, name: str) -> pd.Categorical:
    """Return a column of words as codes, made by DuckDB: Python strings would take the memory."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE word AS SELECT word, row_number() OVER (ORDER BY word) - 1"
        f" AS code FROM (SELECT DISTINCT coalesce(\"{name}\", '') AS word FROM part)"
    )
    words = [word for (word,) in store.execute("SELECT word FROM word ORDER BY code").fetchall()]
    if len(words) == 1:  # mostly blanks
        return pd.Categorical.from_codes(
            np.zeros(count(store, "part"), dtype=np.int8), _index(words)
        )
    codes = store.execute(
        f"SELECT code::INTEGER AS code FROM (SELECT rowid AS place,"
        f" coalesce(\"{name}\", '') AS word FROM part) JOIN word USING (word) ORDER BY place"
    ).fetchnumpy()["code"]
    return pd.Categorical.from_codes(np.asarray(codes), _index(words))


def _index(words: list[str]) -> pd.Index:
    return pd.Index(words, dtype=str)


def _doubted(store: Connection) -> pd.DataFrame:
    """Return case_id, date and marker of values that were set aside for their unit or size."""
    words = " OR ".join(f"list_contains(string_split(reasons, ';'), '{one}')" for one in NOT_SCORED)
    found = store.execute(
        f"SELECT owner AS case_id, day AS date, marker FROM aside WHERE {words}"
    ).df()
    return found.astype({"case_id": str, "date": "datetime64[ns]", "marker": str})
