"""Cohort floor. Which laboratory and which method each value rests on, as codes to compare."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits
from pipeline.rules.formulas import COMPUTED

Codes = np.ndarray[Any, Any]
NOT_SAID = 0


class Origins:
    """The words of one column of the rows (``lab`` or ``method``) behind each value of a marker.

    Equal codes are equal words, or the same words in the same order where there are several; 0 is
    none.
    """

    def __init__(self, visits: Visits, name: str) -> None:
        self._visits = visits
        words = visits.rows[name].astype("category")
        known = [str(word) for word in words.cat.categories]
        codes, _ = pd.factorize(np.array(["", *known], dtype=object))
        self._codes = np.append(codes[1:], NOT_SAID)[words.cat.codes.to_numpy()]
        self._several: dict[tuple[int, ...], int] = {}
        self._base = len(known) + 1

    def of(self, column: Column) -> Codes:
        """Return the code of each value of a column; that of its inputs where it is computed."""
        own = self._at(column)
        formula = COMPUTED.get(column.marker)
        if formula is None:
            return own
        inputs = [self._visits.input(one, same_draw=formula.same_draw) for one in formula.analytes]
        return np.where(column.row >= 0, own, self._joined([self._at(one) for one in inputs]))

    def _at(self, column: Column) -> Codes:
        if not len(self._codes):
            return np.full(len(column.row), NOT_SAID)
        return np.where(column.row >= 0, self._codes[column.row], NOT_SAID)

    def _joined(self, codes: Sequence[Codes]) -> Codes:
        """Return a code for the different words of each place; few differ."""
        if not codes:
            return np.full(len(self._visits), NOT_SAID)
        digits: Codes = np.zeros(len(codes[0]), dtype=np.int64)
        for one in codes:
            digits, _ = pd.factorize(digits * self._base + one)
        places, first = np.unique(digits, return_index=True)
        told = [self._code(tuple(int(one[at]) for one in codes)) for at in first]
        return np.array(told, dtype=np.int64)[digits] if len(places) else digits

    def _code(self, words: tuple[int, ...]) -> int:
        """Return the code of some words, each counted once, blanks left out."""
        said = tuple(dict.fromkeys(word for word in words if word != NOT_SAID))
        if len(said) <= 1:
            return said[0] if said else NOT_SAID
        return self._several.setdefault(said, self._base + len(self._several))
