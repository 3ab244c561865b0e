"""Middle floor. What the rules of the plan may ask of every visit, by the name of a parameter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, certain, tristate
from pipeline.columns.given import given, last_given, last_place, parameters_of

Where = np.ndarray[Any, np.dtype[np.bool_]]
Words = np.ndarray[Any, Any]
_RECENT = "_recent"
_OPEN = "open_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What other rooms made of every visit, as columns.

    ``open_flags``: where a flag is open, one that rests on a doubtful value too. ``levels``: the
    level of reactive and of other hypoglycaemia, "" where it is unknown; a level that nobody judged
    may be absent. ``mthfr_aa``: whether the genotype is the one that the texts speak of.
    """

    phase: Words
    rule: Words
    i_class: Words
    open_flags: Mapping[str, Where]
    levels: Mapping[str, Words]
    mthfr_aa: BooleanArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The visits and what was found of them; ``last`` asks for what was known last.

    A contra-indication holds until it is known to be gone; a reason for advice is of the visit.
    """

    visits: Visits
    found: Found
    last: bool
    _asked: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ask(self, name: str) -> Any:
        """Return the column, the words or the answer that a parameter names."""
        if name not in self._asked:
            self._asked[name] = self._find(name)
        return self._asked[name]

    def _find(self, name: str) -> Any:
        if name.startswith(_OPEN):
            return self.is_open(name.removeprefix(_OPEN).upper().replace("_", "-"))
        if name.endswith(_RECENT):
            return self._recent(name.removesuffix(_RECENT))
        special = self._special()
        if name in special:
            return special[name]
        return last_given(self.visits, name) if self.last else given(self.visits, name)

    def is_open(self, flag: str) -> BooleanArray:
        """Return whether a safety flag is open; a flag that lacks its inputs is not."""
        nowhere = np.zeros(len(self.visits), dtype=bool)
        return tristate(self.found.open_flags.get(flag, nowhere), np.True_)

    def answer(self, name: str, functions: Mapping[str, Callable[..., Any]]) -> BooleanArray:
        """Return what a function says, else a row of ``limits.csv``, else what is stated."""
        if name in functions:
            asked = parameters_of(functions[name])
            return functions[name](
                *(
                    self.answer(one, functions) if one in functions else self.ask(one)
                    for one in asked
                )
            )
        if self.is_limit(name):
            marker = self.visits.rules.limits_named(name)[0].marker
            return self.ask(marker).beyond(name)
        return self.ask(name)

    def is_limit(self, name: str) -> bool:
        """Return whether a name is that of a row of ``limits.csv``; no stated fact has a hyphen."""
        return "-" in name

    def _special(self) -> Mapping[str, Any]:
        count = len(self.visits)
        levels = ("reactive_hypoglycaemia", "nonreactive_hypoglycaemia")
        unknown = np.full(count, "", dtype=object)
        return {
            "everyone": tristate(np.ones(count, dtype=bool), np.True_),
            "phase": self.found.phase,
            "i_class": self.found.i_class,
            "mthfr_aa": self.found.mthfr_aa,
            **{level: self.found.levels.get(level, unknown) for level in levels},
        }

    def _recent(self, marker: str) -> Column:
        """Return the last value of a marker, where it is not too old for a decision."""
        dates = self.visits.table["date"].to_numpy("datetime64[D]")
        days = (dates - dates[last_place(self.visits, marker)]).astype(float)
        column: Column = last_given(self.visits, marker)
        return column.where(
            ~certain(column.with_values("days_since", days).beyond("plan-kidney-days"))
        )
