"""Middle floor. Adds the computed markers to the visits, or the reason why one has no value."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.columns import Column, Floats, Visits, certain, round_significant
from pipeline.rules.formulas import (
    COMPUTED,
    INSULIN_PMOL_PER_MU,
    INSULIN_POPULAR_PMOL_PER_MU,
    Formula,
)

_FEMALE_ONLY = ("fai",)
_DIABETES = ("t1d", "t2d", "lada", "mody", "other")
_OTHER_INSULIN_FACTOR = INSULIN_PMOL_PER_MU / INSULIN_POPULAR_PMOL_PER_MU
_Reasons = np.ndarray[Any, Any]


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
        column, reason = _compute(formula, visits)
        reported = visits.column(formula.marker)
        stands = reported.known
        visits = visits.with_columns({formula.marker: _prefer(reported, column, stands)})
        reasons[formula.marker] = np.where(stands, "", reason)
    # rounded only now: one computed marker may enter another
    rounded = {marker: _rounded(visits.column(marker)) for marker in COMPUTED}
    return Derived(visits=visits.with_columns(rounded), reasons=reasons)


def _rounded(column: Column) -> Column:
    low, high = round_significant(column.low), round_significant(column.high)
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
    factor = np.where(unknown, _OTHER_INSULIN_FACTOR, 1.0)
    return _rounded(replace(column, low=column.low * factor, high=column.high * factor))


def uses_unknown_factor(visits: Visits) -> np.ndarray[Any, Any]:
    """Return at which visits an insulin in pmol/L is of a laboratory of unknown factor."""
    rows = visits.rows
    affected = rows.loc[~rows["factor_known"].astype(bool), "visit"]
    return np.isin(np.arange(len(visits)), affected)


def _prefer(reported: Column, computed: Column, stands: np.ndarray[Any, Any]) -> Column:
    names = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "sample", "row")
    merged = {n: np.where(stands, getattr(reported, n), getattr(computed, n)) for n in names}
    return replace(computed, **merged)


def _compute(formula: Formula, visits: Visits) -> tuple[Column, _Reasons]:
    """Return the column of one computed marker, and a reason a visit."""
    inputs = {name: _input(name, formula, visits) for name in formula.inputs}
    reason = _why_not(formula, inputs, visits)
    with np.errstate(all="ignore"):
        low, high = _ends(formula, inputs)
    undefined = (reason == "") & np.isnan(low) & np.isnan(high)
    reason = np.where(undefined, "glucose-did-not-rise", reason)
    keep = reason == ""
    column = replace(
        Column.empty(formula.marker, visits.people, visits.rules),
        low=np.where(keep, low, np.nan),
        high=np.where(keep, high, np.nan),
    )
    return column, reason


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
    def known(self) -> np.ndarray[Any, Any]:
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


def _reported_in_pmol(column: Column, visits: Visits) -> np.ndarray[Any, Any]:
    return visits.of_row("in_pmol", column)


def _female(visits: Visits) -> Floats:
    sex = visits.people.sex
    return np.where(sex == "F", 1.0, np.where(sex == "M", 0.0, np.nan))


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


def _why_not(formula: Formula, inputs: Mapping[str, _Input], visits: Visits) -> _Reasons:
    """Return the first reason that holds at each visit, "" where the formula may be used."""
    checks = [
        ("men-not-defined", (visits.people.sex == "M") & (formula.marker in _FEMALE_ONLY)),
        ("not-fasting", _not_fasting(formula, visits)),
        ("ogtt-not-fasting", _ogtt_not_fasting(formula, visits)),
        ("missing-input", _any(~inputs[name].known for name in formula.required)),
        ("not-same-draw", _not_same_draw(formula, visits)),
        *_beyond_conditions(formula, visits),
        ("censored", _censored_against_the_rules(formula, inputs)),
    ]
    return np.select([where for _, where in checks], [word for word, _ in checks], "").astype(
        object
    )


def _censored_against_the_rules(
    formula: Formula, inputs: Mapping[str, _Input]
) -> np.ndarray[Any, Any]:
    """Return where an input is censored in which the formula is not known to be monotone."""
    censored = [np.zeros_like(next(iter(inputs.values())).known)]
    for name in set(formula.analytes) - set(formula.monotone):
        censored.append(inputs[name].known & (inputs[name].low != inputs[name].high))
    return _any(censored)


def _any(answers: Iterable[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return np.any(list(answers), axis=0)


def _not_fasting(formula: Formula, visits: Visits) -> np.ndarray[Any, Any]:
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


def _taken_after_food(column: Column, visits: Visits) -> np.ndarray[Any, Any]:
    return (column.row >= 0) & ~visits.of_row("fasting", column)


def _ogtt_not_fasting(formula: Formula, visits: Visits) -> np.ndarray[Any, Any]:
    if not any("_ogtt_" in name for name in formula.analytes):
        return np.zeros(len(visits), dtype=bool)
    known = _any(visits.column(name).known for name in formula.analytes)
    return known & ~certain(visits.yes("ogtt_began_fasting"))


def _not_same_draw(formula: Formula, visits: Visits) -> np.ndarray[Any, Any]:
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
