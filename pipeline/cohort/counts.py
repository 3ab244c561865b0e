"""Cohort floor. Tables of counts of people, and what is printed of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SCHEMA = "casereport/published/1"

Key = tuple[str, ...]
Members = frozenset[Key]  # atoms


class Mark(StrEnum):
    """What stands in the place of a count that is not printed. None of them is a zero."""

    SMALL = "small"  # 0 to limit - 1, all alike: "<5"
    HIDDEN = "hidden"  # suppressed to protect others: the limit or more, for else it were small
    WITHHELD = "withheld"  # not printed, whatever it is: small or not


Shown = int | Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Counts of people: the finest groups, and the cells that are to be printed.

    ``atoms`` are groups that do not overlap, each with its people; ``cells`` names of each count
    to be printed, totals too, the atoms it is the sum of. A group that is not printed and yet
    follows (those not beyond a limit, from n and those beyond) is seen only if atoms tell it
    apart. A key of both is the same group in both.

    Raises ``ValueError`` for a count that is none, and for a cell of no or of unknown atoms.
    """

    atoms: Mapping[Key, int]
    cells: Mapping[Key, Members]

    def __post_init__(self) -> None:
        if any(count < 0 or count != int(count) for count in self.atoms.values()):
            raise ValueError("a count of people is a whole number, zero or more")
        for key, members in self.cells.items():
            if not members or not members <= self.atoms.keys():
                raise ValueError(f"a cell is a sum of atoms of its table: {key}")
            if key in self.atoms and members != {key}:
                raise ValueError(f"a cell with the key of an atom is that atom: {key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was printed of a table: all that its reader has, and no more.

    ``cells`` are those of the table, in order of their keys; ``shown`` has a count or a mark for
    each.
    """

    limit: int
    atoms: tuple[Key, ...]
    cells: Mapping[Key, Members]
    shown: Mapping[Key, Shown]

    def __getitem__(self, key: Key) -> Shown:
        return self.shown[key]

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON has it; a cell names its atoms by their places."""
        place = {atom: at for at, atom in enumerate(self.atoms)}
        return {
            "schema": SCHEMA,
            "limit": self.limit,
            "atoms": [list(atom) for atom in self.atoms],
            "cells": [
                [list(key), sorted(place[atom] for atom in members), self.shown[key]]
                for key, members in self.cells.items()
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Published":
        """Return what ``as_record`` made a record of; ``ValueError`` for that of another schema."""
        if record.get("schema") != SCHEMA:
            raise ValueError(f"Unrecognised schema '{record.get('schema')}': expected {SCHEMA}.")
        atoms = tuple(tuple(atom) for atom in record["atoms"])
        cells = {tuple(key): (places, shown) for key, places, shown in record["cells"]}
        return cls(
            limit=record["limit"],
            atoms=atoms,
            cells={
                key: frozenset(atoms[at] for at in places) for key, (places, _) in cells.items()
            },
            shown={
                key: Mark(shown) if isinstance(shown, str) else shown
                for key, (_, shown) in cells.items()
            },
        )


def share(part: Shown, whole: Shown) -> float | None:
    """Return part / whole [1]; None where either is not printed, for a share would give it back.

    So too a median or a quartile: only where the count it rests on is printed.
    """
    if isinstance(part, Mark) or isinstance(whole, Mark):
        return None
    return part / whole
