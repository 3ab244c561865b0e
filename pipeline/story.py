"""Noun floor. The parts of a told case: sentences with their provenance, tables, figures, sections.

``narrate`` and ``plot`` make them, ``show`` turns them into HTML; they hold text, never markup.
"""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a sentence rests on, in words: a label to open it by, and a line for each ground."""

    label: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One or more whole sentences from the texts, and where they come from."""

    text: str
    key: str = ""  # the text's own id, e.g. "phases.compensation"
    rules: tuple[str, ...] = ()  # limit, flag or phase rule ids
    markers: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    why: Why | None = None  # the same in words; filled once a story is told
    about: str = ""  # the heading under which it stands, where it does not name its subject itself
    unverified: bool = False  # a fact that decided it awaits confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Sentences that belong together."""

    sentences: tuple[Sentence, ...]
    style: Literal["plain", "lead", "note"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list, one sentence an item."""

    items: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """A box not to be overlooked; its level decides symbol and weight, never colour alone."""

    level: Literal["emergency", "urgent", "routine", "banner", "phase"]
    title: str
    label: str  # the level in words, e.g. "within days"
    sentences: tuple[Sentence, ...]
    id: str = ""  # e.g. "SF-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; numbers are aligned on their decimal mark."""

    label: str
    kind: Literal["text", "number", "flag"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table; its first cell is its heading."""

    cells: tuple[str, ...]
    emphasis: Literal["", "attention", "outside", "critical"] = ""
    rules: tuple[str, ...] = ()  # limits that a value of this row lies beyond
    markers: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGroup:
    """Rows under one heading inside a table (a domain of markers)."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A captioned table of text that is ready to print."""

    caption: str
    columns: tuple[Column, ...]
    groups: tuple[RowGroup, ...]
    note: str = ""
    dense: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture as SVG of our own making, its description in words, and the numbers it draws."""

    id: str
    svg: str
    alt: str
    caption: str
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Short pairs of a label and what it says (who, when, by whom)."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on a number line [share of its width]; what lies off its axis stands at that end."""

    at: float
    beyond: Literal["", "low", "high"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a number line [shares of its width]; an end that is open runs to the axis' own."""

    start: float
    end: float
    has_start: bool
    has_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A number beside a number line; ``anchor``: which part of the text stands at the place."""

    text: str
    at: float
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """One value among its limits, as places: the template only draws them."""

    alt: str
    axis: tuple[float, float]
    usual: Stretch | None
    target: Stretch | None
    guideline: tuple[Point, ...]  # limits that the value lies beyond, inside the usual ones or not
    doctor: tuple[Point, ...]  # from where on a doctor must look
    now: Point
    now_label: Label
    is_bound: bool  # known only as a limit ("<0.3"): drawn open
    before: Point | None
    labels: tuple[Label, ...]  # of limits, where there is room


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a number line shows, in words, beside its key."""

    kind: Literal["usual", "guideline", "target", "doctor", "before"]
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result for the person it is of: where it stands, what it is, and what it means."""

    marker: str
    name: str
    value: str
    position: str  # "inside the limits"
    level: Literal["alarm", "outside", "attention", "open", "within"]
    line: NumberLine | None  # None where nothing is known to draw an axis by
    marks: tuple[Mark, ...]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Results of one theme, one under another."""

    items: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One piece of advice: what to do, why, and how well it is studied."""

    title: str
    sentence: Sentence
    because: Sentence | None
    proof: Sentence

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """Return all it says, in reading order."""
        return (self.sentence, *([self.because] if self.because else []), self.proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Advice of one theme, one under another."""

    items: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """The way from healthy to ill in a few named stops, with where the person stands and stood."""

    caption: str
    stops: tuple[str, ...]
    now: int  # the index of a stop
    before: int | None
    now_label: str
    before_label: str


Side = Literal["above", "below", "above right", "below right", "above left", "below left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A value in a chart, as a place [shares of its width and height, from the lower left]."""

    at: float
    height: float
    label: str  # the printed value; "" where it would touch another
    side: Side  # where the label stands clear of the line
    is_bound: bool  # known only as a limit ("<0.3"): drawn open


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A limit in a chart: a line across it, and at its right end what it is."""

    height: float
    label: str
    label_height: float
    kind: Literal["target", "guideline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One marker over the visits, as places: the template only draws them."""

    marker: str
    title: str
    alt: str
    width: float  # share of the picture that the axis takes; the rest is room for labels
    dots: tuple[Dot, ...]
    band: tuple[float, float] | None  # where the interval lies [shares of the height]
    levels: tuple[Level, ...]
    ticks: tuple[Label, ...]  # months under the axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """Small charts of one kind, side by side, with the numbers they draw."""

    id: str
    caption: str
    items: tuple[Chart, ...]
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What several rules have in common: findings on the left, rules that hold on the right.

    ``links``: indices of a finding and of a rule that rests on it.
    """

    id: str
    caption: str
    alt: str
    findings: tuple[tuple[str, ...], ...]  # each as the lines of its label
    rules: tuple[tuple[str, ...], ...]
    links: tuple[tuple[int, int], ...]
    table: Table


Block = (
    Paragraph
    | Bullets
    | Callout
    | Table
    | Figure
    | Facts
    | Results
    | Steps
    | Road
    | Charts
    | Network
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report under one heading; ``subsections`` are one level down.

    ``ending``: what stands behind the last of these; pictures that a notebook adds.
    """

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    subsections: tuple["Section", ...] = field(default=())
    ending: tuple[Block, ...] = ()

    def is_empty(self) -> bool:
        """Return whether nothing would be printed under the heading."""
        parts = all(part.is_empty() for part in self.subsections)
        return parts and not self.blocks and not self.ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A case told in one language: what the masthead says, then the sections in reading order."""

    title: str
    language: str
    facts: Facts
    sections: tuple[Section, ...]

    def section(self, id: str) -> Section | None:
        """Return the section with this id, or None where the case has nothing to say there."""
        return next((section for section in self.sections if section.id == id), None)
