"""Middle floor. Adds the computed markers to the visits, or the reason why one has no value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from pipeline.columns import (
    Column,
    Floats,
    Visits,
    certain,
    is_nothing,
    round_significant,
)
from pipeline.rules.formulas import (
    COMPUTED,
    INSULIN_PMOL_PER_MU,
    INSULIN_POPULAR_PMOL_PER_MU,
    Formula,
)

_FEMALE_ONLY = ("fai",)
_DIABETES = ("t1d", "t2d", "lada", "mody", "other")
_OTHER_INSULIN_FACTOR = INSULIN_PMOL_PER_MU / INSULIN_POPULAR_PMOL_PER_MU
Where = np.ndarray[Any, np.dtype[np.bool_]]
_Reasons: TypeAlias = pd.Categorical  # of words; "" where there is a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Visits with computed markers, and for each of these a reason a visit ("" where computed)."""

    visits: Visits
    reasons: Mapping[str, _Reasons]


def derive_markers(visits: Visits) -> Derived:
    """Return ``visits`` with a column for each computed marker, and why values are absent.

    A value that the laboratory reported of LDL, eGFR or GMI stands; all others are computed again.
    """
    reasons: dict[str, _Reasons] = {}
    for formula in COMPUTED.values():
        reported = visits.column(formula.marker)
        column, reasons[formula.marker] = _compute(formula, visits, reported.known)
        visits = visits.with_columns({formula.marker: column.replaced_by(reported)})
    # rounded only now: one computed marker may enter another
    rounded = {marker: _rounded(visits.column(marker)) for marker in COMPUTED}
    return Derived(visits=visits.with_columns(rounded), reasons=reasons)


def derive_again(reading: Visits, places: np.ndarray[Any, Any], derived: Visits) -> Visits:
    """Return ``derived`` with what another ``reading`` of the same visits makes of a few of them.

    All other visits are read as they were, and are not computed again.
    """
    few = derive_markers(reading.at(places)).visits
    columns = {marker: derived.column(marker).put(places, x) for marker, x in few.columns.items()}
    return derived.with_columns(columns)


def read_otherwise(reading: Visits, measured: Visits) -> np.ndarray[Any, Any]:
    """Return the visits at which a ``reading`` has another result than those last ``measured``."""
    differs = np.zeros(len(measured), dtype=bool)
    for marker, column in reading.columns.items():
        if column is not measured.columns[marker]:
            differs |= column.row != measured.columns[marker].row
    return np.flatnonzero(differs)


def _rounded(column: Column) -> Column:
    low = column.low if is_nothing(column.low) else round_significant(column.low)
    high = low if column.high is column.low else round_significant(column.high)
    return replace(column, low=low, high=high)


def with_other_insulin_factor(visits: Visits) -> Visits:
    """Return the measured ``visits`` with insulin of unknown pmol factor read by the other one."""
    columns = {
        marker: _by_other_factor(column, visits) for marker, column in visits.columns.items()
    }
    paired = {marker: _by_other_factor(column, visits) for marker, column in visits.paired.items()}
    return replace(visits, columns=columns, paired=paired)


def _by_other_factor(column: Column, visits: Visits) -> Column:
    if not column.marker.startswith("insulin_"):
        return column
    unknown = (column.row >= 0) & ~visits.of_row("factor_known", column)
    scaled = {end: getattr(column, end) * _OTHER_INSULIN_FACTOR for end in ("low", "high")}
    other = _rounded(replace(column, **scaled))
    return column.put(np.flatnonzero(unknown), other.at(unknown, column.people))


def uses_unknown_factor(visits: Visits) -> np.ndarray[Any, Any]:
    """Return the visits at which an insulin in pmol/L is of a laboratory of unknown factor."""
    unknown = ~visits.rows["factor_known"].to_numpy(bool)
    return np.unique(visits.rows["visit"].to_numpy()[unknown])


def _compute(formula: Formula, visits: Visits, stands: Where) -> tuple[Column, _Reasons]:
    """Return the column of one computed marker, and a reason a visit: "" too where one stands."""
    inputs = {name: _input(name, formula, visits) for name in formula.inputs}
    checks = [("", stands), *_why_not(formula, inputs, visits)]
    free = ~_any(where for _, where in checks)
    column = Column.empty(formula.marker, visits.people, visits.rules)
    if not free.any():
        return column, _first_reasons(checks, len(visits))
    with np.errstate(all="ignore"):
        low, high = _ends(formula, inputs)
    checks.append(("glucose-did-not-rise", np.isnan(low) & np.isnan(high)))
    kept = np.where(free, low, np.nan)
    column = replace(column, low=kept, high=kept if high is low else np.where(free, high, np.nan))
    return column, _first_reasons(checks, len(visits))


def _first_reasons(checks: Sequence[tuple[str, Where]], count: int) -> _Reasons:
    """Return the first reason that holds at each visit, "" where none does."""
    words = list(dict.fromkeys(("", *(word for word, _ in checks))))
    codes = np.zeros(count, dtype=np.int8)
    for word, where in reversed(checks):
        codes[where] = words.index(word)
    return pd.Categorical.from_codes(codes, pd.Index(words, dtype=str))


# What a formula works on.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    """One input at every visit: its ends, and those it has in a form in mg/dL."""

    low: Floats
    high: Floats
    mass_low: Floats
    mass_high: Floats
    fits_mass: np.ndarray[Any, Any]

    @property
    def known(self) -> Where:
        return ~np.isnan(self.low)


def _input(name: str, formula: Formula, visits: Visits) -> _Input:
    """Return a marker, or what is known of the person, as an input of a formula."""
    everywhere = np.ones(len(visits), dtype=bool)
    if name in _PERSON:
        value = _PERSON[name](visits)
        return _Input(low=value, high=value, mass_low=value, mass_high=value, fits_mass=everywhere)
    column = visits.input(name, same_draw=formula.same_draw)
    if name.startswith("glucose_") or name in ("triglycerides", "hdl", "cholesterol_total"):
        ends = {"mass_low": column.mg_low, "mass_high": column.mg_high}
        fits = ~np.isnan(column.mg_low) | ~column.known
    else:
        ends = {"mass_low": column.low, "mass_high": column.high}
        fits = ~_reported_in_pmol(column, visits) if name.startswith("insulin_") else everywhere
    return _Input(low=column.low, high=column.high, **ends, fits_mass=fits)


def _reported_in_pmol(column: Column, visits: Visits) -> Where:
    return visits.of_row("in_pmol", column)


def _female(visits: Visits) -> Floats:
    people = visits.people
    return np.where(people.women | people.men, people.women.astype(float), np.nan)


def _diabetes(visits: Visits) -> Floats:
    return np.isin(visits.word("known_diabetes"), _DIABETES).astype(float)


_PERSON: Mapping[str, Callable[[Visits], Floats]] = {
    "age": lambda visits: visits.people.age,
    "female": _female,
    "diabetes": _diabetes,
}


# The value.


def _ends(formula: Formula, inputs: Mapping[str, _Input]) -> tuple[Floats, Floats]:
    """Return both ends of the result; an end that does not exist is open."""
    low = _at(formula, inputs, rising="low", falling="high")
    censored = _any(i.known & (i.low != i.high) for i in inputs.values())
    if not censored.any():
        return low, low
    high = _at(formula, inputs, rising="high", falling="low")
    high = np.where(censored & (np.isnan(high) | (high < low)), np.inf, high)
    low = np.where(censored & np.isnan(low), -np.inf, low)
    return low, high


def _at(formula: Formula, inputs: Mapping[str, _Input], *, rising: str, falling: str) -> Floats:
    """Return the result at one end of each input, by the form that its units ask for."""
    ends = [falling if name in formula.falls_with else rising for name in inputs]
    given = list(zip(inputs.values(), ends, strict=True))
    value = np.asarray(formula.compute(*(getattr(i, end) for i, end in given)), dtype=float)
    if formula.mass_form is None:
        return value
    by_mass = formula.mass_form(*(getattr(i, f"mass_{end}") for i, end in given))
    return np.where(np.all([i.fits_mass for i, _ in given], axis=0), by_mass, value)


# The reason why there is none.


def _why_not(
    formula: Formula, inputs: Mapping[str, _Input], visits: Visits
) -> list[tuple[str, Where]]:
    """Return each reason not to use the formula and where it holds, the first that counts first."""
    return [
        ("men-not-defined", visits.people.men & (formula.marker in _FEMALE_ONLY)),
        ("not-fasting", _not_fasting(formula, visits)),
        ("ogtt-not-fasting", _ogtt_not_fasting(formula, visits)),
        ("missing-input", _any(~inputs[name].known for name in formula.required)),
        ("not-same-draw", _not_same_draw(formula, visits)),
        *_beyond_conditions(formula, visits),
        ("censored", _censored_against_the_rules(formula, inputs)),
    ]


def _censored_against_the_rules(formula: Formula, inputs: Mapping[str, _Input]) -> Where:
    """Return where an input is censored in which the formula is not known to be monotone."""
    censored = [np.zeros_like(next(iter(inputs.values())).known)]
    for name in set(formula.analytes) - set(formula.monotone):
        censored.append(inputs[name].known & (inputs[name].low != inputs[name].high))
    return _any(censored)


def _any(answers: Iterable[np.ndarray[Any, Any]]) -> Where:
    return reduce(or_, answers)


def _not_fasting(formula: Formula, visits: Visits) -> Where:
    """Return where an input that must be fasting is there, but is not known to be taken so."""
    found = np.zeros(len(visits), dtype=bool)
    if not formula.fasting:
        return found
    for name in set(formula.analytes) & {"glucose_fasting", "insulin_fasting"}:
        found |= ~visits.column(name).known & visits.column(_random(name)).known
    if "triglycerides" in formula.analytes:
        found |= _taken_after_food(visits.column("triglycerides"), visits)
    return found


def _random(name: str) -> str:
    return name.replace("_fasting", "_random")


def _taken_after_food(column: Column, visits: Visits) -> Where:
    return (column.row >= 0) & ~visits.of_row("fasting", column)


def _ogtt_not_fasting(formula: Formula, visits: Visits) -> Where:
    if not any("_ogtt_" in name for name in formula.analytes):
        return np.zeros(len(visits), dtype=bool)
    known = _any(visits.column(name).known for name in formula.analytes)
    return known & ~certain(visits.yes("ogtt_began_fasting"))


def _not_same_draw(formula: Formula, visits: Visits) -> Where:
    if not formula.same_draw:
        return np.zeros(len(visits), dtype=bool)
    names = ("glucose_fasting", "insulin_fasting")
    glucose, insulin = (visits.input(name, same_draw=True) for name in names)
    same = (glucose.sample == insulin.sample) & (glucose.sample >= 0)
    return glucose.known & insulin.known & ~same


def _beyond_conditions(formula: Formula, visits: Visits) -> list[tuple[str, np.ndarray[Any, Any]]]:
    """Return each condition's reason and where it certainly forbids a value."""
    found = []
    for condition in visits.rules.conditions:
        if condition.marker == formula.marker:
            column = visits.input(condition.input, same_draw=formula.same_draw)
            found.append((condition.reason, certain(column.beyond_any([condition.limit]))))
    return found
