"""Column and language floor. What rules compare: a marker or a stated fact, at every visit.

A case is a cohort of one: all of this works on one visit as on a million. Yes, no and unknown are
pandas' nullable booleans, whose ``&``, ``|`` and ``~`` follow Kleene: unknown stays unknown unless
the other side decides.
"""

from pipeline.columns.answers import (
    Floats,
    any_of,
    certain,
    first_known,
    is_nothing,
    nothing,
    round_significant,
    ruled_out,
    same_values,
    tristate,
    unknown,
)
from pipeline.columns.column import Column, People
from pipeline.columns.visits import Visits

__all__ = [
    "Column",
    "Floats",
    "People",
    "Visits",
    "any_of",
    "certain",
    "first_known",
    "is_nothing",
    "nothing",
    "round_significant",
    "ruled_out",
    "same_values",
    "tristate",
    "unknown",
]
