"""Middle floor. Lows after meals, and all other lows, kept apart. Specification, section 8."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, any_of, certain, ruled_out
from pipeline.criteria.classified import Classified, Definition, Where, first_that_holds
from pipeline.criteria.questions import HYPOGLYCAEMIC, anywhere, on_any
from pipeline.model import OGTT_MINUTES

_ELSEWHEN = ("hypo_fasting", "nocturnal_hypo", "hypo_exercise")  # symptoms that no meal explains
_LOW = {"glucose_random": "gl-random", "glucose_meter": "rh-meter"}
_VERY_LOW = {"glucose_random": "low-random", "glucose_meter": "sf-03-glucose-meter"}
_OGTT_MINUTES = OGTT_MINUTES[1:]  # not the one before the load
_DAYTIME = (*_LOW, "cgm_longest_below_3_0_min")

REACTIVE_HYPOGLYCAEMIA = Definition(
    id="reactive_hypoglycaemia",
    source="S52;S53;S54;specification-8",
    results=("RH0", "RH1", "RHa", "RH2", "RH3", "RH3?"),
    inputs={"": ("symptoms", "glucose_random", "glucose_meter")},
    beside=("hypo_postprandial", "relief_by_eating", "cgm_longest_below_3_0_min", "cgm_tbr",
            "glucose_fasting", *_ELSEWHEN,
            *(f"glucose_ogtt_{minute}" for minute in _OGTT_MINUTES), *HYPOGLYCAEMIC,
            "bariatric_surgery"),
    notes=("sf-03", "gp", "prescriber", "diary", "repeat", "fingerprick", "cgm-trace",
           "ogtt-low-point", "symptoms-unknown"),
    limits=(*_LOW.values(), *_VERY_LOW.values(), "gl-fasting", "low-fasting", "sf-03-cgm",
            "rh-cgm-tbr",
            *(f"ogtt-low-{minute}" for minute in _OGTT_MINUTES)),
    in_pregnancy=True,
)  # fmt: skip
NONREACTIVE_HYPOGLYCAEMIA = Definition(
    id="nonreactive_hypoglycaemia",
    source="S52;S53;specification-8",
    results=("RHx",),
    inputs={"": ("symptoms", "glucose_fasting")},
    beside=(*_ELSEWHEN, "hypo_postprandial", *_DAYTIME, *HYPOGLYCAEMIC, "bariatric_surgery"),
    notes=("sf-01", "sf-03", "prescriber", "gp", "repeat", "night", "fasting", "exercise",
           "on-medication", "after-surgery"),
    limits=("gl-fasting", "low-fasting", *_LOW.values(), *_VERY_LOW.values(), "sf-03-cgm"),
    in_pregnancy=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lows:
    """What was measured outside an OGTT at each visit, and what is known to have caused it."""

    after_meals: BooleanArray  # symptoms one to five hours after a meal
    low: Where  # random or meter glucose under 3.9 mmol/L, or a sensor under 3.0 for 15 minutes
    very_low: Where  # the same under 3.0
    sensor: Where  # very low by the sensor
    fasting: Where  # fasting glucose under 3.9
    very_low_fasting: Where
    measured: Where
    elsewhen: Where  # symptoms at night, while fasting or after exercise
    medicated: Where
    operated: Where


def reactive_hypoglycaemia(readings: Sequence[Visits]) -> Classified:
    """Return the level of lows after meals: RH0, RH1, RHa, RH2, RH3, or RH3? (relief not stated).

    A low after a meal is a random or meter glucose of a visit at which symptoms one to five hours
    after meals are stated, or a sensor that stayed under 3.0 for 15 minutes where no symptom at
    night, fasting or after exercise may explain it. On insulin, a sulfonylurea or a glinide, and
    after bariatric surgery, it is not reactive. An OGTT decides nothing: a low point in it is a
    note. A sensor between 3.0 and 3.9 would need the trace.
    """
    visits = readings[0]
    lows = _lows(readings)
    symptoms, silent = certain(lows.after_meals), ruled_out(lows.after_meals)
    sensor = lows.sensor & ~lows.elsewhen
    low, very_low = lows.low | sensor, lows.very_low | sensor
    reactive = ~lows.medicated & ~(lows.operated & symptoms)
    relief = certain(visits.yes("relief_by_eating"))
    calm = silent & lows.measured & ~lows.fasting & ~lows.elsewhen & ~lows.sensor
    result = first_that_holds(
        ("RH3", reactive & symptoms & very_low & relief),
        ("RH3?", reactive & symptoms & very_low),
        ("RH2", reactive & symptoms & low),
        ("RHa", reactive & silent & low & ~lows.elsewhen),
        ("RH1", symptoms & ~low),
        ("RH0", calm & ~low),
    )
    return Classified(
        definition=REACTIVE_HYPOGLYCAEMIA,
        result=result,
        notes={
            "sf-03": reactive & very_low,
            "gp": result == "RH2",
            "diary": result == "RH1",
            "prescriber": (result == "RH1") & lows.medicated,
            "repeat": result == "RHa",
            "fingerprick": sensor & np.isin(result, ("RH3", "RH3?", "RHa")),
            "cgm-trace": symptoms & ~very_low & _some_time_below(visits),
            "ogtt-low-point": _ogtt_low_point(readings),
            "symptoms-unknown": low & lows.after_meals.isna(),
        },
    )


def nonreactive_hypoglycaemia(readings: Sequence[Visits]) -> Classified:
    """Return RHx where a low is not one after a meal: it goes to a doctor, not to a diet.

    At night, while fasting or after exercise, by symptom or by a fasting glucose under 3.9; any low
    on insulin, a sulfonylurea or a glinide; and after bariatric surgery a low with symptoms after
    meals too (late dumping).
    """
    visits = readings[0]
    lows = _lows(readings)
    any_low = lows.low | lows.sensor | lows.fasting
    on_medication = lows.medicated & (any_low | lows.elsewhen)
    operated = lows.operated & certain(lows.after_meals) & (lows.low | lows.sensor)
    found = lows.elsewhen | lows.fasting | on_medication | operated
    return Classified(
        definition=NONREACTIVE_HYPOGLYCAEMIA,
        result=first_that_holds(("RHx", found)),
        notes={
            "sf-01": _goes_to_sf_01(visits),
            "sf-03": found & (lows.very_low | lows.very_low_fasting | lows.sensor),
            "prescriber": on_medication,
            "gp": operated | (found & ~on_medication),
            "repeat": lows.fasting & ~lows.elsewhen & ~lows.very_low_fasting,
            "night": certain(visits.yes("nocturnal_hypo")),
            "fasting": certain(visits.yes("hypo_fasting")) | lows.fasting,
            "exercise": certain(visits.yes("hypo_exercise")),
            "on-medication": on_medication,
            "after-surgery": operated,
        },
    )


def _lows(readings: Sequence[Visits]) -> _Lows:
    visits = readings[0]
    fasting = anywhere(readings, lambda one: one.column("glucose_fasting").beyond("gl-fasting"))
    very = anywhere(readings, lambda one: one.column("glucose_fasting").beyond("low-fasting"))
    sensor = anywhere(
        readings, lambda one: one.column("cgm_longest_below_3_0_min").beyond("sf-03-cgm")
    )
    measured = [visits.column(name).known for name in ("glucose_fasting", *_DAYTIME)]
    return _Lows(
        after_meals=visits.yes("hypo_postprandial"),
        low=_any_beyond(readings, _LOW),
        very_low=_any_beyond(readings, _VERY_LOW),
        sensor=certain(sensor),
        fasting=certain(fasting),
        very_low_fasting=certain(very),
        measured=np.any(measured, axis=0),
        elsewhen=on_any(visits, _ELSEWHEN),
        medicated=on_any(visits, HYPOGLYCAEMIC),
        operated=certain(visits.yes("bariatric_surgery")),
    )


def _any_beyond(readings: Sequence[Visits], limits: dict[str, str]) -> Where:
    """Return where one of the markers, by any of its results, is beyond its limit."""
    return certain(
        anywhere(
            readings,
            lambda one: any_of([one.column(name).beyond(limit) for name, limit in limits.items()]),
        )
    )


def _goes_to_sf_01(visits: Visits) -> Where:
    return on_any(visits, ("hypo_fasting", "nocturnal_hypo"))


def _some_time_below(visits: Visits) -> Where:
    return certain(visits.column("cgm_tbr").beyond("rh-cgm-tbr"))


def _ogtt_low_point(readings: Sequence[Visits]) -> Where:
    limits = {f"glucose_ogtt_{minute}": f"ogtt-low-{minute}" for minute in _OGTT_MINUTES}
    return _any_beyond(readings, limits)
