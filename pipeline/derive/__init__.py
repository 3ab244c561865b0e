"""Middle floor. Adds the computed markers to the visits, or the reason why one has no value."""

from pipeline.derive.again import (
    derive_again,
    read_otherwise,
    uses_unknown_factor,
    with_other_insulin_factor,
)
from pipeline.derive.markers import Derived, derive_markers

__all__ = [
    "Derived",
    "derive_again",
    "derive_markers",
    "read_otherwise",
    "uses_unknown_factor",
    "with_other_insulin_factor",
]
