"""Middle floor. Reads the sheets of a workbook (XLSX) as text, within stated limits."""

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from openpyxl import load_workbook

from pipeline.errors import LabFileError
from pipeline.read.grid import Grid, Number

# A zip bomb is known by what it unpacks to. A sheet of a million results unpacks to some 500 MB and
# is packed some twenty times; the limits of the ratio are those of Apache POI's ZipSecureFile.
_MOST_PARTS = 1_000
_MOST_BYTES = 1_000_000_000
_MOST_BYTES_OF_STRINGS = 256_000_000
_MOST_RATIO = 100
_SMALL = 1_000_000  # below this a ratio says nothing
_HEAD = 4_096
_CHUNK = 1 << 20
_FORMULA = (b"<f>", b"<f ", b":f>", b":f ")


def read_workbook(content: bytes, *, name: str) -> list[Grid]:
    """Return the sheets of a workbook, those without a cell left out; a cell is text.

    A number is a ``Number``, a date is written as ISO 8601. Of a formula the value is read that was
    stored with it; where there is none, the formula itself, so that it is not taken for an empty
    cell.

    Raises LabFileError where it is no workbook, is encrypted, or unpacks to more than it may.
    """
    formulas = _require_harmless(content, name=name)
    try:
        sheets = list(_sheets(content, data_only=True))
        if formulas:
            sheets = list(map(_with_formulas, sheets, _sheets(content, data_only=False)))
    except MemoryError:
        raise
    except Exception as failure:  # openpyxl raises whatever its XML parser meets
        raise LabFileError(f"Unable to read '{name}' as a workbook: {_kind(failure)}.") from None
    return [sheet for sheet in sheets if sheet.records]


def _kind(failure: Exception) -> str:
    return f"it is damaged ({type(failure).__name__})"


# What may be unpacked.


def _require_harmless(content: bytes, *, name: str) -> bool:
    """Return whether a sheet holds formulas; raise LabFileError where unpacking would be unsafe."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            parts = packed.infolist()
            _require_few(parts, name=name)
            _require_no_doctype(packed, parts, name=name)
            return any(_holds(packed, part, _FORMULA) for part in parts if _is_sheet(part.filename))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        raise LabFileError(f"Unable to read '{name}' as a workbook: it is damaged.") from None


def _require_few(parts: list[zipfile.ZipInfo], *, name: str) -> None:
    names = [part.filename for part in parts]
    if not any(part.startswith("xl/") for part in names):
        raise LabFileError(f"Unable to read '{name}': it is a zip archive, not a workbook.")
    if len(parts) > _MOST_PARTS or len({part.casefold() for part in names}) < len(names):
        raise LabFileError(
            f"Unable to read '{name}': its parts are too many, or stand there twice."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise LabFileError(f"Unable to read '{name}': it is encrypted.")
    bomb = any(
        part.file_size > _SMALL and part.file_size > _MOST_RATIO * max(part.compress_size, 1)
        for part in parts
    )
    strings = max((part.file_size for part in parts if not _is_sheet(part.filename)), default=0)
    if bomb or sum(part.file_size for part in parts) > _MOST_BYTES:
        raise LabFileError(
            f"Unable to read '{name}': it unpacks to more than a workbook of its size."
        )
    if strings > _MOST_BYTES_OF_STRINGS:
        raise LabFileError(f"Unable to read '{name}': its texts unpack to more than 256 MB.")


def _is_sheet(part: str) -> bool:
    return part.startswith("xl/worksheets/")


def _require_no_doctype(
    packed: zipfile.ZipFile, parts: list[zipfile.ZipInfo], *, name: str
) -> None:
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with packed.open(part) as file:
                if b"<!DOCTYPE" in file.read(_HEAD).replace(b"\0", b"").upper():
                    raise LabFileError(f"Unable to read '{name}': it declares a document type.")


def _holds(packed: zipfile.ZipFile, part: zipfile.ZipInfo, words: tuple[bytes, ...]) -> bool:
    before = b""
    with packed.open(part) as file:
        while chunk := file.read(_CHUNK):
            if any(word in before + chunk for word in words):
                return True
            before = chunk[-8:]
    return False


# Cells as text.


def _sheets(content: bytes, *, data_only: bool) -> Iterator[Grid]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions, which are not read here
        yield from _sheets_of(content, data_only=data_only)


def _sheets_of(content: bytes, *, data_only: bool) -> Iterator[Grid]:
    book = load_workbook(BytesIO(content), read_only=True, data_only=data_only, keep_links=False)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # what a file says of its size need not be so
            yield _grid(sheet.title, sheet.iter_rows(values_only=True))
    finally:
        book.close()


def _grid(name: str, rows: Iterator[tuple[Any, ...]]) -> Grid:
    lines: list[int] = []
    records: list[list[str]] = []
    for line, cells in enumerate(rows, start=1):
        if any(cell is not None for cell in cells):
            lines.append(line)
            records.append([_text(cell) for cell in cells])
    return Grid(name=name, lines=lines, records=records, even=True)


def _with_formulas(sheet: Grid, formulas: Grid) -> Grid:
    """Return a sheet in which a formula without a stored value stands as it is written."""
    stored = dict(zip(sheet.lines, sheet.records, strict=True))
    records = [
        [kept or formula for kept, formula in _pairs(stored.get(line, []), written)]
        for line, written in zip(formulas.lines, formulas.records, strict=True)
    ]
    return Grid(name=sheet.name, lines=formulas.lines, records=records, even=True)


def _pairs(stored: list[str], written: list[str]) -> Iterator[tuple[str, str]]:
    for place, formula in enumerate(written):
        yield (stored[place] if place < len(stored) else ""), formula


def _text(cell: object) -> str:
    """Return a cell as text."""
    for kind, write in _WRITERS:
        if isinstance(cell, kind):
            return write(cell)
    return "" if cell is None else str(cell)


def _number(cell: float) -> str:
    if isinstance(cell, int):
        return Number(cell)
    return Number(np.format_float_positional(cell, trim="-")) if np.isfinite(cell) else str(cell)


def _moment(cell: dt.datetime) -> str:
    """Return a date, with its time where it has one."""
    midnight = cell.time() == dt.time()
    return cell.date().isoformat() if midnight else cell.replace(microsecond=0).isoformat()


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (str, str),
    (bool, lambda cell: str(cell).upper()),
    (dt.datetime, _moment),
    (int, _number),
    (float, _number),
)
