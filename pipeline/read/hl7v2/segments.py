"""Middle floor. Splits HL7 v2 into segments, fields, components, as each message says it does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import LabFileError
from pipeline.read.hl7v2.text import unescaped

HEADERS = ("MSH", "FHS", "BHS")
_AROUND = " \t\x0b\x1c\ufeff"  # blanks, the frame of MLLP, the mark of files that were joined
_BEGINS = re.compile(rf"[{_AROUND}\r\n]*(?:MSH|FHS|BHS)(?![A-Za-z0-9_ ])")
_LINE_END = re.compile(r"\r\n|\r|\n")
_OTHERWISE_DIVIDED = re.compile(r"(?:PID|OBR|OBX|SPM)[^\w\s]", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2}")
_WORD = re.compile(r"[^\W_]")
_NO_SEPARATOR = re.compile(r"[^\W_]|[\s.,<>=+-]")  # what names, words and numbers are made of
_MOST = 5  # MSH-2 has four characters, and a fifth for truncation since v2.7
_NULL = '""'


@dataclass(frozen=True, slots=True, kw_only=True)
class Separators:
    """The characters that divide a message; "" where it names none for a level."""

    field: str
    component: str = ""
    repetition: str = ""
    escape: str = ""
    subcomponent: str = ""

    def decoded(self, raw: str) -> str:
        """Return text with its escapes decoded, without blanks around it; the null is ""."""
        if raw.strip() == _NULL:
            return ""
        characters = {
            "F": self.field,
            "S": self.component,
            "R": self.repetition,
            "E": self.escape,
            "T": self.subcomponent,
        }
        return unescaped(raw, escape=self.escape, characters=characters).strip()


@dataclass(frozen=True, slots=True)
class Part:
    """A field, or a repetition or component of one, as it was sent."""

    raw: str
    separators: Separators

    @property
    def text(self) -> str:
        """Return all of it as text; separators that are not escaped stay as written."""
        return self.separators.decoded(self.raw)

    @property
    def first(self) -> "Part":
        """Return the first repetition."""
        return self.repetitions()[0]

    def repetitions(self) -> list["Part"]:
        """Return each repetition; one, empty, of an empty field."""
        return self._split(self.separators.repetition)

    def components(self) -> list["Part"]:
        """Return each component."""
        return self._split(self.separators.component)

    def component(self, number: int) -> "Part":
        """Return one component, counted from 1; it is empty where there are not so many."""
        return _nth(self.components(), number, self.separators)

    def subcomponent(self, number: int) -> "Part":
        """Return one subcomponent, counted from 1; it is empty where there are not so many."""
        return _nth(self._split(self.separators.subcomponent), number, self.separators)

    def _split(self, separator: str) -> list["Part"]:
        pieces = self.raw.split(separator) if separator else [self.raw]
        return [Part(piece, self.separators) for piece in pieces]


def _nth(parts: list[Part], number: int, separators: Separators) -> Part:
    return parts[number - 1] if number <= len(parts) else Part("", separators)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment: its name, and the line of the file it begins on, counted from 1."""

    line: int
    name: str
    text: str
    separators: Separators

    def field(self, number: int) -> Part:
        """Return one field by its number in the standard; it is empty where there are not so many.

        MSH-1 is the separator itself, so the fields of a header are one further than they stand.
        """
        place = number - (self.name in HEADERS)
        return Part(self._fields[place] if place < len(self._fields) else "", self.separators)

    @cached_property
    def _fields(self) -> list[str]:
        return self.text.split(self.separators.field)


def is_hl7v2(text: str) -> bool:
    """Return whether text begins as a message or a batch of HL7 v2 does."""
    return _BEGINS.match(text) is not None


def segments_of(text: str, *, name: str) -> Iterator[Segment]:
    """Yield the segments of a file, each divided by the separators of the header before it.

    A line that no segment can begin with is text of the segment before it, broken by a line end
    that should have been escaped; a blank one, or one of separators only, is nothing.

    Raises LabFileError where the file, which ``name`` names, is empty or begins with no header,
    where a header's separators cannot be told apart, where a segment is divided by another one, or
    where fields stand without the name of a segment.
    """
    _refuse_other_text(text, name=name)
    begun: list[str] = []
    number, separators = 0, Separators(field="|")
    for line, written in enumerate(_LINE_END.split(text), start=1):
        content = written.strip(_AROUND)
        if not content:
            continue
        where = f"'{name}', line {line}"
        if not _begins_segment(content, separators.field):
            begun += _continued(content, separators.field, where=where)
            continue
        if begun:
            yield _segment(begun, number, separators)
        begun, number = [content], line
        if _is_header(content):
            separators = _separators(content, where=where)
    yield _segment(begun, number, separators)


def _refuse_other_text(text: str, *, name: str) -> None:
    if not text.strip(_AROUND + "\r\n"):
        raise LabFileError(f"Unable to find any row in '{name}': the file is empty.")
    if not is_hl7v2(text):
        raise LabFileError(f"Unable to find MSH, FHS or BHS in '{name}', line 1.")


def _continued(content: str, field: str, *, where: str) -> list[str]:
    """Return a line that continues the segment before it, unless it holds nothing."""
    if _OTHERWISE_DIVIDED.match(content):
        raise LabFileError(f"Expected the separator of its MSH in {where}.")
    if not content.startswith(field):
        return [content]
    if _WORD.search(content):  # fields without the name of their segment: whose, nobody can say
        raise LabFileError(f"Unable to find the name of a segment in {where}.")
    return []


def _segment(begun: list[str], line: int, separators: Separators) -> Segment:
    return Segment(
        line=line, name=begun[0][:3].upper(), text="\n".join(begun), separators=separators
    )


def _begins_segment(content: str, field: str) -> bool:
    if _is_header(content):
        return True
    return _NAME.match(content) is not None and content[3:4] in ("", field)


def _is_header(content: str) -> bool:
    return content[:3] in HEADERS and is_hl7v2(content)


def _separators(header: str, *, where: str) -> Separators:
    field = header[3:4]
    told = header[4:].split(field)[0] if field else ""
    if not told or len(told) > _MOST:
        raise LabFileError(f"Unable to find the separators in {where}.")
    characters = field + told
    if len(set(characters)) < len(characters) or _NO_SEPARATOR.search(characters):
        raise LabFileError(f"Expected separators that can be told apart in {where}.")
    if len(told) == len("^~&") and told.endswith("&"):
        # "^~\&" that lost its backslash in a program's string: nobody escapes with "&"
        return Separators(field=field, component=told[0], repetition=told[1], subcomponent="&")
    component, repetition, escape, subcomponent = list(told.ljust(4))[:4]
    return Separators(
        field=field,
        component=component,
        repetition=repetition.strip(),
        escape=escape.strip(),
        subcomponent=subcomponent.strip(),
    )
