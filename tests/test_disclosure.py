"""No count of a few people is printed, and none can be worked out from what is."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from attacker import Record, changes, intervals, numbers
from sizes import sized

import pipeline.cohort.attack
from pipeline.cohort import Gate, Mark, Published, Shown, Table, protect, share

Key = tuple[str, ...]
Members = frozenset[Key]

TABLES = sized(24, full=1_000)
PAIRS = sized(8, full=300)
LEVELS = ("missing", "low", "within", "high")
SUMS = {"n": LEVELS[1:], "N": LEVELS, "beyond": ("low", "high")}


# Tables


def crossed(counts: Any, total: str = "all") -> Table:
    """Two ways or three, with every total there is."""
    counts = np.asarray(counts)
    ways = [
        [f"{way}{at}" for at in range(size)] for way, size in zip("rcp", counts.shape, strict=False)
    ]
    atoms = dict(zip(product(*ways), counts.ravel().tolist(), strict=True))
    cells = {
        key: frozenset(
            atom for atom in atoms if all(map(lambda k, own: k in (total, own), key, atom))
        )
        for key in product(*[[*way, total] for way in ways])
    }
    return Table(atoms=atoms, cells=cells)


def levelled(counts: Any) -> Table:
    """A marker by group: missing, low, within and high, and what they add up to."""
    atoms = {
        (f"g{at}", level): int(count)
        for at, row in enumerate(counts)
        for level, count in zip(LEVELS, row, strict=True)
    }
    rows = {level: (level,) for level in LEVELS} | SUMS
    cells = {
        (group, name): frozenset(a for a in atoms if a[1] in levels and group in ("all", a[0]))
        for group in ["all", *sorted({atom[0] for atom in atoms})]
        for name, levels in rows.items()
    }
    return Table(atoms=atoms, cells=cells)


def some_counts(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Skewed, sparse, and groups of unlike sizes: many small counts, and some large ones."""
    rows, rest = shape[0], int(np.prod(shape[1:]))
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: draw.negative_binomial(0.6, 0.05, shape),
        lambda: draw.poisson(draw.gamma(0.5, 12, shape)),
        lambda: draw.poisson(draw.choice([0.5, 2, 6, 40]), shape),
        lambda: draw.poisson(np.outer(draw.gamma(1, 3, rows), draw.gamma(1, 3, rest))).reshape(
            shape
        ),
    ]
    return kinds[draw.integers(len(kinds))]()


def some_table(draw: np.random.Generator) -> Table:
    kind = draw.integers(4)
    if kind == 0:
        return levelled(some_counts(draw, (int(draw.integers(1, 5)), len(LEVELS))))
    if kind == 1:
        return crossed(some_counts(draw, (*draw.integers(2, [5, 4]).tolist(), 2)))
    return crossed(some_counts(draw, tuple(draw.integers(2, 7, 2).tolist())))


def any_table(draw: np.random.Generator) -> Table:
    """Cells that are sums of any atoms: they lie across one another, and many labels tell."""
    counts = draw.choice([0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 30], draw.integers(1, 9))
    atoms = {(f"a{at}",): int(people) for at, people in enumerate(counts)}
    sums = [frozenset(a for a in atoms if draw.random() < 0.5) for _ in range(draw.integers(1, 12))]
    return Table(atoms=atoms, cells={(f"c{at}",): cell for at, cell in enumerate(sums) if cell})


@cache
def printed(seed: int) -> tuple[Table, Published]:
    table = some_table(np.random.default_rng(seed))
    return table, protect(table, limit=limit_of(seed))


def limit_of(seed: int) -> int:
    return (5, 10)[seed % 2]


def some_came_and_went(draw: np.random.Generator, table: Table) -> Table:
    """The same table of a cohort that differs by one to nine people."""
    atoms = dict(table.atoms)
    for _ in range(draw.integers(1, 10)):
        what = draw.choice(["joined", "left", "changed"])
        people = [atom for atom, count in sorted(atoms.items()) for _ in range(count)]
        if what != "joined" and people:
            atoms[people[draw.integers(len(people))]] -= 1
        if what != "left":
            atoms[sorted(atoms)[draw.integers(len(atoms))]] += 1
    return Table(atoms=atoms, cells=table.cells)


# What must not be told


def count(table: Table, members: Members) -> int:
    return sum(table.atoms[atom] for atom in members)


def groups(table: Table) -> list[Members]:
    """Every atom and cell, and what is left of a cell when one inside it is taken off."""
    cells = set(table.cells.values()) | {frozenset((atom,)) for atom in table.atoms}
    return sorted(cells | {a - b for a in cells for b in cells if a > b}, key=sorted)


def row(table: Table, members: Members) -> np.ndarray:
    return np.array([atom in members for atom in sorted(table.atoms)], dtype=float)


def record_of(published: Published) -> Record:
    return json.loads(json.dumps(published.as_record()))


def opened(table: Table, published: Published) -> list[Members]:
    """The groups of a few that can be worked out."""
    limit = published.limit
    few = [members for members in groups(table) if count(table, members) < limit]
    found = intervals(record_of(published), [row(table, members) for members in few])
    return [members for members, at in zip(few, found, strict=True) if numbers(at) < limit]


def changes_opened(tables: Sequence[Table], reports: Sequence[Published]) -> list[Members]:
    """The groups of which a change of a few can be worked out, from any two reports."""
    return [
        members
        for (before, report), (now, later) in combinations(zip(tables, reports, strict=True), 2)
        for members in changes_opened_by(before, report, now, later)
    ]


def changes_opened_by(
    before: Table, report: Published, now: Table, later: Published
) -> Iterator[Members]:
    few = {
        members: row(now, members)
        for members in groups(now)
        if 0 < abs(count(now, members) - count(before, members)) < later.limit
    }
    pairs = [(at, at) for at in few.values()]
    found = changes(record_of(report), record_of(later), pairs)
    yield from (
        members for members, at in zip(few, found, strict=True) if numbers(at) < later.limit
    )


def without_protection(table: Table, limit: int) -> Published:
    """Small counts hidden, and nothing else."""
    shown: dict[Key, Shown] = {}
    for key, members in table.cells.items():
        people = count(table, members)
        shown[key] = Mark.SMALL if people < limit else people
    atoms = tuple(sorted(table.atoms))
    return Published(limit=limit, atoms=atoms, cells=table.cells, shown=shown)


# One report


def test_no_count_of_a_few_can_be_worked_out_from_a_table() -> None:
    found = {seed: opened(*printed(seed)) for seed in range(TABLES)}
    assert {seed: members for seed, members in found.items() if members} == {}


def test_whatever_the_cells_are_sums_of_no_count_of_a_few_can_be_worked_out() -> None:
    for seed in range(sized(12, full=500)):
        draw = np.random.default_rng(seed)
        table = any_table(draw)
        published = protect(table, limit=limit_of(seed))
        assert opened(table, published) == [], seed
        now = some_came_and_went(draw, table)
        later = protect(now, limit=limit_of(seed), earlier=[published])
        assert opened(now, later) + changes_opened([table, now], [published, later]) == [], seed


def test_the_attacker_opens_most_tables_of_which_only_small_counts_are_hidden() -> None:
    tables = {seed: printed(seed)[0] for seed in range(TABLES)}
    bare = [
        opened(table, without_protection(table, limit_of(seed))) for seed, table in tables.items()
    ]
    assert sum(map(bool, bare)) > 0.3 * len(bare)


def test_what_is_printed_is_true_and_never_of_a_few() -> None:
    for seed in range(TABLES):
        table, published = printed(seed)
        assert published.shown.keys() == table.cells.keys()
        for key, members in table.cells.items():
            people, shown = count(table, members), published[key]
            assert (
                shown
                in {
                    True: (Mark.SMALL, Mark.WITHHELD),
                    False: (people, Mark.HIDDEN, Mark.WITHHELD),
                }[people < published.limit]
            )


def test_of_the_counts_that_are_not_small_at_most_45_percent_are_hidden() -> None:
    """Tables of this kind are half small; 37 percent were, of 1,000 of them."""
    hidden = [
        isinstance(published[key], Mark)
        for table, published in map(printed, range(TABLES))
        for key, members in table.cells.items()
        if count(table, members) >= published.limit
    ]
    assert np.mean(hidden) <= 0.45


@pytest.mark.parametrize("few", range(5))
def test_nobody_and_a_few_are_printed_alike(few: int) -> None:
    published = protect(crossed([[few, 40, 50], [60, 70, 80], [30, 20, 90]]))
    assert published["r0", "c0"] is Mark.SMALL
    assert published.shown.keys() - {
        key for key in published.shown if published[key] is Mark.HIDDEN
    }
    marks = [key for key, shown in published.shown.items() if isinstance(shown, Mark)]
    assert marks == [("r0", "c0"), ("r0", "c1"), ("r2", "c0"), ("r2", "c1")]


def test_a_table_without_small_counts_is_printed_in_full_and_nothing_is_solved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline.cohort.attack, "milp", None)
    table = crossed(np.arange(5, 35).reshape(6, 5))
    shown = protect(table).shown
    assert shown == {key: count(table, members) for key, members in table.cells.items()}


@pytest.mark.parametrize("counts", [np.zeros((2, 2)), np.ones((3, 4)), np.full((2, 2, 2), 3)])
def test_where_all_are_few_no_cell_is_printed_and_all_is_safe(counts: np.ndarray) -> None:
    table = crossed(counts.astype(int))
    published = protect(table, limit=10)
    assert all(isinstance(published[key], Mark) for key in table.atoms)
    assert opened(table, published) == []


def test_of_no_cells_nothing_is_printed() -> None:
    assert protect(Table(atoms={("a",): 3}, cells={})).shown == {}
    assert protect(Table(atoms={}, cells={})).shown == {}


@pytest.mark.parametrize("limit", [4, 0, -5, 4.5, 7.5, True])
def test_a_limit_below_five_or_of_no_whole_number_is_refused(limit: Any) -> None:
    with pytest.raises(ValueError, match="5 or more"):
        protect(crossed([[10, 20], [30, 40]]), limit=limit)


def test_a_total_of_two_small_counts_is_withheld_whether_it_is_small_or_not() -> None:
    marks = [protect(crossed([counts])).shown for counts in ([0, 0], [1, 2], [3, 4], [4, 4])]
    assert marks == marks[:1] * 4
    assert set(marks[0].values()) == {Mark.SMALL, Mark.WITHHELD}


def test_marks_alone_do_not_tell() -> None:
    """Three totals of at most four people, of two that are five or more: each of one at least."""
    atoms = {(row, column): 2 for row in "ab" for column in "xyz"}
    cells = {(name,): frozenset(atom for atom in atoms if name in atom) for name in "abxyz"}
    table = Table(atoms=atoms, cells=cells)
    published = protect(table)
    assert [published[name,] for name in "xyz"] == [Mark.SMALL] * 3
    assert opened(table, published) == []


def test_a_group_that_is_not_printed_and_follows_from_two_that_are_is_protected() -> None:
    atoms = {("beyond",): 98, ("not",): 2}
    cells = {("n",): frozenset(atoms), ("beyond",): frozenset({("beyond",)})}
    shown = protect(Table(atoms=atoms, cells=cells)).shown
    assert Mark.HIDDEN in shown.values()


def test_what_is_left_of_a_total_is_not_known_to_be_a_few_either() -> None:
    """Two twos and two zeros, left of a total: four people, who could be printed as small."""
    table = crossed([[50, 60, 2, 2, 0, 0]])
    record = record_of(protect(table))
    left = frozenset(atom for atom, people in table.atoms.items() if people < 5)
    assert numbers(*intervals(record, [row(table, left)])) >= 5


def test_the_order_in_which_cells_are_given_changes_nothing() -> None:
    for seed in range(sized(6, full=60)):
        table, published = printed(seed)
        draw = np.random.default_rng(seed)
        other = Table(atoms=shuffled(draw, table.atoms), cells=shuffled(draw, table.cells))
        assert protect(other, limit=limit_of(seed)).as_record() == published.as_record()


def shuffled(draw: np.random.Generator, given: Mapping[Key, Any]) -> dict[Key, Any]:
    keys = sorted(given)
    return {keys[at]: given[keys[at]] for at in draw.permutation(len(keys))}


# What is known from elsewhere


def test_what_is_printed_elsewhere_is_not_hidden_and_the_rest_is_safe_all_the_same() -> None:
    table = crossed([[3, 40, 50], [60, 70, 80]])
    totals = [key for key in table.cells if "all" in key]
    published = protect(table, known=totals)
    assert not any(isinstance(published[key], Mark) for key in totals)
    assert opened(table, published) == []


def test_a_known_total_that_tells_of_two_small_counts_takes_their_marks_away() -> None:
    published = protect(crossed([[4, 4]]), known=[("r0", "all"), ("all", "all")])
    assert published["r0", "all"] == 8
    assert published["r0", "c0"] is published["r0", "c1"] is Mark.WITHHELD


def test_what_is_known_and_tells_of_a_few_by_itself_is_refused() -> None:
    table = crossed([[3, 40, 50], [60, 70, 80]])
    with pytest.raises(ValueError, match="known"):
        protect(table, known=table.cells.keys() - {("r0", "c0")})


# Two reports and more


def reports_of(
    seed: int, number: int, *, alone: bool = False
) -> tuple[list[Table], list[Published]]:
    """Tables of a cohort that changes a little, each protected with the reports before it."""
    draw = np.random.default_rng(seed)
    first = some_table(draw)
    times = int(draw.integers(1, 9))
    atoms = {atom: people * times for atom, people in first.atoms.items()}
    tables = [Table(atoms=atoms, cells=first.cells)]
    tables += [tables[-1] for _ in range(number - 1)]
    for at in range(1, number):
        tables[at] = some_came_and_went(draw, tables[at - 1])
    reports: list[Published] = []
    for table in tables:
        limit = limit_of(seed if number == 2 else len(reports))
        reports.append(protect(table, limit=limit, earlier=() if alone else tuple(reports)))
    return tables, reports


def test_no_change_of_a_few_can_be_worked_out_from_two_reports() -> None:
    found = {}
    for seed in range(PAIRS):
        tables, reports = reports_of(seed, 2)
        found[seed] = changes_opened(tables, reports) + opened(tables[-1], reports[-1])
    assert {seed: members for seed, members in found.items() if members} == {}


def test_the_attacker_opens_most_pairs_of_reports_that_do_not_know_of_each_other() -> None:
    found = [changes_opened(*reports_of(seed, 2, alone=True)) for seed in range(PAIRS)]
    assert sum(map(bool, found)) > 0.3 * len(found)


def test_reports_for_the_house_and_for_others_by_turns_tell_no_change_of_a_few() -> None:
    found = {seed: changes_opened(*reports_of(seed, 4)) for seed in range(sized(1, full=20))}
    assert {seed: members for seed, members in found.items() if members} == {}


def test_counts_that_did_not_change_are_printed_again() -> None:
    table = crossed([[12, 40, 50], [60, 70, 80]])
    before = protect(table)
    assert protect(table, earlier=[before]).shown == before.shown


def test_a_change_of_a_few_hides_the_count_and_a_change_of_many_does_not() -> None:
    before = protect(crossed([[12, 40, 50], [60, 70, 80]]))
    few = protect(crossed([[12, 43, 50], [60, 70, 80]]), earlier=[before])
    many = crossed([[12, 46, 50], [60, 70, 80]])
    assert few["r0", "c1"] is few["r0", "all"] is few["all", "c1"] is Mark.HIDDEN
    assert protect(many, earlier=[before]).shown == protect(many).shown


def test_a_report_of_other_cells_says_nothing_of_these() -> None:
    table = crossed([[12, 40], [60, 70]])
    atoms = {(*atom, "elsewhere"): people + 1 for atom, people in table.atoms.items()}
    before = protect(Table(atoms=atoms, cells={atom: frozenset({atom}) for atom in atoms}))
    assert protect(table, earlier=[before]).shown == protect(table).shown


# Nouns


def test_what_was_published_is_kept_as_json_and_read_again() -> None:
    for seed in range(8):
        published = printed(seed)[1]
        assert Published.from_record(record_of(published)) == published


def test_a_record_of_another_schema_is_refused() -> None:
    record = record_of(printed(0)[1]) | {"schema": "casereport/published/0"}
    with pytest.raises(ValueError, match="expected casereport/published/1"):
        Published.from_record(record)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(10, 40, 0.25), (Mark.SMALL, 40, None), (10, Mark.HIDDEN, None), (10, Mark.WITHHELD, None)],
)
def test_a_share_is_printed_only_where_both_counts_are(
    part: Shown, whole: Shown, expected: float | None
) -> None:
    assert share(part, whole) == expected


@pytest.mark.parametrize(
    ("atoms", "cells"),
    [
        ({("a",): -1}, {}),
        ({("a",): 1.5}, {}),
        ({("a",): 1}, {("n",): frozenset()}),
        ({("a",): 1}, {("n",): frozenset({("b",)})}),
        ({("a",): 1, ("b",): 2}, {("a",): frozenset({("a",), ("b",)})}),
    ],
)
def test_a_table_that_is_none_is_refused(atoms: Any, cells: Any) -> None:
    with pytest.raises(ValueError, match=r"count of people|sum of atoms|key of an atom"):
        Table(atoms=atoms, cells=cells)


def test_what_a_table_may_tell_is_found_once_for_tables_that_are_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = {("few",): 3, ("many",): 40}
    cells = {("few",): frozenset([("few",)]), ("all",): frozenset(counts)}
    gate = Gate()
    first = gate.counts("first", Table(atoms=counts, cells=cells))
    monkeypatch.setattr("pipeline.cohort.gate.protect", None)
    assert gate.counts("again", Table(atoms=counts, cells=cells)) is first
    with pytest.raises(TypeError):
        gate.counts("another", Table(atoms={**counts, ("many",): 41}, cells=cells))
    with pytest.raises(TypeError):
        gate.counts("known", Table(atoms=counts, cells=cells), known=[("all",)])
    later = Gate(earlier=[gate.passed])
    with pytest.raises(TypeError):
        later.counts("first", Table(atoms=counts, cells=cells))
