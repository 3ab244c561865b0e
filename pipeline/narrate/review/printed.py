"""Middle floor. How a review prints its numbers; what may not be told has a sign of its own."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.rules import Rules
from pipeline.story import Block, Column, Paragraph, Row, RowGroup, Section, Sentence, Table

NOTHING = "–"
_SMALL, _UNTOLD = "small", "×"
_OF_WORDS = ("marker", "unit", "methods", "date")  # columns that hold no numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A review, and the words and signs in which it is printed."""

    review: Mapping[str, Any]
    language: Language
    rules: Rules

    @property
    def period(self) -> str:
        """Return the name of the period: "2026-Q3"."""
        return str(self.review["period"]["name"])

    @property
    def dates(self) -> str:
        """Return from when to when it runs."""
        start, end = (self.day(self.review["period"][name]) for name in ("start", "end"))
        return f"{start} – {end}"

    def day(self, iso: str) -> str:
        """Return a date in digits."""
        return self.language.short_date(dt.date.fromisoformat(iso))

    def count(self, shown: int | str | None) -> str:
        """Return a count of people: the number, "<5", or the sign of what is not told."""
        if shown is None:
            return NOTHING
        if isinstance(shown, int):
            return self.language.number(shown, 0)
        return f"<{NO_BREAK_SPACE}{self.review['limit']}" if shown == _SMALL else _UNTOLD

    def share(self, share: float | None) -> str:
        """Return a share in whole percents; nothing where none may be told."""
        if share is None:
            return ""
        return f"{self.language.number(100 * share, 0)}{NO_BREAK_SPACE}%"

    def count_of(self, shown: int | str | None, share: float | None) -> str:
        """Return a count with its share behind it."""
        told = self.share(share)
        return f"{self.count(shown)} ({told})" if told else self.count(shown)

    def value(self, marker: str, value: float, *, signed: bool = False) -> str:
        """Return a value of a marker without its unit."""
        decimals = self.rules.markers[marker].decimals
        return self.language.number(value, decimals, signed=signed)

    def quartiles(self, marker: str, found: Sequence[float] | None, *, signed: bool = False) -> str:
        """Return median and quartiles, "5,2 [4,8; 5,7]"."""
        if found is None:
            return NOTHING
        low, middle, high = (self.value(marker, one, signed=signed) for one in found)
        return f"{middle} [{low}; {high}]"

    def percents(self, found: Sequence[float] | None) -> str:
        """Return median and quartiles of a change in percents."""
        if found is None:
            return NOTHING
        low, middle, high = (self.language.number(one, 0, signed=True) for one in found)
        return f"{middle}{NO_BREAK_SPACE}% [{low}; {high}]"

    def marker(self, id: str) -> tuple[str, str]:
        """Return the name of a marker and its unit, a column each."""
        return self.language.marker(id), self.language.unit(self.rules.markers[id].unit)

    def by_domain(self, rows: Iterable[tuple[str, Row]]) -> tuple[RowGroup, ...]:
        """Return the rows of markers under the names of their domains."""
        groups: dict[str, list[Row]] = {}
        for marker, row in rows:
            groups.setdefault(self.rules.markers[marker].domain, []).append(row)
        return tuple(
            RowGroup(title=self.language.text(f"report.domains.{domain}"), rows=tuple(found))
            for domain, found in groups.items()
        )

    def columns(self, *names: str) -> tuple[Column, ...]:
        """Return the columns of a table by the keys of their headings, the first of words."""
        say = self.language.text
        first, *rest = names
        return (
            Column(label=say(f"review.columns.{first}")),
            *(
                Column(
                    label=say(f"review.columns.{name}"),
                    kind="text" if name in _OF_WORDS else "number",
                )
                for name in rest
            ),
        )

    def note(self, *keys: str, **fields: Any) -> Paragraph:
        """Return texts of a review as a note."""
        return Paragraph(sentences=self._sentences(keys, fields), style="note")

    def paragraph(self, *keys: str, **fields: Any) -> Paragraph:
        """Return texts of a review as a paragraph."""
        return Paragraph(sentences=self._sentences(keys, fields))

    def _sentences(self, keys: Iterable[str], fields: Mapping[str, Any]) -> tuple[Sentence, ...]:
        return tuple(
            Sentence(text=self.language.text(f"review.{key}", **fields), key=f"review.{key}")
            for key in keys
        )


def section(printed: Printed, name: str, *blocks: Block | None, id: str = "") -> Section:
    """Return a section of a review under its title, without the blocks that there is no data for.

    ``id`` is its own where it differs from its name in the texts.
    """
    return Section(
        id=id or name,
        title=printed.language.text(f"review.sections.{name}"),
        blocks=tuple(block for block in blocks if block is not None),
    )


def one_group(rows: Iterable[Row]) -> tuple[RowGroup, ...]:
    """Return rows as the only group of a table; of no rows none."""
    listed = tuple(rows)
    return (RowGroup(title="", rows=listed),) if listed else ()


def table(
    printed: Printed, name: str, columns: Sequence[str], groups: tuple[RowGroup, ...]
) -> Table | None:
    """Return a table of a review with its caption; None where it has no row."""
    if not groups:
        return None
    return Table(
        caption=printed.language.text(f"review.tables.{name}"),
        columns=printed.columns(*columns),
        groups=groups,
        dense=len(columns) > 5,
    )
