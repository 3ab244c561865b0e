"""Order floor. Files become accepted rows and a quarantine; nothing is lost."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import pandas as pd

from pipeline.errors import CaseFileError, NothingUsableError, RulesError
from pipeline.intake.intake import Intake, Source, Step, Watch, unwatched
from pipeline.model import ACCEPTED_COLUMNS
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
)
from pipeline.read.corrections import corrections_of, with_corrections
from pipeline.read.mapping import AS_WRITTEN
from pipeline.read.people import joined_people
from pipeline.read.quarantine import AS_READ
from pipeline.read.text_file import read_text
from pipeline.rules import Rules
from pipeline.validate import OwnSuite, Validated, own_suite_of, split_by_expectations

Known = Callable[[Iterable[str]], Iterable[Person]]


def nobody(case_ids: Iterable[str]) -> Iterable[Person]:
    """Return that nothing was stated before of these people."""
    return ()


def take_in(
    inputs: Sequence[Path],
    *,
    as_of: dt.date,
    people: Path | None = None,
    rules: Rules,
    mapping: LabMapping | None = None,
    suite: Path | None = None,
    watch: Watch = unwatched,
    known: Known = nobody,
) -> Intake:
    """Return what the files and case folders of ``inputs`` hold, every row accepted or set aside.

    ``people`` is a table of context for many, ``mapping`` says how the laboratory writes, ``suite``
    is the file of the practice's own expectations, ``watch`` is told of each step, ``known`` says
    what was stated before of people in the files. That no row at all was accepted is not an error
    here: the quarantine still says why (see ``require_rows``).

    Raises LabFileError or CaseFileError where an input cannot be read, RulesError where a row could
    not be judged or would be lost.
    """
    paths = [path for path in inputs if path.is_dir()]
    folders = read_case_folders(paths, keys=rules.context, is_lab_file=is_lab_file)
    persons = {case_id: folder.person for case_id, folder in folders.items()}
    listed = {} if people is None else read_people(people, keys=rules.context)
    persons = joined_people(persons, listed, where="the table of people")
    mapping = mapping or LabMapping()
    raw, sources = _read_files(
        _files_of(inputs, folders), rules=rules, mapping=mapping, watch=watch
    )
    watch(Step(task="judge", done=0, total=len(raw)))
    owner = _owner(raw)
    stated = [*known(owner.unique()), *persons.values()]
    whose = people_of(raw.assign(case_id=owner), people=stated)
    factors = insulin_factors(folders.values()) | mapping.insulin_factors
    rows = _with_people(normalise_units(raw, rules, insulin_factors=factors), whose)
    own = None if suite is None else _own_suite(suite, rules)
    parted = split_by_expectations(
        rows, as_of=as_of, rules=rules, confirmed=mapping.confirmed_units, own=own
    )
    _require_all(raw, parted)
    watch(Step(task="judge", done=len(raw), total=len(raw)))
    as_read = _as_read(raw, rows)
    return Intake(
        as_of=as_of,
        sources=sources,
        accepted=parted.accepted.join(raw["source"]),
        set_aside=_with_cells(parted.set_aside, as_read),
        people=whose,
        persons=persons,
        listed=listed,
        folders=folders,
        targets=rules.targets,
        suite=own,
        as_read=as_read,
    )


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
) -> tuple[pd.DataFrame, tuple[Source, ...]]:
    """Return the rows of all files, and the files.

    A row has the number of its file (``source``) and the case of its folder.
    """
    tables, corrections, sources = [], [], []
    sizes = [file.stat().st_size if file.is_file() else 0 for file, _ in files]
    done, total = accumulate(sizes, initial=0), sum(sizes)
    for number, (file, case_id) in enumerate(files, start=1):
        watch(Step(task="read", done=next(done), total=total))
        if (found := corrections_of(file)) is not None:
            corrections.append((found, number))
            sources.append(Source(path=file, case_id=case_id))
            continue
        reading = read_lab_file(file, rules=rules, case_id=case_id, mapping=mapping)
        sources.append(Source(path=file, case_id=case_id, ignored=reading.ignored))
        tables.append(reading.rows.assign(source=number, folder_case=case_id or ""))
    raw = pd.concat(tables or [no_rows()], ignore_index=True)
    for found, source in corrections:
        raw = with_corrections(raw, found, source=source, mapping=mapping)
    return raw, tuple(sources)


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


def _as_read(raw: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return of every row the cells of the file, and what tells it apart from others.

    ``AS_READ`` but the reasons, source, owner, sex and birth_year as text; issued, version, date,
    specimen; ``comparable``: it stands, with a value and a date.
    """
    written = {column: raw[own] for column, own in AS_WRITTEN.items()}
    cells = [column for column in AS_READ if column in raw]
    stands = (rows["standing"] == "stands") & rows["low"].notna() & rows["date"].notna()
    own = rows[["owner", "version", "date"]].assign(comparable=stands)
    kept = raw.assign(**written)[[*cells, "source", "issued", "sex", "birth_year"]]
    return pd.concat([kept, own], axis="columns")


def _with_cells(set_aside: pd.DataFrame, as_read: pd.DataFrame) -> pd.DataFrame:
    """Return the rows set aside with the cells of the file in place of what was made of them."""
    cells = [column for column in AS_READ if column in as_read]
    canonical = set_aside[list(ACCEPTED_COLUMNS)].add_prefix("canonical_")
    own = set_aside[["reasons", "likely_unit", "column_evidence", "owner", "marker", "source"]]
    return pd.concat([as_read.loc[set_aside.index, cells], own, canonical], axis="columns")
