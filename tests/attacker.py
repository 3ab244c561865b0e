"""One who reads what was printed, and works out the rest: knows nothing of how it was hidden.

What it is given is the record of a printed table (its limit, its cells as sums of atoms, and what
stands in each): the true counts are not in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, kron, vstack

Record = Mapping[str, Any]
Interval = tuple[int, int]

EVERYBODY = 100_000  # more people than any table has
ALMOST = 1e-6


def what_is_known(record: Record) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each cell as a row of atoms, and the lowest and the highest that it can be."""
    limit = record["limit"]
    meanings = {
        "small": (0, limit - 1),
        "hidden": (limit, EVERYBODY),  # else it would be small
        "withheld": (0, EVERYBODY),
    }
    rows = np.zeros((len(record["cells"]), len(record["atoms"])))
    for row, (_, places, _) in zip(rows, record["cells"], strict=True):
        row[places] = 1
    shown = [cell[2] for cell in record["cells"]]
    known = [meanings.get(cell, (cell, cell)) for cell in shown]
    return rows, *np.array(known, dtype=float).reshape(-1, 2).T


def intervals(record: Record, groups: Sequence[np.ndarray]) -> list[Interval]:
    """The fewest and the most people that can be in each group; a group is a row of atoms."""
    rows, low, high = what_is_known(record)
    return _between(csr_array(rows), low, high, groups)


def changes(before: Record, now: Record, groups: Sequence[tuple[Any, Any]]) -> list[Interval]:
    """How much each group can have changed, to one who has both reports of the same atoms.

    Unknown are, of each atom, who stayed, who left and who joined.
    """
    rows, low, high = what_is_known(before)
    rows_now, low_now, high_now = what_is_known(now)
    nobody, nobody_now = csr_array(rows.shape), csr_array(rows_now.shape)
    both = vstack([hstack([rows, rows, nobody]), hstack([rows_now, nobody_now, rows_now])])
    wanted = [np.concatenate([new - old, -old, new]) for old, new in groups]
    return _between(csr_array(both), np.append(low, low_now), np.append(high, high_now), wanted)


def numbers(interval: Interval) -> int:
    """How many whole numbers it can be."""
    return interval[1] - interval[0] + 1


def _between(
    rows: csr_array, low: np.ndarray, high: np.ndarray, wanted: Sequence[np.ndarray]
) -> list[Interval]:
    """The lowest and the highest of each sum that is wanted: each its own copy of the problem."""
    if not len(wanted):
        return []
    exact = low == high
    copies = np.eye(len(wanted))
    bounded = vstack([rows[~exact], -rows[~exact]])
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * np.concatenate(wanted),
            A_ub=kron(copies, bounded),
            b_ub=np.tile(np.append(high[~exact], -low[~exact]), len(wanted)),
            A_eq=kron(copies, rows[exact]),
            b_eq=np.tile(low[exact], len(wanted)),
            bounds=(0, EVERYBODY),
            method="highs",
        )
        assert found.success, found.message
        unknowns = found.x.reshape(len(wanted), -1)
        ends.append([row @ at for row, at in zip(wanted, unknowns, strict=True)])
    lowest, highest = np.ceil(np.array(ends[0]) - ALMOST), np.floor(np.array(ends[1]) + ALMOST)
    return list(zip(lowest.astype(int).tolist(), highest.astype(int).tolist(), strict=True))
