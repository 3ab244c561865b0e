"""Cohort floor. The people of a period beside those of a reference, of their own sex and age."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.cohort.columns import SETS
from pipeline.cohort.counts import Key, Mark, Shown, Table
from pipeline.cohort.gate import Gate, told, told_share
from pipeline.cohort.markers import Measured
from pipeline.cohort.placing import Placed, place_people
from pipeline.cohort.strata import strata_of_marker
from pipeline.read.reference import Stratum
from pipeline.rules import Rules
from pipeline.store.opening import Connection

_SIDES = ("below", "above", "undetermined", "without")
_Told = Mapping[str, Any]


def beside_reference(
    connection: Connection,
    reference: Sequence[Stratum],
    markers: Sequence[_Told],
    gate: Gate,
    *,
    rules: Rules,
    people: Shown,
) -> dict[str, Any]:
    """Return where people stand beside those of their own sex and age in a reference population.

    ``markers`` is what is told of them already (see ``markers_of_period``).
    """
    placed = place_people(connection, reference, rules)
    wanted = {stratum.marker for stratum in reference}
    there = [one for one in markers if one["marker"] in wanted]
    return {
        "populations": _populations(reference),
        "markers": [_marker(one, reference, placed, gate, people=people) for one in there],
        "not_measured": sorted(wanted - {one["marker"] for one in there}),
    }


def _populations(reference: Sequence[Stratum]) -> list[dict[str, Any]]:
    """Return who the reference is, and of which markers."""
    found = {one.population: dict[str, None]() for one in reference}
    for one in reference:
        found[one.population][one.marker] = None
    return [{**asdict(population), "markers": list(of)} for population, of in found.items()]


def _marker(
    one: _Told, reference: Sequence[Stratum], placed: Placed, gate: Gate, *, people: Shown
) -> dict[str, Any]:
    sides = placed.sides[one["marker"]]
    measured = _measured(one, sum(sides.values()), people)
    shown = _sides(one, sides, measured, gate)
    of_a_stratum = _others(shown["without"], measured.n)
    whole = of_a_stratum if isinstance(of_a_stratum, int) else measured.whole
    return {
        "marker": one["marker"],
        "with_stratum": told(of_a_stratum),
        "without_stratum": told(shown["without"]),
        "undetermined": told(shown["undetermined"]),
        **{
            side: {"n": told(shown[side]), "share": told_share(shown[side], whole)}
            for side in ("below", "above")
        },
        "strata": strata_of_marker(
            one, reference, placed, measured, gate, without=shown["without"]
        ),
    }


def _measured(one: _Told, n: int, people: Shown) -> Measured:
    """Return of how many people a marker is known, as it is told already."""
    shown = one["n"] if isinstance(one["n"], int) else Mark(one["n"])
    missing = people - n if isinstance(people, int) else 0
    return Measured(n=shown, missing=missing, people=people)


def _others(without: Shown, n: Shown) -> Shown:
    """Return how many people are of a stratum: all but those without."""
    if isinstance(without, int) and isinstance(n, int):
        return n - without
    return Mark.HIDDEN if without is Mark.SMALL and isinstance(n, int) else Mark.WITHHELD


def _sides(
    one: _Told, sides: Mapping[Key, int], measured: Measured, gate: Gate
) -> Mapping[str, Shown]:
    """Return how many people are on each side; how many between follows, where it may."""
    atoms, totals = measured.totals(sides)
    members = {side: frozenset(key for key in sides if key[-1] == side) for side in _SIDES}
    own: dict[Key, frozenset[Key]] = {(side,): of for side, of in members.items() if of}
    known = totals | _beyond(one, sides)
    table = Table(atoms=atoms, cells=own | known)
    try:
        shown = gate.counts(f"{one['marker']}/reference", table, known=list(known)).shown
    except ValueError:  # what is printed elsewhere leaves no room to hide in: nothing is added
        return dict.fromkeys(_SIDES, Mark.WITHHELD)
    return {side: shown.get((side,), Mark.SMALL) for side in _SIDES}


def _beyond(one: _Told, sides: Mapping[Key, int]) -> dict[Key, frozenset[Key]]:
    """Return the people beyond each limit of whom the number is printed already."""
    either = {"low": ("low",), "high": ("high",), "beyond": ("low", "high")}
    return {
        (of, side): frozenset(key for key in sides if key[place] in names)
        for place, of in enumerate(SETS)
        if one[of] is not None
        for side, names in either.items()
        if isinstance(one[of][side]["n"], int)
    }
