"""Order floor. The order of work, on columns: derive, then flags, then score and phase."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Visits
from pipeline.derive import (
    derive_again,
    derive_markers,
    read_otherwise,
    uses_unknown_factor,
    with_other_insulin_factor,
)
from pipeline.flags import Flags, raise_flags
from pipeline.phase import Phases, classify, decide_phase
from pipeline.rules import Rules
from pipeline.score import Scores, score_markers
from pipeline.visits import arrange_visits, earlier_readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All that is judged of every visit, as columns.

    ``readings``: the visits with the last result of each marker, then with the one before it, and
    so on: flags and the G-class look at every result, everything else at the last.
    """

    readings: tuple[Visits, ...]
    not_computed: Mapping[str, np.ndarray[Any, Any]]  # a reason a visit, "" where computed
    flags: Flags
    scores: Scores
    phases: Phases

    @property
    def visits(self) -> Visits:
        """Return the visits with the last result of each marker: the one that is judged."""
        return self.readings[0]


def interpret_columns(
    rows: pd.DataFrame,
    people: pd.DataFrame,
    stated: pd.DataFrame,
    *,
    as_of: Any,
    rules: Rules,
    not_scored: pd.DataFrame | None = None,
) -> Judged:
    """Return what is judged of all people in ``rows`` (``ACCEPTED_COLUMNS``), visit by visit.

    ``people``: case_id, sex, birth_year; ``stated``: case_id, date and context keys;
    ``not_scored``: case_id, date and marker of values that were set aside for their unit or size.
    """
    measured = arrange_visits(rows, people, stated, as_of=as_of, rules=rules, also=not_scored)
    derived = derive_markers(measured)
    readings = (derived.visits, *_earlier(measured, derived.visits))
    other = _other_reading(measured, derived.visits)
    classes = classify(readings, other)
    not_scored_at = visits_near(not_scored, derived.visits)
    return Judged(
        readings=readings,
        not_computed=derived.reasons,
        flags=raise_flags(readings, classes.diabetes_range, not_scored_at),
        scores=score_markers(derived.visits, other),
        phases=decide_phase(classes, rules),
    )


def _earlier(measured: Visits, derived: Visits) -> Iterator[Visits]:
    """Yield the visits with earlier results and what is computed of them, where there are any."""
    for reading in earlier_readings(measured):
        yield derive_again(reading, read_otherwise(reading, measured), derived)


def _other_reading(measured: Visits, derived: Visits) -> Visits | None:
    """Return the visits with insulin by the other pmol factor; None where no factor is in doubt."""
    places = uses_unknown_factor(measured)
    if not len(places):
        return None
    return derive_again(with_other_insulin_factor(measured), places, derived)


def visits_near(found: pd.DataFrame | None, visits: Visits) -> np.ndarray[Any, Any]:
    """Return which visits are nearest (of the same case) to the given cases and dates."""
    where = np.zeros(len(visits), dtype=bool)
    if found is None or not len(found):
        return where
    table = visits.table.assign(at=np.arange(len(visits)))
    pairs = found.merge(table[["case_id", "date", "at"]], on="case_id", suffixes=("", "_visit"))
    distance = (pairs["date"] - pairs["date_visit"]).abs()
    nearest = pairs.loc[distance.groupby([pairs["case_id"], pairs["date"]]).idxmin(), "at"]
    where[nearest.to_numpy(int)] = True
    return where
