"""Rules floor. The readings of a sensor in the device's own unit, and when one follows another.

Nothing is filled in between readings: what would need a value that is not there is not computed.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from pipeline.model import Limit
from pipeline.rules.formulas import GLUCOSE_MG_DL

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Where: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_HALF = 0.5  # of a step: how far from its moment a reading may lie and still be the one meant


def is_beyond(value: float, limit: Limit) -> bool:
    """Return whether ``value op limit`` holds."""
    return bool(_COMPARE[limit.op](value, limit.value))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """The readings of a sensor: ``minutes`` since any moment, rising; glucose in ``unit``.

    NaN is no reading, −inf one below what the device can show ("LO"), inf one above it ("HI").
    Raises ValueError where the minutes do not rise: the reader of an export puts them in order,
    and knows what its clock did.
    """

    minutes: Floats
    glucose: Floats
    unit: Literal["mmol/L", "mg/dL"]

    def __post_init__(self) -> None:
        if self.minutes.shape != self.glucose.shape or not (np.diff(self.minutes) > 0).all():
            raise ValueError("a trace needs a minute for each reading, each later than the last")
        if self.unit not in ("mmol/L", "mg/dL"):
            raise ValueError("a trace is in mmol/L or in mg/dL")

    def __len__(self) -> int:
        return len(self.minutes)

    def where(self, keep: Where) -> "Trace":
        """Return the trace with some of its readings."""
        return replace(self, minutes=self.minutes[keep], glucose=self.glucose[keep])

    @property
    def step(self) -> float:
        """Return the minutes from one reading to the next, as a rule (the median)."""
        return float(np.median(np.diff(self.minutes))) if len(self) > 1 else np.nan

    @property
    def span(self) -> float:
        """Return the minutes that the trace covers: each reading stands for one step."""
        return float(self.minutes[-1] - self.minutes[0] + self.step) if len(self) > 1 else 0.0

    @property
    def missing(self) -> Floats:
        """Return the whole minutes without a reading before each one; clocks waver by seconds."""
        gaps = np.round(np.diff(self.minutes) - self.step)
        return np.concatenate([np.zeros(min(len(self), 1)), gaps])

    @property
    def follows(self) -> Where:
        """Return where a reading follows the one before it: none is missing in between."""
        near = np.diff(self.minutes) <= (1 + _HALF) * self.step
        return np.concatenate([np.zeros(min(len(self), 1), dtype=bool), near])

    @property
    def censored(self) -> bool:
        """Return whether a reading lies beyond what the device can show."""
        return bool(np.isinf(self.glucose).any())

    @property
    def mg_dl(self) -> Floats:
        """Return the readings in mg/dL, for the formulas that are published so."""
        return self.glucose if self.unit == "mg/dL" else self.glucose * GLUCOSE_MG_DL

    def beyond(self, limit: Limit) -> Where:
        """Return where ``reading op limit`` holds, the limit in the unit of the device."""
        mass = limit.mg_dl if self.unit == "mg/dL" else None
        edge = limit.value if mass is None else mass
        return np.asarray(_COMPARE[limit.op](self.glucose, edge))

    def changes_over(self, hours: float) -> Floats:
        """Return each reading less the one ``hours`` before it, where there is one."""
        if len(self) < 2:
            return np.array([])
        wanted = self.minutes - hours * 60
        after = np.searchsorted(self.minutes, wanted).clip(1, len(self) - 1)
        nearer = wanted - self.minutes[after - 1] < self.minutes[after] - wanted
        nearest = np.where(nearer, after - 1, after)
        found = np.abs(self.minutes[nearest] - wanted) <= _HALF * self.step
        return np.asarray(self.glucose[found] - self.glucose[nearest[found]])

    def stretches(self, gap: Limit) -> Iterator["Trace"]:
        """Yield the parts between which readings are missing for as long as ``gap``."""
        ends = np.flatnonzero(_COMPARE[gap.op](self.missing, gap.value)).tolist()
        for first, end in pairwise((0, *ends, len(self))):
            part = slice(first, end)
            yield replace(self, minutes=self.minutes[part], glucose=self.glucose[part])
