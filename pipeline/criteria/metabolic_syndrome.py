"""Middle floor. The metabolic syndrome by the harmonised definition of 2009."""

from collections.abc import Sequence

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain, tristate
from pipeline.criteria.classified import (
    Classified,
    Definition,
    Words,
    count_known,
    count_met,
    first_that_holds,
)
from pipeline.criteria.questions import (
    blood_pressure,
    by_ethnicity,
    ethnicity_notes,
    glucose_lowered,
)

_NEEDED = 3  # of five
METABOLIC_SYNDROME = Definition(
    id="metabolic_syndrome",
    source="S42",
    results=("met", "not_met"),
    inputs={
        "waist": ("waist",),
        "triglycerides": ("triglycerides", "tg_drug"),
        "hdl": ("hdl", "hdl_drug"),
        "blood_pressure": ("sbp", "dbp", "bp_drug"),
        "glucose": ("glucose_fasting", "glucose_drug"),
    },
    beside=("ethnicity", "glucose_lowering"),
    notes=("aha-waist", "aha-not-met", "ethnicity-unknown", "ethnicity-other", "ethnicity-asian"),
    limits=(
        "signal-waist",
        "mets-waist-asian",
        "mets-waist-aha",
        "mets-triglycerides",
        "mets-hdl",
        "signal-sbp",
        "signal-dbp",
        "mets-fpg",
    ),
)


def metabolic_syndrome(readings: Sequence[Visits]) -> Classified:
    """Return which of the five criteria are met, and whether three are.

    Blood pressure is known where both are, or where one is beyond its limit. A missing criterion is
    never counted as normal: "not_met" needs three that are known not to be. A medicine meets the
    criterion that it treats. By the American waist (88 cm in women, 102 in men) the same is asked
    again; where that differs, a note says so.
    """
    visits = readings[0]
    criteria = _criteria(visits)
    result = _result(criteria)
    waist = visits.column("waist")
    american = {**criteria, "waist": waist.beyond("mets-waist-aha")}
    differs = certain(criteria["waist"]) & certain(~american["waist"])
    return Classified(
        definition=METABOLIC_SYNDROME,
        result=result,
        criteria=criteria,
        notes={
            "aha-waist": differs,
            "aha-not-met": (result == "met") & (_result(american) != "met"),
            **ethnicity_notes(visits, waist.known),
        },
    )


def _criteria(visits: Visits) -> dict[str, BooleanArray]:
    triglycerides = visits.column("triglycerides").beyond("mets-triglycerides")
    hdl = visits.column("hdl").beyond("mets-hdl")
    glucose = visits.column("glucose_fasting").beyond("mets-fpg")
    waist = visits.column("waist")
    return {
        "waist": by_ethnicity(visits, waist, "signal-waist", asian="mets-waist-asian"),
        "triglycerides": _or_drug(triglycerides, visits.yes("tg_drug")),
        "hdl": _or_drug(hdl, visits.yes("hdl_drug")),
        "blood_pressure": _or_drug(blood_pressure(visits), visits.yes("bp_drug")),
        "glucose": _or_drug(glucose, glucose_lowered(visits)),
    }


def _result(criteria: dict[str, BooleanArray]) -> Words:
    met, known = count_met(criteria), count_known(criteria)
    return first_that_holds(
        ("met", met >= _NEEDED), ("not_met", known - met > len(criteria) - _NEEDED)
    )


def _or_drug(value: BooleanArray, drug: BooleanArray) -> BooleanArray:
    """Return yes where one is; a drug that is not stated counts as absent, a value never does."""
    yes = certain(value) | certain(drug)
    return tristate(yes, ~np.asarray(value.isna()) | yes)
