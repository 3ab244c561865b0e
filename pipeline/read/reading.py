"""Middle floor. What one file holds: results as text, each with its address, and what is none."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from pipeline.model import OPTIONAL_COLUMNS, REQUIRED_COLUMNS

COLUMNS = ("sheet", "line", "mark", "cells", "columns", *REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
PERSONAL_COLUMN = "personal-column"  # a kind of what is no result
Known = Callable[[str], bool]  # whether the rules know an analyte by this code or name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All entries of one file: those that are results, and how many are not.

    ``rows``: one a result in the order of the file, columns ``COLUMNS``, all text, "" where the
    file says nothing; ``line`` is where it stands: a line, a cell or a path into a document;
    ``mark`` is "." where the file's own format says that this is the decimal mark of the value;
    ``cells`` and ``columns`` count the cells of a record that the header does not fit.
    ``ignored``: how many entries are no laboratory result, by a word for their kind.
    """

    rows: pd.DataFrame
    ignored: Mapping[str, int] = field(default_factory=dict)


def undivided(cells: list[str], delimiter: str, *, personal: int) -> str:
    """Return the text of a record that does not fit its header, "" where it may hold a name."""
    return "" if personal else delimiter.join(cells)


def joined(readings: Iterable[Reading]) -> Reading:
    """Return what several parts of a file hold, as one."""
    parts = list(readings)
    ignored = sum((Counter(part.ignored) for part in parts), Counter[str]())
    return Reading(
        rows=pd.concat([part.rows for part in parts], ignore_index=True), ignored=ignored
    )


def as_rows(results: Iterable[Mapping[str, str]]) -> pd.DataFrame:
    """Return results, a mapping from columns to text each, as the rows of a ``Reading``.

    Raises ValueError where a result has a column that no row has.
    """
    listed = list(results)
    for one in listed:
        if unknown := one.keys() - set(COLUMNS):
            raise ValueError(f"no such column: {', '.join(sorted(unknown))}")
    rows = pd.DataFrame(listed, columns=list(COLUMNS), dtype=object)
    return rows.fillna("").astype(str)


def analyte_of(names: Iterable[str], *, known: Known) -> str:
    """Return the first code or name by which the rules know an analyte, else the first of all."""
    written = [name for name in names if name.strip()]
    return next((name for name in written if known(name)), written[0] if written else "")
