"""Middle floor. Reads numbers as laboratories write them, and never guesses a thousands mark."""

import re
from collections.abc import Iterable
from math import nan

import numpy as np
import pandas as pd

from pipeline.read.words import is_qualitative
from pipeline.rules.units import fold_unit

# A sign of comparison, a minus, digits without superfluous zeros, a mark and decimals. No exponent,
# no thousands mark, no NaN or infinity; only the digits 0 to 9, before the mark as many as a float
# holds exactly, behind it as many as JSON prints of one.
# Before a mark there may be no digit (".2"). Behind all may stand the laboratory's own flag.
_NUMBER = re.compile(
    r"(?P<comparator><=|>=|<|>)?\s*"
    r"(?P<whole>-?(?:0|[1-9][0-9]{0,14}|(?=[.,][0-9])))"
    r"(?:(?P<mark>[.,])(?P<decimals>[0-9]{1,18}))?"
    r"(?:\s*(?P<flag>HH|LL|H|L|\*{1,2}|!))?\Z"
)
# What is no number but something a laboratory does write, in the order they are tried.
_NO_NUMBERS = {
    "range": r"[<>]?\s*-?[0-9]+(?:[.,][0-9]+)?\s*(?:-|–|tot|to)\s*[0-9]+(?:[.,][0-9]+)?\Z",
    "remark": r"[<>]?=?\s*-?[0-9]+(?:[.,][0-9]+)?\s*[^\W\d_]",
}
_SIGNS = {"≤": "<=", "≥": ">="}
# What stands before ".123" in 1.123, if that were 1123.
_THOUSANDS_LIKE = re.compile(r"-?[1-9][0-9]{0,2}")
_OTHER_MARK = {".": ",", ",": "."}

# The parts of a text: a mark only of a number, the ``places`` behind it, and whether that mark may
# be one of thousands as well.
_PARTS = {
    "comparator": str,
    "mark": str,
    "flag": str,
    "number": float,
    "places": float,
    "two_readings": bool,
}
_LIMITS = ("ref_low", "ref_high")
NUMBER_COLUMNS = (
    "value_reading",
    "value_flag",
    "comparator",
    "number",
    "half_digit",
    *(f"{limit}_{part}" for limit in _LIMITS for part in ("reading", "comparator", "number")),
    "fasting_reading",
    "fasting_number",
)

Marks = frozenset[tuple[object, str]]  # (file, decimal mark) that a file proves it uses


def with_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of lab files with their numbers read, in the columns ``NUMBER_COLUMNS``.

    ``value_reading``, ``comparator``, ``number`` and ``half_digit`` are of ``value``, as
    ``read_numbers`` has them; a value beside an ambiguous reference limit is ambiguous too.
    A reference limit may repeat the unit of its row: "40 U/L". ``fasting_reading`` is "number",
    "missing" or "unreadable": hours are a plain number that is not negative.
    A file's decimal mark is proven by its values and reference limits together.
    """
    files = rows["file"]
    marks = proven_marks([rows[column] for column in ("value", *_LIMITS)], files=files)
    declared = rows.get("mark")
    value = read_numbers(rows["value"], files=files, marks=marks, declared=declared)
    limits = {limit: _read_limits(rows, limit, marks=marks) for limit in _LIMITS}
    unclear = np.logical_or.reduce([read["reading"] == "ambiguous" for read in limits.values()])
    readable = value["reading"] == "number"
    fasting = read_numbers(rows["fasting_hours"], files=files, marks=marks)
    hours = fasting["number"].where((fasting["comparator"] == "") & (fasting["number"] >= 0))
    odd = hours.isna() & (fasting["reading"] != "missing")
    return rows.assign(
        **value.drop(columns=["reading", "flag"]),
        value_flag=value["flag"],
        value_reading=_kinds(rows["value"], value["reading"].mask(readable & unclear, "ambiguous")),
        fasting_reading=fasting["reading"].mask(odd, "unreadable"),
        fasting_number=hours,
        **{
            f"{limit}_{part}": read[part]
            for limit, read in limits.items()
            for part in ("reading", "comparator", "number")
        },
    )


def _kinds(texts: pd.Series, reading: pd.Series) -> pd.Series:
    """Return readings with "qualitative", "range" or "remark" (a number and words) for some texts.

    None of these is a number, and each is another work for who looks after it.
    """
    odd = texts[reading == "unreadable"].str.strip()
    for kind, pattern in reversed(_NO_NUMBERS.items()):
        reading = reading.mask(
            odd.str.match(pattern).reindex(reading.index, fill_value=False), kind
        )
    words = odd.index[[is_qualitative(text) for text in odd]]
    return reading.mask(reading.index.isin(words), "qualitative")


def _read_limits(rows: pd.DataFrame, limit: str, *, marks: Marks) -> pd.DataFrame:
    """Return what ``read_numbers`` does, of reference limits without the unit of their row."""
    read = read_numbers(rows[limit], files=rows["file"], marks=marks)
    odd = rows[read["reading"] == "unreadable"]
    if len(odd):
        pairs = zip(odd[limit], odd["unit"], strict=True)
        bare = [fold_unit(text).removesuffix(fold_unit(unit)) for text, unit in pairs]
        again = read_numbers(pd.Series(bare, index=odd.index), files=odd["file"], marks=marks)
        read.loc[odd.index] = again
    return read


def proven_marks(columns: Iterable[pd.Series], *, files: pd.Series) -> Marks:
    """Return the decimal marks that each file proves: its numbers that can be read in one way only.

    "5,2" and "0.125" prove a mark; "1.234" and "12" prove none. ``columns`` are text and share
    their index with ``files``.
    """
    proven: set[tuple[object, str]] = set()
    for texts in columns:
        shapes = _shapes(texts)
        certain = shapes["mark"].notna() & ~shapes["two_readings"]
        pairs = pd.DataFrame({"file": files[certain], "mark": shapes.loc[certain, "mark"]})
        proven.update(pairs.drop_duplicates().itertuples(index=False, name=None))
    return frozenset(proven)


def read_numbers(
    texts: pd.Series, *, files: pd.Series, marks: Marks, declared: pd.Series | None = None
) -> pd.DataFrame:
    """Return ``reading``, ``comparator``, ``number``, ``half_digit`` and ``flag`` of each text.

    ``reading`` is "number", "missing" (no text), "unreadable" or "ambiguous": one to three digits,
    a mark and exactly three digits, in a file that does not prove that mark, or proves both.
    ``number`` is NaN unless the reading is "number"; ``half_digit`` is half a unit of the last
    printed decimal, so that "9,4" is anything from 9.35 to 9.45. ``comparator`` may be "", and
    ``flag`` is what the laboratory wrote behind its number: "7,4 H". ``declared`` is the decimal
    mark that the file's format, or its mapping, says that a text has; "" where neither does.
    """
    shapes = _shapes(texts)
    ambiguous = shapes["two_readings"] & ~_proven(shapes["mark"], files=files, marks=marks)
    if declared is not None:
        ambiguous &= shapes["mark"] != declared
    reading = np.select(
        [texts.str.strip() == "", shapes["number"].isna(), ambiguous],
        ["missing", "unreadable", "ambiguous"],
        default="number",
    )
    known = reading == "number"
    return pd.DataFrame(
        {
            "reading": reading,
            "comparator": shapes["comparator"].where(known, ""),
            "number": shapes["number"].where(known),
            "half_digit": (0.5 * 10.0 ** -shapes["places"]).where(known),
            "flag": shapes["flag"].where(known, ""),
        },
        index=texts.index,
    )


def _proven(mark: pd.Series, *, files: pd.Series, marks: Marks) -> np.ndarray:
    """Return for each row whether its file proves this decimal mark, and only this one."""
    alone = {(file, sign) for file, sign in marks if (file, _OTHER_MARK[sign]) not in marks}
    by_mark = {sign: {file for file, own in alone if own == sign} for sign in _OTHER_MARK}
    return np.logical_or.reduce([(mark == sign) & files.isin(by_mark[sign]) for sign in by_mark])


def _shapes(texts: pd.Series) -> pd.DataFrame:
    """Return the parts of each text; equal texts are taken apart once."""
    codes, unique = pd.factorize(texts)
    shapes = [_shape(text) for text in unique]
    parts = zip(*shapes, strict=True) if shapes else [()] * len(_PARTS)
    named = zip(_PARTS.items(), parts, strict=True)
    columns = {name: pd.Series(values, dtype=kind) for (name, kind), values in named}
    return pd.DataFrame(columns).take(codes).set_axis(texts.index)


def _shape(text: str) -> tuple[str, str | None, str, float, float, bool]:
    """Return of one text what ``_PARTS`` name; without a number it has no mark."""
    written = text.strip()
    for sign, ascii_sign in _SIGNS.items():
        written = written.replace(sign, ascii_sign)
    found = _NUMBER.match(written)
    if found is None:
        return "", None, "", nan, 0.0, False
    whole, decimals = found["whole"], found["decimals"] or ""
    like_thousands = len(decimals) == len("000") and bool(_THOUSANDS_LIKE.fullmatch(whole))
    number = float(f"{_whole(whole)}.{decimals}")
    places = float(len(decimals))
    return (
        found["comparator"] or "", found["mark"], found["flag"] or "",
        number, places, like_thousands,
    )  # fmt: skip


def _whole(digits: str) -> str:
    """Return the digits before a mark; where there are none, a zero behind the sign."""
    return {"": "0", "-": "-0"}.get(digits, digits)
