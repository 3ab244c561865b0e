"""Middle floor. The answer of one definition at every visit, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import certain

Where = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """One definition at every visit.

    ``result``: a word of the definition, "" where the visit does not allow one. ``criteria``: each
    yes, no or unknown. ``inputs``: of each criterion (of "" where there is none) the markers and
    context keys that it looks at. ``notes``: a word that must be said beside it, and where.
    """

    id: str
    source: str
    result: np.ndarray[Any, Any]
    inputs: Mapping[str, tuple[str, ...]]
    criteria: Mapping[str, BooleanArray] = field(default_factory=dict)
    notes: Mapping[str, Where] = field(default_factory=dict)

    @property
    def met(self) -> np.ndarray[Any, Any]:
        """Return how many criteria are met."""
        return np.sum([certain(answer) for answer in self.criteria.values()], axis=0)

    @property
    def known(self) -> np.ndarray[Any, Any]:
        """Return of how many criteria it is known whether they are met."""
        return np.sum([~answer.isna() for answer in self.criteria.values()], axis=0)
