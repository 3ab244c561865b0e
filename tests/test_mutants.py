"""However a lab file is spoilt: it is refused, or no row is lost and no value is another."""

import csv
import io
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import same_people
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mutants import (
    ENCODINGS,
    PIECES,
    UNITS,
    VALUES,
    Book,
    Tally,
    renamed,
    require_nothing_lost_or_changed,
    spoilt_bytes,
    spoilt_records,
    spoilt_text,
)
from openpyxl import Workbook
from other_reading import (
    book_of_csv,
    book_of_hl7,
    book_of_json,
    book_of_workbook,
    book_of_xml,
)
from sizes import sized

BATCH = 100  # files that are taken in together: to start the expectations takes as long as these
Made = Callable[[Random, int], bytes]


def records(content: bytes, mark: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=mark))


LONG = records(same_people.long_csv(), ",")
DUTCH = records(same_people.dutch_csv(), ";")
WIDE = records(same_people.wide_csv(), ";")
MESSAGES = re.split("(?=MSH)", same_people.hl7v2().decode())[1:]
BUNDLE = json.loads(same_people.fhir_json(), parse_float=str, parse_int=str)


def some(table: list[list[str]], head: int, size: int, random: Random) -> list[list[str]]:
    """Return the head of a table and some rows of it that follow each other."""
    start = random.randrange(head, len(table) - size)
    return [list(row) for row in [*table[:head], *table[start : start + size]]]


def written(table: list[list[str]], mark: str, random: Random) -> str:
    file = io.StringIO(newline="")
    end = random.choice(("\n", "\r\n", "\r"))
    quoting = random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    csv.writer(file, delimiter=mark, lineterminator=end, quoting=quoting).writerows(table)
    return file.getvalue()


def spoilt_csv(random: Random, number: int) -> bytes:
    table, head, size, mark = random.choice(
        ((LONG, 1, 8, ","), (LONG, 1, 8, "\t"), (DUTCH, 3, 8, ";"), (WIDE, 2, 2, ";"))
    )
    spoilt = spoilt_records(some(table, head, size, random), random)
    text = spoilt_text(renamed(written(spoilt, mark, random), number), random)
    return spoilt_bytes(text.encode(random.choice(ENCODINGS), errors="replace"), random)


def spoilt_workbook(random: Random, number: int) -> bytes:
    table, head, size = random.choice(((LONG, 1, 8), (DUTCH, 3, 8), (WIDE, 2, 2)))
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in spoilt_records(some(table, head, size, random), random):
        sheet.append([cell(renamed(text, number), random) for text in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def cell(text: str, random: Random) -> object:
    """Return a text as a person's program keeps it: most numbers as numbers."""
    is_number = re.fullmatch(r"-?[0-9]{1,8}([.,][0-9]{1,4})?", text) and random.random() < 0.8
    return float(text.replace(",", ".")) if is_number else text or None


def spoilt_messages(random: Random, number: int) -> bytes:
    text = renamed("".join(random.sample(MESSAGES, 2)), number)
    segments = [segment.split("|") for segment in text.split("\r")]
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        one, other = random.choice(segments), random.choice(segments)
        place = random.randrange(len(one))
        if one[0] == "OBX" and random.random() < 0.6:
            one[random.choice((2, 5, 5, 6))] = random.choice((*VALUES, *UNITS, "1~2", "<^5", "NM"))
        elif place and place < len(other) and one[0] != "MSH":
            one[place] = other[place]
        elif one[0] != "MSH":
            segments.insert(random.randrange(1, len(segments)), list(one))
    told = "\r".join("|".join(segment) for segment in segments)
    if random.random() < 0.3:
        told = told[:60] + spoilt_text(told[60:], random, HARMLESS)
    return told.encode("utf-8", errors="replace")


# Of escapes and of other separators tests/test_hl7v2.py has more.
HARMLESS = tuple(piece for piece in PIECES if piece not in ("\\", "\x0b", "\x1c"))


def spoilt_bundle(random: Random, number: int) -> dict[str, Any]:
    """Return a Bundle of two people of which some elements were changed."""
    start = random.randrange(0, len(BUNDLE["entry"]) - 14, 7)
    document = {**BUNDLE, "entry": BUNDLE["entry"][start : start + 14]}
    document = json.loads(renamed(json.dumps(document), number))
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        change(document["entry"], random)
    return document


def change(entries: list[dict[str, Any]], random: Random) -> None:
    """Change one resource of a Bundle."""
    one, other = (random.choice(entries)["resource"] for _ in range(2))
    copy = json.loads(json.dumps(other))
    quantity = one["valueQuantity"] if isinstance(one.get("valueQuantity"), dict) else {}
    key, name = random.choice(list(one)), random.choice(("value", "unit", "code", "comparator"))
    random.choice(
        (
            lambda: quantity.update({name: random.choice((*VALUES, *UNITS, "<", ">="))}),
            lambda: quantity.update({"value": random.choice(VALUES)}),
            lambda: quantity.update({"unit": random.choice(UNITS)}),
            lambda: quantity.pop(name, None),
            lambda: one.pop(key) if key != "resourceType" else None,
            lambda: one.update({key: copy.get(key, "")}),
            lambda: one.update(component=[copy]),
            lambda: one.update(
                component=[{key: copy[key] for key in copy if key != "resourceType"}]
            ),
            lambda: entries.append({"resource": copy}),
        )
    )()


def spoilt_json(random: Random, number: int) -> bytes:
    text = json.dumps(spoilt_bundle(random, number), ensure_ascii=random.random() < 0.5)
    text = re.sub(r'"value": "(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)"', r'"value": \1', text)
    return (spoilt_text(text, random) if random.random() < 0.2 else text).encode()


def spoilt_xml(random: Random, number: int) -> bytes:
    text = same_people.as_xml(spoilt_bundle(random, number)).decode()
    return (spoilt_text(text, random) if random.random() < 0.2 else text).encode()


FORMATS: dict[str, tuple[Made, Callable[[bytes], Book], int, int]] = {
    "csv": (spoilt_csv, book_of_csv, 200, 10_000),
    "xlsx": (spoilt_workbook, book_of_workbook, 100, 2_000),
    "hl7": (spoilt_messages, book_of_hl7, 100, 2_000),
    "json": (spoilt_json, book_of_json, 100, 2_000),
    "xml": (spoilt_xml, book_of_xml, 100, 2_000),
}


@pytest.mark.fuzz
@pytest.mark.parametrize("name", FORMATS)
def test_of_a_spoilt_file_no_row_is_lost_and_no_value_is_another(tmp_path_factory, name) -> None:
    make, read, few, full = FORMATS[name]
    tally = Tally()

    @settings(max_examples=sized(few, full=full) // BATCH, phases=[Phase.generate])
    @given(seed=st.integers(0, 2**64))
    def take_in_a_hundred(seed: int) -> None:
        random = Random(seed)
        files = {f"{number}.{name}": make(random, number) for number in range(BATCH)}
        folder = tmp_path_factory.mktemp("mutants")
        tally.add(require_nothing_lost_or_changed(folder, files, read))

    take_in_a_hundred()
    assert tally.taken > tally.refused, tally
    assert tally.accepted > tally.rows / 2, tally
