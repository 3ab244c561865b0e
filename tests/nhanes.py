"""Turns NHANES 2017-2018 into the project's lab table: once from its SI columns, once in mg/dL.

``Oracle`` says of the same people, in plain numpy written from the specification, what their
classes and their phase are: nothing of the pipeline has a part in it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
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


def people(shared: Path) -> pd.DataFrame:
    """Return everybody of the fasting subsample, as NHANES has them."""
    return pd.read_csv(shared / "data/nhanes/nhanes_2017_2018_fasting.csv.gz")


def adults(shared: Path) -> pd.DataFrame:
    """Return the adults among them."""
    everybody = people(shared)
    return everybody[everybody["RIDAGEYR"] >= ADULT].reset_index(drop=True)


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
            "case_id": case_ids(people),
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


# What the specification makes of the table in mg/dL.

MOLAR = {"triglycerides": 0.01129, "hdl": 0.02586}  # mmol/L in 1 mg/dL, as markers.csv has it


def case_ids(people: pd.DataFrame) -> pd.Series:
    """Return the case ids of the lab table."""
    return "n" + people["SEQN"].astype(int).astype(str)


def rounded(values: Any) -> np.ndarray[Any, Any]:
    """Return numbers half up to six significant digits (section 1)."""
    values = np.asarray(values, dtype=float)
    with np.errstate(all="ignore"):
        step = 10.0 ** (np.floor(np.log10(np.abs(values))) - 5)
        return np.where(values == 0, 0, np.floor(values / step + 0.5) * step)


@dataclass(frozen=True)
class Oracle:
    """The classes and phases of people of whom nothing is stated but sex and year of birth."""

    people: pd.DataFrame

    def column(self, name: str, *, fasting: bool | None = None) -> np.ndarray[Any, Any]:
        """Return a column of NHANES; with ``fasting`` only of who did, or did not fast."""
        values = self.people[name].to_numpy(float)
        values = np.where(values > _NOUGHT, values, np.nan)
        if fasting is None:
            return values
        return np.where((self.people["WTSAF2YR"] > 1) == fasting, values, np.nan)

    @cached_property
    def women(self) -> np.ndarray[Any, Any]:
        return (self.people["RIAGENDR"] == 2).to_numpy()

    @cached_property
    def fasting_glucose(self) -> np.ndarray[Any, Any]:
        return self.column("LBXGLU", fasting=True)

    @cached_property
    def random_glucose(self) -> np.ndarray[Any, Any]:
        return self.column("LBXGLU", fasting=False)

    @cached_property
    def insulin(self) -> np.ndarray[Any, Any]:
        """Return fasting insulin [mU/L]; over 300 it is implausible, under 1 it reads as 1/√2."""
        values = self.column("LBXIN", fasting=True)
        return np.where(values > 300, np.nan, values)

    @cached_property
    def hdl(self) -> np.ndarray[Any, Any]:
        """Return HDL [mg/dL]; over 4.5 mmol/L it is implausible."""
        values = self.column("LBDHDD")
        return np.where(values * MOLAR["hdl"] > 4.5, np.nan, values)

    @cached_property
    def hba1c(self) -> np.ndarray[Any, Any]:
        """Return HbA1c in whole mmol/mol (section 3.10), where it is reliable (section 2)."""
        values = np.floor(10.93 * self.column("LBXGH") - 23.5 + 0.5)
        return np.where(self.egfr < 30, np.nan, values)

    @cached_property
    def egfr(self) -> np.ndarray[Any, Any]:
        """Return eGFR by CKD-EPI 2021 (section 3.12)."""
        creatinine, women = self.column("LBXSCR"), self.women
        ratio = creatinine / np.where(women, 0.7, 0.9)
        low = np.minimum(ratio, 1) ** np.where(women, -0.241, -0.302)
        age = 0.9938 ** self.people["RIDAGEYR"].to_numpy()
        return 142 * low * np.maximum(ratio, 1) ** -1.2 * age * np.where(women, 1.012, 1)

    @cached_property
    def homa_ir(self) -> np.ndarray[Any, Any]:
        """Return HOMA1-IR by its form in mg/dL, where glucose is 54 to 360 mg/dL (section 3.1)."""
        glucose = self.fasting_glucose
        valid = (glucose >= 54) & (glucose <= 360) & (self.insulin >= 0.2)
        return rounded(np.where(valid, glucose * self.insulin / 405, np.nan))

    @cached_property
    def tg_hdl(self) -> np.ndarray[Any, Any]:
        triglycerides = rounded(self.column("LBXSTR") * MOLAR["triglycerides"])
        return rounded(triglycerides / rounded(self.hdl * MOLAR["hdl"]))

    @cached_property
    def fli(self) -> np.ndarray[Any, Any]:
        """Return the fatty liver index (section 3.9)."""
        bmi = self.column("BMXWT") / (self.column("BMXHT") / 100) ** 2
        y = 0.953 * np.log(self.column("LBXSTR")) + 0.139 * bmi - 15.745
        y += 0.718 * np.log(self.column("LBXSGTSI")) + 0.053 * self.column("BMXWAIST")
        return 100 / (1 + np.exp(-y))

    # Section 7.1.

    @cached_property
    def g(self) -> np.ndarray[Any, Any]:
        fasting, random, hba1c = self.fasting_glucose, self.random_glucose, self.hba1c
        conditions = [
            (fasting >= 126) | (hba1c >= 48) | (random >= 200),
            fasting >= 110,
            (fasting >= 100) | (hba1c >= 39),
            hba1c >= 34,
            ~np.isnan(fasting) | ~np.isnan(hba1c),
        ]
        return np.select(conditions, ["G3", "G2W", "G2A", "G1", "G0"], "G?")

    @cached_property
    def i(self) -> np.ndarray[Any, Any]:
        conditions = [
            self.homa_ir >= 2.5,
            (self.homa_ir > 1.8) | (self.insulin > 6),
            (self.homa_ir <= 1.8) & (self.insulin <= 6),
        ]
        return np.select(conditions, ["I2", "I1", "I0"], "I?")

    @cached_property
    def signals(self) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Return of each supporting signal whether it is met, and whether that is known."""
        ratio, waist, alt = self.tg_hdl, self.column("BMXWAIST"), self.column("LBXSATSI")
        raised = (ratio > 1.5) | (ratio > np.where(self.women, 1.09, 1.53))
        liver = (self.fli >= 60) | (alt > 40)
        no_liver = (self.fli < 60) & (alt <= 40)
        return {
            "tg_hdl": (raised, ~np.isnan(ratio)),
            "waist": (waist >= np.where(self.women, 80, 94), ~np.isnan(waist)),
            "liver": (liver, liver | no_liver),
        }

    @cached_property
    def supporting(self) -> np.ndarray[Any, Any]:
        return np.sum([met for met, _ in self.signals.values()], axis=0)

    @cached_property
    def supporting_known(self) -> np.ndarray[Any, Any]:
        return np.sum([known for _, known in self.signals.values()], axis=0)

    # Section 7.2: the rules that people of whom nothing is stated can meet.

    @cached_property
    def rule(self) -> np.ndarray[Any, Any]:
        g, i, random = self.g, self.i, self.random_glucose
        low = (self.fasting_glucose < 70) | (random < 70)
        very_low = (self.fasting_glucose < 54) | (random < 54)
        blocked = low | ((random >= 140) & (random < 200))
        calm, known = np.isin(g, ("G0", "G1")), np.isin(i, ("I1", "I2"))
        table = {
            "3": g == "G3",
            "4": g == "G2W",
            "4b": very_low,
            "6": (g == "G2A") & known,
            "7": (g == "G2A") & (i == "I?"),
            "8": (g == "G2A") & (i == "I0"),
            "9": calm & (i == "I2"),
            "10": calm & (i == "I1"),
            "11": (g == "G0") & (i == "I0") & (self.supporting <= 1) & ~blocked,
            "12": (g == "G0") & (i == "I0"),
            "13": (g == "G1") & (i == "I0"),
            "14": calm & (i == "I?"),
        }
        return np.select(list(table.values()), list(table), "15")

    @cached_property
    def confidence(self) -> np.ndarray[Any, Any]:
        """Return the confidence; biotin is unknown, which lowers what rests on insulin."""
        only_fpg = ~np.isnan(self.fasting_glucose) & np.isnan(self.hba1c)
        low = only_fpg | (self.supporting_known < 3) | (self.i != "I?")
        low |= (self.rule == "10") & (self.supporting == 0)
        words = np.where(low, "low", "moderate").astype(object)
        return np.where(np.isin(self.rule, ("4b", "7", "14", "15")), None, words)

    # Section 6.

    @cached_property
    def criteria(self) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Return of each criterion of the metabolic syndrome but pressure: met, and known."""
        triglycerides, fasting = self.column("LBXSTR"), self.fasting_glucose
        return {
            "waist": self.signals["waist"],
            "triglycerides": (triglycerides >= 150, ~np.isnan(triglycerides)),
            "hdl": (self.hdl < np.where(self.women, 50, 40), ~np.isnan(self.hdl)),
            "glucose": (fasting >= 100, ~np.isnan(fasting)),
        }

    @cached_property
    def ada(self) -> np.ndarray[Any, Any]:
        fasting, hba1c, random = self.fasting_glucose, self.hba1c, self.random_glucose
        conditions = [
            (fasting >= 126) | (hba1c >= 48),
            (fasting >= 100) | (hba1c >= 39),
            (~np.isnan(fasting) | ~np.isnan(hba1c)) & ~(random >= 200),
        ]
        return np.select(conditions, ["diabetes", "prediabetes", "normal"], "")

    @cached_property
    def nhg(self) -> np.ndarray[Any, Any]:
        fasting, random = self.fasting_glucose, self.random_glucose
        conditions = [fasting >= 126, fasting >= 110, (fasting < 110) | (random < 140)]
        return np.select(conditions, ["diabetes", "ifg", "normal"], "")
