"""Cohort floor. Until when each value of a person counts, so that a review need not look again.

Which value is the last of a period, or the one nearest to a follow-up, depends on where the period
ends. Each is told here with the date of what takes its place: a period then picks its own by
comparing dates, and never sorts the values of a person.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.score.bands import NONE

# A follow-up, in months since the first visit: when it is meant, from when until when it counts.
WINDOWS = {"3": (2, 4), "6": (5, 8), "12": (9, 15), "24": (18, 30)}
NO_WINDOW = 0
# Later than any date: comparing with it is quicker than asking whether there is one.
NEVER = np.datetime64("9999-12-31", "s")

Column = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Whose each value is, on which date and in which month; sorted by person, then by date."""

    person: Column
    date: Column
    month: Column

    def at(self, places: Column) -> "Moments":
        """Return some of them."""
        person, date, month = self.person[places], self.date[places], self.month[places]
        return Moments(person=person, date=date, month=month)


def next_dates(moments: Moments) -> Column:
    """Return the date of the next value of the same person; of the last ``NEVER``."""
    found = np.full(len(moments.person), NEVER)
    same = moments.person[1:] == moments.person[:-1]
    found[:-1][same] = moments.date[1:][same]
    return found


def next_judged(moments: Moments, bands: Column) -> Column:
    """Return the date of the next judged value, of each that is judged itself; else ``NEVER``."""
    judged = np.flatnonzero(bands != NONE)
    found = np.full(len(bands), NEVER)
    found[judged] = next_dates(moments.at(judged))
    return found


def places_of_first(person: Column) -> Column:
    """Return the place of the first value of each one's person."""
    starts = np.append(True, person[1:] != person[:-1])[: len(person)]
    places: Column = np.maximum.accumulate(np.where(starts, np.arange(len(person)), 0))
    return places


def follow_ups(moments: Moments) -> tuple[Column, Column]:
    """Return the window each value is a follow-up of (in months), and when a later one is nearer.

    A value that an earlier one of its window is as near as belongs to no window.
    """
    months = moments.month - moments.month[places_of_first(moments.person)]
    window = np.full(len(months), NO_WINDOW, dtype=np.int8)
    for name, (first, last) in WINDOWS.items():
        window[(months >= first) & (months <= last)] = int(name)
    nearer = np.flatnonzero(window)
    group = moments.person[nearer].astype(np.int64) * (max(map(int, WINDOWS)) + 1) + window[nearer]
    best = _nearer_than_before(group, np.abs(months - window)[nearer])
    window[nearer[~best]] = NO_WINDOW
    nearer, group = nearer[best], group[best]
    until = np.full(len(months), NEVER)
    until[nearer] = next_dates(
        Moments(person=group, date=moments.date[nearer], month=moments.month[nearer])
    )
    return window, until


def _nearer_than_before(group: Column, distance: Column) -> Column:
    """Return where the distance is less than all before it in its group; groups stand together."""
    if not len(group):
        return np.zeros(0, dtype=bool)
    starts = np.append(True, group[1:] != group[:-1])
    # each group lies below the one before it, so that a running minimum begins anew
    lowered = distance - np.cumsum(starts) * (distance.max() + 1)
    least = np.minimum.accumulate(lowered)
    nearer: Column = np.append(True, lowered[1:] < least[:-1])
    return nearer
