"""Middle floor. Evaluates every branch of every safety flag at every visit, and which are open."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain, ruled_out, tristate
from pipeline.columns.given import given, is_known, parameters_of
from pipeline.flags.conditions import CONDITIONS
from pipeline.flags.lasting import Branch, Where, open_branches, settled_answers
from pipeline.rules.loader import FlagBranch, Rules

_ALWAYS_KNOWN = (
    "diabetes_range",
    "female",
    "not_scored",
    "immunoassay_measured",
    "egfr_was_below_30",
)
_SEEN_THROUGH = {"egfr_was_below_30": "egfr", "haemolysis": "potassium"}
_GLUCOSE = ("glucose_fasting", "glucose_random", "glucose_ogtt_120", "hba1c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The answer of each branch (flag, branch) at every visit: yes, no or not assessable.

    ``variants`` change a flag's wording only. ``open``: whether the branch held at the last visit
    of the person at which its inputs were known. ``settled``: the branches, with what closes one.
    ``fired``: by which reading of the visits a branch holds (0: the last results).
    """

    branches: Mapping[Branch, BooleanArray]
    variants: Mapping[Branch, BooleanArray]
    fired: Mapping[Branch, np.ndarray[Any, Any]]
    settled: Mapping[Branch, BooleanArray]
    open: Mapping[Branch, Where]

    def raised(self, flag: str) -> Where:
        """Return at which visits one of the branches of ``flag`` holds."""
        answers = [certain(answer) for (id, _), answer in self.branches.items() if id == flag]
        return np.any(answers, axis=0)


def raise_flags(
    readings: Sequence[Visits], diabetes_range: BooleanArray, not_scored: Where
) -> Flags:
    """Return all flags of the visits.

    ``readings``: the visits by their last results, then by earlier ones: an alarming value counts
    whatever came after it in the same visit. ``diabetes_range``: whether the G-class is G3;
    ``not_scored`` marks visits with a value that was set aside for its unit or its size.

    Raises RulesError where a branch of ``flags.csv`` has neither limit nor function.
    """
    visits = readings[0]
    special = [_special_inputs(reading, diabetes_range, not_scored) for reading in readings]
    asked = {(row.flag, row.branch): _ask(row, readings, special) for row in visits.rules.flags}
    kinds = {(row.flag, row.branch): row.kind for row in visits.rules.flags}
    branches = {p: _any_reading(answers) for p, answers in asked.items() if kinds[p] == "branch"}
    settled = settled_answers(branches, visits)
    return Flags(
        branches=branches,
        variants={p: answers[0] for p, answers in asked.items() if kinds[p] == "variant"},
        fired={p: _first_certain(answers) for p, answers in asked.items() if p in branches},
        settled=settled,
        open=open_branches(settled, visits),
    )


def _any_reading(answers: Sequence[BooleanArray]) -> BooleanArray:
    """Return yes where any reading says so, else what the last results say."""
    yes = reduce(or_, map(certain, answers))
    return tristate(yes, yes | ~answers[0].isna())


def _first_certain(answers: Sequence[BooleanArray]) -> np.ndarray[Any, Any]:
    if all(answer is answers[0] for answer in answers):
        return np.broadcast_to(np.int8(0), len(answers[0]))
    fired = np.zeros(len(answers[0]), dtype=np.int8)
    for back in range(len(answers) - 1, -1, -1):
        fired[certain(answers[back])] = back
    return fired


def inputs_of(row: FlagBranch, rules: Rules) -> tuple[str, ...]:
    """Return the markers and context keys that a branch looks at."""
    if row.limit:
        return tuple(dict.fromkeys(limit.marker for limit in rules.limits_named(row.limit)))
    return tuple(dict.fromkeys(_parameters(row.function)))


def _parameters(function: str) -> Iterator[str]:
    for name in parameters_of(CONDITIONS[function]):
        yield from _parameters(name) if name in CONDITIONS else (name,)


def unknown_inputs(row: FlagBranch, visits: Visits, at: int) -> tuple[str, ...]:
    """Return which inputs of a branch are unknown at one visit; "sex" where its limit needs it."""
    names = [name for name in inputs_of(row, visits.rules) if name not in _ALWAYS_KNOWN]
    missing = [name for name in names if not _is_known(name, visits)[at]]
    needs_sex = "female" in inputs_of(row, visits.rules) or _differs_by_sex(row, visits.rules)
    return (*missing, *(["sex"] if needs_sex and not visits.people.sex[at] else []))


def _differs_by_sex(row: FlagBranch, rules: Rules) -> bool:
    """Return whether a limit of the flag, of a marker that the branch looks at, is of one sex."""
    inputs, own = inputs_of(row, rules), f"{row.flag.lower()}-"
    return any(x.sex and x.marker in inputs for x in rules.limits if x.id.startswith(own))


def question_arises(row: FlagBranch, visits: Visits, at: int, diabetes_range: BooleanArray) -> bool:
    """Return whether a branch that cannot be assessed at a visit is worth saying so.

    It is where one of its markers has a value, or a value may be in the diabetes range it asks for;
    of a branch without either, where one fact is known.
    """
    inputs = inputs_of(row, visits.rules)
    if "diabetes_range" in inputs:
        measured = any(visits.column(name).known[at] for name in _GLUCOSE)
        return measured and not ruled_out(diabetes_range)[at]
    names = [name for name in inputs if name not in _ALWAYS_KNOWN]
    asked = [name for name in names if name in visits.rules.markers] or names
    return any(bool(_is_known(name, visits)[at]) for name in asked)


def _is_known(name: str, visits: Visits) -> Where:
    return is_known(given(visits, name))


def _ask(
    row: FlagBranch, readings: Sequence[Visits], special: Sequence[Mapping[str, Any]]
) -> list[BooleanArray]:
    """Return what each reading answers; the last one's, where it has the same columns."""
    last = _answer(row, readings[0], special[0])
    return [
        last if _looks_alike(row, reading, readings[0]) else _answer(row, reading, given)
        for reading, given in zip(readings, special, strict=True)
    ]


def _looks_alike(row: FlagBranch, reading: Visits, last: Visits) -> bool:
    """Return whether all that a branch looks at is the same column of both."""
    names = {_SEEN_THROUGH.get(name, name) for name in inputs_of(row, last.rules)}
    return all(reading.columns.get(name) is last.columns.get(name) for name in names)


def _answer(row: FlagBranch, visits: Visits, special: Mapping[str, Any]) -> BooleanArray:
    if row.limit:
        limits = visits.rules.limits_named(row.limit)
        return visits.column(limits[0].marker).beyond(row.limit)
    return _call(row.function, visits, special)


def _call(function: str, visits: Visits, special: Mapping[str, Any]) -> Any:
    names = parameters_of(CONDITIONS[function])
    return CONDITIONS[function](*(_input(name, visits, special) for name in names))


def _input(name: str, visits: Visits, special: Mapping[str, Any]) -> Any:
    if name in CONDITIONS:
        return _call(name, visits, special)
    if name in special:
        return special[name]
    return given(visits, name)


def _special_inputs(
    visits: Visits, diabetes_range: BooleanArray, not_scored: Where
) -> dict[str, Any]:
    """Return the inputs that no row and no context key states."""
    everywhere = np.ones(len(visits), dtype=bool)
    immunoassays = [m.id for m in visits.rules.markers.values() if m.biotin]
    measured = np.any([visits.column(marker).known for marker in immunoassays], axis=0)
    return {
        "diabetes_range": diabetes_range,
        "female": tristate(visits.people.women, visits.people.women | visits.people.men),
        "not_scored": tristate(not_scored, everywhere),
        "immunoassay_measured": tristate(measured, everywhere),
        "egfr_was_below_30": _was_below_30(visits),
        "haemolysis": _haemolysis(visits),
    }


def _was_below_30(visits: Visits) -> BooleanArray:
    below = certain(visits.column("egfr").beyond("sf-14-egfr-30"))
    return tristate(visits.before(below.astype(int)) > 0, np.ones(len(visits), dtype=bool))


def _haemolysis(visits: Visits) -> np.ndarray[Any, Any]:
    """Return "visible" where the sample of potassium was haemolysed, else ""."""
    haemolysed = visits.of_row("haemolysed", visits.column("potassium"))
    return np.where(haemolysed, "visible", "")
