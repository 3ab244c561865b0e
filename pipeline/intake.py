"""Order floor. Files become accepted rows and a quarantine; nothing is lost."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from pipeline.errors import CaseFileError, NothingUsableError, RulesError
from pipeline.language import Language
from pipeline.model import ACCEPTED_COLUMNS, CaseInput, SetAside
from pipeline.normalise import normalise_units
from pipeline.read import (
    CaseFolder,
    LabMapping,
    Person,
    insulin_factors,
    is_lab_file,
    no_rows,
    people_of,
    read_case_folders,
    read_lab_file,
    read_people,
    stated_table,
)
from pipeline.read.corrections import corrections_of, with_corrections
from pipeline.read.mapping import AS_WRITTEN
from pipeline.read.people import joined_people
from pipeline.read.pseudonym import CASE_ID
from pipeline.read.quarantine import AS_READ, quarantine_csv
from pipeline.read.text_file import read_text
from pipeline.rules import Rules
from pipeline.validate import OwnSuite, Validated, own_suite_of, split_by_expectations

# Reasons that leave the measurement in doubt, not undone: it is kept for the safety flags …
_IN_DOUBT = frozenset(
    {
        "implausible",
        "unit-unknown",
        "unit-missing",
        "unit-likely",
        "unit-column",
        "interval-conflicts",
        "duplicate-contradictory",
    }
)
# … and where the laboratory's sum is wrong, for the comparison with ours.
_KEPT = _IN_DOUBT | {"reported-differs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far the taking in is: of the files as many bytes, or of the rows none or all."""

    task: Literal["read", "judge"]
    done: int
    total: int


Watch = Callable[[Step], None]


def unwatched(step: Step) -> None:
    """Let a step pass."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """All that came in: the rows that may be used, those set aside, and whose they are."""

    as_of: dt.date
    files: tuple[str, ...]  # in the order they were read; "file 1" is the first
    accepted: pd.DataFrame  # ACCEPTED_COLUMNS and source, the number of the file
    # AS_READ, likely_unit, column_evidence, source, marker, owner (a case or ""), and what was made
    # of the row: ACCEPTED_COLUMNS with "canonical_" before their names
    set_aside: pd.DataFrame
    ignored: Mapping[str, int]  # how many entries are no laboratory result, by kind
    people: pd.DataFrame  # case_id, sex, birth_year
    persons: Mapping[str, Person]  # what a case.toml or a table of people states, by case
    folders: Mapping[str, CaseFolder]
    targets: tuple[Mapping[str, Any], ...] = ()  # the practice's own
    suite: OwnSuite | None = None  # its own expectations

    @property
    def quarantine(self) -> pd.DataFrame:
        """Return the rows set aside as they were read, with their reasons between ";"."""
        return self.set_aside[list(AS_READ)]

    @cached_property
    def case_ids(self) -> tuple[str, ...]:
        """Return the cases that get a report, sorted.

        They have an accepted row, or one that is only in doubt: its safety flag must not be lost.
        """
        return tuple(sorted({*self._accepted_places, *self._owners_in_doubt}))

    @cached_property
    def cases_without_rows(self) -> tuple[str, ...]:
        """Return the well-formed case ids without any row that a report could use, sorted."""
        owners = set(self.set_aside["owner"]) | set(self.folders)
        named = {owner for owner in owners if CASE_ID.fullmatch(owner)}
        return tuple(sorted(named - set(self.case_ids)))

    @property
    def counts(self) -> dict[str, int]:
        """Return how many entries were read; then how many of each end, which make the first."""
        ends = {
            "accepted": len(self.accepted),
            "set_aside": len(self.set_aside),
            "no_result": sum(self.ignored.values()),
        }
        return {"read": sum(ends.values()), **ends}

    @property
    def reasons(self) -> dict[str, int]:
        """Return how many rows were set aside by each reason, most first; a row may have more."""
        words = self.set_aside["reasons"].str.split(";").explode()
        return {str(word): int(count) for word, count in words.value_counts().items()}

    @property
    def notes(self) -> dict[str, int]:
        """Return how many accepted rows carry each warning, most first."""
        words = self.accepted["notes"].str.split(";").explode()
        return {str(word): int(n) for word, n in words[words != ""].value_counts().items()}

    @cached_property
    def columns_in_doubt(self) -> pd.DataFrame:
        """Return what a file gives of one marker, as a whole, in another unit than it says.

        Columns ``source``, ``marker``, ``unit`` (as written), ``likely_unit``, ``evidence`` (see
        ``column_units``) and ``rows``, how many there are.
        """
        doubted = self.set_aside[self.set_aside["column_evidence"] != ""]
        named = doubted.rename(columns={"column_evidence": "evidence"})
        keys = ["source", "marker", "unit", "likely_unit", "evidence"]
        return named.groupby(keys, sort=True).size().reset_index(name="rows")

    @cached_property
    def stated(self) -> pd.DataFrame:
        """Return the context of all people: case_id, date (NaT: every visit), a column each key."""
        return stated_table(self.persons.values())

    def case(self, case_id: str) -> CaseInput:
        """Return all that a report of one case depends on.

        Raises NothingUsableError where the case has no accepted row, and none that is in doubt.
        """
        if case_id not in self.case_ids:
            raise NothingUsableError(f"Unable to find an accepted row of case '{case_id}'.")
        person = self.persons.get(case_id, Person(case_id=case_id))
        folder = self.folders.get(case_id)
        sex, birth_year = self._of_person(case_id)
        told = {name: getattr(folder, name) for name in _TOLD if folder is not None}
        places = list(self._accepted_places.get(case_id, ()))
        rows = self.accepted.iloc[places][list(ACCEPTED_COLUMNS)]
        return CaseInput(
            case_id=case_id,
            as_of=self.as_of,
            sex=sex,
            birth_year=birth_year,
            rows=rows.reset_index(drop=True),
            set_aside=self._set_aside_of(case_id),
            context=person.context,
            visits=person.visits,
            rules=self.targets,
            **told,
        )

    @cached_property
    def _accepted_places(self) -> Mapping[Any, Any]:
        return self.accepted.reset_index(drop=True).groupby("case_id").indices

    @cached_property
    def _aside_places(self) -> Mapping[Any, Any]:
        return self.set_aside.reset_index(drop=True).groupby("owner").indices

    @cached_property
    def _owners_in_doubt(self) -> frozenset[str]:
        reasons = self.set_aside["reasons"]
        words = [word for word in reasons.unique() if _IN_DOUBT.issuperset(word.split(";"))]
        return frozenset(self.set_aside.loc[reasons.isin(words), "owner"])

    @cached_property
    def _people_by_case(self) -> pd.DataFrame:
        return self.people.set_index("case_id")

    def _of_person(self, case_id: str) -> tuple[Any, int | None]:
        one = self._people_by_case.loc[case_id]
        sex = one["sex"] if isinstance(one["sex"], str) else None
        return sex, None if pd.isna(one["birth_year"]) else int(one["birth_year"])

    def _set_aside_of(self, case_id: str) -> tuple[SetAside, ...]:
        own = self.set_aside.iloc[list(self._aside_places.get(case_id, ()))]
        records = own.to_dict("records")
        return tuple(_set_aside({str(key): value for key, value in one.items()}) for one in records)


_TOLD = ("consent", "timeline", "note", "told", "genotypes")


def take_in(
    inputs: Sequence[Path],
    *,
    as_of: dt.date,
    people: Path | None = None,
    rules: Rules,
    mapping: LabMapping | None = None,
    suite: Path | None = None,
    watch: Watch = unwatched,
) -> Intake:
    """Return what the files and case folders of ``inputs`` hold, every row accepted or set aside.

    ``people`` is a table of context for many, ``mapping`` says how the laboratory writes, ``suite``
    is the file of the practice's own expectations, ``watch`` is told of each step. That no row at
    all was accepted is not an error here: the quarantine still says why (see ``require_rows``).

    Raises LabFileError or CaseFileError where an input cannot be read, RulesError where a row could
    not be judged or would be lost.
    """
    paths = [path for path in inputs if path.is_dir()]
    folders = read_case_folders(paths, keys=rules.context, is_lab_file=is_lab_file)
    persons = {case_id: folder.person for case_id, folder in folders.items()}
    listed = {} if people is None else read_people(people, keys=rules.context)
    persons = joined_people(persons, listed, where="the table of people")
    mapping = mapping or LabMapping()
    raw, files, ignored = _read_files(
        _files_of(inputs, folders), rules=rules, mapping=mapping, watch=watch
    )
    watch(Step(task="judge", done=0, total=len(raw)))
    whose = people_of(raw.assign(case_id=_owner(raw)), people=persons.values())
    factors = insulin_factors(folders.values()) | mapping.insulin_factors
    rows = _with_people(normalise_units(raw, rules, insulin_factors=factors), whose)
    own = None if suite is None else _own_suite(suite, rules)
    parted = split_by_expectations(
        rows, as_of=as_of, rules=rules, confirmed=mapping.confirmed_units, own=own
    )
    _require_all(raw, parted)
    watch(Step(task="judge", done=len(raw), total=len(raw)))
    return Intake(
        as_of=as_of,
        files=files,
        ignored=ignored,
        accepted=parted.accepted.join(raw["source"]),
        set_aside=_as_read(raw, parted.set_aside),
        people=whose[["case_id", "sex", "birth_year"]],
        persons=persons,
        folders=folders,
        targets=rules.targets,
        suite=own,
    )


def require_rows(intake: Intake, *, strict: bool = False) -> None:
    """Raise NothingUsableError where no case has a row or, if ``strict``, any was set aside."""
    counts = intake.counts
    if not intake.case_ids:
        raise NothingUsableError(f"None of the {counts['read']} rows could be accepted.")
    if strict and counts["set_aside"]:
        raise NothingUsableError(f"{counts['set_aside']} of {counts['read']} rows are set aside.")


def reason_text(intake: Intake, word: str, language: Language) -> str:
    """Return the sentence of a reason: ours, or that of the practice's own suite."""
    if intake.suite is not None and word in intake.suite.says:
        return str(intake.suite.says[word].get(language.code) or intake.suite.says[word]["en"])
    return language.text(f"reasons.{word}")


def quarantine_of(intake: Intake, language: Language) -> bytes:
    """Return quarantine.csv: the rows as they were read, each reason a word and a sentence."""

    def sentence(word: str, likely_unit: str) -> str:
        if word in ("unit-likely", "unit-column"):
            return language.text(f"reasons.{word}-in", unit=language.unit(likely_unit))
        return reason_text(intake, word, language)

    return quarantine_csv(intake.set_aside, sentence=sentence)


def _own_suite(path: Path, rules: Rules) -> OwnSuite:
    text = read_text(path, error=RulesError)
    return own_suite_of(text, name=path.name, markers=rules.markers)


def _files_of(
    inputs: Sequence[Path], folders: Mapping[str, CaseFolder]
) -> list[tuple[Path, str | None]]:
    """Return the files of the inputs in their order, each with the case of its folder."""
    cases = {folder.path: case_id for case_id, folder in folders.items()}
    found: list[tuple[Path, str | None]] = []
    for path in inputs:
        case_id = cases.get(path)
        files = (path,) if case_id is None else folders[case_id].files
        if not files:
            raise CaseFileError(f"Unable to find a lab file in folder '{path.name}'.")
        found += [(file, case_id) for file in files]
    if not found:
        raise NothingUsableError("Unable to find a file to read.")
    return found


def _read_files(
    files: Sequence[tuple[Path, str | None]], *, rules: Rules, mapping: LabMapping, watch: Watch
) -> tuple[pd.DataFrame, tuple[str, ...], Mapping[str, int]]:
    """Return the rows of all files, the files, and how many entries are no result, by kind.

    A row has the number of its file (``source``) and the case of its folder.
    """
    tables, corrections, ignored = [], [], Counter[str]()
    sizes = [file.stat().st_size if file.is_file() else 0 for file, _ in files]
    done, total = accumulate(sizes, initial=0), sum(sizes)
    for number, (file, case_id) in enumerate(files, start=1):
        watch(Step(task="read", done=next(done), total=total))
        if (found := corrections_of(file)) is not None:
            corrections.append((found, number))
            continue
        reading = read_lab_file(file, rules=rules, case_id=case_id, mapping=mapping)
        ignored.update(reading.ignored)
        tables.append(reading.rows.assign(source=number, folder_case=case_id or ""))
    raw = pd.concat(tables or [no_rows()], ignore_index=True)
    for found, source in corrections:
        raw = with_corrections(raw, found, source=source, mapping=mapping)
    return raw, tuple(file.name for file, _ in files), dict(ignored)


def _owner(raw: pd.DataFrame) -> pd.Series:
    """Return the case that a row counts for: that of its folder, else the one it names."""
    return raw["folder_case"].mask(raw["folder_case"] == "", raw["case_id"].str.strip())


def _with_people(rows: pd.DataFrame, whose: pd.DataFrame) -> pd.DataFrame:
    known = whose.set_index("case_id")
    owner = _owner(rows)
    return rows.assign(
        owner=owner,
        birth_year=owner.map(known["birth_year"]).astype(float),
        person=owner.map(known["person"]),
    )


def _require_all(raw: pd.DataFrame, parted: Validated) -> None:
    """Raise RulesError unless every row that was read is accepted or set aside, and once only."""
    parts = pd.concat([parted.accepted["row"], parted.set_aside["row"]]).sort_index()
    if not (parts.index.equals(raw.index) and parts.equals(raw["row"])):
        raise RulesError("Expected every row to be accepted or set aside, exactly once.")


def _as_read(raw: pd.DataFrame, set_aside: pd.DataFrame) -> pd.DataFrame:
    """Return the rows set aside with the cells of the file in place of what was made of them."""
    written = {column: raw[own] for column, own in AS_WRITTEN.items()}
    cells = [column for column in AS_READ if column in raw]
    told = raw.assign(**written).loc[set_aside.index, cells]
    canonical = set_aside[list(ACCEPTED_COLUMNS)].add_prefix("canonical_")
    own = set_aside[["reasons", "likely_unit", "column_evidence", "owner", "marker", "source"]]
    return pd.concat([told, own, canonical], axis="columns")


def _set_aside(one: Mapping[str, Any]) -> SetAside:
    """Return a row set aside; where it is only in doubt it keeps what was measured."""
    reasons = tuple(one["reasons"].split(";"))
    measured = None
    if _KEPT.issuperset(reasons):
        measured = {column: one[f"canonical_{column}"] for column in ACCEPTED_COLUMNS}
    return SetAside(row=one["row"], reasons=reasons, measurement=measured)
