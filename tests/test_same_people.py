"""The same twelve people in every format give equal rows and equal results."""

import datetime as dt
import json
from typing import Any

import pytest
from clinic import RULES
from same_people import WRITERS, results, write
from sizes import sized

from pipeline.export import case_json
from pipeline.intake import Intake, take_in
from pipeline.interpret import interpret

AS_OF = dt.date(2024, 6, 1)
# what may differ: where a row stands, how the laboratory wrote value and unit, and its own words
_OWN = (
    "row",
    "source",
    "value_as_reported",
    "unit_as_reported",
    "status",
    "lab",
    "mg_low",
    "mg_high",
)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Intake]:
    folder = tmp_path_factory.mktemp("same")
    return {name: take_in([write(folder, name)], as_of=AS_OF, rules=RULES) for name in WRITERS}


@pytest.mark.parametrize("name", WRITERS)
def test_every_result_is_accepted(taken: dict[str, Intake], name: str) -> None:
    counts = taken[name].counts
    assert (counts["accepted"], counts["set_aside"]) == (len(list(results())), 0)


@pytest.mark.parametrize("name", WRITERS)
def test_accepted_rows_are_equal(taken: dict[str, Intake], name: str) -> None:
    order = ["case_id", "marker"]
    one, other = (
        taken[key].accepted.drop(columns=list(_OWN)).sort_values(order).reset_index(drop=True)
        for key in ("long.csv", name)
    )
    one.compare(other)
    assert one.equals(other)


@pytest.fixture(scope="module")
def expected(taken: dict[str, Intake]) -> dict[str, Any]:
    """Return the result of each person out of the plainest file."""
    plain = taken["long.csv"]
    return {case_id: _result(plain, case_id) for case_id in plain.case_ids}


@pytest.mark.parametrize("name", WRITERS)
def test_results_are_equal_but_for_where_they_stand(
    taken: dict[str, Intake], expected: dict[str, Any], name: str
) -> None:
    for case_id, result in list(expected.items())[:: sized(4, full=1)]:
        assert _result(taken[name], case_id) == result


def _result(intake: Intake, case_id: str) -> Any:
    return _without(json.loads(json.dumps(case_json(interpret(intake.case(case_id), RULES)))))


def _without(value: Any) -> Any:
    """Return a result without row ids and reported texts."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("rows", "reported", "row")}
        return {key: _without(one) for key, one in kept.items()}
    return [_without(one) for one in value] if isinstance(value, list) else value
