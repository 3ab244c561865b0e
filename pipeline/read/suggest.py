"""Middle floor. Writes a first mapping of a table: what is recognised, and what is to decide."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.read.dates import ORDERS
from pipeline.read.grid import Grid
from pipeline.read.kind import is_transport, is_workbook
from pipeline.read.lab_tables import Wanted
from pipeline.read.layout import Layout, layout_at, layout_of
from pipeline.read.mapping import LabMapping
from pipeline.read.table import grids_of
from pipeline.read.text_file import read_bytes, text_of
from pipeline.read.transport import read_transport
from pipeline.read.workbook import read_workbook
from pipeline.rules import Rules

_DECIDE = "# DECIDE:"
_NEEDED = ("case_id", "collected_at", "analyte", "value", "unit")
_MOST_NAMES = 200  # of analytes: a table has more only where its column is no name at all


def suggest_mapping(path: Path, rules: Rules) -> str:
    """Return a mapping of a table as TOML, which ``read_mapping`` reads.

    What is recognised stands as it is; what a person must decide stands behind "# DECIDE:".

    Raises LabFileError where the file is no table or workbook.
    """
    wanted = Wanted(name=path.name, rules=rules, mapping=LabMapping())
    grid, layout = _table(_grids(path), wanted)
    lines = [
        "# A first mapping: complete what stands behind DECIDE, then pass it as --mapping.",
        f"{_DECIDE} the laboratory's name, its dates ({' or '.join(ORDERS)}), its decimal mark.",
        '# laboratory = ""',
        '# dates = "dmy"',
        '# decimal = ","',
        f"{_DECIDE} how many pmol of insulin this laboratory reckons to one mU (6.0 or 6.945).",
        "# insulin_pmol_per_mU = 6.0",
        *_columns(layout),
        *_constants(layout),
        *_analytes(grid, layout, wanted),
    ]
    return "\n".join(lines) + "\n"


def _grids(path: Path) -> list[Grid]:
    content = read_bytes(path)
    if is_workbook(content):
        return read_workbook(content, name=path.name)
    if is_transport(content):
        return [read_transport(content, name=path.name)]
    return list(grids_of(text_of(content, name=path.name), name=path.name))


def _table(grids: list[Grid], wanted: Wanted) -> tuple[Grid, Layout]:
    """Return the grid of which most columns are recognised; of none its fullest record leads."""
    words = wanted.vocabulary()
    found = [(grid, layout) for grid in grids if (layout := layout_of(grid, words))]
    if found:
        return max(found, key=lambda pair: pair[1].known)
    grid = max(grids, key=lambda one: max(map(_filled, one.records), default=0))
    header = max(range(len(grid.records)), key=lambda place: _filled(grid.records[place]))
    return grid, layout_at(grid, header, words)


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _columns(layout: Layout) -> Iterator[str]:
    yield "\n[columns]"
    for place, column in layout.columns.items():
        yield f"{_key(layout.names[place])} = {json.dumps(column)}"
    for place in layout.unnamed:
        yield f"{_DECIDE} which column is this? Or is it one analyte's: name it under [analytes]."
        yield f'# {_key(layout.names[place])} = "ignored"'


def _constants(layout: Layout) -> Iterator[str]:
    """Yield the columns that the table lacks, to be stated for all rows."""
    found = set(layout.columns.values())
    found |= {"analyte", "value", "unit"} if layout.analytes else set()
    found |= {"case_id"} if "patient_number" in found else set()
    lacking = [name for name in (*_NEEDED, "sample_id", "fasting_hours") if name not in found]
    yield "\n[constants]"
    for name in lacking:
        if name not in ("analyte", "value"):
            yield f"{_DECIDE} no column says this; one text for all rows, if that is so."
            yield f'# {name} = ""'


def _analytes(grid: Grid, layout: Layout, wanted: Wanted) -> Iterator[str]:
    yield "\n[analytes]"
    for name in _names(grid, layout):
        marker = wanted.rules.marker_of(name)
        if marker is None:
            yield f"{_DECIDE} which marker is this?"
            yield f'# {_key(name)} = {{ marker = "", unit = "" }}'
        else:
            yield f"{_key(name)} = {json.dumps(marker)}"


def _names(grid: Grid, layout: Layout) -> Iterable[str]:
    """Return the names of analytes, each once: of columns, or of the column that names them."""
    if layout.analytes:
        return dict.fromkeys(one.name for one in layout.analytes.values())
    places = [place for place, column in layout.columns.items() if column == "analyte"]
    records = grid.records[layout.first :]
    names = [cells[place].strip() for place in places for cells in records if place < len(cells)]
    return list(dict.fromkeys(filter(None, names)))[:_MOST_NAMES]


def _key(name: str) -> str:
    """Return a name as a key of TOML, which has the escapes of JSON."""
    return json.dumps(" ".join(name.split()), ensure_ascii=False)
