"""Cohort floor. What a reader can work out from what is printed, by linear programmes.

The reader knows which counts are sums of which, that none is below zero, what is printed, and what
the marks mean. Of how the hidden ones were chosen no use is made.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import Bounds, LinearConstraint, milp

from pipeline.cohort.counts import Mark, Shown
from pipeline.cohort.layout import Layout, Numbers

Between = tuple[Numbers, Numbers]

_WHOLE = 1e-6
_NODES = 2_000  # where whole people are that hard to find none are found, and more is hidden


def what_it_says(shown: Sequence[Shown], limit: int) -> Between:
    """Return the lowest and the highest that each part can be to one who reads what is shown."""
    low = {Mark.SMALL: 0, Mark.HIDDEN: limit, Mark.WITHHELD: 0}
    high = {Mark.SMALL: limit - 1, Mark.HIDDEN: np.inf, Mark.WITHHELD: np.inf}
    lowest = [low[part] if isinstance(part, Mark) else part for part in shown]
    highest = [high[part] if isinstance(part, Mark) else part for part in shown]
    return np.array(lowest, dtype=float), np.array(highest, dtype=float)


def cheapest(
    cost: Numbers, rows: Numbers, between: Between, *, highest: Numbers, people: int
) -> Numbers | None:
    """Return the cheapest numbers of zero or more that keep the rows between; None if none do.

    The first ``people`` of them are returned, and are whole. The linear programme mostly makes
    them so; where not, it is told to, for half a person proves nothing.
    """
    whole = np.arange(len(cost)) < people
    ways = (np.zeros_like(whole), {"presolve": False}), (whole, {"node_limit": _NODES})
    for integrality, options in ways:
        found = milp(
            cost,
            integrality=integrality,
            bounds=Bounds(0, highest),
            constraints=LinearConstraint(rows, *between),
            options=options,
        )
        counts = None if found.x is None else found.x[:people]
        if counts is None or (abs(counts - counts.round()) < _WHOLE).all():
            break
    return None if counts is None else counts.round()


class Attacker:
    """One who looks for tables that are printed alike, and are as unlike as they can be.

    ``tables`` are those found so far: rows of counts, one an atom.
    """

    def __init__(
        self, layout: Layout, shown: Sequence[Shown], limit: int, *, tables: Numbers | None = None
    ) -> None:
        self.layout = layout
        self.tables = np.empty((0, len(layout.atoms))) if tables is None else tables
        self._between = what_it_says(shown, limit)
        counts = [part for part in shown if not isinstance(part, Mark)]
        # A count without a highest one: this leaves room for all that are printed, and a limit.
        self._top = max([*counts, self.tables.max(initial=0)]) + limit

    def interval(self, row: Numbers, *, enough: int) -> tuple[int, int]:
        """Return the lowest and the highest count of a group: the very ones if not wide enough."""
        if not len(self.tables):
            self._look(row)
        if (abs(row @ self._free) > _WHOLE).any():
            for way in (row, -row):
                if np.ptp(self.tables @ row) < enough:
                    self._look(way)
        counts = self.tables @ row
        return int(counts.min()), int(counts.max())

    @cached_property
    def _free(self) -> Numbers:
        """Return in which ways tables can differ of which the same counts are printed.

        A group that is the same in all of them is a sum of what is printed: nothing to look for.
        """
        lowest, highest = self._between
        free: Numbers = null_space(self.layout.rows[lowest == highest])
        return free

    def _look(self, cost: Numbers) -> None:
        """Find the table that costs least, and keep it."""
        highest = np.full(len(cost), self._top)
        rows, between = self.layout.rows, self._between
        found = cheapest(cost, rows, between, highest=highest, people=len(cost))
        if found is not None:
            self.tables = np.vstack([self.tables, found])
        elif not len(self.tables):
            raise ValueError("no table of people is printed like this")
