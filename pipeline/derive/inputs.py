"""Middle floor. What a formula works on at every visit, and both ends of what it gives."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from pipeline.columns import Column, Floats, Visits
from pipeline.rules.formulas import Formula

Where = np.ndarray[Any, np.dtype[np.bool_]]
_IN_MG_DL = ("triglycerides", "hdl", "cholesterol_total", "cgm_mean")  # beside glucose
_DIABETES = ("t1d", "t2d", "lada", "mody", "other")


def any_where(answers: Iterable[np.ndarray[Any, Any]]) -> Where:
    """Return where one of the answers is yes."""
    return reduce(or_, answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input at every visit: its ends, and those it has in a form in mg/dL."""

    low: Floats
    high: Floats
    mass_low: Floats
    mass_high: Floats
    fits_mass: np.ndarray[Any, Any]

    @property
    def known(self) -> Where:
        """Return where there is a value."""
        return ~np.isnan(self.low)

    @property
    def censored(self) -> Where:
        """Return where the value is an interval and no number."""
        return self.known & (self.low != self.high)


def input_of(name: str, formula: Formula, visits: Visits) -> Input:
    """Return a marker, or what is known of the person, as an input of a formula."""
    everywhere = np.ones(len(visits), dtype=bool)
    if name in _PERSON:
        value = _PERSON[name](visits)
        return Input(low=value, high=value, mass_low=value, mass_high=value, fits_mass=everywhere)
    column = visits.input(name, same_draw=formula.same_draw)
    if name.startswith("glucose_") or name in _IN_MG_DL:
        ends = {"mass_low": column.mg_low, "mass_high": column.mg_high}
        fits = ~np.isnan(column.mg_low) | ~column.known
    else:
        ends = {"mass_low": column.low, "mass_high": column.high}
        fits = ~_reported_in_pmol(column, visits) if name.startswith("insulin_") else everywhere
    return Input(low=column.low, high=column.high, **ends, fits_mass=fits)


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


def ends_of(formula: Formula, inputs: Mapping[str, Input]) -> tuple[Floats, Floats]:
    """Return both ends of the result; an end that does not exist is open."""
    low = _at(formula, inputs, rising="low", falling="high")
    censored = any_where(one.censored for one in inputs.values())
    if not censored.any():
        return low, low
    high = _at(formula, inputs, rising="high", falling="low")
    high = np.where(censored & (np.isnan(high) | (high < low)), np.inf, high)
    low = np.where(censored & np.isnan(low), -np.inf, low)
    return low, high


def _at(formula: Formula, inputs: Mapping[str, Input], *, rising: str, falling: str) -> Floats:
    """Return the result at one end of each input, by the form that its units ask for."""
    ends = [falling if name in formula.falls_with else rising for name in inputs]
    given = list(zip(inputs.values(), ends, strict=True))
    value = np.asarray(formula.compute(*(getattr(i, end) for i, end in given)), dtype=float)
    if formula.mass_form is None:
        return value
    by_mass = formula.mass_form(*(getattr(i, f"mass_{end}") for i, end in given))
    return np.where(np.all([i.fits_mass for i, _ in given], axis=0), by_mass, value)
