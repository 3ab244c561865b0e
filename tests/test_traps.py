"""Cells that a spreadsheet or a table reader makes into something else."""

import io
from pathlib import Path

import pytest
from clinic import RULES
from openpyxl import Workbook
from written import csv_of

from pipeline.normalise import normalise_units
from pipeline.read import read_lab_file

TRAPS = (
    "NA",
    "N/A",
    "n/a",
    "None",
    "none",
    "nan",
    "NaN",
    "NAN",
    "null",
    "NULL",
    "#N/A",
    "#NA",
    "-nan",
    "<NA>",
    "nil",
    "-",
    "--",
    ".",
    "007123",
    "00",
    "1e5",
    "1E5",
    "1e-3",
    "2.5E-3",
    "12E4567",
    "MARCH1",
    "SEPT2",
    "DEC1",
    "1-2",
    "3/4",
    "2024-01-02",
    "01-02-2024",
    "12:30",
    "TRUE",
    "FALSE",
    "true",
    "yes",
    "T",
    "0x1F",
    "0b1",
    "1_000",
    "+5",
    "(5)",
    "∞",
    "inf",
    "-inf",
    "Infinity",
    "½",
    "５",
    "٥",
    "5-",
    "−5",
    "1,234.5",
    "1.234,5",
    "5%",
    "$5",
    "5.0.1",
    "１．５",
    "²",
    "1'234",
    "1 234",
    "1\xa0234",
    "1\u202f234",
    "5 ,2",
    "- 5",
    "1. 5",
)
AMBIGUOUS = ("1.234", "1,234", "12.345", "999,999")
COLUMNS = ("sample_id", "analyte", "value", "unit", "method", "comment")
PLAIN = {
    "case_id": "p1", "sample_id": "s1", "collected_at": "2024-01-01", "analyte": "alt",
    "value": "22", "unit": "U/L", "method": "m", "comment": "c",
}  # fmt: skip


def as_csv(records: list[dict[str, str]]) -> bytes:
    return csv_of(records, list(PLAIN))


def as_xlsx(records: list[dict[str, str]]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    for row in (list(PLAIN), *(list(one.values()) for one in records)):
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            cell.data_type = "s"
    book.save(file)
    return file.getvalue()


FORMATS = {"lab.csv": as_csv, "lab.xlsx": as_xlsx}


def read(folder: Path, name: str, records: list[dict[str, str]]):
    """Return the rows of a file as they were read and normalised."""
    (folder / name).write_bytes(FORMATS[name](records))
    return normalise_units(read_lab_file(folder / name, rules=RULES).rows, RULES)


def test_there_are_enough_traps() -> None:
    assert len({*TRAPS, *AMBIGUOUS}) == len(TRAPS) + len(AMBIGUOUS) >= 60


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_trap_in_a_column_stays_the_text_it_was(tmp_path: Path, name: str, column: str) -> None:
    traps = [*TRAPS, *AMBIGUOUS]
    rows = read(tmp_path, name, [{**PLAIN, column: trap} for trap in traps])
    written = read_lab_file(tmp_path / name, rules=RULES).rows
    assert written[column].tolist() == traps
    others = [one for one in PLAIN if one != column]
    assert (written[others] == [PLAIN[one] for one in others]).all(axis=None)
    assert rows["row"].tolist() == written["row"].tolist()


@pytest.mark.parametrize("name", FORMATS)
def test_no_trap_is_a_number(tmp_path: Path, name: str) -> None:
    rows = read(tmp_path, name, [{**PLAIN, "value": trap} for trap in TRAPS])
    assert rows["value"].tolist() == list(TRAPS)
    assert rows.loc[rows["number"].notna() | rows["low"].notna(), "value"].tolist() == []


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", AMBIGUOUS)
def test_a_number_of_two_readings_is_not_guessed(tmp_path: Path, name: str, value: str) -> None:
    rows = read(tmp_path, name, [{**PLAIN, "value": value}])
    assert rows["value_reading"].tolist() == ["ambiguous"]
    assert rows["low"].isna().all()
