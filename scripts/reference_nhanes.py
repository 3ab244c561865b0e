"""Computes docs/reference_nhanes.csv, the example of a reference population, from NHANES 2017-2018.

``python scripts/reference_nhanes.py FILE > docs/reference_nhanes.csv`` with the fasting subsample
as one table (one row a person, columns named as by NHANES; public domain).

- Of whom: adults of 20 and older who fasted as was asked (``WTSAF2YR`` > 0), without those who
  were pregnant (``RIDEXPRG`` = 1). Diabetes and medicines are no reason to be left out. Ages above
  80 are given as 80.
- Weighted with ``WTSAF2YR``, the weights of the fasting subsample: NHANES examines more people of
  some groups on purpose, so that unweighted they are not the population. Nobody's missing value is
  filled in, and weights are not corrected for it.
- A percentile is the least value at or below which lies at least that share of the weight (the
  inverse of the weighted distribution; Hyndman and Fan 1996, definition 1, with weights). It is a
  value that was measured: between two values nothing is interpolated, of which there is no one way
  with weights.
- Insulin below the limit of detection is as NHANES fills it in: that limit / the root of 2.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

PERCENTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}
# marker: its unit, and its column
COLUMNS = {
    "glucose_fasting": ("mmol/L", "LBDGLUSI"),
    "insulin_fasting": ("m[IU]/L", "LBXIN"),
    "homa_ir": ("1", "homa_ir"),
    "hba1c": ("%", "LBXGH"),
    "triglycerides": ("mmol/L", "LBDSTRSI"),
    "hdl": ("mmol/L", "LBDHDDSI"),
    "tg_hdl_molar": ("mol/mol", "tg_hdl_molar"),
    "cholesterol_total": ("mmol/L", "LBDSCHSI"),
    "alt": ("U/L", "LBXSATSI"),
    "ggt": ("U/L", "LBXSGTSI"),
    "urate": ("umol/L", "LBDSUASI"),
    "bmi": ("kg/m2", "BMXBMI"),
    "waist": ("cm", "BMXWAIST"),
}
SEXES = {"F": 2, "M": 1}
AGES = ((20, 39), (40, 59), (60, None))
WEIGHT = "WTSAF2YR"
POPULATION = {
    "population": "NHANES, adults of the United States who fasted, not pregnant; weighted",
    "year": "2017-2018",
    "source": "CDC/NCHS, National Health and Nutrition Examination Survey 2017-2018,"
    " wwwn.cdc.gov/nchs/nhanes; scripts/reference_nhanes.py",
}
HEADER = ("marker", "sex", "age_from", "age_to", "unit", "n", *PERCENTILES, *POPULATION)
DIGITS = 6  # significant
_NOUGHT = 1e-70  # SAS writes a zero as 5.4e-79


def adults(file: Path) -> pd.DataFrame:
    """Return the people whom the percentiles are of, with the markers that are computed."""
    people = pd.read_csv(file)
    there = (people[WEIGHT] > _NOUGHT) & (people["RIDAGEYR"] >= AGES[0][0])
    people = people[there & (people["RIDEXPRG"] != 1)]
    return people.assign(
        homa_ir=people["LBXGLU"] * people["LBXIN"] / 405,  # mg/dL and mU/L; Matthews 1985
        tg_hdl_molar=people["LBDSTRSI"] / people["LBDHDDSI"],
    )


def rows(people: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield a row of the file for each marker, sex and band of ages."""
    for marker, (unit, column) in COLUMNS.items():
        for sex, code in SEXES.items():
            for first, last in AGES:
                ages = people["RIDAGEYR"].between(first, last or 999)
                own = people[ages & (people["RIAGENDR"] == code)].dropna(subset=[column])
                yield {
                    "marker": marker,
                    "sex": sex,
                    "age_from": first,
                    "age_to": last or "",
                    "unit": unit,
                    "n": len(own),
                    **percentiles(own[column], own[WEIGHT]),
                    **POPULATION,
                }


def percentiles(values: pd.Series, weights: pd.Series) -> dict[str, str]:
    """Return the weighted percentiles of values, as they are written."""
    in_order = values.sort_values(kind="stable")
    reached = weights[in_order.index].cumsum() / weights.sum()
    return {
        name: f"{in_order.iloc[int(reached.searchsorted(share))]:.{DIGITS}g}"
        for name, share in PERCENTILES.items()
    }


if __name__ == "__main__":
    writer = csv.DictWriter(sys.stdout, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(adults(Path(sys.argv[1]))))
