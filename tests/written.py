"""Small files for the tests, and how they are read: one way to write each, one way to ask."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.read import read_lab_file
from pipeline.read.reading import Reading


def csv_of(records: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """Return a CSV of records, every cell between quotes."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(columns), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue().encode("utf-8")


def hl7_of(id: str, marker: str, value: str, unit: str, *, kind: str = "NM") -> list[str]:
    """Return the segments of a message with one result of a woman of 1984."""
    return [
        "MSH|^~\\&|LAB||EPD||20240214||ORU^R01|1|P|2.5|||||||UNICODE UTF-8",
        f"PID|1||{id}^^^casereport||X||19840506|F",
        f"OBR|1||s-{id}|LAB|||20240213",
        f"OBX|1|{kind}|{marker}^{marker}^L||{value}|{unit}^^UCUM|||||F",
    ]


def reading_of(path: Path) -> Reading | None:
    """Return what a file holds; None where it is refused, which it is in one line and no other way.

    Raises AssertionError where the refusal has more lines, or none.
    """
    try:
        return read_lab_file(path, rules=RULES)
    except LabFileError as refusal:
        said = str(refusal)
    assert len(said.splitlines()) == 1, path.name
    return None
