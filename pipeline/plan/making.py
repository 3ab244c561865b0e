"""Middle floor. Which advice is called for at every visit, and what withholds or changes it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Floats, Visits, certain
from pipeline.columns.given import is_known, parameters_of
from pipeline.plan.amounts import amounts_of
from pipeline.plan.contraindications import CONTRAINDICATIONS
from pipeline.plan.facts import Facts, Found, Where
from pipeline.plan.triggers import TRIGGERS
from pipeline.rules.loader import Advice, Contraindication, Rules

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked once for all advice, by the name of a trigger or of a contra-indication.

    ``called`` where a trigger certainly holds, ``rests`` the words it then rests on; ``holds``
    where a contra-indication does, ``unknown`` what it lacks where that cannot be ruled out.
    """

    now: Facts
    called: Mapping[str, Where]
    rests: Mapping[str, Mapping[str, Where]]
    holds: Mapping[str, Where]
    unknown: Mapping[str, Mapping[str, Where]]


def make_plan(visits: Visits, found: Found) -> tuple[Planned, ...]:
    """Return every piece of advice at every visit, in the order of ``plan.csv``.

    It is advised where it is called for and nothing withholds it. What was known last of a person
    still withholds; an open flag withholds, also where it rests on a doubtful value.
    """
    asked = _ask(visits, found)
    planned: dict[str, Planned] = {}
    for advice in visits.rules.plan:
        planned[advice.id] = _planned(advice, asked, planned)
    return tuple(planned.values())


def _ask(visits: Visits, found: Found) -> _Asked:
    now = Facts(visits=visits, found=found, last=False)
    before = Facts(visits=visits, found=found, last=True)
    triggers = dict.fromkeys(name for advice in visits.rules.plan for name in _asked(advice))
    rows = visits.rules.contraindications
    answers = {row.function: _answer(row, before) for row in rows}
    return _Asked(
        now=now,
        called={name: certain(now.answer(name, TRIGGERS)) for name in triggers},
        rests={name: dict(_reasons(name, now)) for name in triggers},
        holds={name: certain(answer) for name, answer in answers.items()},
        unknown={name: _unknown(name, answer, before) for name, answer in answers.items()},
    )


def _answer(row: Contraindication, facts: Facts) -> BooleanArray:
    if row.id.startswith("SF-") and not row.branch:
        return facts.is_open(row.id)
    return facts.answer(row.function, CONTRAINDICATIONS)


def _planned(advice: Advice, asked: _Asked, earlier: Mapping[str, Planned]) -> Planned:
    rows = asked.now.visits.rules.contraindications
    withheld = [row for row in rows if advice.is_one_of(row.withholds)]
    changed = [row for row in rows if advice.is_one_of(row.changes)]
    called = _called(advice, asked)
    because = _because(advice, asked, called)
    if advice.instead_of:
        other = earlier[advice.instead_of]
        because = {id: other.called & where for id, where in other.withheld.items()}
        called = np.any([*because.values()], axis=0)
    return Planned(
        advice=advice,
        called=called,
        because=because,
        withheld=_joined((row.id, asked.holds[row.function]) for row in withheld),
        changed=_joined((row.id, asked.holds[row.function]) for row in changed),
        ask_first=_joined(
            one for row in (*withheld, *changed) for one in asked.unknown[row.function].items()
        ),
        amounts=amounts_of(advice.id, asked.now, asked.holds),
    )


def _joined(found: Iterable[tuple[str, Where]]) -> dict[str, Where]:
    """Return where each word holds; one of several places for a word is enough."""
    joined: dict[str, Where] = {}
    for word, where in found:
        joined[word] = joined.get(word, np.False_) | where
    return joined


# Reasons.


def _called(advice: Advice, asked: _Asked) -> Where:
    """Return where one of its triggers holds, and all that it needs besides."""
    nowhere = np.zeros(len(asked.now.visits), dtype=bool)
    called: Where = np.any([nowhere, *(asked.called[name] for name in advice.triggers)], axis=0)
    return called & np.all([~nowhere, *(asked.called[name] for name in advice.needs)], axis=0)


def _because(advice: Advice, asked: _Asked, called: Where) -> Mapping[str, Where]:
    return _joined(
        (reason, where & asked.called[name] & called)
        for name in _asked(advice)
        for reason, where in asked.rests[name].items()
    )


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
        asked = parameters_of(functions[name])
        below = (one for part in asked for one in inputs_of(part, functions, rules))
        return tuple(dict.fromkeys(below))
    if "-" in name:
        return tuple(dict.fromkeys(limit.marker for limit in rules.limits_named(name)))
    return (name,)


# What is unknown.


def _unknown(function: str, answer: BooleanArray, before: Facts) -> dict[str, Where]:
    """Return the facts that were never known, where a contra-indication cannot be ruled out."""
    rules = before.visits.rules
    named = ((_key_of(name, rules), name) for name in _inputs(function, rules))
    return _joined((key, answer.isna() & ~is_known(before.ask(name))) for key, name in named if key)


def _inputs(function: str, rules: Rules) -> tuple[str, ...]:
    return inputs_of(function, CONTRAINDICATIONS, rules)


def _key_of(name: str, rules: Rules) -> str:
    """Return the key under which somebody states a fact; "" of what nobody states."""
    if name in rules.context or name == "age":
        return name
    if name in rules.medication:
        return "medication"
    keys = rules.context.values()
    return next((key.key for key in keys if key.kind == "words" and name in key.words), "")
