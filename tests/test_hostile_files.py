"""Files made to take all time or memory: each is read, or refused, within the stated limits."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from clinic import RULES
from hostile import end_in_a_process
from openpyxl import Workbook, load_workbook

from pipeline.read import read_lab_file

HEADER = "case_id,sample_id,collected_at,analyte,value,unit"
GOOD = "a,s1,2024-01-01,alt,22,U/L"
TABLE = [HEADER.split(","), ["a", "s1", "2024-01-01", "alt", 22, "U/L"]]
LONG, MANY = 100_000_000, 10_000


def workbook(*rows: list[object], **cells: object) -> bytes:
    """Return a workbook with rows, then single cells by their address."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for address, value in cells.items():
        sheet[address] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a workbook of which one part is changed."""
    file = io.BytesIO()
    old = zipfile.ZipFile(io.BytesIO(content))
    with old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            own = old.read(part)
            new.writestr(part, change(own) if part == name else own)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def with_sheet(content: bytes, old: bytes, new: bytes) -> bytes:
    def change(sheet: bytes) -> bytes:
        assert old in sheet
        return sheet.replace(old, new, 1)

    return with_part(content, SHEET, change)


def wide(names: list[object], values: list[object]) -> list[list[object]]:
    more = MANY - len(names)
    return [[*names, *(f"x{n}" for n in range(more))], [*values, *["0"] * more]]


def as_csv(rows: list[list[object]]) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


OWN = wide(list(TABLE[0]), list(TABLE[1]))
ANYBODYS = wide(["casus", "datum", "ALAT (U/L)"], ["a", "2024-01-31", "22"])
LISTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a line of 100 MB": (lambda: b"a" * LONG, "column"),
    "a line of 100 MB of marks": (lambda: b"," * LONG, "column"),
    "a value of 100 MB": (lambda: f"{HEADER}\n{GOOD}\n{'5' * LONG}".encode(), "line 3 of"),
    "a value of 100 MB in quotes": (
        lambda: f'{HEADER}\n{GOOD}\n"{"5," * (LONG // 2)}"'.encode(), "line 3 of",
    ),
    "a quote that never ends": (
        lambda: f'{HEADER}\n{GOOD}\n"'.encode() + b"5\n" * (LONG // 2), "line 3 of",
    ),
    "10,000 columns": (lambda: as_csv(OWN), "1 rows"),
    "10,000 columns of anybody": (lambda: as_csv(ANYBODYS), f"{MANY - 2} rows"),
    "10,000 columns of a workbook": (lambda: workbook(*OWN), "1 rows"),
    "a name that is hard to part": (
        lambda: f'casus;datum;"{"( " * 60_000}"\n1;2;3'.encode(), "find column",
    ),
    "a far cell": (lambda: workbook(*TABLE, XFD1048576="x"), "2 rows"),
    "a size that is not so": (
        lambda: with_sheet(workbook(*TABLE), b'ref="A1:F2"', b'ref="A1:XFD1048576"'), "1 rows",
    ),
    "a sheet that unpacks a thousand times": (
        lambda: with_sheet(workbook(*TABLE), b"</sheetData>", b" " * LONG + b"</sheetData>"),
        "unpacks to more",
    ),
    "a declared entity": (
        lambda: with_part(
            workbook(*TABLE), SHEET,
            lambda sheet: b'<!DOCTYPE x [<!ENTITY a "22">]>' + sheet.split(b"?>")[-1],
        ),
        "document type",
    ),
    "a hundred thousand brackets of JSON": (
        lambda: b'{"resourceType": "Bundle", "entry": ' + b"[" * 100_000, "Unable to",
    ),
    "a hundred thousand elements within each other": (
        lambda: b'<Bundle xmlns="http://hl7.org/fhir">' + b"<entry>" * 100_000, "Unable to",
    ),
    "laughs of XML": (
        lambda: b'<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b'<Bundle xmlns="http://hl7.org/fhir"><id value="&b;"/></Bundle>', "Unable to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTED)
def test_a_file_made_to_do_harm_is_read_or_refused_within_the_limits(
    tmp_path: Path, root: Path, name: str
) -> None:
    make, word = LISTED[name]
    path = tmp_path / "lab"
    path.write_bytes(make())
    end = end_in_a_process(path, root)
    assert word in end.told
    assert end.is_within_limits, end


def test_of_a_formula_the_stored_value_is_read_and_never_what_it_would_give(
    tmp_path: Path,
) -> None:
    formula = workbook(*TABLE, E2="=11*3")
    assert load_workbook(io.BytesIO(formula))["Sheet"]["E2"].value == "=11*3"
    for stored, value in ((b"<v>22.5</v>", "22.5"), (b"<v />", "=11*3"), (b"<v>1</v>", "1")):
        path = tmp_path / "lab.xlsx"
        path.write_bytes(with_sheet(formula, b"<v></v>", stored))
        (row,) = read_lab_file(path, rules=RULES).rows.to_dict("records")
        assert row["value"] == value
        assert (row["value_reading"] == "number") == (not value.startswith("="))
