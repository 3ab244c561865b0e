"""Middle floor. Reads the practice's own targets, the TOML file of ``--rules``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import RulesError
from pipeline.read.toml_file import read_toml
from pipeline.rules import Rules
from pipeline.rules.targets import CONVENTION, MAY_BE_SET

Row = Mapping[str, Any]
_TABLE = "targets"


def read_overlay(path: Path, rules: Rules) -> Rules:
    """Return the built-in facts with the targets of a practice, as its file states them.

    Raises RulesError, with the file's name, where the file cannot be read or asks for anything but
    functional targets and the convention of TG/HDL.
    """
    told = read_toml(path, error=RulesError)
    try:
        return rules.with_targets(_rows(told))
    except RulesError as error:
        raise RulesError(f"'{path.name}': {error}") from None


def _rows(told: Row) -> tuple[Row, ...]:
    """Return a row for each target, in the order of their markers, and one for the convention."""
    unknown = sorted(set(told) - {CONVENTION, _TABLE})
    if unknown:
        raise RulesError(f"Unrecognised key '{unknown[0]}': {MAY_BE_SET}.")
    targets = told.get(_TABLE, {})
    if not isinstance(targets, Mapping) or not all(
        isinstance(one, Mapping) for one in targets.values()
    ):
        raise RulesError(f"Expected a table a marker under [{_TABLE}]: {MAY_BE_SET}.")
    rows = [_row(marker, one) for marker, one in sorted(targets.items())]
    return (*({CONVENTION: told[CONVENTION]} for _ in range(CONVENTION in told)), *rows)


def _row(marker: str, told: Row) -> Row:
    if "marker" in told:
        raise RulesError(f"Unrecognised key 'marker': {MAY_BE_SET}.")
    return {"marker": marker, **told}
