"""A quarantine that a person corrected is taken up: just those rows, and with a reason."""

import csv
import datetime as dt
import io
from pathlib import Path

import pytest
from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.intake import Intake, quarantine_of, take_in
from pipeline.language import Language

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


def corrected(lab: Path, *changes: dict[str, str], delimiter: str = ",") -> Path:
    """Write the quarantine of a file with changed cells, by the order of its rows."""
    written = quarantine_of(intake(lab), Language.load("nl")).decode("utf-8-sig")
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
