"""Cohort floor. What of a number may leave: counts, shares and quantiles, by one limit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.cohort.counts import Key, Mark, Published, Shown, Table, share
from pipeline.cohort.disclosure import LOWEST_LIMIT, protect

TOTAL = "total"


@dataclass(slots=True, kw_only=True)
class Gate:
    """Lets counts pass by a limit, and remembers what it let pass.

    ``earlier``: what each earlier review of the same period let pass, by the name of the table.
    """

    limit: int = LOWEST_LIMIT
    earlier: Sequence[Mapping[str, Published]] = ()
    passed: dict[str, Published] = field(default_factory=dict)
    _alike: dict[object, Published] = field(default_factory=dict)

    def counts(self, name: str, table: Table, *, known: Collection[Key] = ()) -> Published:
        """Return what may be printed of a table of people; ``name`` tells it from the others.

        ``known`` are cells that stand elsewhere too, and are printed there.
        """
        before = [review[name] for review in self.earlier if name in review]
        published = (
            protect(table, limit=self.limit, earlier=before, known=known)
            if before
            else self._protected(table, known)
        )
        self.passed[name] = published
        return published

    def _protected(self, table: Table, known: Collection[Key]) -> Published:
        """Return what may be printed of a table that no earlier review told.

        Many are alike to the last count, those of periods in which nobody came above all; what may
        be printed follows from the table alone.
        """
        told = tuple(frozenset(part.items()) for part in (table.atoms, table.cells))
        key = (*told, frozenset(known))
        if key not in self._alike:
            self._alike[key] = protect(table, limit=self.limit, known=known)
        return self._alike[key]

    def list(
        self, name: str, counts: Mapping[str, int], *, total: Shown | None = None
    ) -> Published:
        """Return what may be printed of groups that do not overlap, and of their sum.

        Where the sum is printed elsewhere it is ``total``; where it is not to be printed, None.
        """
        atoms: dict[Key, int] = {(group,): count for group, count in counts.items()}
        cells: dict[Key, frozenset[Key]] = {key: frozenset([key]) for key in atoms}
        cells[(TOTAL,)] = frozenset(atoms)
        known = [(TOTAL,)] if isinstance(total, int) else []
        return self.counts(name, Table(atoms=atoms, cells=cells), known=known)

    def quantiles(self, count: int, values: Sequence[float] | None) -> tuple[float, ...] | None:
        """Return quartiles where so many people stand behind them that none is one person's own."""
        if values is None or count < 2 * self.limit:
            return None
        return tuple(values)


def told(shown: Shown) -> int | str:
    """Return a count, or its mark as a word, for JSON."""
    return shown.value if isinstance(shown, Mark) else int(shown)


def told_share(part: Shown, whole: Shown) -> float | None:
    """Return a share [1] for JSON, rounded to a tenth of a percent; None where it may not leave."""
    found = share(part, whole) if whole != 0 else None
    return None if found is None else round(found, 3)
