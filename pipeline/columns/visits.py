"""Column and language floor. Everything that is known at each visit, as columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns.answers import Floats, Where, certain, nothing, unknown
from pipeline.columns.column import Column, People
from pipeline.rules import Rules


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
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.table)

    def column(self, marker: str) -> Column:
        """Return the column of ``marker``; an empty one where no visit has it."""
        if marker in self.columns:
            return self.columns[marker]
        return Column.empty(marker, self.people, self.rules)

    def at(self, places: np.ndarray[Any, Any]) -> "Visits":
        """Return some of the visits; ``rows`` stay whole, so that positions in it stay true."""
        people = self.people.at(places)
        taken: dict[str, Any] = {
            name: {marker: one.at(places, people) for marker, one in columns.items()}
            for name, columns in (("columns", self.columns), ("paired", self.paired))
        }
        stated = {key: value[places] for key, value in self.stated.items()}
        table = self.table.iloc[places].reset_index(drop=True)
        return replace(self, table=table, people=people, stated=stated, **taken)

    def of_row(self, name: str, column: Column) -> Where:
        """Return what ``rows[name]`` says of the row that each value was taken from; else no."""
        said = np.asarray(self.cells(name), dtype=bool)
        return (column.row >= 0) & said[column.row] if len(said) else column.row >= 0

    def cells(self, name: str) -> Any:
        """Return the values of ``rows[name]``; a table takes long to find a column of its own."""
        if ("cells", name) not in self._found:
            self._found["cells", name] = self.rows[name].array
        return self._found["cells", name]

    def row(self, position: int, *names: str) -> dict[str, Any]:
        """Return these cells of a row of ``rows``: of a few, many times faster than the row."""
        return {name: self.cells(name)[position] for name in names}

    @property
    def first_of_person(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the position of the first visit of each person; visits are sorted by person."""
        cases = self.table["case_id"].to_numpy(object)
        return np.flatnonzero(np.append(True, cases[1:] != cases[:-1])[: len(cases)])

    def per_person(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return what is given of each person at every visit of the person."""
        return np.repeat(values, np.diff(np.append(self.first_of_person, len(self))))

    def before(self, counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the sum of ``counts`` over the earlier visits of the person."""
        sums = np.cumsum(counts) - counts
        return sums - self.per_person(sums[self.first_of_person])

    def yes(self, key: str) -> BooleanArray:
        """Return what is stated of a yes-or-no key, a symptom or a group of medicines."""
        if key in self.stated:
            return self.stated[key]
        return unknown(len(self))

    def number(self, key: str) -> Floats:
        """Return what is stated of a number."""
        return self.stated.get(key, nothing(len(self)))

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

    def is_stated(self, key: str) -> Where:
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

    @property
    def hba1c_unreliable(self) -> Where:
        """Return where something else than glucose is known to change HbA1c. Source: section 2.

        Of ferritin only a low one counts: it is the lack of iron that distorts HbA1c.
        """
        if "hba1c_unreliable" not in self._found:  # many rules ask
            found = np.any([certain(sign) for sign in self._signs()], axis=0)
            found.flags.writeable = False
            self._found["hba1c_unreliable"] = found
        return self._found["hba1c_unreliable"]

    def _signs(self) -> Iterator[BooleanArray]:
        """Yield the answers of which each makes HbA1c unreliable."""
        for marker in ("haemoglobin", "mcv"):
            yield self.column(marker).raised()
            yield self.column(marker).lowered()
        yield self.column("ferritin").lowered()
        yield self.column("egfr").beyond("sf-14-egfr-30")
        yield self.yes("transfusion_3m")
        yield self.yes("haemoglobin_variant")

    def with_columns(self, columns: Mapping[str, Column]) -> "Visits":
        """Return the same visits with more columns."""
        return replace(self, columns={**self.columns, **columns})
