"""The small charts of the course: places made from the findings, and what is said of them."""

import re
from itertools import pairwise

import pytest
from clinic import case, lab
from hypothesis import given
from hypothesis import strategies as st

from pipeline.interpret import interpret
from pipeline.model import Audience, CaseInput
from pipeline.plot import plot_trend
from pipeline.show import show
from pipeline.story import Chart, Charts

EARLIER = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 38, "alt": 62, "weight": 95}
LATER = {"glucose_fasting": 4.8, "insulin_fasting": "<0.3", "hba1c": 33, "alt": 22, "weight": 80}
TWO = case(lab(EARLIER, date="2023-09-04"), lab(LATER, date="2024-05-06", sample_id="s2"))


def charts(
    person: CaseInput = TWO, language: str = "nl", audience: Audience = Audience.CLINICIAN
) -> Charts:
    found = plot_trend(interpret(person), language, audience)
    assert found is not None
    return found


def chart(marker: str, found: Charts) -> Chart:
    return next(one for one in found.items if one.marker == marker)


def visits(*values: float) -> CaseInput:
    return case(
        *(
            lab({"hba1c": value}, date=f"{2015 + index}-03-01", sample_id=f"s{index}")
            for index, value in enumerate(values)
        )
    )


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_each_value_is_told_with_its_month() -> None:
    alts = [plain(one.alt) for one in charts().items]
    assert "Lijngrafiek van ALAT: 62 U/L (maand 0) en 22 U/L (maand 8)." in alts
    said = "Lijngrafiek van nuchtere insuline: 20,0 mU/L (maand 0) en < 0,3 mU/L (maand 8)."
    assert said in alts


@pytest.mark.parametrize("audience", Audience)
def test_both_languages_tell_the_same_numbers(audience: Audience) -> None:
    dutch, english = (charts(language=code, audience=audience) for code in ("nl", "en"))
    for one, other in zip(dutch.items, english.items, strict=True):
        numbers = [re.findall(r"\d+(?:[.,]\d+)?", each.alt) for each in (one, other)]
        assert [number.replace(",", ".") for number in numbers[0]] == numbers[1]
        assert [dot.at for dot in one.dots] == [dot.at for dot in other.dots]


def test_a_marker_of_a_single_visit_has_no_chart_and_one_visit_has_none() -> None:
    assert "waist" not in {one.marker for one in charts().items}
    assert plot_trend(interpret(visits(36)), "nl") is None


def test_the_table_holds_every_value() -> None:
    rows = {row.cells for group in charts().table.groups for row in group.rows}
    assert ("ALAT", "U/L", "62", "22") in rows
    client = charts(audience=Audience.CLIENT)
    names = {row.cells[0] for group in client.table.groups for row in group.rows}
    assert "Nuchtere insuline" in names


@given(values=st.lists(st.integers(20, 120), min_size=2, max_size=9))
def test_all_lies_inside_a_larger_value_stands_higher_and_no_two_labels_touch(
    values: list[int],
) -> None:
    one = chart("hba1c", charts(visits(*values)))
    assert all(0 < dot.height < 1 and 0 < dot.at < one.width for dot in one.dots)
    assert all(0 < level.height < 1 for level in one.levels)
    assert one.band is None or 0 <= one.band[0] < one.band[1] <= 1
    for (low, left), (high, right) in pairwise(
        sorted(zip(values, one.dots, strict=True), key=lambda pair: pair[0])
    ):
        assert (low == high) == (abs(left.height - right.height) < 1e-9)
        assert left.height <= right.height + 1e-9
    assert [dot.at for dot in one.dots] == sorted(dot.at for dot in one.dots)
    labels = sorted([one.dots[-1].height, *(level.label_height for level in one.levels)])
    assert all(higher - lower > 0.149 for lower, higher in pairwise(labels))


def test_a_limit_stands_where_its_value_would() -> None:
    one = chart("hba1c", charts(visits(33, 39)))
    assert [plain(level.label) for level in one.levels] == ["streef ≤ 33", "ADA 2025 < 39"]
    assert [level.height for level in one.levels] == [dot.height for dot in one.dots]
    assert [level.kind for level in one.levels] == ["target", "guideline"]


def test_the_client_sees_the_target_and_no_guideline() -> None:
    one = chart("hba1c", charts(visits(33, 39), audience=Audience.CLIENT))
    assert [(level.kind, level.label) for level in one.levels] == [("target", "33")]


@pytest.mark.parametrize("audience", Audience)
def test_in_pregnancy_no_limit_is_drawn_that_is_not_pregnancys(audience: Audience) -> None:
    first = lab({"hba1c": 36}, date="2023-09-04")
    last = lab({"hba1c": 30}, date="2024-05-06", sample_id="s2")
    person = case(first, last, context={"pregnant": "yes"})
    one = chart("hba1c", charts(person, audience=audience))
    assert (one.levels, one.band) == ((), None)


def test_a_value_known_only_as_a_limit_is_drawn_open() -> None:
    assert [dot.is_bound for dot in chart("insulin_fasting", charts()).dots] == [False, True]


def test_labels_that_would_touch_are_left_to_the_table() -> None:
    one = chart("hba1c", charts(visits(*range(30, 39))))
    named = [index for index, dot in enumerate(one.dots) if dot.label]
    assert named[0] == 0
    assert named[-1] == 8
    assert len(named) == 3


def test_a_picture_is_light_described_and_has_no_style_of_its_own() -> None:
    html = show(charts()).html
    pictures = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(pictures) == len(charts().items)
    for picture in pictures:
        assert len(picture) < 6_000
        assert "<title>Lijngrafiek van" in picture
        assert "<style" not in picture


def test_the_interval_lies_where_its_ends_would() -> None:
    one = chart("hba1c", charts(visits(20, 42), audience=Audience.CLIENT))
    assert one.band == pytest.approx([dot.height for dot in one.dots])
