"""Middle floor. Parts the rows that may be used from those that are set aside, and says why."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.model import ACCEPTED_COLUMNS
from pipeline.resources import resource_path
from pipeline.rules import Rules
from pipeline.validate.comparisons import repetition_of, with_comparisons
from pipeline.validate.own_suite import OwnSuite, own_suite_of
from pipeline.validate.suite import Failure, Suite, failures_of, load_suite

__all__ = [
    "OwnSuite",
    "Validated",
    "kinds_of_reasons",
    "own_suite_of",
    "reasons_by_severity",
    "repetition_of",
    "split_by_expectations",
]

_ALONE = "row-width"  # a row that could not be divided says nothing else
# What is the matter with a whole column is said once, in place of what follows from it.
_OF_COLUMN = "unit-column"
_FOLLOWS = frozenset({"implausible", "unit-likely", "interval-conflicts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """All rows of an intake, parted. Both tables keep the index and the order of what came in."""

    accepted: pd.DataFrame  # ACCEPTED_COLUMNS; notes: the words of the warnings, between ";"
    set_aside: pd.DataFrame  # every column, and reasons: words between ";"; low, high: see below


def split_by_expectations(
    rows: pd.DataFrame,
    *,
    as_of: dt.date,
    rules: Rules,
    confirmed: Collection[str] = (),
    own: OwnSuite | None = None,
) -> Validated:
    """Return normalised rows, parted by the expectations of ``expectations/lab_rows.json``.

    A row that breaks a critical expectation is set aside with each reason as a word, in the order
    of the suite; one that only breaks a warning is accepted with the word as a note. ``rows`` also
    say whose they are: ``source`` (the number of the file), ``folder_case`` ("" in a table of
    many), ``birth_year`` (float) and ``person`` (see ``people_of``). Accepted and set aside
    together are all rows. Of a row whose unit is missing or unknown, ``low`` and ``high`` are set
    aside as if it were the canonical one. ``confirmed`` are the markers of which a person made sure
    of the unit; ``own`` is the practice's own suite, asked beside ours.

    Raises RulesError where an expectation could not be judged.
    """
    numbered = rows.reset_index(drop=True)
    compared = with_comparisons(numbered, as_of=as_of, rules=rules, confirmed=confirmed)
    failures = failures_of(compared, _suite())
    failures += [] if own is None else own.failures_of(compared)
    reasons = _words(failures, severity="critical", size=len(compared))
    notes = _words(failures, severity="warning", size=len(compared))
    aside = reasons != ""
    told = compared.assign(notes=notes, reasons=reasons)
    as_if = {end: told[end].fillna(told[f"if_{end}"]) for end in ("low", "high")}
    return Validated(
        accepted=told[~aside].reindex(columns=list(ACCEPTED_COLUMNS)),
        set_aside=told.assign(**as_if)[aside],
    )


def reasons_by_severity(own: OwnSuite | None = None) -> dict[str, tuple[str, ...]]:
    """Return the reasons of the suites in their order: the critical ones, then the warnings.

    Raises RulesError where the suite cannot be loaded.
    """
    pairs = [(one.severity.value, (one.meta or {})["reason"]) for one in _suite().expectations]
    pairs += [] if own is None else own.severities
    return {
        severity: tuple(dict.fromkeys(reason for own, reason in pairs if own == severity))
        for severity in ("critical", "warning")
    }


def kinds_of_reasons() -> dict[str, str]:
    """Return of each reason of ours its kind of data quality, as Kahn et al. divide them.

    Raises RulesError where the suite cannot be loaded.
    """
    metas = [one.meta or {} for one in _suite().expectations]
    return {meta["reason"]: meta["kahn"] for meta in metas}


def _suite() -> Suite:
    return load_suite(resource_path("expectations/lab_rows.json"))


def _words(failures: list[Failure], *, severity: str, size: int) -> np.ndarray:
    """Return for each row the reasons of one severity, joined by ";"."""
    found: dict[int, dict[str, None]] = {}  # as a set that keeps its order
    for failure in failures:
        if failure.severity == severity:
            for row in failure.rows:
                found.setdefault(row, {})[failure.reason] = None
    words = np.full(size, "", dtype=object)
    for row, reasons in found.items():
        words[row] = ";".join(_said(reasons))
    return words


def _said(reasons: Collection[str]) -> Collection[str]:
    """Return the reasons without those that only follow from another."""
    if _ALONE in reasons:
        return [_ALONE]
    if _OF_COLUMN in reasons:
        return [reason for reason in reasons if reason not in _FOLLOWS]
    return reasons
