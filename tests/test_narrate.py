"""The told case: page one, the order of CARE, equal numbers in both languages, provenance."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from clinic import RULES, case, lab

from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.model import (
    Band,
    Consent,
    CrossCheck,
    Event,
    Evidence,
    Finding,
    Flag,
    Interpretation,
    Limit,
    LimitSet,
    NotAssessable,
    OpenFlag,
    SetAside,
    Urgency,
)
from pipeline.narrate import narrate
from pipeline.narrate.crossing import is_crossed
from pipeline.narrate.provenance import sentences_of
from pipeline.narrate.values import is_within
from pipeline.story import (
    Block,
    Bullets,
    Callout,
    Facts,
    Paragraph,
    Section,
    Sentence,
    Story,
    Table,
)

# The constructed numbers of the built-in case, drawn small: a first visit with everything wrong.
FIRST = {
    "glucose_fasting": 4.0,
    "insulin_fasting": 52.8,
    "hba1c": 36,
    "triglycerides": 1.9,
    "hdl": 1.10,
    "cholesterol_total": 5.4,
    "hs_crp": 4.8,
    "alt": 62,
    "homocysteine": 13.2,
    "cortisol_serum_am": 918,
    "zonulin_serum": 118,
    "weight": 95.0,
    "height": 168,
    "waist": 108,
}
LAST = {
    **FIRST,
    "glucose_fasting": 4.8,
    "insulin_fasting": 5.6,
    "hba1c": 33,
    "triglycerides": 0.9,
    "hdl": 1.55,
    "hs_crp": 0.8,
    "alt": 22,
    "homocysteine": 7.8,
    "cortisol_serum_am": 448,
    "zonulin_serum": 44,
    "weight": 72.5,
    "waist": 84,
}
NIGHT = {"date": dt.date(2023, 9, 4), "symptoms": ["nocturnal_hypo"]}
CARE = (
    "summary keywords introduction patient findings timeline diagnostics genotypes intervention "
    "outcome plan discussion perspective consent methods provenance"
)
NUMBER = re.compile(r"(?<![\w.,])[−+]?\d+(?:[.,]\d+)?")


def first_visit(**more: Any) -> Interpretation:
    known = {"oestrogen_use": "no", "weight_change_6m_kg": 0}
    rows = lab(FIRST, date="2023-09-04T08:00")
    return interpret(case(rows, visits=(NIGHT,), context=known, **more))


def two_visits(**more: Any) -> Interpretation:
    rows = (
        lab(FIRST, date="2023-09-04T08:00"),
        lab(LAST, date="2025-09-08T08:00", sample_id="s2"),
    )
    calm = {"date": dt.date(2025, 9, 8), "symptoms": []}
    return interpret(case(*rows, visits=(NIGHT, calm), **more))


def low_values() -> Interpretation:
    return interpret(case(lab({"glucose_fasting": 2.3, "insulin_fasting": 4, "potassium": 2.5})))


def diabetic_man() -> Interpretation:
    values = {"glucose_fasting": 7.2, "insulin_fasting": 15, "hba1c": 50, "egfr": 41}
    return interpret(case(lab(values), sex="M", birth_year=1950))


def censored() -> Interpretation:
    return interpret(case(lab({"glucose_fasting": 5.0, "insulin_fasting": "<6.5", "hba1c": 40})))


def nearly_nothing() -> Interpretation:
    return interpret(case(lab({"vitamin_d": 60}), sex=None, birth_year=None, context={}))


def pregnant() -> Interpretation:
    values = {"glucose_fasting": 5.3, "insulin_fasting": 12, "sbp": 150, "dbp": 80}
    return interpret(case(lab(values), context={"pregnant": "yes", "medication": ["A10BA02"]}))


MAKERS = (
    first_visit,
    two_visits,
    low_values,
    diabetic_man,
    censored,
    nearly_nothing,
    pregnant,
)


def evidence(marker: str, value: float, unit: str, decimals: int = 0) -> Evidence:
    return Evidence(marker=marker, value=value, comparator=None, unit=unit, decimals=decimals)


def flag(id: str, urgency: str, branch: str, *values: Evidence) -> Flag:
    return Flag(
        id=id,
        urgency=Urgency(urgency),
        open=True,
        branches=(branch,),
        variants=(),
        evidence=tuple(value.marker for value in values),
        rows=(),
        values=values,
    )


def with_open(found: Interpretation, *bases: tuple[dt.date, Flag]) -> Interpretation:
    """Return an interpretation of which just one flag is open, on these visits."""
    order = list(Urgency)
    only = OpenFlag(
        id=bases[0][1].id,
        urgency=min((held.urgency for _, held in bases), key=order.index),
        if_correct=all(held.if_correct for _, held in bases),
        bases=bases,
    )
    return replace(found, open_flags=(only,))


def two_bases() -> Interpretation:
    found = two_visits()
    low = flag("SF-13", "E", "potassium_low", evidence("potassium", 2.5, "mmol/L", 1))
    sodium = flag("SF-13", "E", "sodium_low", evidence("sodium", 121, "mmol/L"))
    drowsy = replace(sodium, evidence=("sodium", "drowsiness"))
    first, last = (visit.date for visit in found.visits)
    return with_open(found, (last, low), (first, drowsy))


def not_assessable() -> Interpretation:
    """Return a visit at which flags lack an input in each way there is."""
    found = first_visit()
    partly = NotAssessable(
        id="SF-08", branches=("raised_5x",), missing=(), bounded=("alt",), raised=True
    )
    wholly = NotAssessable(id="SF-16", branches=("dheas",), missing=("sex", "androgen"))
    both = NotAssessable(
        id="SF-02", branches=(), missing=("c_peptide",), bounded=("insulin_fasting",)
    )
    neither = NotAssessable(id="SF-03", branches=(), missing=())
    last = replace(found.visits[-1], not_assessable=(partly, wholly, both, neither))
    return replace(found, visits=(last,))


def excluded_insulin() -> Interpretation:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 4, "hba1c": 33}
    found = interpret(case(lab(values), context={"biotin_last_72h": "yes"}))
    last = found.visits[-1]
    present = ("glucose_fasting", "insulin_fasting", "homa_ir", "hba1c")
    excluded = (("insulin_fasting", "biotin"),)
    phase = replace(last.phase, rule="14", i_class="I?", present=present, excluded=excluded)
    return replace(found, visits=(replace(last, phase=phase),))


def on_insulin() -> Interpretation:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 34}
    return interpret(case(lab(values), context={"medication": ["A10AB01", "A10BA02"]}))


def many_gaps() -> Interpretation:
    values = {"hba1c": 42, "weight": 80, "hdl": 2.6, "alt": "<300", "sodium": 140, "fib4": 0.4}
    return interpret(case(lab(values)))


MAKERS += (two_bases, not_assessable, excluded_insulin, on_insulin, many_gaps)
CASES = {make.__name__: make for make in MAKERS}
each_case = pytest.mark.parametrize("name", CASES)


@cache
def told(name: str, language: str = "nl") -> Story:
    return narrate(CASES[name](), language)


def sections(story: Story) -> Iterator[Section]:
    todo = list(story.sections)
    while todo:
        section = todo.pop(0)
        todo = [*section.subsections, *todo]
        yield section


def blocks(story: Story) -> Iterator[Block]:
    return (block for section in sections(story) for block in section.blocks)


def sentences(block: Block) -> tuple[Sentence, ...]:
    match block:
        case Paragraph() | Callout():
            return block.sentences
        case Bullets():
            return block.items
    return ()


def all_sentences(story: Story) -> list[Sentence]:
    return [sentence for block in blocks(story) for sentence in sentences(block)]


def page_one(story: Story) -> list[Block]:
    summary = story.section("summary")
    assert summary is not None
    return [*summary.blocks, *(block for part in summary.subsections for block in part.blocks)]


def flag_boxes(story: Story) -> list[Callout]:
    boxes = (block for block in page_one(story) if isinstance(block, Callout))
    return [box for box in boxes if box.level != "phase"]


def phase_box(interpretation: Interpretation, language: str = "nl") -> Callout:
    boxes = page_one(narrate(interpretation, language))
    return next(box for box in boxes if isinstance(box, Callout) and box.level == "phase")


def words(part: list[Block] | Section | None) -> str:
    """Return every printed word of blocks or a section, a line a sentence or row."""
    if part is None:
        return ""
    if isinstance(part, Section):
        below = [words(one) for one in part.subsections]
        return "\n".join([words(list(part.blocks)), *below])
    lines: list[str] = []
    for block in part:
        lines += [sentence.text for sentence in sentences(block)]
        if isinstance(block, Table):
            lines += [" | ".join(row.cells) for group in block.groups for row in group.rows]
        if isinstance(block, Facts):
            lines += [" ".join(pair) for pair in block.pairs]
    return "\n".join(lines)


# Sections.


@each_case
def test_the_sections_stand_in_the_order_of_care_and_none_is_empty(name: str) -> None:
    story = told(name)
    order = [id for id in CARE.split() if story.section(id)]
    assert [section.id for section in story.sections] == order
    assert [section.id for section in sections(story) if section.is_empty()] == []


def test_a_section_without_data_is_left_out() -> None:
    story = told("first_visit")
    left_out = ("intervention", "outcome", "perspective")
    assert [id for id in left_out if story.section(id)] == []


def test_the_case_itself_tells_title_perspective_and_interventions() -> None:
    event = Event(when="2023-10", kind="intervention", text={"nl": "Wandelen.", "en": "Walking."})
    tells = {"title": {"nl": "Een casus"}, "perspective": {"nl": "Het gaat beter."}}
    story = narrate(two_visits(told=tells, timeline=(event,)), "nl")
    assert story.title == "Een casus"
    assert "Het gaat beter." in words(story.section("perspective"))
    assert "oktober 2023 | Wandelen." in words(story.section("intervention"))


def test_an_event_after_the_reference_date_is_not_told() -> None:
    event = Event(when="2031-01-01", kind="outcome", text={"nl": "Later.", "en": "Later."})
    story = narrate(two_visits(timeline=(event,)), "nl")
    assert "Later." not in words(story.section("timeline"))


def test_consent_is_told_with_its_date_or_as_absent() -> None:
    given = Consent(given=True, date=dt.date(2025, 9, 8))
    with_consent = narrate(first_visit(consent=given), "en")
    assert "consent for this case report on 8 September 2025" in words(
        with_consent.section("consent")
    )
    assert words(told("first_visit", "en").section("consent")) == (
        "Internal use: no consent recorded."
    )


# Page one.


def test_page_one_leads_with_the_open_flags_and_sf_01_stands_before_the_phase() -> None:
    boxes = [block for block in page_one(told("first_visit")) if isinstance(block, Callout)]
    assert [box.id for box in boxes] == ["SF-01", "SF-04", "compensation"]
    assert boxes[0].label == "binnen enkele dagen"
    basis = next(one for one in boxes[0].sentences if one.key == "flags.evidence")
    assert "4 september 2023" in basis.text
    assert "52,8\N{NO-BREAK SPACE}mU/L" in basis.text


def test_the_most_urgent_flag_comes_first() -> None:
    boxes = [block for block in page_one(told("low_values")) if isinstance(block, Callout)]
    levels = [box.level for box in boxes]
    order = ["emergency", "urgent", "routine", "banner", "phase"]
    assert levels == sorted(levels, key=order.index)
    assert levels[0] == "emergency"


def test_a_resolved_flag_is_not_on_page_one_but_in_the_timeline_in_past_tense() -> None:
    story = told("two_visits")
    assert "SF-01" not in words(page_one(story))
    timeline = words(story.section("timeline"))
    assert "4 september 2023 | veiligheidssignaal | SF-01" in timeline
    assert "gold niet meer vanaf 8 september 2025" in timeline


def test_without_an_open_flag_page_one_says_so() -> None:
    assert "Er staat geen veiligheidssignaal open." in words(page_one(told("two_visits")))


def test_a_flag_on_a_value_that_was_set_aside_is_told_if_correct() -> None:
    found = first_visit()
    last = found.visits[-1]
    doubtful = replace(last.flags[0], if_correct=True)
    aside = (SetAside(row="lab.csv:9", reasons=("implausible",)),)
    shown = replace(
        with_open(found, (last.date, doubtful)), case=replace(found.case, set_aside=aside)
    )
    story = narrate(shown, "nl")
    (box,) = flag_boxes(story)
    assert "indien juist" in box.sentences[0].text
    assert "rij uit de aangeleverde bestanden terzijde gelegd" in words(page_one(story))


def test_what_is_certain_in_a_box_comes_before_what_holds_only_if_correct() -> None:
    found = first_visit()
    low = flag("SF-08", "U", "raised_3x", evidence("alt", 190, "U/L"))
    high = replace(flag("SF-08", "E", "raised_5x", evidence("alt", 900, "U/L")), if_correct=True)
    day = found.visits[-1].date
    (box,) = flag_boxes(narrate(with_open(found, (day, high), (day, low)), "nl"))
    keys = [sentence.key for sentence in box.sentences]
    assert keys == [
        "flags.SF-08.raised_3x",
        "flags.evidence",
        "flags.if_correct",
        "flags.SF-08.raised_5x",
        "flags.evidence",
        "flags.SF-08.action_emergency",
        "report.acknowledgement.needed",
    ]


def test_a_box_tells_each_visit_it_rests_on_with_the_value_that_fired() -> None:
    story = narrate(two_bases(), "nl")
    (box,) = flag_boxes(story)
    plain = [one.text.replace("\N{NO-BREAK SPACE}", " ") for one in box.sentences]
    assert [text for text in plain if text.startswith("Grondslag")] == [
        "Grondslag (8 september 2025): kalium 2,5 mmol/L.",
        "Grondslag (4 september 2023): natrium 121 mmol/L en sufheid.",
    ]
    assert sum(one.key == "flags.SF-13.action_emergency" for one in box.sentences) == 1


def test_beside_an_emergency_nothing_less_urgent_is_asked() -> None:
    found = first_visit()
    held = flag("SF-06", "E", "very_high", evidence("glucose_random", 22, "mmol/L"))
    both = replace(held, branches=("very_high", "new_diabetes_range"))
    (box,) = flag_boxes(narrate(with_open(found, (found.visits[-1].date, both)), "nl"))
    assert "dezelfde dag" in box.sentences[-2].text
    assert "2 weken" not in words([box])


def test_each_branch_asks_its_own_where_none_is_an_emergency() -> None:
    found = first_visit()
    held = flag("SF-17", "R", "ohp17", evidence("ohp17", 9, "nmol/L"))
    both = replace(held, branches=("ohp17", "prolactin"), variants=("day_unknown",))
    (box,) = flag_boxes(narrate(with_open(found, (found.visits[-1].date, both)), "nl"))
    assert [one.key for one in box.sentences[-3:-1]] == [
        "flags.SF-17.day_unknown",
        "flags.SF-17.action_prolactin",
    ]


def test_ivf_is_said_as_ivf_and_not_as_a_wish() -> None:
    story = narrate(interpret(case(lab({"tsh": 2.0}), context={"ivf": "yes"})), "nl")
    box = next(box for box in flag_boxes(story) if box.id == "SF-24")
    assert box.sentences[0].text == "Er is een IVF-behandeling."
    assert "IVF: ja" in words([box])


def test_a_failed_cross_check_is_on_page_one_and_one_that_agrees_is_not() -> None:
    check = CrossCheck(
        marker="homa_ir",
        date=dt.date(2023, 9, 4),
        reported=9.4,
        computed=13.14133,
        agrees=False,
        rows=("lab.csv:4",),
    )
    failed = narrate(replace(first_visit(), checks=(check,)), "nl")
    agreed = narrate(replace(first_visit(), checks=(replace(check, agrees=True),)), "nl")
    assert "De gerapporteerde HOMA-IR (9,4) komt niet overeen" in words(page_one(failed))
    assert "(13,14)" in words(page_one(failed))
    assert "gerapporteerde HOMA-IR" not in words(page_one(agreed))


def test_findings_come_in_order_of_weight() -> None:
    page = words(page_one(told("first_visit")))
    refer = page.index("Nuchtere insuline is 52,8")
    outside = page.index("Lever, boven de grens")
    attention = page.index("Homocysteïne is 13,2")
    assert refer < outside < attention


@each_case
def test_a_value_beyond_the_target_alone_is_never_called_outside_or_abnormal(name: str) -> None:
    for sentence in all_sentences(told(name)):
        if ".functional" in sentence.key:
            assert "aandachtspunt" in sentence.text
            assert "afwijkend" not in sentence.text


def test_homocysteine_inside_the_interval_is_told_with_the_fixed_phrase() -> None:
    phrase = "binnen de referentiewaarden van het laboratorium, boven de streefwaarde"
    lines = words(page_one(told("first_visit"))).splitlines()
    assert any(line.startswith("Homocysteïne") and phrase in line for line in lines)


def test_hba1c_is_told_in_both_units() -> None:
    page = words(page_one(told("first_visit"))).replace("\N{NO-BREAK SPACE}", " ")
    assert "HbA1c is 36 mmol/mol (5,4 %)" in page


def test_the_ratio_in_the_unit_zone_is_told_as_such_and_not_as_raised() -> None:
    values = {"triglycerides": 1.4, "hdl": 1.25, "glucose_fasting": 5.0, "insulin_fasting": 5}
    page = words(page_one(narrate(interpret(case(lab(values))), "nl")))
    assert "alleen bij rekenen in mg/dL boven 1,5" in page


def test_a_comparator_is_printed_and_what_it_leaves_open_is_said() -> None:
    story = told("censored")
    assert "<\N{NO-BREAK SPACE}6,5" in words(story.section("diagnostics"))
    assert "alleen een boven- of ondergrens" in words(page_one(story))


def test_what_is_not_stated_is_listed_once() -> None:
    page = words(page_one(told("nearly_nothing")))
    assert page.count("Niet bekend:") <= 1


def test_only_results_that_a_limit_judged_count_as_within_the_limits() -> None:
    page = words(page_one(told("many_gaps")))
    assert "liggen er" in page or "ligt er" in page
    assert "niet beoordeeld: er is geen grens" in page
    found = {one.marker: one for one in many_gaps().visits[-1].findings}
    assert is_within(found["sodium"])
    assert not is_within(found["weight"])  # no limit
    assert not is_within(found["alt"])  # a bound that straddles its limit
    assert not is_within(found["fib4"])  # not judged under 35, or shown as reported
    assert not is_within(replace(found["sodium"], notes=("sex-hormone-therapy",)))
    assert not is_within(replace(found["sodium"], laboratory=Band.LOW))


def test_a_flag_that_cannot_be_assessed_says_what_is_missing_and_what_is_only_a_bound() -> None:
    lines = words(page_one(told("not_assessable"))).splitlines()
    said = {line[:5]: line for line in lines if "te beoordelen." in line}
    assert said["SF-08"].endswith(
        "is voor een deel niet te beoordelen. Alleen een boven- of ondergrens is bekend van: ALAT."
    )
    assert said["SF-16"].endswith("Daarvoor ontbreekt: geslacht en androgeen.")
    assert "C-peptide. Alleen" in said["SF-02"]
    assert said["SF-03"].endswith("is niet te beoordelen.")


def test_only_the_limits_that_were_crossed_are_printed() -> None:
    page = words(page_one(told("many_gaps"))).replace("\N{NO-BREAK SPACE}", " ")
    assert "HbA1c 42 mmol/mol (6,0 %) (< 39, ADA" in page
    assert "< 48" not in page


@pytest.mark.parametrize(
    ("value", "comparator", "reported", "op", "crossed"),
    [
        (48, None, None, ">=", True),
        (48, None, None, ">", False),
        (48, ">", None, ">", True),
        (47, ">", None, ">=", False),
        (48, "<", None, "<", True),
        (48, "<=", None, "<", False),
        (48, "<", None, ">", False),
        (47.95, None, ("100", "mg/dL"), ">=", True),
        (48.1, None, ("99", "mg/dL"), ">=", False),
    ],
)
def test_a_limit_is_crossed_where_the_value_certainly_lies_beyond_it(
    value: float, comparator: str | None, reported: tuple[str, str] | None, op: Any, crossed: bool
) -> None:
    limit = Limit(
        id="x",
        marker="hba1c",
        set=LimitSet.GUIDELINE,
        op=op,
        value=48,
        unit="1",
        source="S1",
        verified=True,
        mg_dl=100,
    )
    (found,) = (one for one in first_visit().visits[-1].findings if one.marker == "hba1c")
    finding: Finding = replace(found, value=value, comparator=comparator, reported=reported)
    assert is_crossed(finding, limit) is crossed


# The phase.


def test_an_insulin_that_was_left_out_is_called_so_with_the_reason() -> None:
    box = phase_box(excluded_insulin())
    assert box.title == "Fase: Compensatie niet uit te sluiten (insuline niet meegeteld)"
    assert "(biotine voor de afname)" in box.sentences[0].text
    assert "ontbreekt" not in box.sentences[0].text
    assert "op grond van" in box.sentences[1].text
    assert "insuline 4" not in box.sentences[1].text
    assert "HOMA-IR" not in box.sentences[1].text


def test_an_insulin_of_which_only_a_bound_is_known_is_not_called_missing() -> None:
    box = phase_box(censored())
    assert box.title.endswith("insuline niet meegeteld")
    assert "alleen als grens bekend" in box.sentences[0].text
    assert "op grond van nuchtere glucose" in box.sentences[1].text
    assert "nuchtere insuline <" not in box.sentences[1].text


def test_a_haemolysed_or_a_separate_insulin_is_said_to_be_so() -> None:
    glucose = lab({"glucose_fasting": 5.0, "hba1c": 33}, sample_id="a")
    insulin = {"insulin_fasting": 4}
    for rows, why in (
        (lab(insulin, sample_id="a", haemolysis="visible"), "(hemolytisch monster)"),
        (lab(insulin, sample_id="b"), "(glucose en insuline niet uit hetzelfde monster)"),
    ):
        box = phase_box(interpret(case(glucose, rows)))
        assert "insuline niet meegeteld" in box.title
        assert why in box.sentences[0].text


def test_the_class_of_drug_is_named_and_homa_ir_under_it_is_called_not_reliable() -> None:
    box = phase_box(on_insulin())
    assert "De medicatie (insuline en metformine) beïnvloedt" in box.sentences[0].text
    assert "(niet betrouwbaar onder deze medicatie)" in box.sentences[1].text


def test_a_steroid_is_named_and_a_drug_that_is_only_known_to_lower_glucose_by_that() -> None:
    values = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 34}
    for context, drug in (
        ({"medication": ["H02AB06"]}, "(systemisch corticosteroïd)"),
        ({"glucose_drug": "yes"}, "(glucoseverlagend middel)"),
    ):
        assert drug in phase_box(interpret(case(lab(values), context=context))).sentences[0].text


def test_diabetes_is_told_as_confirmed_by_two_values_or_by_one_with_symptoms() -> None:
    two = phase_box(interpret(case(lab({"glucose_fasting": 7.2, "hba1c": 50}))))
    random = lab({"glucose_random": 12.4}, fasting_hours="2")
    one = phase_box(interpret(case(random, context={"symptoms": ["polyuria"]})))
    assert "bevestigd door ten minste twee waarden" in words([two])
    assert "bevestigd door een niet-nuchtere glucose" in words([one])


@pytest.mark.parametrize(
    ("context", "hba1c", "outside"),
    [
        ({"medication": []}, "44", True),
        ({"medication": ["C07AB02"]}, "44", True),
        ({"medication": ["A10BA02"]}, "44", False),
        ({"medication": [], "glucose_drug": "yes"}, "44", False),
        ({"medication": None}, "44", False),
        ({"medication": [], "transfusion_3m": "yes"}, "44", False),
        ({"medication": []}, ">40", False),
    ],
)
def test_known_diabetes_is_outside_its_range_only_without_drugs_and_by_a_usable_hba1c(
    context: dict[str, Any], hba1c: str, outside: bool
) -> None:
    stated = {"known_diabetes": "t2d", **context}
    person = case(lab({"glucose_fasting": 5.2, "hba1c": hba1c}), context=stated)
    kept = {key: value for key, value in person.context.items() if value is not None}
    box = phase_box(interpret(replace(person, context=kept)))
    assert ("buiten diabetesgebied" in box.title) is outside


def test_an_early_signal_without_homa_ir_claims_nothing_about_the_literature() -> None:
    box = phase_box(interpret(case(lab({"insulin_fasting": 20, "hba1c": 33}))))
    assert "zonder dat vaststaat dat een grens" in box.sentences[0].text


def test_low_glucose_points_to_its_flags_only_where_these_are_raised() -> None:
    very = phase_box(interpret(case(lab({"glucose_fasting": 2.8, "insulin_fasting": 2}))))
    low = phase_box(
        interpret(case(lab({"glucose_fasting": 3.5, "insulin_fasting": 4, "hba1c": 33})))
    )
    assert very.title == "Fase: Niet te bepalen (lage bloedsuiker) – eerst SF-01/SF-03"
    assert low.title == "Fase: Niet te bepalen: lage bloedsuiker"


# Diagnostics and outcome.


def marker_table(name: str) -> Table:
    """Return the table of all markers of the last visit."""
    diagnostics = told(name).section("diagnostics")
    assert diagnostics is not None
    return next(b for b in diagnostics.subsections[0].blocks if isinstance(b, Table))


def test_the_critical_results_stand_first() -> None:
    first, *others = marker_table("low_values").groups
    assert first.title == "Voorbij de alarmgrens"
    assert [row.markers[0] for row in first.rows] == ["glucose_fasting", "potassium"]
    assert {row.emphasis for row in first.rows} == {"critical"}
    assert "critical" not in {row.emphasis for group in others for row in group.rows}
    titles = [group.title for group in marker_table("first_visit").groups]
    assert "Voorbij de alarmgrens" not in titles


@pytest.mark.parametrize("name", ["first_visit", "low_values"])
def test_the_table_of_a_visit_holds_every_finding_once(name: str) -> None:
    found = CASES[name]()
    table = marker_table(name)
    rows = [row for group in table.groups for row in group.rows]
    assert sorted(row.markers[0] for row in rows) == sorted(
        finding.marker for finding in found.visits[0].findings
    )
    assert all(len(row.cells) == len(table.columns) for row in rows)


def test_a_row_shows_flag_interval_guideline_target_and_previous() -> None:
    lines = words(told("two_visits").section("diagnostics")).splitlines()
    insulin = [line for line in lines if line.startswith("Insuline, nuchter")]
    assert insulin[0].replace("\N{NO-BREAK SPACE}", " ") == (
        "Insuline, nuchter | 5,6 |  | mU/L | ≤ 25° |  | ≤ 6 | 52,8 (04-09-2023) | −89 % ↓"
    )
    assert insulin[1].split(" | ")[2] == "H*\N{NO-BREAK SPACE}streef"


def test_the_phase_is_explained_with_rule_classes_and_signals() -> None:
    diagnostics = words(told("first_visit").section("diagnostics"))
    assert "Regel 9" in diagnostics
    assert "I2 (boven de grenzen uit de literatuur)" in diagnostics
    assert re.search(r"S = \d van \d bekend", diagnostics)


def test_what_was_not_computed_stands_with_its_reason() -> None:
    diagnostics = words(told("first_visit").section("diagnostics"))
    assert "HOMA-%B (HOMA1) | glucose te laag voor deze formule" in diagnostics


def test_missing_criteria_are_never_counted_as_normal() -> None:
    assert "minstens" in words(told("diabetic_man").section("diagnostics"))


def test_a_real_change_is_told_as_clear_and_a_small_one_as_normal_variation() -> None:
    outcome = words(told("two_visits", "en").section("outcome"))
    assert "Insulin. Clearly fell since 4 September 2023: fasting insulin" in outcome
    assert "Clearly rose" in outcome
    assert "Difference within normal variation" in outcome


def test_many_visits_stand_side_by_side_four_at_a_time() -> None:
    days = [f"202{year}-0{month}-01" for year in (1, 2, 3) for month in (1, 5, 9)]
    rows = [
        lab({"weight": 95 - n, "alt": 60 - n}, date=day, sample_id=day)
        for n, day in enumerate(days)
    ]
    story = narrate(interpret(case(*rows)), "nl")
    measures = [table for table in blocks(story) if isinstance(table, Table)]
    body = [table for table in measures if table.caption.startswith("Lichaamsmaten")]
    assert [len(table.columns) - 2 for table in body] == [4, 4, 1]
    course = next(table for table in measures if table.caption == "Beloop per marker")
    assert len(course.columns) == 2 + 4 + 2
    assert all(len(row.cells) == 8 for group in course.groups for row in group.rows)


def test_body_weight_is_told_without_a_judgement_it_cannot_bear() -> None:
    outcome = words(told("two_visits").section("outcome")).replace("\N{NO-BREAK SPACE}", " ")
    assert "normale schommeling niet bekend is: gewicht van 95,0 kg naar 72,5 kg (−24 %)" in outcome


def test_methods_hold_formulas_sources_and_remarks_of_what_was_reported() -> None:
    methods = words(told("first_visit").section("methods"))
    assert "HOMA-IR (HOMA1) | glucose (mmol/L) × insuline (mU/L) / 22,5" in methods
    assert "HOMA2" in methods
    assert "MAFLD 2020 | MAFLD consensus 2020" in methods
    assert "geen diagnose" in methods
    assert "HOMA2" not in words(told("nearly_nothing").section("methods"))


# Both languages, provenance, wholeness.


@each_case
def test_both_languages_state_the_same_numbers_sentence_by_sentence(name: str) -> None:
    dutch, english = (all_sentences(told(name, language)) for language in ("nl", "en"))
    assert [sentence.key for sentence in dutch] == [sentence.key for sentence in english]
    for ours, theirs in zip(dutch, english, strict=True):
        assert _numbers(ours.text) == _numbers(theirs.text), (ours.text, theirs.text)


@each_case
def test_both_languages_have_the_same_tables(name: str) -> None:
    shapes = []
    for language in ("nl", "en"):
        tables = [block for block in blocks(told(name, language)) if isinstance(block, Table)]
        shapes.append([[len(group.rows) for group in table.groups] for table in tables])
    assert shapes[0] == shapes[1]


@each_case
def test_every_sentence_is_whole_and_knows_its_text(name: str) -> None:
    for sentence in all_sentences(told(name)):
        assert sentence.key
        assert sentence.text[-1] in ".!?" or sentence.key in ("report.keywords",)
        assert "{" not in sentence.text
        first = sentence.text[0]
        assert not first.islower() or first in "ehr" or sentence.key == "report.keywords"


def test_a_sentence_about_a_value_knows_its_limit_marker_and_row() -> None:
    found = [
        sentence
        for sentence in all_sentences(told("first_visit"))
        if sentence.markers == ("homocysteine",) and ".functional" in sentence.key
    ]
    assert found[0].rules == ("homocysteine-functional",)
    assert found[0].rows == ("lab.csv:10",)


@each_case
def test_no_cell_or_label_holds_an_unfilled_field_or_none(name: str) -> None:
    story = told(name)
    printed = "\n".join(words(section) for section in story.sections)
    assert "None" not in printed
    assert "nan" not in printed.split()


def _numbers(text: str) -> list[str]:
    return sorted(number.replace(",", ".") for number in NUMBER.findall(text))


@pytest.mark.parametrize("code", ["nl", "en"])
def test_the_matsuda_index_names_the_samples_that_it_rests_on(code: str) -> None:
    minutes = (0, 30, 120)
    curve = {f"glucose_ogtt_{m}": 6.0 for m in minutes} | {"glucose_ogtt_60": 7.0}
    person = case(lab({**curve, **{f"insulin_ogtt_{m}": 30 for m in minutes}}))
    diagnostics = narrate(interpret(person), code).section("diagnostics")
    assert diagnostics is not None
    (told,) = (s for s in sentences_of(diagnostics) if s.key == "report.diagnostics.matsuda")
    assert told.markers == ("matsuda", *(f"glucose_ogtt_{m}" for m in minutes))
    assert "30" in told.text
    assert "60" not in told.text


def test_the_methods_say_where_each_result_came_from() -> None:
    first = lab({"ldl": 3.1}, lab="Lab Noord", method="enzymatic")
    second = lab({"ldl": 2.9}, date="2024-07-01", sample_id="s2", lab="Lab Noord")
    story = narrate(interpret(case(first, second)), "en")
    methods = story.section("methods")
    assert methods is not None
    (part,) = (one for one in methods.subsections if one.id == "methods-origin")
    (table,) = part.blocks
    assert isinstance(table, Table)
    assert [row.cells for group in table.groups for row in group.rows] == [
        (
            "LDL cholesterol",
            "serum",
            "22748-8",
            "Lab Noord",
            "enzymatic",
            "file\N{NO-BREAK SPACE}lab.csv, row\N{NO-BREAK SPACE}2",
        ),
        (
            "LDL cholesterol",
            "serum",
            "22748-8",
            "Lab Noord",
            "–",
            "file\N{NO-BREAK SPACE}lab.csv, row\N{NO-BREAK SPACE}3",
        ),
    ]


@pytest.mark.parametrize("code", ["nl", "en"])
def test_every_kind_of_sample_has_a_name(code: str) -> None:
    kinds = {marker.specimen for marker in RULES.markers.values()}
    assert kinds == set(Language.load(code).keys("methods.specimens"))


def test_no_medicine_that_was_stated_is_lost() -> None:
    codes = {"medication": ["A10BA02", "C10AA05"]}
    dates = ({"date": "2024-07-01", "medication": ["C10AA05"]},)
    visits = (lab({"hba1c": 40}), lab({"hba1c": 39}, date="2024-07-01", sample_id="s2"))
    story = narrate(interpret(case(*visits, context=codes, visits=dates)), "nl")
    section = story.section("patient")
    assert section is not None
    rows = {
        row.cells[0]: row.cells[1:]
        for block in section.blocks
        if isinstance(block, Table)
        for group in block.groups
        for row in group.rows
    }
    first, later = rows["Medicatie"]
    assert "metformine" in first
    assert first.endswith("en C10AA05")
    assert later == "C10AA05"


def test_why_a_change_cannot_be_judged_is_a_letter_that_the_table_explains() -> None:
    first, then = lab({"ldl": 6.0}, lab="one"), lab({"ldl": 3.0}, date="2024-07-01", lab="two")
    story = narrate(interpret(case(first, then.assign(sample_id="s2"))), "en")
    diagnostics, outcome = story.section("diagnostics"), story.section("outcome")
    assert diagnostics is not None
    assert outcome is not None
    for blocks in (diagnostics.subsections[0].blocks, outcome.blocks):
        table = next(block for block in blocks if isinstance(block, Table))
        assert table.groups[0].rows[0].cells[-1].endswith("?\N{NO-BREAK SPACE}(a)")
        assert table.note.endswith(" (a): other method or laboratory.")


def test_the_masthead_of_many_visits_holds_the_first_and_the_last() -> None:
    days = [f"2024-0{month}-01" for month in range(1, 7)]
    rows = [lab({"ldl": 3.0}, date=day, sample_id=day) for day in days]
    head = dict(narrate(interpret(case(*rows)), "en").facts.pairs)
    assert head["Sample date"] == "1 Jan 2024 – 1 Jun 2024 (6 visits)"
