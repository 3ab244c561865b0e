"""Middle floor. Runs a suite of Great Expectations over a table and names the rows that fail it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.errors import RulesError
from pipeline.validate.library import library

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

    Suite = ExpectationSuite
else:
    Suite = Any

_COLUMNS = ("column", "column_A", "column_B")
_WHETHER = {"result_format": "BOOLEAN_ONLY"}
_COMPLETE = {"result_format": "COMPLETE"}  # the default keeps twenty failing rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One broken expectation: its reason, how serious it is, and the labels of its rows."""

    reason: str
    severity: str  # critical or warning
    rows: Sequence[int]


def is_of_a_row(expectation: object) -> bool:
    """Return whether an expectation names the rows that break it."""
    kinds = library().expectations.expectation
    return isinstance(expectation, kinds.ColumnMapExpectation | kinds.ColumnPairMapExpectation)


def load_suite(path: Path) -> Suite:
    """Return the suite of a JSON file; each expectation has a reason and a severity.

    Raises RulesError where it is no suite, or an expectation lacks one of the two.
    """
    return _loaded(path.name, path.read_bytes())


@lru_cache(maxsize=4)  # a run asks several times what the reasons of its suite are
def _loaded(name: str, content: bytes) -> Suite:
    try:
        told = json.loads(content.decode("utf-8"))
    except ValueError as error:
        raise RulesError(f"Unable to load the expectations of '{name}': {error}") from None
    return suite_of(told, name=name)


def suite_of(told: Any, *, name: str) -> Suite:
    """Return the suite that the JSON of file ``name`` tells of.

    Raises RulesError as ``load_suite`` does.
    """
    try:
        suite: Suite = library().ExpectationSuite(**told)
        count = len(told["expectations"])
    except (ValueError, TypeError, KeyError) as error:
        raise RulesError(f"Unable to load the expectations of '{name}': {error}") from None
    if len(suite.expectations) != count:
        # The library leaves out, with a line in its log, an expectation it does not know.
        raise RulesError(f"Unrecognised expectation in '{name}'.")
    for number, expectation in enumerate(suite.expectations, start=1):
        if not (expectation.meta or {}).get("reason") or expectation.severity == "info":
            raise RulesError(
                f"Expected expectation {number} of '{name}' to have a reason and a severity."
            )
    return suite


def part_of(suite: Suite, expectations: Sequence[Any]) -> Suite:
    """Return some expectations of a suite as a suite of its name."""
    part: Suite = library().ExpectationSuite(name=suite.name, expectations=list(expectations))
    return part


def failures_of(rows: pd.DataFrame, suite: Suite) -> list[Failure]:
    """Return the broken expectations in the order of the suite, each with the rows that break it.

    ``rows`` has an unnamed unique index: with a named one Great Expectations answers with values
    beside the labels, slowly.

    Raises RulesError where a column is absent, an expectation raised an exception, or it failed
    without naming a row: rows that nobody judged must not pass.
    """
    used = _columns_of(suite)
    for column in used:
        if column not in rows:
            raise RulesError(f"Unable to judge the rows: there is no column '{column}'.")
    by_reason = _in_order(suite)
    failures = [_failure(one) for one in _judged(_batch(rows[used]), suite) if _is_broken(one)]
    return sorted(failures, key=lambda failure: by_reason[failure.reason])


def _judged(batch: Any, suite: Suite) -> list[Any]:
    """Return what became of the expectations that may be broken, with the rows that break them.

    Most hold, and to say so takes half the time of naming rows: only the others are asked twice.
    """
    held = batch.validate(suite, result_format=_WHETHER).results
    broken = {_reason(one) for one in held if not one.success}
    asked = [one for one in suite.expectations if (one.meta or {})["reason"] in broken]
    if not asked:
        return list(held)
    return list(batch.validate(part_of(suite, asked), result_format=_COMPLETE).results)


def _batch(rows: pd.DataFrame) -> Any:
    """Return the table as a batch of a context that lives in memory and shows no bars."""
    context = library().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("lab").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})


def _columns_of(suite: Suite) -> list[str]:
    used = [getattr(one, name, None) for one in suite.expectations for name in _COLUMNS]
    return sorted({column for column in used if column})


def _in_order(suite: Suite) -> dict[str, int]:
    reasons = [(expectation.meta or {})["reason"] for expectation in suite.expectations]
    return {reason: place for place, reason in reversed(list(enumerate(reasons)))}


def _is_broken(one: Any) -> bool:
    """Return whether an expectation failed; an exception inside it is no failure but an error."""
    reason = _reason(one)
    if any(_raised(one.exception_info)):
        raise RulesError(f"Unable to judge the rows of this file: '{reason}' raised an exception.")
    if not one.success and not one.result.get("unexpected_index_list"):
        raise RulesError(f"Unable to judge the rows of this file: '{reason}' names none.")
    return not one.success


def _reason(one: Any) -> str:
    return str(one.expectation_config.meta["reason"])


def _raised(info: Any) -> Iterable[bool]:
    """Yield whether an exception was raised, from either of the two shapes the library gives."""
    if "raised_exception" in info:
        yield bool(info["raised_exception"])
    else:
        yield from (bool(one["raised_exception"]) for one in info.values())


def _failure(one: Any) -> Failure:
    return Failure(
        reason=_reason(one),
        severity=str(one.expectation_config.severity.value),
        rows=one.result["unexpected_index_list"],
    )
