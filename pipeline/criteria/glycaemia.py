"""Middle floor. Glycaemia by the ADA and by the NHG, side by side. Specification, section 6."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, any_of, certain, ruled_out
from pipeline.criteria.classified import Classified, Definition, Where, Words, first_that_holds
from pipeline.criteria.questions import (
    THIRST,
    fasting_glucose,
    glucose_lowered,
    on_any,
    reliable_hba1c,
    two_hour_glucose,
)
from pipeline.criteria.repeats import Asked, count_so_far, rows_so_far, values_beyond

_CONFIRMING = 2  # values
_DIABETES = ("t1d", "t2d", "lada", "mody", "other")
_RANKS: Mapping[str, int] = {"normal": 0, "prediabetes": 1, "ifg": 1, "igt": 1, "diabetes": 2}
_WITHHELD = ("known-diabetes", "medication", "random-high", "not-fasting")
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
    notes=("confirmed", "unconfirmed", "provisional", "disagree", "hba1c-unreliable", *_WITHHELD),
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


# What is asked: of each criterion its value and the name of a limit.


def _random(visits: Visits) -> Column:
    return visits.column("glucose_random")


_RANDOM: Asked = {"random": (_random, "g3-random")}
_ADA_ABOVE_NORMAL: Asked = {
    "fasting": (fasting_glucose, "g2a-fpg"),
    "two_hours": (two_hour_glucose, "g2w-2h"),
    "hba1c": (reliable_hba1c, "g2a-hba1c"),
}
_NHG_ABOVE_NORMAL: Asked = {
    "fasting": (fasting_glucose, "g2w-fpg"),
    "two_hours": (two_hour_glucose, "g2w-2h"),
}
_NHG_NORMAL: Asked = {**_NHG_ABOVE_NORMAL, "random": (_random, "random-raised")}
_NHG_DIABETES: Asked = {
    "fasting": (fasting_glucose, "g3-fpg"),
    "two_hours": (two_hour_glucose, "g3-2h"),
}
_ADA_DIABETES: Asked = {**_NHG_DIABETES, "hba1c": (reliable_hba1c, "g3-hba1c")}


def glycaemia_ada(readings: Sequence[Visits]) -> Classified:
    """Return the class by the ADA (2025): the worst of fasting glucose, two hours and HbA1c.

    A random glucose of 11.1 mmol/L makes diabetes only with symptoms; without them it forbids
    "normal". Two values in the diabetes range of different kind or date confirm; not where acute
    illness or a glucocorticoid may have raised them. In known diabetes no class below diabetes is
    given, on a glucose-lowering medicine no "normal".
    """
    visits = readings[0]
    random, symptoms = _any(readings, _RANDOM), _thirst(visits)
    diabetes = _any(readings, _ADA_DIABETES) | (random & symptoms)
    result = first_that_holds(
        ("diabetes", diabetes),
        ("", _known_diabetes(visits)),
        ("prediabetes", _any(readings, _ADA_ABOVE_NORMAL)),
        ("normal", _none(readings, _ADA_ABOVE_NORMAL) & ~random & ~_lowered(visits)),
    )
    values = values_beyond(readings, {**_ADA_DIABETES, **_RANDOM}, by_kind=True)
    twice = count_so_far(values, visits) >= _CONFIRMING
    provisional = diabetes & _strained(visits)
    confirmed = (twice | (random & symptoms)) & ~provisional
    return Classified(
        definition=GLYCAEMIA_ADA,
        result=result,
        criteria=_answers(readings, _ADA_ABOVE_NORMAL),
        rests_on=rows_so_far(values, visits, diabetes & confirmed),
        notes={
            **_confirmation(visits, diabetes, confirmed),
            "provisional": provisional,
            "hba1c-unreliable": visits.column("hba1c").known & ~reliable_hba1c(visits).known,
            **_why_not_normal(visits, result, random, _none(readings, _ADA_ABOVE_NORMAL)),
        },
    )


def glycaemia_nhg(readings: Sequence[Visits]) -> Classified:
    """Return the class by the NHG (2013, 2018), which makes no diagnosis by HbA1c.

    Confirmed is what two plasma values on different days say, or a random one with symptoms. A
    random value of 7.8 to 11.0 mmol/L asks for a fasting one; one under 7.8 is normal by itself.
    """
    visits = readings[0]
    random, symptoms = _any(readings, _RANDOM), _thirst(visits)
    diabetes = _any(readings, _NHG_DIABETES) | (random & symptoms)
    above = _answers(readings, _NHG_ABOVE_NORMAL)
    result = first_that_holds(
        ("diabetes", diabetes),
        ("", _known_diabetes(visits)),
        ("igt", certain(above["two_hours"])),
        ("ifg", certain(above["fasting"])),
        ("normal", _none(readings, _NHG_NORMAL) & ~_lowered(visits)),
    )
    days = values_beyond(readings, {**_NHG_DIABETES, **_RANDOM}, by_kind=False)
    confirmed = (count_so_far(days, visits) >= _CONFIRMING) | (random & symptoms)
    return Classified(
        definition=GLYCAEMIA_NHG,
        result=result,
        criteria=above,
        rests_on=rows_so_far(days, visits, diabetes & confirmed),
        notes={
            **_confirmation(visits, diabetes, confirmed),
            **_asked_by_the_nhg(readings, result),
            **_why_not_normal(visits, result, random, _none(readings, _NHG_NORMAL)),
        },
    )


def told_side_by_side(ada: Classified, nhg: Classified) -> tuple[Classified, Classified]:
    """Return both with a note where both give a class, and not of the same height."""
    ranks = [pd.Series(one.result).map(_RANKS) for one in (ada, nhg)]
    differ = (ranks[0].notna() & ranks[1].notna() & (ranks[0] != ranks[1])).to_numpy(bool)
    first, second = (replace(one, notes={**one.notes, "disagree": differ}) for one in (ada, nhg))
    return first, second


def _answers(readings: Sequence[Visits], asked: Asked) -> dict[str, BooleanArray]:
    return {
        name: any_of([of(reading).beyond(limit) for reading in readings])
        for name, (of, limit) in asked.items()
    }


def _any(readings: Sequence[Visits], asked: Asked) -> Where:
    return np.any([certain(one) for one in _answers(readings, asked).values()], axis=0)


def _none(readings: Sequence[Visits], asked: Asked) -> Where:
    """Return where something was measured, and nothing that was lies or may lie beyond."""
    answers = _answers(readings, asked)
    known = {name: of(readings[0]).known for name, (of, _) in asked.items()}
    fine = [ruled_out(answers[name]) | ~known[name] for name in asked]
    return np.any(list(known.values()), axis=0) & np.all(fine, axis=0)


# What is known of the person.


def _thirst(visits: Visits) -> Where:
    return on_any(visits, THIRST)


def _known_diabetes(visits: Visits) -> Where:
    return np.isin(visits.word("known_diabetes"), _DIABETES)


def _lowered(visits: Visits) -> Where:
    return certain(glucose_lowered(visits))


def _strained(visits: Visits) -> Where:
    """Return where acute illness or a glucocorticoid may have raised glucose. Section 7.2."""
    crp = visits.column("hs_crp").beyond("signal-crp-acute")
    return on_any(visits, ("acute_illness_14d", "glucocorticoid")) | certain(crp)


# What must be said beside it.


def _confirmation(visits: Visits, diabetes: Where, confirmed: Where) -> dict[str, Where]:
    """Return whether values in the diabetes range are confirmed; not asked in known diabetes."""
    asked = diabetes & ~_known_diabetes(visits)
    return {"confirmed": asked & confirmed, "unconfirmed": asked & ~confirmed}


def _asked_by_the_nhg(readings: Sequence[Visits], result: Words) -> dict[str, Where]:
    visits = readings[0]
    measured = fasting_glucose(visits).known | two_hour_glucose(visits).known
    raised = _any(readings, {"random": (_random, "random-raised")}) & ~_any(readings, _RANDOM)
    return {
        "hba1c-not-used": _any(readings, {"hba1c": (reliable_hba1c, "g2a-hba1c")}),
        "repeat-fasting": raised & ~_known_diabetes(visits),
        "random-only": (result == "normal") & ~measured,
    }


def _why_not_normal(
    visits: Visits, result: Words, random: Where, nothing_beyond: Where
) -> dict[str, Where]:
    known = _known_diabetes(visits)
    ogtt = visits.column("glucose_ogtt_120").known
    return {
        "known-diabetes": known & _something_measured(visits),
        "medication": nothing_beyond & (result == "") & _lowered(visits) & ~known,
        "random-high": random & (result != "diabetes") & ~known,
        "not-fasting": ogtt & ~two_hour_glucose(visits).known,
    }


def _something_measured(visits: Visits) -> Where:
    markers = ("glucose_fasting", "glucose_ogtt_120", "hba1c", "glucose_random")
    return np.any([visits.column(marker).known for marker in markers], axis=0)
