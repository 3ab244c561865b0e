"""Middle floor. Reads a case folder: a case.toml beside any number of lab files."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import CaseFileError
from pipeline.model import Consent, Event, StatedGenotype
from pipeline.read.context import read_context
from pipeline.read.genotypes import read_genotypes
from pipeline.read.people import Person, read_day, read_person
from pipeline.read.toml_file import read_toml
from pipeline.rules.loader import ContextKey

CASE_FILE = "case.toml"
_KEYS = (
    "case_id",
    "sex",
    "birth_year",
    "files",
    "consent",
    "context",
    "visits",
    "timeline",
    "note",
    "told",
    "laboratories",
    "genotypes",
)
_EVENT_KINDS = ("presentation", "test", "intervention", "outcome")
_TOLD = (
    "title",
    "keywords",
    "introduction",
    "patient",
    "intervention",
    "outcome",
    "discussion",
    "perspective",
)
_LANGUAGE = re.compile("[a-z]{2,3}")
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_INSULIN_FACTORS = (5.0, 8.0)  # pmol per mU: 6.00 and 6.945 are in use; beyond these it is a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFolder:
    """One case as its case.toml tells it; the lab files are named, not read."""

    path: Path
    person: Person
    files: tuple[Path, ...]
    consent: Consent | None = None
    timeline: tuple[Event, ...] = ()
    note: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    genotypes: tuple[StatedGenotype, ...] = ()
    laboratories: Mapping[str, float] = field(default_factory=dict)  # insulin pmol per mU, by name


def read_case_folder(
    path: Path, *, keys: Mapping[str, ContextKey], is_lab_file: Callable[[Path], bool]
) -> CaseFolder:
    """Return what the case.toml of the folder ``path`` states, and the files it names.

    Left out, ``files`` are all files of the folder of which ``is_lab_file`` holds.

    Raises CaseFileError where there is no case.toml, it is not TOML, it has an unknown key or word,
    or a file it names is not in the folder.
    """
    if not (path / CASE_FILE).is_file():
        raise CaseFileError(f"Unable to find '{CASE_FILE}' in folder '{path.name}'.")
    stated = read_toml(path / CASE_FILE, error=CaseFileError)
    _known(stated, allowed=_KEYS, what="key")
    case_id, sex, birth_year = read_person(stated, where=f"'{CASE_FILE}'")
    person = Person(
        case_id=case_id,
        sex=sex,
        birth_year=birth_year,
        context=_context(_table(stated, "context"), keys=keys),
        visits=tuple(_visit(one, keys=keys) for one in _tables(stated, "visits")),
    )
    return CaseFolder(
        path=path,
        person=person,
        files=_files(path, named=stated.get("files"), is_lab_file=is_lab_file),
        consent=_consent(stated),
        timeline=tuple(_event(one) for one in _tables(stated, "timeline")),
        note=_by_language(_table(stated, "note"), where="note"),
        told=_told(_table(stated, "told")),
        genotypes=read_genotypes(_tables(stated, "genotypes"), where=f"'{CASE_FILE}'"),
        laboratories=_laboratories(_table(stated, "laboratories")),
    )


def read_case_folders(
    paths: Iterable[Path], *, keys: Mapping[str, ContextKey], is_lab_file: Callable[[Path], bool]
) -> dict[str, CaseFolder]:
    """Return several case folders by case id.

    Raises CaseFileError as ``read_case_folder`` does, and where two folders are of one case.
    """
    folders: dict[str, CaseFolder] = {}
    for path in paths:
        folder = read_case_folder(path, keys=keys, is_lab_file=is_lab_file)
        if folders.setdefault(folder.person.case_id, folder) is not folder:
            raise CaseFileError(f"Expected exactly 1 folder of the case in '{path.name}'.")
    return folders


def insulin_factors(folders: Iterable[CaseFolder]) -> dict[str, float]:
    """Return by laboratory how many pmol of insulin it takes for one mU, of all folders together.

    Raises CaseFileError where two folders give one laboratory different factors.
    """
    factors: dict[str, float] = {}
    for folder in folders:
        for laboratory, factor in folder.laboratories.items():
            if factors.setdefault(laboratory, factor) != factor:
                raise CaseFileError(
                    f"Expected exactly 1 insulin factor of a laboratory, in '{folder.path.name}'."
                )
    return factors


def _known(stated: Mapping[str, object], *, allowed: Collection[str], what: str) -> None:
    for key in stated:
        if key not in allowed:
            known = ", ".join(allowed)
            raise CaseFileError(
                f"Unrecognised {what} '{key}' in '{CASE_FILE}': expected one of {known}."
            )


def _table(stated: Mapping[str, object], key: str) -> dict[str, object]:
    table = stated.get(key, {})
    if not isinstance(table, dict):
        raise CaseFileError(f"Expected exactly one table [{key}] in '{CASE_FILE}'.")
    return table


def _tables(stated: Mapping[str, object], key: str) -> list[dict[str, object]]:
    tables = stated.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CaseFileError(f"Expected '{key}' in '{CASE_FILE}' to be tables written [[{key}]].")
    return tables


def _context(stated: Mapping[str, object], *, keys: Mapping[str, ContextKey]) -> dict[str, object]:
    return read_context(stated, keys=keys, where=f"'{CASE_FILE}'")


def _visit(stated: Mapping[str, object], *, keys: Mapping[str, ContextKey]) -> dict[str, object]:
    date = read_day(stated.get("date"), where=f"[[visits]] of '{CASE_FILE}'")
    own = {key: value for key, value in stated.items() if key != "date"}
    return {"date": date, **_context(own, keys=keys)}


def _files(path: Path, *, named: object, is_lab_file: Callable[[Path], bool]) -> tuple[Path, ...]:
    if named is None:
        return tuple(sorted(filter(is_lab_file, path.iterdir())))
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise CaseFileError(f"Expected 'files' in '{CASE_FILE}' to be a list of file names.")
    for number, name in enumerate(named, start=1):
        if Path(name).name != name or not (path / name).is_file():
            raise CaseFileError(f"Unable to find file {number} of 'files' in folder '{path.name}'.")
    return tuple(path / name for name in named)


def _consent(stated: Mapping[str, object]) -> Consent | None:
    consent = _table(stated, "consent")
    if not consent:
        return None
    _known(consent, allowed=("given", "date"), what="key of [consent]")
    given, date = consent.get("given"), consent.get("date")
    if not isinstance(given, bool):
        raise CaseFileError(f"Expected 'given' of [consent] in '{CASE_FILE}' to be true or false.")
    day = None if date is None else read_day(date, where=f"[consent] of '{CASE_FILE}'")
    return Consent(given=given, date=day)


def _event(stated: Mapping[str, object]) -> Event:
    where = f"[[timeline]] of '{CASE_FILE}'"
    _known(stated, allowed=("date", "kind", "text"), what="key of [[timeline]]")
    kind = stated.get("kind")
    if kind not in _EVENT_KINDS:
        known = ", ".join(_EVENT_KINDS)
        raise CaseFileError(f"Unrecognised kind of {where}: expected one of {known}.")
    return Event(
        when=_day_or_month(stated.get("date")),
        kind=str(kind),
        text=_by_language(_table(stated, "text"), where="text"),
    )


def _day_or_month(value: object) -> str:
    if isinstance(value, str) and _MONTH.fullmatch(value):
        return value
    day: dt.date = read_day(value, where=f"[[timeline]] of '{CASE_FILE}'")
    return day.isoformat()


def _told(stated: Mapping[str, object]) -> dict[str, dict[str, str]]:
    _known(stated, allowed=_TOLD, what="key of [told]")
    return {key: _by_language(_table(stated, key), where=key) for key in stated}


def _by_language(stated: Mapping[str, object], *, where: str) -> dict[str, str]:
    for language, text in stated.items():
        if not _LANGUAGE.fullmatch(language) or not isinstance(text, str):
            raise CaseFileError(
                f"Expected '{where}' in '{CASE_FILE}' to hold a text by language (nl, en)."
            )
    return {language: str(text).strip() for language, text in stated.items()}


def _laboratories(stated: Mapping[str, object]) -> dict[str, float]:
    """Return by laboratory how many pmol of insulin it takes for one mU."""
    factors: dict[str, float] = {}
    for name, table in stated.items():
        own = table if isinstance(table, dict) else {}
        _known(own, allowed=("insulin_pmol_per_mU",), what="key of [laboratories]")
        factor = own.get("insulin_pmol_per_mU")
        least, most = _INSULIN_FACTORS
        if not isinstance(factor, int | float) or not least <= factor <= most:
            raise CaseFileError(
                f"Expected 'insulin_pmol_per_mU' in '{CASE_FILE}' to lie from {least} to {most}."
            )
        factors[name] = float(factor)
    return factors
