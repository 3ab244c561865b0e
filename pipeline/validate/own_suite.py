"""Middle floor. Takes up the practice's own expectations, which are asked beside the built-in ones.

Each is a Great Expectations expectation of one row: of a column, or of a pair of columns. It may
hold of one marker only. It can set rows aside or note them; it cannot accept what ours set aside.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from pipeline.errors import RulesError
from pipeline.model import OWN_REASON
from pipeline.validate.suite import Failure, Suite, failures_of, is_of_a_row, part_of, suite_of

_MOST_CHARACTERS = 256_000
_REASON = re.compile(rf"{OWN_REASON}[a-z0-9-]{{1,40}}")
_LEAVES_ROWS = ("row_condition", "condition_parser", "mostly")  # some of them run text as code
_MAY_ASK = (
    *("marker", "low", "high", "comparator", "unit_as_reported", "ref_low", "ref_high"),
    *("lab", "method", "specimen", "haemolysis", "status", "fasting_hours", "comment"),
    *("sample_id", "collected_at", "date", "issued", "as_of", "born"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSuite:
    """The expectations of a practice: a suite for each marker ("" for all), and what each says."""

    suites: tuple[tuple[str, Suite], ...]
    says: Mapping[str, Mapping[str, str]]  # reason -> language -> sentence
    severities: tuple[tuple[str, str], ...]  # critical or warning, and the reason

    def failures_of(self, rows: pd.DataFrame) -> Iterator[Failure]:
        """Yield the broken expectations, each with the rows that break it.

        Raises RulesError where one of them could not be judged.
        """
        for marker, suite in self.suites:
            own = rows if not marker else rows[rows["marker"] == marker]
            if len(own):
                yield from failures_of(own, suite)


def own_suite_of(text: str, *, name: str, markers: Collection[str]) -> OwnSuite:
    """Return the expectations of a practice's file ``name``, by its text.

    Raises RulesError where it is no suite of expectations of rows, or one of them has no reason
    that begins with "own-", no sentence in Dutch and English, or asks for what a row does not have.
    """
    if len(text) > _MOST_CHARACTERS:
        raise RulesError(f"Unable to read '{name}': a suite is at most 256 kB.")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise RulesError(f"Unable to read '{name}': it is not JSON.") from None
    for number, left in _that_leave_rows(told):
        raise RulesError(
            f"Unable to use expectation {number} of '{name}': '{left}' would leave rows unjudged;"
            " name a marker under meta."
        )
    suite = suite_of(told, name=name)
    for number, expectation in enumerate(suite.expectations, start=1):
        if fault := _fault(expectation, markers):
            raise RulesError(f"Unable to use expectation {number} of '{name}': {fault}.")
    metas = [(_meta(one)["reason"], one) for one in suite.expectations]
    return OwnSuite(
        suites=tuple(_by_marker(suite)),
        says={reason: _meta(one)["says"] for reason, one in metas},
        severities=tuple((str(one.severity.value), reason) for reason, one in metas),
    )


def _that_leave_rows(told: Any) -> Iterator[tuple[int, str]]:
    """Yield the number of each expectation that does not ask every row, and by what key.

    Asked of the JSON, before the library makes an expectation of it; other shapes it refuses.
    """
    listed = told.get("expectations") if isinstance(told, Mapping) else None
    for number, one in enumerate(listed if isinstance(listed, list) else (), start=1):
        asked = one.get("kwargs") if isinstance(one, Mapping) else None
        if isinstance(asked, Mapping):
            yield from ((number, key) for key in _LEAVES_ROWS if key in asked)


def _meta(expectation: Any) -> Mapping[str, Any]:
    return expectation.meta or {}


def _fault(expectation: Any, markers: Collection[str]) -> str:
    """Return why an expectation cannot be used, "" where it can."""
    meta, asked = _meta(expectation), expectation.configuration.kwargs
    if not is_of_a_row(expectation):
        return "expected an expectation of a column, or of a pair of columns, that names rows"
    columns = [asked[key] for key in ("column", "column_A", "column_B") if key in asked]
    if unknown := [column for column in columns if column not in _MAY_ASK]:
        return f"unrecognised column '{unknown[0]}': expected one of {', '.join(_MAY_ASK)}"
    if not _REASON.fullmatch(str(meta["reason"])):
        return f"expected a reason as '{OWN_REASON}ferritin-high'"
    says = meta.get("says")
    if not isinstance(says, Mapping) or not all(isinstance(says.get(x), str) for x in ("nl", "en")):
        return "expected 'says' under meta, with a sentence in nl and one in en"
    if (marker := meta.get("marker", "")) and marker not in markers:
        return f"unrecognised marker '{marker}'"
    return ""


def _by_marker(suite: Suite) -> Iterator[tuple[str, Suite]]:
    def marker_of(expectation: Any) -> str:
        return str(_meta(expectation).get("marker", ""))

    for marker, own in groupby(sorted(suite.expectations, key=marker_of), key=marker_of):
        yield marker, part_of(suite, list(own))
