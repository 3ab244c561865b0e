"""Cohort floor. A stretch of the calendar that a review is about, and those to compare it with."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from pipeline.errors import CommandError

_SHAPES = {  # months of a period, by how it is written
    re.compile(r"(?P<year>\d{4})"): 12,
    re.compile(r"(?P<year>\d{4})-H(?P<part>[12])"): 6,
    re.compile(r"(?P<year>\d{4})-Q(?P<part>[1-4])"): 3,
    re.compile(r"(?P<year>\d{4})-(?P<part>0[1-9]|1[0-2])"): 1,
}
_LETTERS = {12: "", 6: "-H", 3: "-Q"}
_YEAR = 12  # months


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A year, half, quarter or month: its first month (counted from year 0), and how many."""

    first_month: int
    months: int

    @property
    def name(self) -> str:
        """Return how it is written: 2026, 2026-H1, 2026-Q3, 2026-07."""
        year, month = divmod(self.first_month, _YEAR)
        if self.months == 1:
            return f"{year:04}-{month + 1:02}"
        part = f"{month // self.months + 1}" if self.months < _YEAR else ""
        return f"{year:04}{_LETTERS[self.months]}{part}"

    @property
    def start(self) -> dt.date:
        """Return its first day."""
        return _day_one(self.first_month)

    @property
    def end(self) -> dt.date:
        """Return its last day."""
        year, month = divmod(self.first_month + self.months - 1, _YEAR)
        return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])

    def earlier(self, count: int) -> "Period":
        """Return the period of this length that lies ``count`` of them before."""
        return Period(self.first_month - count * self.months, self.months)

    @property
    def a_year_ago(self) -> "Period":
        """Return the same part of the year before."""
        return Period(self.first_month - _YEAR, self.months)


def period_of(text: str) -> Period:
    """Return the period that is written as 2026, 2026-H1, 2026-Q3 or 2026-07.

    Raises CommandError where it is written otherwise, or lies before the year 1900.
    """
    for shape, months in _SHAPES.items():
        found = shape.fullmatch(text)
        if found and int(found["year"]) >= 1900:
            part = int(found.groupdict().get("part") or 1)
            return Period(int(found["year"]) * _YEAR + (part - 1) * months, months)
    raise CommandError(
        f"Unrecognised period '{text}': expected one such as 2026, 2026-H1, 2026-Q3 or 2026-07."
    )


def quarter_of(day: dt.date) -> Period:
    """Return the last quarter that has ended by ``day``, else the one it lies in."""
    quarter = Period(day.year * _YEAR + (day.month - 1) // 3 * 3, 3)
    return quarter if quarter.end <= day else quarter.earlier(1)


def _day_one(month: int) -> dt.date:
    return dt.date(month // _YEAR, month % _YEAR + 1, 1)
