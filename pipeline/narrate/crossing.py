"""Middle floor. Which of the limits that a finding was held against it certainly lies beyond."""

import operator
from collections.abc import Callable, Iterable, Mapping

from pipeline.model import Finding, Limit, LimitSet
from pipeline.rules import fold_unit

_BEYOND: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_MG_DL = "mg/dL"


def is_crossed(finding: Finding, limit: Limit) -> bool:
    """Return whether a value certainly lies beyond a limit.

    A value in mg/dL is compared in mg/dL where the limit states that too. Of "<0.3" only a limit on
    the low side can be crossed, of ">300" only one on the high side.
    """
    value, edge = _as_compared(finding, limit)
    sign = finding.comparator
    if sign is None:
        return _BEYOND[limit.op](value, edge)
    if sign[0] != limit.op[0]:
        return False
    # all that is less than 6 lies below a limit of 6 as well: an open end may touch the limit
    op = limit.op if sign.endswith("=") else f"{sign}="
    return _BEYOND[op](value, edge)


def crossed_of(finding: Finding, limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Return those of ``limits`` that a value certainly lies beyond."""
    return tuple(limit for limit in limits if is_crossed(finding, limit))


def limits_beyond(finding: Finding) -> tuple[Limit, ...]:
    """Return the limits that a finding was judged to lie beyond, of every set that judges."""
    bands = {
        LimitSet.REFERENCE: finding.laboratory,
        LimitSet.GUIDELINE: finding.guideline,
        LimitSet.FUNCTIONAL: finding.functional,
        LimitSet.REFER: finding.refer,
        LimitSet.CRITICAL: finding.critical,
    }
    return tuple(
        limit
        for set, band in bands.items()
        for limit in crossed_of(finding, finding.limits.get(set, ()))
        if limit.side is band
    )


def _as_compared(finding: Finding, limit: Limit) -> tuple[float, float]:
    """Return value and limit in one unit: mg/dL where both are stated so, else the canonical."""
    if limit.mg_dl is None or finding.reported is None:
        return finding.value, limit.value
    text, unit = finding.reported
    try:
        reported = float(text.lstrip("<>=≤≥ ").replace(",", "."))
    except ValueError:
        return finding.value, limit.value
    if fold_unit(unit) != fold_unit(_MG_DL):
        return finding.value, limit.value
    return reported, limit.mg_dl
