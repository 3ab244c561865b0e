"""Spoilt tables go through the whole intake: nothing is lost, and no value is read otherwise.

Tables are spoilt, and a whole batch of them is taken in at once. What is compared with is an
independent reading: the csv module (or openpyxl) for the cells, a few lines here for the number.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random

import openpyxl
import pytest
import same_people
from clinic import AS_OF, RULES
from sizes import sized
from written import reading_of

from pipeline.intake import Intake, take_in

pytestmark = pytest.mark.fuzz
BATCH = 100
TABLES, WORKBOOKS = sized(600, full=10_000), sized(200, full=2_000)
CELLS = (
    "", " ", "x", "-5", "+5", "<0.3", "> 59", "1.234", "1,234", "1 234", "1.234,5", "1,234.5",
    "5,2", "5.2", "5.", ".5", "٥", "５", "1e5", "0x1F", "NaN", "inf", "neg", "1+", "7,4 H",
    "3,9 - 5,6", "19 but poor", "=1+1", "mmol/L", "mg/dL", "pmol/L", "2024-02-31", "13-02-2024",
    "02-03-2024", "alt", "glucose_fasting", "hba1c", "p01", "a b", "\u202e5", "1\u00a0234", "'5",
    "−5", "½",
)  # fmt: skip
PIECES = ("\n", "\r", "\r\n", ",", ";", "\t", '"', '""', "\0", "\ufeff", "é", "\x1a", " ", "5", ".")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16")
SEEDS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "own": (same_people.long_csv, "utf-8", ","),
    "dutch": (same_people.dutch_csv, "cp1252", ";"),
}
VALUE_COLUMNS, UNIT_COLUMNS = ("value", "uitslag"), ("unit", "eenheid")
DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
NUMBER = re.compile(r"(?P<sign>[<>]=?|[≤≥])?\s*(?P<number>[+-]?[0-9]*[.,]?[0-9]+)(?:\s*[HL])?")


# Spoiling.


def of_others(content: bytes, encoding: str, number: int) -> list[str]:
    """Return the lines of a table of twelve people of its own: no two files contradict."""
    text = content.decode(encoding)
    return re.sub(r"\bp(\d\d)\b", rf"p\1-{number}", text).splitlines()


def spoilt_table(seed: str, number: int) -> bytes:
    """Return the bytes of a table of which some cells, lines or bytes were changed."""
    (write, encoding, delimiter), random = SEEDS[seed], Random(f"{seed} {number}")
    lines = of_others(write(), encoding, number)
    for _ in range(random.randint(1, 5)):
        spoil = random.choice((_spoil_cell, _spoil_cell, _spoil_cell, _spoil_lines, _spoil_text))
        lines = spoil(lines, delimiter, random)
    text = random.choice(("\n", "\r\n", "\r")).join(lines) + random.choice(("", "\n", "\n\n"))
    if random.random() < 0.7:
        return text.encode(encoding, "replace")
    return text.encode(random.choice(ENCODINGS), "replace")


def _spoil_cell(lines: list[str], delimiter: str, random: Random) -> list[str]:
    at = random.randrange(len(lines))
    cells = lines[at].split(delimiter)
    one, other = random.randrange(len(cells)), random.randrange(len(cells))
    match random.randrange(4):
        case 0:
            cells[one] = random.choice(CELLS)
        case 1:
            cells[one], cells[other] = cells[other], cells[one]
        case 2:
            cells.insert(one, random.choice(CELLS))
        case 3:
            del cells[one]
    return [*lines[:at], delimiter.join(cells), *lines[at + 1 :]]


def _spoil_lines(lines: list[str], delimiter: str, random: Random) -> list[str]:
    at = random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            return [*lines[:at], lines[at], *lines[at:]]
        case 1:
            return [*lines[:at], *lines[at + 1 :]] or lines
        case 2:
            return [*lines[:at], delimiter * random.randrange(9), *lines[at:]]
    return [*lines[at:], *lines[:at]]


def _spoil_text(lines: list[str], delimiter: str, random: Random) -> list[str]:
    text = "\n".join(lines)
    at = random.randrange(len(text) + 1)
    return (text[:at] + random.choice(PIECES) + text[at + random.randrange(3) :]).split("\n")


def spoilt_workbook(number: int) -> bytes:
    """Return a workbook of which some cells hold something else, or whose bytes were changed."""
    book, random = openpyxl.Workbook(), Random(f"workbook {number}")
    sheet = book.active
    assert sheet is not None
    for line in of_others(same_people.long_csv(), "utf-8", number):
        cells = line.split(",")
        sheet.append([float(cell) if DECIMAL.fullmatch(cell) else cell for cell in cells])
    for _ in range(random.randint(1, 5)):
        cell = sheet.cell(random.randint(1, sheet.max_row), random.randint(1, sheet.max_column))
        cell.value = random.choice([*CELLS, 5, 5.25, 1234567, True, None])
    if random.random() < 0.3:
        sheet.insert_rows(random.randint(1, 9), random.randint(1, 3))
    file = io.BytesIO()
    book.save(file)
    content = bytearray(file.getvalue())
    if random.random() < 0.5:
        for _ in range(random.randint(1, 8)):
            content[random.randrange(len(content))] = random.randrange(256)
    return bytes(content)


# An independent reading.


def records_of(content: bytes, encodings: tuple[str, ...], delimiter: str) -> list[list[str]]:
    """Return the records of a CSV by the csv module, each at the place of its last line."""
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    raise AssertionError("latin-1 decodes all")


def values_in(records: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield value and unit, as they are written, of each record below the header."""
    header: list[str] = []
    for record in records:
        names = [cell.strip().casefold() for cell in record]
        if not header and any(name in VALUE_COLUMNS for name in names):
            header = names
        elif header:
            cells = dict(zip(header, record, strict=False))
            value = next((cells[name] for name in VALUE_COLUMNS if name in cells), "")
            yield value, next((cells[name] for name in UNIT_COLUMNS if name in cells), "")


@cache
def canonical(marker: str, value: str, unit: str) -> float | None:
    """Return the number of a cell in the canonical unit; None where it is not just a number."""
    found = NUMBER.fullmatch(value.strip())
    folded = RULES.fold_unit(unit)
    units = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["folded"] == folded)]
    if found is None or units.empty:
        return None
    number = float(found["number"].replace(",", "."))
    return float(number * units["factor"].iloc[0] + units["offset"].iloc[0])


# Both.


def taken_in(paths: list[Path]) -> tuple[Intake, dict[str, int]]:
    """Take in what can be read of a batch; return how many entries each such file has.

    What cannot be read is refused in one line, and in no other way.
    """
    readable, entries = [], {}
    for path in paths:
        if (reading := reading_of(path)) is not None:
            readable.append(path)
            entries[path.name] = len(reading.rows)
    return take_in(readable, as_of=AS_OF, rules=RULES), entries


def batches(folder: Path, count: int, make: Callable[[int], tuple[str, bytes]]) -> Iterator[Intake]:
    """Write ``count`` files, and yield what comes in of each batch; every row ends in one place."""
    for start in range(0, count, BATCH):
        paths = []
        for number in range(start, min(start + BATCH, count)):
            name, content = make(number)
            paths.append(folder / name)
            paths[-1].write_bytes(content)
        intake, entries = taken_in(paths)
        ends = [*intake.accepted["row"], *intake.set_aside["row"]]
        assert len(ends) == len(set(ends)) == sum(entries.values())
        assert intake.set_aside["reasons"].ne("").all()
        yield intake
        for path in paths:
            path.unlink()


def no_other_value(intake: Intake, cells: Callable[[str], Iterator[tuple[str, str]]]) -> int:
    """Check each accepted value against those that its file has; return how many there are."""
    known: dict[str, set[tuple[str, str]]] = {}
    for row in intake.accepted.to_dict("records"):
        file = str(row["row"]).rpartition(":")[0].partition("#")[0]
        pair = (str(row["value_as_reported"]), str(row["unit_as_reported"]))
        if file not in known:
            known[file] = set(cells(file))
        assert pair in known[file], row["row"]
        number = canonical(str(row["marker"]), *pair)
        assert number is not None, row["row"]
        away = min(abs(float(row[end]) - number) for end in ("low", "high"))
        whole = row["marker"] == "hba1c"  # which is judged in whole mmol/mol
        assert away <= (0.5 if whole else 1e-5 * abs(number)), row["row"]
    return len(intake.accepted)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spoilt_table_loses_no_row_and_changes_no_value(tmp_path: Path, seed: str) -> None:
    delimiter, made, accepted = SEEDS[seed][2], {}, 0

    def make(number: int) -> tuple[str, bytes]:
        name = f"{seed}-{number}.csv"
        made[name] = spoilt_table(seed, number)
        return name, made[name]

    def cells(name: str) -> Iterator[tuple[str, str]]:
        for mark in (delimiter, ",", ";", "\t"):
            for encodings in (("utf-8-sig", "cp1252", "latin-1"), ("utf-16",)):
                try:
                    yield from values_in(records_of(made[name], encodings, mark))
                except (csv.Error, AssertionError, UnicodeError):
                    continue

    for intake in batches(tmp_path, TABLES // len(SEEDS), make):
        accepted += no_other_value(intake, cells)
        made.clear()
    assert accepted > 10 * TABLES // len(SEEDS)


def test_a_spoilt_workbook_loses_no_row_and_changes_no_value(tmp_path: Path) -> None:
    made: dict[str, bytes] = {}
    accepted = 0

    def make(number: int) -> tuple[str, bytes]:
        name = f"{number}.xlsx"
        made[name] = spoilt_workbook(number)
        return name, made[name]

    def cells(name: str) -> Iterator[tuple[str, str]]:
        book = openpyxl.load_workbook(io.BytesIO(made[name]), data_only=True)
        for sheet in book.worksheets:
            texts = [["" if x is None else str(x) for x in row] for row in sheet.values]
            yield from values_in(texts)

    for intake in batches(tmp_path, WORKBOOKS, make):
        accepted += no_other_value(intake, cells)
        made.clear()
    assert accepted > 10 * WORKBOOKS
