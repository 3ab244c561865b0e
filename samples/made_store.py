"""Fills a store with people who do not exist, by SQL alone: to measure what millions take.

Each has four visits with a result of every marker of ``DRAWN``, whose medians and spreads hold here
too; nothing is planted, and markers do not move together. The same seedless numbers each time.
"""

from pathlib import Path

from made_cohort import DRAWN

from pipeline.rules import load_rules
from pipeline.store import open_to_write
from pipeline.store.rows import content_of

VISITS, PEOPLE_AT_ONCE = 4, 25_000
_MEMORY = "3GB"
_DAYS_APART, _DAYS_OF_ENTRY, _FIRST = 120, 365, "2025-01-01"
_LABORATORIES = "['north', 'south', 'east', 'west']"


def fill_store(store: Path, people: int) -> int:
    """Fill a new store with so many people, and return how many results it has."""
    with open_to_write(store) as opened:
        opened.execute(f"SET memory_limit = '{_MEMORY}'")
        opened.execute("INSERT INTO run VALUES (1, DATE '2026-12-31', 'made', 'made', '')")
        opened.execute("INSERT INTO file VALUES (1, 1, 'made.csv', '', 'made', '{}')")
        opened.execute(_marker_table())
        for first in range(0, people, PEOPLE_AT_ONCE):
            last = min(people, first + PEOPLE_AT_ONCE)
            opened.execute(_people(first, last))
            opened.execute(_results(first, last))
        (count,) = opened.execute("SELECT count(*) FROM result").fetchall()
    return int(count[0])


def _marker_table() -> str:
    markers = load_rules().markers
    rows = ", ".join(
        f"({place}, '{name}', '{markers[name].unit}', {median}, {spread}, {decimals})"
        for place, (name, (median, spread, _, decimals)) in enumerate(DRAWN.items())
    )
    names = "place, marker, unit, median, spread, decimals"
    return f"CREATE TEMP TABLE drawn AS FROM (VALUES {rows}) AS t({names})"


def _people(first: int, last: int) -> str:
    return (
        "INSERT INTO person SELECT printf('made_%07d', n), 'people', 1,"
        " CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END, 1940 + n % 65, '{}', '{}', NULL"
        f" FROM range({first}, {last}) AS t(n)"
    )


def _results(first: int, last: int) -> str:
    """Return the SQL of all results of some people; a normal number is made of two hashes."""
    uniform = "(hash(n, visit, place, {}) % 1000003 + 1) / 1000004.0"
    normal = f"sqrt(-2 * ln({uniform.format(1)})) * cos(2 * pi() * {uniform.format(2)})"
    day = f"DATE '{_FIRST}' + (n % {_DAYS_OF_ENTRY} + visit * {_DAYS_APART})::INTEGER"
    return (
        "INSERT INTO result BY NAME WITH own AS (SELECT n, visit, place, marker, unit, decimals,"
        f" round(median * exp(spread * {normal}), decimals) AS number, {day} AS day"
        f" FROM range({first}, {last}) AS p(n), range({VISITS}) AS v(visit), drawn),"
        " told AS (SELECT n * 80 + visit * 20 + place AS id, 1 AS file,"
        " printf('made.csv:%d', n * 80 + visit * 20 + place + 2) AS \"row\", '' AS line,"
        " printf('made_%07d', n) AS read_case_id, printf('s%d', visit) AS read_sample_id,"
        " day::VARCHAR AS read_collected_at, marker AS read_analyte, number::VARCHAR AS read_value,"
        " unit AS read_unit, '' AS issued, read_case_id AS owner, '' AS reasons, '' AS repetition,"
        " 1 AS version, true AS comparable, '' AS likely_unit, '' AS column_evidence, day,"
        " read_case_id AS case_id, read_sample_id AS sample_id, read_collected_at AS collected_at,"
        " marker, read_value AS value_as_reported, unit AS unit_as_reported, '' AS comparator,"
        " number AS low, number AS high, NULL::DOUBLE AS mg_low, NULL::DOUBLE AS mg_high,"
        " true AS factor_known, NULL::DOUBLE AS ref_low, NULL::DOUBLE AS ref_high,"
        " 10.0 AS fasting_hours, '' AS haemolysis,"
        f" {_LABORATORIES}[n % 4 + 1] AS lab, '' AS method, '' AS status, '' AS comment,"
        " '' AS specimen, '' AS notes FROM own ORDER BY id)"
        f" SELECT *, {content_of()} AS content FROM told"
    )
