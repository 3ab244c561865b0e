"""Middle floor. Writes and reads quarantine.csv: the rows set aside, as they were read."""

import csv
from collections.abc import Callable
from io import StringIO

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.read.grid import Grid
from pipeline.read.table import Table, table_of

AS_READ = (
    "row",
    "file",
    "line",
    "case_id",
    "sample_id",
    "collected_at",
    "analyte",
    "value",
    "unit",
    "reasons",
)
COLUMNS = (*AS_READ, "sentence", "correction", "correction_reason")
_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"


def guarded(text: str) -> str:
    """Return a text that no spreadsheet runs: one that would be a formula gets a leading '."""
    return _GUARD + text if text.startswith((*_RUNS_AS_FORMULA, _GUARD)) else text


def unguarded(text: str) -> str:
    """Return what ``guarded`` was given."""
    return text.removeprefix(_GUARD)


def quarantine_csv(rows: pd.DataFrame, *, sentence: Callable[[str, str], str]) -> bytes:
    """Return quarantine.csv of ``rows`` (``AS_READ`` and ``likely_unit``), each reason told.

    ``sentence`` tells a reason, given its word and the likely unit.

    It is UTF-8 with a byte order mark, by which spreadsheets know it. ``correction`` and
    ``correction_reason`` are empty: they are a person's to fill in.
    """
    pairs = list(zip(rows["reasons"], rows["likely_unit"], strict=True))
    texts = {pair: _sentences(*pair, sentence) for pair in set(pairs)}
    sentences = [texts[pair] for pair in pairs]
    told = rows.assign(sentence=sentences, correction="", correction_reason="")
    file = StringIO(newline="")
    writer = csv.writer(file)  # its CRLF, by RFC 4180, is why a lone CR or LF is quoted
    writer.writerow(COLUMNS)
    for row in told[list(COLUMNS)].itertuples(index=False, name=None):
        writer.writerow([guarded(cell) for cell in row])
    return file.getvalue().encode("utf-8-sig")


def quarantine_of(text: str, *, name: str) -> pd.DataFrame:
    """Return the rows of a quarantine.csv, columns ``COLUMNS``, all text, the guards removed.

    Raises LabFileError where it is no such table, or a row has another number of cells.
    """
    return _rows(table_of(text, name=name, required=COLUMNS))


def quarantine_of_sheet(grid: Grid) -> pd.DataFrame | None:
    """Return what ``quarantine_of`` does, of a sheet of a workbook; None of another sheet."""
    header = tuple(" ".join(cell.split()).casefold() for cell in grid.records[0])
    if not set(COLUMNS) <= set(header):
        return None
    records = [[*cells, *[""] * (len(header) - len(cells))] for cells in grid.records[1:]]
    return _rows(Table(delimiter="", header=header, lines=grid.lines[1:], records=records))


def _rows(table: Table) -> pd.DataFrame:
    for line, record in zip(table.lines, table.records, strict=True):
        if len(record) != len(table.header):
            raise LabFileError(f"Expected exactly {len(table.header)} cells in line {line}.")
    cells = [[unguarded(cell) for cell in record] for record in table.records]
    return pd.DataFrame(cells, columns=list(table.header), dtype=str)[list(COLUMNS)]


def _sentences(words: str, likely_unit: str, sentence: Callable[[str, str], str]) -> str:
    return " ".join(sentence(word, likely_unit) for word in words.split(";"))
