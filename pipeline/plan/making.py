"""Middle floor. Which advice is called for at every visit, and what withholds or changes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Floats, Visits, certain
from pipeline.columns.given import is_given, last_place
from pipeline.plan.amounts import amounts_of
from pipeline.plan.contraindications import CONTRAINDICATIONS
from pipeline.plan.facts import Facts, Found, Where
from pipeline.plan.triggers import TRIGGERS
from pipeline.rules.loader import Advice, Contraindication, Rules

_Answers = Mapping[str, BooleanArray]
_FOUND = ("phase", "i_class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One piece of advice at every visit.

    ``called`` where it is; each of the others says of a word where it holds: ``because`` a marker,
    a class or a fact, ``withheld`` and ``changed`` the id of a contra-indication, ``ask_first`` a
    fact that is unknown and might withhold or change it.
    """

    advice: Advice
    called: Where
    because: Mapping[str, Where]
    withheld: Mapping[str, Where]
    changed: Mapping[str, Where]
    ask_first: Mapping[str, Where]
    amounts: Mapping[str, Floats]


def make_plan(visits: Visits, found: Found) -> tuple[Planned, ...]:
    """Return every piece of advice at every visit, in the order of ``plan.csv``.

    It is advised where it is called for and nothing withholds it. What was known last of a person
    still withholds; an open flag withholds, also where it rests on a doubtful value.
    """
    now = Facts(visits=visits, found=found, last=False)
    before = Facts(visits=visits, found=found, last=True)
    answers = {row.function: _answer(row, before) for row in visits.rules.contraindications}
    planned: dict[str, Planned] = {}
    for advice in visits.rules.plan:
        planned[advice.id] = _planned(advice, now, answers, planned)
    return tuple(planned.values())


def _answer(row: Contraindication, facts: Facts) -> BooleanArray:
    if row.id.startswith("SF-") and not row.branch:
        return facts.is_open(row.id)
    return facts.answer(row.function, CONTRAINDICATIONS)


def _planned(
    advice: Advice, now: Facts, answers: _Answers, earlier: Mapping[str, Planned]
) -> Planned:
    rules = now.visits.rules
    called: Where
    because: Mapping[str, Where]
    called, because = _called(advice, now)
    if advice.instead_of:
        other = earlier[advice.instead_of]
        called, because = other.called & _any_where(other.withheld), other.withheld
    holds = {name: certain(answer) for name, answer in answers.items()}
    withheld = [row for row in rules.contraindications if advice.is_one_of(row.withholds)]
    changed = [row for row in rules.contraindications if advice.is_one_of(row.changes)]
    return Planned(
        advice=advice,
        called=called,
        because=because,
        withheld=_by_id(withheld, holds),
        changed=_by_id(changed, holds),
        ask_first=_ask_first([*withheld, *changed], answers, now.visits),
        amounts=amounts_of(advice.id, now, holds),
    )


def _any_where(found: Mapping[str, Where]) -> Where:
    return np.any([*found.values()], axis=0)


def _by_id(rows: Sequence[Contraindication], holds: Mapping[str, Where]) -> dict[str, Where]:
    """Return where the contra-indications hold, by id: one of its branches is enough."""
    found: dict[str, Where] = {}
    for row in rows:
        found[row.id] = found.get(row.id, np.False_) | holds[row.function]
    return found


# Reasons.


def _called(advice: Advice, now: Facts) -> tuple[Where, dict[str, Where]]:
    """Return where a piece of advice is called for, and the reasons at every visit."""
    nowhere = np.zeros(len(now.visits), dtype=bool)
    yes = {name: certain(now.answer(name, TRIGGERS)) for name in _asked(advice)}
    called = np.any([nowhere, *(yes[name] for name in advice.triggers)], axis=0)
    called &= np.all([~nowhere, *(yes[name] for name in advice.needs)], axis=0)
    because: dict[str, Where] = {}
    for name in _asked(advice):
        for reason, where in _reasons(name, now):
            because[reason] = because.get(reason, nowhere) | (where & yes[name] & called)
    return called, because


def _asked(advice: Advice) -> tuple[str, ...]:
    return (*advice.triggers, *advice.needs, *advice.context)


def _reasons(trigger: str, now: Facts) -> Iterator[tuple[str, Where]]:
    """Yield what a trigger rests on: markers with a value, facts that are so, classes by name."""
    for name in inputs_of(trigger, TRIGGERS, now.visits.rules):
        value = now.ask(name)
        if name in _FOUND:
            words = now.found.rule if name == "phase" else value
            prefix = "phase-" if name == "phase" else ""
            yield from ((f"{prefix}{word}", words == word) for word in dict.fromkeys(words))
        else:
            yield name, value.known if isinstance(value, Column) else certain(value)


def inputs_of(name: str, functions: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    """Return what a trigger or a contra-indication looks at, through functions of functions."""
    if name in functions:
        asked = signature(functions[name]).parameters
        below = (one for part in asked for one in inputs_of(part, functions, rules))
        return tuple(dict.fromkeys(below))
    if "-" in name:
        return tuple(dict.fromkeys(limit.marker for limit in rules.limits_named(name)))
    return (name,)


# What is unknown.


def _ask_first(
    rows: Sequence[Contraindication], answers: _Answers, visits: Visits
) -> dict[str, Where]:
    """Return the facts that were never known, of contra-indications that cannot be ruled out."""
    found: dict[str, Where] = {}
    for row in rows:
        for name in inputs_of(row.function, CONTRAINDICATIONS, visits.rules):
            key = _key_of(name, visits.rules)
            if key:
                places = last_place(visits, name)
                unknown = answers[row.function].isna() & ~is_given(visits, name)[places]
                found[key] = found.get(key, np.False_) | unknown
    return found


def _key_of(name: str, rules: Rules) -> str:
    """Return the key under which somebody states a fact; "" of what nobody states."""
    if name in rules.context or name == "age":
        return name
    if name in rules.medication:
        return "medication"
    keys = rules.context.values()
    return next((key.key for key in keys if key.kind == "words" and name in key.words), "")
