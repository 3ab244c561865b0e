"""Middle floor. Which branches of flags are open, and what closes one that is not asked again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Floats, Visits, any_of, certain, ruled_out, tristate
from pipeline.flags.conditions import any_measured, around_birth

Where = np.ndarray[Any, np.dtype[np.bool_]]
Branch = tuple[str, str]
_BY_CGM = ("SF-03", "cgm")
# of these either is enough to hold; neither speaks for the other where that is not measured again
_EITHER: Mapping[Branch, Mapping[str, str]] = {
    ("SF-08", "raised_3x"): {"alt": "alt-3x", "ast": "ast-3x"},
    ("SF-08", "raised_5x"): {"alt": "alt-5x", "ast": "ast-5x"},
    ("SF-08", "with_jaundice"): {"alt": "alt-3x", "ast": "ast-3x"},
    ("SF-22", "raised"): {"sbp": "sf-22-sbp", "dbp": "sf-22-dbp"},
    ("SF-22", "severe"): {"sbp": "sf-22-sbp-e", "dbp": "sf-22-dbp-e"},
    ("SF-28", "raised"): {"sbp": "sf-22-sbp", "dbp": "sf-22-dbp"},
    ("SF-28", "severe"): {"sbp": "sf-28-sbp-e", "dbp": "sf-28-dbp-e"},
    ("SF-28", "with_symptoms"): {"sbp": "sf-22-sbp", "dbp": "sf-22-dbp"},
}
_AROUND_BIRTH = "SF-28"  # later the same pressure is SF-22's
_HYPOGLYCAEMIA = ("hypo_fasting", "nocturnal_hypo", "hypo_postprandial", "neuroglycopenia")


def open_branches(answers: Mapping[Branch, BooleanArray], visits: Visits) -> dict[Branch, Where]:
    """Return, at each visit, whether a branch held when its inputs were last known."""
    first = visits.first_of_person
    count = np.diff(np.append(first, len(visits)))
    # of who came once, a visit's own answer is the last: only the visits of others are looked at
    often = np.flatnonzero(np.repeat(count > 1, count))
    count = count[count > 1]
    return {place: _open(answer, often, count) for place, answer in answers.items()}


def _open(answer: BooleanArray, often: np.ndarray[Any, Any], count: np.ndarray[Any, Any]) -> Where:
    """Return the last known answer of each person, at every visit of the person.

    ``often``: the visits of who came more than once; ``count``: how often each did.
    """
    held = certain(answer)
    if len(often):
        known = np.where(answer.isna()[often], -1, often)
        last = np.maximum.reduceat(known, np.cumsum(count) - count)
        held[often] = np.repeat((last >= 0) & held[last], count)
    return held


def settled_answers(
    branches: Mapping[Branch, BooleanArray], visits: Visits
) -> dict[Branch, BooleanArray]:
    """Return the answers as they close a branch: not where what raised it was not asked again."""
    found = {**branches, _BY_CGM: _closed_by_recovery(branches[_BY_CGM], visits)}
    birth = certain(around_birth(visits.yes("pregnant"), visits.number_column("postpartum_weeks")))
    for place, limits in _EITHER.items():
        asking = birth if place[0] == _AROUND_BIRTH else np.ones_like(birth)
        found[place] = _unless_not_asked_again(branches[place], limits, visits, asking)
    return found


def _unless_not_asked_again(
    answer: BooleanArray, limits: Mapping[str, str], visits: Visits, asking: Where
) -> BooleanArray:
    """Return the answer without each "no" that lacks a marker by which the branch held last.

    ``asking``: the visits at which the branch's question still arises.
    """
    held = certain(answer)
    if not held.any():
        return answer
    since, before = _last_held(held, visits)
    lacking = np.zeros(len(held), dtype=bool)
    for marker, limit in limits.items():
        column = visits.column(marker)
        lacking |= certain(column.beyond(limit))[since] & ~column.known
    return tristate(held, ~answer.isna() & ~(lacking & before & ~held & asking))


def _last_held(held: Where, visits: Visits) -> tuple[np.ndarray[Any, Any], Where]:
    """Return the visit at which a branch last held, and where that was one of the person."""
    since = np.maximum.accumulate(np.where(held, np.arange(len(held)), -1))
    return since, since >= visits.per_person(visits.first_of_person)


def _closed_by_recovery(answer: BooleanArray, visits: Visits) -> BooleanArray:
    """Return the CGM branch with "no" where, 90 days later, glucose and symptoms say so.

    Source: specification, section 9, a decision of design.
    """
    if not certain(answer).any():
        return answer
    days = _days_since(certain(answer), visits)
    long_ago = certain(
        visits.column("glucose_fasting")
        .with_values("days_since", days)
        .beyond("sf-03-recovered-days")
    )
    glucose = any_measured(
        (visits.column("glucose_fasting"), "sf-03-recovered-fasting"),
        (visits.column("glucose_random"), "sf-03-recovered-random"),
    )
    quiet = ruled_out(any_of([visits.yes(word) for word in _HYPOGLYCAEMIA]))
    closed = answer.isna() & long_ago & certain(glucose) & quiet
    return tristate(certain(answer), ~answer.isna() | closed)


def _days_since(held: Where, visits: Visits) -> Floats:
    """Return the days since a branch last held in the same person, NaN where it never did."""
    since, before = _last_held(held, visits)
    date = visits.table["date"].to_numpy()
    days = (date - date[since]).astype("timedelta64[D]").astype(float)
    return np.where(before, days, np.nan)
