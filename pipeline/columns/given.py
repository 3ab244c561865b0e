"""Column and language floor. What the parameter of a rule names, at every visit."""

from collections.abc import Callable
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from pipeline.columns.answers import Where
from pipeline.columns.column import Column
from pipeline.columns.visits import Visits


def given(visits: Visits, name: str) -> Any:
    """Return a marker's column, a stated number or the age as one, a word, or else an answer."""
    if name in visits.rules.markers:
        return visits.column(name)
    key = visits.rules.context.get(name)
    if name == "age" or (key is not None and key.kind == "number"):
        return visits.number_column(name)
    if key is not None and key.kind == "word":
        return visits.word(name)
    return visits.yes(name)


@cache  # of rules, of which there are some hundred
def parameters_of(rule: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters of a rule, which say what it asks for."""
    return tuple(signature(rule).parameters)


def is_known(value: Any) -> Where:
    """Return at which visits there is a value, a word or an answer."""
    if isinstance(value, Column):
        return value.known
    if isinstance(value, np.ndarray):
        return value != ""
    return ~value.isna()


def last_given(visits: Visits, name: str) -> Any:
    """Return what was known last of each person, at every visit; unknown before that."""
    value, places = given(visits, name), last_place(visits, name)
    return value.at(places, visits.people) if isinstance(value, Column) else value[places]


def last_place(visits: Visits, name: str) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the visit, the own or an earlier one, at which ``name`` was known last.

    It is the first visit of the person, where it never was.
    """
    first = visits.first_of_person
    since = np.repeat(first, np.diff(np.append(first, len(visits))))
    known = is_known(given(visits, name))
    return np.maximum.accumulate(np.where(known, np.arange(len(visits)), since))
