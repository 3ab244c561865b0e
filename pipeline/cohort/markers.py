"""Cohort floor. How the people of a period are: each marker, their phases, their flags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.cohort.columns import SETS, some_markers
from pipeline.cohort.counts import Key, Mark, Shown, Table
from pipeline.cohort.gate import TOTAL, Gate, told, told_share
from pipeline.cohort.groups import UNKNOWN, names_of
from pipeline.cohort.seen import anyone_named
from pipeline.rules import Rules
from pipeline.score.bands import HIGH, LOW
from pipeline.store.opening import Connection, records

GROUPINGS = ("sex", "ages", "label")  # by which people are told apart
ZONE = ", ".join(
    f"CASE {one} WHEN {LOW} THEN 'low' WHEN {HIGH} THEN 'high' WHEN 0 THEN 'none' ELSE 'rest' END"
    f" AS of_{one}"
    for one in SETS
)  # SQL: the side of the limits of each set


def markers_of_period(
    connection: Connection, rules: Rules, gate: Gate, *, people: Shown
) -> list[dict[str, Any]]:
    """Return of each marker how many have it, its quartiles, and how many lie beyond each limit."""
    names = list(rules.markers)
    counted, zones = _counted(connection, rules), _zones(connection, names)
    return [
        _marker(name, counted[name], zones[name], gate, people=people)
        for name in names
        if name in counted
    ]


Groups = dict[str, dict[str, Mapping[str, Any]]]  # grouping -> group -> what was counted
Zone = tuple[str, str, str]  # the side of the limits of each set: low, high or rest
_COUNTED = (
    f"count(*) AS n, count(*) FILTER (guideline IN ({LOW}, {HIGH})) AS beyond,"
    " quantile_cont(value, [0.25, 0.5, 0.75]) AS quartiles FROM now_value"
)


def _counted(connection: Connection, rules: Rules) -> dict[str, Groups]:
    """Return counts and quartiles of each marker, in all people and in each group."""
    names, found = list(rules.markers), dict[str, Groups]()
    for row in _counts(connection, rules):
        by = next((by for by in GROUPINGS if row.get(by) is not None), TOTAL)
        group = TOTAL if by == TOTAL else _group(by, row[by])
        groups = found.setdefault(names[row["marker"]], {one: {} for one in (TOTAL, *GROUPINGS)})
        groups[by][group] = row
    return {
        name: {by: dict(sorted(own.items())) for by, own in groups.items()}
        for name, groups in found.items()
    }


def _group(by: str, value: Any) -> str:
    return str(value) if by == "label" else names_of(by)[value]


def _counts(connection: Connection, rules: Rules) -> Iterator[dict[str, Any]]:
    """Yield what was counted of each marker and group; of a column no group is of, None."""
    sets = "GROUPING SETS ((marker), (marker, sex), (marker, ages))"
    by_label = f"marker, coalesce(label, '{UNKNOWN}') AS label, {_COUNTED}"
    named = anyone_named(connection)
    for first, last in some_markers(rules):
        some = f"WHERE marker BETWEEN {first} AND {last}"
        yield from records(
            connection, f"SELECT marker, sex, ages, {_COUNTED} {some} GROUP BY {sets}"
        )
        if named:
            joined = f"SELECT {by_label} LEFT JOIN named USING (person)"
            yield from records(connection, f"{joined} {some} GROUP BY ALL")


def _zones(connection: Connection, names: Sequence[str]) -> Mapping[str, Mapping[Zone, int]]:
    """Return of each marker how many people are in each zone between the limits of all sets.

    The sets are counted together: their limits lie within one another, and people between two of
    them would be given away by the difference of what lies beyond each.
    """
    found: dict[str, dict[Zone, int]] = {}
    for marker, *zone, count in connection.execute(
        f"SELECT marker, {ZONE}, count(*) FROM now_value GROUP BY ALL"
    ).fetchall():
        found.setdefault(names[marker], {})[(zone[0], zone[1], zone[2])] = int(count)
    return found


def _marker(
    marker: str, counted: Groups, zones: Mapping[Zone, int], gate: Gate, *, people: Shown
) -> dict[str, Any]:
    whole = counted[TOTAL][TOTAL]
    measured = _measured(marker, int(whole["n"]), gate, people=people)
    told_of = Measured(n=measured, missing=_lacking(int(whole["n"]), people), people=people)
    shown = _beyond(marker, zones, gate, told_of)
    beyond = shown.get("guideline", {}).get("beyond")
    return {
        "marker": marker,
        "n": told(measured),
        "missing": _missing(measured, people),
        "quartiles": _quartiles(whole, gate),
        **{of: _told_sides(shown.get(of), told_of) for of in SETS},
        "groups": {
            by: _groups(marker, by, counted[by], gate, told_of, beyond=beyond)
            for by in GROUPINGS
            if len(counted[by]) > 1
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of how many people a marker is known, and of how many there are: what is told of both.

    Where only a few lack it, their number would follow from n: then n is not told, and shares are
    of all people.
    """

    n: Shown
    missing: int
    people: Shown

    @property
    def whole(self) -> Shown:
        """Return what a share is of."""
        return self.n if isinstance(self.n, int) else self.people

    def totals(self, atoms: Mapping[Key, int]) -> tuple[dict[Key, int], dict[Key, frozenset[Key]]]:
        """Return the atoms with those who lack the marker, and the totals that are printed."""
        everybody: dict[Key, int] = {**atoms, ("missing",): self.missing}
        cells: dict[Key, frozenset[Key]] = {}
        if isinstance(self.people, int):
            cells[(TOTAL, "people")] = frozenset(everybody)
        if isinstance(self.n, int):
            cells[(TOTAL, "n")] = frozenset(atoms)
        return everybody, cells


def _lacking(n: int, people: Shown) -> int:
    """Return how many people lack a marker; 0 where nobody knows how many there are."""
    return people - n if isinstance(people, int) else 0


def _measured(marker: str, n: int, gate: Gate, *, people: Shown) -> Shown:
    """Return how many people have a marker, where that does not tell of the few who lack it."""
    if isinstance(people, Mark):
        return people
    counts = {"measured": n, "missing": people - n}
    return gate.list(f"{marker}/measured", counts, total=people)[("measured",)]


def _missing(measured: Shown, people: Shown) -> int | str:
    if isinstance(measured, Mark) or isinstance(people, Mark):
        return told(Mark.SMALL if measured is Mark.HIDDEN else Mark.WITHHELD)
    return people - measured


def _quartiles(found: Mapping[str, Any], gate: Gate) -> list[float] | None:
    quartiles = gate.quantiles(int(found["n"]), found["quartiles"])
    return None if quartiles is None else [float(value) for value in quartiles]


def _beyond(
    marker: str, zones: Mapping[Zone, int], gate: Gate, of_people: Measured
) -> Mapping[str, Mapping[str, Shown]]:
    """Return by set how many lie below its limits, above them, and either; none without limits."""
    atoms, totals = of_people.totals({tuple(zone): count for zone, count in zones.items()})
    cells: dict[Key, frozenset[Key]] = {}
    for place, of in enumerate(SETS):
        if all(zone[place] == "none" for zone in zones):
            continue
        sides = {side: {zone for zone in zones if zone[place] == side} for side in ("low", "high")}
        for side, own in sides.items():
            if own:
                cells[(of, side)] = frozenset(own)
        if either := sides["low"] | sides["high"]:
            cells[(of, "beyond")] = frozenset(either)
    table = Table(atoms=atoms, cells=cells | totals)
    shown = gate.counts(f"{marker}/beyond", table, known=list(totals))
    return {
        of: {side: shown.shown.get((of, side), Mark.SMALL) for side in ("low", "high", "beyond")}
        for place, of in enumerate(SETS)
        if any(zone[place] != "none" for zone in zones)
    }


def _told_sides(shown: Mapping[str, Shown] | None, of_people: Measured) -> dict[str, Any] | None:
    if shown is None:
        return None
    return {
        side: {"n": told(one), "share": told_share(one, of_people.whole)}
        for side, one in shown.items()
    }


def _groups(
    marker: str,
    by: str,
    found: Mapping[str, Mapping[str, Any]],
    gate: Gate,
    of_people: Measured,
    *,
    beyond: Shown | None,
) -> list[dict[str, Any]]:
    """Return n, quartiles and how many lie beyond the guideline of each group of people.

    How many lie beyond is not told of a group where it is not told of all: they would add up to it.
    """
    judged = isinstance(beyond, int)
    table, known = _table_of_groups(found, of_people, judged=judged)
    shown = gate.counts(f"{marker}/{by}", table, known=known)
    return [
        {
            "group": group,
            "n": told(shown[(group, "n")]),
            "quartiles": _quartiles(one, gate),
            "beyond": told(shown[(group, "beyond")]) if judged else None,
            "share": told_share(shown[(group, "beyond")], shown[(group, "n")]) if judged else None,
        }
        for group, one in found.items()
    ]


def _table_of_groups(
    found: Mapping[str, Mapping[str, Any]], of_people: Measured, *, judged: bool
) -> tuple[Table, list[Key]]:
    """Return the table of groups, and the totals in it that are printed elsewhere."""
    atoms: dict[Key, int] = {}
    cells: dict[Key, frozenset[Key]] = {}
    for group, one in found.items():
        beyond = int(one["beyond"]) if judged else 0
        own: dict[Key, int] = {(group, "rest"): int(one["n"]) - beyond}
        if judged:
            own[(group, "beyond")] = beyond
            cells[(group, "beyond")] = frozenset([(group, "beyond")])
        cells[(group, "n")] = frozenset(own)
        atoms |= own
    everybody, totals = of_people.totals(atoms)
    if judged:
        totals[(TOTAL, "beyond")] = frozenset(key for key in atoms if key[-1] == "beyond")
    return Table(atoms=everybody, cells=cells | totals), list(totals)
