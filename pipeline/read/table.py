"""Middle floor. Splits delimited text into records, strictly by RFC 4180: no cell ever moves."""

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import LabFileError, PipelineError
from pipeline.read.grid import Grid
from pipeline.read.text_file import read_text

DELIMITERS = (",", ";", "\t")
_Record = tuple[int, list[str]]
_LONGEST_LINE = 10_000_000  # characters; a workbook's 16,384 columns of long names are a tenth
_LINE = re.compile(rf"[^\r\n]{{0,{_LONGEST_LINE}}}+(?:\r\n?|\n)|[^\r\n]{{1,{_LONGEST_LINE}}}+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A delimited file: its column names, and each record with the line it starts on."""

    delimiter: str
    header: tuple[str, ...]  # folded: lower case, no blanks around
    lines: list[int]
    records: list[list[str]]  # as many cells as the file has, which may not be the header's number


def read_table(
    path: Path, *, required: Collection[str], error: type[PipelineError] = LabFileError
) -> Table:
    """Return the records of a table, without blank ones; cells are as written.

    The delimiter is the one by which the header holds the ``required`` columns. Lines are physical:
    a line break inside quotes counts.

    Raises ``error`` where the file cannot be read, a required column is absent or stands twice, or
    a quote is not closed.
    """
    return table_of(read_text(path, error=error), name=path.name, required=required, error=error)


def table_of(
    text: str,
    *,
    name: str,
    required: Collection[str],
    error: type[PipelineError] = LabFileError,
) -> Table:
    """Return the records of the text of a table, as ``read_table`` does of a file."""
    delimiter, header = _find_header(text, required=required)
    _require_columns(header, required=required, name=name, error=error)
    lines: list[int] = []
    records: list[list[str]] = []
    for line, cells in _split(text, delimiter=delimiter, name=name, error=error):
        lines.append(line)
        records.append(cells)
    return Table(delimiter=delimiter, header=header, lines=lines[1:], records=records[1:])


def has_header(text: str, *, required: Collection[str]) -> bool:
    """Return whether the first record of a text names all of the required columns."""
    _, header = _find_header(text, required=required)
    return set(required) <= set(header)


def grids_of(text: str, *, name: str) -> Iterator[Grid]:
    """Yield a text parted by each delimiter, where that is possible at all."""
    for delimiter in (*DELIMITERS, "|"):
        try:
            records = list(_split(text, delimiter=delimiter, name=name, error=LabFileError))
        except LabFileError:
            continue
        lines = [line for line, _ in records]
        yield Grid(name="", lines=lines, records=[cells for _, cells in records])


def _find_header(text: str, *, required: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter that finds most of the required columns, and the header it gives."""
    headers = {delimiter: _first_record(text, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: len({*required} & {*headers[delimiter]}))
    return best, headers[best]


def _first_record(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        records = _split(text, delimiter=delimiter, name="", error=LabFileError)
        _, cells = next(records, (0, []))
    except LabFileError:  # by this delimiter a quote stands where none may; another is tried
        return ()
    return tuple(" ".join(cell.split()).casefold() for cell in cells)


def _require_columns(
    header: tuple[str, ...], *, required: Collection[str], name: str, error: type[PipelineError]
) -> None:
    for column in required:
        if column not in header:
            raise error(f"Unable to find column '{column}' in '{name}'.")
    for column in header:
        if column and header.count(column) > 1:
            raise error(f"Expected exactly 1 column '{column}' in '{name}'.")


def _split(
    text: str, *, delimiter: str, name: str, error: type[PipelineError]
) -> Iterator[_Record]:
    """Yield each record that is not blank, with the physical line it starts on."""
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as failure:
        raise error(f"Unable to read line {line} of '{name}': {failure}.") from None


def _lines(text: str) -> Iterator[str]:
    """Yield the physical lines of a text, each with its end, without a copy of the whole."""
    for found in _LINE.finditer(text):
        if found.end() - found.start() >= _LONGEST_LINE:
            raise csv.Error(f"it has {_LONGEST_LINE:,} characters or more")
        yield found.group()
