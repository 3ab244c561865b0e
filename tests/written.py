"""Small files for the tests, and how they are read: one way to write each, one way to ask."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from clinic import RULES
from openpyxl import Workbook

from pipeline.errors import LabFileError
from pipeline.read import read_lab_file
from pipeline.read.reading import Reading

SAMPLED = "2024-02-13"


def csv_of(records: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """Return a CSV of records, every cell between quotes."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(columns), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue().encode("utf-8")


PEOPLE = ("case_id", "sample_id", "collected_at", "analyte", "value", "unit", "sex", "birth_year")


def row_of(id: str, marker: str, value: str, unit: str) -> list[str]:
    """Return a row under ``PEOPLE``: one result of a woman of 1984."""
    return [id, f"s-{id}", SAMPLED, marker, value, unit, "F", "1984"]


def table_of(rows: Iterable[Sequence[str]], delimiter: str) -> bytes:
    """Return a CSV of rows under ``PEOPLE``."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([PEOPLE, *rows])
    return file.getvalue().encode()


def workbook_of(rows: Iterable[Sequence[object]]) -> bytes:
    """Return a workbook of rows under ``PEOPLE``; a cell is a number where it is given as one."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in (PEOPLE, *rows):
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def fhir_of(id: str, marker: str, unit: str, **quantity: object) -> list[dict[str, object]]:
    """Return a Patient and her Observation, with what ``quantity`` says beside the unit."""
    patient = {
        "resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1984-05-06",
        "identifier": [{"system": "urn:casereport", "value": id}],
    }  # fmt: skip
    observation = {
        "resourceType": "Observation", "id": f"o-{id}", "status": "final",
        "code": {"text": marker}, "subject": {"reference": f"Patient/{id}"},
        "effectiveDateTime": SAMPLED,
        "valueQuantity": {
            "unit": unit, "code": unit, "system": "http://unitsofmeasure.org", **quantity
        },
    }  # fmt: skip
    return [patient, observation]


def bundle_of(resources: Iterable[Mapping[str, object]]) -> str:
    """Return a Bundle as JSON."""
    entries = [{"resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def hl7_of(id: str, marker: str, value: str, unit: str, *, kind: str = "NM") -> list[str]:
    """Return the segments of a message with one result of a woman of 1984."""
    return [
        "MSH|^~\\&|LAB||EPD||20240214||ORU^R01|1|P|2.5|||||||UNICODE UTF-8",
        f"PID|1||{id}^^^casereport||X||19840506|F",
        f"OBR|1||s-{id}|LAB|||{SAMPLED.replace('-', '')}",
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
