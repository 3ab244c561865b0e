"""Cohort floor. Holds each value of a period against the stratum of a reference it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.cohort.columns import SIGNS, marker_places
from pipeline.cohort.counts import Key
from pipeline.cohort.groups import SEXES, names_of
from pipeline.cohort.markers import ZONE
from pipeline.read.reference import Stratum
from pipeline.rules import Rules
from pipeline.store.opening import Connection

NO_STRATUM = ""  # the name of none
_OLDEST = 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The people of a period beside a reference, not past the gate yet.

    ``sides``: of each marker people by the zone between its limits and their side of the reference;
    counted together, for who lies between a limit and a quartile beside it would be given away by
    the difference of what lies beyond each. ``groups``: people by sex, age band and the name of
    their stratum. ``quartiles``: of the people of a stratum, by its place in the reference.
    """

    sides: Mapping[str, Mapping[Key, int]]
    groups: Mapping[str, Mapping[Key, int]]
    quartiles: Mapping[int, Sequence[float]]


def place_people(connection: Connection, reference: Sequence[Stratum], rules: Rules) -> Placed:
    """Return where the last values of a period (``now_value``) lie, of markers with a reference.

    The sides: "below" is less than p25, "above" more than p75 of the stratum; "undetermined" a
    value that is only known as a limit which leaves that open; "without" one of no stratum.
    """
    _find_places(connection, reference, marker_places(rules))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE placed_count AS SELECT marker, {ZONE},"
        " side, sex, ages, place, count(*) AS n FROM placed GROUP BY ALL"
    )
    return Placed(
        sides=_sides(connection, list(rules.markers)),
        groups=_groups(connection, reference, list(rules.markers)),
        quartiles=_quartiles(connection),
    )


def _find_places(
    connection: Connection, reference: Sequence[Stratum], codes: Mapping[str, int]
) -> None:
    """Make the view ``placed``: values with their side, and the place of their stratum or NULL."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE stratum (place INTEGER, marker SMALLINT, of_sex TINYINT,"
        " age_from INTEGER, age_to INTEGER, p25 DOUBLE, p75 DOUBLE)"
    )
    connection.executemany(
        "INSERT INTO stratum VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_row(place, one, codes[one.marker]) for place, one in enumerate(reference)],
    )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW placed AS SELECT value.*, place,"
        " CASE WHEN place IS NULL THEN 'without'"
        f" WHEN value.value < p25 AND sign <> {SIGNS.index('>')} THEN 'below'"
        f" WHEN value.value > p75 AND sign <> {SIGNS.index('<')} THEN 'above'"
        f" WHEN sign <> {SIGNS.index('')} THEN 'undetermined' ELSE 'between' END AS side"
        " FROM now_value AS value JOIN scored.visit AS own USING (person, date) LEFT JOIN stratum"
        " ON stratum.marker = value.marker AND (of_sex IS NULL OR of_sex = value.sex)"
        " AND (age_from IS NULL AND age_to IS NULL"  # of any age, an unknown one too
        f" OR own.age BETWEEN coalesce(age_from, 0) AND coalesce(age_to, {_OLDEST}))"
        " WHERE value.marker IN (SELECT marker FROM stratum)"
    )


def _row(place: int, stratum: Stratum, marker: int) -> tuple[Any, ...]:
    ages = stratum.age_from, stratum.age_to
    quartiles = stratum.percentiles["p25"], stratum.percentiles["p75"]
    sex = None if stratum.sex is None else SEXES.index(stratum.sex)
    return place, marker, sex, *ages, *quartiles


def _sides(connection: Connection, names: Sequence[str]) -> Mapping[str, Mapping[Key, int]]:
    found: dict[str, dict[Key, int]] = {}
    for marker, *side, count in connection.execute(
        "SELECT marker, of_laboratory, of_guideline, of_functional, side, sum(n)"
        " FROM placed_count GROUP BY ALL"
    ).fetchall():
        found.setdefault(names[marker], {})[tuple(side)] = int(count)
    return found


def _groups(
    connection: Connection, reference: Sequence[Stratum], names: Sequence[str]
) -> Mapping[str, Mapping[Key, int]]:
    by_sex, by_age = names_of("sex"), names_of("ages")
    found: dict[str, dict[Key, int]] = {}
    for marker, sex, ages, place, count in connection.execute(
        "SELECT marker, sex, ages, place, sum(n) FROM placed_count GROUP BY ALL"
    ).fetchall():
        name = NO_STRATUM if place is None else reference[place].name
        found.setdefault(names[marker], {})[(by_sex[sex], by_age[ages], name)] = int(count)
    return found


def _quartiles(connection: Connection) -> Mapping[int, Sequence[float]]:
    return dict(
        connection.execute(
            "SELECT place, quantile_cont(value, [0.25, 0.5, 0.75]) FROM placed"
            " WHERE place IS NOT NULL GROUP BY place"
        ).fetchall()
    )
