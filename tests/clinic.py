"""Small people for the rules: values in, what is judged of them out."""

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.interpret import Judged, interpret_columns
from pipeline.model import ACCEPTED_COLUMNS, CaseInput, Interpretation, Visit
from pipeline.normalise import normalise_units
from pipeline.read import read_lab_file
from pipeline.read.people import stated_table
from pipeline.rules import load_rules

RULES = load_rules()
AS_OF = pd.Timestamp("2025-10-01").date()
CALM = {
    "biotin_last_72h": "no",
    "pregnant": "no",
    "known_diabetes": "none",
    "acute_illness_14d": "no",
    "medication": [],
    "symptoms": [],
}


def lab(
    values: Mapping[str, Any],
    *,
    case_id: str = "p1",
    date: str = "2024-01-01",
    sample_id: str = "s1",
    fasting_hours: str = "10",
    units: Mapping[str, str] | None = None,
    **columns: str,
) -> pd.DataFrame:
    """Return lab rows of one sample; a value is in the canonical unit unless ``units`` says."""
    units = units or {}
    return pd.DataFrame(
        [
            {
                "case_id": case_id,
                "sample_id": sample_id,
                "collected_at": date,
                "analyte": marker,
                "value": str(value),
                "unit": units.get(marker, RULES.markers[marker].unit),
                "fasting_hours": fasting_hours,
                **columns,
            }
            for marker, value in values.items()
        ]
    )


def accepted(*parts: pd.DataFrame) -> pd.DataFrame:
    """Return lab rows as accepted rows: read and brought to canonical units, all of them kept."""
    if not any(len(part) for part in parts):
        return pd.DataFrame(columns=list(ACCEPTED_COLUMNS)).astype(
            {"factor_known": bool} | dict.fromkeys(("collected_at", "notes", "marker"), str)
        )
    return _read(pd.concat(parts).fillna("").to_csv(index=False)).copy()


@lru_cache(maxsize=256)  # many tests begin from the same values
def _read(table: str) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lab.csv"
        path.write_text(table, "utf-8")
        rows = normalise_units(read_lab_file(path, rules=RULES).rows, RULES)
    assert rows[["marker", "low"]].notna().all(axis=None), "a drawn row cannot be read"
    return rows.assign(notes="")[list(ACCEPTED_COLUMNS)]


def case(
    *parts: pd.DataFrame,
    sex: str | None = "F",
    birth_year: int | None = 1984,
    context: Mapping[str, Any] | None = None,
    visits: tuple[Mapping[str, Any], ...] = (),
    **more: Any,
) -> CaseInput:
    """Return one person with accepted rows; nothing is unusual unless ``context`` says so."""
    return CaseInput(
        case_id="p1",
        as_of=AS_OF,
        sex=sex,  # type: ignore[arg-type]
        birth_year=birth_year,
        rows=accepted(*parts),
        context={**CALM, **(context or {})},
        visits=visits,
        **more,
    )


def judged(one: CaseInput) -> Judged:
    """Return what is judged of one person, as columns."""
    people = pd.DataFrame(
        {"case_id": [one.case_id], "sex": [one.sex], "birth_year": [one.birth_year]}
    )
    return interpret_columns(one.rows, people, stated_table([one]), as_of=AS_OF, rules=RULES)


def only_visit(interpretation: Interpretation) -> Visit:
    """Return the visit of an interpretation that has exactly one."""
    (visit,) = interpretation.visits
    return visit


def bands(visit: Visit, set: str) -> dict[str, str]:
    """Return the bands of one set by marker, of the findings that have one."""
    found = {finding.marker: getattr(finding, set) for finding in visit.findings}
    return {marker: str(band) for marker, band in found.items() if band is not None}
