"""Middle floor. Reads one lab file of any known kind: results as text, numbers and dates read."""

from pathlib import Path

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS
from pipeline.read.dates import DATE_COLUMNS, with_dates
from pipeline.read.fhir import read_fhir_json, read_fhir_xml
from pipeline.read.hl7v2 import decode_hl7v2, is_hl7v2, read_hl7v2
from pipeline.read.kind import Kind, is_transport, is_workbook, kind_of
from pipeline.read.lab_tables import Wanted, read_sheets, read_text_table
from pipeline.read.mapping import AS_WRITTEN, LabMapping
from pipeline.read.numbers import NUMBER_COLUMNS, with_numbers
from pipeline.read.reading import COLUMNS, PERSONAL_COLUMN, Reading, as_rows
from pipeline.read.text_file import read_bytes, text_of
from pipeline.read.transport import read_transport
from pipeline.read.workbook import read_workbook
from pipeline.rules import Rules

_SUFFIXES = (".csv", ".tsv", ".xlsx", ".hl7", ".xpt")  # by which lab files of a folder are known …
_DOCUMENT_SUFFIXES = (".json", ".xml")  # … and of which only those of FHIR are
_DOCUMENTS = {
    Kind.HL7_V2: read_hl7v2,
    Kind.FHIR_JSON: read_fhir_json,
    Kind.FHIR_XML: read_fhir_xml,
}
_HEAD, _FHIR_HEAD = 256, 65_536  # bytes by which a message, or a document, is known
_FHIR_WORDS = (b'"resourceType"', b"http://hl7.org/fhir")
_READ_COLUMNS = ("cells", "columns", *AS_WRITTEN.values(), *NUMBER_COLUMNS, *DATE_COLUMNS)


def read_lab_file(
    path: Path, *, rules: Rules, case_id: str | None = None, mapping: LabMapping | None = None
) -> Reading:
    """Return the results of a file in its order: ``RAW_COLUMNS``, all text, then what was read.

    ``row`` is "file:line", "file#sheet:line" or "file:path"; ``cells`` and ``columns`` count the
    cells of the record and of the header; then what the file itself says where a mapping says it in
    our words (``AS_WRITTEN``), ``NUMBER_COLUMNS`` and ``DATE_COLUMNS``. No unit is converted here,
    and what the file does not have is "". With ``case_id`` all rows are of that
    case, unless they say otherwise. ``mapping`` says how the laboratory writes.

    Raises LabFileError where the file is of no known kind, or cannot be read at all.
    """
    mapping = mapping or LabMapping()
    wanted = Wanted(name=path.name, rules=rules, case_id=case_id, mapping=mapping)
    reading = _read(read_bytes(path), wanted)
    if reading.rows.empty and set(reading.ignored) <= {PERSONAL_COLUMN}:
        raise LabFileError(f"Unable to find any row in '{path.name}': it has only a header.")
    rows = mapping.applied(_filled(reading.rows))
    orders = {path.name: mapping.dates} if mapping.dates else {}
    rows = with_dates(with_numbers(_with_addresses(rows, name=path.name)), orders)
    return Reading(rows=rows[[*RAW_COLUMNS, *_READ_COLUMNS]], ignored=reading.ignored)


def is_lab_file(path: Path) -> bool:
    """Return whether a file of a folder is a lab file; other documents may lie beside them."""
    suffix = path.suffix.lower()
    if suffix not in _DOCUMENT_SUFFIXES or not path.is_file():
        return suffix in _SUFFIXES
    with path.open("rb") as file:
        head = file.read(_FHIR_HEAD)
    return any(word in head for word in _FHIR_WORDS)


def no_rows() -> pd.DataFrame:
    """Return what ``read_lab_file`` gives of a file without a result, of no file and no case."""
    nothing = LabMapping().applied(_filled(as_rows(())))
    empty = with_dates(with_numbers(_with_addresses(nothing, name="")))
    return empty[[*RAW_COLUMNS, *_READ_COLUMNS]].assign(source=0, folder_case="")


def _read(content: bytes, wanted: Wanted) -> Reading:
    if is_workbook(content):
        return read_sheets(read_workbook(content, name=wanted.name), wanted)
    if is_transport(content):
        return read_sheets([read_transport(content, name=wanted.name)], wanted)
    is_message = is_hl7v2(decode_hl7v2(content[:_HEAD]))  # which names its own encoding
    text = decode_hl7v2(content) if is_message else text_of(content, name=wanted.name)
    document = _DOCUMENTS.get(kind_of(text))
    if document is None:
        return read_text_table(text, wanted)
    return document(text, name=wanted.name, known=wanted.is_analyte, case_id=wanted.case_id)


def _filled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with all columns of a ``Reading``; a record that fits has one cell a column."""
    full = rows.reindex(columns=list(COLUMNS), fill_value="")
    for column in ("cells", "columns"):
        full[column] = full[column].replace("", 1).astype(int)
    return full.assign(line=full["line"].astype(str))


def _with_addresses(rows: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Return rows with file and row id."""
    place = (name + "#" + rows["sheet"]).where(rows["sheet"] != "", name)
    return rows.assign(file=name, row=place + ":" + rows["line"])
