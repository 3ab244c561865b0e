"""Column and language floor. What rules compare: a marker or a stated fact, at every visit.

A case is a cohort of one: all of this works on one visit as on a million. Yes, no and unknown are
pandas' nullable booleans, whose ``&``, ``|`` and ``~`` follow Kleene: unknown stays unknown unless
the other side decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.model import Limit, LimitSet
from pipeline.rules import Rules

Floats = np.ndarray[Any, np.dtype[np.float64]]
_ULN = "{ULN}"


def tristate(yes: Any, known: Any) -> BooleanArray:
    """Return ``yes`` where ``known``, and unknown elsewhere."""
    yes = np.asarray(yes, dtype=bool)
    return BooleanArray(yes, np.broadcast_to(~np.asarray(known, dtype=bool), yes.shape).copy())


def certain(answer: BooleanArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where ``answer`` is yes; unknown counts as no."""
    return answer.to_numpy(dtype=bool, na_value=False)


def ruled_out(answer: BooleanArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where ``answer`` is no; unknown does not count."""
    return certain(~answer)


def any_of(answers: Sequence[BooleanArray]) -> BooleanArray:
    """Return the Kleene or of all ``answers`` (at least one)."""
    return reduce(or_, answers)


def round_significant(values: Floats, digits: int = 6) -> Floats:
    """Return ``values`` rounded half up, away from zero, to ``digits`` significant digits.

    A product that float arithmetic left a hair below the half counts as the half.
    """
    size = np.abs(values)
    usual = np.isfinite(size) & (size > 0)
    exponent = np.floor(np.log10(np.where(usual, size, 1.0)))
    up = 10.0 ** np.clip(digits - 1 - exponent, 0, None)
    down = 10.0 ** np.clip(exponent - digits + 1, 0, None)
    rounded = np.floor(size * up / down * (1 + 1e-12) + 0.5) / up * down
    return np.where(usual, np.copysign(rounded, values), values)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Sex ("F", "M", "") and age [years, NaN unknown] of the person of each visit."""

    sex: np.ndarray[Any, Any]
    age: Floats

    def covered_by(self, limit: Limit) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where ``limit`` holds for the person; a limit by sex or age needs it known."""
        covered = np.ones(len(self.age), dtype=bool)
        if limit.sex:
            covered &= self.sex == limit.sex
        if limit.ages:
            covered &= (self.age >= limit.ages[0]) & (self.age <= limit.ages[1])
        return covered


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The values of one marker at every visit, as intervals; NaN is no value.

    ``low`` and ``high`` are its ends in the canonical unit (equal unless censored), ``mg_low`` and
    ``mg_high`` in mg/dL where it was reported so, ``ref_low`` and ``ref_high`` the interval that
    the laboratory printed, ``sample`` a code of the draw (-1 unknown), ``row`` the position of the
    accepted row (-1 where it was computed or is missing).
    """

    marker: str
    low: Floats
    high: Floats
    mg_low: Floats
    mg_high: Floats
    ref_low: Floats
    ref_high: Floats
    sample: np.ndarray[Any, Any]
    row: np.ndarray[Any, Any]
    people: People
    rules: Rules = field(repr=False)

    @classmethod
    def empty(cls, marker: str, people: People, rules: Rules) -> "Column":
        """Return the column of a marker that no visit has."""
        nothing = np.full(len(people.age), np.nan)
        nowhere = np.full(len(people.age), -1)
        ends = dict.fromkeys(("low", "high", "mg_low", "mg_high", "ref_low", "ref_high"), nothing)
        return cls(marker=marker, **ends, sample=nowhere, row=nowhere, people=people, rules=rules)

    @property
    def known(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where there is a value."""
        return ~np.isnan(self.low)

    @property
    def censored(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where the value is an interval and no number."""
        return self.known & (self.low != self.high)

    def where(self, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> "Column":
        """Return the column without the values of the other visits."""
        names = ("low", "high", "mg_low", "mg_high")
        kept: dict[str, Any] = {n: np.where(keep, getattr(self, n), np.nan) for n in names}
        return replace(self, **kept)

    def with_values(self, marker: str, low: Floats, high: Floats | None = None) -> "Column":
        """Return other numbers of the same people, to compare with the limits of ``marker``."""
        empty = Column.empty(marker, self.people, self.rules)
        return replace(empty, low=low, high=low if high is None else high)

    def replaced_by(self, other: "Column") -> "Column":
        """Return this column with the values of ``other`` wherever that has one."""
        names = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "sample", "row")
        merged: dict[str, Any] = {
            name: np.where(other.known, getattr(other, name), getattr(self, name)) for name in names
        }
        return replace(self, **merged)

    def beyond(self, name: str) -> BooleanArray:
        """Return whether the value lies beyond the limit ``name`` of ``limits.csv``.

        Unknown where there is no value, where an interval straddles the limit, and where the limit
        differs by sex or age and that is not known.
        """
        return self.beyond_any(self.rules.limits_named(name))

    def beyond_any(self, limits: Sequence[Limit]) -> BooleanArray:
        """Return whether the value lies beyond one of those ``limits`` that hold for the person."""
        yes, unknown, covered = np.zeros((3, len(self.low)), dtype=bool)
        for limit in limits:
            holds, answer = self.people.covered_by(limit), self._beyond(limit)
            yes |= holds & certain(answer)
            unknown |= holds & answer.isna()
            covered |= holds
        return tristate(yes, covered & (yes | ~unknown))

    def raised(self) -> BooleanArray:
        """Return whether the value is above the laboratory's own, else the fallback interval."""
        return self._outside(self.ref_high, ">", np.inf)

    def lowered(self) -> BooleanArray:
        """Return whether the value is under the laboratory's own, else the fallback interval."""
        return self._outside(self.ref_low, "<", -np.inf)

    def upper(self) -> Floats:
        """Return the upper limit of the laboratory's own interval, else of the fallback [unit]."""
        fallback = np.full(len(self.low), np.nan)
        for limit in self._reference(">"):
            fallback = np.where(self.people.covered_by(limit), limit.value, fallback)
        return np.where(np.isnan(self.ref_high), fallback, self.ref_high)

    @property
    def has_own_interval(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where the laboratory printed an interval with the result."""
        return ~(np.isnan(self.ref_low) & np.isnan(self.ref_high))

    @property
    def has_interval(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where there is an interval, the laboratory's own or the fallback."""
        return self.has_own_interval | self._covered(self._reference(">") + self._reference("<"))

    def _outside(self, own: Floats, op: str, open_end: float) -> BooleanArray:
        # an interval that is open on one side excludes nothing there
        by_own = _compare(self.low, self.high, op, np.where(np.isnan(own), open_end, own))
        limits = self._reference(op)
        covered = self._covered(limits)
        by_fallback = self.beyond_any(limits)
        # where neither the laboratory nor the catalogue bounds this side, nothing lies beyond it
        by_fallback = _first_known(by_fallback, by_own, covered | ~self.has_interval)
        return _first_known(by_own, by_fallback, ~np.isnan(own))

    def _covered(self, limits: Sequence[Limit]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        covered = np.zeros(len(self.low), dtype=bool)
        for limit in limits:
            covered |= self.people.covered_by(limit)
        return covered

    def _reference(self, op: str) -> list[Limit]:
        limits = self.rules.all_limits_of(self.marker, LimitSet.REFERENCE)
        return [limit for limit in limits if limit.op.startswith(op)]

    def _beyond(self, limit: Limit) -> BooleanArray:
        if limit.unit == _ULN:
            return _compare(self.low, self.high, limit.op, limit.value * self.upper())
        yes_no = _compare(self.low, self.high, limit.op, limit.value)
        if limit.mg_dl is not None:
            in_mg = _compare(self.mg_low, self.mg_high, limit.op, limit.mg_dl)
            return _first_known(in_mg, yes_no, ~np.isnan(self.mg_low))
        return yes_no


def _compare(low: Floats, high: Floats, op: str, limit: Any) -> BooleanArray:
    """Return whether all of an interval lies beyond ``limit``; unknown where a part does."""
    if op == ">":
        yes, no = low > limit, high <= limit
    elif op == ">=":
        yes, no = low >= limit, high < limit
    elif op == "<":
        yes, no = high < limit, low >= limit
    else:
        yes, no = high <= limit, low > limit
    return tristate(yes, yes | no)


def _first_known(
    first: BooleanArray, second: BooleanArray, use_first: np.ndarray[Any, Any]
) -> BooleanArray:
    yes = np.where(use_first, certain(first), certain(second))
    known = np.where(use_first, ~first.isna(), ~second.isna())
    return tristate(yes, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Everything that is known at each visit (a row of ``table``), as columns.

    ``table``: case_id, date, month, age, sex; sorted by case and date. ``stated``: a column for
    each context key and symptom: nullable booleans, floats (NaN unknown) or words ("" unknown).
    ``rows``: the accepted rows with their ``visit``, ``marker`` and ``shown`` (why a row is shown
    but not judged, "" where it is).
    """

    table: pd.DataFrame
    people: People
    columns: Mapping[str, Column]
    stated: Mapping[str, Any]
    rows: pd.DataFrame
    rules: Rules = field(repr=False)
    paired: Mapping[str, Column] = field(default_factory=dict)  # glucose and insulin of one draw

    def __len__(self) -> int:
        return len(self.table)

    def column(self, marker: str) -> Column:
        """Return the column of ``marker``; an empty one where no visit has it."""
        if marker in self.columns:
            return self.columns[marker]
        return Column.empty(marker, self.people, self.rules)

    def of_row(self, name: str, column: Column) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return what ``rows[name]`` says of the row that each value was taken from; else no."""
        said = self.rows[name].to_numpy(bool)
        return (column.row >= 0) & said[column.row] if len(said) else column.row >= 0

    @property
    def first_of_person(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the position of the first visit of each person; visits are sorted by person."""
        cases = self.table["case_id"].to_numpy(object)
        return np.flatnonzero(np.append(True, cases[1:] != cases[:-1])[: len(cases)])

    def yes(self, key: str) -> BooleanArray:
        """Return what is stated of a yes-or-no key, a symptom or a group of medicines."""
        if key in self.stated:
            return self.stated[key]
        return tristate(np.zeros(len(self), dtype=bool), False)

    def number(self, key: str) -> Floats:
        """Return what is stated of a number."""
        return self.stated.get(key, np.full(len(self), np.nan))

    def word(self, key: str) -> np.ndarray[Any, Any]:
        """Return the word that is stated; "" where it is not."""
        return self.stated.get(key, np.full(len(self), "", dtype=object))

    def input(self, name: str, *, same_draw: bool) -> Column:
        """Return the column that a formula works on: of one draw, where it asks for that."""
        return self.paired[name] if same_draw and name in self.paired else self.column(name)

    def number_column(self, key: str) -> Column:
        """Return a stated number (or the age) as a column, to compare it with limits."""
        value = self.people.age if key == "age" else self.number(key)
        return Column.empty(key, self.people, self.rules).with_values(key, value)

    def is_stated(self, key: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where the context key is stated at all."""
        kind = self.rules.context[key].kind
        if kind == "yes_no":
            return ~self.yes(key).isna()
        if kind == "number":
            return ~np.isnan(self.number(key))
        if kind == "word":
            return ~np.isin(self.word(key), ("", "unknown"))
        words = self.rules.context[key].words if kind == "words" else self.rules.medication
        return ~self.yes(next(iter(words))).isna()

    def with_columns(self, columns: Mapping[str, Column]) -> "Visits":
        """Return the same visits with more columns."""
        return replace(self, columns={**self.columns, **columns})


def hba1c_unreliable(visits: Visits) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return where something else than glucose is known to change HbA1c. Source: section 2.

    Of ferritin only a low one counts: iron deficiency distorts HbA1c, a raised ferritin does not.
    """
    blood = [visits.column(marker) for marker in ("haemoglobin", "mcv")]
    signs = [column.raised() for column in blood] + [column.lowered() for column in blood]
    signs += [
        visits.column("ferritin").lowered(),
        visits.column("egfr").beyond("sf-14-egfr-30"),
        visits.yes("transfusion_3m"),
        visits.yes("haemoglobin_variant"),
    ]
    return np.any([certain(sign) for sign in signs], axis=0)
