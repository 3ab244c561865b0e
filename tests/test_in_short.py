"""What a run remembers of a case: phase, open flags and number of visits, and no value."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.model import Flag, OpenFlag, Urgency
from pipeline.narrate.safety import in_order
from pipeline.publish.in_short import case_in_short


def golden_cases() -> list[dict[str, Any]]:
    """Return case.json of every golden case."""
    files = sorted((Path(__file__).parent / "data").glob("*/expected.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


def as_reports_tell_them(flags: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of open flags in the order of the reports."""
    nothing: dict[str, Any] = {"open": True, "variants": (), "evidence": (), "rows": ()}
    found = [
        OpenFlag(
            id=one["id"],
            urgency=Urgency(one["urgency"]),
            if_correct=one["if_correct"],
            bases=tuple(
                (
                    dt.date.fromisoformat(base["date"]),
                    Flag(
                        id=one["id"],
                        urgency=Urgency(base["urgency"]),
                        branches=tuple(base["branches"]),
                        **nothing,
                    ),
                )
                for base in one["bases"]
            ),
        )
        for one in flags
    ]
    return [flag.id for flag in in_order(found)]


def test_of_a_case_phase_flags_and_number_of_visits_are_remembered_and_no_value() -> None:
    cases = golden_cases()
    assert len(cases) > 150
    for case in cases:
        short = case_in_short(case)
        last = case["visits"][-1]
        assert (short.phase, short.last_visit) == (last["phase"]["id"], last["date"])
        assert short.visits == len(case["visits"])
        assert [flag.id for flag in short.flags] == as_reports_tell_them(case["open_flags"])
    assert set(short.__slots__) == {"phase", "qualifiers", "flags", "visits", "last_visit"}


def test_thoughts_of_suicide_come_before_all_others_of_their_urgency() -> None:
    thoughts = {
        "id": "SF-25",
        "urgency": "E",
        "if_correct": False,
        "bases": [{"date": "2025-01-01", "urgency": "E", "branches": ["suicidal"]}],
    }
    other = thoughts | {"id": "SF-01"}
    flags = [other, thoughts | {"if_correct": True}, thoughts]
    short = case_in_short({"visits": [], "open_flags": flags})
    assert [flag.id for flag in short.flags] == as_reports_tell_them(flags)
    assert [flag.id for flag in short.flags] == ["SF-25", "SF-25", "SF-01"]


def test_a_result_that_tells_less_is_less_known_and_no_error() -> None:
    short = case_in_short({"visits": []})
    assert (short.phase, short.flags, short.visits) == ("", (), 0)
