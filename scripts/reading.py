"""Reads one big made file, by casereport or by a plain library; prints what it took, as JSON.

One file a process, so that the peak of memory is its own: ``reading.py casereport table lab.csv``.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd

from pipeline.read import read_lab_file
from pipeline.rules import load_rules

KIB = 1024


def _plain_workbook(path: Path) -> object:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


PLAIN: dict[str, Callable[[Path], object]] = {
    "table": pd.read_csv,
    "workbook": _plain_workbook,
    "bundle": lambda path: json.loads(path.read_bytes()),
}


def main(who: str, kind: str, file: str) -> None:
    """Read once, and print the seconds and the peak of memory [bytes]."""
    rules, path = load_rules(), Path(file)
    start = time.perf_counter()
    kept = read_lab_file(path, rules=rules) if who == "casereport" else PLAIN[kind](path)
    seconds = time.perf_counter() - start
    del kept
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
