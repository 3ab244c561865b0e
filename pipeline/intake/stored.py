"""Order floor. What came in goes into a store, and comes out of it as it was taken in."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pandas as pd

from pipeline import __version__
from pipeline.intake.intake import Intake, Source
from pipeline.intake.stated import (
    FOLDER,
    PEOPLE,
    folder_of,
    people_named,
    person_of,
    require_agreement,
    statements_by,
)
from pipeline.model import ACCEPTED_COLUMNS
from pipeline.read.people import joined_people
from pipeline.read.quarantine import AS_READ
from pipeline.resources import resource_path
from pipeline.rules import Rules, facts_hash
from pipeline.store import Added, Addition, File, Remembered, add, recall, statements_of
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
    stated = statements_by(intake, before)
    require_agreement(stated, before)
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
    folders = {one.case_id: folder_of(one) for one in there.statements if one.origin == FOLDER}
    listed = {one.case_id: person_of(one) for one in there.statements if one.origin == PEOPLE}
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
        people=people_named(rows["owner"].unique(), map(person_of, there.statements)),
        persons=joined_people(told, listed, where="the table of people"),
        listed=listed,
        folders=folders,
        targets=rules.targets,
        suite=reduce(lambda one, more: replace(more, says={**one.says, **more.says}), suites)
        if suites
        else None,
    )


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
    several = any(own and (repetition or after) for own, repetition, after in stands.unique())
    order = reasons_by_severity()["critical"] if several else ()
    told = {one: _told_reasons(*one, order=order) for one in stands.unique()}
    reasons = stands.map(told).set_axis(rows.index)
    texts = [name for name in COLUMNS if rows[name].dtype == object]
    return rows.assign(reasons=reasons.astype(str)).astype(dict.fromkeys(texts, str))


def _told_reasons(own: str, repetition: str, late: bool, *, order: Sequence[str]) -> str:
    """Return all reasons of a row in the ``order`` of the suite; what a practice adds comes last.

    The order is asked for only where a row has reasons of its own and others.
    """
    words = [word for word in own.split(";") if word]
    if _ALONE in words:
        return own
    more = [_AFTER] * late + ([_WORDS[repetition]] if repetition else [])
    if not words:
        return ";".join(more)
    if not more:
        return own
    places = {word: place for place, word in enumerate(order)}
    return ";".join(sorted([*words, *more], key=lambda word: places.get(word, len(order))))


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


# What all share.


def _fingerprint(hashes: Mapping[Path, str], own: Iterable[Path]) -> str:
    """Return the hash of all that judges a row: our rules and suite, the practice's own files."""
    suite = resource_path("expectations/lab_rows.json").read_bytes()
    parts = [facts_hash(), hashlib.sha256(suite).hexdigest(), __version__]
    parts += [hashes.get(file, "") for file in own]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _case_files(intake: Intake) -> list[Path]:
    """Return the case.toml of each laboratory's own insulin factor: it changes what is read."""
    with_factor = (one for one in intake.folders.values() if one.laboratories)
    return [folder.path / "case.toml" for folder in with_factor]
