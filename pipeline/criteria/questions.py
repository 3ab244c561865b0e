"""Middle floor. What several definitions ask of a visit."""

from collections.abc import Callable, Sequence

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import (
    Column,
    Visits,
    any_of,
    certain,
    first_known,
    ruled_out,
    tristate,
)
from pipeline.criteria.classified import Where

HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")
THIRST = ("hyperglycaemia_symptoms", "polyuria", "polydipsia")


def anywhere(readings: Sequence[Visits], ask: Callable[[Visits], BooleanArray]) -> BooleanArray:
    """Return whether an answer is yes by one of all results of a visit: the worst counts."""
    return any_of([ask(reading) for reading in readings])


def fasting_glucose(visits: Visits) -> Column:
    """Return fasting plasma glucose."""
    return visits.column("glucose_fasting")


def two_hour_glucose(visits: Visits) -> Column:
    """Return the glucose two hours into an OGTT that began fasting."""
    began_fasting = certain(visits.yes("ogtt_began_fasting"))
    return visits.column("glucose_ogtt_120").where(began_fasting)


def reliable_hba1c(visits: Visits) -> Column:
    """Return HbA1c where nothing is known that changes it."""
    measured = visits.column("hba1c")
    return measured.where(~visits.hba1c_unreliable) if measured.known.any() else measured


def prediabetes(readings: Sequence[Visits]) -> BooleanArray:
    """Return whether glucose or HbA1c is at least in the range of prediabetes by the ADA.

    A no needs fasting glucose and HbA1c; the two-hour value, where there is one, must agree.
    """
    fasting = anywhere(readings, lambda one: fasting_glucose(one).beyond("g2a-fpg"))
    two_hours = anywhere(readings, lambda one: two_hour_glucose(one).beyond("g2w-2h"))
    hba1c = anywhere(readings, lambda one: reliable_hba1c(one).beyond("g2a-hba1c"))
    tested = two_hour_glucose(readings[0]).known
    return fasting | hba1c | tristate(certain(two_hours), ~two_hours.isna() | ~tested)


def blood_pressure(visits: Visits) -> BooleanArray:
    """Return whether one pressure is beyond its limit; a no needs both."""
    return visits.column("sbp").beyond("signal-sbp") | visits.column("dbp").beyond("signal-dbp")


def pregnant(visits: Visits) -> Where:
    """Return where a person is pregnant or gave birth less than 12 weeks ago (phase rule 1)."""
    early = visits.number_column("postpartum_weeks").beyond("postpartum-early")
    return certain(visits.yes("pregnant")) | certain(early)


def on_any(visits: Visits, groups: Sequence[str]) -> Where:
    """Return where a medicine of one of ``groups`` is stated."""
    return np.any([certain(visits.yes(group)) for group in groups], axis=0)


def glucose_lowered(visits: Visits) -> BooleanArray:
    """Return whether a medicine lowers glucose."""
    return visits.yes("glucose_drug") | visits.yes("glucose_lowering")


def type_2_diabetes(visits: Visits) -> BooleanArray:
    """Return whether type 2 diabetes is stated."""
    return tristate(visits.word("known_diabetes") == "t2d", visits.is_stated("known_diabetes"))


def unless_treated(value: BooleanArray, drug: BooleanArray) -> BooleanArray:
    """Return a value's answer; a no under treatment is unknown, as the medicine may have made it.

    A medicine that is not stated counts as absent.
    """
    return tristate(certain(value), ~value.isna() & ~(ruled_out(value) & certain(drug)))


def overweight(visits: Visits) -> BooleanArray:
    """Return whether BMI is at least 25, in Asian people 23 [kg/m2]."""
    return by_ethnicity(visits, visits.column("bmi"), "masld-bmi", asian="masld-bmi-asian")


def by_ethnicity(visits: Visits, column: Column, limit: str, *, asian: str) -> BooleanArray:
    """Return whether a value is beyond the European limit, of Asian people beyond their own."""
    return first_known(column.beyond(asian), column.beyond(limit), _is_asian(visits))


def _is_asian(visits: Visits) -> Where:
    return np.asarray(visits.word("ethnicity") == "asian", dtype=bool)


def ethnicity_notes(visits: Visits, known: Where) -> dict[str, Where]:
    """Return which cut-offs by ethnicity were used, where they decided something."""
    word = visits.word("ethnicity")
    stated = visits.is_stated("ethnicity")
    return {
        "ethnicity-unknown": known & ~stated,
        "ethnicity-other": known & (word == "other"),
        "ethnicity-asian": known & _is_asian(visits),
    }
