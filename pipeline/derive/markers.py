"""Middle floor. Computes each marker that has a formula, at all visits at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.columns import Column, Visits, is_nothing, round_significant
from pipeline.derive.inputs import Where, any_where, ends_of, input_of
from pipeline.derive.reasons import Reasons, first_reasons, why_not
from pipeline.rules.formulas import COMPUTED, Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Visits with computed markers, and for each of these a reason a visit ("" where computed)."""

    visits: Visits
    reasons: Mapping[str, Reasons]


def derive_markers(visits: Visits) -> Derived:
    """Return ``visits`` with a column for each computed marker, and why values are absent.

    A value that the laboratory reported of LDL, eGFR or GMI stands; all others are computed again.
    """
    reasons: dict[str, Reasons] = {}
    reported = {marker: visits.column(marker) for marker in COMPUTED}
    for formula in COMPUTED.values():
        stands = reported[formula.marker]
        column, reasons[formula.marker] = _compute(formula, visits, stands.known)
        visits = visits.with_columns({formula.marker: column.replaced_by(stands)})
    # rounded only now: one computed marker may enter another; what is reported is rounded already,
    # and would lose the open end of "<60"
    shown = {
        marker: rounded(visits.column(marker)).replaced_by(stands)
        for marker, stands in reported.items()
    }
    return Derived(visits=visits.with_columns(shown), reasons=reasons)


def _compute(formula: Formula, visits: Visits, stands: Where) -> tuple[Column, Reasons]:
    """Return the column of one computed marker, and a reason a visit: "" too where one stands."""
    inputs = {name: input_of(name, formula, visits) for name in formula.inputs}
    checks = [("", stands), *why_not(formula, inputs, visits)]
    free = ~any_where(where for _, where in checks)
    column = Column.empty(formula.marker, visits.people, visits.rules)
    if not free.any():
        return column, first_reasons(checks, len(visits))
    with np.errstate(all="ignore"):
        low, high = ends_of(formula, inputs)
    checks.append(("glucose-did-not-rise", np.isnan(low) & np.isnan(high)))
    kept = np.where(free, low, np.nan)
    column = replace(column, low=kept, high=kept if high is low else np.where(free, high, np.nan))
    return column, first_reasons(checks, len(visits))


def rounded(column: Column) -> Column:
    """Return ``column`` with both ends to six significant digits."""
    low = column.low if is_nothing(column.low) else round_significant(column.low)
    high = low if column.high is column.low else round_significant(column.high)
    return replace(column, low=low, high=high)
