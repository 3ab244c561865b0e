"""Urgency decides of every flag what is said, where it stands, and who must have seen it."""

import datetime as dt
from dataclasses import replace

import pytest
from clinic import RULES, case, lab

from pipeline.export import case_json
from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.model import Flag, OpenFlag, Urgency
from pipeline.narrate import narrate
from pipeline.story import Callout

FOUND = interpret(case(lab({"tsh": 2}, date="2025-09-01T08:00")))
DAY: dt.date = FOUND.visits[0].date
BRANCHES = [row for row in RULES.flags if row.kind == "branch"]
LEVELS = {"E": "emergency", "U": "urgent", "R": "routine", "-": "banner"}
each_language = pytest.mark.parametrize("language", ["nl", "en"])


def opened(id: str, branch: str, urgency: Urgency) -> OpenFlag:
    held = Flag(
        id=id, urgency=urgency, open=True, branches=(branch,), variants=(), evidence=(), rows=()
    )
    return OpenFlag(id=id, urgency=urgency, if_correct=False, bases=((DAY, held),))


def urgency_of(row: object) -> Urgency:
    return getattr(row, "urgency", None) or Urgency.BANNER


def every_flag() -> tuple[OpenFlag, ...]:
    """Return each flag open once for each of its urgencies."""
    found = {(row.flag, urgency_of(row)): row.branch for row in BRANCHES}
    return tuple(opened(id, branch, urgency) for (id, urgency), branch in found.items())


def boxes(language: str) -> list[Callout]:
    story = narrate(replace(FOUND, open_flags=every_flag()), language)
    summary = story.section("summary")
    assert summary is not None
    assert story.sections[0] is summary
    return [block for block in summary.blocks if isinstance(block, Callout)]


@each_language
def test_the_most_urgent_stands_first_and_the_phase_last(language: str) -> None:
    order = [*LEVELS.values(), "phase"]
    places = [order.index(box.level) for box in boxes(language)]
    assert places == sorted(places)
    assert len(places) == len(every_flag()) + 1


@each_language
def test_each_box_says_its_urgency_in_words_and_whether_it_must_be_acknowledged(
    language: str,
) -> None:
    texts = Language.load(language)
    told = {(box.id, box.level): box for box in boxes(language)}
    for flag in every_flag():
        box = told[flag.id, LEVELS[flag.urgency]]
        assert box.label == texts.text(f"report.urgency.{box.level}")
        key = "needed" if flag.urgency in ("E", "U") else "not_needed"
        assert box.sentences[-1].key == f"report.acknowledgement.{key}"


@each_language
def test_only_what_needs_it_asks_for_acknowledgement_and_both_differ(language: str) -> None:
    texts = Language.load(language)
    needed, not_needed = (
        texts.text(f"report.acknowledgement.{key}") for key in ("needed", "not_needed")
    )
    assert needed != not_needed
    assert [one for one in Urgency if one.needs_acknowledgement] == ["E", "U"]


def test_case_json_says_the_same_of_every_open_flag() -> None:
    found = case_json(replace(FOUND, open_flags=every_flag()))
    for flag in found["open_flags"]:
        assert flag["acknowledge"] is (flag["urgency"] in ("E", "U"))
