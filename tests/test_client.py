"""The client is told the same case: the same numbers, judgements, flags and changes."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from clinic import RULES, case, lab
from golden import FOLDERS, interpretation_of, story_of
from leaves import leaves
from sizes import sized

from pipeline.interpret import interpret, with_numbered_files
from pipeline.language import Language
from pipeline.model import Audience, CaseInput, Interpretation, Urgency
from pipeline.narrate import narrate
from pipeline.narrate.label import phase_key
from pipeline.narrate.provenance import sentences_of
from pipeline.narrate.safety import in_order
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, is_within, weight_of
from pipeline.story import Callout, Result, Results, Sentence, Story, Table

NAMES = [folder.name for folder in FOLDERS]
DIAGNOSES = (
    "cushing insulinoom insulinoma pancreatitis kanker cancer tumor addison lada mody prolactino"
    " leukemie leukaemia hepatitis eclampsi"
)
pytestmark = pytest.mark.xdist_group("golden")  # one worker interprets all of them, once
LEVELS = {"E": "emergency", "U": "urgent", "R": "routine", "-": "banner"}


@cache
def interpretation(name: str) -> Interpretation:
    return with_numbered_files(interpretation_of(name))


def told(name: str, language: str = "nl", audience: Audience = Audience.CLIENT) -> Story:
    return story_of(name, language, audience)


def client(person: CaseInput) -> Story:
    return narrate(with_numbered_files(interpret(person)), "nl", Audience.CLIENT)


def boxes(story: Story) -> list[Callout]:
    section = story.section("summary")
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Callout)]


def in_results(story: Story) -> list[Result]:
    section = story.section("results")
    parts = section.subsections if section else ()
    blocks = [block for part in parts for block in part.blocks if isinstance(block, Results)]
    return [one for block in blocks for one in block.items]


def sentences(story: Story, *ids: str) -> list[Sentence]:
    chosen = [section for section in story.sections if not ids or section.id in ids]
    return [one for section in chosen for one in sentences_of(section)]


@pytest.mark.parametrize("name", NAMES)
def test_both_audiences_hear_of_the_same_flags_in_the_same_order_and_haste(name: str) -> None:
    both = [
        [(box.id, box.level) for box in boxes(told(name, "nl", audience))] for audience in Audience
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_client_hears_the_phase_that_the_clinician_reads(name: str) -> None:
    one = interpretation(name)
    telling = Telling(interpretation=one, language=Language.load("nl"), rules=RULES)
    box = boxes(told(name))[-1]
    assert box.level == "phase"
    assert box.id == one.visits[-1].phase.id
    assert box.sentences[0].key == f"client.phases.{phase_key(telling, one.visits[-1])}"


@pytest.mark.parametrize("name", NAMES)
def test_every_result_of_the_last_visit_is_told_once_and_judged_alike(name: str) -> None:
    one = interpretation(name)
    telling = Telling(interpretation=one, language=Language.load("nl"), rules=RULES)
    spoken = [s for s in sentences(told(name), "results") if ".notes." not in s.key]
    found = [marker for sentence in spoken for marker in sentence.markers]
    assert sorted(found) == sorted(finding.marker for finding in one.visits[-1].findings)
    bands = {s.markers[0]: s.key.split(".")[-1] for s in spoken if ".bands." in s.key}
    for finding in one.visits[-1].findings:
        weight = weight_of(telling, finding)
        word = bands.get(finding.marker, "")
        if word == "pregnancy":  # the limits at hand are not those that hold
            assert "pregnancy" in finding.notes
            assert weight > Weight.REFER
            continue
        assert (weight is Weight.CRITICAL) == word.startswith("critical")
        assert (weight is Weight.REFER) == word.startswith("refer")
        assert (weight is Weight.OUTSIDE) == word.startswith("outside")
        assert (weight is Weight.ATTENTION) == word.startswith("attention")
        assert (word == "within") <= is_within(finding)


@pytest.mark.parametrize("name", NAMES)
def test_only_real_changes_are_told_and_in_their_direction(name: str) -> None:
    one = interpretation(name)
    last = [change for change in one.changes if change.end == one.visits[-1].date]
    first = {c.marker: c for c in last if c.against == "first"}
    since = {c.marker: first.get(c.marker, c) for c in last}
    real = {marker: change for marker, change in since.items() if change.real}
    section = told(name).section("changes")
    assert section is not None
    tables = [block for block in section.blocks if isinstance(block, Table)]
    rows = [(group.title, row) for table in tables for group in table.groups for row in group.rows]
    body = Language.load("nl").text("client.changes.body")
    clearly = {row.markers[0]: row.cells[-1] for title, row in rows if title != body}
    assert clearly.keys() == real.keys()
    for marker, change in real.items():
        assert ("↓" in clearly[marker]) == (change.end_value < change.start_value)
    lately = {c.marker for c in last if c.against == "previous" and c.real}
    spoken = [s for s in sentences(told(name), "summary") if s.key.endswith("_lately")]
    assert {marker for sentence in spoken for marker in sentence.markers} <= lately


def test_a_change_is_better_towards_the_limits_and_worse_away_from_them() -> None:
    start = {"ldl": 3.6, "hdl": 1.0, "hs_crp": 0.6, "ferritin": 100, "tsh": 3.0}
    end = {"ldl": 5.2, "hdl": 1.28, "hs_crp": 2.4, "ferritin": 40, "tsh": 1.0}
    person = case(lab(start), lab(end, date="2024-07-01", sample_id="s2"))
    story = client(person)
    section = story.section("changes")
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    found = {row.markers[0]: group.title for group in table.groups for row in group.rows}
    assert found == {
        "ldl": "Minder goed dan eerst",
        "hs_crp": "Minder goed dan eerst",
        "hdl": "Beter dan eerst",
        "ferritin": "Anders, en binnen de grenzen",
        "tsh": "Anders, en binnen de grenzen",
    }
    keys = {s.key: s.markers for s in sentences(story, "summary") if s.key.endswith("_lately")}
    assert keys == {
        "client.worse_lately": ("ldl", "hs_crp"),
        "client.better_lately": ("hdl",),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_names_the_values_and_dates_that_the_clinician_reads(name: str) -> None:
    one = interpretation(name)
    for box, flag in zip(boxes(told(name))[:-1], in_order(one.open_flags), strict=True):
        bases = [s for s in box.sentences if s.key.startswith("client.basis")]
        assert len(bases) == len(flag.bases)
        for basis, (date, held) in zip(bases, flag.bases, strict=True):
            assert str(date.year) in basis.text
            assert set(basis.markers) == {value.marker for value in held.values}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_sounds_well_while_a_flag_is_open(name: str) -> None:
    waiting = [f for f in interpretation(name).open_flags if f.urgency is not Urgency.BANNER]
    keys = {sentence.key for sentence in sentences(told(name), "summary")}
    assert not (waiting and "client.no_flags" in keys)
    assert bool(waiting) == ("client.flags_first" in keys)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_advised_to_the_client_that_is_withheld(name: str) -> None:
    withheld = {item.id for item in interpretation(name).plan if item.withheld_by}
    advised = {s.key.split(".")[2] for s in sentences(told(name), "plan") if ".items." in s.key}
    assert not withheld & advised


@pytest.mark.parametrize("code", ["nl", "en"])
def test_every_flag_phase_theme_and_urgency_is_told_to_the_client(code: str) -> None:
    language = Language.load(code)
    keys = [f"flags.{row.flag}.title" for row in RULES.flags]
    keys += [f"flags.{row.flag}.{row.branch}" for row in RULES.flags if row.kind == "variant"]
    keys += [
        f"phases.{name}" for name in language.keys("phases") if language.has(f"phases.{name}.title")
    ]
    keys += [f"domains.{marker.domain}" for marker in RULES.markers.values()]
    keys += [f"themes.{marker.domain}" for marker in RULES.markers.values()]
    keys += [f"labels.{level}" for level in LEVELS.values()]
    keys += [f"urgency.{level}" for level in LEVELS.values() if level != "banner"]
    keys += [f"confidence.{word}" for word in ("high", "moderate", "low")]
    assert [key for key in keys if not language.has(f"client.{key}")] == []
    silent = [
        row
        for row in RULES.flags
        if row.kind == "branch"
        and not language.has(f"client.flags.{row.flag}.{row.branch}")
        and not language.has(f"client.flags.{row.flag}.text")
    ]
    assert silent == []


def test_every_marker_says_what_it_is_or_its_theme_does() -> None:
    language = Language.load("nl")
    own = set(language.keys("client.markers"))
    assert own <= set(RULES.markers)
    mute = {marker.domain for id, marker in RULES.markers.items() if id not in own}
    assert mute <= {"organic_acid", "cgm", "gut", "anthropometry"}


def test_both_languages_have_the_same_keys_placeholders_and_numbers() -> None:
    dutch, english = (dict(leaves(Language.load(code).texts["client"])) for code in ("nl", "en"))
    assert dutch.keys() == english.keys()
    for key, text in dutch.items():
        for pattern in (r"\{\w+\}", r"(?<![\w,.])\d+"):
            assert sorted(re.findall(pattern, text)) == sorted(re.findall(pattern, english[key])), (
                key
            )


@pytest.mark.parametrize("code", ["nl", "en"])
def test_what_the_specification_lays_down_word_by_word_is_said_so(code: str) -> None:
    language = Language.load(code)
    phrases = tomllib.loads(Path(__file__).with_name("fixed_phrases.toml").read_text("utf-8"))[code]
    together = phrases.pop("told_together")
    texts = dict(leaves(language.texts["client"]))
    assert [key for key, phrase in phrases.items() if not texts[key].startswith(phrase)] == []
    person = case(lab({"glucose_fasting": 4.0, "insulin_fasting": 52.8, "hba1c": 36}))
    story = narrate(interpret(person), code, Audience.CLIENT)
    assert " ".join(one.text for one in boxes(story)[0].sentences).startswith(together)


def test_a_band_is_told_in_the_words_of_the_marker_then_of_the_theme_then_of_all() -> None:
    person = case(lab({"hba1c": 36, "hs_crp": 2.1, "oa_adipate": 8}))
    keys = {s.markers[0]: s.key for s in sentences(client(person), "results") if s.markers}
    assert keys["hba1c"] == "client.bands.hba1c.attention"
    assert keys["hs_crp"] == "client.bands.attention"
    found = client(case(lab({"oa_adipate": 8}, ref_high="6")))
    keys = {s.markers[0]: s.key for s in sentences(found, "results") if s.markers}
    assert keys["oa_adipate"] == "client.bands.organic_acid.outside_high"


def results_of(person: CaseInput) -> dict[str, Result]:
    return {one.marker: one for one in in_results(client(person))}


def test_a_result_says_what_it_is_whose_limit_and_what_it_means() -> None:
    result = results_of(case(lab({"hs_crp": 2.1})))["hs_crp"]
    assert (result.name, result.value) == ("hs-CRP", "2,1\N{NO-BREAK SPACE}mg/L")
    assert (result.level, result.position) == ("attention", "aandachtspunt")
    assert [(mark.kind, mark.sentence.text) for mark in result.marks] == [
        ("usual", "Gebruikelijke grens: hoogstens 3."),
        ("target", "Streefwaarde van deze praktijk: hoogstens 1."),
        ("doctor", "Een arts kijkt ernaar bij een waarde boven 10."),
    ]
    said = " ".join(sentence.text for sentence in result.sentences)
    assert said.startswith("Een stof die stijgt bij ontsteking. Binnen de referentiewaarden")
    assert "In uw plan staat wat u hieraan kunt doen: ‘Mediterraan eetpatroon’." in said


def test_a_result_beyond_its_limit_says_whose_limit_that_is() -> None:
    own = results_of(case(lab({"zonulin_serum": 118}, ref_high="48")))["zonulin_serum"]
    assert [mark.sentence.text for mark in own.marks] == [
        "Grens van uw laboratorium: hoogstens 48."
    ]
    assert own.sentences[-1].text.startswith("Dit is hoger dan de grens van uw laboratorium.")
    usual = results_of(case(lab({"cholesterol_total": 6.1})))["cholesterol_total"]
    assert usual.sentences[-1].text == "Dit is hoger dan de gebruikelijke grens."
    wide = results_of(case(lab({"ldl": 3.4}, ref_high="4.0")))["ldl"]
    assert wide.sentences[-1].text == "Dit is hoger dan de grens uit richtlijnen of onderzoek."
    assert [mark.kind for mark in wide.marks] == ["usual", "guideline", "doctor"]


def test_in_pregnancy_no_result_is_called_inside_limits_that_are_not_those_of_pregnancy() -> None:
    own = lab({"alt": 61}, ref_low="5", ref_high="30")
    person = case(lab({"glucose_fasting": 5.1, "ldl": 4.0}), own, context={"pregnant": "yes"})
    found = results_of(person)
    assert (found["glucose_fasting"].level, found["glucose_fasting"].position) == (
        "open",
        "andere grenzen",
    )
    assert found["glucose_fasting"].line is None
    assert found["glucose_fasting"].marks == ()
    assert (found["ldl"].level, found["ldl"].line) == ("open", None)
    assert found["alt"].level == "outside"  # its laboratory knew of whom it was


def test_a_value_of_an_earlier_visit_stands_beside_with_its_date() -> None:
    person = case(lab({"alt": 61}), lab({"alt": 32}, date="2024-07-01", sample_id="s2"))
    *_, before = results_of(person)["alt"].marks
    assert before.kind == "before"
    assert before.sentence.text == "Vorige keer (1 januari 2024): 61\N{NO-BREAK SPACE}U/L."


def test_words_are_explained_only_where_the_report_uses_them() -> None:
    terms = [s.text.split(":")[0] for s in sentences(client(case(lab({"alt": 20}))), "glossary")]
    assert "Compensatiefase" not in terms
    person = case(lab({"glucose_fasting": 4.7, "insulin_fasting": 17.4, "hba1c": 35}))
    terms = [s.text.split(":")[0] for s in sentences(client(person), "glossary")]
    assert {"Compensatiefase", "Nuchter", "Streefwaarde"} <= set(terms)


def test_what_lacks_is_offered_and_not_ordered() -> None:
    person = case(lab({"glucose_fasting": 5.1, "hba1c": 33}))
    offers = [s for s in sentences(client(person), "unknown") if "offer" in s.key]
    assert "nuchtere insuline" in offers[0].text
    assert offers[0].text.startswith("Wilt u meer weten?")


@pytest.mark.parametrize("code", ["nl", "en"])
def test_no_flag_names_a_diagnosis_to_the_client(code: str) -> None:
    language = Language.load(code)
    words = DIAGNOSES.split()
    flags = {row.flag for row in RULES.flags}
    texts = [
        language.text(f"client.flags.{flag}.{name}")
        for flag in flags
        for name in language.keys(f"client.flags.{flag}")
    ]
    assert [text for text in texts if any(word in text.casefold() for word in words)] == []


def test_suicidal_thoughts_lead_to_113_first() -> None:
    person = case(lab({"glucose_fasting": 5.0}), context={"suicidal_thoughts": "yes"})
    story = narrate(with_numbered_files(interpret(person)), "nl", Audience.CLIENT)
    assert "113" in boxes(story)[0].sentences[0].text
    assert sentences(story, "contact")[0].key == "client.contact_113"


@pytest.mark.parametrize("name", NAMES[:: sized(4, full=1)])
def test_every_limit_beside_a_result_stands_in_the_table_of_sources(name: str) -> None:
    story = told(name)
    section = story.section("sources")
    assert section is not None
    rows = {
        marker: row
        for block in section.blocks
        if isinstance(block, Table)
        for group in block.groups
        for row in group.rows
        for marker in row.markers
    }
    for one in in_results(story):
        if one.line:
            said = set(re.findall(r"\d+(?:,\d+)?", " ".join(rows[one.marker].cells[1:])))
            beside = (mark.sentence.text for mark in one.marks if mark.kind != "before")
            assert set(re.findall(r"\d+(?:,\d+)?", " ".join(beside))) <= said, one.marker


def test_a_limit_is_said_to_be_whose_it_is() -> None:
    person = case(lab({"ferritin": 90}, ref_low="20", ref_high="200"), lab({"hba1c": 36}))
    section = client(person).section("sources")
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    rows = {row.cells[0]: row.cells[1:] for group in table.groups for row in group.rows}
    assert rows["Ferritine, µg/L"][0] == "20–200 (laboratorium)"
    assert rows["HbA1c, mmol/mol"][1] == "hoogstens 33 (praktijk)"
    assert rows["HbA1c, mmol/mol"][2] == "van 48 of hoger (ADA 2025)"


def test_a_load_test_is_explained_only_where_there_is_a_curve() -> None:
    few = {"glucose_ogtt_0": 4.4, "glucose_ogtt_120": 7.4}
    assert client(case(lab(few))).section("load-test") is None
    section = client(case(lab({**few, "glucose_ogtt_60": 9.0}))).section("load-test")
    assert section is not None


def test_of_one_marker_a_flag_tells_what_says_most() -> None:
    (box,) = (one for one in boxes(client(case(lab({"egfr": 20})))) if one.id == "SF-14")
    keys = [one.key for one in box.sentences]
    told = [key.removeprefix("client.flags.SF-14.") for key in keys if ".below_" in key]
    assert told == ["below_30_new"]  # and not once more below 30, nor below 45 or 60


def test_thoughts_of_suicide_come_before_every_other_flag_of_their_urgency() -> None:
    values = lab({"potassium": 6.9, "glucose_fasting": 24.0})
    found = boxes(client(case(values, context={"suicidal_thoughts": "yes"})))
    flags = [one for one in found if one.id.startswith("SF-")]
    assert flags[0].id == "SF-25"
    assert [one.level for one in flags[:2]] == ["emergency", "emergency"]


def test_page_one_names_a_result_for_a_doctor_though_no_flag_is_raised() -> None:
    story = client(case(lab({"vitamin_d": 20})))
    assert not [one for one in boxes(story) if one.id.startswith("SF-")]
    said = [one.text for one in sentences(story, "summary")]
    assert "Laat een arts kijken naar: 25-OH-vitamine D." in said
    assert not any(one.key in ("client.no_flags", "client.first_steps") for one in sentences(story))


def test_page_one_names_the_best_proved_advice_of_each_theme() -> None:
    story = client(case(lab({"hba1c": 33, "glucose_fasting": 5.0})))
    (said,) = (one for one in sentences(story, "summary") if one.key == "client.first_steps")
    assert 1 <= len(said.rules) <= 3
    section = story.section("plan")
    assert section is not None
    told = {rule for one in sentences_of(section) for rule in one.rules}
    assert set(said.rules) <= told


@pytest.mark.parametrize(
    ("later", "lead", "reasons"),
    [
        ({"ldl": 3.4}, "client.no_changes", []),
        ({"ldl": "<3.9"}, "client.changes.none_known", ["censored"]),
        (
            {"ldl": 3.4, "folate": 30},
            "client.changes.none_of_the_known",
            ["no-variation-known"],
        ),
        ({"tsh": 2.0}, "client.changes.nothing_twice", []),
    ],
)
def test_what_cannot_be_compared_is_not_told_as_unchanged(
    later: dict[str, float | str], lead: str, reasons: list[str]
) -> None:
    first = lab({"ldl": 3.5, "folate": 12})
    person = case(first, lab(later, date="2024-07-01", sample_id="s2"))
    keys = [one.key for one in sentences(client(person), "changes")]
    assert keys[0] == lead
    told = [key for key in keys if ".unjudged." in key]
    assert told == [f"client.changes.unjudged.{reason}" for reason in reasons]


def test_results_of_another_laboratory_are_not_told_as_unchanged() -> None:
    first, then = lab({"ldl": 6.0}, lab="one"), lab({"ldl": 3.0}, date="2024-07-01", lab="two")
    person = case(first, then.assign(sample_id="s2"))
    keys = [one.key for one in sentences(client(person), "changes")]
    assert keys[:2] == ["client.changes.none_known", "client.changes.unjudged.different-method"]


@pytest.mark.parametrize(("born", "is_asked"), [(1969, True), (1968, False)])
def test_nobody_over_55_is_asked_about_a_pregnancy(born: int, is_asked: bool) -> None:
    story = client(case(lab({"tsh": 3.6}), birth_year=born, context={}))
    said = " ".join(one.text for one in sentences(story, "unknown"))
    assert ("of u zwanger wilt worden" in said) is is_asked


def test_page_one_names_the_results_for_a_doctor_that_no_flag_rests_on() -> None:
    story = client(case(lab({"vitamin_d": 20, "potassium": 6.9})))
    (said,) = (one for one in sentences(story, "summary") if one.key == "client.results_also")
    assert said.text == "Laat een arts ook kijken naar: 25-OH-vitamine D."
