"""Middle floor. Glycaemia by the ADA and by the NHG, side by side. Specification, section 6."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, any_of, certain, ruled_out
from pipeline.criteria.classified import Classified, Definition, Where, Words, first_that_holds
from pipeline.criteria.questions import (
    THIRST,
    anywhere,
    fasting_glucose,
    glucose_lowered,
    on_any,
    reliable_hba1c,
    two_hour_glucose,
)

_DIABETES = ("t1d", "t2d", "lada", "mody", "other")
_RANKS: Mapping[str, int] = {"normal": 0, "prediabetes": 1, "ifg": 1, "igt": 1, "diabetes": 2}
_WITHHELD = ("known-diabetes", "medication", "random-high")
_BESIDE = ("glucose_random", *THIRST, "known_diabetes", "glucose_drug", "glucose_lowering")

GLYCAEMIA_ADA = Definition(
    id="glycaemia_ada",
    source="S6",
    results=("normal", "prediabetes", "diabetes"),
    inputs={
        "fasting": ("glucose_fasting",),
        "two_hours": ("glucose_ogtt_120",),
        "hba1c": ("hba1c",),
    },
    beside=(*_BESIDE, "acute_illness_14d", "glucocorticoid", "hs_crp"),
    notes=("confirmed", "unconfirmed", "provisional", "disagree", *_WITHHELD),
    limits=(
        "g2a-fpg",
        "g3-fpg",
        "g2w-2h",
        "g3-2h",
        "g2a-hba1c",
        "g3-hba1c",
        "g3-random",
        "signal-crp-acute",
    ),
)
GLYCAEMIA_NHG = Definition(
    id="glycaemia_nhg",
    source="S7;S41",
    results=("normal", "ifg", "igt", "diabetes"),
    inputs={"fasting": ("glucose_fasting",), "two_hours": ("glucose_ogtt_120",)},
    beside=(*_BESIDE, "hba1c"),
    notes=(
        "confirmed",
        "unconfirmed",
        "disagree",
        "hba1c-not-used",
        "repeat-fasting",
        "random-only",
        *_WITHHELD,
    ),
    limits=("g2w-fpg", "g3-fpg", "g2w-2h", "g3-2h", "random-raised", "g3-random", "g2a-hba1c"),
)


def glycaemia_ada(readings: Sequence[Visits]) -> Classified:
    """Return the class by the ADA (2025): the worst of fasting glucose, two hours and HbA1c.

    A random glucose of 11.1 mmol/L makes diabetes only with symptoms; without them it forbids
    "normal". Two values in the diabetes range of different kind or date confirm; not where acute
    illness or a glucocorticoid may have raised them. In known diabetes no class below diabetes is
    given, on a glucose-lowering medicine no "normal".
    """
    result, notes = _ada(readings)
    other, _ = _nhg(readings)
    criteria = _answers(readings, _ADA_ABOVE_NORMAL)
    return Classified(
        definition=GLYCAEMIA_ADA,
        result=result,
        criteria=criteria,
        notes={**notes, "disagree": _differ(result, other)},
    )


def glycaemia_nhg(readings: Sequence[Visits]) -> Classified:
    """Return the class by the NHG (2013, 2018), which makes no diagnosis by HbA1c.

    Confirmed is what two plasma values on different days say, or a random one with symptoms. A
    random value of 7.8 to 11.0 mmol/L asks for a fasting one; one under 7.8 is normal by itself.
    """
    result, notes = _nhg(readings)
    other, _ = _ada(readings)
    hba1c = certain(anywhere(readings, lambda one: reliable_hba1c(one).beyond("g2a-hba1c")))
    return Classified(
        definition=GLYCAEMIA_NHG,
        result=result,
        criteria=_answers(readings, _NHG_ABOVE_NORMAL),
        notes={**notes, "disagree": _differ(result, other), "hba1c-not-used": hba1c},
    )


def _differ(one: Words, other: Words) -> Where:
    """Return where both give a class, and not of the same height."""
    ranks = [pd.Series(words).map(_RANKS) for words in (one, other)]
    return (ranks[0].notna() & ranks[1].notna() & (ranks[0] != ranks[1])).to_numpy(bool)


# What is asked: of each criterion its value and the name of a limit.

_Asked = Mapping[str, tuple[Any, str]]
_ADA_ABOVE_NORMAL: _Asked = {
    "fasting": (fasting_glucose, "g2a-fpg"),
    "two_hours": (two_hour_glucose, "g2w-2h"),
    "hba1c": (reliable_hba1c, "g2a-hba1c"),
}
_NHG_ABOVE_NORMAL: _Asked = {
    "fasting": (fasting_glucose, "g2w-fpg"),
    "two_hours": (two_hour_glucose, "g2w-2h"),
}
_NHG_DIABETES: _Asked = {
    "fasting": (fasting_glucose, "g3-fpg"),
    "two_hours": (two_hour_glucose, "g3-2h"),
}
_ADA_DIABETES: _Asked = {**_NHG_DIABETES, "hba1c": (reliable_hba1c, "g3-hba1c")}


def _random(visits: Visits) -> Column:
    return visits.column("glucose_random")


_RANDOM: _Asked = {"random": (_random, "g3-random")}


def _answers(readings: Sequence[Visits], asked: _Asked) -> dict[str, BooleanArray]:
    return {
        name: any_of([of(reading).beyond(limit) for reading in readings])
        for name, (of, limit) in asked.items()
    }


def _any(answers: Mapping[str, BooleanArray]) -> Where:
    return np.any([certain(answer) for answer in answers.values()], axis=0)


def _all_known_are_no(readings: Sequence[Visits], asked: _Asked) -> Where:
    """Return where something was measured, and nothing that was lies or may lie beyond."""
    answers = _answers(readings, asked)
    known = {name: of(readings[0]).known for name, (of, _) in asked.items()}
    fine = [ruled_out(answers[name]) | ~known[name] for name in asked]
    return np.any(list(known.values()), axis=0) & np.all(fine, axis=0)


# The two classes.


def _ada(readings: Sequence[Visits]) -> tuple[Words, dict[str, Where]]:
    visits = readings[0]
    random_high, with_symptoms = _random_high(readings)
    diabetes = _any(_answers(readings, _ADA_DIABETES)) | with_symptoms
    known, lowered = _known_diabetes(visits), certain(glucose_lowered(visits))
    calm = _all_known_are_no(readings, _ADA_ABOVE_NORMAL)
    result = first_that_holds(
        ("diabetes", diabetes),
        ("", known),
        ("prediabetes", _any(_answers(readings, _ADA_ABOVE_NORMAL))),
        ("normal", calm & ~random_high & ~lowered),
    )
    twice = _values_so_far(readings, {**_ADA_DIABETES, **_RANDOM}, by_kind=True) >= 2
    provisional = diabetes & _strained(visits)
    confirmed = diabetes & (twice | with_symptoms) & ~provisional
    return result, {
        "confirmed": confirmed,
        "unconfirmed": diabetes & ~confirmed & ~known,
        "provisional": provisional,
        **_why_withheld(result, known, lowered & calm, random_high),
    }


def _nhg(readings: Sequence[Visits]) -> tuple[Words, dict[str, Where]]:
    visits = readings[0]
    random_high, with_symptoms = _random_high(readings)
    raised = certain(anywhere(readings, lambda one: _random(one).beyond("random-raised")))
    diabetes = _any(_answers(readings, _NHG_DIABETES)) | with_symptoms
    above = _answers(readings, _NHG_ABOVE_NORMAL)
    known, lowered = _known_diabetes(visits), certain(glucose_lowered(visits))
    calm = _all_known_are_no(readings, {**_NHG_ABOVE_NORMAL, "random": (_random, "random-raised")})
    result = first_that_holds(
        ("diabetes", diabetes),
        ("", known),
        ("igt", certain(above["two_hours"])),
        ("ifg", certain(above["fasting"])),
        ("normal", calm & ~lowered),
    )
    days = _values_so_far(readings, {**_NHG_DIABETES, **_RANDOM}, by_kind=False)
    confirmed = diabetes & ((days >= 2) | with_symptoms)
    measured = fasting_glucose(visits).known | two_hour_glucose(visits).known
    return result, {
        "confirmed": confirmed,
        "unconfirmed": diabetes & ~confirmed & ~known,
        "repeat-fasting": raised & ~random_high & ~known,
        "random-only": (result == "normal") & ~measured,
        **_why_withheld(result, known, lowered & calm, random_high),
    }


def _random_high(readings: Sequence[Visits]) -> tuple[Where, Where]:
    """Return where a random glucose is in the diabetes range, and where symptoms come with it."""
    high = _any(_answers(readings, _RANDOM))
    symptoms = any_of([readings[0].yes(word) for word in THIRST])
    return high, high & certain(symptoms)


def _why_withheld(
    result: Words, known: Where, lowered: Where, random_high: Where
) -> dict[str, Where]:
    return {
        "known-diabetes": known,
        "medication": (result == "") & lowered & ~known,
        "random-high": (result != "diabetes") & random_high & ~known,
    }


def _known_diabetes(visits: Visits) -> Where:
    return np.isin(visits.word("known_diabetes"), _DIABETES)


def _strained(visits: Visits) -> Where:
    """Return where acute illness or a glucocorticoid may have raised glucose. Section 7.2."""
    crp = visits.column("hs_crp").beyond("signal-crp-acute")
    ill = certain(visits.yes("acute_illness_14d")) | certain(crp)
    return ill | on_any(visits, ("glucocorticoid",))


# Confirmation: values of other visits count too.


def _values_so_far(
    readings: Sequence[Visits], asked: _Asked, *, by_kind: bool
) -> np.ndarray[Any, Any]:
    """Return how many values beyond their limit a person has had, up to and with each visit.

    Of one date those of different kind count apart, or (without ``by_kind``) all as one.
    """
    visits = readings[0]
    found = pd.concat([_events(one, *question) for one in readings for question in asked.values()])
    keys = ["case_id", "date", "marker"] if by_kind else ["case_id", "date"]
    first = found.sort_values("visit", kind="stable").drop_duplicates(keys)
    counts = first.groupby("visit").size().reindex(range(len(visits)), fill_value=0)
    return counts.groupby(visits.table["case_id"].to_numpy()).cumsum().to_numpy()


def _events(visits: Visits, of: Any, limit: str) -> pd.DataFrame:
    """Return case, visit, date and marker of each measured value beyond ``limit``."""
    column = of(visits)
    at = np.flatnonzero(certain(column.beyond(limit)) & (column.row >= 0))
    return pd.DataFrame(
        {
            "case_id": visits.table["case_id"].to_numpy(object)[at],
            "visit": at,
            "date": visits.rows["date"].to_numpy()[column.row[at]],
            "marker": column.marker,
        }
    )
