"""Every number that a report states can be traced: to case.json, to its own text, or by a rule."""

import datetime as dt
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest
from golden import FOLDERS, interpretation_of, story_of

from pipeline.export import case_json
from pipeline.interpret import interpret, with_numbered_files
from pipeline.language import Language
from pipeline.model import Audience, Interpretation
from pipeline.narrate import narrate
from pipeline.narrate.provenance import sentences_of
from pipeline.read import read_case_input
from pipeline.rules import load_rules
from pipeline.story import Row, Section, Sentence, Story, Table

RULES = load_rules()
pytestmark = pytest.mark.xdist_group("golden")  # one worker interprets all of them, once
LANGUAGES = ("nl", "en")
AUDIENCES = tuple(Audience)
NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)?")
MOST_DECIMALS = 6

# What a text may draw from beside the text of its own key: the names of things, each with a number
# of its own ("glucose 120 min", "1,73 m²", "SF-03"), and the words of rules.
NAMES = (
    "markers",
    "report.units",
    "report.bodies",
    "report.domains",
    "phases",
    "context",
    "reasons",
    "criteria",
    "methods.formulas",
)
# Sentences that are put together of several texts: of which.
TOGETHER = {
    "plan.items": ("plan.protein", "plan.grades", "plan.reasons", "plan.view", "plan.client"),
    "plan.withheld_item": ("plan.reasons", "plan.items"),
    "plan.contraindication": ("plan.ci", "plan.reasons"),
    "plan.safety_first": (),
    "report.summary.not_assessable": ("flags",),
    "report.diagnostics.flag": ("flags",),
    "report.diagnostics.flag_if_correct": ("flags",),
    "genotypes": ("genotypes",),
    "flags": ("findings.item_plain",),
    "client": ("client", "plan", "flags"),
}
TOLD_BY_THE_CASE = "told."


def numbers_in(text: str) -> list[Decimal]:
    """Return the numbers of a text without their sign; ids such as SF-03 and 1:17 are none."""
    return [Decimal(found.replace(",", ".")) for found in NUMBER.findall(text)]


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for below in value.values():
            yield from leaves(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from leaves(below)
    else:
        yield value


def rounded(value: float, decimals: int) -> Decimal:
    exact = abs(Decimal(repr(value)))
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


# The rules by which a number may follow from case.json.


def as_printed(case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield every number of case.json, rounded half up to each count of decimals."""
    for leaf in leaves(case):
        if isinstance(leaf, int | float) and not isinstance(leaf, bool):
            yield from (rounded(float(leaf), decimals) for decimals in range(MOST_DECIMALS + 1))


def as_reported(case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield every number within a text of case.json: values as reported, row ids."""
    for leaf in leaves(case):
        if isinstance(leaf, str):
            yield from (Decimal(n) for n in re.findall(r"\d+(?:\.\d+)?", leaf.replace(",", ".")))


def parts_of_dates(case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield day, month and year of every date."""
    for leaf in leaves(case):
        if isinstance(leaf, str) and re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", leaf):
            yield from (Decimal(int(part)) for part in leaf.split("-"))


DERIVED = (as_printed, as_reported, parts_of_dates)


@cache
def known_numbers(name: str) -> frozenset[Decimal]:
    return frozenset(number for rule in DERIVED for number in rule(result(name)))


# The rules by which a number may follow from what the sentence itself names.

COUNTING = ("report.summary.within", "report.summary.unjudged", "report.introduction.covers")


def counts(sentence: Sentence, case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield how many results or visits there are, to the sentences that say how many."""
    if sentence.key in COUNTING:
        visits = case["visits"]
        yield from (Decimal(n) for n in range(len(visits[-1]["findings"]) + 1))  # type: ignore[index]


def limits_named(sentence: Sentence, case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield the edges, in either unit, of the limits a sentence names, of its markers and flags."""
    own = tuple(f"{id.lower()}-" for id in sentence.rules if id.startswith("SF-"))
    for limit in RULES.limits:
        named = limit.id in sentence.rules or limit.marker in sentence.markers
        if named or limit.id.startswith(own or ("no-flag-",)):
            for edge in (limit.value, limit.mg_dl):
                if edge is not None:
                    yield from (rounded(edge, decimals) for decimals in range(MOST_DECIMALS + 1))


def grounds_listed(sentence: Sentence, case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield what a footnote may list: limits and the variation of markers."""
    if sentence.key == "provenance.footnote":
        yield from (Decimal(repr(limit.value)).normalize() for limit in RULES.limits)
        yield from (Decimal(repr(one.cv_i)) for one in RULES.markers.values() if one.cv_i)
        yield from (
            Decimal(n) for text in RULES.sources for n in re.findall(r"\d+(?:\.\d+)?", text)
        )


def helpings(sentence: Sentence, case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield what the rows of an advice say of food, to the client's sentence about it."""
    if sentence.key.endswith(".client"):
        own = (one for one in RULES.amounts if one.advice in sentence.rules)
        yield from (Decimal(repr(one.value)).normalize() for one in own if "food_" in one.name)


def limits_in_mg_dl(sentence: Sentence, case: Mapping[str, object]) -> Iterator[Decimal]:
    """Yield the numbers in mg/dL of limits, of a sentence that tells one."""
    if "mg/dL" in sentence.text:
        found = (limit.mg_dl for limit in RULES.limits if limit.mg_dl is not None)
        yield from (Decimal(repr(one)).normalize() for one in found)


NAMED = (counts, limits_named, grounds_listed, helpings, limits_in_mg_dl)


@cache
def numbers_below(language: str, prefix: str) -> frozenset[Decimal]:
    found: object = Language.load(language).texts
    for part in prefix.split("."):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    texts = [leaf for leaf in leaves(found) if isinstance(leaf, str)]
    return frozenset(number for text in texts for number in numbers_in(text))


@cache
def written(language: str, key: str) -> frozenset[Decimal]:
    """Return the numbers written in the text of a key, and in the names that it may fill in."""
    more = [name for start, names in TOGETHER.items() if key.startswith(start) for name in names]
    return frozenset().union(*(numbers_below(language, name) for name in (key, *NAMES, *more)))


def untraced(sentence: Sentence, language: str, name: str) -> list[Decimal]:
    """Return the numbers of a sentence about a case that come from nowhere."""
    if sentence.key.startswith(TOLD_BY_THE_CASE):
        return []
    known = (known_numbers(name), written(language, sentence.key))
    found = numbers_in(sentence.text)
    left = [number for number in found if not any(number in numbers for numbers in known)]
    if not left:
        return []
    named = frozenset(number for rule in NAMED for number in rule(sentence, result(name)))
    return [number for number in left if number not in named]


def sentences(story: Story) -> list[Sentence]:
    return [one for section in story.sections for one in sentences_of(section)]


SEED_DATES = ("2023-10-01", "2024-06-01", "2025-10-01")


@cache
def interpretation(name: str) -> Interpretation:
    if name not in SEED_DATES:
        return interpretation_of(name)
    day = dt.date.fromisoformat(name)
    case = read_case_input("")
    dates = case.rows["collected_at"].str[:10]
    visits = tuple(visit for visit in case.visits if visit["date"] <= day)  # type: ignore[operator]
    rows = case.rows[dates <= name].reset_index(drop=True)
    return interpret(replace(case, as_of=day, rows=rows, visits=visits))


@cache
def told(name: str, language: str, audience: Audience) -> Story:
    if name not in SEED_DATES:
        return story_of(name, language, audience)
    return narrate(with_numbered_files(interpretation(name)), language, audience)


@cache
def result(name: str) -> dict[str, object]:
    return json.loads(json.dumps(case_json(interpretation(name))))  # type: ignore[no-any-return]


NAMES_OF_CASES = [*SEED_DATES, *(folder.name for folder in FOLDERS)]


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_every_number_of_every_sentence_can_be_traced(name: str, audience: Audience) -> None:
    for language in LANGUAGES:
        lost = {
            one.text: found
            for one in sentences(told(name, language, audience))
            if (found := untraced(one, language, name))
        }
        assert lost == {}


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_dutch_and_english_state_equal_numbers(name: str, audience: Audience) -> None:
    dutch, english = (sentences(told(name, language, audience)) for language in LANGUAGES)
    for one, other in zip_longest(dutch, english):
        assert one is not None
        assert other is not None
        assert one.key == other.key
        if not one.key.startswith(TOLD_BY_THE_CASE):
            assert sorted(numbers_in(one.text)) == sorted(numbers_in(other.text)), one.text


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_every_sentence_that_rests_on_something_says_on_what(name: str, audience: Audience) -> None:
    for one in sentences(told(name, "en", audience)):
        assert one.key
        if one.rules or one.rows:
            assert one.why, one


# Tables: by the same rules, and by what only a table states.


def citations(case: Interpretation) -> Iterator[Decimal]:
    """Yield the numbers of sources and citations, and the amounts and variations of rows."""
    texts = (text for pair in RULES.sources.items() for text in pair)
    yield from (Decimal(n) for text in texts for n in re.findall(r"\d+(?:\.\d+)?", text))
    yield from (Decimal(repr(amount.value)) for amount in RULES.amounts)
    yield from (Decimal(repr(marker.cv_i)) for marker in RULES.markers.values() if marker.cv_i)


def stated(case: Interpretation) -> Iterator[Decimal]:
    """Yield what was stated of the person at a visit."""
    for leaf in leaves([dict(visit.context) for visit in case.visits]):
        if isinstance(leaf, int | float):
            yield Decimal(repr(abs(float(leaf))))


def results_of_visits(case: Interpretation) -> Iterator[Decimal]:
    """Yield how many results a visit has."""
    yield from (Decimal(len(visit.findings)) for visit in case.visits)


def codes_and_loads(case: Interpretation) -> Iterator[Decimal]:
    """Yield the parts of the codes of markers, and the sugar of a tolerance test."""
    codes = (marker.loinc for marker in RULES.markers.values())
    yield from (Decimal(part) for code in codes for part in re.findall(r"\d+", code))
    yield Decimal(75)


ONLY_IN_TABLES = (citations, stated, results_of_visits, codes_and_loads)


def rows_of(section: Section) -> Iterator[Row]:
    for block in section.blocks:
        if isinstance(block, Table):
            yield from (row for group in block.groups for row in group.rows)
    for part in section.subsections:
        yield from rows_of(part)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*SEED_DATES, *NAMES_OF_CASES[len(SEED_DATES) :: 8]])
def test_every_number_of_every_table_can_be_traced(name: str, language: str) -> None:
    more = {number for rule in ONLY_IN_TABLES for number in rule(interpretation(name))}
    lost = {}
    for section in told(name, language, Audience.CLINICIAN).sections:
        for row in rows_of(section):
            text = " ".join(row.cells)
            line = Sentence(text=text, rules=row.rules, markers=row.markers)
            lost[text] = [n for n in untraced(line, language, name) if n not in more]
    assert {text: found for text, found in lost.items() if found} == {}


def test_a_number_that_comes_from_nowhere_is_found() -> None:
    honest = next(
        one for one in sentences(told("2023-10-01", "nl", Audience.CLINICIAN)) if "918" in one.text
    )
    assert untraced(honest, "nl", "2023-10-01") == []
    slipped = replace(honest, text=honest.text.replace("918", "981"))
    assert untraced(slipped, "nl", "2023-10-01") == [Decimal(981)]


def test_what_is_not_verified_and_decides_something_is_marked_and_stands_in_the_footnotes() -> None:
    story = told("2023-10-01", "en", Audience.CLINICIAN)
    marked = [one for one in sentences(story) if one.unverified]
    section = story.section("provenance")
    assert section is not None
    footnotes = " ".join(one.text for one in sentences_of(section))
    assert any("SF-04" in one.rules for one in marked)
    assert "SF-04" in footnotes
    assert all(one.text.startswith("†") for one in sentences_of(section))
    for one in sentences(story):
        limits = [limit for limit in RULES.limits if limit.id in one.rules]
        if any(not limit.verified for limit in limits):
            assert one.unverified, one


def test_a_limit_that_decides_only_in_a_table_stands_in_the_footnotes_too() -> None:
    story = told("2025-10-01", "en", Audience.CLINICIAN)
    section = story.section("provenance")
    assert section is not None
    footnotes = " ".join(one.text for one in sentences_of(section))
    assert "zinc < 10 µmol/L" in footnotes.replace("\N{NO-BREAK SPACE}", " ")  # of 2023 alone
    assert "ALT 10.1" in footnotes  # the variation behind a change


def test_a_branch_of_a_flag_rests_on_its_own_row_and_limit() -> None:
    found = {one.key: one for one in sentences(told("2023-10-01", "en", Audience.CLINICIAN))}
    why = found["flags.SF-01.fasting_insulin"].why
    assert why is not None
    told_limit = [line.replace("\N{NO-BREAK SPACE}", " ") for line in why.lines]
    assert any("fasting insulin ≥ 50 mU/L" in line for line in told_limit)
    assert not any("Contra-indication" in line for line in told_limit)
    other = found["flags.SF-01.hypo_symptoms"].why
    assert other is not None
    assert not any("≥" in line for line in other.lines)


# The page itself.

SPAN = re.compile(  # a value in one piece is a span inside
    r'<span data-key="([^"]+)"[^>]*>((?:<span class="whole">[^<]*</span>|.)*?)</span>', re.DOTALL
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_each_sentence_of_the_story_with_its_grounds(
    seed_report: Path, language: str
) -> None:
    page = (seed_report / "seed_case" / f"case_study.{language}.html").read_text("utf-8")
    shown = [
        (key, html.unescape(re.sub(r"<sup.*?</sup>|<[^>]+>", "", text)))
        for key, text in SPAN.findall(page)
    ]
    story = told("2025-10-01", language, Audience.CLINICIAN)
    assert shown == [(one.key, one.text) for one in sentences(story)]
    lines = {html.unescape(line) for line in re.findall(r"<li>([^<]*)</li>", page)}
    for one in sentences(story):
        if one.why:
            assert set(one.why.lines) <= lines


def test_why_opens_without_script_and_is_closed_on_paper(seed_report: Path) -> None:
    page = (seed_report / "seed_case" / "case_study.nl.html").read_text("utf-8")
    assert '<details class="why"><summary>Waarom?</summary>' in page
    assert "<script" not in page
    printed = page[page.index("@media print") :]
    assert re.search(r"\.why[^{]*\{ display: none \}", printed)
