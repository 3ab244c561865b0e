"""Middle floor. How many criteria of the metabolic syndrome are met, and how many are known."""

from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain


def metabolic_syndrome(visits: Visits) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return how many of the five harmonised criteria are met and known. Source: S42.

    Blood pressure is known where both are, or where one is beyond its limit.
    """
    waist = visits.column("waist").beyond("signal-waist")
    triglycerides = visits.column("triglycerides").beyond("mets-triglycerides")
    hdl = visits.column("hdl").beyond("mets-hdl")
    pressure = visits.column("sbp").beyond("signal-sbp") | visits.column("dbp").beyond("signal-dbp")
    glucose = visits.column("glucose_fasting").beyond("mets-fpg")
    drugs = [visits.yes(key) for key in ("tg_drug", "hdl_drug", "bp_drug")]
    drugs.append(visits.yes("glucose_drug") | visits.yes("glucose_lowering"))
    values = (triglycerides, hdl, pressure, glucose)
    criteria = [waist, *(_either(a, b) for a, b in zip(values, drugs, strict=True))]
    met = np.sum([certain(criterion) for criterion in criteria], axis=0)
    known = np.sum([~criterion.isna() for criterion in criteria], axis=0)
    return met, known


def _either(value: BooleanArray, drug: BooleanArray) -> BooleanArray:
    """Return yes where one is; a drug that is not stated counts as absent, a value never does."""
    yes = certain(value) | certain(drug)
    return BooleanArray(yes, value.isna() & ~yes)
