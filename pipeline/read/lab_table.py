"""Middle floor. Reads a table that a laboratory or a practice made: a row, or a cell, a result."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.read.grid import Grid, Number, cell_address
from pipeline.read.layout import BIRTH_DATE, NOT_READ, PATIENT_NUMBER, Layout
from pipeline.read.pseudonym import pseudonym_of
from pipeline.read.ranges import range_of
from pipeline.read.reading import PERSONAL_COLUMN, Reading, as_rows, undivided

_SEXES = {"f": "F", "female": "F", "v": "F", "vrouw": "F", "woman": "F"} | {
    "m": "M", "male": "M", "man": "M"
}  # fmt: skip
_YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")
_DIGIT = re.compile("[0-9]")
_NO_RESULT, _TITLE, _TEXT = "no-result", "title", "text-column"


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    results: list[dict[str, str]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def read_lab_table(grid: Grid, layout: Layout, *, case_id: str | None = None) -> Reading:
    """Return the results of one sheet, whose header and columns ``layout`` says.

    Each record below the header (in a wide table: each filled cell under an analyte) is a result,
    or is counted in ``ignored``: "title" above the header, "no-result" where neither an analyte nor
    a value stands, "text-column" for a cell under a name nobody knows that holds no digit. A number
    under a name that nobody knows is a result of an unknown analyte. "personal-column" counts the
    columns that are of the person. A record with more cells than the header keeps its text as its
    value, as one with fewer does in a text file: which cell is which nobody can say. It keeps none
    where one of them may be a name.
    """
    found = _Found()
    found.ignored[_TITLE] += layout.header
    found.ignored[PERSONAL_COLUMN] += layout.personal
    for line, cells in zip(grid.lines[layout.first :], grid.records[layout.first :], strict=True):
        cells = _fitted(cells, layout.width, even=grid.even)
        if len(cells) != layout.width:
            found.results.append(_undivided(cells, line, layout, case_id))
        elif layout.is_wide:
            _take_cells(found, cells, line, layout, case_id)
        else:
            _take_row(found, cells, line, layout, case_id)
    rows = as_rows(found.results)
    return Reading(rows=rows.assign(sheet=grid.name), ignored=+found.ignored)


def _fitted(cells: list[str], width: int, *, even: bool) -> list[str]:
    """Return a record without empty cells beyond the header; a workbook's also filled up to it."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return [*cells, *[""] * (width - len(cells))] if even else cells


def _undivided(cells: list[str], line: int, layout: Layout, case_id: str | None) -> dict[str, str]:
    own = {"cells": str(len(cells)), "columns": str(layout.width)}
    text = undivided(cells, " | ", personal=layout.personal)
    return {"line": str(line), "case_id": case_id or "", "value": text, **own}


def _take_row(
    found: _Found, cells: list[str], line: int, layout: Layout, case_id: str | None
) -> None:
    """Take a record that is one result."""
    told = _told(cells, layout, case_id)
    if not (told["analyte"].strip() or told["value"].strip()):
        found.ignored[_NO_RESULT] += 1
        return
    place = next(place for place, column in layout.columns.items() if column == "value")
    found.results.append({"line": str(line), "mark": _mark(cells[place]), **told})


def _take_cells(
    found: _Found, cells: list[str], line: int, layout: Layout, case_id: str | None
) -> None:
    """Take a record of which each filled cell under an analyte is a result."""
    told = _told(cells, layout, case_id)
    before = len(found.results)
    for place, analyte in layout.analytes.items():
        if cells[place].strip():
            own = {"analyte": analyte.name, "unit": analyte.unit, "value": cells[place]}
            label = {"comment": analyte.label} if analyte.label else {}
            address = {"line": cell_address(place, line), "mark": _mark(cells[place])}
            found.results.append({**told, **label, **own, **address})
    for place in layout.unnamed:
        if _DIGIT.search(cells[place]):
            own = {"analyte": layout.names[place], "value": cells[place]}
            found.results.append({**told, **own, "line": cell_address(place, line)})
        elif cells[place].strip():
            found.ignored[_TEXT] += 1
    if len(found.results) == before:
        found.ignored[_NO_RESULT] += 1


def _mark(cell: str) -> str:
    return "." if isinstance(cell, Number) else ""


def _told(cells: list[str], layout: Layout, case_id: str | None) -> dict[str, str]:
    """Return what a record says beside its results: whose they are, when, of which sample."""
    told = {
        column: cells[place] for place, column in layout.columns.items() if column not in NOT_READ
    }
    told["case_id"] = told.get("case_id", "").strip() or case_id or _pseudonym(told)
    told["sex"] = _SEXES.get(told.get("sex", "").strip().casefold(), told.get("sex", ""))
    if year := _YEAR.search(told.pop(BIRTH_DATE, "")):
        told.setdefault("birth_year", year.group())
    told.pop(PATIENT_NUMBER, None)
    return {**told, **_limits(told)}


def _pseudonym(told: Mapping[str, str]) -> str:
    return pseudonym_of([("", told.get(PATIENT_NUMBER, ""))])


def _limits(told: Mapping[str, str]) -> Mapping[str, str]:
    """Return the limits that are printed as one text, where they do not stand in columns."""
    if told.get("ref_low") or told.get("ref_high") or not told.get("ref_text"):
        return {}
    low, high = range_of(told["ref_text"])
    return {"ref_low": low, "ref_high": high}
