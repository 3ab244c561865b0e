"""Middle floor. What published definitions make of every visit: ``apply_criteria``.

Each definition is a module with one function; none of them enters the phase or a safety flag.
"""

from collections.abc import Mapping, Sequence

from pipeline.columns import Visits
from pipeline.criteria.classified import Classified
from pipeline.criteria.metabolic_syndrome import metabolic_syndrome

__all__ = ["Classified", "apply_criteria"]

_DEFINITIONS = (metabolic_syndrome,)


def apply_criteria(readings: Sequence[Visits]) -> Mapping[str, Classified]:
    """Return each definition's answer at every visit, by its id, in the order they are told.

    ``readings``: the visits by their last results, then by earlier ones.
    """
    found = (define(readings) for define in _DEFINITIONS)
    return {classified.id: classified for classified in found}
