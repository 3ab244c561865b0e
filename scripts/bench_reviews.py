"""Times the review of a period, at each size, beside the medians alone in DuckDB and in pandas.

Part of ``make bench``; the largest size, 80 million results, only with ``CASEREPORT_SIZE=full``.
"""

import os
import tempfile
from pathlib import Path

from bench import SIZES, growth, measured

REVIEWED = SIZES if os.environ.get("CASEREPORT_SIZE") == "full" else SIZES[:-1]
_WORK = ("fill", "cold", "warm", "tables", "plain_same", "plain_duckdb", "plain_pandas")
_NAMES = (
    *("people", "cold s", "exp.", "cores s", "GB", "warm s", "exp.", "cores s", "GB"),
    *("tables s", "same s", "times", "DuckDB s", "times", "pandas s"),
)
_HEADS = (
    "{:>9} {:>7} {:>5} {:>7} {:>5}  {:>7} {:>5} {:>7} {:>5}  | {:>8} {:>7} {:>5} {:>8} {:>5} {:>8}"
)
_CELLS = (
    "{:9,} {:7.1f} {:>5} {:7.1f} {:5.2f}  {:7.1f} {:>5} {:7.1f} {:5.2f}"
    "  | {:8.2f} {:7.2f} {:5.1f} {:8.2f} {:5.1f} {:8.2f}"
)
Taken = dict[str, dict[str, float]]  # seconds, those of the cores, and the peak, by work


def time_reviews() -> None:
    """Print time and memory of a review at each size, beside the medians alone.

    Four visits a person, 20 markers each. ``cold`` scores everybody, ``warm`` makes the review of a
    year from the scored columns; the exponents say how both grew since the size above, and ``cores
    s`` is what the cores worked, whatever else the machine did. ``tables`` is the part of a warm
    review that tells the medians; ``same`` takes those of what was measured by plain SQL over the
    results, of all people, by sex and by age, and ``DuckDB`` and ``pandas`` one a marker, of every
    result; ``times`` is how many times as long the tables take.
    """
    print(
        "\nFrom a store to the review of a year, without its pages; beside it the medians alone.\n"
    )
    print(_HEADS.format(*_NAMES))
    before: tuple[int, Taken] | None = None
    for people in REVIEWED:
        with tempfile.TemporaryDirectory() as folder:
            store = str(Path(folder) / f"{people}.duckdb")
            taken = {what: measured("reviewing", what, store) for what in _WORK}
        print(_line(people, taken, before))
        before = people, taken


def _line(people: int, taken: Taken, before: tuple[int, Taken] | None) -> str:
    tables, same, duckdb, pandas = (
        taken[what]["seconds"] for what in ("tables", "plain_same", "plain_duckdb", "plain_pandas")
    )
    reviewing = [cell for what in ("cold", "warm") for cell in _cells(what, people, taken, before)]
    beside = (tables, same, tables / same, duckdb, tables / duckdb, pandas)
    return _CELLS.format(people, *reviewing, *beside)


def _cells(
    what: str, people: int, taken: Taken, before: tuple[int, Taken] | None
) -> tuple[float | str, ...]:
    """Return seconds, how they grew, those of the cores, and the peak of memory [GB]."""
    one, grown = taken[what], ""
    if before is not None:
        few, earlier = before
        grown = f"{growth((few, earlier[what]['seconds']), (people, one['seconds'])):.2f}"
    return one["seconds"], grown, one["cores"], one["peak"] / 1e9
