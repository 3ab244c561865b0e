"""Middle floor. Computes again where a visit may be read otherwise: few visits, and only those."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.columns import Column, Visits
from pipeline.derive.markers import derive_markers, rounded
from pipeline.rules.formulas import INSULIN_PMOL_PER_MU, INSULIN_POPULAR_PMOL_PER_MU

_OTHER_INSULIN_FACTOR = INSULIN_PMOL_PER_MU / INSULIN_POPULAR_PMOL_PER_MU


def derive_again(reading: Visits, places: np.ndarray[Any, Any], derived: Visits) -> Visits:
    """Return ``derived`` with what another ``reading`` of the same visits makes of a few of them.

    All other visits are read as they were, and are not computed again.
    """
    few = derive_markers(reading.at(places)).visits
    columns = {marker: derived.column(marker).put(places, x) for marker, x in few.columns.items()}
    return derived.with_columns(columns)


def read_otherwise(reading: Visits, measured: Visits) -> np.ndarray[Any, Any]:
    """Return the visits at which a ``reading`` has another result than those last ``measured``."""
    differs = np.zeros(len(measured), dtype=bool)
    for marker, column in reading.columns.items():
        if column is not measured.columns[marker]:
            differs |= column.row != measured.columns[marker].row
    return np.flatnonzero(differs)


def with_other_insulin_factor(visits: Visits) -> Visits:
    """Return the measured ``visits`` with insulin of unknown pmol factor read by the other one."""
    columns = {
        marker: _by_other_factor(column, visits) for marker, column in visits.columns.items()
    }
    paired = {marker: _by_other_factor(column, visits) for marker, column in visits.paired.items()}
    return replace(visits, columns=columns, paired=paired)


def _by_other_factor(column: Column, visits: Visits) -> Column:
    if not column.marker.startswith("insulin_"):
        return column
    unknown = (column.row >= 0) & ~visits.of_row("factor_known", column)
    scaled = {end: getattr(column, end) * _OTHER_INSULIN_FACTOR for end in ("low", "high")}
    other = rounded(replace(column, **scaled))
    return column.put(np.flatnonzero(unknown), other.at(unknown, column.people))


def uses_unknown_factor(visits: Visits) -> np.ndarray[Any, Any]:
    """Return the visits at which an insulin in pmol/L is of a laboratory of unknown factor."""
    unknown = ~visits.rows["factor_known"].to_numpy(bool)
    return np.unique(visits.rows["visit"].to_numpy()[unknown])
