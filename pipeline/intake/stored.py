"""Order floor. What came in goes into a store, and comes out of it as it was taken in."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import __version__
from pipeline.intake.intake import Intake, Source
from pipeline.model import ACCEPTED_COLUMNS, Consent, Event, StatedGenotype
from pipeline.read import CaseFolder, Person, people_of
from pipeline.read.people import joined_people
from pipeline.read.pseudonym import CASE_ID
from pipeline.read.quarantine import AS_READ
from pipeline.resources import resource_path
from pipeline.rules import Rules
from pipeline.store import Added, Addition, File, Remembered, Statement, add, recall, statements_of
from pipeline.store.opening import Connection
from pipeline.store.rows import CANONICAL, COLUMNS, READ
from pipeline.validate import own_suite_of, reasons_by_severity, repetition_of

_AFTER = "date-after-as-of"  # of the report, not of the row
_REPETITIONS = {
    "superseded": "superseded",
    "duplicate-contradictory": "contradictory",
    "duplicate-identical": "identical",
}  # reasons that other rows give
_WORDS = {word: reason for reason, word in _REPETITIONS.items()}
_ALONE = "row-width"  # such a row has no other reason; see validate
_FOLDER, _PEOPLE, _ROWS = "folder", "people", "rows"  # where something is stated of a person
_TOLD = ("consent", "timeline", "note", "told", "genotypes")


def keep(
    intake: Intake,
    connection: Connection,
    *,
    hashes: Mapping[Path, str],
    rules: Rules,
    judged_by: Sequence[Path] = (),
    suite: str = "",
) -> Added:
    """Add what came in to the store, and return what was new; see ``store.add``.

    ``hashes`` are those of the files that were read; ``judged_by`` the practice's own rules,
    mapping and suite; ``suite`` the text of the latter. Raises CaseFileError where a person's
    case.toml and table of people, of this run or an earlier one, state different words.
    """
    files = [
        File(
            name=source.path.name,
            folder_case=source.case_id or "",
            sha256=hashes.get(source.path, ""),
            ignored=json.dumps(dict(source.ignored), sort_keys=True),
        )
        for source in intake.sources
    ]
    before = statements_of(connection, {*intake.people["case_id"], *intake.persons})
    stated = _statements(intake, before)
    _require_agreement(stated, before)
    addition = Addition(
        as_of=intake.as_of,
        judged_by=_fingerprint(hashes, [*judged_by, *_case_files(intake)]),
        version=__version__,
        suite=suite,
        files=files,
        rows=_rows(intake),
        statements=stated,
        no_result=sum(intake.ignored.values()),
    )
    return add(connection, addition, compare=lambda rows: repetition_of(rows, rules=rules))


def take_out(
    connection: Connection,
    *,
    as_of: dt.date,
    rules: Rules,
    case_ids: Sequence[str] | None = None,
) -> Intake:
    """Return what the store holds, of the people named or of all, as it would be taken in today.

    Rows after ``as_of`` are set aside; the targets are those of ``rules``.
    """
    there = recall(connection, case_ids)
    rows = _with_reasons(there.rows, as_of=as_of)
    aside = rows["reasons"] != ""
    folders = {one.case_id: _folder(one) for one in there.statements if one.origin == _FOLDER}
    listed = {one.case_id: _person(one) for one in there.statements if one.origin == _PEOPLE}
    told = {case_id: folder.person for case_id, folder in folders.items()}
    suites = [own_suite_of(text, name="store", markers=rules.markers) for text in there.suites]
    return Intake(
        as_of=as_of,
        sources=tuple(
            Source(path=Path(name), ignored=json.loads(ignored))
            for (name, _), ignored in zip(there.files, there.ignored, strict=True)
        ),
        accepted=rows.loc[~aside, [*ACCEPTED_COLUMNS, "source"]],
        set_aside=_as_set_aside(rows[aside], there),
        people=_people(there, rows),
        persons=joined_people(told, listed, where="the table of people"),
        listed=listed,
        folders=folders,
        targets=rules.targets,
        suite=reduce(lambda one, more: replace(more, says={**one.says, **more.says}), suites)
        if suites
        else None,
    )


def known_people(connection: Connection, case_ids: Iterable[str]) -> Iterator[Person]:
    """Yield what the store states of people, each place by itself."""
    return map(_person, statements_of(connection, case_ids))


# Rows, into the store.


def _rows(intake: Intake) -> pd.DataFrame:
    """Return all rows as the store has them; a reason that others give stands apart."""
    if intake.as_read is None:
        raise ValueError("what comes out of a store does not go into it again")
    accepted = intake.accepted[list(ACCEPTED_COLUMNS)].assign(
        reasons="", likely_unit="", column_evidence=""
    )
    names = {f"canonical_{name}": name for name in CANONICAL}
    own = ["reasons", "likely_unit", "column_evidence"]
    aside = intake.set_aside[[*names, *own]].rename(columns=names)
    parts = [accepted.drop(columns="row"), aside]
    judged = pd.concat([part for part in parts if len(part)] or parts).sort_index()
    read = intake.as_read.rename(columns={name: f"read_{name}" for name in READ})
    rows = read.rename(columns={"date": "day"}).join(judged)
    return _by_itself(rows)[[*COLUMNS, "source"]]


def _by_itself(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the reasons of their own, and as ``repetition`` what others make of them."""
    words = {text: text.split(";") for text in rows["reasons"].unique()}
    others = {
        text: [_REPETITIONS[x] for x in found if x in _REPETITIONS] for text, found in words.items()
    }
    own = {
        text: ";".join(word for word in found if word not in _REPETITIONS and word != _AFTER)
        for text, found in words.items()
    }
    return rows.assign(
        repetition=rows["reasons"].map({text: "".join(found) for text, found in others.items()}),
        reasons=rows["reasons"].map(own),
    )


# Rows, out of it.


def _with_reasons(rows: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """Return rows with every reason they have at this date, in the order of the suite."""
    late = rows["day"] > pd.Timestamp(as_of)
    stands = pd.Series(list(zip(rows["reasons"], rows["repetition"], late, strict=True)))
    told = {one: _told_reasons(*one) for one in stands.unique()}
    reasons = stands.map(told).set_axis(rows.index)
    texts = [name for name in (*COLUMNS,) if rows[name].dtype == object]
    return rows.assign(reasons=reasons.astype(str)).astype(dict.fromkeys(texts, str))


def _told_reasons(own: str, repetition: str, late: bool) -> str:
    words = [word for word in own.split(";") if word]
    if _ALONE in words:
        return own
    words += [_WORDS[repetition]] if repetition else []
    words += [_AFTER] if late else []
    order = reasons_by_severity()["critical"]
    ours = sorted((word for word in words if word in order), key=order.index)
    return ";".join([*ours, *(word for word in words if word not in order)])


def _as_set_aside(rows: pd.DataFrame, there: Remembered) -> pd.DataFrame:
    """Return rows set aside as an intake has them: as read, and as understood."""
    names = {f"read_{name}": name for name in READ}
    canonical = rows[list(ACCEPTED_COLUMNS)].add_prefix("canonical_")
    cells = rows.drop(columns=list(READ), errors="ignore").rename(columns=names)
    names_of_files = {number: name for number, (name, _) in enumerate(there.files, start=1)}
    files = cells["source"].map(names_of_files)
    own = ["reasons", "likely_unit", "column_evidence", "owner", "source"]
    told = cells.assign(file=files)[[*AS_READ[:-1], *own]].assign(marker=rows["marker"])
    return pd.concat([told, canonical], axis="columns")


# People.


def _statements(intake: Intake, before: Iterable[Statement]) -> list[Statement]:
    """Return what this run states of people, place by place; ``before`` is what was stated."""
    folders = [_statement(one.person, _FOLDER, told=one) for one in intake.folders.values()]
    listed = [_statement(one, _PEOPLE) for one in intake.listed.values()]
    known = {one.case_id: one for one in before if one.origin == _ROWS}
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
            yield _statement(person, _ROWS)


def _require_agreement(stated: Iterable[Statement], before: Iterable[Statement]) -> None:
    """Raise CaseFileError where a case.toml and a table of people contradict each other."""
    every = {(one.case_id, one.origin): one for one in (*before, *stated)}
    told, listed = (
        {one.case_id: _person(one) for one in every.values() if one.origin == origin}
        for origin in (_FOLDER, _PEOPLE)
    )
    joined_people(told, listed, where="the table of people")


def _person(one: Statement) -> Person:
    return Person(
        case_id=one.case_id,
        sex=one.sex,  # type: ignore[arg-type]
        birth_year=one.birth_year,
        context=json.loads(one.context),
        visits=tuple({"date": day, **json.loads(context)} for day, context in one.visits),
        label=one.label,
    )


def _folder(one: Statement) -> CaseFolder:
    told = json.loads(one.told)
    consent = told["consent"]
    return CaseFolder(
        path=Path(one.case_id),
        person=_person(one),
        files=(),
        consent=None if consent is None else Consent(given=consent["given"], date=_day(consent)),
        timeline=tuple(Event(**event) for event in told["timeline"]),
        note=told["note"],
        told=told["told"],
        genotypes=tuple(StatedGenotype(**one) for one in told["genotypes"]),
    )


def _day(consent: Mapping[str, Any]) -> dt.date | None:
    return dt.date.fromisoformat(consent["date"]) if consent["date"] else None


def _people(there: Remembered, rows: pd.DataFrame) -> pd.DataFrame:
    """Return case_id, sex and birth_year of everybody with a row or a statement."""
    named = pd.DataFrame(
        {"case_id": rows["owner"].unique(), "sex": "", "birth_year": ""}, dtype=str
    )
    persons = [_person(one) for one in there.statements]
    return people_of(named, people=persons)


# What all share.


def _fingerprint(hashes: Mapping[Path, str], own: Iterable[Path]) -> str:
    """Return the hash of all that judges a row: our rules and suite, the practice's own files."""
    rules = sorted(resource_path("pipeline/rules").glob("*.csv"))
    parts = [hashlib.sha256(file.read_bytes()).hexdigest() for file in rules]
    suite = resource_path("expectations/lab_rows.json").read_bytes()
    parts += [hashlib.sha256(suite).hexdigest(), __version__]
    parts += [hashes.get(file, "") for file in own]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _case_files(intake: Intake) -> list[Path]:
    """Return the case.toml of each laboratory's own insulin factor: it changes what is read."""
    with_factor = (one for one in intake.folders.values() if one.laboratories)
    return [folder.path / "case.toml" for folder in with_factor]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return asdict(value)
