"""The client is told the same case: the same numbers, judgements, flags and changes."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from clinic import RULES, case, lab
from golden import FOLDERS, interpretation_of, story_of

from pipeline.interpret import interpret, with_numbered_files
from pipeline.language import Language
from pipeline.model import Audience, Interpretation, Urgency
from pipeline.narrate import narrate
from pipeline.narrate.label import phase_key
from pipeline.narrate.provenance import sentences_of
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, weight_of
from pipeline.story import Callout, Sentence, Story

NAMES = [folder.name for folder in FOLDERS]
DIAGNOSES = (
    "cushing insulinoom insulinoma pancreatitis kanker cancer tumor addison lada mody prolactin"
    " leukemie leukaemia hepatitis eclampsi"
)
KINDS = ("case_study", "client_report")
pytestmark = pytest.mark.xdist_group("golden")  # one worker interprets all of them, once
LEVELS = {"E": "emergency", "U": "urgent", "R": "routine", "-": "banner"}


@cache
def interpretation(name: str) -> Interpretation:
    return with_numbered_files(interpretation_of(name))


def told(name: str, language: str = "nl", audience: Audience = Audience.CLIENT) -> Story:
    return story_of(name, language, audience)


def boxes(story: Story) -> list[Callout]:
    section = story.section("summary")
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Callout)]


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
    spoken = [s for s in sentences(told(name), "results") if s.key.split(".")[1] != "notes"]
    found = [marker for sentence in spoken for marker in sentence.markers]
    assert sorted(found) == sorted(finding.marker for finding in one.visits[-1].findings)
    bands = {s.markers[0]: s.key.split(".")[2] for s in spoken if ".bands." in s.key}
    for finding in one.visits[-1].findings:
        weight = weight_of(telling, finding)
        word = bands.get(finding.marker, "")
        assert (weight is Weight.CRITICAL) == word.startswith("critical")
        assert (weight is Weight.REFER) == word.startswith("refer")
        assert (weight is Weight.OUTSIDE) == word.startswith("outside")
        assert (weight is Weight.ATTENTION) == word.startswith("attention")


@pytest.mark.parametrize("name", NAMES)
def test_only_real_changes_are_told_and_in_their_direction(name: str) -> None:
    one = interpretation(name)
    real = {
        change.marker: "fell" if change.end_value < change.start_value else "rose"
        for change in one.changes
        if change.real and change.end == one.visits[-1].date
    }
    spoken = [s for s in sentences(told(name), "changes") if s.markers]
    assert {s.markers[0] for s in spoken} <= set(real)
    last = [change for change in one.changes if change.end == one.visits[-1].date]
    unreal = {c.marker for c in last if c.against == "first" and not c.real}
    assert not unreal & {s.markers[0] for s in spoken}


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
    keys = [f"flags.{row.flag}.{part}" for row in RULES.flags for part in ("title", "text")]
    keys += [
        f"phases.{name}" for name in language.keys("phases") if language.has(f"phases.{name}.title")
    ]
    keys += [f"domains.{marker.domain}" for marker in RULES.markers.values()]
    keys += [f"{part}.{level}" for part in ("urgency", "labels") for level in LEVELS.values()]
    assert [key for key in keys if not language.has(f"client.{key}")] == []


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


@pytest.mark.kernel
def test_both_kinds_of_report_end_with_the_same_case(
    tmp_path: Path, root: Path, pango: None
) -> None:
    for kind in KINDS:
        words = f"-m pipeline report {kind} samples/seed_case --format html,json"
        out = ["--as-of", "2025-10-01", "--out", str(tmp_path / kind)]
        run = [sys.executable, *words.split(), *out]
        subprocess.run(run, cwd=root, check=True, capture_output=True, timeout=300)
    results = [(tmp_path / kind / "seed_case/case.json").read_bytes() for kind in KINDS]
    assert results[0] == results[1]
    assert json.loads(results[0])["case_id"] == "seed_case"
    page = (tmp_path / "client_report/seed_case/client_report.nl.html").read_text("utf-8")
    assert "<script" not in page
    assert "Uw uitslagen" in page
