"""Middle floor. What is stated of each visit: a column a key, a symptom, a group of medicines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import certain, tristate, unknown
from pipeline.rules import Rules
from pipeline.rules.loader import ContextKey
from pipeline.visits.dates import Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What is stated of one key: the different words, and which of them at each visit (-1 none)."""

    words: pd.Series
    codes: np.ndarray[Any, Any]

    def asked(self, question: Callable[[pd.Series], pd.Series]) -> BooleanArray:
        """Return the answer to a question of the words; unknown where nothing is stated."""
        answers = np.append(question(self.words).to_numpy(bool), False)
        return tristate(answers[self.codes], self.codes >= 0)

    def values(self, words: pd.Series, nothing: Any) -> np.ndarray[Any, Any]:
        """Return, at each visit, what stands for its word in ``words``."""
        return np.append(words.to_numpy(), nothing)[self.codes]


def stated_columns(
    stated: pd.DataFrame, calendar: Calendar, rules: Rules, *, men: np.ndarray[Any, Any]
) -> dict[str, Any]:
    """Return a column for each context key that is stated, each symptom and each medicine group."""
    columns: dict[str, Any] = {}
    said_of = _at_visits(stated, calendar)
    for key in rules.context.values():
        if key.key in stated:
            columns |= _columns(key, said_of(key.key), rules)
    return columns | _no_pregnancy_in_men(columns, men)


def _columns(key: ContextKey, said: _Said, rules: Rules) -> dict[str, Any]:
    if key.kind == "yes_no":
        answer = said.asked(lambda words: words == "yes")
        known = said.asked(lambda words: words.isin(["yes", "no"]))
        return {key.key: tristate(certain(answer), certain(known))}
    if key.kind == "number":
        return {key.key: said.values(pd.to_numeric(said.words, errors="coerce"), np.nan)}
    if key.kind == "word":
        return {key.key: said.values(said.words, "").astype(object)}
    if key.kind == "words":
        return {word: _contains(said, (word,)) for word in key.words}
    groups = {group: _contains(said, codes) for group, codes in rules.medication.items()}
    return {key.key: said.values(said.words, "").astype(object), **groups}


def _no_pregnancy_in_men(
    columns: Mapping[str, Any], men: np.ndarray[Any, Any]
) -> dict[str, BooleanArray]:
    """Return the keys of pregnancy, in men answered with no."""
    keys = ("pregnant", "lactating", "pregnancy_wish", "ivf")
    answers = {key: columns.get(key, unknown(len(men))) for key in keys}
    return {
        key: tristate(certain(answer) & ~men, ~answer.isna() | men)
        for key, answer in answers.items()
    }


def _at_visits(stated: pd.DataFrame, calendar: Calendar) -> Callable[[str], _Said]:
    """Return what finds the words of a key at each visit: the visit's own, else the person's."""
    dated = stated["date"].notna().to_numpy()
    case = calendar.case_of(stated["case_id"])
    visit = np.full(len(stated), -1)
    visit[dated] = calendar.visit_of(stated[dated])

    def said(key: str) -> _Said:
        codes, words = pd.factorize(stated[key].to_numpy(object))
        own, always = (codes >= 0) & dated, (codes >= 0) & ~dated & (case >= 0)
        of_person = np.full(len(calendar.cases), -1)
        of_person[case[always]] = codes[always]  # of two statements the last
        found = of_person[calendar.case]
        found[visit[own]] = codes[own]
        return _Said(words=pd.Series(words, dtype=object), codes=found)

    return said


def _contains(said: _Said, starts: tuple[str, ...]) -> BooleanArray:
    """Return whether one of the words of each value begins with one of ``starts``."""

    def begins(words: pd.Series) -> pd.Series:
        texts = [f" {word}" for word in words]
        found = [any(f" {start}" in text for start in starts) for text in texts]
        return pd.Series(found, index=words.index, dtype=bool)

    return said.asked(begins)
