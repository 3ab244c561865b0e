"""Middle floor. Reads the project's own lab table (CSV); every cell stays the text it was."""

from collections import Counter
from collections.abc import Collection

import pandas as pd

from pipeline.model import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from pipeline.read.layout import fold_name
from pipeline.read.reading import PERSONAL_COLUMN, Reading, undivided
from pipeline.read.table import Table, table_of

_COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)


def required_of(case_id: str | None) -> tuple[str, ...]:
    """Return the columns that the project's own table must have; of one case not its id."""
    return tuple(name for name in REQUIRED_COLUMNS if case_id is None or name != "case_id")


def read_lab_csv(
    text: str, *, name: str, case_id: str | None = None, personal: Collection[str] = ()
) -> Reading:
    """Return one row per record of a text: ``line``, ``cells``, ``columns`` and the table's own.

    With ``case_id`` the file belongs to that case, and its column ``case_id`` may be left out.
    A record with more or fewer ``cells`` than the header has ``columns`` keeps its text, undivided,
    as its ``value``: which cell is which nobody can say. It keeps none where a column is of the
    person (``personal``: folded names); such columns are not read, and counted.

    Raises LabFileError where the file is no table, or a required column is absent.
    """
    table = table_of(text, name=name, required=required_of(case_id))
    of_person = sum(fold_name(column) in personal for column in table.header)
    rows = _cells(table, personal=of_person)
    rows["line"] = table.lines
    rows["cells"] = [len(record) for record in table.records]
    rows["columns"] = len(table.header)
    if case_id is not None:
        rows["case_id"] = rows["case_id"].mask(rows["case_id"].str.strip() == "", case_id)
    return Reading(rows=rows, ignored=+Counter({PERSONAL_COLUMN: of_person}))


def _cells(table: Table, *, personal: int) -> pd.DataFrame:
    """Return the known columns of every record as text, "" where the file has no such column."""
    width = len(table.header)
    blank = [""] * width
    divided = [record if len(record) == width else blank for record in table.records]
    by_name = dict(zip(table.header, zip(*divided, strict=True), strict=False))
    known = {name: by_name[name] for name in _COLUMNS if name in by_name}
    rows = pd.DataFrame(known, index=range(len(divided)), dtype=str)
    rows = rows.reindex(columns=list(_COLUMNS), fill_value="").astype(str)
    for position, record in enumerate(table.records):
        if len(record) != width:
            rows.at[position, "value"] = undivided(record, table.delimiter, personal=personal)
    return rows
