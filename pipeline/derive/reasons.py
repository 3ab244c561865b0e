"""Middle floor. Why a computed marker has no value at a visit: the first reason that holds."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits, certain
from pipeline.derive.inputs import Input, Where, any_where
from pipeline.rules.formulas import Formula

Reasons: TypeAlias = pd.Categorical  # of words; "" where there is a value
_FEMALE_ONLY = ("fai",)


def first_reasons(checks: Sequence[tuple[str, Where]], count: int) -> Reasons:
    """Return the first reason that holds at each visit, "" where none does."""
    words = list(dict.fromkeys(("", *(word for word, _ in checks))))
    codes = np.zeros(count, dtype=np.int8)
    for word, where in reversed(checks):
        codes[where] = words.index(word)
    return pd.Categorical.from_codes(codes, pd.Index(words, dtype=str))


def why_not(
    formula: Formula, inputs: Mapping[str, Input], visits: Visits
) -> list[tuple[str, Where]]:
    """Return each reason not to use the formula and where it holds, the first that counts first."""
    return [
        ("men-not-defined", visits.people.men & (formula.marker in _FEMALE_ONLY)),
        ("sex-unknown", ~visits.people.women & (formula.marker in _FEMALE_ONLY)),
        ("not-fasting", _not_fasting(formula, visits)),
        ("ogtt-not-fasting", _ogtt_not_fasting(formula, visits)),
        ("missing-input", any_where(~inputs[name].known for name in formula.required)),
        ("not-same-draw", _not_same_draw(formula, visits)),
        *_beyond_conditions(formula, visits),
        ("censored", _censored_against_the_rules(formula, inputs)),
    ]


def _censored_against_the_rules(formula: Formula, inputs: Mapping[str, Input]) -> Where:
    """Return where an input is censored in which the formula is not known to be monotone."""
    censored = [np.zeros_like(next(iter(inputs.values())).known)]
    for name in set(formula.analytes) - set(formula.monotone):
        censored.append(inputs[name].censored)
    return any_where(censored)


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
    known = any_where(visits.column(name).known for name in formula.analytes)
    return known & ~certain(visits.yes("ogtt_began_fasting"))


def _not_same_draw(formula: Formula, visits: Visits) -> Where:
    if not formula.same_draw:
        return np.zeros(len(visits), dtype=bool)
    names = ("glucose_fasting", "insulin_fasting")
    glucose, insulin = (visits.input(name, same_draw=True) for name in names)
    same = (glucose.sample == insulin.sample) & (glucose.sample >= 0)
    return glucose.known & insulin.known & ~same


def _beyond_conditions(formula: Formula, visits: Visits) -> list[tuple[str, Where]]:
    """Return each condition's reason and where it certainly forbids a value."""
    found = []
    for condition in visits.rules.conditions:
        if condition.marker == formula.marker:
            column = visits.input(condition.input, same_draw=formula.same_draw)
            found.append((condition.reason, certain(column.beyond_any([condition.limit]))))
    return found
