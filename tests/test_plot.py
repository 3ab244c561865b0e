"""Figures as data: what is drawn, what is said of it, and SVG that can stand in a page."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from clinic import case, lab
from matplotlib.figure import Figure as Sheet
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sizes import sized

from pipeline.interpret import interpret
from pipeline.model import Audience, Interpretation
from pipeline.plot import palette, plot_ogtt, plot_road
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.plot.marks import labelled
from pipeline.plot.ogtt import plot_curve
from pipeline.story import Figure, Table

EARLIER = {"glucose_fasting": 5.0, "insulin_fasting": 20, "hba1c": 38, "alt": 62, "weight": 95}
LATER = {"glucose_fasting": 4.8, "insulin_fasting": "<0.3", "hba1c": 33, "alt": 22, "weight": 80}
OGTT = {
    "glucose_ogtt_0": 4.4,
    "glucose_ogtt_30": 8.1,
    "glucose_ogtt_60": 9.0,
    "glucose_ogtt_120": 7.4,
    "glucose_ogtt_180": 3.1,
    "insulin_ogtt_0": 12,
    "insulin_ogtt_30": 214,
    "insulin_ogtt_120": 296,
}
SVG = "{http://www.w3.org/2000/svg}"
DRAW: dict[str, Callable[[Interpretation, str], Figure | None]] = {
    "ogtt": plot_ogtt,
    "road": plot_road,
}
each_figure = pytest.mark.parametrize("id", DRAW)


@cache
def two_visits() -> Interpretation:
    return interpret(
        case(
            lab({**EARLIER, **OGTT}, date="2023-09-04"),
            lab(LATER, date="2024-05-06", sample_id="s2"),
        )
    )


@cache
def one_value() -> Interpretation:
    return interpret(case(lab({"vitamin_d": 60})))


@cache
def drawn(id: str, language: str = "nl") -> Figure:
    figure = DRAW[id](two_visits(), language)
    assert figure is not None
    return figure


def cells(table: Table | None) -> list[tuple[str, ...]]:
    assert table is not None
    return [row.cells for group in table.groups for row in group.rows]


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


# SVG that can stand in a page.


@each_figure
def test_a_figure_is_one_svg_element_with_its_description_as_title(id: str) -> None:
    figure = drawn(id)
    root = ElementTree.fromstring(figure.svg)
    assert root.tag == f"{SVG}svg"
    assert figure.svg.startswith("<svg")
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == figure.alt


@each_figure
def test_a_figure_takes_the_width_of_the_page(id: str) -> None:
    root = ElementTree.fromstring(drawn(id).svg)
    assert root.get("width") == "100%"
    assert root.get("height") is None
    left, top, width, height = map(float, str(root.get("viewBox")).split())
    assert (left, top) == (0, 0)
    assert width == pytest.approx(170 / 25.4 * 72)
    assert 0 < height < width


@each_figure
def test_the_ids_of_a_figure_are_its_own(id: str) -> None:
    svg = drawn(id).svg
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert ids
    assert len(ids) == len(set(ids))
    assert all(one == id or one.startswith(f"{id}-") for one in ids)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert {one for pair in used for one in pair if one} <= set(ids)


@each_figure
def test_the_style_of_a_figure_touches_nothing_else_on_the_page(id: str) -> None:
    rules = re.findall(r"<style[^>]*>(.*?)</style>", drawn(id).svg, re.DOTALL)
    assert all(rule.strip().startswith(f"#{id} ") for rule in rules)


@each_figure
def test_a_figure_asks_for_nothing_outside_itself(id: str) -> None:
    svg = re.sub(r'xmlns(:\w+)?="[^"]+"', "", drawn(id).svg)
    assert "http" not in svg
    assert "<image" not in svg
    assert "<script" not in svg


@each_figure
def test_text_stays_text_in_the_font_that_ships_with_the_page(id: str) -> None:
    svg = drawn(id).svg
    assert "<text" in svg
    assert "Inter" in svg


@each_figure
def test_the_same_case_twice_gives_the_same_bytes(id: str) -> None:
    again = DRAW[id](two_visits(), "nl")
    assert again is not None
    assert again.svg == drawn(id).svg


@each_figure
def test_no_setting_of_the_user_changes_a_figure(id: str) -> None:
    with mpl.rc_context({"axes.grid": True, "axes.titlepad": 40, "xtick.major.size": 9}):
        assert DRAW[id](two_visits(), "nl") == drawn(id)


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    settings = [name for name in mpl.rcParams if name != "backend"]  # found out when asked for
    before = {name: mpl.rcParams[name] for name in settings}
    for draw in DRAW.values():
        draw(two_visits(), "nl")
    assert {name: mpl.rcParams[name] for name in settings} == before


@pytest.fixture(scope="module")
def strings(shared: Path) -> list[str]:
    """Return hostile strings that a picture can hold."""
    told = json.loads((shared / "attack/strings.json").read_text("utf-8"))
    texts = [one["s"] for one in told][:: sized(200, full=12)]
    return [one for one in texts if ILLEGAL_CHARACTERS_RE.search(one) is None and is_text(one)]


def is_text(text: str) -> bool:
    whole = text.encode("utf-8", "replace").decode("utf-8") == text
    return whole and not {"\ufffe", "\uffff"} & {*text}


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")
def test_any_text_in_a_picture_is_text(strings: list[str]) -> None:
    assert len(strings) > sized(100, full=1_900)
    for text in [r"$\undefined{x}$", r"$\sqrt[$", *strings]:
        with drawing():
            sheet, (ax,) = new_sheet(40, Margins(left=9, right=9, top=6, bottom=9))
            ax.set_title(text)
            ax.set_xlabel(text)
            svg = svg_of(sheet, id="x", alt=text)
        root = ElementTree.fromstring(svg)
        names = {one.tag.removeprefix(SVG) for one in root.iter()}
        assert not names & {"script", "foreignObject", "image", "a", "iframe", "animate", "set"}
        assert not [key for one in root.iter() for key in one.attrib if key.startswith("on")]


# What is drawn, said, and put in the table.


@each_figure
def test_both_languages_describe_the_same_numbers(id: str) -> None:
    dutch, english = drawn(id, "nl"), drawn(id, "en")
    numbers = [re.findall(r"\d+(?:[.,]\d+)?", figure.alt) for figure in (dutch, english)]
    assert [one.replace(",", ".") for one in numbers[0]] == numbers[1]
    assert dutch.alt != english.alt


@each_figure
def test_each_figure_has_a_caption_and_a_table_of_whole_rows(id: str) -> None:
    figure = drawn(id)
    assert figure.caption
    assert figure.table is not None
    assert all(len(row) == len(figure.table.columns) for row in cells(figure.table))


def test_nothing_to_draw_gives_no_figure() -> None:
    assert plot_ogtt(one_value(), "nl") is None
    assert plot_road(one_value(), "nl") is None


def test_the_curve_tells_each_point_and_that_its_low_point_is_no_diagnosis() -> None:
    figure = drawn("ogtt")
    assert "8,1 mmol/L na 30 min" in plain(figure.alt)
    assert cells(figure.table)[2] == ("60", "9,0", "–")
    assert figure.table is not None
    assert "3,1 mmol/L na 180 minuten" in plain(figure.table.note)
    assert "niet diagnostisch" in figure.table.note


def test_a_curve_needs_three_points() -> None:
    few = {"glucose_ogtt_0": 4.4, "glucose_ogtt_120": 7.4}
    assert plot_ogtt(interpret(case(lab(few))), "nl") is None


def test_a_value_known_only_as_a_limit_is_an_open_point() -> None:
    person = case(lab({**OGTT, "insulin_ogtt_30": "<3"}))
    curve = interpret(person).visits[0].load_test("insulin")
    ax = plot_curve(curve, labels=["12", "< 3", "296"], limits=[], ax=Sheet().subplots())
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == [
        palette.VALUE,
        "white",
        palette.VALUE,
    ]
    assert [list(point.get_ydata()) for point in points] == [[12.0], [3.0], [296.0]]


def test_the_client_reads_of_the_same_curve_in_plain_words() -> None:
    figure = plot_ogtt(two_visits(), "nl", Audience.CLIENT)
    assert figure is not None
    assert "8,1 mmol/L na 30 minuten" in plain(figure.alt)
    assert cells(figure.table) == cells(drawn("ogtt").table)
    assert "glucosetolerantietest" not in figure.alt + figure.caption


def test_the_road_places_each_visit_by_its_classes() -> None:
    rows = [row[1][:2] + row[2][:2] for row in cells(drawn("road").table)]
    assert ">8</text>" in drawn("road").svg
    assert rows == ["G1I2", "G0I0"]


def test_a_class_that_is_unknown_has_a_place_of_its_own() -> None:
    figure = plot_road(interpret(case(lab({"glucose_fasting": 5.0, "hba1c": 33}))), "en")
    assert figure is not None
    assert "I? · unknown" in figure.svg


@pytest.mark.parametrize(
    ("months", "with_label"),
    [([0, 8, 24], [0, 1, 2]), ([0, 1, 3, 8, 12, 24], [0, 3, 5]), ([0, 20, 24], [0, 2]), ([5], [0])],
)
def test_labels_that_would_touch_are_left_to_the_table(
    months: list[int], with_label: list[int]
) -> None:
    assert labelled(months, 0.3) == with_label


def test_target_and_guideline_lines_differ_in_more_than_colour() -> None:
    assert palette.TARGET_DASH != palette.GUIDELINE_DASH
    assert palette.TARGET != palette.GUIDELINE


@pytest.mark.parametrize("colour", ["INK", "QUIET", "VALUE", "TARGET", "GUIDELINE"])
def test_what_is_read_has_contrast_with_paper_and_with_every_area(colour: str) -> None:
    grounds = ("#ffffff", palette.BAND, palette.SENSITIVE, palette.COMPENSATION)
    grounds += (palette.DECOMPENSATION, palette.UNDETERMINED)
    ink = _luminance(getattr(palette, colour))
    assert all((_luminance(ground) + 0.05) / (ink + 0.05) >= 4.5 for ground in grounds)


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
