import csv
import io
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS, REQUIRED_COLUMNS
from pipeline.read import read_lab_file
from pipeline.read.quarantine import guarded, unguarded
from pipeline.read.table import read_table
from pipeline.rules import load_rules

HEADER = ",".join(REQUIRED_COLUMNS)
ROW = "a,s1,2024-01-01,alt,22,U/L"


@pytest.fixture
def lab(tmp_path: Path):
    """Write a lab file and read it."""

    def write(content: str | bytes, *, name: str = "lab.csv", case_id: str | None = None):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_lab_file(path, rules=load_rules(), case_id=case_id).rows

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_that_finds_the_columns(lab, delimiter: str) -> None:
    value = '"5,2"' if delimiter == "," else "5,2"
    text = f"{HEADER}\n{ROW}\n".replace(",", delimiter).replace("22", value)
    (row,) = lab(text).to_dict("records")
    assert (row["analyte"], row["value"], row["unit"]) == ("alt", "5,2", "U/L")


def test_a_row_is_named_by_the_line_it_starts_on_and_blank_lines_are_no_rows(lab) -> None:
    text = f'{HEADER},comment\n{ROW},"two\nlines"\n\n{ROW},\n'
    rows = lab(text)
    assert list(rows["row"]) == ["lab.csv:2", "lab.csv:5"]
    assert rows["comment"][0] == "two\nlines"
    assert list(rows.columns[: len(RAW_COLUMNS)]) == list(RAW_COLUMNS)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_by_any_line_ending(lab, ending: str) -> None:
    assert list(lab(ending.join([HEADER, ROW, ROW]))["line"]) == ["2", "3"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_accents_survive_the_encodings_that_laboratories_use(lab, encoding: str) -> None:
    text = f"{HEADER},comment\n{ROW.replace('U/L', 'µmol/L')},coëfficiënt\n"
    (row,) = lab(text.encode(encoding)).to_dict("records")
    assert (row["unit"], row["comment"]) == ("µmol/L", "coëfficiënt")


def test_a_byte_that_windows_1252_does_not_know_is_read_as_latin_1(lab) -> None:
    assert lab(f"{HEADER}\n{ROW}".encode() + b"\x81\xe9").at[0, "unit"] == "U/L\x81é"


def test_a_row_of_another_width_keeps_its_text_and_moves_no_cell(lab) -> None:
    rows = lab(f"{HEADER}\n{ROW}\na,s1,2024-01-01,alt,5,2,U/L\na,s1\n")
    assert list(rows["cells"] == rows["columns"]) == [True, False, False]
    assert list(rows["value"]) == ["22", "a,s1,2024-01-01,alt,5,2,U/L", "a,s1"]
    assert list(rows["unit"]) == ["U/L", "", ""]


@pytest.mark.parametrize(
    "trap", ["NA", "None", "nan", "007123", "1e5", "TRUE", "2024-01-01", " x "]
)
def test_text_stays_the_text_it_was(lab, trap: str) -> None:
    row = lab(f"{HEADER}\n{trap},{trap},{trap},{trap},{trap},{trap}\n").iloc[0]
    assert all(row[column] == trap for column in REQUIRED_COLUMNS)


def test_header_names_are_folded_and_unknown_columns_are_left_out(lab) -> None:
    rows = lab(f" Case_ID ,SAMPLE_ID,collected_at,Analyte,Value,Unit,Arts\n{ROW},x\n")
    assert rows.at[0, "case_id"] == "a"
    assert "arts" not in rows


def test_a_case_folders_file_may_leave_out_its_case_id(lab) -> None:
    header = HEADER.removeprefix("case_id,")
    assert lab(f"{header}\n{ROW[2:]}\n", case_id="x").at[0, "case_id"] == "x"
    named = lab(f"{HEADER}\n{ROW}\n{ROW[1:]}\n", case_id="x")
    assert list(named["case_id"]) == ["a", "x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (f"{HEADER}\n".encode(), "only a header"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
        (b"PK\x03\x04xxxx", "workbook"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (f"{HEADER}\n{ROW}\0".encode(), "NUL"),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "UTF-16"),
        (f"{HEADER.removesuffix(',unit')}\n{ROW}".encode(), "Unable to find column 'unit'"),
        (f"{HEADER},value\n{ROW},1".encode(), "Expected exactly 1 column 'value'"),
        (f'{HEADER}\n{ROW}\n"a,s1'.encode(), "Unable to read line 3"),
        (f'{HEADER}\n"a"b,s1,2024-01-01,alt,22,U/L'.encode(), "Unable to read line 2"),
        (f"{HEADER}\n{ROW}{'x' * 200_000}".encode(), "Unable to read line 2"),
        (b"hello world, no table", "Unable to find column 'case_id'"),
    ],
)
def test_a_file_that_is_no_lab_table_is_refused_in_one_line(lab, content, message) -> None:
    with pytest.raises(LabFileError, match=message) as refused:
        lab(content)
    assert "\n" not in str(refused.value)


def test_a_file_is_known_by_its_content_whatever_its_name_is(lab) -> None:
    assert list(lab(f"{HEADER}\n{ROW}\n", name="lab.docx")["row"]) == ["lab.docx:2"]


def test_only_a_regular_local_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.csv").write_text(f"{HEADER}\n{ROW}\n")
    (tmp_path / "in/link.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "in/zero.csv").symlink_to("/dev/zero")
    (tmp_path / "in/folder.csv").mkdir()
    os.mkfifo(tmp_path / "in/pipe.csv")
    names = ("link.csv", "zero.csv", "folder.csv", "pipe.csv", "absent.csv")
    web = ("http://example.org/x.csv", "s3://bucket/x.csv", "file:///etc/passwd.csv")
    started = time.monotonic()
    for path in (*(tmp_path / "in" / name for name in names), *map(Path, web)):
        with pytest.raises(LabFileError, match=r"Unable to read"):
            read_lab_file(path, rules=load_rules())
    assert time.monotonic() - started < 1


CELLS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10
).filter(lambda text: text.strip() == text)


@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=8), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_every_record_comes_back_once_with_the_cells_it_had(
    tmp_path_factory, rows: list[list[str]], delimiter: str
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([REQUIRED_COLUMNS, *rows])
    path = tmp_path_factory.mktemp("lab") / "lab.csv"
    path.write_text(file.getvalue(), encoding="utf-8", newline="")
    table = read_table(path, required=REQUIRED_COLUMNS)
    assert table.records == [row for row in rows if any(row)]
    assert table.lines == sorted(set(table.lines))


@given(st.text())
def test_a_guarded_text_is_no_formula_and_comes_back(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert unguarded(guarded(text)) == text


def test_every_hostile_string_is_read_as_the_text_it_is(lab, shared: Path) -> None:
    found = json.loads((shared / "attack/strings.json").read_text("utf-8"))
    hostile = [one["s"] for one in found if "\0" not in one["s"] and _is_storable(one["s"])]
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow([*REQUIRED_COLUMNS, "comment"])
    writer.writerows(["a", "s", "2024-01-01", text, text, text, text] for text in hostile)
    rows = lab(file.getvalue().encode("utf-8"))
    assert len(hostile) > 20_000
    for column in ("analyte", "value", "unit", "comment"):
        assert list(rows[column]) == hostile
    assert all(unguarded(guarded(text)) == text for text in hostile)


def _is_storable(text: str) -> bool:
    return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)
