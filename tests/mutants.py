"""Spoilt lab files, taken in by the hundred, and what another reading of each says it holds."""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from random import Random
from unittest.mock import patch

from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.intake import take_in
from pipeline.read import read_lab_file
from pipeline.read.reading import Reading

AS_OF = dt.date(2025, 1, 1)
PERSONAL = "personal-column"  # counts columns, not entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a file says of one result: each by the texts of it that may be meant."""

    values: tuple[str, ...]
    units: tuple[str, ...]
    names: tuple[str, ...]
    case: str | None = None  # None where nobody can say


@dataclass(slots=True)
class Book:
    """The results of a file by their address, and how many entries it has that are none.

    A result of None is one that nobody can divide. ``total`` counts results and other entries.
    """

    entries: dict[str, Entry | None] = field(default_factory=dict)
    total: int = 0
    is_exact: bool = True  # whether what is no result is told apart from results here


@dataclass(slots=True)
class Tally:
    """How many files were refused or taken in, and of how many rows how many were accepted."""

    refused: int = 0
    taken: int = 0
    rows: int = 0
    accepted: int = 0

    def add(self, other: "Tally") -> None:
        self.refused += other.refused
        self.taken += other.taken
        self.rows += other.rows
        self.accepted += other.accepted


def require_nothing_lost_or_changed(
    folder: Path, files: Mapping[str, bytes], read: Callable[[bytes], Book]
) -> Tally:
    """Take in all files that are no file of the laboratory's at once, and compare with ``read``."""
    kept: dict[str, Reading] = {}
    sentences: dict[str, str] = {}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        try:
            reading = read_lab_file(folder / name, rules=RULES)
        except LabFileError as refused:
            sentences[name] = str(refused)
            continue
        kept[name] = reading
    assert not [told for told in sentences.values() if "\n" in told]
    tally = Tally(refused=len(sentences))
    if kept:
        _require_in_one_intake(folder, files, kept, read, tally)
    return tally


def _require_in_one_intake(
    folder: Path,
    files: Mapping[str, bytes],
    kept: Mapping[str, Reading],
    read: Callable[[bytes], Book],
    tally: Tally,
) -> None:
    once = patch("pipeline.intake.files.read_lab_file", lambda path, **_: kept[path.name])
    with once:  # they have just been read
        intake = take_in([folder / name for name in kept], as_of=AS_OF, rules=RULES)
    assert intake.files == tuple(kept)
    accepted = intake.accepted.groupby("source")
    aside = intake.set_aside.groupby("source")
    for number, (name, reading) in enumerate(kept.items(), start=1):
        ignored = Counter(reading.ignored)
        book = read(files[name])
        good = accepted.get_group(number).to_dict("records") if number in accepted.groups else []
        bad = aside.get_group(number).to_dict("records") if number in aside.groups else []
        told = f"{name}: {files[name]!r}"
        _require_sum(book, [*good, *bad], ignored, name, told)
        for row in good:
            _require_accepted(book.entries[_address(row, name)], row, told)
        for row in bad:
            _require_as_read(book.entries[_address(row, name)], row, told)
        tally.taken, tally.rows = tally.taken + 1, tally.rows + len(good) + len(bad)
        tally.accepted += len(good)
    assert intake.counts["accepted"] == tally.accepted
    assert (
        sum(sum(reading.ignored.values()) for reading in kept.values())
        == intake.counts["no_result"]
    )


def _address(row: Mapping[str, str], name: str) -> str:
    return re.sub(f"^{re.escape(name)}(?:#[^:]*)?:", "", row["row"])


def _require_sum(
    book: Book, rows: list[dict[str, str]], ignored: Counter[str], name: str, told: str
) -> None:
    found = sorted(_address(row, name) for row in rows)
    others = ignored.total() - ignored[PERSONAL]
    assert len(set(found)) == len(found), told
    assert len(found) + others == book.total, (found, ignored, book, told)
    assert set(found) <= set(book.entries), (set(found) - set(book.entries), told)
    assert not book.is_exact or len(found) == len(book.entries), (
        set(book.entries) - set(found),
        told,
    )


def _require_as_read(entry: Entry | None, row: Mapping[str, str], told: str) -> None:
    """Require that a row set aside still says what the file does."""
    if entry is None:
        assert row["reasons"] == "row-width", told
        return
    assert row["value"] in ("", *entry.values), (row, entry, told)
    assert row["value"] or "" in entry.values or not _is_certain(entry), (row, entry, told)
    assert row["unit"] in ("", *entry.units) or "|" in row["unit"], (row, entry, told)


def _is_certain(entry: Entry) -> bool:
    return len(entry.values) == 1


def _require_accepted(entry: Entry | None, row: Mapping[str, object], told: str) -> None:
    """Require that a value that may be used is that of the file, in the unit of the file."""
    assert entry is not None, told
    told_of = (row, entry, told)
    assert row["value_as_reported"] in entry.values, told_of
    assert row["unit_as_reported"] in entry.units, told_of
    assert entry.case is None or row["case_id"] == entry.case, told_of
    marker = str(row["marker"])
    assert marker in map(RULES.marker_of, entry.names), told_of
    sign, number = strictly_read(str(row["value_as_reported"]))
    exact = in_canonical_unit(number, marker, str(row["unit_as_reported"]))
    low, high = ends_of(sign, exact)
    assert _same(float(str(row["low"])), low), told_of
    assert _same(float(str(row["high"])), high), told_of


def _same(one: float, other: float) -> bool:
    return one == other or math.isclose(one, other, rel_tol=1e-12)


# Numbers, read anew.


def strictly_read(text: str) -> tuple[str, Decimal]:
    """Return sign of comparison and number of a text; fail where it is anything else."""
    found = re.fullmatch(
        r"\s*(<=|>=|<|>|≤|≥|)\s*(-?[0-9]*(?:[.,][0-9]+)?)\s*(?:HH?|LL?|\*\*?|!)?\s*", text
    )
    assert found is not None, text
    sign = {"≤": "<=", "≥": ">="}.get(found[1], found[1])
    return sign, Decimal(found[2].replace(",", "."))


def in_canonical_unit(number: Decimal, marker: str, unit: str) -> Decimal:
    """Return a number in its marker's unit, rounded as section 3.10 of the specification says."""
    factor, offset = factors()[marker, RULES.fold_unit(unit)]
    exact = number * Decimal(repr(factor)) + Decimal(repr(offset))
    if marker == "hba1c":
        return exact.quantize(Decimal(1), ROUND_HALF_UP)
    if not exact:
        return exact
    return exact.quantize(Decimal(1).scaleb(exact.adjusted() - 5), ROUND_HALF_UP)


@cache
def factors() -> Mapping[tuple[str, str], tuple[float, float]]:
    units = RULES.units[["marker", "folded", "factor", "offset"]]
    return {(marker, unit): (a, b) for marker, unit, a, b in units.itertuples(index=False)}


def ends_of(sign: str, number: Decimal) -> tuple[float, float]:
    """Return the interval that a number with a sign of comparison stands for."""
    value = float(number)
    low = high = value
    if sign in ("<", "<="):
        low = 0.0 if value > 0 else -math.inf
        high = math.nextafter(value, -math.inf) if sign == "<" else value
    if sign in (">", ">="):
        low = math.nextafter(value, math.inf) if sign == ">" else value
        high = math.inf
    return low, high


# What happens to files.

VALUES = (
    *("1.234", "1,234", "12.345,6", "1 234", "1'234", "5,2 H", "5.2*", "-5,2", "−5,2", "+5", "<5"),
    *("< 0,3", ">=7", "≤4", "=<5", "<>5", "1e3", "NaN", "inf", "=2+3", "5-7", "neg", "2+", "007"),
    *(".5", "5,", "5,2 mmol/L", "1.2.3", "", " ", " 5 ", "\u00a05", "5\u200b", "٤,٢", "４", "²"),
    *("5\u202f000", "0", "-0", "0.0000001", "99999999", "1" * 40, "'5", "@5", "O.5", "l2", "5;2"),
)
UNITS = (
    "",
    "mg/dL",
    "MMOL/L",
    "mmol/l ",
    "µmol/L",
    "μmol/L",
    "U/l",
    "%",
    "mmol",
    "g/L",
    "E/L",
    "?",
)
PIECES = (
    *('"', '""', "'", ",", ";", "\t", "|", "\r", "\n", "\r\n", "\0", "\ufeff", "\u2028", "\x0b"),
    *("0", "5", "-", "<", ".", "é", "\x1c", "\x85", "＝", "\\", "/", "^", "~", "&", "\U0001f9ea"),
)
ENCODINGS = (*["utf-8"] * 8, "utf-8-sig", "cp1252", "utf-16", "latin-1")


def spoilt_records(records: list[list[str]], random: Random) -> list[list[str]]:
    """Return a table in which cells, rows or the header were changed."""
    records = [list(record) for record in records]
    for _ in range(random.choice((0, 1, 1, 2, 3, 5))):
        record = random.choice(records)
        if record:
            random.choice(_CHANGES)(records, record, random.randrange(len(record)), random)
    return records


def _swap(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    other = random.choice(records)
    if other:
        elsewhere = random.randrange(len(other))
        record[place], other[elsewhere] = other[elsewhere], record[place]


def _swap_below(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    other = random.choice(records)
    if place < len(other):
        record[place], other[place] = other[place], record[place]


def _value(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    places = [n for n, cell in enumerate(record) if re.fullmatch(r"<?[0-9]{1,3}([.,]\d)?", cell)]
    record[random.choice(places or [place])] = random.choice(VALUES)


def _unit(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    record[random.choice([n for n, x in enumerate(record) if "/" in x] or [place])] = random.choice(
        UNITS
    )


def _empty(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    record[place] = ""


def _repeat(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    record.insert(place, record[place])


def _lose(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    del record[place]


def _again(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    records.insert(random.randrange(len(records)), list(record))


def _lose_row(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    if len(records) > 1:
        records.remove(record)


def _part(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    records.insert(random.randrange(len(records)), record[place:])
    del record[place:]


def _header(records: list[list[str]], record: list[str], place: int, random: Random) -> None:
    head = max(records[:4], key=len)
    if place < len(head):
        name = head[place]
        head[place] = random.choice((name.upper(), f" {name} ", name[1:], f"{name}.", "Naam", ""))


_CHANGES = (
    *(_swap, _swap_below, _value, _value, _value, _value, _unit, _unit),
    *(_empty, _repeat, _lose, _again, _lose_row, _part, _header),
)


def spoilt_text(text: str, random: Random, pieces: tuple[str, ...] = PIECES) -> str:
    """Return a text with some pieces put in, taken out or repeated; mostly as it was."""
    for _ in range(random.choice((*[0] * 5, 1, 1, 2, 4))):
        at, size = random.randrange(len(text) + 1), random.randrange(1, 12)
        text = random.choice(
            (
                text[:at] + random.choice(pieces) + text[at:],
                text[:at] + random.choice(pieces) + text[at + 1 :],
                text[:at] + text[at + size :],
                text[: at + size] + text[at:],
            )
        )
    return text


def spoilt_bytes(content: bytes, random: Random) -> bytes:
    """Return bytes of which now and then a few bits are turned."""
    changed = bytearray(content)
    for _ in range(random.choice((*[0] * 8, 1, 2, 8))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def renamed(text: str, number: int) -> str:
    """Return a text whose people are those of no other file."""
    return re.sub(r"\bp(\d\d)\b", rf"p\1x{number}", text)
