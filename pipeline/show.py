"""Middle floor. The display objects of the report notebooks: the only things a cell may end with.

Text is escaped by Jinja; the exporter keeps only what carries the mark of this module.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipeline.resources import resource_path
from pipeline.story import Block, Figure, Row, Section, Sentence, Story, Table

MARK = "casereport"  # stands in the metadata of every output of ours
RESULT_TYPE = "application/vnd.casereport+json"
Place = Literal["masthead", "main"]
Heading = tuple[str, str]  # a section's id and title, for the contents list
Bundle = tuple[dict[str, object], dict[str, object]]

_NUMBER = re.compile(r"\D{0,3}\d+(?:(?P<mark>[.,])(?P<fraction>\d+))?")
_WITHOUT_FIGURES = re.compile(r"[^\d]{1,2}")  # a dash in the place of a number
_ONE_PIECE = re.compile(
    r"(\(?\d[\d.,]*(?:[-–]\d[\d.,]*)+\)?"  # a date in digits, an interval
    r"|\d[\d.,]*\N{NO-BREAK SPACE}[^\s/]{1,6}(?:/[^\s/]{1,6})+"  # a value with its unit
    r"|\d[\d.,]* (?:kg|g|mg|cm|%)(?!\w))"  # the same as a person types it
)
_SHORT = 17  # characters
_LONG = 24  # characters of a word
_LINE = 160  # characters of a dense table on A4
_SVG_START = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_SVG_TITLE = re.compile(r"<title>.*?</title>\s*", re.DOTALL)
_SVG_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A piece of the page: escaped HTML, where it belongs, and the headings it holds."""

    html: str
    place: Place = "main"
    headings: tuple[Heading, ...] = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        """Return what Jupyter stores: nothing at all where there is nothing to show."""
        if not self.html:
            return {}, {}
        mark = {MARK: True, "place": self.place, "headings": [list(pair) for pair in self.headings]}
        plain = ", ".join(title for _, title in self.headings)
        return {"text/html": self.html, "text/plain": plain}, {"text/html": mark}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The machine-readable result of a case; in the last cell it says that the report is whole."""

    case: Mapping[str, object]
    input_sha256: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        """Return what Jupyter stores; ``publish`` takes ``case.json`` from it."""
        result = {"input_sha256": self.input_sha256, "case": dict(self.case)}
        return {RESULT_TYPE: result, "text/plain": "case.json"}, {}


def show(*parts: Section | Block | None) -> Fragment:
    """Return sections and blocks as one piece of the page; None and empty sections show nothing.

    A section outside another starts at the second level of headings; a block behind a section
    stands at its end, any other by itself.
    """
    shown = _joined(part for part in parts if part is not None)
    headings = [
        (part.id, part.title) for part in shown if isinstance(part, Section) and not part.is_empty()
    ]
    html = "".join(_html(part) for part in shown)
    return Fragment(html=html.strip(), headings=tuple(headings))


def show_title(story: Story) -> Fragment:
    """Return the title of the report and its facts; the page puts them in its masthead."""
    html = str(_macros().masthead(story))
    return Fragment(html=html.strip(), place="masthead", headings=(("title", story.title),))


def finish(case: Mapping[str, object], input_sha256: str) -> Result:
    """Return the last output of every report: its result, and the hash of the input it came from.

    Raises ValueError where the result is no JSON (not-a-number, infinity, a strange type).
    """
    json.dumps(case, allow_nan=False)
    return Result(case=case, input_sha256=input_sha256)


def _joined(parts: Iterable[Section | Block]) -> list[Section | Block]:
    """Return parts with each block moved into the section before it, as its last part."""
    joined: list[Section | Block] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(before, Section) and not isinstance(part, Section):
            joined[-1] = replace(before, ending=(*before.ending, part))
        else:
            joined.append(part)
    return joined


def _html(part: Section | Block) -> str:
    """Return one part as HTML, by the macro of its noun."""
    if isinstance(part, Section):
        return str(_macros().section(part, 2, ""))
    return str(_macros().show_block(part, 3))


@lru_cache
def _macros() -> Any:
    """Return the macros of ``blocks.html.j2``, one a noun of the story."""
    environment = Environment(
        loader=FileSystemLoader(resource_path("templates/report")),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.globals["fraction_room"] = fraction_room
    environment.filters.update(
        noun=_noun,
        lines_of=lines_of,
        tails=tails,
        inline_svg=inline_svg,
        unbroken=unbroken,
        is_short=is_short,
        is_long=is_long,
    )
    return environment.get_template("blocks.html.j2").module


def _noun(block: Block) -> str:
    """Return the name of a block's class: which macro shows it."""
    return type(block).__name__


def lines_of(sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """Return every ground of these sentences once, in their order."""
    found = (line for one in sentences if one.why for line in one.why.lines)
    return tuple(dict.fromkeys(found))


# -- numbers under one another


def fraction_room(table: Table) -> tuple[str, ...]:
    """Return for each column the longest fraction as zeros with its mark: ",00", or ""."""
    lines = [row.cells for group in table.groups for row in group.rows]
    return tuple(
        max((_fraction(line[index]) for line in lines), key=len, default="")
        if column.kind == "number"
        else ""
        for index, column in enumerate(table.columns)
    )


def tails(row: Row, room: Sequence[str]) -> tuple[str, ...]:
    """Return what each cell lacks of its column's fraction, so that decimal marks line up.

    CSS prints it unseen behind the number: the text itself stays as it is.
    """
    return tuple(_tail(text, longest) for text, longest in zip(row.cells, room, strict=True))


def _fraction(text: str) -> str:
    """Return the mark and a zero for each digit behind it; of anything but a number nothing."""
    number = _NUMBER.fullmatch(text.replace("\N{NO-BREAK SPACE}", ""))
    if number is None or number["mark"] is None:
        return ""
    return str(number["mark"]) + "0" * len(number["fraction"])


def _tail(text: str, longest: str) -> str:
    """Return the end of ``longest`` that ``text`` lacks; none behind words."""
    plain = text.replace("\N{NO-BREAK SPACE}", "")
    if not (_NUMBER.fullmatch(plain) or _WITHOUT_FIGURES.fullmatch(plain)):
        return ""
    return longest[len(_fraction(text)) :]


# -- where a line may not break


def unbroken(text: str) -> Markup:
    """Return text in which a date in digits, an interval or a value stays on one line."""
    pieces = _ONE_PIECE.split(text)
    return Markup("").join(
        Markup('<span class="whole">{}</span>').format(piece) if place % 2 else piece
        for place, piece in enumerate(pieces)
    )


def is_short(text: str, row: Row) -> bool:
    """Return whether a cell is not worth a second line; the more cells a row has, the fewer are."""
    return len(text) <= min(_SHORT, _LINE // len(row.cells))


def is_long(text: str) -> bool:
    """Return whether a word of a cell is too long for a column, so that it may break anywhere."""
    return any(len(word) > _LONG for word in text.split())


# -- pictures


def inline_svg(figure: Figure) -> Markup:
    """Return a figure's SVG ready to stand inside the page, its description as title and label.

    WeasyPrint takes a PDF's Alt from the title, a browser the accessible name from the label.
    """
    drawing = _SVG_TITLE.sub("", _SVG_METADATA.sub("", figure.svg), count=1)
    start = _SVG_START.search(drawing)
    if start is None:
        raise ValueError(f"figure '{figure.id}' is no SVG")
    alt = escape(figure.alt)
    opened = start.group()[:-1] + f' role="img" aria-label="{alt}"><title>{alt}</title>'
    return Markup(opened + drawing[start.end() :].strip())
