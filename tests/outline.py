"""The page of a report as lines that a person can compare: its structure and its text.

One line a block. Left out is what would drown a difference: style, pictures but for their words,
what a sentence rests on ("Why?"), the appendix that lists it again, and the program's version.
"""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder

from golden import case_of
from pages import page_of

from pipeline.read import read_case_input

FOLDER = Path(__file__).parent / "snapshots"
BUILT_IN = "seed_case"
VERSION = "(version)"

_VOID = {"br", "img", "meta"}  # elements that never end
_MARKED = {"strong": "*", "em": "*", "br": " "}
_BLOCKS = {"p": "", "address": "", "li": "- ", "a": "[link] ", "figcaption": "[caption] "}
_RUNNING = re.compile(r"@((?:top|bottom)-\w+) \{ content: ([^}]*)\}")
_CONTENT = re.compile(r'"([^"]*)"|counter(\(\w+\))')
_ESCAPED = re.compile(r"\\([0-9a-f]+) ")
_MADE_WITH = re.compile(r"(?<=\bcasereport)(:? )\d+(\.\d+)+\S*")
_GOLDEN = ("insulin_sensitive", "pregnant", "diabetes_in_mg_dl", "nothing_to_go_by")


class Snapshot(NamedTuple):
    """A report of a case whose outline somebody has read."""

    case: str
    kind: str
    language: str

    def __str__(self) -> str:
        return ".".join(self)

    @property
    def path(self) -> Path:
        """Return the file that holds the outline."""
        return FOLDER / f"{self}.txt"

    def now(self) -> str:
        """Return the outline of the report as it is now."""
        return outline(page(self))


SNAPSHOTS = (
    Snapshot(BUILT_IN, "case_study", "nl"),
    Snapshot("pregnant", "case_study", "en"),
    Snapshot("diabetes_in_mg_dl", "case_study", "en"),
    *(
        Snapshot(name, "client_report", language)
        for name in (BUILT_IN, *_GOLDEN)
        for language in ("nl", "en")
    ),
)


@cache
def page(snapshot: Snapshot) -> str:
    """Return the HTML of a report as it is now."""
    name, kind, language = snapshot
    person = read_case_input("") if name == BUILT_IN else case_of(name)
    return page_of(kind, person, language)


def outline(html: str) -> str:
    """Return the structure and the text of a page, a line a block.

    Raises ValueError where text stands outside a block that is known here.
    """
    root = _Tree(html).root
    lines = "\n".join([f"[language] {root.get('lang')}", *_lines(root)])
    parted = re.sub(r"\n{3,}", "\n\n", lines).rstrip()
    return _MADE_WITH.sub(rf"\1{VERSION}", parted) + "\n"


class _Tree(HTMLParser):
    """Makes a tree of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self.feed(html)
        self.close()
        self.root: Element = self._builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self._builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self._builder.end(tag)

    def handle_data(self, data: str) -> None:
        self._builder.data(data)


def _lines(part: Element) -> Iterator[str]:
    """Yield the lines of an element and of all within it."""
    name, style = part.tag, part.get("class", "").split()
    if (name, style) == ("details", ["why"]) or "symbol" in style:
        return  # the words beside the symbol say the same
    if name == "head":
        yield f"[title] {_text(part.find('title'))}"
        yield from _running(" ".join(_text(one) for one in part.findall("style")))
    elif part.get("id") == "provenance":
        yield from _heading(part[0])
    elif re.fullmatch(r"h[1-6]", name):
        yield from _heading(part)
    elif "callout" in style:
        yield from _callout(part, style)
    elif name == "article" and "result" in style:
        yield from _result(part, style)
    elif name == "figure":
        yield ""
        yield from _inside(part)
        yield ""
    elif name == "dl":
        for pair in part:
            yield f"{_text(pair.find('dt'))}: {_text(pair.find('dd'))}".rstrip()
    elif name == "table":
        yield from _table(part)
    elif name == "details":
        yield f"[opens] {_text(part.find('summary'))}"
        yield from _inside(part)
    elif name in ("svg", "img"):
        yield f"[picture] {_words(part.get('aria-label', part.get('alt', '')))}"
    elif name in _BLOCKS:
        yield _BLOCKS[name] + _text(part)
    else:
        yield from _inside(part)


def _inside(part: Element) -> Iterator[str]:
    """Yield the lines of what an element holds, which is blocks alone."""
    strays = (part.text, *(child.tail for child in part))
    if any(text and text.strip() for text in strays):
        raise ValueError(f"text stands beside blocks in <{part.tag}>: {_text(part)[:60]}")
    for child in part:
        if child.tag != "summary":
            yield from _lines(child)


def _heading(part: Element) -> Iterator[str]:
    yield ""
    yield f"{'#' * int(part.tag[1])} {_text(part)}"


def _callout(part: Element, style: list[str]) -> Iterator[str]:
    """Yield a box: what kind it is and its label in words, then its title and sentences."""
    head = next(child for child in part if child.get("class") == "head")
    label = head.find("p[@class='label']")
    yield ""
    yield f"[{' '.join(style)}] {_text(label)}".rstrip()
    yield f"{'#' * int(head[0].tag[1])} {_text(head[0])}"
    yield from (line for child in part if child is not head for line in _lines(child))
    yield ""


def _result(part: Element, style: list[str]) -> Iterator[str]:
    """Yield a result: its name, amount and position in one line, then what is told of it."""
    heading = part[0]
    yield ""
    level, told = int(heading[0].tag[1]), " | ".join(_text(child) for child in heading)
    yield f"{'#' * level} {told} [{' '.join(style[1:])}]"
    yield from (line for child in part[1:] for line in _lines(child))


def _table(part: Element) -> Iterator[str]:
    yield ""
    yield f"[table] {_text(part.find('caption'))}"
    for row in part.iter("tr"):
        style = row.get("class", "")
        cells = " | ".join(_text(cell) for cell in row)
        if style == "group":
            yield f"[group] {cells}"
        else:
            yield f"{cells} [{style}]" if style else cells.rstrip()
    yield ""


def _running(style: str) -> Iterator[str]:
    """Yield what stands in the margins of each page on paper."""
    for place, content in _RUNNING.findall(style):
        told = "".join(text or counter for text, counter in _CONTENT.findall(content))
        yield f"[{place}] {_ESCAPED.sub(lambda found: chr(int(found[1], 16)), told)}"


def _text(part: Element | None) -> str:
    """Return the text of an element in one line, without what is left out within it."""
    return _words("".join(_strings(part))) if part is not None else ""


def _strings(part: Element) -> Iterator[str]:
    yield part.text or ""
    for child in part:
        if child.get("class") != "why":
            mark = _MARKED.get(child.tag, "")
            yield mark
            yield from _strings(child)
            yield mark.strip()
        yield child.tail or ""


def _words(text: str) -> str:
    """Return text with plain spaces: which of them may break is no matter of words."""
    return " ".join(text.split())
