"""Turns NHANES 2017-2018 into the project's lab table: once from its SI columns, once in mg/dL."""

from pathlib import Path
from typing import Literal

import pandas as pd

Units = Literal["si", "mg_dl"]

# marker: the SI column and its unit, the other column and its unit. What NHANES gives in one unit
# only stands twice.
COLUMNS = {
    "glucose_fasting": ("LBDGLUSI", "mmol/L", "LBXGLU", "mg/dL"),
    "insulin_fasting": ("LBDINSI", "pmol/L", "LBXIN", "uU/mL"),
    "hba1c": ("LBXGH", "%", "LBXGH", "%"),
    "hdl": ("LBDHDDSI", "mmol/L", "LBDHDD", "mg/dL"),
    "triglycerides": ("LBDSTRSI", "mmol/L", "LBXSTR", "mg/dL"),
    "cholesterol_total": ("LBDSCHSI", "mmol/L", "LBXSCH", "mg/dL"),
    "creatinine": ("LBDSCRSI", "umol/L", "LBXSCR", "mg/dL"),
    "alt": ("LBXSATSI", "U/L", "LBXSATSI", "U/L"),
    "ast": ("LBXSASSI", "U/L", "LBXSASSI", "U/L"),
    "ggt": ("LBXSGTSI", "U/L", "LBXSGTSI", "U/L"),
    "weight": ("BMXWT", "kg", "BMXWT", "kg"),
    "height": ("BMXHT", "cm", "BMXHT", "cm"),
    "waist": ("BMXWAIST", "cm", "BMXWAIST", "cm"),
}
ADULT = 20
SAMPLED = "2018-06-01T09:00"
DETECTION_LIMIT = {"pmol/L": "<6.00", "uU/mL": "<1.00"}  # of insulin; NHANES fills in 1/√2 of it
_NOUGHT = 1e-70  # SAS writes a missing zero as 5.4e-79


def adults(shared: Path) -> pd.DataFrame:
    """Return the adults of the fasting subsample, as NHANES has them."""
    people = pd.read_csv(shared / "data/nhanes/nhanes_2017_2018_fasting.csv.gz")
    return people[people["RIDAGEYR"] >= ADULT].reset_index(drop=True)


def lab_table(people: pd.DataFrame, units: Units) -> pd.DataFrame:
    """Return one row a result, as text; a result that NHANES does not have has no row."""
    parts = [_results(people, marker, units) for marker in COLUMNS]
    return pd.concat(parts).sort_values(["case_id", "analyte"], ignore_index=True)


def _results(people: pd.DataFrame, marker: str, units: Units) -> pd.DataFrame:
    column, unit = COLUMNS[marker][:2] if units == "si" else COLUMNS[marker][2:]
    value = people[column].where(people[column] > _NOUGHT)
    text = value.map(lambda number: f"{number:.10g}")
    if marker == "insulin_fasting":
        text = text.mask(people["LBDINLC"] == 1, DETECTION_LIMIT[unit])
    rows = pd.DataFrame(
        {
            "case_id": "n" + people["SEQN"].astype(int).astype(str),
            "sample_id": "s" + people["SEQN"].astype(int).astype(str),
            "collected_at": SAMPLED,
            "analyte": marker,
            "value": text,
            "unit": unit,
            "fasting_hours": (people["WTSAF2YR"] > _NOUGHT).map({True: "9", False: "0"}),
            "sex": people["RIAGENDR"].map({1.0: "M", 2.0: "F"}),
            "birth_year": (int(SAMPLED[:4]) - people["RIDAGEYR"]).astype(int).astype(str),
        }
    )
    return rows[value.notna()]
