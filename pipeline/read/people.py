"""Middle floor. Who the rows are about: what is stated of each person, wherever it is stated."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pandas as pd

from pipeline.errors import CaseFileError
from pipeline.model import Sex
from pipeline.read.context import read_context
from pipeline.read.pseudonym import CASE_ID
from pipeline.read.table import read_table
from pipeline.rules.loader import ContextKey

BIRTH_YEARS = range(1900, 2101)
_OF_THE_PERSON = ("case_id", "date", "sex", "birth_year", "label")
_LABEL = re.compile(r"[^\W_][\w .+&/-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a case.toml or a table of people states of one case."""

    case_id: str
    sex: Sex | None = None
    birth_year: int | None = None
    context: Mapping[str, object] = field(default_factory=dict)  # holds at every visit
    visits: tuple[Mapping[str, object], ...] = ()  # each has a date, then what differs
    label: str | None = None  # the practice's own word for a group; only reviews of many use it


def read_people(path: Path, *, keys: Mapping[str, ContextKey]) -> dict[str, Person]:
    """Return the people of a table with the columns ``case_id, date`` and any key of the context.

    A row without a date holds at every visit; an empty cell states nothing. ``sex``,
    ``birth_year`` and ``label`` may stand in the table too, and must agree wherever they are
    repeated.

    Raises CaseFileError where the table cannot be read, or a row has an unknown key or word.
    """
    table = read_table(path, required=("case_id", "date"), error=CaseFileError)
    people: dict[str, Person] = {}
    for line, cells in zip(table.lines, table.records, strict=True):
        where = f"'{path.name}', line {line}"
        if len(cells) != len(table.header):
            raise CaseFileError(f"Expected exactly {len(table.header)} cells in {where}.")
        stated = dict(zip(table.header, map(str.strip, cells), strict=True))
        person = _read_row(stated, keys=keys, where=where)
        known = people.get(person.case_id)
        people[person.case_id] = person if known is None else _joined(known, person, where=where)
    return people


def joined_people(
    told: Mapping[str, Person], listed: Mapping[str, Person], *, where: str
) -> dict[str, Person]:
    """Return by case what case folders tell and what a table of people lists, together.

    ``where`` names the table. Raises CaseFileError where different words are stated of one person,
    or of one date of a person.
    """
    people = dict(listed)
    for case_id, person in told.items():
        alone = _joined(Person(case_id=case_id), person, where=f"'case.toml' of '{case_id}'")
        people[case_id] = _joined(alone, listed.get(case_id, Person(case_id=case_id)), where=where)
    return people


def read_person(stated: Mapping[str, object], *, where: str) -> tuple[str, Sex | None, int | None]:
    """Return case id, sex and birth year of what is stated; what is not stated is None.

    Raises CaseFileError where the case id is absent or malformed, the sex is not F or M, or the
    birth year is no year.
    """
    case_id, sex, year = stated.get("case_id", ""), stated.get("sex"), stated.get("birth_year")
    if not isinstance(case_id, str) or not CASE_ID.fullmatch(case_id):
        raise CaseFileError(
            f"Unrecognised case_id in {where}: expected 1 to 64 letters, digits, '-' or '_'."
        )
    if sex is not None and sex not in ("F", "M"):
        raise CaseFileError(f"Unrecognised sex in {where}: expected one of F, M.")
    return case_id, sex, _birth_year(year, where=where)


def read_day(value: object, *, where: str) -> dt.date:
    """Return a date written as 2025-09-08, or typed so in TOML.

    Raises CaseFileError where it is anything else.
    """
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise CaseFileError(f"Unrecognised date in {where}: expected YYYY-MM-DD.") from None


def people_of(rows: pd.DataFrame, *, people: Iterable[Person]) -> pd.DataFrame:
    """Return one row a case: ``case_id``, ``sex``, ``birth_year`` (float, NaN unknown), ``person``.

    ``rows`` (columns case_id, sex, birth_year, as text) and ``people`` are read together; of the
    sex F and M are known words, of the birth year four digits. ``person`` is "contradicts" where
    two sexes or two birth years are stated of one case, else "agrees".
    """
    stated = [(one.case_id, one.sex or "", str(one.birth_year or "")) for one in people]
    columns = ["case_id", "sex", "birth_year"]
    written = rows[columns].drop_duplicates().apply(lambda column: column.str.strip())
    said = pd.concat([pd.DataFrame(stated, columns=columns, dtype=str), written])
    said["sex"] = said["sex"].str.upper().where(lambda sex: sex.isin(["F", "M"]))
    said["birth_year"] = pd.to_numeric(
        said["birth_year"].where(said["birth_year"].str.fullmatch("(?:19|20)[0-9]{2}"))
    )
    by_case = said.groupby("case_id", sort=True)
    contradicts = (by_case[["sex", "birth_year"]].nunique() > 1).any(axis="columns")
    words = contradicts.map({True: "contradicts", False: "agrees"})
    return by_case[["sex", "birth_year"]].first().assign(person=words).reset_index()


class Stated(Protocol):
    """What a person and the case of an input.json have in common."""

    @property
    def case_id(self) -> str:
        """Return the pseudonym."""

    @property
    def context(self) -> Mapping[str, object]:
        """Return what holds at every visit."""

    @property
    def visits(self) -> Sequence[Mapping[str, object]]:
        """Return what differs at a visit, with its date."""


def stated_table(people: Iterable[Stated]) -> pd.DataFrame:
    """Return what is stated as one row a case and visit: ``case_id``, ``date``, a column each key.

    ``date`` is NaT for what holds at every visit. A list of words is one text with blanks between;
    what is not stated is None.
    """
    rows = [
        {"case_id": one.case_id, **statement}
        for one in people
        for statement in ({"date": None, **one.context}, *one.visits)
    ]
    flat = [{key: _as_text(value) for key, value in row.items()} for row in rows]
    table = pd.DataFrame(flat, columns=_keys_of(flat), dtype=object)
    table = table.where(table.notna(), None)
    return table.assign(date=pd.to_datetime(table["date"]))


def _keys_of(rows: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(("case_id", "date", *(key for row in rows for key in row))))


def _as_text(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value


def _read_row(stated: Mapping[str, str], *, keys: Mapping[str, ContextKey], where: str) -> Person:
    stated = {key: cell for key, cell in stated.items() if cell}
    case_id, sex, birth_year = read_person(stated, where=where)
    own = {key: cell for key, cell in stated.items() if key not in _OF_THE_PERSON}
    context = read_context(own, keys=keys, where=where)
    person = Person(
        case_id=case_id, sex=sex, birth_year=birth_year, label=_label(stated, where=where)
    )
    if "date" not in stated:
        return replace(person, context=context)
    visit = {"date": read_day(stated["date"], where=where), **context}
    return replace(person, visits=(visit,))


def _label(stated: Mapping[str, str], *, where: str) -> str | None:
    label = stated.get("label")
    if label is not None and not _LABEL.fullmatch(label):
        raise CaseFileError(f"Unrecognised label in {where}: expected at most 40 letters.")
    return label


def _joined(known: Person, more: Person, *, where: str) -> Person:
    """Return what is stated of one person in two places."""
    for key in ("sex", "birth_year", "label"):
        if None not in (both := {getattr(known, key), getattr(more, key)}) and len(both) > 1:
            raise CaseFileError(f"Expected exactly 1 {key} of a case, but {where} states another.")
    return Person(
        case_id=known.case_id,
        sex=known.sex or more.sex,
        birth_year=known.birth_year or more.birth_year,
        label=known.label or more.label,
        context=_agreed(known.context, more.context, where=where),
        visits=_one_a_date((*known.visits, *more.visits), where=where),
    )


def _one_a_date(
    visits: Iterable[Mapping[str, object]], *, where: str
) -> tuple[Mapping[str, object], ...]:
    """Return what is stated of each date, by date."""
    by_date: dict[str, Mapping[str, object]] = {}
    for visit in visits:
        day = str(visit["date"])
        by_date[day] = _agreed(by_date.get(day, {}), visit, where=where)
    return tuple(visit for _, visit in sorted(by_date.items()))


def _agreed(
    known: Mapping[str, object], more: Mapping[str, object], *, where: str
) -> dict[str, object]:
    """Return two statements as one; neither decides where they contradict each other."""
    for key in known.keys() & more.keys():
        if known[key] != more[key]:
            raise CaseFileError(f"Expected exactly 1 {key} of a case, but {where} states another.")
    return {**known, **more}


def _birth_year(year: object, *, where: str) -> int | None:
    if year is None:
        return None
    text = str(year)
    if isinstance(year, bool) or not re.fullmatch("[0-9]{4}", text) or int(text) not in BIRTH_YEARS:
        raise CaseFileError(f"Unrecognised birth_year in {where}: expected a year as YYYY.")
    return int(text)
