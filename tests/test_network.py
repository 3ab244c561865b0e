"""The picture of what hangs together holds the rules that hold, and nothing else."""

import re

import pytest
from golden import FOLDERS, interpretation_of, story_of
from sizes import sized

from pipeline.interpret import interpret, with_numbered_files
from pipeline.model import Audience, Interpretation
from pipeline.narrate import narrate
from pipeline.read import read_case_input
from pipeline.story import Network, Section, Story

pytestmark = pytest.mark.xdist_group("golden")
HOLDS = {"met", "score_fits", "metald", "alcohol", "prediabetes", "diabetes", "ifg", "igt"}


def networks(story: Story) -> dict[str, Network]:
    """Return the pictures of a story by date."""
    found = {}
    stack: list[Section] = list(story.sections)
    while stack:
        section = stack.pop()
        stack += section.subsections
        for block in section.blocks:
            if isinstance(block, Network):
                found[block.id.removeprefix("network-")] = block
    return found


def grounds(picture: Network) -> dict[str, set[str]]:
    """Return each rule with its findings, as the links join them."""
    joined: dict[str, set[str]] = {" ".join(rule): set() for rule in picture.rules}
    for finding, rule in picture.links:
        joined[" ".join(picture.rules[rule])].add(" ".join(picture.findings[finding]))
    return joined


@pytest.mark.parametrize("name", [folder.name for folder in FOLDERS[:: sized(4, full=1)]])
def test_every_rule_of_a_picture_holds_and_its_words_say_what_its_lines_do(name: str) -> None:
    case: Interpretation = interpretation_of(name)
    for date, picture in networks(story_of(name, "nl", Audience.CLINICIAN)).items():
        visit = next(one for one in case.visits if one.date.isoformat() == date)
        joined = grounds(picture)
        assert all(joined.values())
        assert any(
            left & right
            for rule, left in joined.items()
            for other, right in joined.items()
            if rule != other
        )
        flags = {rule.split(":")[0] for rule in joined if rule.startswith("SF-")}
        assert flags <= {flag.id for flag in visit.flags}
        holding = {one.id for one in visit.classifications if one.result in HOLDS}
        assert sum("MAFLD" in rule for rule in joined) <= ("mafld" in holding)
        assert sum("MASLD" in rule for rule in joined) <= ("masld" in holding)
        assert sum("Metabool" in rule for rule in joined) <= ("metabolic_syndrome" in holding)
        rows = [row.cells for group in picture.table.groups for row in group.rows]
        assert len(rows) == len(picture.rules)
        for (rule, found), (drawn, joined) in zip(rows, grounds(picture).items(), strict=True):
            assert rule.casefold() == drawn.casefold()
            said = {one.casefold() for one in re.split(r", | en ", found)}
            assert said >= {one.casefold() for one in joined if " en " not in one}
            assert rule in picture.alt


def test_what_started_as_one_web_comes_apart() -> None:
    case = interpret(read_case_input(""))
    found = networks(narrate(with_numbered_files(case), "nl"))
    assert sorted(found) == ["2023-09-04", "2024-05-06"]
    first, later = grounds(found["2023-09-04"]), grounds(found["2024-05-06"])
    assert "Nuchtere insuline" in first["Fase: Compensatiefase"]
    assert "Triglyceriden" in first["MAFLD (2020)"]
    assert len(later) < len(first)
