"""A quarantine that a person corrected is taken up: just those rows, and with a reason."""

import csv
import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.intake import Intake, quarantine_of, take_in
from pipeline.language import Language
from pipeline.read.mapping import LabMapping, read_mapping

AS_OF = dt.date(2025, 1, 1)
HEADER = "case_id,sample_id,collected_at,analyte,value,unit,fasting_hours"
ROWS = (
    "a,s1,2024-01-01,alt,22,U/L,10",
    "a,s1,2024-01-01,glucose_fasting,5.2,stone,10",
    "a,s1,2024-01-01,insulin_fasting,19 but poor,mU/L,10",
)


def intake(*paths: Path) -> Intake:
    return take_in(paths, as_of=AS_OF, rules=RULES)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    path = tmp_path / "lab.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n")
    return path


def corrected(
    lab: Path,
    *changes: dict[str, str],
    delimiter: str = ",",
    mapping: LabMapping | None = None,
) -> Path:
    """Write the quarantine of a file with changed cells, by the order of its rows."""
    found = take_in([lab], as_of=AS_OF, rules=RULES, mapping=mapping)
    written = quarantine_of(found, Language.load("nl")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(written)))
    for row, change in zip(rows, changes, strict=False):
        row.update(change)
    path = lab.parent / "quarantine.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


UNIT = {"correction": "unit=mmol/L", "correction_reason": "asked the laboratory"}
VALUE = {"correction": "19", "correction_reason": "remark belongs elsewhere"}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_corrected_rows_stand_in_place_of_what_was_read(lab: Path, delimiter: str) -> None:
    path = corrected(lab, UNIT, VALUE, delimiter=delimiter)
    found = intake(lab, path)
    assert found.counts == {"read": 3, "accepted": 3, "set_aside": 0, "no_result": 0}
    rows = found.accepted.set_index("row")
    assert list(rows.index) == ["lab.csv:2", "lab.csv:3", "lab.csv:4"]
    assert rows.at["lab.csv:3", "low"] == 5.2
    assert rows.at["lab.csv:4", "fasting_hours"] == 10  # what the file said beside it is kept
    assert list(rows["notes"]) == ["", "corrected", "corrected"]


def test_without_its_file_a_corrected_row_is_taken_up_alone(lab: Path) -> None:
    found = intake(corrected(lab, UNIT))
    assert found.counts == {"read": 1, "accepted": 1, "set_aside": 0, "no_result": 0}
    assert list(found.accepted["row"]) == ["lab.csv:3"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"correction": "unit=mmol/L"}, "correction-without-reason"),
        ({"correction": "unit=mmol/L", "correction_reason": " "}, "correction-without-reason"),
        ({"correction": "sex=F", "correction_reason": "x"}, "correction-unreadable"),
        ({**UNIT, "value": "6.2"}, "correction-changed"),
    ],
)
def test_a_correction_that_cannot_be_trusted_is_not_used(
    lab: Path, change: dict[str, str], reason: str
) -> None:
    found = intake(lab, corrected(lab, change))
    (row,) = found.quarantine[found.quarantine["row"] == "lab.csv:3"].to_dict("records")
    assert reason in row["reasons"].split(";")
    assert (row["value"], row["unit"]) == ("5.2", "stone")


def test_a_correction_is_judged_like_any_row(lab: Path) -> None:
    wrong = {"correction": "unit=stones", "correction_reason": "so it says"}
    found = intake(lab, corrected(lab, wrong))
    (row,) = found.quarantine[found.quarantine["row"] == "lab.csv:3"].to_dict("records")
    assert (row["reasons"], row["unit"]) == ("unit-unknown", "stones")


@pytest.mark.parametrize(
    ("correction", "value"), [("<=0,3", "<=0,3"), ("4,1", "4,1"), ("value=4,1; unit=U/L", "4,1")]
)
def test_a_correction_is_a_value_or_names_its_columns(
    lab: Path, correction: str, value: str
) -> None:
    change = {"correction": correction, "correction_reason": "x"}
    found = intake(lab, corrected(lab, {}, {**change}))
    both = [*found.accepted["value_as_reported"], *found.quarantine["value"]]
    assert value in both


def test_a_quarantine_in_which_nothing_was_corrected_says_so(lab: Path) -> None:
    with pytest.raises(LabFileError, match="fill in column 'correction'"):
        intake(lab, corrected(lab))


def test_a_row_may_be_corrected_once(lab: Path) -> None:
    path = corrected(lab, UNIT)
    lines = path.read_text("utf-8-sig").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(LabFileError, match="corrected once"):
        intake(lab, path)


def as_workbook(path: Path, retyped: dict[str, object]) -> Path:
    """Write a quarantine as the workbook of a spreadsheet that made other cells of some."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    book = openpyxl.Workbook()
    book.active.append(header)
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        book.active.append([retyped.get(cells[name], cells[name]) for name in header])
    written = path.with_suffix(".xlsx")
    book.save(written)
    return written


RETYPED = {"2024-01-01": dt.datetime(2024, 1, 1), "5.20": 5.2, "007": 7}  # as spreadsheets do


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "lab.csv"
    path.write_text(f"{HEADER}\na,007,2024-01-01,glucose_fasting,5.20,stone,10\n")
    return path


def test_a_quarantine_saved_as_a_workbook_is_taken_up(plain: Path) -> None:
    found = intake(plain, as_workbook(corrected(plain, UNIT), RETYPED))
    assert found.counts == {"read": 1, "accepted": 1, "set_aside": 0, "no_result": 0}
    (row,) = found.accepted.to_dict("records")
    assert (row["row"], row["value_as_reported"], row["sample_id"]) == ("lab.csv:2", "5.20", "007")


@pytest.mark.parametrize(
    "change",
    [
        {"collected_at": "1-1-2024"},
        {"collected_at": "1/1/2024"},
        {"value": "5,2"},
        {"value": "5,2", "sample_id": "7", "collected_at": "1-1-2024"},
    ],
)
def test_cells_that_a_dutch_spreadsheet_wrote_its_own_way_are_not_changed(
    plain: Path, change: dict[str, str]
) -> None:
    found = intake(plain, corrected(plain, {**UNIT, **change}, delimiter=";"))
    assert list(found.accepted["value_as_reported"]) == ["5.20"]
    assert list(found.accepted["collected_at"].astype(str)) == ["2024-01-01"]


@pytest.mark.parametrize(
    "change",
    [
        {"collected_at": "2-1-2024"},
        {"collected_at": ""},
        {"value": "52"},
        {"value": "<5,2"},
        {"value": ""},
        {"sample_id": "8"},
        {"unit": "Stone"},
    ],
)
def test_another_date_or_number_is_a_change_whatever_saved_it(
    plain: Path, change: dict[str, str]
) -> None:
    found = intake(plain, corrected(plain, {**UNIT, **change}, delimiter=";"))
    assert "correction-changed" in found.quarantine["reasons"].iloc[0].split(";")
    assert list(found.quarantine["value"]) == ["5.20"]


@pytest.mark.parametrize("cell", [5.3, dt.datetime(2024, 2, 5)])
def test_another_value_in_a_workbook_is_a_change(plain: Path, cell: object) -> None:
    found = intake(plain, as_workbook(corrected(plain, UNIT), {"5.20": cell}))
    assert "correction-changed" in found.quarantine["reasons"].iloc[0].split(";")


def test_a_retyped_quarantine_without_its_file_is_not_trusted(plain: Path) -> None:
    found = intake(as_workbook(corrected(plain, UNIT), RETYPED))
    assert found.counts["accepted"] == 0
    assert "correction-changed" in found.quarantine["reasons"].iloc[0].split(";")


def test_a_date_and_a_number_that_their_file_proves_stay_proven_when_a_unit_is_corrected(
    tmp_path: Path,
) -> None:
    lab = tmp_path / "lab.csv"
    rows = ("a,s1,03-04-2024,ferritin,1.234,stone,10", "a,s2,25-04-2024,alt,22.5,U/L,10")
    lab.write_text("\n".join((HEADER, *rows)) + "\n")
    found = intake(
        lab, corrected(lab, {"correction": "unit=ug/L", "correction_reason": "asked for it"})
    )
    row = found.accepted.set_index("row").loc["lab.csv:2"]
    assert (row["collected_at"], row["low"]) == ("2024-04-03", 1.234)


MAPPING = """
[analytes]
LEVER = { marker = "alt", unit = "U/L" }
SUIKER = "glucose_fasting"
[units]
"eenh/l" = "U/L"
"mmol per l" = "mmol/L"
"""


@pytest.mark.parametrize("correction", ["22", "value=22; unit=eenh/l", "analyte=LEVER; value=22"])
@pytest.mark.parametrize("with_file", [True, False])
def test_the_quarantine_shows_the_words_of_the_laboratory_and_is_taken_up_in_them(
    tmp_path: Path, correction: str, with_file: bool
) -> None:
    lab = tmp_path / "lab.csv"
    lab.write_text(f"{HEADER}\na,s1,2024-01-01,LEVER,22 but poor,eenh/l,10\n")
    written = tmp_path / "mapping.toml"
    written.write_text(MAPPING)
    mapping = read_mapping(written, RULES)
    first = take_in([lab], as_of=AS_OF, rules=RULES, mapping=mapping)
    assert list(first.quarantine[["analyte", "unit"]].iloc[0]) == ["LEVER", "eenh/l"]
    given = corrected(
        lab, {"correction": correction, "correction_reason": "asked"}, mapping=mapping
    )
    inputs = [lab, given] if with_file else [given]
    again = take_in(inputs, as_of=AS_OF, rules=RULES, mapping=mapping)
    assert again.counts == {"read": 1, "accepted": 1, "set_aside": 0, "no_result": 0}
    assert list(again.accepted[["marker", "low"]].iloc[0]) == ["alt", 22.0]
