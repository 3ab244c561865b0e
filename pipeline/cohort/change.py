"""Cohort floor. Whether people change: the same people at their baseline and afterwards."""

from typing import Any

from pipeline.cohort.counts import Key, Table
from pipeline.cohort.gate import TOTAL, Gate, told, told_share
from pipeline.cohort.period import Period
from pipeline.rules import Rules
from pipeline.store.opening import Connection, records
from pipeline.trend import reference_change

# A follow-up, in months since the first visit: when it is meant, from when until when it counts.
WINDOWS = {"3": (2, 4), "6": (5, 8), "12": (9, 15), "24": (18, 30)}
_SHIFTS = ("down", "up", "within", "not_judged")


def changes_until(
    connection: Connection, period: Period, rules: Rules, gate: Gate
) -> dict[str, Any]:
    """Return paired changes from the first value of each marker to each follow-up, until a period.

    A change counts beyond the reference change value of the marker; of a pair that was measured
    otherwise, or where one is known only as a limit, it is not judged.
    """
    find_pairs(connection, period, rules)
    return {
        "windows": [
            {"window": name, "from": first, "to": last} for name, (first, last) in WINDOWS.items()
        ],
        "followed": _followed(connection, period, gate),
        "markers": _markers(connection, rules, gate),
        "phases": _transitions(connection, period, rules, gate),
    }


def find_pairs(connection: Connection, period: Period, rules: Rules) -> None:
    """Make the table ``pair``: of each person, marker and window both values, and the change."""
    limits = [
        (marker.id, *found)
        for marker in rules.markers.values()
        if (found := reference_change(marker)) is not None
    ]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE rcv (marker VARCHAR, fall DOUBLE, rise DOUBLE)"
    )
    connection.executemany("INSERT INTO rcv VALUES (?, ?, ?)", limits)
    windows = " UNION ALL ".join(
        f"SELECT '{name}' AS of_window, {first} AS first_month, {last} AS last_month,"
        f" {name} AS meant"
        for name, (first, last) in WINDOWS.items()
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE start AS SELECT own.case_id, value.marker, arg_min({"
        " 'value': value.value, 'comparator': value.comparator, 'lab': value.lab,"
        " 'method': value.method, 'month': own.month}, own.date) AS first"
        " FROM scored.value AS value JOIN visit AS own USING (chunk, visit)"
        f" WHERE own.date <= DATE '{period.end}' GROUP BY ALL"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE later AS SELECT own.case_id, value.marker, of_window,"
        " value.value, value.comparator, value.lab, value.method, first.value AS v0,"
        " first.comparator AS c0, first.lab AS l0, first.method AS m0"
        " FROM scored.value AS value JOIN visit AS own USING (chunk, visit)"
        " JOIN start ON start.case_id = own.case_id AND start.marker = value.marker"
        f" JOIN ({windows}) AS wanted"
        " ON own.month - first.month BETWEEN wanted.first_month AND wanted.last_month"
        f" WHERE own.date <= DATE '{period.end}' AND own.number > 1 QUALIFY row_number() OVER"
        " (PARTITION BY own.case_id, value.marker, of_window"
        " ORDER BY abs(own.month - first.month - meant), own.date) = 1"
    )
    otherwise = " OR ".join(
        f"({a} <> '' AND {b} <> '' AND {a} <> {b})" for a, b in (("lab", "l0"), ("method", "m0"))
    )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW pair AS SELECT later.*,"
        " 100 * (value - v0) / nullif(v0, 0) AS percent,"
        f" CASE WHEN comparator <> '' OR c0 <> '' OR rcv.marker IS NULL OR v0 <= 0 OR {otherwise}"
        " THEN 'not_judged' WHEN 100 * (value - v0) / v0 < fall THEN 'down'"
        " WHEN 100 * (value - v0) / v0 > rise THEN 'up' ELSE 'within' END AS shift"
        " FROM later LEFT JOIN rcv USING (marker)"
    )


def _markers(connection: Connection, rules: Rules, gate: Gate) -> list[dict[str, Any]]:
    """Return of each marker and window the pairs, the change, and how many changed for real."""
    shifts = ", ".join(f"count(*) FILTER (shift = '{one}') AS {one}" for one in _SHIFTS)
    quartiles = "quantile_cont({} , [0.25, 0.5, 0.75])"
    query = (
        f"SELECT marker, of_window, count(*) AS n, {quartiles.format('value - v0')} AS change,"
        f" {quartiles.format('percent')} AS percent, {quartiles.format('v0')} AS before,"
        f" {quartiles.format('value')} AS after, {shifts} FROM pair GROUP BY marker, of_window"
    )
    found = {(row["marker"], row["of_window"]): row for row in records(connection, query)}
    return [
        _one(found[marker, window], gate)
        for marker in rules.markers
        for window in WINDOWS
        if (marker, window) in found
    ]


def _one(row: dict[str, Any], gate: Gate) -> dict[str, Any]:
    """Return one marker after one window.

    How many did not change is not told: it follows, but for the few who did.
    """
    name, n = f"change/{row['marker']}/{row['of_window']}", int(row["n"])
    atoms: dict[Key, int] = {(one,): int(row[one]) for one in ("down", "up", "within")}
    cells: dict[Key, frozenset[Key]] = {(one,): frozenset([(one,)]) for one in ("down", "up")}
    cells[(TOTAL,)] = frozenset(atoms)
    shown = gate.counts(name, Table(atoms=atoms, cells=cells))
    aside = gate.list(f"{name}/not_judged", {"not_judged": int(row["not_judged"])})
    kept = {key: gate.quantiles(n, row[key]) for key in ("before", "after", "change", "percent")}
    return {
        "marker": row["marker"],
        "window": row["of_window"],
        "judged": told(shown[(TOTAL,)]),
        "not_judged": told(aside[("not_judged",)]),
        **{key: None if values is None else list(values) for key, values in kept.items()},
        **{
            one: {
                "n": told(shown[(one,)]),
                "share": told_share(shown[(one,)], shown[(TOTAL,)]),
            }
            for one in ("down", "up")
        },
    }


def _followed(connection: Connection, period: Period, gate: Gate) -> list[dict[str, Any]]:
    """Return of each window how many people could have come back by now, and how many did."""
    found = []
    for name, (first, last) in WINDOWS.items():
        (row,) = connection.execute(
            "WITH person AS (SELECT case_id, min(date) AS first, bool_or(month BETWEEN $first AND"
            " $last) AS came FROM visit WHERE date <= $end GROUP BY case_id)"
            " SELECT count(*) FILTER (came), count(*) FILTER (NOT came) FROM person"
            " WHERE first + to_months($last) <= $end",
            {"first": first, "last": last, "end": period.end},
        ).fetchall()
        shown = gate.list(f"followed/{name}", {"came": int(row[0]), "not": int(row[1])})
        came, eligible = shown[("came",)], shown[(TOTAL,)]
        found.append(
            {
                "window": name,
                "eligible": told(eligible),
                "came": told(came),
                "share": told_share(came, eligible),
            }
        )
    return found


def _transitions(
    connection: Connection, period: Period, rules: Rules, gate: Gate
) -> dict[str, Any]:
    """Return how many people went from each phase at their first visit to each at their last."""
    rows = connection.execute(
        "SELECT a, b, count(*) FROM (SELECT first(phase ORDER BY date) AS a,"
        " last(phase ORDER BY date) AS b, max(month) AS months FROM visit"
        f" WHERE date <= DATE '{period.end}' GROUP BY case_id)"
        f" WHERE months >= {WINDOWS['3'][0]} GROUP BY a, b"
    ).fetchall()
    found = {(str(a), str(b)): int(count) for a, b, count in rows}
    there = {name for pair in found for name in pair}
    names = [name for name in dict.fromkeys(row.phase for row in rules.phases) if name in there]
    atoms: dict[Key, int] = {(a, b): found.get((a, b), 0) for a in names for b in names}
    if not atoms:
        return {"phases": [], "counts": {}}
    cells: dict[Key, frozenset[Key]] = {key: frozenset([key]) for key in atoms}
    for name in names:
        cells[(name, TOTAL)] = frozenset(key for key in atoms if key[0] == name)
        cells[(TOTAL, name)] = frozenset(key for key in atoms if key[1] == name)
    cells[(TOTAL, TOTAL)] = frozenset(atoms)
    shown = gate.counts("transitions", Table(atoms=atoms, cells=cells))
    return {
        "phases": names,
        "counts": {"/".join(key): told(one) for key, one in shown.shown.items()},
    }
