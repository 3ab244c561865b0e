"""Middle floor. Places every value against three sets of limits side by side, never mixing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.columns import Visits
from pipeline.score.bands import (
    BANDS,
    HIGH,
    NONE,
    UNDETERMINED,
    WITHIN,
    Codes,
    functional_codes,
    score_column,
)
from pipeline.score.notes import (
    BLANK,
    FORBID,
    Notes,
    circumstances,
    may_weaken,
    notes_of,
    where_noted,
)

__all__ = ["BANDS", "HIGH", "WITHIN", "Scores", "may_weaken", "score_markers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The bands of each marker at every visit (codes into ``BANDS``), and why some are empty.

    ``counts``: outside the reference interval on the side that is judged. ``notes``: a word and
    where it applies, for each marker.
    """

    laboratory: Mapping[str, Codes]
    guideline: Mapping[str, Codes]
    functional: Mapping[str, Codes]
    critical: Mapping[str, Codes]
    refer: Mapping[str, Codes]
    counts: Mapping[str, np.ndarray[Any, Any]]
    notes: Mapping[str, Notes]


def score_markers(visits: Visits, other_reading: Visits | None = None) -> Scores:
    """Return the bands of every marker of ``visits``.

    ``other_reading`` has the same visits with insulin read by the laboratory's other unit factor:
    a functional judgement that differs between both is undetermined.
    """
    sets: dict[str, dict[str, Any]] = {name: {} for name in Scores.__slots__}
    everywhere = circumstances(visits)
    for marker, column in visits.columns.items():
        notes = notes_of(column, visits, everywhere)
        judged = column.known & ~where_noted(notes, FORBID, len(visits))
        oestrogen = where_noted(notes, ("oestrogen",), len(visits))
        scored = score_column(column.where(judged), oestrogen=oestrogen)
        if other_reading is not None:
            other = functional_codes(other_reading.column(marker).where(judged))
            differs = scored["functional"] != other
            scored["functional"] = np.where(differs, UNDETERMINED, scored["functional"])
        blank = where_noted(notes, BLANK, len(visits))
        scored["functional"] = np.where(blank, NONE, scored["functional"])
        for name, values in {**scored, "notes": notes}.items():
            sets[name][marker] = values
    return Scores(**sets)
