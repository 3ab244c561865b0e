"""Order floor. What is stated of people, as a store keeps it and gives it back."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.intake.intake import Intake
from pipeline.model import Consent, Event, StatedGenotype
from pipeline.read import CaseFolder, Person, people_of
from pipeline.read.people import joined_people
from pipeline.read.pseudonym import CASE_ID
from pipeline.store import Statement, statements_of
from pipeline.store.opening import Connection

FOLDER, PEOPLE, ROWS = "folder", "people", "rows"  # where something is stated of a person
_TOLD = ("consent", "timeline", "note", "told", "genotypes")


def statements_by(intake: Intake, before: Iterable[Statement]) -> list[Statement]:
    """Return what this run states of people, place by place; ``before`` is what was stated."""
    folders = [_statement(one.person, FOLDER, told=one) for one in intake.folders.values()]
    listed = [_statement(one, PEOPLE) for one in intake.listed.values()]
    known = {one.case_id: one for one in before if one.origin == ROWS}
    return [*folders, *listed, *(_with(one, known) for one in _said_by_rows(intake))]


def _with(one: Statement, known: Mapping[str, Statement]) -> Statement:
    """Return what rows state with what earlier rows of the person did: they do not repeat it."""
    if (earlier := known.get(one.case_id)) is None:
        return one
    return replace(one, sex=one.sex or earlier.sex, birth_year=one.birth_year or earlier.birth_year)


def _statement(person: Person, origin: str, *, told: CaseFolder | None = None) -> Statement:
    besides = {} if told is None else {name: getattr(told, name) for name in _TOLD}
    return Statement(
        case_id=person.case_id,
        origin=origin,
        sex=person.sex,
        birth_year=person.birth_year,
        context=_json(person.context),
        told=_json(besides),
        visits=tuple(sorted((_date(one), _json(_undated(one))) for one in person.visits)),
        label=person.label,
    )


def _date(visit: Mapping[str, Any]) -> dt.date:
    return dt.date.fromisoformat(str(visit["date"]))


def _undated(visit: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in visit.items() if key != "date"}


def _said_by_rows(intake: Intake) -> Iterator[Statement]:
    """Yield sex and birth year of the people whose rows state them, against nobody's word."""
    if (read := intake.as_read) is None:
        return
    columns = ["case_id", "sex", "birth_year"]
    told = people_of(read.assign(case_id=read["owner"])[columns], people=())
    agree = intake.people.loc[intake.people["person"] == "agrees", "case_id"]
    agreed = told[told["case_id"].isin(agree)].dropna(subset=["sex", "birth_year"], how="all")
    for one in agreed.itertuples():
        if CASE_ID.fullmatch(str(one.case_id)):
            year = None if pd.isna(one.birth_year) else int(one.birth_year)
            sex = one.sex if isinstance(one.sex, str) else None
            person = Person(case_id=str(one.case_id), sex=sex, birth_year=year)  # type: ignore[arg-type]
            yield _statement(person, ROWS)


def require_agreement(stated: Iterable[Statement], before: Iterable[Statement]) -> None:
    """Raise CaseFileError where a case.toml and a table of people contradict each other."""
    every = {(one.case_id, one.origin): one for one in (*before, *stated)}
    told, listed = (
        {one.case_id: person_of(one) for one in every.values() if one.origin == origin}
        for origin in (FOLDER, PEOPLE)
    )
    joined_people(told, listed, where="the table of people")


def person_of(one: Statement) -> Person:
    """Return the person of a statement, of one place alone."""
    return Person(
        case_id=one.case_id,
        sex=one.sex,  # type: ignore[arg-type]
        birth_year=one.birth_year,
        context=json.loads(one.context),
        visits=tuple({"date": day, **json.loads(context)} for day, context in one.visits),
        label=one.label,
    )


def folder_of(one: Statement) -> CaseFolder:
    """Return what a case.toml told, without its files."""
    told = json.loads(one.told)
    consent = told["consent"]
    return CaseFolder(
        path=Path(one.case_id),
        person=person_of(one),
        files=(),
        consent=None if consent is None else Consent(given=consent["given"], date=_day(consent)),
        timeline=tuple(Event(**event) for event in told["timeline"]),
        note=told["note"],
        told=told["told"],
        genotypes=tuple(StatedGenotype(**one) for one in told["genotypes"]),
    )


def _day(consent: Mapping[str, Any]) -> dt.date | None:
    return dt.date.fromisoformat(consent["date"]) if consent["date"] else None


def known_people(connection: Connection, case_ids: Iterable[str]) -> Iterator[Person]:
    """Yield what the store states of people, each place by itself."""
    return map(person_of, statements_of(connection, case_ids))


def people_named(case_ids: Iterable[str], stated: Iterable[Person]) -> pd.DataFrame:
    """Return what ``people_of`` does of everybody who is named, or of whom something is stated."""
    named = pd.DataFrame({"case_id": list(case_ids), "sex": "", "birth_year": ""}, dtype=str)
    return people_of(named, people=stated)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return asdict(value)
