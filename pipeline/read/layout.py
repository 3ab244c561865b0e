"""Middle floor. Finds the header of a table that anybody made, and what its columns hold."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.model import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from pipeline.read.grid import Grid

PATIENT_NUMBER, BIRTH_DATE = "patient_number", "birth_date"
PERSONAL, IGNORED = "personal", "ignored"
NOT_READ = (PERSONAL, IGNORED)
OF_A_PERSON = (PATIENT_NUMBER, BIRTH_DATE, PERSONAL)  # whose cells are written nowhere
COLUMNS_OF_TABLES = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS, *OF_A_PERSON, IGNORED)

_EACH_ONCE = ("case_id", PATIENT_NUMBER, "collected_at", "analyte", "value", "unit")
_ROWS_SEARCHED = 40  # for a header, below titles
_LONGEST_NAME = 255  # a longer text names no column; to part it takes time as its square
_IN_BRACKETS = re.compile(r"(?P<name>.+?)\s*[(\[](?P<unit>[^)\]]+)[)\]]\s*\Z", re.DOTALL)
_LAST_WORD = re.compile(r"(?P<name>.+?)[\s,;]+(?P<unit>\S+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What the reader of tables recognises: names of columns, of analytes, and units."""

    columns: Mapping[str, str]  # folded by ``fold_name`` -> a column of ``COLUMNS_OF_TABLES``
    is_analyte: Callable[[str], bool]
    is_unit: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyte:
    """A column that holds the results of one analyte."""

    name: str
    unit: str = ""
    label: str = ""  # what stands above it in a further header row


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the header of a grid stands and what its columns hold, by their position.

    ``first``: the position of the first record of data. ``analytes`` is empty in a table that has a
    row for each result.
    """

    header: int
    first: int
    names: tuple[str, ...]
    columns: Mapping[int, str]
    analytes: Mapping[int, Analyte] = field(default_factory=dict)
    unnamed: tuple[int, ...] = ()  # columns with a name that nobody knows
    repeated: tuple[str, ...] = ()  # columns that several names of the header stand for

    @property
    def known(self) -> int:
        """Return how many columns are recognised."""
        return len(self.columns) + len(self.analytes)

    @property
    def personal(self) -> int:
        """Return how many columns are of the person, as names, numbers and dates of birth are."""
        return sum(column in OF_A_PERSON for column in self.columns.values())

    @property
    def width(self) -> int:
        """Return how many cells a record has."""
        return len(self.names)

    @property
    def is_wide(self) -> bool:
        """Return whether each analyte has a column of its own."""
        return not {"analyte", "value"} <= set(self.columns.values())


def fold_name(text: str) -> str:
    """Return the key of a column's name: lower case, with one blank for all that parts words."""
    return " ".join(re.split(r"[\s_.\-]+", text.casefold().strip(" :*")))


def layout_of(grid: Grid, words: Vocabulary) -> Layout | None:
    """Return the layout of a grid; None where no row of it names columns that hold results."""
    searched = range(min(len(grid.records), _ROWS_SEARCHED))
    best = max(searched, key=lambda place: _recognised(grid.records[place], words), default=0)
    if not len(grid.records) or _recognised(grid.records[best], words) == 0:
        return None
    found = layout_at(grid, best, words)
    return found if _holds_results(found) else None


def _recognised(cells: list[str], words: Vocabulary) -> int:
    """Return how many cells of a record name a column."""
    return sum(
        bool(fold_name(cell) in words.columns or _analyte(cell, words))
        for cell in cells
        if 0 < len(cell) <= _LONGEST_NAME
    )


def _holds_results(layout: Layout) -> bool:
    return bool(layout.analytes) or not layout.is_wide


def layout_at(grid: Grid, header: int, words: Vocabulary) -> Layout:
    """Return the layout of a grid whose header is the record at this position."""
    names = _named(grid.records[header])
    columns = {
        place: words.columns[fold_name(name)]
        for place, name in enumerate(names)
        if fold_name(name) in words.columns
    }
    repeated = _repeated(columns)
    columns = _once(columns)
    if {"analyte", "value"} <= set(columns.values()):
        return Layout(
            header=header, first=header + 1, names=names, columns=columns, repeated=repeated
        )
    analytes = {
        place: found
        for place, name in enumerate(names)
        if place not in columns and (found := _analyte(name, words))
    }
    units = _units_below(grid, header, analytes, words)
    labels = _labels_above(grid, header)
    told = {
        place: Analyte(
            name=one.name, unit=one.unit or units.get(place, ""), label=labels.get(place, "")
        )
        for place, one in analytes.items()
    }
    unnamed = (p for p, n in enumerate(names) if n.strip() and p not in columns | analytes)
    return Layout(
        header=header,
        first=header + 1 + bool(units),
        names=names,
        columns=columns,
        analytes=told,
        unnamed=tuple(unnamed),
        repeated=repeated,
    )


def _named(cells: list[str]) -> tuple[str, ...]:
    """Return the cells of a header up to the last that is not empty."""
    last = max(place for place, name in enumerate(cells) if name.strip())
    return tuple(cells[: last + 1])


def _repeated(columns: Mapping[int, str]) -> tuple[str, ...]:
    """Return the columns that stand several times and of which each may say something else."""
    counts = Counter(columns.values())
    return tuple(column for column in _EACH_ONCE if counts[column] > 1)


def _once(columns: Mapping[int, str]) -> dict[int, str]:
    """Return columns of which each but those not read stands once: the first of its name."""
    seen: set[str] = set()
    kept = {}
    for place, column in columns.items():
        if column in NOT_READ or column not in seen:
            kept[place] = column
            seen.add(column)
    return kept


def _analyte(text: str, words: Vocabulary) -> Analyte | None:
    """Return the analyte that a column's name says, with its unit where the name has one."""
    name = " ".join(text.split())
    if not 0 < len(name) <= _LONGEST_NAME:
        return None
    for pattern in (_IN_BRACKETS, _LAST_WORD):
        parts = pattern.fullmatch(name)
        if parts and words.is_analyte(parts["name"]) and words.is_unit(parts["unit"]):
            return Analyte(name=parts["name"], unit=parts["unit"])
    return Analyte(name=name) if words.is_analyte(name) else None


def _units_below(
    grid: Grid, header: int, analytes: Mapping[int, Analyte], words: Vocabulary
) -> dict[int, str]:
    """Return the units of a second header row, by column; empty where the next row is data."""
    if header + 1 >= len(grid.records):
        return {}
    below = grid.records[header + 1]
    units = {
        place: below[place].strip(" ()[]")
        for place in analytes
        if place < len(below) and below[place].strip()
    }
    return units if units and all(map(words.is_unit, units.values())) else {}


def _labels_above(grid: Grid, header: int) -> dict[int, str]:
    """Return what a row above the header says of columns; a merged cell speaks for all it covers.

    A title is no such row: it has one cell.
    """
    if header == 0 or grid.lines[header] - grid.lines[header - 1] > 1:
        return {}
    above = grid.records[header - 1]
    if sum(bool(cell.strip()) for cell in above) < 2:
        return {}
    labels, last = {}, ""
    for place, _ in enumerate(grid.records[header]):
        last = above[place].strip() if place < len(above) and above[place].strip() else last
        labels[place] = last
    return labels
