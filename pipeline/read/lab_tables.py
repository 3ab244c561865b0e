"""Middle floor. Finds and reads the tables of a file, the project's own or any laboratory's."""

from dataclasses import dataclass

from pipeline.errors import LabFileError
from pipeline.read.grid import Grid
from pipeline.read.lab_csv import read_lab_csv, required_of
from pipeline.read.lab_table import read_lab_table
from pipeline.read.layout import (
    NOT_READ,
    OF_A_PERSON,
    PATIENT_NUMBER,
    Layout,
    Vocabulary,
    layout_of,
)
from pipeline.read.mapping import LabMapping
from pipeline.read.reading import Reading, as_rows, joined
from pipeline.read.table import grids_of, has_header
from pipeline.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file to be read, and what is known beforehand."""

    name: str
    rules: Rules
    mapping: LabMapping
    case_id: str | None = None

    def is_analyte(self, name: str) -> bool:
        """Return whether the rules or the mapping know an analyte by this code or name."""
        return self.mapping.knows(name) or self.rules.marker_of(name) is not None

    def vocabulary(self) -> Vocabulary:
        """Return the words by which columns, analytes and units are recognised."""
        units = set(self.rules.units["folded"])
        mapped = set(self.mapping.columns.values()) - set(NOT_READ)
        others = {n: c for n, c in self.rules.column_names.items() if c not in mapped}
        return Vocabulary(
            columns={**others, **self.mapping.columns},
            is_analyte=self.is_analyte,
            is_unit=lambda unit: self.rules.fold_unit(unit) in units,
        )


def read_text_table(text: str, wanted: Wanted) -> Reading:
    """Return the results of a text: of the project's own table, else of whatever table it is.

    Raises LabFileError where it is no table, or a column is absent without which none is read.
    """
    if not has_header(text, required=required_of(wanted.case_id)):
        words = wanted.vocabulary()
        parted = [(grid, layout_of(grid, words)) for grid in grids_of(text, name=wanted.name)]
        found = [(grid, layout) for grid, layout in parted if layout is not None]
        if found:
            grid, layout = max(found, key=lambda pair: pair[1].known)
            _require_columns(layout, wanted)
            return read_lab_table(grid, layout, case_id=wanted.case_id)
    columns = wanted.vocabulary().columns.items()
    personal = {name for name, column in columns if column in OF_A_PERSON}
    # It says what the text lacks.
    return read_lab_csv(text, name=wanted.name, case_id=wanted.case_id, personal=personal)


def read_sheets(grids: list[Grid], wanted: Wanted) -> Reading:
    """Return the results of all sheets that hold a table; the records of others are counted.

    Raises LabFileError where no sheet has a table, or one lacks a column it needs.
    """
    words = wanted.vocabulary()
    chosen = [grid for grid in grids if grid.name in (wanted.mapping.sheets or (grid.name,))]
    layouts = [layout_of(grid, words) for grid in chosen]
    if not any(layouts):
        raise LabFileError(f"Unable to find columns with results in '{wanted.name}'.")
    for layout in filter(None, layouts):
        _require_columns(layout, wanted)
    others = [grid for grid in grids if grid not in chosen]
    return joined(
        [
            *(
                read_lab_table(grid, layout, case_id=wanted.case_id)
                if layout
                else _of_no_table(grid)
                for grid, layout in zip(chosen, layouts, strict=True)
            ),
            *map(_of_no_table, others),
        ]
    )


def _require_columns(layout: Layout, wanted: Wanted) -> None:
    """Raise LabFileError where a table does not say whose its results are, of when, or the unit.

    Two columns of one meaning are refused too: which of them is meant a mapping says.
    """
    for column in layout.repeated:
        name = wanted.name
        raise LabFileError(f"Expected exactly 1 column '{column}' in '{name}': see --mapping.")
    found = {*layout.columns.values(), *wanted.mapping.constants}
    whose = bool(wanted.case_id) or not found.isdisjoint(("case_id", PATIENT_NUMBER))
    unit = layout.is_wide or "unit" in found or bool(wanted.mapping.analytes)
    said = {"case_id": whose, "collected_at": "collected_at" in found, "unit": unit}
    for column, known in said.items():
        if not known:
            raise LabFileError(f"Unable to find column '{column}' in '{wanted.name}'.")


def _of_no_table(grid: Grid) -> Reading:
    return Reading(rows=as_rows(()), ignored={"sheet-without-results": len(grid.records)})
