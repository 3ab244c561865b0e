"""Middle floor. The metabolic syndrome by the harmonised definition of 2009."""

from collections.abc import Sequence

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain
from pipeline.criteria.classified import Classified

_NEEDED = 3  # of five
_INPUTS = {
    "waist": ("waist",),
    "triglycerides": ("triglycerides", "tg_drug"),
    "hdl": ("hdl", "hdl_drug"),
    "blood_pressure": ("sbp", "dbp", "bp_drug"),
    "glucose": ("glucose_fasting", "glucose_drug"),
}


def metabolic_syndrome(readings: Sequence[Visits]) -> Classified:
    """Return which of the five criteria are met, and whether three are. Source: S42.

    Blood pressure is known where both are, or where one is beyond its limit. A missing criterion is
    never counted as normal: "not_met" needs three that are known not to be.
    """
    visits = readings[0]
    pressure = visits.column("sbp").beyond("signal-sbp") | visits.column("dbp").beyond("signal-dbp")
    lowering = visits.yes("glucose_drug") | visits.yes("glucose_lowering")
    criteria = {
        "waist": visits.column("waist").beyond("signal-waist"),
        "triglycerides": _or_drug(
            visits.column("triglycerides").beyond("mets-triglycerides"), visits.yes("tg_drug")
        ),
        "hdl": _or_drug(visits.column("hdl").beyond("mets-hdl"), visits.yes("hdl_drug")),
        "blood_pressure": _or_drug(pressure, visits.yes("bp_drug")),
        "glucose": _or_drug(visits.column("glucose_fasting").beyond("mets-fpg"), lowering),
    }
    met = np.sum([certain(answer) for answer in criteria.values()], axis=0)
    known = np.sum([~answer.isna() for answer in criteria.values()], axis=0)
    choices = [met >= _NEEDED, known - met > len(criteria) - _NEEDED]
    return Classified(
        id="metabolic_syndrome",
        source="S42",
        result=np.select(choices, ["met", "not_met"], "").astype(object),
        inputs=_INPUTS,
        criteria=criteria,
    )


def _or_drug(value: BooleanArray, drug: BooleanArray) -> BooleanArray:
    """Return yes where one is; a drug that is not stated counts as absent, a value never does."""
    yes = certain(value) | certain(drug)
    return BooleanArray(yes, value.isna() & ~yes)
