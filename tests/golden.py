"""Golden cases: what each folder of ``tests/data`` holds, and what the pipeline makes of it."""

import datetime as dt
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from drawn import table

from pipeline.export import case_json
from pipeline.intake import Intake, take_in
from pipeline.interpret import interpret, with_numbered_files
from pipeline.model import Audience, CaseInput, Interpretation
from pipeline.narrate import narrate
from pipeline.rules import load_rules
from pipeline.story import Story

FOLDERS = sorted(path for path in (Path(__file__).parent / "data").iterdir() if path.is_dir())
AS_OF = dt.date(2025, 10, 1)
DRAWING, EXPECTED, WHY = "lab.txt", "expected.json", "why.md"


@cache
def told(folder: Path) -> dict[str, Any]:
    """Return case.json of a case, as what stands in a JSON file."""
    read: dict[str, Any] = json.loads(json.dumps(case_json(interpretation_of(folder.name))))
    return read


@cache
def interpretation_of(name: str) -> Interpretation:
    """Return what is interpreted of one golden case."""
    return interpret(case_of(name), load_rules())


@cache
def story_of(name: str, language: str, audience: Audience) -> Story:
    """Return one golden case told, with numbers in place of its files' names."""
    return narrate(with_numbered_files(interpretation_of(name)), language, audience)


def case_of(name: str) -> CaseInput:
    """Return all that a report of one golden case depends on."""
    return taken_in().case(name)


@cache
def taken_in() -> Intake:
    """Return what is read of all cases: at once, as the checks of the rows take their time."""
    with tempfile.TemporaryDirectory() as place:
        copies = [Path(place) / folder.name for folder in FOLDERS]
        for folder, copy in zip(FOLDERS, copies, strict=True):
            shutil.copytree(folder, copy)
            if (folder / DRAWING).is_file():
                drawing = (folder / DRAWING).read_text(encoding="utf-8")
                lab_rows(drawing).to_csv(copy / "lab.csv", index=False)
        return take_in(copies, as_of=AS_OF, rules=load_rules())


def expected(folder: Path) -> dict[str, Any]:
    """Return the case.json that a person has reviewed."""
    read: dict[str, Any] = json.loads((folder / EXPECTED).read_text(encoding="utf-8"))
    return read


def lab_rows(drawing: str) -> pd.DataFrame:
    """Return the rows of a lab file, drawn a line a sample, with a column a marker.

    A cell is a value in the marker's unit, or "126 mg/dL"; empty: not measured. What the other
    columns say (collected_at, fasting_hours, ref_high …) holds for all results of the sample.
    """
    markers = load_rules().markers
    samples = table(drawing)
    if "sample_id" not in samples:
        samples.insert(0, "sample_id", [f"s{number}" for number in range(1, len(samples) + 1)])
    of_sample = [name for name in samples if name not in markers]
    rows = samples.melt(of_sample, var_name="analyte", ignore_index=False)
    rows = rows[rows["value"] != ""].sort_index(kind="stable")
    cells = rows["value"].str.split(" ", n=1, expand=True).reindex(columns=[0, 1])
    units = rows["analyte"].map(lambda marker: markers[marker].unit)
    return rows.assign(value=cells[0], unit=cells[1].astype(object).fillna(units))
