"""Reviews a store of made people, or only takes the medians; prints what it took, as JSON.

One piece of work a process, so that the peak of memory is its own: ``reviewing.py cold FILE``.
"""

import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from made_store import fill_store

from pipeline.cohort import Gate, period_of, review_store
from pipeline.cohort.groups import AGES
from pipeline.cohort.markers import markers_of_period
from pipeline.cohort.people import people_of_period
from pipeline.cohort.scoring import score_store
from pipeline.cohort.seen import find_seen, opened_columns
from pipeline.rules import load_rules
from pipeline.store.opening import scored_beside

AS_OF, PERIOD = dt.date(2026, 12, 31), period_of("2025")
KIB = 1024


def fill(store: Path) -> object:
    """Fill the store with as many people as its name says: ``1000.duckdb``."""
    return fill_store(store, int(store.stem))


def cold(store: Path) -> object:
    """Score everybody: what a review needs that finds no scored columns."""
    return score_store(store, as_of=AS_OF, rules=load_rules())


def warm(store: Path) -> object:
    """Make the review of a year from scored columns, the gate included."""
    return review_store(store, PERIOD, as_of=AS_OF, rules=load_rules(), gate=Gate())


def tables(store: Path) -> object:
    """Make the tables of that year whose medians the plain query takes, and their groups, alone."""
    rules, gate = load_rules(), Gate()
    with opened_columns(scored_beside(store), store) as connection:
        find_seen(connection, PERIOD)
        people = people_of_period(connection, PERIOD, gate)["seen"]
        return markers_of_period(connection, rules, gate, people=people)


def plain_same(store: Path) -> list[tuple[Any, ...]]:
    """Take the quartiles that the tables hold of what was measured, by plain SQL over the results.

    Of each person the last result of each marker in that year: of all, by sex, and by age.
    """
    ages = " ".join(f"WHEN age <= {last} THEN {at}" for at, (_, last) in enumerate(AGES))
    with duckdb.connect(str(store), read_only=True) as opened:
        return opened.execute(
            f"SELECT marker, sex, CASE {ages} END AS ages, count(*),"
            " quantile_cont(low, [0.25, 0.5, 0.75]) FROM (SELECT marker, low, sex,"
            " year(day) - birth_year AS age FROM result JOIN person ON person.case_id = owner"
            " WHERE day BETWEEN $start AND $end QUALIFY row_number() OVER"
            " (PARTITION BY owner, marker ORDER BY day DESC) = 1)"
            " GROUP BY GROUPING SETS ((marker), (marker, sex), (marker, ages))",
            {"start": PERIOD.start, "end": PERIOD.end},
        ).fetchall()


def plain_duckdb(store: Path) -> object:
    """Take the quartiles of each marker in that year, of every result, and nothing else."""
    with duckdb.connect(str(store), read_only=True) as opened:
        return opened.execute(
            "SELECT marker, count(*), quantile_cont(low, [0.25, 0.5, 0.75]) FROM result"
            " WHERE day BETWEEN $start AND $end GROUP BY marker",
            {"start": PERIOD.start, "end": PERIOD.end},
        ).fetchall()


def plain_pandas(store: Path) -> object:
    """Do the same in pandas, of two columns read into memory."""
    with duckdb.connect(str(store), read_only=True) as opened:
        rows = opened.execute(
            "SELECT marker, low FROM result WHERE day BETWEEN $start AND $end",
            {"start": PERIOD.start, "end": PERIOD.end},
        ).df()
    return rows.groupby("marker")["low"].quantile([0.25, 0.5, 0.75])


WORK: dict[str, Callable[[Path], object]] = {
    work.__name__: work
    for work in (fill, cold, warm, tables, plain_same, plain_duckdb, plain_pandas)
}


def main(what: str, store: str) -> None:
    """Do it once, and print the seconds, those of the cores, and the peak of memory [bytes]."""
    load_rules()
    start, of_cores = time.perf_counter(), time.process_time()
    kept = WORK[what](Path(store))
    seconds, of_cores = time.perf_counter() - start, time.process_time() - of_cores
    del kept
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    print(json.dumps({"seconds": seconds, "cores": of_cores, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
