"""Middle floor. What is stated of people: by a case.toml, a table of people, or their rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from pipeline.store.opening import Connection

_PERSON = ("case_id", "origin", "run", "sex", "birth_year", "context", "told", "label")
_VISIT = ("case_id", "origin", "date", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one place states of a person, whole; ``context`` and ``told`` are JSON."""

    case_id: str
    origin: str  # folder, people or rows
    sex: str | None
    birth_year: int | None
    context: str
    told: str
    visits: tuple[tuple[date, str], ...]  # a date and its context, JSON; in order of date
    label: str | None = None


def statements_of(connection: Connection, case_ids: Iterable[str] | None = None) -> list[Statement]:
    """Return what is stated of these people, of all where none are named, by case and origin."""
    own = "" if case_ids is None else " WHERE case_id IN (SELECT unnest($cases))"
    given = {} if case_ids is None else {"cases": list(case_ids)}
    visits: dict[tuple[str, str], list[tuple[date, str]]] = {}
    query = f"SELECT case_id, origin, date, context FROM visit{own} ORDER BY date"
    for case_id, origin, day, context in connection.execute(query, given).fetchall():
        visits.setdefault((case_id, origin), []).append((day, context))
    query = (
        "SELECT case_id, origin, sex, birth_year, context, told, label"
        f" FROM person{own} ORDER BY case_id, origin"
    )
    return [
        Statement(
            case_id=case_id,
            origin=origin,
            sex=sex,
            birth_year=birth_year,
            context=context,
            told=told,
            visits=tuple(visits.get((case_id, origin), ())),
            label=label,
        )
        for case_id, origin, sex, birth_year, context, told, label in connection.execute(
            query, given
        ).fetchall()
    ]


def new_among(connection: Connection, stated: Iterable[Statement]) -> list[Statement]:
    """Return the statements that the store does not have, word for word."""
    asked = {(one.case_id, one.origin): one for one in stated}
    there = statements_of(connection, {case_id for case_id, _ in asked})
    known = {(one.case_id, one.origin): one for one in there}
    return [one for key, one in asked.items() if known.get(key) != one]


def put_statements(connection: Connection, stated: Sequence[Statement], *, run: int) -> None:
    """Put what is stated of people in place of what the same origin stated before."""
    if not stated:
        return
    people = [
        (one.case_id, one.origin, run, one.sex, one.birth_year, one.context, one.told, one.label)
        for one in stated
    ]
    visits = [(one.case_id, one.origin, *visit) for one in stated for visit in one.visits]
    connection.register("people", pd.DataFrame(people, columns=list(_PERSON), dtype=object))
    connection.register("visits", pd.DataFrame(visits, columns=list(_VISIT), dtype=object))
    connection.execute(
        "DELETE FROM visit WHERE (case_id, origin) IN (SELECT (case_id, origin) FROM people)"
    )
    connection.execute(
        "INSERT OR REPLACE INTO person BY NAME SELECT case_id, origin, run, sex,"
        " birth_year::INTEGER AS birth_year, context, told, label FROM people"
    )
    connection.execute("INSERT INTO visit SELECT case_id, origin, date::DATE, context FROM visits")
    connection.unregister("people")
    connection.unregister("visits")
