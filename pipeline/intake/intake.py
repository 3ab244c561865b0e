"""Order floor. What came in: the rows that may be used, those set aside, and whose they are."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from pipeline.errors import NothingUsableError
from pipeline.language import Language
from pipeline.model import ACCEPTED_COLUMNS, IN_DOUBT, CaseInput, SetAside
from pipeline.read import CaseFolder, Person, stated_table
from pipeline.read.pseudonym import CASE_ID
from pipeline.read.quarantine import AS_READ, quarantine_csv
from pipeline.read.records import records_of
from pipeline.validate import OwnSuite

# What is in doubt is kept, and where the laboratory's sum is wrong, for the comparison with ours.
_KEPT = IN_DOUBT | {"reported-differs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far the taking in is: of the files as many bytes, or of the rows none or all."""

    task: Literal["read", "judge"]
    done: int
    total: int


Watch = Callable[[Step], None]


def unwatched(step: Step) -> None:
    """Let a step pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was read: where it lay, whose folder that was, and what in it is no result."""

    path: Path
    case_id: str | None = None
    ignored: Mapping[str, int] = field(default_factory=dict)  # how many entries, by kind


@dataclass(frozen=True, kw_only=True)
class Intake:
    """All that came in: the rows that may be used, those set aside, and whose they are."""

    as_of: dt.date
    sources: tuple[Source, ...]  # in the order they were read; "file 1" is the first
    accepted: pd.DataFrame  # ACCEPTED_COLUMNS and source, the number of the file
    # AS_READ, likely_unit, column_evidence, source, marker, owner (a case or ""), and what was made
    # of the row: ACCEPTED_COLUMNS with "canonical_" before their names
    set_aside: pd.DataFrame
    people: pd.DataFrame  # case_id, sex, birth_year, person: see ``people_of``
    persons: Mapping[str, Person]  # what a case.toml or a table of people states, by case
    listed: Mapping[str, Person]  # of these, what a table of people states
    folders: Mapping[str, CaseFolder]
    targets: tuple[Mapping[str, Any], ...] = ()  # the practice's own
    suite: OwnSuite | None = None  # its own expectations
    # What a store keeps of every row beside the above (see ``_as_read``); None: out of a store.
    as_read: pd.DataFrame | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Return the names of the files, in their order."""
        return tuple(source.path.name for source in self.sources)

    @cached_property
    def ignored(self) -> Mapping[str, int]:
        """Return how many entries are no laboratory result, by kind."""
        return dict(sum((Counter(source.ignored) for source in self.sources), Counter[str]()))

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

    @cached_property
    def set_aside_by_case(self) -> dict[str, int]:
        """Return how many rows of each case were set aside, where any were."""
        owners = self.set_aside["owner"].value_counts()
        return {str(owner): int(rows) for owner, rows in owners.items() if owner}

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
        rows = self._accepted_rows.iloc[list(self._accepted_places.get(case_id, ()))]
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
    def _accepted_rows(self) -> pd.DataFrame:
        return self.accepted[list(ACCEPTED_COLUMNS)]

    @cached_property
    def _rows_set_aside(self) -> pd.DataFrame:
        return self.set_aside[["row", "reasons", *map("canonical_{}".format, ACCEPTED_COLUMNS)]]

    @cached_property
    def _accepted_places(self) -> Mapping[Any, Any]:
        return self.accepted.reset_index(drop=True).groupby("case_id").indices

    @cached_property
    def _aside_places(self) -> Mapping[Any, Any]:
        return self.set_aside.reset_index(drop=True).groupby("owner").indices

    @cached_property
    def _owners_in_doubt(self) -> frozenset[str]:
        reasons = self.set_aside["reasons"]
        words = [word for word in reasons.unique() if IN_DOUBT.issuperset(word.split(";"))]
        return frozenset(self.set_aside.loc[reasons.isin(words), "owner"])

    @cached_property
    def _people_by_case(self) -> pd.DataFrame:
        return self.people.set_index("case_id")

    def _of_person(self, case_id: str) -> tuple[Any, int | None]:
        one = self._people_by_case.loc[case_id]
        sex = one["sex"] if isinstance(one["sex"], str) else None
        return sex, None if pd.isna(one["birth_year"]) else int(one["birth_year"])

    def _set_aside_of(self, case_id: str) -> tuple[SetAside, ...]:
        places = list(self._aside_places.get(case_id, ()))
        return tuple(map(_set_aside, records_of(self._rows_set_aside.iloc[places])))


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


_TOLD = ("consent", "timeline", "note", "told", "genotypes")


def _set_aside(one: Mapping[str, Any]) -> SetAside:
    """Return a row set aside; where it is only in doubt it keeps what was measured."""
    reasons = tuple(one["reasons"].split(";"))
    measured = None
    if _KEPT.issuperset(reasons):
        measured = {column: one[f"canonical_{column}"] for column in ACCEPTED_COLUMNS}
    return SetAside(row=one["row"], reasons=reasons, measurement=measured)
