"""Middle floor. What is stated of people: by a case.toml, a table of people, or their rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pipeline.store.opening import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one place states of a person, whole; ``context`` and ``told`` are JSON."""

    case_id: str
    origin: str  # folder, people or rows
    sex: str | None
    birth_year: int | None
    context: str
    told: str
    visits: tuple[tuple[date, str], ...]  # a date and its context, JSON


def statements_of(connection: Connection, case_ids: Iterable[str] | None = None) -> list[Statement]:
    """Return what is stated of these people, of all where none are named, by case and origin."""
    own = "" if case_ids is None else " WHERE case_id IN (SELECT unnest($cases))"
    given = {} if case_ids is None else {"cases": list(case_ids)}
    visits: dict[tuple[str, str], list[tuple[date, str]]] = {}
    query = f"SELECT case_id, origin, date, context FROM visit{own} ORDER BY date"
    for case_id, origin, day, context in connection.execute(query, given).fetchall():
        visits.setdefault((case_id, origin), []).append((day, context))
    query = (
        "SELECT case_id, origin, sex, birth_year, context, told"
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
        )
        for case_id, origin, sex, birth_year, context, told in connection.execute(
            query, given
        ).fetchall()
    ]


def is_stated(connection: Connection, one: Statement) -> bool:
    """Return whether the store has this very statement."""
    query = "SELECT sex, birth_year, context, told FROM person WHERE case_id = ? AND origin = ?"
    if connection.execute(query, [one.case_id, one.origin]).fetchall() != [
        (one.sex, one.birth_year, one.context, one.told)
    ]:
        return False
    query = "SELECT date, context FROM visit WHERE case_id = ? AND origin = ? ORDER BY date"
    visits = connection.execute(query, [one.case_id, one.origin]).fetchall()
    return visits == sorted(one.visits)


def put_statements(connection: Connection, stated: Iterable[Statement], *, run: int) -> None:
    """Put what is stated of people in place of what the same origin stated before."""
    for one in stated:
        place = [one.case_id, one.origin]
        connection.execute("DELETE FROM visit WHERE case_id = ? AND origin = ?", place)
        connection.execute(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?, ?, ?)",
            [*place, run, one.sex, one.birth_year, one.context, one.told],
        )
        for day, context in one.visits:
            connection.execute("INSERT INTO visit VALUES (?, ?, ?, ?)", [*place, day, context])
