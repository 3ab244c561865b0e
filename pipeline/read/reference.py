"""Middle floor. Reads a reference population: what is usual in other people, by sex and age."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from pipeline.errors import ReferenceFileError
from pipeline.model import Sex
from pipeline.read.table import Table, read_table
from pipeline.rules import Rules

PERCENTILES = ("p5", "p25", "p50", "p75", "p95")
_OF_PEOPLE = ("population", "year", "source")
_REQUIRED = ("marker", "sex", "age_from", "age_to", "unit", "p25", "p50", "p75", *_OF_PEOPLE)
_OPTIONAL = ("p5", "p95", "n")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_AGE = re.compile(r"[0-9]{1,2}|1[0-4][0-9]|150")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST = 200  # characters of a text that a review prints
_Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Whom percentiles are of, when these were measured, and who says so."""

    name: str
    year: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One row: the percentiles of a marker among people of one sex and age; None is any.

    ``age_from`` and ``age_to`` are whole years and both belong to it; ``people`` is how many they
    were, None where that is not stated.
    """

    line: int
    marker: str
    sex: Sex | None
    age_from: int | None
    age_to: int | None
    unit: str
    percentiles: Mapping[str, float]  # p25, p50 and p75; p5 and p95 where they are stated
    people: int | None
    population: Population

    @property
    def name(self) -> str:
        """Return whom it is of: "F/20-39", "M/60-", "/-"."""
        ends = ("" if age is None else str(age) for age in (self.age_from, self.age_to))
        return f"{self.sex or ''}/{'-'.join(ends)}"

    @property
    def ages(self) -> tuple[float, float]:
        """Return the first and the last age of it [years]; an open end is infinite."""
        first = float("-inf") if self.age_from is None else self.age_from
        return first, float("inf") if self.age_to is None else self.age_to

    def overlaps(self, other: "Stratum") -> bool:
        """Return whether one person can belong to both."""
        (first, last), (start, end) = self.ages, other.ages
        same_sex = self.sex is None or other.sex is None or self.sex == other.sex
        return same_sex and first <= end and start <= last


def read_reference(path: Path, rules: Rules) -> tuple[Stratum, ...]:
    """Return the rows of a reference population, in the units they are written in.

    Raises ReferenceFileError, with the file and the line, where the table cannot be read, a row
    states what cannot be, two rows are of the same people, or a marker has two populations.
    """
    table = read_table(path, required=_REQUIRED, error=ReferenceFileError)
    _require_known(table.header, path.name)
    found: dict[str, list[Stratum]] = {}
    for line, cells in zip(table.lines, table.records, strict=True):
        where = f"'{path.name}', line {line}"
        stratum = _stratum(_stated(cells, table, where), rules, line=line, where=where)
        _require_apart(stratum, found.setdefault(stratum.marker, []), where)
        found[stratum.marker].append(stratum)
    if not found:
        raise ReferenceFileError(f"Unable to find any row in '{path.name}'.")
    return tuple(stratum for strata in found.values() for stratum in strata)


def _require_known(header: Iterable[str], name: str) -> None:
    known = (*_REQUIRED, *_OPTIONAL)
    for column in header:
        if column not in known:
            raise ReferenceFileError(
                f"Unrecognised column '{column}' in '{name}': expected one of {', '.join(known)}."
            )


def _require_apart(stratum: Stratum, others: Iterable[Stratum], where: str) -> None:
    """Raise unless a row is of other people than those before it, and of the same population."""
    for other in others:
        if stratum.overlaps(other):
            raise ReferenceFileError(
                f"Expected exactly 1 row of {stratum.marker} for each sex and age,"
                f" but {where} overlaps line {other.line}."
            )
        if stratum.population != other.population:
            raise ReferenceFileError(
                f"Expected exactly 1 population, year and source of {stratum.marker},"
                f" but {where} has others than line {other.line}."
            )


def _stated(cells: list[str], table: Table, where: str) -> _Cells:
    if len(cells) != len(table.header):
        raise ReferenceFileError(f"Expected exactly {len(table.header)} cells in {where}.")
    return dict(zip(table.header, map(str.strip, cells), strict=True))


def _stratum(row: _Cells, rules: Rules, *, line: int, where: str) -> Stratum:
    age_from, age_to = _ages(row, where)
    return Stratum(
        line=line,
        marker=_marker(row, rules, where),
        sex=_sex(row, where),
        age_from=age_from,
        age_to=age_to,
        unit=row["unit"],
        percentiles=_percentiles(row, where),
        people=int(_matched(row, "n", _COUNT, where) or 0) or None,
        population=_population(row, where),
    )


def _marker(row: _Cells, rules: Rules, where: str) -> str:
    marker = rules.marker_of(row["marker"])
    if marker is None:
        raise ReferenceFileError(
            f"Unrecognised marker '{row['marker']}' in {where}:"
            " expected one of 'casereport rules list'."
        )
    return marker


def _sex(row: _Cells, where: str) -> Sex | None:
    if row["sex"] not in ("F", "M", ""):
        raise ReferenceFileError(
            f"Unrecognised sex '{row['sex']}' in {where}: expected F, M or nothing."
        )
    return cast(Sex, row["sex"]) if row["sex"] else None


def _ages(row: _Cells, where: str) -> tuple[int | None, int | None]:
    written = [_matched(row, name, _AGE, where) for name in ("age_from", "age_to")]
    first, last = (int(text) if text else None for text in written)
    if first is not None and last is not None and first > last:
        raise ReferenceFileError(f"Expected age_from of {where} to be at most its age_to.")
    return first, last


def _percentiles(row: _Cells, where: str) -> dict[str, float]:
    """Return the percentiles that are stated; of equal ones each is in order."""
    written = {name: _matched(row, name, _NUMBER, where) for name in PERCENTILES}
    for name in ("p25", "p50", "p75"):
        if not written[name]:
            raise ReferenceFileError(f"Unable to find {name} in {where}.")
    found = {name: float(text) for name, text in written.items() if text}
    for low, high in pairwise(found):
        if found[low] > found[high]:
            raise ReferenceFileError(f"Expected {low} of {where} to be at most its {high}.")
    return found


_MEANT = {
    _NUMBER: "a number with a decimal point",
    _AGE: "whole years, at most 150",
    _COUNT: "a number of people",
}


def _matched(row: _Cells, name: str, shape: re.Pattern[str], where: str) -> str:
    """Return what a column says where it has the shape of it; nothing where it says nothing."""
    text = row.get(name, "")
    if text and not shape.fullmatch(text):
        raise ReferenceFileError(f"Unrecognised {name} in {where}: expected {_MEANT[shape]}.")
    return text


def _population(row: _Cells, where: str) -> Population:
    for name in _OF_PEOPLE:
        text = row[name]
        if not text or not text.isprintable() or len(text) > _LONGEST:
            raise ReferenceFileError(
                f"Expected {name} of {where} to be 1 to {_LONGEST} characters:"
                " each number that is printed has a source."
            )
    return Population(name=row["population"], year=row["year"], source=row["source"])
