"""Cohort floor. Which groups of a table must not be told: those of a few, and changes of a few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.cohort.attack import Attacker
from pipeline.cohort.counts import Key, Mark, Published, Shown
from pipeline.cohort.layout import Group, Layout, Numbers


class Earlier:
    """A report that is out: with a new one it may tell how a group has changed."""

    def __init__(self, published: Published) -> None:
        self.printed = {key for key, part in published.shown.items() if not isinstance(part, Mark)}
        self._layout = Layout(published.atoms, published.cells)
        shown = [published.shown.get(key, Mark.WITHHELD) for key in self._layout.keys]
        self._attacker = Attacker(self._layout, shown, published.limit)

    def width(self, group: Group, count: int, *, limit: int) -> int:
        """Return how wide an interval a group must have now, lest a change of a few is told.

        Nothing ties the count of now to the one of then: all may have left, and others joined. So
        the change can be any of now less any of then: its interval is as wide as the two together.
        """
        row = self._layout.row(group)
        if row is None:
            return 0
        low, high = self._attacker.interval(row, enough=limit - 1)
        missing = limit - 1 - (high - low)
        if missing <= 0:
            return 0
        a_few = any(0 < abs(count - then) < limit for then in range(low, high + 1))
        return missing if a_few else 0


@dataclass(frozen=True, slots=True)
class Stake:
    """A group that must not be told, its people, and how far its counts in twins must differ."""

    row: Numbers
    count: int
    width: int

    def is_open(self, twins: Numbers) -> bool:
        """Return whether its counts in the twins lie too close together."""
        return bool(np.ptp(twins @ self.row) < self.width)


class Stakes:
    """Which groups of a table must not be told."""

    def __init__(
        self, layout: Layout, people: Numbers, limit: int, earlier: Sequence[Earlier]
    ) -> None:
        self._layout, self._people, self._limit = layout, people, limit
        self._earlier = earlier
        self._of: dict[Group, Stake | None] = {}
        self._always = [stake for stake in map(self.of, layout.groups) if stake]

    def of(self, group: Group) -> Stake | None:
        """Return what is at stake of a group: None where all may be told."""
        if group not in self._of:
            self._of[group] = self._stake(group)
        return self._of[group]

    def _stake(self, group: Group) -> Stake | None:
        row = self._layout.row(group)
        if row is None:
            return None
        count = int(row @ self._people)
        widths = [report.width(group, count, limit=self._limit) for report in self._earlier]
        width = max([*widths, self._limit - 1 if count < self._limit else 0])
        return Stake(row, count, width) if width else None

    def when(self, shown: Sequence[Shown]) -> list[Stake]:
        """Return all that is at stake: of any table, and of what is left of its totals now."""
        left = (self.of(group) for group in self._left(shown))
        return self._always + [stake for stake in left if stake]

    def told(self, shown: Sequence[Shown]) -> bool:
        """Return whether a subtraction tells what must not be told: a total less its row."""
        printed = self._printed(shown)
        return any(self.of(group) for group in self._left(shown) if group.whole in printed)

    def _left(self, shown: Sequence[Shown]) -> Iterator[Group]:
        """Yield what is left of each part less what is printed of it; now, and then as well."""
        printed = self._printed(shown)
        for keys in (printed, *(printed & report.printed for report in self._earlier)):
            for whole, parts in self._layout.lines:
                without = tuple(key for key in parts if key in keys)
                if without:
                    yield Group(whole, without)

    def _printed(self, shown: Sequence[Shown]) -> set[Key]:
        parts = zip(self._layout.keys, shown, strict=True)
        return {key for key, part in parts if not isinstance(part, Mark)}
