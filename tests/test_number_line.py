"""A number line puts a value where it belongs, on an axis that no value moves."""

from itertools import combinations

import pytest
from clinic import RULES, case, lab
from golden import FOLDERS, story_of
from hypothesis import given
from hypothesis import strategies as st

from pipeline.interpret import interpret, with_numbered_files
from pipeline.language import Language
from pipeline.model import Audience, CaseInput
from pipeline.narrate import narrate
from pipeline.narrate.client.number_line import axis_of, ends_of
from pipeline.narrate.telling import Telling
from pipeline.story import NumberLine, Results, Story

pytestmark = pytest.mark.xdist_group("golden")
CHARACTER = 0.023


def lines_of(story: Story) -> dict[str, NumberLine]:
    section = story.section("results")
    parts = section.subsections if section else ()
    blocks = (block for part in parts for block in part.blocks)
    results = (one for block in blocks if isinstance(block, Results) for one in block.items)
    return {one.marker: one.line for one in results if one.line}


def lines(person: CaseInput) -> dict[str, NumberLine]:
    return lines_of(narrate(with_numbered_files(interpret(person)), "nl", Audience.CLIENT))


@pytest.mark.parametrize("name", [folder.name for folder in FOLDERS])
def test_everything_stands_inside_the_picture_and_no_two_numbers_touch(name: str) -> None:
    for marker, line in lines_of(story_of(name, "nl", Audience.CLIENT)).items():
        start, end = line.axis
        stretches = [part for part in (line.usual, line.target) if part]
        places = [line.now.at, *(point.at for point in (*line.doctor, *line.guideline))]
        places += [place for part in stretches for place in (part.start, part.end)]
        places += [line.before.at] if line.before else []
        assert all(start <= place <= end for place in places), marker
        assert all(part.start <= part.end for part in stretches), marker
        reach = [ends_of(label) for label in line.labels]
        assert all(left >= 0 and right <= 1 for left, right in reach), marker
        for (_, right), (left, _) in combinations(sorted(reach), 2):
            assert right + CHARACTER <= left + 1e-9, marker


@pytest.mark.parametrize("name", [folder.name for folder in FOLDERS])
def test_every_result_with_a_limit_has_a_line_where_its_band_says(name: str) -> None:
    story = story_of(name, "nl", Audience.CLIENT)
    section = story.section("results")
    for part in section.subsections if section else ():
        for block in part.blocks:
            for one in block.items if isinstance(block, Results) else ():
                assert (one.line is None) == (not any(m.kind != "before" for m in one.marks))
                if one.line and one.level == "within" and one.line.usual:
                    usual = one.line.usual
                    assert usual.start - 1e-9 <= one.line.now.at <= usual.end + 1e-9, one.marker


@given(values=st.lists(st.floats(0.5, 400), min_size=1, max_size=3))
def test_the_axis_of_a_marker_is_the_same_whatever_its_values_are(values: list[float]) -> None:
    visits = [
        lab({"insulin_fasting": round(x, 1)}, date=f"2024-0{n}-01", sample_id=f"s{n}")
        for n, x in enumerate(values, start=1)
    ]
    telling = Telling(
        interpretation=interpret(case(*visits)), language=Language.load("nl"), rules=RULES
    )
    axis = axis_of(telling, "insulin_fasting")
    assert axis is not None
    assert (axis.low, axis.high) == pytest.approx((0.2, 50 + 0.3 * 49.8))


def test_a_report_of_an_earlier_visit_has_the_same_axis() -> None:
    first = lab({"cortisol_serum_am": 300}, ref_low="171", ref_high="536", fasting_hours="")
    second = lab({"cortisol_serum_am": 500}, date="2024-07-01", sample_id="s2", ref_high="600")
    axes = [
        axis_of(
            Telling(interpretation=one, language=Language.load("nl"), rules=RULES),
            "cortisol_serum_am",
        )
        for one in (interpret(case(first)), interpret(case(first, second)))
    ]
    assert axes[0] == axes[1] is not None


def test_a_value_off_the_axis_is_an_arrow_at_its_end_with_the_number() -> None:
    high = lines(case(lab({"insulin_fasting": 180})))["insulin_fasting"]
    assert (high.now.beyond, high.now.at) == ("high", high.axis[1])
    assert high.now_label.text == "180,0"
    assert "buiten de lijn" in high.alt
    low = lines(case(lab({"ft4": 1.1})))["ft4"]
    assert (low.now.beyond, low.now.at) == ("low", low.axis[0])


def test_a_value_known_only_as_a_limit_is_drawn_open() -> None:
    line = lines(case(lab({"insulin_fasting": "<2"})))["insulin_fasting"]
    assert line.is_bound
    assert line.now_label.text == "<\N{NO-BREAK SPACE}2,0"


def test_the_limits_stand_where_they_are_and_open_ends_run_on() -> None:
    line = lines(case(lab({"hba1c": 36})))["hba1c"]
    start, end = line.axis
    assert line.usual is not None
    assert line.target is not None
    low, high = 15, 48 + 0.3 * (48 - 20)  # what is plausible ends the axis on the left
    place = {x: start + (end - start) * (x - low) / (high - low) for x in (20, 33, 36, 42, 48)}
    assert (line.usual.start, line.usual.end) == pytest.approx((place[20], place[42]))
    assert (line.usual.has_start, line.usual.has_end) == (True, True)
    assert (line.target.start, line.target.end) == pytest.approx((start, place[33]))
    assert (line.target.has_start, line.target.has_end) == (False, True)
    assert [point.at for point in line.doctor] == pytest.approx([place[48]])
    assert line.now.at == pytest.approx(place[36])
    assert [label.text for label in line.labels] == ["20", "42", "48", "33"]


def test_a_result_without_any_limit_has_no_line() -> None:
    assert "cortisol_saliva_am" not in lines(case(lab({"cortisol_saliva_am": 12})))
