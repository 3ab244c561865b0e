"""The laboratory's own mark (H, L, N, A) beside a value is compared with value and interval."""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from clinic import AS_OF, RULES
from sizes import sized

from pipeline.intake import take_in

HEADER = [
    *("case_id", "sample_id", "collected_at", "analyte", "value", "unit"),
    *("ref_low", "ref_high", "flag"),
]
LOW, HIGH = 10, 40  # the interval that is printed beside each value
RIGHT = {"below": ("L", "LL", "A"), "within": ("N",), "above": ("H", "HH", "A")}
WRONG = {"below": ("H", "HH", "N"), "within": ("L", "LL", "H", "HH", "A"), "above": ("L", "N")}
VALUES = {"below": range(5, LOW), "within": range(LOW, HIGH + 1), "above": range(HIGH + 1, 90)}
Marked = list[tuple[str, int, str]]  # case id, value, mark


def drawn(marks: dict[str, tuple[str, ...]], *, seed: int) -> Marked:
    """Return values with their marks; every side of the interval and every mark occurs."""
    chance = random.Random(seed)
    pairs = [(side, mark) for side in marks for mark in marks[side]]
    sides = [pairs[n % len(pairs)] for n in range(sized(100, full=1_000))]
    return [(f"p{n}", chance.choice(VALUES[side]), mark) for n, (side, mark) in enumerate(sides)]


def as_csv(marked: Marked) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADER)
    for case, value, mark in marked:
        writer.writerow([case, "s1", "2024-01-01", "alt", value, "U/L", LOW, HIGH, mark])
    return file.getvalue()


def as_hl7(marked: Marked) -> str:
    lines = []
    for case, value, mark in marked:
        lines += [
            r"MSH|^~\&|LIS|Lab|||20240102||ORU^R01|1|P|2.5.1",
            f"PID|1||{case}^^^ZIS||||19800229|F",
            "OBR|1|P1^EHR|F1^LIS|ALT^ALT|||202401010800",
            f"OBX|1|NM|1742-6^ALT^LN||{value}|U/L^^UCUM|{LOW}-{HIGH}|{mark}|||F",
        ]
    return "\r".join(lines) + "\r"


def as_fhir(marked: Marked) -> str:
    entries = [{"resource": observation(*one)} for one in marked]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def observation(case: str, value: int, mark: str) -> dict[str, object]:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    unit = {"unit": "U/L", "system": "http://unitsofmeasure.org", "code": "U/L"}
    return {
        "resourceType": "Observation",
        "id": f"o-{case}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "1742-6"}]},
        "subject": {"reference": f"Patient/{case}"},
        "effectiveDateTime": "2024-01-01T08:00:00+01:00",
        "valueQuantity": {"value": value, **unit},
        "interpretation": [{"coding": [{"system": system, "code": mark}]}],
        "referenceRange": [{"low": {"value": LOW, **unit}, "high": {"value": HIGH, **unit}}],
    }


WRITERS: dict[str, Callable[[Marked], str]] = {
    "lab.csv": as_csv,
    "lab.hl7": as_hl7,
    "lab.json": as_fhir,
}


def noted(folder: Path, name: str, marked: Marked) -> int:
    """Return how many of the marks are noted; all rows are accepted, with the value they had."""
    (folder / name).write_text(WRITERS[name](marked), encoding="utf-8", newline="")
    accepted = take_in([folder / name], as_of=AS_OF, rules=RULES).accepted
    assert accepted["low"].tolist() == [value for _, value, _ in marked]
    return int(accepted["notes"].str.split(";").map(lambda notes: "flag-differs" in notes).sum())


@pytest.mark.parametrize("name", WRITERS)
def test_every_mark_that_value_and_interval_contradict_is_noted(tmp_path: Path, name: str) -> None:
    marked = drawn(WRONG, seed=1)
    assert noted(tmp_path, name, marked) == len(marked)


@pytest.mark.parametrize("name", WRITERS)
def test_no_mark_that_is_right_is_noted(tmp_path: Path, name: str) -> None:
    assert noted(tmp_path, name, drawn(RIGHT, seed=2)) == 0
