"""Cohort floor. Who was seen in a period: the flow of people, their age and sex, their visits."""

from typing import Any

from pipeline.cohort.counts import Key, Published, Shown, Table
from pipeline.cohort.gate import TOTAL, Gate, told
from pipeline.cohort.groups import SEXES, UNKNOWN, age_names, names_of
from pipeline.cohort.period import Period
from pipeline.store.opening import Connection


def people_of_period(connection: Connection, period: Period, gate: Gate) -> dict[str, Any]:
    """Return the flow of people up to a period, and age and sex of those seen in it."""
    flow = _flow(connection, period)
    came = gate.list("seen", {name: flow[name] for name in ("first", "again")})
    seen = came[(TOTAL,)]
    shown = gate.counts("flow", _flow_table(flow), known=_if_told(seen, ("seen",)))
    groups = _by_age_and_sex(connection, gate, known=_if_told(seen, (TOTAL, TOTAL)))
    return {
        "flow": {
            **{key[0]: told(one) for key, one in shown.shown.items()},
            **{name: told(came[(name,)]) for name in ("first", "again")},
            "seen": told(seen),
        },
        "seen": told(seen),
        "by_age_and_sex": {"/".join(key): told(one) for key, one in groups.shown.items()},
        "age": _age(connection, gate),
        "labels": _labels(connection, gate, total=seen),
    }


def _flow(connection: Connection, period: Period) -> dict[str, int]:
    """Return how many people ended at each step; together they are all people of the store."""
    (found,) = connection.execute(
        "WITH everybody AS (FROM scored.owner UNION SELECT case_id FROM store.person),"
        " history AS (SELECT case_id, person FROM scored.visit WHERE date = first)"
        " SELECT count(*) FILTER (history.person IS NULL),"
        " count(*) FILTER (history.person IS NOT NULL AND now.person IS NULL),"
        " count(*) FILTER (now.first >= $start), count(*) FILTER (now.first < $start)"
        " FROM everybody LEFT JOIN history USING (case_id) LEFT JOIN now USING (person)",
        {"start": period.start},
    ).fetchall()
    names = ("without_result", "at_other_times", "first", "again")
    return dict(zip(names, map(int, found), strict=True))


def _if_told(shown: Shown, key: Key) -> list[Key]:
    """Return the key of a count that is printed already, where it is."""
    return [key] if isinstance(shown, int) else []


def _flow_table(flow: dict[str, int]) -> Table:
    """Return the table of everybody in the store.

    Who was seen at other times only is not told: it follows, but for the few without a result.
    """
    seen = flow["first"] + flow["again"]
    names = ("without_result", "at_other_times")
    atoms: dict[Key, int] = {("seen",): seen, **{(name,): flow[name] for name in names}}
    cells: dict[Key, frozenset[Key]] = {
        ("seen",): frozenset([("seen",)]),
        ("without_result",): frozenset([("without_result",)]),
        ("not_seen",): frozenset((name,) for name in names),
        ("in_store",): frozenset(atoms),
    }
    return Table(atoms=atoms, cells=cells)


def _by_age_and_sex(connection: Connection, gate: Gate, *, known: list[Key]) -> Published:
    """Return what may be printed of age by sex.

    An age band has no total: it would give away the few of that age whose sex nobody stated.
    """
    rows = connection.execute("SELECT ages, sex, count(*) FROM now GROUP BY ALL").fetchall()
    by_age, by_sex = names_of("ages"), names_of("sex")
    found = {(by_age[ages], by_sex[sex]): int(count) for ages, sex, count in rows}
    keys = [(ages, sex) for ages in (*age_names(), UNKNOWN) for sex in SEXES]
    atoms: dict[Key, int] = {key: found.get(key, 0) for key in keys}
    cells: dict[Key, frozenset[Key]] = {key: frozenset([key]) for key in keys if key[1] != UNKNOWN}
    for sex in SEXES:
        cells[(TOTAL, sex)] = frozenset(key for key in keys if key[1] == sex)
    cells[(TOTAL, TOTAL)] = frozenset(keys)
    return gate.counts("age_and_sex", Table(atoms=atoms, cells=cells), known=known)


def _age(connection: Connection, gate: Gate) -> list[float] | None:
    """Return the quartiles of age [years]."""
    (found,) = connection.execute(
        "SELECT count(age), quantile_cont(age, [0.25, 0.5, 0.75]) FROM now"
    ).fetchall()
    quartiles = gate.quantiles(int(found[0]), found[1])
    return None if quartiles is None else list(quartiles)


def _labels(connection: Connection, gate: Gate, *, total: Any) -> dict[str, Any]:
    rows = connection.execute("SELECT label, count(*) FROM now GROUP BY label ORDER BY label")
    counts = {str(label): int(count) for label, count in rows.fetchall()}
    if set(counts) <= {UNKNOWN}:
        return {}
    shown = gate.list("labels", counts, total=total)
    return {key[0]: told(one) for key, one in shown.shown.items()}
