"""Middle floor. Takes up the rows of a quarantine.csv that a person corrected, and no others."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS
from pipeline.read.dates import with_dates
from pipeline.read.numbers import with_numbers
from pipeline.read.quarantine import AS_READ, COLUMNS, quarantine_of
from pipeline.read.table import has_header
from pipeline.read.text_file import read_bytes, text_of

CORRECTION = "correction_reading"  # a column of rows: how a person's correction stands, or ""
_LAST_COLUMN, _HEAD = COLUMNS[-1].encode(), 4_096  # by which a quarantine is told from others
_MAY_CHANGE = ("value", "unit", "analyte", "collected_at", "sample_id", "case_id")
_COMPARED = tuple(name for name in AS_READ if name not in ("row", "file", "line", "reasons"))


def corrections_of(path: Path) -> pd.DataFrame | None:
    """Return the corrected rows of a quarantine.csv: ``COLUMNS``, all text; None of another file.

    Raises LabFileError where a row has another number of cells, or no row has a correction.
    """
    content, name = read_bytes(path), path.name
    if _LAST_COLUMN not in content[:_HEAD]:
        return None
    text = text_of(content, name=name)
    if not has_header(text, required=COLUMNS):
        return None
    rows = quarantine_of(text, name=name)
    corrected = rows[rows["correction"].str.strip() != ""]
    if corrected.empty:
        raise LabFileError(f"Unable to find a correction in '{name}': fill in column 'correction'.")
    if corrected["row"].duplicated().any():
        raise LabFileError(f"Expected every row to be corrected once, in '{name}'.")
    return corrected.reset_index(drop=True)


def with_corrections(raw: pd.DataFrame, corrections: pd.DataFrame, *, source: int) -> pd.DataFrame:
    """Return the rows of an intake in which corrected ones stand in place of what was read.

    ``raw`` is what ``read_lab_file`` gives, of all files, with ``source`` (the number of the file)
    and ``folder_case``. A correction of a row of none of them is a row of its own, of the file
    ``source``. The column ``CORRECTION`` says "corrected", or why the correction is not used:
    "without-reason", "unreadable" (it names a column that cannot be corrected) or "changed" (the
    row was changed in place); such a row keeps what was read. Each row id stays that of its file.
    """
    told = [_understood(one) for one in corrections.to_dict("records")]
    by_row = {one.row: one for one in told}
    here = raw["row"].isin(by_row)
    own = raw[here].assign(**{CORRECTION: ""})
    for place, row in own["row"].items():
        for column, text in _in_place(own.loc[place], by_row[row]).items():
            own.at[place, column] = text
    others = [one for one in told if one.row not in set(raw["row"])]
    columns = [*RAW_COLUMNS, CORRECTION]
    alone = pd.DataFrame([_alone(one) for one in others], columns=columns, dtype=object)
    alone = alone.fillna("").astype(str).assign(source=source, folder_case="", cells=1, columns=1)
    parts = [raw[~here].assign(**{CORRECTION: ""}), _read_again(own)]
    together = pd.concat(parts).sort_index()
    return pd.concat([together, _read_again(alone)], ignore_index=True)[list(together.columns)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Correction:
    """One corrected row: what was read, what changes, and how the correction stands."""

    row: str
    read: Mapping[str, str]
    changes: Mapping[str, str]
    standing: str

    def used(self) -> Mapping[str, str]:
        return self.changes if self.standing == "corrected" else {}


def _understood(one: Mapping[Hashable, str]) -> _Correction:
    changes = _parts(one["correction"])
    standing = "corrected"
    if not one["correction_reason"].strip():
        standing = "without-reason"
    elif not set(changes) <= set(_MAY_CHANGE):
        standing = "unreadable"
    read = {name: one[name] for name in AS_READ if name != "reasons"}
    return _Correction(row=one["row"], read=read, changes=changes, standing=standing)


def _parts(correction: str) -> dict[str, str]:
    """Return what a correction says: a value, or "unit=mmol/L; value=5,2"."""
    if "=" not in correction.lstrip("<>≤≥ ").lstrip("="):
        return {"value": correction.strip()}
    parts = (part.partition("=") for part in correction.split(";"))
    return {name.strip(): text.strip() for name, _, text in parts}


def _in_place(row: pd.Series, correction: _Correction) -> dict[str, str]:
    """Return what changes of a row that was read; nothing where it was changed in place too."""
    if any(str(row[name]) != correction.read[name] for name in _COMPARED):
        return {CORRECTION: "changed"}
    return {**correction.used(), CORRECTION: correction.standing}


def _alone(correction: _Correction) -> dict[str, str]:
    """Return a corrected row whose file is not at hand."""
    return {**correction.read, **correction.used(), CORRECTION: correction.standing}


def _read_again(rows: pd.DataFrame) -> pd.DataFrame:
    return with_dates(with_numbers(rows)) if len(rows) else rows
