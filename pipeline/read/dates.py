"""Middle floor. Reads dates as people write them; which number is the day a file must prove."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pandas as pd
from babel.dates import get_month_names

_READ = ("date_reading", "moment")
DATE_COLUMNS = (*_READ, "day")
ORDERS = ("dmy", "mdy")

_LANGUAGES = ("nl", "en")  # both are read, whatever the language of a report
_TIME = r"(?:[T ,]+(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)\S*)?\Z"
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?\Z")
_BASIC = re.compile(
    r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})(?:T?(?P<H>[0-9]{2})(?P<M>[0-9]{2})[0-9]*)?\Z"
)
_NUMERIC = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<sign>[-/. ])(?P<second>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})"
    + _TIME
)
_DAY_NAME = re.compile(
    r"(?P<day>[0-9]{1,2})[-. ]+(?P<name>[^\W\d_]{3,9})\.?[-,. ]+(?P<year>[0-9]{4})" + _TIME
)
_NAME_DAY = re.compile(
    r"(?P<name>[^\W\d_]{3,9})\.?\s+(?P<day>[0-9]{1,2}),?\s+(?P<year>[0-9]{4})" + _TIME
)
_MORE_NAMES = {"mrt": 3, "maa": 3, "mei": 5, "sept": 9}  # as they are written beside the CLDR's
_MONTHS = 12


def with_dates(rows: pd.DataFrame, orders: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the rows of lab files with ``collected_at`` read, in the columns ``DATE_COLUMNS``.

    ``date_reading`` is "date", "missing", "unreadable" or "ambiguous"; ``moment`` the date with its
    time, if any, as ISO 8601, "" unless it is read; ``day`` its local day, NaT of none. A date is
    written as year-month-day, with the name of the month (Dutch or English), or as two numbers and
    a year. Which of the two is the day a file must prove: by another of its dates, of which one
    number is over 12, or by ``orders`` ("dmy" or "mdy" by file). A file that proves both proves
    nothing.
    """
    written = rows["collected_at"].str.strip()
    codes, unique = pd.factorize(written)
    read = _read_iso(pd.Series(unique, dtype=str)).take(codes).set_axis(rows.index)
    other = read.index[read["date_reading"] == "unreadable"]
    if len(other):
        pairs = pd.MultiIndex.from_arrays([rows.loc[other, "file"], written[other]])
        read.loc[other] = _read_pairs(pairs, orders or {})
    return rows.assign(**{name: read[name] for name in _READ}, day=_days(read["moment"]))


def meanings_of(text: str, order: str = "") -> frozenset[str]:
    """Return each moment that a date may mean, as ISO 8601; none where it is no date.

    ``order`` ("dmy" or "mdy") says which number is the day, where that is known.
    """
    rows = pd.DataFrame({"file": [""], "collected_at": [text]}, dtype=object)
    orders = (order,) if order else ORDERS
    read = (with_dates(rows, {"": one})["moment"].iat[0] for one in orders)
    return frozenset(moment for moment in read if moment)


def _days(moments: pd.Series) -> pd.Series:
    days = moments.str.slice(0, len("2025-01-31"))
    return pd.to_datetime(days, format="%Y-%m-%d", errors="coerce")


def _read_iso(texts: pd.Series) -> pd.DataFrame:
    """Return reading and moment of texts, of which only those written year-month-day are read."""
    moments = texts.str.replace(" ", "T", n=1, regex=False)
    real = pd.to_datetime(moments, format="ISO8601", errors="coerce", utc=True).notna()
    real &= texts.str.match(_ISO)
    reading = np.select([texts == "", real], ["missing", "date"], default="unreadable")
    return pd.DataFrame({"date_reading": reading, "moment": moments.where(real, "")}, dtype=object)


def _read_pairs(pairs: pd.MultiIndex, orders: Mapping[str, str]) -> np.ndarray:
    """Return reading and moment of (file, text) in the order they came, each pair read once."""
    codes, unique = pd.factorize(pairs)
    proven = {**_proven(unique), **orders}
    read = [_read(text, proven.get(file, "")) for file, text in unique]
    return np.array(read, dtype=object)[codes]


def _proven(dates: pd.Index) -> dict[str, str]:
    """Return by file the order of day and month that its dates prove, where they agree."""
    found: dict[str, set[str]] = {}
    for file, text in dates:
        if number := _NUMERIC.match(text):
            first, second = int(number["first"]), int(number["second"])
            if first > _MONTHS >= second:
                found.setdefault(file, set()).add("dmy")
            elif second > _MONTHS >= first:
                found.setdefault(file, set()).add("mdy")
    return {file: orders.pop() for file, orders in found.items() if len(orders) == 1}


def _read(text: str, order: str) -> tuple[str, str]:
    """Return reading and moment of one date that is not written year-month-day."""
    if number := _NUMERIC.match(text):
        return _numeric(number, order)
    moment = next(_moments(text), "")
    return ("date", moment) if moment else ("unreadable", "")


def _numeric(found: re.Match[str], order: str) -> tuple[str, str]:
    first, second = int(found["first"]), int(found["second"])
    pairs = {"dmy": (first, second), "mdy": (second, first)}
    moments = {
        own: _moment(found["year"], month, day, found["time"])
        for own, (day, month) in pairs.items()
    }
    if not any(moments.values()):
        return "unreadable", ""
    if order:
        return ("date", moments[order]) if moments[order] else ("unreadable", "")
    possible = {moment for moment in moments.values() if moment}
    return ("date", possible.pop()) if len(possible) == 1 else ("ambiguous", "")


def _moments(text: str) -> Iterator[str]:
    """Yield what a date without a doubt about day and month says, by each way of writing one."""
    if basic := _BASIC.match(text):
        time = f"{basic['H']}:{basic['M']}" if basic["H"] else None
        yield _moment(basic["y"], int(basic["m"]), int(basic["d"]), time)
    for pattern in (_DAY_NAME, _NAME_DAY):
        found = pattern.match(text)
        if found and (month := _month_names().get(found["name"].casefold())):
            yield _moment(found["year"], month, int(found["day"]), found["time"])


def _moment(year: str, month: int, day: int, time: str | None) -> str:
    """Return a date and time as ISO 8601, "" where there is no such day."""
    clock = f"T{time.zfill(5)}" if time and time.index(":") == 1 else f"T{time}" if time else ""
    moment = f"{year}-{month:02d}-{day:02d}{clock}"
    return moment if _exists(moment) else ""


def _exists(moment: str) -> bool:
    return bool(pd.notna(pd.to_datetime(moment, format="ISO8601", errors="coerce", utc=True)))


@cache
def _month_names() -> Mapping[str, int]:
    """Return the number of each month by its names and abbreviations, folded."""
    names = dict(_MORE_NAMES)
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            months = get_month_names(width, locale=language)
            names |= {str(name).rstrip(".").casefold(): int(n) for n, name in months.items()}
    return names
