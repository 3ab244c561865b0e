"""Cohort floor. The phases of the people of a period, their flags, and what goes together."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

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
            "SELECT flag, count(*) FROM scored.flag JOIN now USING (chunk, visit) GROUP BY flag"
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
    connection: Connection, markers: Sequence[Mapping[str, Any]], gate: Gate, *, people: Shown
) -> list[dict[str, Any]]:
    """Return of the most frequent findings how many people have two of them at once.

    A finding is a value beyond a guideline; only those are asked of which the number is printed.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW finding AS SELECT DISTINCT case_id, marker FROM now_value"
        f" WHERE guideline IN ({LOW}, {HIGH})"
    )
    told_of = {
        str(one["marker"]): one["guideline"]["beyond"]["n"]
        for one in markers
        if one["guideline"] and isinstance(one["guideline"]["beyond"]["n"], int)
    }
    names = sorted(told_of, key=lambda name: (-told_of[name], name))[:_TOGETHER]
    if isinstance(people, Mark):
        return []
    return [_pair(connection, one, other, gate) for one, other in combinations(names, 2)]


def _pair(connection: Connection, one: str, other: str, gate: Gate) -> dict[str, Any]:
    """Return how many have both findings, and what share that is of those who have one."""
    (found,) = connection.execute(
        "SELECT count(*) FILTER (a AND b), count(*) FILTER (a AND NOT b),"
        " count(*) FILTER (NOT a AND b), count(*) FILTER (NOT a AND NOT b) FROM (SELECT case_id,"
        " coalesce(bool_or(finding.marker = $one), false) AS a,"
        " coalesce(bool_or(finding.marker = $other), false) AS b FROM now"
        " LEFT JOIN finding USING (case_id) GROUP BY case_id)",
        {"one": one, "other": other},
    ).fetchall()
    names = ("both", "only_first", "only_second", "neither")
    atoms: dict[Key, int] = {(name,): int(n) for name, n in zip(names, found, strict=True)}
    cells: dict[Key, frozenset[Key]] = {
        ("both",): frozenset([("both",)]),
        ("first",): frozenset([("both",), ("only_first",)]),
        ("second",): frozenset([("both",), ("only_second",)]),
        (TOTAL,): frozenset(atoms),
    }
    given = [("first",), ("second",), (TOTAL,)]
    shown = gate.counts(f"pair/{one}/{other}", Table(atoms=atoms, cells=cells), known=given)
    both = shown[("both",)]
    return {
        "first": one,
        "second": other,
        "both": told(both),
        "share_of_first": told_share(both, shown[("first",)]),
        "share_of_second": told_share(both, shown[("second",)]),
    }
