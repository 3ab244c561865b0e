"""Middle floor. Which branches of flags are open, and what closes one that is not asked again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Floats, Visits, any_of, certain, ruled_out, tristate
from pipeline.flags.conditions import any_measured

Where = np.ndarray[Any, np.dtype[np.bool_]]
Branch = tuple[str, str]
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


def closed_by_recovery(answer: BooleanArray, visits: Visits) -> BooleanArray:
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
    since = np.maximum.accumulate(np.where(held, np.arange(len(held)), -1))
    date = visits.table["date"].to_numpy()
    days = (date - date[since]).astype("timedelta64[D]").astype(float)
    return np.where(since >= visits.per_person(visits.first_of_person), days, np.nan)
