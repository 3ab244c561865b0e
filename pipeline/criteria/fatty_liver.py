"""Middle floor. MASLD (2023) and MAFLD (2020): fatty liver with a metabolic reason."""

from collections.abc import Mapping, Sequence

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, any_of, certain, first_known, ruled_out, tristate
from pipeline.criteria.classified import (
    Classified,
    Definition,
    Where,
    count_known,
    count_met,
    first_that_holds,
)
from pipeline.criteria.questions import (
    HYPOGLYCAEMIC,
    blood_pressure,
    ethnicity_notes,
    glucose_lowered,
    on_any,
    overweight,
    prediabetes,
    type_2_diabetes,
    unless_treated,
)

_NEEDED = 2  # of the seven risks of MAFLD
_ETHNICITY = ("ethnicity-unknown", "ethnicity-other", "ethnicity-asian")
_GLUCOSE = ("glucose_fasting", "hba1c")
_GLUCOSE_LIMITS = ("g2a-fpg", "g2w-2h", "g2a-hba1c")

MASLD = Definition(
    id="masld",
    source="S13;S43",
    results=("met", "not_met", "score_fits", "metald", "alcohol"),
    inputs={
        "steatosis": ("steatosis_imaging",),
        "weight": ("bmi", "waist"),
        "glucose": _GLUCOSE,
        "blood_pressure": ("sbp", "dbp"),
        "triglycerides": ("triglycerides",),
        "hdl": ("hdl",),
        "alcohol_low": ("alcohol_g_week",),
    },
    beside=("fli", "glucose_ogtt_120", "known_diabetes", "ethnicity", "bp_drug", "tg_drug",
            "hdl_drug", "glucose_drug", "glucose_lowering"),
    notes=("alcohol-unknown", "alcohol-above", "fli-low", "treated", *_ETHNICITY),
    limits=(
        "masld-bmi",
        "masld-bmi-asian",
        "masld-waist",
        *_GLUCOSE_LIMITS,
        "signal-sbp",
        "signal-dbp",
        "masld-triglycerides",
        "masld-hdl",
        "masld-alcohol",
        "masld-alcohol-high",
        "signal-fli",
        "masld-fli-low",
    ),
)  # fmt: skip
MAFLD = Definition(
    id="mafld",
    source="MAFLD-2020",
    results=("met", "not_met", "score_fits"),
    inputs={
        "steatosis": ("steatosis_imaging", "fli"),
        "overweight": ("bmi",),
        "type_2_diabetes": ("known_diabetes",),
        "waist": ("waist",),
        "blood_pressure": ("sbp", "dbp"),
        "triglycerides": ("triglycerides",),
        "hdl": ("hdl",),
        "prediabetes": _GLUCOSE,
        "homa_ir": ("homa_ir",),
        "hs_crp": ("hs_crp",),
    },
    beside=("glucose_ogtt_120", "ethnicity", "bp_drug", "tg_drug", "hdl_drug", "glucose_drug",
            "glucose_lowering", *HYPOGLYCAEMIC),
    notes=("fli-low", "homa-not-used", "treated", *_ETHNICITY),
    limits=(
        "masld-bmi",
        "masld-bmi-asian",
        "mafld-waist",
        "signal-sbp",
        "signal-dbp",
        "mets-triglycerides",
        "mets-hdl",
        *_GLUCOSE_LIMITS,
        "i2-homa",
        "mafld-hs-crp",
        "signal-crp-acute",
        "signal-fli",
        "masld-fli-low",
    ),
)  # fmt: skip


def masld(readings: Sequence[Visits]) -> Classified:
    """Return MASLD: steatosis on imaging or biopsy, one metabolic risk of five, little alcohol.

    Under 140 g of alcohol a week in women and 210 in men the criteria may be met; to 350 and 420
    that is MetALD, above it alcohol. Without imaging a fatty liver index of at least 60 with a
    metabolic risk only "fits": the score never takes the place of imaging. A risk that a medicine
    may hide is unknown. Where alcohol is unknown, so is the class.
    """
    visits = readings[0]
    imaged, alcohol = visits.yes("steatosis_imaging"), visits.number_column("alcohol_g_week")
    some, much = alcohol.beyond("masld-alcohol"), certain(alcohol.beyond("masld-alcohol-high"))
    treatable = _treatable(readings, triglycerides="masld-triglycerides", hdl="masld-hdl")
    risks = _masld_risks(visits, treatable)
    risk, found = any_of(list(risks.values())), certain(imaged)
    asked = (found & certain(risk)) | _score_fits(visits, risk)
    return Classified(
        definition=MASLD,
        result=first_that_holds(
            ("not_met", ruled_out(imaged)),
            ("alcohol", found & much),
            ("not_met", found & ruled_out(risk)),
            ("metald", found & certain(risk & some)),
            ("met", found & certain(risk & ~some)),
            ("score_fits", _score_fits(visits, risk)),
        ),
        criteria={"steatosis": imaged, **risks, "alcohol_low": ~some},
        notes={
            "alcohol-unknown": asked & some.isna(),
            "alcohol-above": _score_fits(visits, risk) & certain(some),
            **_notes(visits, treatable),
        },
    )


def mafld(readings: Sequence[Visits]) -> Classified:
    """Return MAFLD: steatosis, with overweight or type 2 diabetes or two metabolic risks of seven.

    Steatosis by imaging or biopsy, else by a fatty liver index of at least 60; by the score alone
    the answer is that it "fits", and that imaging is needed. HOMA-IR of somebody on insulin, a
    sulfonylurea or a glinide is not used, nor an hs-CRP above 10 mg/L.
    """
    visits = readings[0]
    imaged = visits.yes("steatosis_imaging")
    reasons = {"overweight": overweight(visits), "type_2_diabetes": type_2_diabetes(visits)}
    treatable = _treatable(readings, triglycerides="mets-triglycerides", hdl="mets-hdl")
    risks = _mafld_risks(visits, treatable)
    metabolic = any_of([*reasons.values(), _two_of(risks)])
    score = certain(visits.column("fli").beyond("signal-fli"))
    medicated = on_any(visits, HYPOGLYCAEMIC) & visits.column("homa_ir").known
    return Classified(
        definition=MAFLD,
        result=first_that_holds(
            ("not_met", ruled_out(imaged)),
            ("met", certain(imaged & metabolic)),
            ("not_met", certain(imaged) & ruled_out(metabolic)),
            ("score_fits", _score_fits(visits, metabolic)),
        ),
        criteria={
            "steatosis": first_known(imaged, tristate(score, score), ~imaged.isna()),
            **reasons,
            **risks,
        },
        notes={"homa-not-used": medicated, **_notes(visits, treatable)},
    )


def _score_fits(visits: Visits, metabolic: BooleanArray) -> Where:
    """Return where only the score speaks for steatosis, with a metabolic reason."""
    score = visits.column("fli").beyond("signal-fli")
    return visits.yes("steatosis_imaging").isna() & certain(score & metabolic)


_Treatable = Mapping[str, tuple[BooleanArray, BooleanArray]]


def _treatable(readings: Sequence[Visits], *, triglycerides: str, hdl: str) -> _Treatable:
    """Return the risks that a medicine may hide: whether the value is beyond, and the medicine."""
    visits = readings[0]
    lipids = visits.column("triglycerides"), visits.column("hdl")
    return {
        "blood_pressure": (blood_pressure(visits), visits.yes("bp_drug")),
        "triglycerides": (lipids[0].beyond(triglycerides), visits.yes("tg_drug")),
        "hdl": (lipids[1].beyond(hdl), visits.yes("hdl_drug")),
        "glucose": (prediabetes(readings), glucose_lowered(visits)),
    }


def _hidden(risks: _Treatable) -> Where:
    """Return where a medicine may be why a value lies under its limit."""
    hidden = [ruled_out(value) & certain(drug) for value, drug in risks.values()]
    return np.any(hidden, axis=0)


def _masld_risks(visits: Visits, treatable: _Treatable) -> dict[str, BooleanArray]:
    found = {name: unless_treated(*risk) for name, risk in treatable.items()}
    diabetes = certain(type_2_diabetes(visits))
    return {
        "weight": overweight(visits) | visits.column("waist").beyond("masld-waist"),
        **found,
        "glucose": found["glucose"] | tristate(diabetes, np.ones_like(diabetes)),
    }


def _mafld_risks(visits: Visits, treatable: _Treatable) -> dict[str, BooleanArray]:
    found = {name: unless_treated(*risk) for name, risk in treatable.items()}
    homa = visits.column("homa_ir").where(~on_any(visits, HYPOGLYCAEMIC))
    crp = visits.column("hs_crp")
    return {
        "waist": visits.column("waist").beyond("mafld-waist"),
        "blood_pressure": found["blood_pressure"],
        "triglycerides": found["triglycerides"],
        "hdl": found["hdl"],
        "prediabetes": found["glucose"],
        "homa_ir": homa.beyond("i2-homa"),
        "hs_crp": crp.where(ruled_out(crp.beyond("signal-crp-acute"))).beyond("mafld-hs-crp"),
    }


def _two_of(risks: Mapping[str, BooleanArray]) -> BooleanArray:
    """Return whether two risks are met; a no needs that what is unknown cannot make it two."""
    met, known = count_met(risks), count_known(risks)
    yes = met >= _NEEDED
    return tristate(yes, yes | (met + len(risks) - known < _NEEDED))


def _notes(visits: Visits, treatable: _Treatable) -> dict[str, Where]:
    """Return what holds for both: a low score, treatment, and which cut-offs were used."""
    low = certain(visits.column("fli").beyond("masld-fli-low"))
    return {
        "fli-low": visits.yes("steatosis_imaging").isna() & low,
        "treated": _hidden(treatable),
        **ethnicity_notes(visits, visits.column("bmi").known),
    }
