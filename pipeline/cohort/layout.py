"""Cohort floor. Which counts of a table are sums of which, and the groups that follow from them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.cohort.counts import Key, Members

Numbers = npt.NDArray[np.float64]  # one an atom; or tables × atoms
Places = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Group:
    """The people of one part, without those of the parts that are taken off."""

    whole: Key
    without: tuple[Key, ...] = ()


class Layout:
    """The parts of a table (its cells, and the atoms that are no cell) as sums of atoms.

    ``rows`` holds 1 where a part (row) has an atom (column). Both are in order of their keys, so
    that the order in which they were given changes nothing.
    """

    def __init__(self, atoms: Iterable[Key], cells: Mapping[Key, Members]) -> None:
        self.atoms = tuple(sorted(atoms))
        parts: dict[Key, Members] = {atom: frozenset((atom,)) for atom in self.atoms}
        parts = dict(sorted((parts | dict(cells)).items()))
        self.keys = tuple(parts)
        self.place = {key: at for at, key in enumerate(self.keys)}
        held = [[atom in members for atom in self.atoms] for members in parts.values()]
        self.rows: Numbers = np.array(held, dtype=float).reshape(len(parts), len(self.atoms))
        self.sizes = self.rows.sum(axis=1)

    @cached_property
    def inside(self) -> Places:
        """Return whether a part (column) lies inside a part (row), and is not all of it."""
        inside: Places = self.rows @ self.rows.T == self.sizes
        return inside & (self.sizes[:, None] > self.sizes)

    def row(self, group: Group) -> Numbers | None:
        """Return 1 for each atom of a group; None if the table knows no such group of people."""
        if not self.place.keys() >= {group.whole, *group.without}:
            return None
        off = [self.place[key] for key in group.without]
        row: Numbers = self.rows[self.place[group.whole]] - self.rows[off].sum(axis=0)
        return row if row.any() and row.min() >= 0 else None

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return every part, and every difference of two of which one lies inside the other."""
        pairs = zip(*np.nonzero(self.inside), strict=True)
        differences = [Group(self.keys[whole], (self.keys[part],)) for whole, part in pairs]
        return (*map(Group, self.keys), *differences)

    @cached_property
    def lines(self) -> tuple[tuple[Key, tuple[Key, ...]], ...]:
        """Return parts, each with parts that make it up: a row total, the cells of its row.

        Only the largest inside it, so a grand total is made up of row totals, or of column
        totals. Where they are not all of it, the rest of it is people who are not printed.
        """
        largest = self.inside & ~((self.inside.astype(int) @ self.inside) > 0)
        return tuple(
            (key, tuple(self.keys[at] for at in line))
            for key, parts in zip(self.keys, largest, strict=True)
            for line in self._lines_of(np.flatnonzero(parts).tolist())
        )

    def _lines_of(self, parts: list[int]) -> Iterator[list[int]]:
        """Yield sets of parts that do not overlap, until each part has been in one."""
        unused = parts
        while unused:
            line: list[int] = []
            for part in [unused[0], *parts]:
                if not (self.rows[line] @ self.rows[part]).any():
                    line.append(part)
            unused = [part for part in unused if part not in line]
            yield line
