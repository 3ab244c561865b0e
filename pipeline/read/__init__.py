"""Middle floor. Reads what people send: lab files, case folders, tables of people, input.json."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import RAW_COLUMNS
from pipeline.read.case_folder import CASE_FILE, CaseFolder, insulin_factors, read_case_folders
from pipeline.read.case_input import read_case_input, write_case_input
from pipeline.read.lab_csv import read_lab_csv
from pipeline.read.numbers import NUMBER_COLUMNS, with_numbers
from pipeline.read.people import Person, people_of, read_people, stated_table

__all__ = [
    "CASE_FILE",
    "READERS",
    "CaseFolder",
    "Person",
    "insulin_factors",
    "people_of",
    "read_case_folders",
    "read_case_input",
    "read_lab_file",
    "read_people",
    "stated_table",
    "write_case_input",
]

READERS: dict[str, Callable[..., pd.DataFrame]] = {".csv": read_lab_csv, ".tsv": read_lab_csv}


def read_lab_file(path: Path, *, case_id: str | None = None) -> pd.DataFrame:
    """Return one row per result in file order: ``RAW_COLUMNS``, all text, then what was read of it.

    ``row`` is "file:line"; ``cells`` and ``columns`` count the cells of the record and of the
    header; ``NUMBER_COLUMNS`` are its numbers. No unit is converted here, and what the file does
    not have is "". With ``case_id`` all rows are of that case, unless they say otherwise.

    Raises LabFileError where the file is of no known kind, or cannot be read at all.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise LabFileError(f"Unrecognised lab file '{path.name}': expected one of {known}.")
    rows = reader(path, case_id=case_id)
    if rows.empty:
        raise LabFileError(f"Unable to find any row in '{path.name}': it has only a header.")
    rows["line"] = rows["line"].astype(str)
    rows["file"] = path.name
    rows["row"] = path.name + ":" + rows["line"]
    return with_numbers(rows)[[*RAW_COLUMNS, "cells", "columns", *NUMBER_COLUMNS]]
