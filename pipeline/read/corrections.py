"""Middle floor. Takes up the rows of a quarantine.csv that a person corrected, and no others."""

import re
import zipfile
import zlib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS
from pipeline.read.dates import DATE_COLUMNS, meanings_of, with_dates
from pipeline.read.kind import is_workbook
from pipeline.read.mapping import AS_WRITTEN, LabMapping
from pipeline.read.numbers import NUMBER_COLUMNS, with_numbers
from pipeline.read.quarantine import AS_READ, COLUMNS, quarantine_of, quarantine_of_sheet
from pipeline.read.table import has_header, table_of
from pipeline.read.text_file import read_bytes, text_of
from pipeline.read.workbook import read_workbook

CORRECTION = "correction_reading"  # a column of rows: how a person's correction stands, or ""
_LAST_COLUMN, _HEAD = COLUMNS[-1].encode(), 4_096  # by which a quarantine is told from others
_PARTS, _HEAD_OF_PART = re.compile(r"xl/(?:sharedStrings|worksheets/[^/]+)\.xml"), 65_536
_MAY_CHANGE = ("value", "unit", "analyte", "collected_at", "sample_id", "case_id")
_COMPARED = tuple(name for name in AS_READ if name not in ("row", "file", "line", "reasons"))
_NUMBER, _WHOLE = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?"), re.compile("[0-9]+")
_RETYPED = {"value": _NUMBER, "sample_id": _WHOLE, "case_id": _WHOLE}  # as numbers, that is
# How a spreadsheet of this delimiter writes dates. A workbook says them itself.
_ORDERS = {";": "dmy"}
_DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
_SAVED_BY_US = ","


def corrections_of(path: Path) -> pd.DataFrame | None:
    """Return the corrected rows of a quarantine.csv: ``COLUMNS``, all text; None of another file.

    It may have been saved as a workbook or with another delimiter, which the column ``delimiter``
    says: "" of a workbook.

    Raises LabFileError where a row has another number of cells, or no row has a correction.
    """
    if not _may_be_quarantine(path):
        return None
    rows, name = _quarantine(path), path.name
    if rows is None:
        return None
    corrected = rows[rows["correction"].str.strip() != ""]
    if corrected.empty:
        raise LabFileError(f"Unable to find a correction in '{name}': fill in column 'correction'.")
    if corrected["row"].duplicated().any():
        raise LabFileError(f"Expected every row to be corrected once, in '{name}'.")
    return corrected.reset_index(drop=True)


def _may_be_quarantine(path: Path) -> bool:
    """Return whether the head of a file names our last column; a large file is not read for it."""
    if not path.is_file():  # a pipe would block
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        return _names_column(path) if is_workbook(head) else _LAST_COLUMN in head
    except _DAMAGED:
        return False  # the reader of lab files says what is wrong with it


def _names_column(path: Path) -> bool:
    with zipfile.ZipFile(path) as packed:
        parts = [part for part in packed.namelist() if _PARTS.fullmatch(part)]
        return any(_LAST_COLUMN in _head_of(packed, part) for part in parts)


def _head_of(packed: zipfile.ZipFile, part: str) -> bytes:
    with packed.open(part) as file:
        return file.read(_HEAD_OF_PART)


def _quarantine(path: Path) -> pd.DataFrame | None:
    """Return all rows of a quarantine, with ``delimiter``; None of a file that is none."""
    content, name = read_bytes(path), path.name
    if is_workbook(content):
        sheets = map(quarantine_of_sheet, read_workbook(content, name=name))
        rows = next((sheet for sheet in sheets if sheet is not None), None)
        return None if rows is None else rows.assign(delimiter="")
    text = text_of(content, name=name)
    if not has_header(text, required=COLUMNS):
        return None
    delimiter = table_of(text, name=name, required=COLUMNS).delimiter
    return quarantine_of(text, name=name).assign(delimiter=delimiter)


def with_corrections(
    raw: pd.DataFrame,
    corrections: pd.DataFrame,
    *,
    source: int,
    mapping: LabMapping | None = None,
) -> pd.DataFrame:
    """Return the rows of an intake in which corrected ones stand in place of what was read.

    ``raw`` is what ``read_lab_file`` gives, of all files, with ``source`` (the number of the file)
    and ``folder_case``. A correction of a row of none of them is a row of its own, of the file
    ``source``. The column ``CORRECTION`` says "corrected", or why the correction is not used:
    "without-reason", "unreadable" (it names a column that cannot be corrected) or "changed" (the
    row was changed in place); such a row keeps what was read. A cell that a spreadsheet only wrote
    in another way, the same date or number, is not changed; but where the file of the row is not at
    hand, nothing shows that it is the same. Each row id stays that of its file. A correction may be
    in the words of the laboratory that ``mapping`` knows.
    """
    mapping = mapping or LabMapping()
    told = [_understood(one) for one in corrections.to_dict("records")]
    by_row = {one.row: one for one in told}
    here = raw["row"].isin(by_row)
    own = raw[here].assign(**{CORRECTION: ""})
    for place, row in own["row"].items():
        for column, text in _in_place(own.loc[place], by_row[row]).items():
            own.at[place, AS_WRITTEN.get(column, column)] = text
    at_hand = set(own["row"])
    others = [one for one in told if one.row not in at_hand]
    columns = [*RAW_COLUMNS, CORRECTION]
    alone = pd.DataFrame([_alone(one) for one in others], columns=columns, dtype=object)
    alone = alone.fillna("").astype(str).assign(source=source, folder_case="", cells=1, columns=1)
    alone = alone.assign(**{name: alone[column] for column, name in AS_WRITTEN.items()})
    read = _read_again(mapping.in_our_words(own))
    parts = [raw[~here].assign(**{CORRECTION: ""}), _with_readings(read, raw[here])]
    together = pd.concat(parts).sort_index()
    apart = _read_again(mapping.in_our_words(alone))
    return pd.concat([together, apart], ignore_index=True)[list(together.columns)]


def _with_readings(rows: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return corrected rows; what was not corrected reads as its whole file proved it to."""
    for column, readings in (("value", NUMBER_COLUMNS), ("collected_at", DATE_COLUMNS)):
        same = rows[column] == before[column]
        for reading in readings:
            rows[reading] = rows[reading].mask(same, before[reading])
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correction:
    """One corrected row: what was read, what changes, and how the correction stands."""

    row: str
    read: Mapping[str, str]
    changes: Mapping[str, str]
    standing: str
    delimiter: str

    def used(self) -> Mapping[str, str]:
        return self.changes if self.standing == "corrected" else {}


def _understood(one: Mapping[Hashable, str]) -> _Correction:
    changes = _parts(one["correction"])
    standing = "corrected"
    if not one["correction_reason"].strip():
        standing = "without-reason"
    elif not set(changes) <= set(_MAY_CHANGE):
        standing = "unreadable"
    read = {name: one[name] for name in AS_READ if name != "reasons"}
    return _Correction(
        row=one["row"],
        read=read,
        changes=changes,
        standing=standing,
        delimiter=one["delimiter"],
    )


def _parts(correction: str) -> dict[str, str]:
    """Return what a correction says: a value, or "unit=mmol/L; value=5,2"."""
    if "=" not in correction.lstrip("<>≤≥ ").lstrip("="):
        return {"value": correction.strip()}
    parts = (part.partition("=") for part in correction.split(";"))
    return {name.strip(): text.strip() for name, _, text in parts}


def _in_place(row: pd.Series, correction: _Correction) -> dict[str, str]:
    """Return what changes of a row that was read; nothing where it was changed in place too."""
    order = _ORDERS.get(correction.delimiter, "")
    if not all(_is_same(row, name, correction.read[name], order=order) for name in _COMPARED):
        return {CORRECTION: "changed"}
    return {**correction.used(), CORRECTION: correction.standing}


def _is_same(row: pd.Series, column: str, text: str, *, order: str) -> bool:
    """Return whether a cell says what was read, be it as a spreadsheet writes that."""
    written = str(row[AS_WRITTEN.get(column, column)])
    if text == written:
        return True
    if column == "collected_at":
        was = {row["moment"]} if row["moment"] else meanings_of(written)
        told = _moments(meanings_of(text, order))
        return bool(told) and told <= _moments(was)
    number = _RETYPED.get(column)
    if number is None or not (number.fullmatch(text) and number.fullmatch(written)):
        return False
    return Decimal(text.replace(",", ".")) == Decimal(written.replace(",", "."))


def _moments(texts: Iterable[str]) -> set[pd.Timestamp]:
    return {pd.Timestamp(text) for text in texts}


def _alone(correction: _Correction) -> dict[str, str]:
    """Return a corrected row whose file is not at hand."""
    if correction.standing == "corrected" and correction.delimiter != _SAVED_BY_US:
        return {**correction.read, CORRECTION: "changed"}
    return {**correction.read, **correction.used(), CORRECTION: correction.standing}


def _read_again(rows: pd.DataFrame) -> pd.DataFrame:
    return with_dates(with_numbers(rows)) if len(rows) else rows
