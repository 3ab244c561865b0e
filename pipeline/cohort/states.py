"""Cohort floor. The phases of the people of a period, their flags, and what goes together."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from pipeline.cohort.columns import marker_places
from pipeline.cohort.counts import Key, Mark, Shown, Table
from pipeline.cohort.gate import TOTAL, Gate, told, told_share
from pipeline.rules import Rules
from pipeline.score.bands import HIGH, LOW
from pipeline.store.opening import Connection

_TOGETHER = 8  # findings of which it is asked which go together


def phases_of_period(connection: Connection, rules: Rules, gate: Gate, *, people: Shown) -> Any:
    """Return how many people are in each phase."""
    rows = dict(connection.execute("SELECT phase, count(*) FROM now GROUP BY phase").fetchall())
    names = list(dict.fromkeys(row.phase for row in rules.phases))
    counts = {name: int(rows.get(name, 0)) for name in names}
    shown = gate.list("phases", counts, total=people)
    return [
        {
            "phase": name,
            "n": told(shown[(name,)]),
            "share": told_share(shown[(name,)], people),
        }
        for name in names
    ]


def flags_of_period(connection: Connection, rules: Rules, gate: Gate, *, people: Shown) -> Any:
    """Return of each flag how many people raised it at their last visit of the period."""
    rows = dict(
        connection.execute(
            "SELECT flag, count(*) FROM scored.flag JOIN now USING (person, date) GROUP BY flag"
        ).fetchall()
    )
    (total,) = connection.execute("SELECT count(*) FROM now").fetchall()
    found = []
    for flag in dict.fromkeys(row.flag for row in rules.flags):
        if not (raised := int(rows.get(flag, 0))):
            continue
        counts = {"raised": raised, "not": int(total[0]) - raised}
        shown = gate.list(f"flag/{flag}", counts, total=people)[("raised",)]
        found.append({"flag": flag, "n": told(shown), "share": told_share(shown, people)})
    return found


def together(
    connection: Connection,
    markers: Sequence[Mapping[str, Any]],
    rules: Rules,
    gate: Gate,
    *,
    people: Shown,
) -> list[dict[str, Any]]:
    """Return of the most frequent findings how many people have two of them at once.

    A finding is a value beyond a guideline; only those are asked of which the number is printed.
    """
    if isinstance(people, Mark):
        return []
    found = {
        str(one["marker"]): one["guideline"]["beyond"]["n"]
        for one in markers
        if one["guideline"] and isinstance(one["guideline"]["beyond"]["n"], int)
    }
    names = sorted(found, key=lambda name: (-found[name], name))[:_TOGETHER]
    both = _both(connection, names, rules)
    return [
        _pair((one, found[one]), (other, found[other]), both.get((one, other), 0), people, gate)
        for one, other in combinations(names, 2)
    ]


def _both(connection: Connection, names: Sequence[str], rules: Rules) -> dict[tuple[str, str], int]:
    """Return how many people have each two of these findings."""
    places = marker_places(rules)
    has = ", ".join(
        f"bool_or(marker = {places[name]}) AS has_{at}" for at, name in enumerate(names)
    )
    pairs = list(combinations(range(len(names)), 2))
    if not pairs:
        return {}
    both = ", ".join(f"count(*) FILTER (has_{one} AND has_{other})" for one, other in pairs)
    (found,) = connection.execute(
        f"SELECT {both} FROM (SELECT {has} FROM now_value WHERE guideline IN ({LOW}, {HIGH})"
        " AND list_contains($places, marker) GROUP BY person)",
        {"places": [places[name] for name in names]},
    ).fetchall()
    return {
        (names[one], names[other]): int(n) for (one, other), n in zip(pairs, found, strict=True)
    }


def _pair(
    one: tuple[str, int], other: tuple[str, int], both: int, people: int, gate: Gate
) -> dict[str, Any]:
    """Return how many have both findings, and what share that is of those who have one."""
    (first, n_first), (second, n_second) = one, other
    atoms: dict[Key, int] = {
        ("both",): both,
        ("only_first",): n_first - both,
        ("only_second",): n_second - both,
        ("neither",): people - n_first - n_second + both,
    }
    cells: dict[Key, frozenset[Key]] = {
        ("both",): frozenset([("both",)]),
        ("first",): frozenset([("both",), ("only_first",)]),
        ("second",): frozenset([("both",), ("only_second",)]),
        (TOTAL,): frozenset(atoms),
    }
    given = [("first",), ("second",), (TOTAL,)]
    shown = gate.counts(f"pair/{first}/{second}", Table(atoms=atoms, cells=cells), known=given)
    return {
        "first": first,
        "second": second,
        "both": told(shown[("both",)]),
        "share_of_first": told_share(shown[("both",)], n_first),
        "share_of_second": told_share(shown[("both",)], n_second),
    }
