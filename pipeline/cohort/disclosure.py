"""Cohort floor. Hides counts of people until no count of a few can be worked out from the rest.

A count is safe when there are *twins*: tables of whole people that are printed just the same, and
in which it is another number. Linear programmes look for them, as an attacker would, and whatever
keeps a twin from being printed the same is hidden. So the twins prove all that is printed.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from pipeline.cohort.attack import Attacker, cheapest, what_it_says
from pipeline.cohort.counts import Key, Mark, Published, Shown, Table
from pipeline.cohort.layout import Group, Layout, Numbers, Places
from pipeline.cohort.stakes import Earlier, Stake, Stakes

LOWEST_LIMIT = 5

_A_TOTAL = 0.2  # more for each atom: totals are hidden last
_A_COUNT = 0.1  # more for the logarithm of the count: the smallest cells are hidden first
_A_RANK = 1e-6  # of equals, the first in order of keys
_UNTRUE = 1e3  # a mark that would be untrue costs more than all counts together
_LEAN = 1e-3  # less than any count: small cells move along where that costs nothing


def protect(
    table: Table,
    *,
    limit: int = LOWEST_LIMIT,
    earlier: Iterable[Published] = (),
    known: Collection[Key] = (),
) -> Published:
    """Return what may be printed of a table: for each cell its count, or a mark.

    No count of 0 to ``limit`` - 1 is printed, and ``limit`` numbers stay possible for each: of a
    cell or an atom, of the difference of two of which one lies in the other, and of all that is
    not printed of a total. With the ``earlier`` reports (each of its own limit) the same holds for
    each change of 1 to ``limit`` - 1 people, more or fewer; that nothing changed may be seen.
    Cells that are ``known``, for they are printed elsewhere, cannot be hidden, and are not.

    A total of two small counts is withheld, small or not: "hidden" would tell that they are not
    both zero, and so would "withheld" if it were for large ones alone.

    Nothing here stops one who knows people of the table, or goes over the choice of cells again,
    or adds other tables of the same people, but for those that share only ``known`` cells.

    Raises ``ValueError`` for a limit below 5, and where what is known tells of a few by itself.
    """
    if not isinstance(limit, int) or limit < LOWEST_LIMIT:
        raise ValueError(f"a limit is a whole number, {LOWEST_LIMIT} or more")
    protection = _Protection(table, limit, [Earlier(report) for report in earlier], known)
    protection.hide()
    protection.show_again()
    return protection.published()


class _Protection:
    """A table on its way to print: what is shown so far, and the twins that are printed the same.

    ``shown`` goes by part, ``twins`` are rows of counts of atoms: the first is the table itself.
    """

    def __init__(
        self, table: Table, limit: int, earlier: Sequence[Earlier], known: Collection[Key]
    ) -> None:
        self.table, self.limit = table, limit
        self.layout = Layout(table.atoms, table.cells)
        people = np.array([table.atoms[atom] for atom in self.layout.atoms], dtype=float)
        self.twins: Numbers = people.reshape(1, -1)
        self.counts: Numbers = self.layout.rows @ people
        self.stakes = Stakes(self.layout, people, limit, earlier)
        self.known = np.array([key in known for key in self.layout.keys])
        self.shown: list[Shown] = [self._alone(part) for part in range(len(self.counts))]
        self._withhold_totals_of_two()
        above_one, ranks = self.layout.sizes - 1, np.arange(len(self.counts))
        self.costs = 1 + _A_TOTAL * above_one + _A_COUNT * np.log1p(self.counts) + _A_RANK * ranks

    def _alone(self, part: int) -> Shown:
        """Return what is shown of a part as if there were no other."""
        key, count = self.layout.keys[part], int(self.counts[part])
        if key not in self.table.cells:
            return Mark.WITHHELD
        if self.known[part]:
            return count
        if count < self.limit:
            return Mark.SMALL
        return Mark.HIDDEN if self.stakes.of(Group(key)) else count

    def _withhold_totals_of_two(self) -> None:
        """Withhold each cell that two small ones cover; the smaller first: those are no cover."""
        held = self.layout.rows > 0
        for part in np.argsort(self.layout.sizes, kind="stable"):
            small = held[self._marked(Mark.SMALL)]
            small = small[~(small >= held[part]).all(axis=1)]
            rests = held[part] & ~small[(small & held[part]).any(axis=1)]
            if not self.known[part] and any((small >= rest).all(axis=1).any() for rest in rests):
                self.shown[part] = Mark.WITHHELD

    def _marked(self, mark: Mark) -> list[int]:
        return [at for at, part in enumerate(self.shown) if part is mark]

    def hide(self) -> None:
        """Hide cells until there are twins enough; for the groups of the fewest people first."""
        while opened := self._opened(self.shown, self.twins):
            for stake in sorted(opened, key=lambda stake: (stake.count, stake.row.sum())):
                self._close(stake)

    def _opened(self, shown: Sequence[Shown], twins: Numbers) -> list[Stake]:
        """Return the groups that are not safe yet: these twins of what is shown are too few."""
        return [stake for stake in self.stakes.when(shown) if stake.is_open(twins)]

    def _twins(self, shown: Sequence[Shown], tables: Numbers) -> Numbers:
        """Return those of the tables that are printed as is shown."""
        lowest, highest = what_it_says(shown, self.limit)
        counts = tables @ self.layout.rows.T
        twins: Numbers = tables[((counts >= lowest) & (counts <= highest)).all(axis=1)]
        return twins

    def _close(self, stake: Stake) -> None:
        """Find twins for a group: one, or one on each side where its count lies in the middle."""
        while stake.is_open(self.twins):
            twin = self._twin_for(stake)
            if twin is not None:
                self._hide_for(twin)
                self.twins = self._twins(self.shown, np.vstack([self.twins, twin]))
            if twin is None or not (self.twins[-1] == twin).all():
                self._withhold_all()
                return

    def _twin_for(self, stake: Stake) -> Numbers | None:
        """Return the twin that hides least: with more people in the group, or with fewer."""
        counts = self.twins @ stake.row
        more, fewer = counts.min() + stake.width, counts.max() - stake.width
        ways = [(more, np.inf)] if more <= self._most(stake.row) else []
        ways += [(0, fewer)] if fewer >= 0 else []
        found = [twin for way in ways if (twin := self._twin(stake.row, *way)) is not None]
        if found:
            return min(found, key=self._price)
        return self._twin(stake.row, 0, 0) if counts.min() > 0 else None

    def _most(self, row: Numbers) -> float:
        """Return how many a group can be, if it is in a cell that is small."""
        small = self.layout.rows[self._marked(Mark.SMALL)]
        return self.limit - 1 if (small >= row).all(axis=1).any() else np.inf

    def _twin(self, row: Numbers, fewest: float, most: float) -> Numbers | None:
        """Return the table with as many in a group for which least must be hidden, if any."""
        lowest, highest = what_it_says(self.shown, self.limit)
        changes, costs, room = self._changes()
        people = np.vstack([self.layout.rows, row])
        return cheapest(
            np.concatenate([self._lean(rising=fewest > 0), costs]),
            np.hstack([people, np.pad(changes, [(0, 1), (0, 0)])]),
            (np.append(lowest, fewest), np.append(highest, most)),
            highest=np.concatenate([np.full(len(row), np.inf), room]),
            people=len(row),
        )

    def _changes(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return what may differ in a twin: in which part (row), at what cost, and how far.

        What is printed may be more, or less, down to the limit: then it is hidden. What is printed
        or hidden may be less than the limit: then it is withheld, for "hidden" would be untrue.
        """
        printed = [at for at, part in enumerate(self.shown) if not isinstance(part, Mark)]
        printed = [at for at in printed if not self.known[at]]
        large = printed + self._marked(Mark.HIDDEN)
        one, costs, far = np.eye(len(self.counts)), self.costs, np.full(len(self.counts), np.inf)
        less = self.counts - self.limit
        return (
            np.hstack([-one[:, printed], one[:, printed], one[:, large]]),
            np.concatenate([costs[printed], costs[printed], costs[large] + _UNTRUE]),
            np.concatenate([far[printed], less[printed], far[large]]),
        )

    def _lean(self, *, rising: bool) -> Numbers:
        """Return costs of people by which small cells move along to an end not seen yet."""
        small = self.layout.rows[self._marked(Mark.SMALL)]
        seen = small @ self.twins.T
        unseen = seen.max(axis=1) < self.limit - 1 if rising else seen.min(axis=1) > 0
        lean: Numbers = small[unseen].sum(axis=0) * (-_LEAN if rising else _LEAN)
        return lean

    def _unlike(self, twin: Numbers) -> tuple[Places, Places]:
        """Return the parts that must be hidden for a twin, and those of which it is not enough."""
        counts = self.layout.rows @ twin
        counted = np.array([not isinstance(part, Mark) for part in self.shown])
        hidden = np.array([part is Mark.HIDDEN for part in self.shown])
        changed = counted & (counts != self.counts)
        return changed, (changed | hidden) & (counts < self.limit)

    def _price(self, twin: Numbers) -> float:
        hidden, withheld = self._unlike(twin)
        return float(self.costs[hidden].sum() + _UNTRUE * withheld.sum())

    def _hide_for(self, twin: Numbers) -> None:
        """Hide what is not the same in a twin; withhold, with all inside it, what becomes small."""
        hidden, withheld = self._unlike(twin)
        withheld |= self.layout.inside[withheld].any(axis=0) & ~self.known
        for part in np.flatnonzero(hidden):
            self.shown[part] = Mark.HIDDEN
        for part in np.flatnonzero(withheld):
            self.shown[part] = Mark.WITHHELD

    def _withhold_all(self) -> None:
        """Withhold the whole table; ``ValueError`` if that was not enough."""
        bare = [
            part if known else Mark.WITHHELD
            for part, known in zip(self.shown, self.known, strict=True)
        ]
        if bare == self.shown:
            raise ValueError("what is known of this table tells of a few by itself")
        self.shown = bare

    def show_again(self) -> None:
        """Show what need not be hidden after all, now that the rest is: totals first."""
        hidden = self._marked(Mark.HIDDEN)
        spare = [at for at in hidden if not self.stakes.of(Group(self.layout.keys[at]))]
        for part in sorted(spare, key=lambda part: -self.costs[part]):
            shown = [*self.shown]
            shown[part] = int(self.counts[part])
            if not self.stakes.told(shown):
                self._show(shown)

    def _show(self, shown: list[Shown]) -> None:
        """Show this if there are twins enough of it: those that are left, and others."""
        twins = self._twins(shown, self.twins)
        attacker = Attacker(self.layout, shown, self.limit, tables=twins)
        for stake in self._opened(shown, twins):
            low, high = attacker.interval(stake.row, enough=stake.width)
            if high - low < stake.width:
                return
        self.shown, self.twins = shown, attacker.tables

    def published(self) -> Published:
        """Return what is shown of the cells."""
        place = self.layout.place
        return Published(
            limit=self.limit,
            atoms=self.layout.atoms,
            cells=dict(sorted(self.table.cells.items())),
            shown={key: self.shown[place[key]] for key in sorted(self.table.cells)},
        )
