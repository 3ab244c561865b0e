"""Middle floor. What is stated of each visit: a column a key, a symptom, a group of medicines."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import certain, tristate
from pipeline.rules import Rules


def stated_columns(stated: pd.DataFrame, table: pd.DataFrame, rules: Rules) -> dict[str, Any]:
    """Return a column for each context key that is stated, each symptom and each medicine group."""
    columns: dict[str, Any] = {}
    for key in rules.context.values():
        if key.key not in stated:
            continue
        values = _at_visits(stated, table, key.key)
        if key.kind == "yes_no":
            columns[key.key] = tristate(values == "yes", (values == "yes") | (values == "no"))
        elif key.kind == "number":
            columns[key.key] = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
        elif key.kind == "word":
            columns[key.key] = pd.Series(values, dtype=object).fillna("").to_numpy(object)
        elif key.kind == "words":
            columns |= {word: _contains(values, (word,)) for word in key.words}
        else:
            columns |= {
                group: _contains(values, codes) for group, codes in rules.medication.items()
            }
    return columns | _no_pregnancy_in_men(columns, table)


def _no_pregnancy_in_men(columns: Mapping[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return the keys of pregnancy, in men answered with no."""
    men = (table["sex"] == "M").to_numpy()
    unknown = tristate(np.zeros(len(table), dtype=bool), False)
    keys = ("pregnant", "lactating", "pregnancy_wish", "ivf")
    answers = {key: columns.get(key, unknown) for key in keys}
    return {
        key: tristate(certain(answer) & ~men, ~answer.isna() | men)
        for key, answer in answers.items()
    }


def _at_visits(stated: pd.DataFrame, table: pd.DataFrame, key: str) -> np.ndarray[Any, Any]:
    """Return what is stated of ``key`` at each visit: its own, else the person's; else None."""
    places = pd.MultiIndex.from_frame(table[["case_id", "date"]])
    own = stated[stated["date"].notna() & stated[key].notna()]
    own = own.drop_duplicates(["case_id", "date"], keep="last").set_index(["case_id", "date"])[key]
    always = stated[stated["date"].isna() & stated[key].notna()]
    always = always.drop_duplicates("case_id", keep="last").set_index("case_id")[key]
    values = own.reindex(places).to_numpy(object)
    general = table["case_id"].map(always).to_numpy(object)
    return np.where(pd.isna(pd.Series(values)), general, values)


def _contains(values: np.ndarray[Any, Any], starts: tuple[str, ...]) -> BooleanArray:
    """Return whether one of the words of each value begins with one of ``starts``."""
    texts = pd.Series(values, dtype=object)
    padded = " " + texts.fillna("").astype(str)
    found = np.zeros(len(texts), dtype=bool)
    for start in starts:
        found |= padded.str.contains(f" {start}", regex=False).to_numpy(bool)
    return tristate(found, texts.notna().to_numpy())
