"""What the notebooks show: every noun as escaped HTML, with its provenance and its mark."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pipeline.show import (
    MARK,
    RESULT_TYPE,
    finish,
    fraction_room,
    show,
    show_title,
    tails,
    unbroken,
)
from pipeline.story import (
    Bullets,
    Callout,
    Column,
    Facts,
    Figure,
    Label,
    Mark,
    NumberLine,
    Paragraph,
    Point,
    Result,
    Results,
    Road,
    Row,
    RowGroup,
    Section,
    Sentence,
    Story,
    Stretch,
    Table,
)

EVIL = '<img src=x onerror=alert(1)>"\' onload="x'
SVG = (
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
    "<title>old</title><metadata><x/></metadata><path d='M0 0'/></svg>"
)


class Tags(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def html_of(*parts: object) -> str:
    bundle, _ = show(*parts)._repr_mimebundle_()  # type: ignore[arg-type]
    return str(bundle["text/html"])


def table(*rows: tuple[str, ...], kind: str = "number") -> Table:
    columns = (Column(label="name"), Column(label="value", kind=kind))  # type: ignore[arg-type]
    lines = tuple(Row(cells=cells, markers=("ldl",), rows=("lab.csv:2",)) for cells in rows)
    return Table(caption="caption", columns=columns, groups=(RowGroup(title="fats", rows=lines),))


def everything(text: str) -> Section:
    """Return a section in which every field that takes text holds ``text``."""
    said = Sentence(text=text, key=text, rules=(text,), markers=(text,), rows=(text,))
    row = Row(cells=(text, text), markers=(text,), rows=(text,))
    columns = (Column(label=text), Column(label=text, kind="number"))
    told = Table(
        caption=text, columns=columns, groups=(RowGroup(title=text, rows=(row,)),), note=text
    )
    blocks = (
        Paragraph(sentences=(said,)),
        Bullets(items=(said,)),
        Callout(level="urgent", title=text, label=text, sentences=(said,), id=text),
        told,
        Figure(id="f", svg=SVG, alt=text, caption=text, table=told),
        Facts(pairs=((text, text),)),
    )
    inner = Section(id="inner", title=text, blocks=blocks)
    return Section(id="outer", title=text, blocks=blocks, subsections=(inner,))


def test_text_in_any_field_is_shown_as_text() -> None:
    tags = Tags(html_of(everything(EVIL)))
    assert not tags.all("img")
    assert not [name for _, attributes in tags.found for name in attributes if name[:2] == "on"]
    assert tags.text.count(EVIL) > 20


def line(text: str, **more: object) -> NumberLine:
    parts = {
        "alt": text,
        "axis": (0.08, 0.92),
        "usual": Stretch(start=0.08, end=0.5, has_start=False, has_end=True),
        "target": None,
        "guideline": (Point(at=0.55),),
        "doctor": (Point(at=0.92, beyond="high"),),
        "now": Point(at=0.3),
        "now_label": Label(text=text, at=0.3, anchor="middle"),
        "is_bound": False,
        "before": None,
        "labels": (Label(text=text, at=0.5, anchor="start"),),
    }
    return NumberLine(**(parts | more))  # type: ignore[arg-type]


def result(text: str, **more: object) -> Results:
    said = Sentence(text=text, markers=("ldl",))
    one = Result(
        marker="ldl",
        name=text,
        value=text,
        position=text,
        level="outside",
        line=line(text, **more),
        marks=(Mark(kind="usual", sentence=said),),
        sentences=(said,),
    )
    return Results(items=(one,))


def road(text: str) -> Road:
    return Road(
        caption=text, stops=(text, text), now=1, before=0, now_label=text, before_label=text
    )


def test_text_in_a_result_and_on_the_road_is_shown_as_text() -> None:
    page = Tags(html_of(result(EVIL), road(EVIL)))
    assert not page.all("img")
    assert {name for _, found in page.found for name in found} & {"onerror", "onload"} == set()
    assert page.text.count(EVIL) == 13


def test_a_number_line_draws_each_place_as_a_share_of_its_width() -> None:
    page = Tags(html_of(result("5,2", before=Point(at=0.92, beyond="high"))))
    (picture, arrow) = page.all("svg")
    assert (picture["role"], picture["aria-label"]) == ("img", "5,2")
    (usual,) = page.all("rect")
    assert (usual["x"], usual["width"]) == ("8.0%", "42.0%")
    strokes = {one["class"]: one["x1"] for one in page.all("line")}
    assert strokes == {"axis": "8.0%", "edge": "50.0%", "guideline": "55.0%"}
    assert [one["cx"] for one in page.all("circle")] == ["30.0%"]
    assert arrow["x"] == "92.0%"  # the value before lies off the axis
    assert [(one["x"], one["text-anchor"]) for one in page.all("text")] == [
        ("30.0%", "middle"),
        ("50.0%", "start"),
    ]


def test_the_road_says_in_words_where_the_person_stands_and_stood() -> None:
    page = Tags(html_of(road("stop")))
    assert [one.get("class") for one in page.all("li")] == ["before", "now"]
    assert len(page.all("strong")) == len(page.all("em")) == 1


def test_nothing_to_show_shows_nothing() -> None:
    empty = Section(id="a", title="A", subsections=(Section(id="b", title="B"),))
    assert show(None, empty)._repr_mimebundle_() == ({}, {})


def test_a_section_is_marked_and_names_its_heading() -> None:
    section = Section(id="a", title="A", blocks=(Paragraph(sentences=(Sentence(text="x"),)),))
    _, metadata = show(section)._repr_mimebundle_()
    expected = {MARK: True, "place": "main", "headings": [["a", "A"]]}
    assert metadata == {"text/html": expected}


def test_headings_go_down_one_level_at_a_time() -> None:
    tags = Tags(html_of(everything("x")))
    levels = [int(name[1]) for name, _ in tags.found if name in ("h1", "h2", "h3", "h4", "h5")]
    assert levels[0] == 2
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_ids_on_a_page_are_used_once() -> None:
    page = html_of(Section(id="a", title="A", subsections=(everything("x"),)), everything("x"))
    ids = [attributes["id"] for _, attributes in Tags(page).found if "id" in attributes]
    sections = [id for id in ids if not str(id).startswith("figure-")]
    assert len(sections) == len(set(sections))


def test_a_sentence_carries_its_provenance() -> None:
    said = Sentence(text="x", key="k", rules=("9", "2a"), markers=("ldl",), rows=("lab.csv:2",))
    (span,) = Tags(html_of(Paragraph(sentences=(said,)))).all("span")
    assert span == {
        "data-key": "k",
        "data-rules": "9 2a",
        "data-markers": "ldl",
        "data-rows": "lab.csv:2",
    }


def test_a_table_says_what_its_headings_are_of() -> None:
    tags = Tags(html_of(table(("a", "1"))))
    assert [th["scope"] for th in tags.all("th")] == ["col", "col", "rowgroup", "row"]
    (group,) = tags.all("div")
    assert (group["role"], group["tabindex"], group["aria-label"]) == ("group", "0", "caption")


def test_decimal_marks_stand_under_one_another_and_the_text_stays_whole() -> None:
    told = table(("a", "12"), ("b", "< 0,35"), ("c", "1,5"), ("d", "–"), ("e", "unknown"))
    room = fraction_room(told)
    assert room == ("", ",00")
    rows = told.groups[0].rows
    assert [tails(row, room)[1] for row in rows] == [",00", "", "0", ",00", ""]
    assert "< 0,35</span>".replace("<", "&lt;", 1) in html_of(told)


def test_a_figure_is_described_to_those_who_cannot_see_it() -> None:
    page = html_of(Figure(id="f", svg=SVG, alt="falls & rises", caption="c"))
    (svg,) = Tags(page).all("svg")
    assert (svg["role"], svg["aria-label"]) == ("img", "falls & rises")
    assert "<title>falls &amp; rises</title>" in page
    assert "old" not in page
    assert "<?xml" not in page
    assert "metadata" not in page


def test_a_callout_says_its_level_in_words() -> None:
    said = Sentence(text="x")
    tags = Tags(html_of(Callout(level="urgent", title="T", label="within days", sentences=(said,))))
    assert "within days" in tags.text
    assert {"class": "symbol", "aria-hidden": "true"} in tags.all("span")


def test_the_title_belongs_in_the_masthead() -> None:
    story = Story(title="T", language="nl", facts=Facts(pairs=(("a", "b"),)), sections=())
    bundle, metadata = show_title(story)._repr_mimebundle_()
    assert "<h1>T</h1>" in str(bundle["text/html"])
    assert metadata["text/html"]["place"] == "masthead"  # type: ignore[index]


def test_the_result_goes_into_the_notebook_as_json_only() -> None:
    bundle, metadata = finish({"case_id": "a"}, "abc")._repr_mimebundle_()
    assert bundle[RESULT_TYPE] == {"case": {"case_id": "a"}, "input_sha256": "abc"}
    assert "text/html" not in bundle
    assert metadata == {}
    json.dumps(bundle)


def test_a_result_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        finish({"value": float("nan")}, "abc")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("op 04-09-2023 gemeten", ["04-09-2023"]),
        ("(3,9–7,8 mmol/L)", ["(3,9–7,8"]),
        ("DHEA-S < 1,65\N{NO-BREAK SPACE}µmol/L.", ["1,65\N{NO-BREAK SPACE}µmol/L."]),
        ("een toename van 29 kg.", ["29 kg"]),
        ("na 3 gesprekken en 4 maanden", []),
    ],
)
def test_a_date_an_interval_and_a_value_stay_on_one_line(text: str, whole: list[str]) -> None:
    shown = unbroken(text)
    assert re.findall('<span class="whole">(.*?)</span>', shown) == whole
    assert re.sub("<.*?>", "", shown) == text.replace("<", "&lt;")
