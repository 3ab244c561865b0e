"""Cohort floor. How many people are of each stratum of a reference, and their quartiles."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.cohort.counts import Key, Mark, Shown, Table
from pipeline.cohort.gate import Gate, told
from pipeline.cohort.groups import AGES, age_names
from pipeline.cohort.markers import Measured
from pipeline.cohort.placing import NO_STRATUM, Placed
from pipeline.read.reference import Stratum

_GROUPED = ("sex", "ages")  # by which n is told already
_Told = Mapping[str, Any]


def strata_of_marker(
    one: _Told,
    reference: Sequence[Stratum],
    placed: Placed,
    measured: Measured,
    gate: Gate,
    *,
    without: Shown,
) -> list[dict[str, Any]]:
    """Return of each stratum of a marker its people and their quartiles, beside the reference's.

    ``one`` is what is told of the marker already, by sex and by age; ``without`` of those of no
    stratum.
    """
    own = {place: row for place, row in enumerate(reference) if row.marker == one["marker"]}
    groups = _with_empty(placed.groups[one["marker"]], own.values())
    shown = _shown(one, groups, measured, gate, without=without)
    return [
        {
            "sex": stratum.sex,
            "age_from": stratum.age_from,
            "age_to": stratum.age_to,
            "n": told(n := shown.get((stratum.name,), Mark.WITHHELD)),
            "quartiles": _quartiles(n, groups, stratum, placed.quartiles.get(place), gate),
            "reference": dict(stratum.percentiles),
            "reference_n": stratum.people,
        }
        for place, stratum in own.items()
    ]


def _quartiles(
    shown: Shown,
    groups: Mapping[Key, int],
    stratum: Stratum,
    found: Sequence[float] | None,
    gate: Gate,
) -> list[float] | None:
    """Return the quartiles of a stratum, past the gate.

    They tell that it has as many people as quartiles need: where its number is not told it has a
    limit more, so that it can be as much fewer as the others need to hide behind.
    """
    people = sum(count for key, count in groups.items() if key[-1] == stratum.name)
    spare = 0 if isinstance(shown, int) else gate.limit
    quartiles = gate.quantiles(people - spare, found)
    return None if quartiles is None else [float(value) for value in quartiles]


def _with_empty(found: Mapping[Key, int], strata: Iterable[Stratum]) -> dict[Key, int]:
    """Return people by sex, age band and stratum, and 0 of a stratum that nobody is of."""
    there = {name for *_, name in found}
    return {_nobody(one): 0 for one in strata if one.name not in there} | dict(found)


def _nobody(stratum: Stratum) -> Key:
    """Return where in the table the people of a stratum would be."""
    first = stratum.age_from or 0
    bands = zip(AGES, age_names(), strict=True)
    band = next(name for (_, last), name in bands if first <= last)
    return stratum.sex or "F", band, stratum.name


def _shown(
    one: _Told, groups: Mapping[Key, int], measured: Measured, gate: Gate, *, without: Shown
) -> Mapping[Key, Shown]:
    """Return what may be printed of the people of each stratum, by its name.

    Who knows n of each sex and age band, which are told as well, and n of other strata, must not
    reckon out that of a stratum of a few.
    """
    atoms, known = measured.totals(groups)
    names = {name for *_, name in groups}
    cells: dict[Key, frozenset[Key]] = {
        (name,): frozenset(key for key in groups if key[-1] == name) for name in names
    }
    outside = cells.pop((NO_STRATUM,), None)
    if outside and isinstance(without, int):
        known[(NO_STRATUM,)] = outside
    known |= _known_groups(one, groups)
    table = Table(atoms=atoms, cells=cells | known)
    try:
        return gate.counts(f"{one['marker']}/strata", table, known=list(known)).shown
    except ValueError:  # what is printed elsewhere leaves no room to hide in: nothing is added
        return {}


def _known_groups(one: _Told, groups: Mapping[Key, int]) -> dict[Key, frozenset[Key]]:
    """Return the people of each sex, and of each age band, of whom the number is printed."""
    return {
        (by, group["group"]): frozenset(key for key in groups if key[place] == group["group"])
        for place, by in enumerate(_GROUPED)
        for group in one["groups"].get(by, ())
        if isinstance(group["n"], int)
    }
