"""Rules floor. All that a sensor's trace amounts to, or why not: ``summarise_trace``."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.rules.cgm.lows import LowEvent, low_events
from pipeline.rules.cgm.metrics import CONGA_HOURS, TRACE_FORMULAS, gmi_mmol_mol
from pipeline.rules.cgm.trace import Trace, is_beyond
from pipeline.rules.loader import Rules

_ACTIVE = "cgm_active"
_LONGEST = "cgm_longest_below_3_0_min"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """The numbers of a trace by marker with their units, and a reason for each that has none.

    A concentration is in the unit of the device. A marker has a value or a reason, never both.
    """

    values: Mapping[str, float]
    units: Mapping[str, str]
    reasons: Mapping[str, str]
    lows: tuple[LowEvent, ...]
    conga_hours: int
    gmi_mmol_mol: float | None  # GMI in the other unit: no marker of its own


def summarise_trace(trace: Trace, rules: Rules) -> TraceSummary:
    """Return what the readings after the first day amount to.

    Where they are less than 70 % of 14 days, only that share is told, the lows, and the longest run
    below 3.0 mmol/L where it calls for a doctor: that none was seen would be no reassurance.
    """
    kept = _after_first_day(trace, rules)
    found = {id: formula.of(kept, rules) for id, formula in TRACE_FORMULAS.items()}
    found[_ACTIVE] = float(np.nan_to_num(found[_ACTIVE]))
    reasons = _reasons(kept, found, rules)
    values = {id: value for id, value in found.items() if id not in reasons}
    limits = (rules.limits_named(name)[0] for name in ("cgm-low", "cgm-very-low", "cgm-event"))
    return TraceSummary(
        values=values,
        units={id: _unit(id, trace, rules) for id in values},
        reasons=reasons,
        lows=low_events(kept, *limits),
        conga_hours=CONGA_HOURS,
        gmi_mmol_mol=gmi_mmol_mol(kept) if "gmi" in values else None,
    )


def _after_first_day(trace: Trace, rules: Rules) -> Trace:
    """Return the readings that are known, without those of the sensor's first hours."""
    (warming_up,) = rules.limits_named("cgm-warm-up")
    known = trace.where(~np.isnan(trace.glucose))
    hours = (known.minutes - known.minutes[:1]) / 60
    return known.where(np.array([not is_beyond(hour, warming_up) for hour in hours], dtype=bool))


def _reasons(trace: Trace, found: Mapping[str, float], rules: Rules) -> dict[str, str]:
    """Return why a marker is not told, for each that is not."""
    (enough,), (alarming,) = (rules.limits_named(x) for x in ("cgm-active", "sf-03-cgm"))
    told = {_ACTIVE, *(id for id in (_LONGEST,) if is_beyond(found[id], alarming))}
    few = not is_beyond(found[_ACTIVE], enough)
    why = {
        "cgm-insufficient": {id for id in found if few and id not in told},
        "censored": {id for id, one in TRACE_FORMULAS.items() if trace.censored and not one.counts},
        "missing-input": {id for id, value in found.items() if np.isnan(value)},
    }
    return {id: word for word, ids in reversed(why.items()) for id in ids}


def _unit(marker: str, trace: Trace, rules: Rules) -> str:
    unit = rules.markers[marker].unit
    return trace.unit if unit == "mmol/L" else unit
