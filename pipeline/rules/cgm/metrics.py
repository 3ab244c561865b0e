"""Rules floor. One number of a sensor's trace: a function each, its parameters the limits it needs.

A parameter ``very_low`` is the row ``cgm-very-low`` of ``limits.csv``. Concentrations are in the
unit of the device. The readings are those that are known, after the first day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import getdoc, signature

import numpy as np

from pipeline.model import Limit
from pipeline.rules.cgm.excursions import excursions
from pipeline.rules.cgm.lows import longest_run
from pipeline.rules.cgm.trace import Floats, Trace, Where
from pipeline.rules.formulas import GLUCOSE_MG_DL, gmi_mass
from pipeline.rules.loader import Rules

CONGA_HOURS = 1  # the n that the marker conga is stated with
_DAY = 24  # hours
_MINUTES = 60 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFormula:
    """A number of a trace: its function, and whether a reading beyond the device forbids it."""

    marker: str
    compute: Callable[..., float]
    counts: bool  # it asks only on which side of a limit readings lie
    limits: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = list(signature(self.compute).parameters)[1:]
        limits = tuple(f"cgm-{name.replace('_', '-')}" for name in names)
        object.__setattr__(self, "limits", limits)

    def of(self, trace: Trace, rules: Rules) -> float:
        """Return the number, NaN where the readings do not suffice for it."""
        if len(trace) < 2:
            return np.nan
        limits = (rules.limits_named(name)[0] for name in self.limits)
        with np.errstate(all="ignore"):  # a reading beyond the device: see why_not of the summary
            return float(self.compute(trace, *limits))

    @property
    def description(self) -> str:
        """Return what is computed, its unit and its source, on one line."""
        return " ".join((getdoc(self.compute) or "").split())

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the ids that the docstring names after "Source:"."""
        return tuple(self.description.partition("Source: ")[2].removesuffix(".").split("; "))


_REGISTER: dict[str, TraceFormula] = {}
TRACE_FORMULAS: Mapping[str, TraceFormula] = _REGISTER
_Function = Callable[..., float]


def _marker(*, counts: bool = False) -> Callable[[_Function], _Function]:
    def register(function: _Function) -> _Function:
        marker = function.__name__
        _REGISTER[marker] = TraceFormula(marker=marker, compute=function, counts=counts)
        return function

    return register


@_marker(counts=True)
def cgm_active(trace: Trace, full_days: Limit) -> float:
    """Readings / those expected in 14 days, or in the trace where it is longer [%].

    Source: CGM-CONSENSUS-2019.
    """
    expected = max(full_days.value * _MINUTES, trace.span) / trace.step
    return min(100 * len(trace) / expected, 100.0)


@_marker()
def cgm_mean(trace: Trace) -> float:
    """Sum of the readings / their number [mmol/L]. Source: CGM-CONSENSUS-2019."""
    return float(trace.glucose.mean())


@_marker()
def cgm_sd(trace: Trace) -> float:
    """Standard deviation of the readings, over n − 1 [mmol/L]. Source: CGM-CONSENSUS-2019."""
    return float(trace.glucose.std(ddof=1))


@_marker()
def cgm_cv(trace: Trace) -> float:
    """100 × SD / mean [%]. Source: CGM-CONSENSUS-2019."""
    return 100 * cgm_sd(trace) / cgm_mean(trace)


# Shares of the readings, each limit in the unit of the device.


def _share(readings: Where) -> float:
    return 100 * float(readings.mean())


@_marker(counts=True)
def cgm_tir(trace: Trace, low: Limit, high: Limit) -> float:
    """Readings of 3.9 to 10.0 mmol/L (70 to 180 mg/dL), both inside [%].

    Source: CGM-CONSENSUS-2019.
    """
    return _share(~trace.beyond(low) & ~trace.beyond(high))


@_marker(counts=True)
def cgm_titr(trace: Trace, low: Limit, tight: Limit) -> float:
    """Readings of 3.9 to 7.8 mmol/L (70 to 140 mg/dL), both inside [%]. Source: SHAH-2019."""
    return _share(~trace.beyond(low) & ~trace.beyond(tight))


@_marker(counts=True)
def cgm_tbr(trace: Trace, low: Limit) -> float:
    """Readings below 3.9 mmol/L (70 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(low))


@_marker(counts=True)
def cgm_tbr1(trace: Trace, low: Limit, very_low: Limit) -> float:
    """Readings of 3.0 to 3.8 mmol/L (54 to 69 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(low) & ~trace.beyond(very_low))


@_marker(counts=True)
def cgm_tbr2(trace: Trace, very_low: Limit) -> float:
    """Readings below 3.0 mmol/L (54 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(very_low))


@_marker(counts=True)
def cgm_tar(trace: Trace, high: Limit) -> float:
    """Readings above 10.0 mmol/L (180 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(high))


@_marker(counts=True)
def cgm_tar1(trace: Trace, high: Limit, very_high: Limit) -> float:
    """Readings of 10.1 to 13.9 mmol/L (181 to 250 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(high) & ~trace.beyond(very_high))


@_marker(counts=True)
def cgm_tar2(trace: Trace, very_high: Limit) -> float:
    """Readings above 13.9 mmol/L (250 mg/dL) [%]. Source: CGM-CONSENSUS-2019."""
    return _share(trace.beyond(very_high))


@_marker(counts=True)
def cgm_longest_below_3_0_min(trace: Trace, very_low: Limit) -> float:
    """Longest run of readings below 3.0 mmol/L (54 mg/dL) [min].

    Each stands for one step; one that is missing ends the run. Source: specification-9.
    """
    return float(longest_run(trace, trace.beyond(very_low)))


# What is made of the mean, and of how far glucose lies from it.


@_marker()
def gmi(trace: Trace) -> float:
    """3.31 + 0.02392 × mean (mg/dL) [%]. Source: BERGENSTAL-2018."""
    return float(gmi_mass(trace.mg_dl.mean()))


def gmi_mmol_mol(trace: Trace) -> float:
    """Return 12.71 + 4.70587 × mean (mmol/L) [mmol/mol]. Source: UNVERIFIED."""
    return float(12.71 + 4.70587 * trace.mg_dl.mean() / GLUCOSE_MG_DL)


def risk(mg_dl: Floats) -> Floats:
    """Return the risk r = 10 × f² of each reading (mg/dL), with the sign of f [1]. Source: S39."""
    f = 1.509 * (np.log(mg_dl) ** 1.084 - 5.381)
    return np.asarray(10 * f * np.abs(f))


@_marker()
def lbgi(trace: Trace) -> float:
    """Mean over all readings of r = 10 × f² where f < 0, else 0 [1].

    f = 1.509 × ((ln glucose (mg/dL))^1.084 − 5.381). A sensor gives a lower index than a meter
    does. Source: S38; S39; S40.
    """
    return float(-risk(trace.mg_dl).clip(max=0).mean())


@_marker()
def hbgi(trace: Trace) -> float:
    """Mean over all readings of r = 10 × f² where f > 0, else 0 [1].

    f = 1.509 × ((ln glucose (mg/dL))^1.084 − 5.381). Source: S38; S39.
    """
    return float(risk(trace.mg_dl).clip(min=0).mean())


@_marker()
def modd(trace: Trace) -> float:
    """Mean of |reading − the one 24 hours before|, where there is one [mmol/L]. Source: S38."""
    changes = trace.changes_over(_DAY)
    return float(np.abs(changes).mean()) if len(changes) else np.nan


@_marker()
def conga(trace: Trace) -> float:
    """SD of (reading − the one n hours before), where there is one; n = 1 [mmol/L].

    Not comparable with that of Hill 2011, which is defined otherwise. Source: specification-5.
    """
    return conga_over(trace, CONGA_HOURS)


def conga_over(trace: Trace, hours: float) -> float:
    """Return CONGA-n for n ``hours``: without its n the number says nothing."""
    changes = trace.changes_over(hours)
    return float(changes.std(ddof=1)) if len(changes) > 1 else np.nan


@_marker()
def mage(trace: Trace, mage_gap: Limit) -> float:
    """Mean of the excursions, up and down, of more than 1 SD [mmol/L].

    Turning points lie between crossings of the moving averages over 5 and over 32 readings.
    Source: FERNANDES-2022.
    """
    found = excursions(trace, mage_gap, more_than=cgm_sd(trace))
    return float(found.mean()) if len(found) else np.nan
