"""Thousands of hostile strings in each text of a row: they come back as they were, or in one piece
in the quarantine, and no spreadsheet runs them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from clinic import AS_OF, RULES
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sizes import sized
from written import csv_of

from pipeline.errors import LabFileError
from pipeline.intake import quarantine_of, take_in
from pipeline.language import Language
from pipeline.read import read_lab_file
from pipeline.read.quarantine import quarantine_of as rows_of_quarantine
from pipeline.read.text_file import read_text

PLAIN = {
    "case_id": "p1", "sample_id": "s1", "collected_at": "2024-01-01", "analyte": "alt",
    "value": "22", "unit": "U/L", "lab": "l", "method": "m", "comment": "c", "specimen": "blood",
    "ref_low": "", "ref_high": "40", "status": "final", "fasting_hours": "10",
}  # fmt: skip
TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n")
CELLS = 32_767  # of characters, in a workbook


@pytest.fixture(scope="module")
def strings(shared: Path) -> list[str]:
    """Return the strings that CSV in UTF-8 can hold; a lone surrogate is no text."""
    told = json.loads((shared / "attack/strings.json").read_text("utf-8"))
    texts = [one["s"] for one in told][:: sized(40, full=1)]
    texts = [one for one in texts if one.encode("utf-8", "replace").decode("utf-8") == one]
    assert len(texts) >= sized(600, full=24_900)
    return texts


def as_csv(records: list[dict[str, str]]) -> bytes:
    return csv_of(records, list(PLAIN))


def as_xlsx(records: list[dict[str, str]]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    for n, row in enumerate([list(PLAIN), *(list(one.values()) for one in records)], start=1):
        for k, text in enumerate(row, start=1):
            cell = sheet.cell(n, k, None if text == "" else "x")
            if text != "":
                cell._value, cell.data_type = text, "s"
    book.save(file)
    return file.getvalue()


FORMATS: dict[str, Callable[[list[dict[str, str]]], bytes]] = {
    "lab.csv": as_csv,
    "lab.xlsx": as_xlsx,
}


def can_be_written(name: str, text: str) -> bool:
    """Return whether a format can hold a text at all."""
    if name == "lab.xlsx":
        is_xml = ILLEGAL_CHARACTERS_RE.search(text) is None and not {"\ufffe", "\uffff"} & {*text}
        return is_xml and len(text) <= CELLS and "\r" not in text and "_x" not in text
    return "\0" not in text


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("column", PLAIN)
def test_every_string_in_a_column_is_read_as_it_was(
    tmp_path: Path, strings: list[str], name: str, column: str
) -> None:
    texts = [text for text in strings if can_be_written(name, text)]
    assert len(texts) > 0.9 * len(strings)
    (tmp_path / name).write_bytes(FORMATS[name]([{**PLAIN, column: text} for text in texts]))
    rows = read_lab_file(tmp_path / name, rules=RULES).rows
    if column == "case_id" and name == "lab.xlsx":
        texts = [text.strip() for text in texts]  # a pseudonym; blanks around it are no part of it
        assert rows[column].str.strip().tolist() == texts
        return
    assert rows[column].tolist() == texts


@pytest.mark.parametrize("column", PLAIN)
def test_every_string_is_accepted_or_comes_back_from_the_quarantine(
    tmp_path: Path, strings: list[str], column: str
) -> None:
    texts = [text for text in strings if can_be_written("lab.csv", text)]
    (tmp_path / "lab.csv").write_bytes(as_csv([{**PLAIN, column: text} for text in texts]))
    intake = take_in([tmp_path / "lab.csv"], as_of=AS_OF, rules=RULES)
    assert len(intake.accepted) + len(intake.set_aside) == len(texts)
    content = quarantine_of(intake, Language.load("nl"))
    (tmp_path / "quarantine.csv").write_bytes(content)
    aside = intake.quarantine.reset_index(drop=True)
    text = read_text(tmp_path / "quarantine.csv")
    again = rows_of_quarantine(text, name="quarantine.csv")[list(aside.columns)]
    assert again.equals(aside.astype(str))
    written = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    cells = [cell for row in written for cell in row]
    assert [cell for cell in cells if cell.startswith(TRIGGERS)] == []


def test_a_table_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lab.csv").write_bytes(as_csv([{**PLAIN, "comment": "a\0b"}]))
    with pytest.raises(LabFileError, match="NUL"):
        read_lab_file(tmp_path / "lab.csv", rules=RULES)
