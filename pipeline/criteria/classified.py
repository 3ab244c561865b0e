"""Middle floor. A definition, and its answer at every visit as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import certain, tristate
from pipeline.model import Sex

Where = np.ndarray[Any, np.dtype[np.bool_]]
Words = np.ndarray[Any, Any]
NO_ROWS = pd.DataFrame({"visit": [], "row": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What is fixed of a definition: the words it may answer with, and what it rests on.

    ``inputs``: of each criterion (of "" where there is none) the markers and context keys that
    settle it; ``beside``: what it looks at too, without ever asking for it. ``exclusions``: the
    markers that must point to no other cause. ``source``: ids of ``sources.csv``, parted by ";".
    """

    id: str
    source: str
    results: tuple[str, ...]
    inputs: Mapping[str, tuple[str, ...]]
    beside: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()  # the names by which ``limits.csv`` states them
    sex: Sex | None = None  # for whom it was made; None: all
    in_pregnancy: bool = False  # whether it holds then too

    def looks_at(self) -> frozenset[str]:
        """Return every marker and context key that it looks at."""
        settling = (name for names in self.inputs.values() for name in names)
        return frozenset((*settling, *self.beside, *self.exclusions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """One definition at every visit.

    ``result``: a word of the definition, "" where the visit does not allow one. ``criteria``: each
    yes, no or unknown. ``exclusions``: whether a marker points to another cause. ``notes``: a word
    that must be said beside it, and where. ``rests_on``: further rows behind an answer (``visit``,
    ``row``), of other results or visits than the last of each marker.
    """

    definition: Definition
    result: Words
    criteria: Mapping[str, BooleanArray] = field(default_factory=dict)
    exclusions: Mapping[str, BooleanArray] = field(default_factory=dict)
    notes: Mapping[str, Where] = field(default_factory=dict)
    rests_on: pd.DataFrame = field(default_factory=lambda: NO_ROWS)

    @property
    def id(self) -> str:
        """Return the id of the definition."""
        return self.definition.id

    @property
    def source(self) -> str:
        """Return the ids of its sources, parted by ";"."""
        return self.definition.source

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """Return what settles each criterion."""
        return self.definition.inputs

    @property
    def met(self) -> np.ndarray[Any, Any]:
        """Return how many criteria are met."""
        return count_met(self.criteria)

    @property
    def known(self) -> np.ndarray[Any, Any]:
        """Return of how many criteria it is known whether they are met."""
        return count_known(self.criteria)

    def withheld(self, note: str, where: Where) -> "Classified":
        """Return the same, but with no answer and only ``note`` at those visits."""
        notes = {word: there & ~where for word, there in self.notes.items()}
        return replace(
            self,
            result=np.where(where, "", self.result).astype(object),
            criteria=_unknown_at(self.criteria, where),
            exclusions=_unknown_at(self.exclusions, where),
            notes={**notes, note: where},
            rests_on=self.rests_on[~where[self.rests_on["visit"].to_numpy(int)]],
        )


def count_met(criteria: Mapping[str, BooleanArray]) -> np.ndarray[Any, Any]:
    """Return how many of ``criteria`` are met at each visit."""
    return np.sum([certain(answer) for answer in criteria.values()], axis=0)


def count_known(criteria: Mapping[str, BooleanArray]) -> np.ndarray[Any, Any]:
    """Return of how many of ``criteria`` it is known at each visit whether they are met."""
    return np.sum([~answer.isna() for answer in criteria.values()], axis=0)


def first_that_holds(*choices: tuple[str, Where]) -> Words:
    """Return at each visit the word of the first choice that holds, "" where none does."""
    return np.select([where for _, where in choices], [word for word, _ in choices], "").astype(
        object
    )


def _unknown_at(answers: Mapping[str, BooleanArray], where: Where) -> Mapping[str, BooleanArray]:
    return {
        name: tristate(certain(answer), ~answer.isna() & ~where) for name, answer in answers.items()
    }
