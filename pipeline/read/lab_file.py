"""Middle floor. Reads one lab file of any known kind: results as text, numbers and dates read."""

from pathlib import Path

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS
from pipeline.read.dates import DATE_COLUMNS, with_dates
from pipeline.read.fhir import read_fhir_json, read_fhir_xml
from pipeline.read.grid import Grid
from pipeline.read.hl7v2 import decode_hl7v2, is_hl7v2, read_hl7v2
from pipeline.read.kind import Kind, is_workbook, kind_of
from pipeline.read.lab_csv import read_lab_csv, required_of
from pipeline.read.lab_table import read_lab_table
from pipeline.read.layout import PATIENT_NUMBER, Layout, Vocabulary, layout_of
from pipeline.read.numbers import NUMBER_COLUMNS, with_numbers
from pipeline.read.reading import Known, Reading, as_rows, joined
from pipeline.read.table import grids_of, has_header
from pipeline.read.text_file import read_bytes, text_of
from pipeline.read.workbook import read_workbook
from pipeline.rules import Rules

SUFFIXES = (
    ".csv",
    ".tsv",
    ".xlsx",
    ".hl7",
    ".json",
    ".xml",
)  # by which a folder's lab files are known
_DOCUMENTS = {
    Kind.HL7_V2: read_hl7v2,
    Kind.FHIR_JSON: read_fhir_json,
    Kind.FHIR_XML: read_fhir_xml,
}
_HEAD = 256
_READ_COLUMNS = ("cells", "columns", *NUMBER_COLUMNS, *DATE_COLUMNS)


def read_lab_file(path: Path, *, rules: Rules, case_id: str | None = None) -> Reading:
    """Return the results of a file in its order: ``RAW_COLUMNS``, all text, then what was read.

    ``row`` is "file:line", "file#sheet:line" or "file:path"; ``cells`` and ``columns`` count the
    cells of the record and of the header; then ``NUMBER_COLUMNS`` and ``DATE_COLUMNS``. No unit is
    converted here, and what the file does not have is "". With ``case_id`` all rows are of that
    case, unless they say otherwise.

    Raises LabFileError where the file is of no known kind, or cannot be read at all.
    """
    reading = _read(read_bytes(path), name=path.name, rules=rules, case_id=case_id)
    rows = reading.rows
    if rows.empty and not reading.ignored:
        raise LabFileError(f"Unable to find any row in '{path.name}': it has only a header.")
    rows = _with_addresses(rows, name=path.name)
    rows = with_dates(with_numbers(rows))
    return Reading(rows=rows[[*RAW_COLUMNS, *_READ_COLUMNS]], ignored=reading.ignored)


def vocabulary_of(rules: Rules) -> Vocabulary:
    """Return the words by which the rules know columns, analytes and units."""
    units = set(rules.units["folded"])
    return Vocabulary(
        columns=rules.column_names,
        is_analyte=_is_known(rules),
        is_unit=lambda unit: rules.fold_unit(unit) in units,
    )


def _read(content: bytes, *, name: str, rules: Rules, case_id: str | None) -> Reading:
    if is_workbook(content):
        return _tables(read_workbook(content, name=name), name=name, rules=rules, case_id=case_id)
    is_message = is_hl7v2(decode_hl7v2(content[:_HEAD]))  # a message names its own encoding
    text = decode_hl7v2(content) if is_message else text_of(content, name=name)
    document = _DOCUMENTS.get(kind_of(text))
    if document is None:
        return _read_text(text, name=name, rules=rules, case_id=case_id)
    return document(text, name=name, known=_is_known(rules), case_id=case_id)


def _is_known(rules: Rules) -> Known:
    return lambda name: rules.marker_of(name) is not None


def _read_text(text: str, *, name: str, rules: Rules, case_id: str | None) -> Reading:
    """Return the results of a text: of the project's own table, else of whatever table it is."""
    if not has_header(text, required=required_of(case_id)):
        words = vocabulary_of(rules)
        parted = [(grid, layout_of(grid, words)) for grid in grids_of(text, name=name)]
        found = [(grid, layout) for grid, layout in parted if layout is not None]
        if found:
            grid, layout = max(found, key=lambda pair: pair[1].known)
            _require_columns(layout, name=name, case_id=case_id)
            return read_lab_table(grid, layout, case_id=case_id)
    return read_lab_csv(text, name=name, case_id=case_id)  # which says what it lacks


def _tables(grids: list[Grid], *, name: str, rules: Rules, case_id: str | None) -> Reading:
    """Return the results of all sheets that hold a table; the records of others are counted."""
    words = vocabulary_of(rules)
    layouts = [layout_of(grid, words) for grid in grids]
    if not any(layouts):
        raise LabFileError(f"Unable to find columns with results in '{name}'.")
    for layout in filter(None, layouts):
        _require_columns(layout, name=name, case_id=case_id)
    return joined(
        _of_no_table(grid) if layout is None else read_lab_table(grid, layout, case_id=case_id)
        for grid, layout in zip(grids, layouts, strict=True)
    )


def _require_columns(layout: Layout, *, name: str, case_id: str | None) -> None:
    """Raise LabFileError where a table does not say whose its results are, of when, or the unit."""
    found = set(layout.columns.values())
    whose = bool(case_id) or not found.isdisjoint(("case_id", PATIENT_NUMBER))
    unit = layout.is_wide or "unit" in found
    said = {"case_id": whose, "collected_at": "collected_at" in found, "unit": unit}
    for column, known in said.items():
        if not known:
            raise LabFileError(f"Unable to find column '{column}' in '{name}'.")


def _of_no_table(grid: Grid) -> Reading:
    return Reading(rows=as_rows(()), ignored={"sheet-without-results": len(grid.records)})


def _with_addresses(rows: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Return rows with file and row id; a record that the header fits has one cell a column."""
    sheet = rows["sheet"] if "sheet" in rows else pd.Series("", index=rows.index)
    place = (name + "#" + sheet).where(sheet != "", name)
    fitting = {column: _counts(rows, column) for column in ("cells", "columns")}
    line = rows["line"].astype(str)
    return rows.assign(line=line, file=name, row=place + ":" + line, **fitting)


def _counts(rows: pd.DataFrame, column: str) -> pd.Series:
    return (
        rows[column].replace("", 1).astype(int)
        if column in rows
        else pd.Series(1, index=rows.index)
    )
