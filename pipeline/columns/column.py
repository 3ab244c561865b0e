"""Column and language floor. The values of one marker at every visit, and whose they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns.answers import (
    Floats,
    Where,
    certain,
    compare,
    first_known,
    is_nothing,
    nothing,
    nowhere,
    same_values,
    tristate,
    unknown,
)
from pipeline.model import Limit, LimitSet
from pipeline.rules import Rules

_ULN = "{ULN}"
_VALUES = ("low", "high", "mg_low", "mg_high")
_ENDS = (*_VALUES, "ref_low", "ref_high")
_PLACES = ("sample", "row")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Sex ("F", "M", "") and age [years, NaN unknown] of the person of each visit."""

    sex: np.ndarray[Any, Any]
    age: Floats
    _covered: dict[Any, Where] = field(default_factory=dict, init=False, repr=False, compare=False)

    def covered_by(self, limit: Limit) -> Where:
        """Return where ``limit`` holds for the person; a limit by sex or age needs it known."""
        return self._cover(limit.sex, limit.ages)

    @property
    def women(self) -> Where:
        """Return who is known to be a woman."""
        return self._cover("F", None)

    @property
    def men(self) -> Where:
        """Return who is known to be a man."""
        return self._cover("M", None)

    def _cover(self, sex: str | None, ages: tuple[float, float] | None) -> Where:
        # few differ, and every limit asks
        if (sex, ages) not in self._covered:
            self._covered[sex, ages] = self._find(sex, ages)
        return self._covered[sex, ages]

    def _find(self, sex: str | None, ages: tuple[float, float] | None) -> Where:
        covered = np.ones(len(self.age), dtype=bool)
        if sex:
            covered &= self.sex == sex
        if ages:
            covered &= (self.age >= ages[0]) & (self.age <= ages[1])
        covered.flags.writeable = False
        return covered

    def at(self, places: np.ndarray[Any, Any]) -> "People":
        """Return the people of some of the visits."""
        return People(sex=self.sex[places], age=self.age[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The values of one marker at every visit, as intervals; NaN is no value.

    ``low`` and ``high`` are its ends in the canonical unit (equal unless censored), ``mg_low`` and
    ``mg_high`` in mg/dL where it was reported so, ``ref_low`` and ``ref_high`` the interval that
    the laboratory printed, ``sample`` a code of the draw (-1 unknown), ``row`` the position of the
    accepted row (-1 where it was computed or is missing). Samples are told apart within a person.
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
        count = len(people.age)
        ends = dict.fromkeys(_ENDS, nothing(count))
        places: dict[str, Any] = dict.fromkeys(_PLACES, nowhere(count))
        return cls(marker=marker, **ends, **places, people=people, rules=rules)

    @property
    def _is_empty(self) -> bool:
        return is_nothing(self.low) and (self.high is self.low or is_nothing(self.high))

    @property
    def known(self) -> Where:
        """Return where there is a value."""
        return ~np.isnan(self.low)

    @property
    def censored(self) -> Where:
        """Return where the value is an interval and no number."""
        return self.known & (self.low != self.high)

    def where(self, keep: Where) -> "Column":
        """Return the column without the values of the other visits."""
        if not (self.known & ~keep).any():
            return self
        kept: dict[str, Any] = {n: np.where(keep, getattr(self, n), np.nan) for n in _VALUES}
        return replace(self, **kept)

    def at(self, places: np.ndarray[Any, Any], people: People) -> "Column":
        """Return the values of some of the visits, whose people are given."""
        taken = {name: getattr(self, name)[places] for name in (*_ENDS, *_PLACES)}
        return replace(self, **taken, people=people)

    def filled(
        self, places: np.ndarray[Any, Any], ends: Mapping[str, Floats], **origin: Any
    ) -> "Column":
        """Return an empty column with the ``ends`` and the origin (sample, row) at ``places``.

        What no value has takes no room, nor do the upper ends where none differs from the lower.
        """
        count = len(self.low)
        found: dict[str, Any] = {
            name: _spread(values, places, count) for name, values in ends.items()
        }
        for low, high in (("low", "high"), ("mg_low", "mg_high")):
            if same_values(ends[low], ends[high]):
                found[high] = found[low]
        for name, codes in origin.items():
            found[name] = np.full(count, -1, dtype=np.int32)
            found[name][places] = codes
        return replace(self, **found)

    def put(self, places: np.ndarray[Any, Any], other: "Column") -> "Column":
        """Return the column with ``other``, a value for each of the ``places``, put there."""
        changed = {}
        for name in (*_ENDS, *_PLACES):
            own, new = getattr(self, name), getattr(other, name)
            if not np.array_equal(own[places], new, equal_nan=name in _ENDS):
                changed[name] = own.copy()
                changed[name][places] = new
        return replace(self, **changed) if changed else self

    def with_values(self, marker: str, low: Floats, high: Floats | None = None) -> "Column":
        """Return other numbers of the same people, to compare with the limits of ``marker``."""
        empty = Column.empty(marker, self.people, self.rules)
        return replace(empty, low=low, high=low if high is None else high)

    def replaced_by(self, other: "Column") -> "Column":
        """Return this column with the values of ``other`` wherever that has one."""
        places = np.flatnonzero(other.known)
        return self.put(places, other.at(places, self.people))

    def beyond(self, name: str) -> BooleanArray:
        """Return whether the value lies beyond the limit ``name`` of ``limits.csv``.

        Unknown where there is no value, where an interval straddles the limit, and where the limit
        differs by sex or age and that is not known.
        """
        return self.beyond_any(self.rules.limits_named(name))

    def beyond_any(self, limits: Sequence[Limit]) -> BooleanArray:
        """Return whether the value lies beyond one of those ``limits`` that hold for the person."""
        if self._is_empty:
            return unknown(len(self.low))
        yes, open_, covered = np.zeros((3, len(self.low)), dtype=bool)
        for limit in limits:
            holds, answer = self.people.covered_by(limit), self._beyond(limit)
            yes |= holds & certain(answer)
            open_ |= holds & answer.isna()
            covered |= holds
        return tristate(yes, covered & (yes | ~open_))

    def raised(self) -> BooleanArray:
        """Return whether the value is above the laboratory's own, else the fallback interval."""
        return self._outside(self.ref_high, ">", np.inf)

    def lowered(self) -> BooleanArray:
        """Return whether the value is under the laboratory's own, else the fallback interval."""
        return self._outside(self.ref_low, "<", -np.inf)

    def upper(self) -> Floats:
        """Return the upper limit of the laboratory's own interval, else of the fallback [unit]."""
        fallback = nothing(len(self.low))
        for limit in self._reference(">"):
            fallback = np.where(self.people.covered_by(limit), limit.value, fallback)
        return np.where(np.isnan(self.ref_high), fallback, self.ref_high)

    @property
    def has_own_interval(self) -> Where:
        """Return where the laboratory printed an interval with the result."""
        return ~(np.isnan(self.ref_low) & np.isnan(self.ref_high))

    @property
    def has_interval(self) -> Where:
        """Return where there is an interval, the laboratory's own or the fallback."""
        return self.has_own_interval | self._covered(self._reference(">") + self._reference("<"))

    def _outside(self, own: Floats, op: str, open_end: float) -> BooleanArray:
        # an interval that is open on one side excludes nothing there
        by_own = compare(self.low, self.high, op, np.where(np.isnan(own), open_end, own))
        limits = self._reference(op)
        covered = self._covered(limits)
        by_fallback = self.beyond_any(limits)
        # where neither the laboratory nor the catalogue bounds this side, nothing lies beyond it
        by_fallback = first_known(by_fallback, by_own, covered | ~self.has_interval)
        return first_known(by_own, by_fallback, ~np.isnan(own))

    def _covered(self, limits: Sequence[Limit]) -> Where:
        covered = np.zeros(len(self.low), dtype=bool)
        for limit in limits:
            covered |= self.people.covered_by(limit)
        return covered

    def _reference(self, op: str) -> list[Limit]:
        limits = self.rules.all_limits_of(self.marker, LimitSet.REFERENCE)
        return [limit for limit in limits if limit.op.startswith(op)]

    def _beyond(self, limit: Limit) -> BooleanArray:
        if limit.unit == _ULN:
            return compare(self.low, self.high, limit.op, limit.value * self.upper())
        yes_no = compare(self.low, self.high, limit.op, limit.value)
        if limit.mg_dl is not None:
            in_mg = compare(self.mg_low, self.mg_high, limit.op, limit.mg_dl)
            return first_known(in_mg, yes_no, ~np.isnan(self.mg_low))
        return yes_no


def _spread(values: Floats, places: np.ndarray[Any, Any], count: int) -> Floats:
    """Return the ``values`` at their ``places`` among ``count`` visits."""
    if is_nothing(values):
        return nothing(count)
    spread = np.full(count, np.nan)
    spread[places] = values
    return spread
