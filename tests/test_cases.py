"""Golden cases: each folder of ``tests/data`` is a case that a person can check with a calculator.

``case.toml`` and a lab file (or ``lab.txt``, drawn: a line a sample, a column a marker) go in;
``expected.json`` is the case.json that must come out, written by ``make expected`` and reviewed.
``why.md`` says in three lines what the case shows, the arithmetic, and the paragraph of the
specification; what its first line claims was written by hand, and is checked by itself.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from claims import claims_of, disagreements
from golden import FOLDERS, WHY, expected, told

from pipeline.criteria import DEFINITIONS
from pipeline.interpret.weakness import REASONS
from pipeline.language import Language
from pipeline.model import Limit
from pipeline.rules import load_rules

pytestmark = pytest.mark.xdist_group("golden")  # one worker interprets all of them, once
RULES = load_rules()
each_case = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
Case = dict[str, Any]


@each_case
def test_a_case_is_interpreted_as_expected(folder: Path) -> None:
    reviewed = expected(folder)
    versions = {"versions": reviewed["versions"]}  # the program's version is no part of a case
    assert {**told(folder), **versions} == reviewed


@each_case
def test_a_case_shows_what_a_person_worked_out_by_hand(folder: Path) -> None:
    why = (folder / WHY).read_text(encoding="utf-8")
    assert disagreements(claims_of(why), expected(folder)) == []


@each_case
def test_why_is_what_it_shows_the_arithmetic_and_the_paragraph(folder: Path) -> None:
    lines = (folder / WHY).read_text(encoding="utf-8").splitlines()
    starts = [line.partition(":")[0] for line in lines]
    assert starts == ["Shows", "Arithmetic", "Specification"]
    assert "phase" in [claim[0] for claim in claims_of(lines[0])]
    assert re.search(r"§\d+(\.\d+)?\b", lines[2])


def test_the_paragraphs_named_are_those_of_the_specification(shared: Path) -> None:
    headings = re.findall(
        r"^#+ (\d+(?:\.\d+)?)[. ]",
        (shared / "clinical/specification.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    for folder in FOLDERS:
        last = (folder / WHY).read_text(encoding="utf-8").splitlines()[2]
        assert set(re.findall(r"§(\d+(?:\.\d+)?)", last)) <= set(headings), folder.name


# What all cases together show: counted in expected.json, not in what they claim.


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [expected(folder) for folder in FOLDERS]


def visits_of(cases: Iterable[Case]) -> Iterator[dict[str, Any]]:
    return (visit for case in cases for visit in case["visits"])


def test_there_are_many_cases() -> None:
    assert len(FOLDERS) >= 46


def test_every_phase_rule_and_every_qualifier_is_shown(cases: list[Case]) -> None:
    phases = [visit["phase"] for visit in visits_of(cases)]
    assert {phase["rule"] for phase in phases} == {row.rule for row in RULES.phases}
    emitted = {word for row in RULES.phases for word in (*row.always, *row.sometimes)}
    emitted |= {"low_glucose", "nonfasting_raised", "insulin_unit_sensitive"}
    assert {word for phase in phases for word in phase["qualifiers"]} == emitted


def test_every_class_and_every_confidence_is_shown(cases: list[Case]) -> None:
    phases = [visit["phase"] for visit in visits_of(cases)]
    assert {one["g_class"] for one in phases} == {"G?", "G0", "G1", "G2A", "G2W", "G3"}
    assert {one["i_class"] for one in phases} == {"I?", "I0", "I1", "I2"}
    assert {one["confidence"] for one in phases} == {"high", "moderate", "low", None}
    pairs = {(one["g_class"], one["i_class"]) for one in phases}
    assert len(pairs) >= 18


def test_every_branch_and_variant_of_every_flag_is_shown(cases: list[Case]) -> None:
    shown = {
        (flag["id"], word)
        for visit in visits_of(cases)
        for flag in visit["flags"]
        for word in (*flag["branches"], *flag["variants"])
    }
    assert {(row.flag, row.branch) for row in RULES.flags} == shown


def test_flags_are_shown_as_open_closed_doubtful_and_not_assessable(cases: list[Case]) -> None:
    histories = [flag for case in cases for flag in case["flags"]]
    assert {flag["open"] for flag in histories} == {True, False}
    assert any(flag["if_correct"] for visit in visits_of(cases) for flag in visit["flags"])
    assert any(visit["not_assessable"] for visit in visits_of(cases))


def test_every_contra_indication_withholds_or_changes_advice(cases: list[Case]) -> None:
    items = [item for case in cases for item in case["plan"]]
    acted = {id for item in items for id in (*item["withheld_by"], *item["changed_by"])}
    assert {f"CI-{number:02}" for number in range(1, 16)} <= acted
    withheld = {id for item in items for id in item["withheld_by"]}
    rows = RULES.contraindications
    assert {row.id for row in rows if row.id.startswith("CI-") and row.withholds} <= withheld


def test_every_piece_of_advice_is_given(cases: list[Case]) -> None:
    items = [item for case in cases for item in case["plan"]]
    given = {item["id"] for item in items if not item["withheld_by"]}
    assert {row.id for row in RULES.plan} - given == {"D5-ashwagandha"}  # never: CI-07


def test_every_reason_to_weaken_a_reading_is_shown(cases: list[Case]) -> None:
    words = {one["word"] for visit in visits_of(cases) for one in visit["reservations"]}
    assert words == set(REASONS)


def test_every_reason_not_to_count_a_genotype_is_shown(cases: list[Case]) -> None:
    genotypes = [one for case in cases for one in case["genotypes"]]
    assert {one["copies"] for one in genotypes} == {0, 1, 2, None}
    told_as = Language.load("en").texts["genotypes"]["reasons"]
    assert set(told_as) <= {one["reason"] for one in genotypes}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_result_of_a_classification_is_shown(cases: list[Case], name: str) -> None:
    shown = {
        one["result"]
        for visit in visits_of(cases)
        for one in visit["classifications"]
        if one["id"] == name
    }
    assert shown - {None} == set(DEFINITIONS[name].results)


# The edges: in one case the value under, on and over the limit. The plan is of the last visit only,
# so that the sides of its limits are cases of their own.

NOT_AN_EDGE = {
    "signal-fli": "an exponent, which is 60 for no printable input",
    "masld-fli-low": "an exponent too",
    "tyg-variant-b": "of a reported value, which is no finding where ours is computed: test_derive",
    "rh-cgm-tbr": "nothing lies under 0 % of the time",
    "unit-haemoglobin": "what lies over it is set aside: test_units",
    "unit-ft4": "what lies under it is set aside: test_units",
    "unit-ft4-high": "what lies over it is set aside: test_units",
    "unit-calcium": "what lies under it is set aside: test_units",
    "unit-triglycerides": "it asks too whether the number is usual in mg/dL: test_units",
    "plan-titr": "shown at 92 and 93",
    "plan-calprotectin": "shown at 50 and 51",
}
EDGES = {
    limit.id: limit
    for limit in RULES.limits
    if limit.set == "rule" and limit.marker in RULES.markers and limit.unit != "{ULN}"
}


@pytest.mark.parametrize("id", sorted(set(EDGES) - set(NOT_AN_EDGE)))
def test_an_edge_is_shown_from_just_under_to_just_over(cases: list[Case], id: str) -> None:
    sides = [sides_of(case, EDGES[id]) for case in cases]
    assert {"under", "on", "over"} in ([set().union(*sides)] if id.startswith("plan-") else sides)


def test_what_is_no_edge_is_a_limit() -> None:
    assert set(NOT_AN_EDGE) <= set(EDGES)


def sides_of(case: Case, limit: Limit) -> set[str]:
    """Return on which sides of a limit the values of a case lie that are near it."""
    values = [
        finding["value"]
        for visit in case["visits"]
        for finding in visit["findings"]
        if finding["marker"] == limit.marker and not finding["comparator"]
    ]
    near = [value for value in values if abs(value - limit.value) <= limit.value / 4]
    return {"on" if v == limit.value else "over" if v > limit.value else "under" for v in near}
