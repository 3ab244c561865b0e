"""Middle floor. Reads a mapping, the TOML file of ``--mapping``: how one laboratory writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import LabFileError
from pipeline.model import OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from pipeline.read.dates import ORDERS
from pipeline.read.layout import COLUMNS_OF_TABLES, fold_name
from pipeline.read.pseudonym import CASE_ID, pseudonym_of
from pipeline.read.toml_file import read_toml
from pipeline.rules import Rules

AS_WRITTEN = {"analyte": "analyte_written", "unit": "unit_written"}  # what the file itself says
_MARKS = (",", ".")
_CONSTANT = tuple(
    name for name in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS) if name not in ("value", "analyte")
)
_INSULIN_FACTORS = (5.0, 8.0)  # pmol per mU: 6.00 and 6.945 are in use; beyond these it is a slip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A local name or code: the marker it stands for, and the unit where the file has none."""

    marker: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMapping:
    """How a laboratory writes its files; what is left out is recognised as without a mapping."""

    columns: Mapping[str, str] = field(default_factory=dict)  # folded header -> column
    analytes: Mapping[str, Mapped] = field(default_factory=dict)  # folded name or code
    units: Mapping[str, str] = field(default_factory=dict)  # as the file writes it -> as we know it
    constants: Mapping[str, str] = field(default_factory=dict)  # column -> text, where it is blank
    cases: Mapping[str, str] = field(default_factory=dict)  # pseudonym of a number -> case id
    sheets: tuple[str, ...] = ()  # to be read; empty: all
    dates: str = ""  # "dmy" or "mdy", where a file proves neither
    decimal: str = ""  # "," or "."
    insulin_factor: float | None = None  # pmol per mU
    confirmed_units: tuple[str, ...] = ()  # markers that are in the unit they say: a person asked

    @property
    def laboratory(self) -> str:
        """Return the name of the laboratory, "" where it is not told."""
        return self.constants.get("lab", "")

    def knows(self, name: str) -> bool:
        """Return whether a local name or code stands for a marker."""
        return fold_name(name) in self.analytes

    def applied(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows of a ``Reading`` with our markers and units in place of local words.

        The local words are kept in the columns of ``AS_WRITTEN``.
        """
        kept = rows.assign(**{own: rows[column] for column, own in AS_WRITTEN.items()})
        mark = rows["mark"].mask(rows["mark"] == "", self.decimal)
        return self.in_our_words(kept.assign(mark=mark))

    def in_our_words(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows whose analytes and units are those of ``AS_WRITTEN`` in our words."""
        rows = rows.assign(**{column: rows[own] for column, own in AS_WRITTEN.items()})
        if self == LabMapping():
            return rows
        names = {name: self.analytes.get(fold_name(name)) for name in rows["analyte"].unique()}
        markers = {name: one.marker if one else name for name, one in names.items()}
        units = {name: one.unit if one else "" for name, one in names.items()}
        texts = {text: self.units.get(text.strip(), text) for text in rows["unit"].unique()}
        written = rows["unit"].map(texts)
        changed = rows.assign(
            analyte=rows["analyte"].map(markers),
            unit=written.mask(written.str.strip() == "", rows["analyte"].map(units)),
        )
        for column, text in self.constants.items():
            changed[column] = changed[column].mask(changed[column].str.strip() == "", text)
        return changed.assign(case_id=changed["case_id"].replace(dict(self.cases)))

    @property
    def insulin_factors(self) -> dict[str, float]:
        """Return by laboratory how many pmol of insulin it takes for one mU, where that is told."""
        return {} if self.insulin_factor is None else {self.laboratory: self.insulin_factor}


def read_mapping(path: Path, rules: Rules) -> LabMapping:
    """Return what a mapping file states.

    Raises LabFileError, with the file's name, where it cannot be read, or has a key, a column, a
    marker or a unit that is not known.
    """
    told = read_toml(path)
    try:
        return _mapping(told, rules)
    except ValueError as fault:
        raise LabFileError(f"Unrecognised {fault} in '{path.name}'.") from None


def _mapping(told: Mapping[str, Any], rules: Rules) -> LabMapping:
    _known(told, _KEYS, "key")
    constants = _texts(told, "constants")
    _known(constants, _CONSTANT, "column")
    if "laboratory" in told:
        constants = {**constants, "lab": _one(told, "laboratory", str)}
    columns = {fold_name(name): column for name, column in _texts(told, "columns").items()}
    _known(columns.values(), COLUMNS_OF_TABLES, "column")
    cases = _texts(told, "cases")
    if any(not CASE_ID.fullmatch(case_id) for case_id in cases.values()):
        raise ValueError("case id under [cases]: expected letters, digits, '-' and '_'")
    return LabMapping(
        columns=columns,
        analytes=_analytes(told, rules),
        units=_texts(told, "units"),
        constants=constants,
        cases={_pseudonym(number): case_id for number, case_id in cases.items()},
        sheets=_names(told, "sheets"),
        dates=_word(told, "dates", ORDERS),
        decimal=_word(told, "decimal", _MARKS),
        insulin_factor=_factor(told),
        confirmed_units=_confirmed_units(told, rules),
    )


def _pseudonym(number: str) -> str:
    """Return what a number is read as: one of an authority is written "authority|number"."""
    authority, _, value = number.rpartition("|")
    return pseudonym_of([(authority, value)])


def _analytes(told: Mapping[str, Any], rules: Rules) -> dict[str, Mapped]:
    found = {}
    for name, one in _table(told, "analytes").items():
        stated = {"marker": one} if isinstance(one, str) else one
        if not isinstance(stated, Mapping) or not all(isinstance(x, str) for x in stated.values()):
            raise ValueError("analyte: expected a marker, or { marker = …, unit = … }")
        _known(stated, ("marker", "unit"), "key")
        _known([stated.get("marker", "")], rules.markers, "marker")
        found[fold_name(name)] = Mapped(marker=stated["marker"], unit=stated.get("unit", ""))
    return found


def _confirmed_units(told: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    markers = _names(told, "confirmed_units")
    _known(markers, rules.markers, "marker")
    return markers


def _names(told: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = told.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"'{key}': expected a list of names")
    return tuple(names)


def _factor(told: Mapping[str, Any]) -> float | None:
    if "insulin_pmol_per_mU" not in told:
        return None
    factor = told["insulin_pmol_per_mU"]
    least, most = _INSULIN_FACTORS
    if (
        isinstance(factor, bool)
        or not isinstance(factor, int | float)
        or not least <= factor <= most
    ):
        raise ValueError(f"'insulin_pmol_per_mU': expected a number from {least:g} to {most:g}")
    return float(factor)


def _word(told: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str:
    if key in told and told[key] not in words:
        raise ValueError(f"'{key}': expected one of {' '.join(words)}")
    return str(told.get(key, ""))


def _one(told: Mapping[str, Any], key: str, kind: type) -> Any:
    if not isinstance(told[key], kind):
        raise ValueError(f"'{key}': expected a text")
    return told[key]


def _texts(told: Mapping[str, Any], key: str) -> dict[str, str]:
    table = _table(told, key)
    if not all(isinstance(text, str) for text in table.values()):
        raise ValueError(f"value under [{key}]: expected a text")
    return table


def _table(told: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = told.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"'{key}': expected a table")
    return table


def _known(found: Any, known: Any, what: str) -> None:
    for name in found:
        if name not in known:
            raise ValueError(f"{what} '{name}': expected one of {', '.join(sorted(known))}")


_KEYS = (
    *("columns", "analytes", "units", "constants", "cases"),
    *("laboratory", "sheets", "dates", "decimal", "insulin_pmol_per_mU", "confirmed_units"),
)
