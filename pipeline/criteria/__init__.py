"""Middle floor. What published definitions make of every visit: ``apply_criteria``.

Each definition is a function of its id; none of them enters the phase or a safety flag.
"""

from collections.abc import Callable, Mapping, Sequence

from pipeline.columns import Visits
from pipeline.criteria.b12 import B12, b12
from pipeline.criteria.classified import Classified, Definition, Where
from pipeline.criteria.fatty_liver import MAFLD, MASLD, mafld, masld
from pipeline.criteria.glycaemia import (
    GLYCAEMIA_ADA,
    GLYCAEMIA_NHG,
    glycaemia_ada,
    glycaemia_nhg,
    told_side_by_side,
)
from pipeline.criteria.hs_crp import HS_CRP, hs_crp
from pipeline.criteria.hypoglycaemia import (
    NONREACTIVE_HYPOGLYCAEMIA,
    REACTIVE_HYPOGLYCAEMIA,
    nonreactive_hypoglycaemia,
    reactive_hypoglycaemia,
)
from pipeline.criteria.metabolic_syndrome import METABOLIC_SYNDROME, metabolic_syndrome
from pipeline.criteria.ogtt import OGTT_KRAFT, OGTT_PATTERN, ogtt_kraft, ogtt_pattern
from pipeline.criteria.pcos import PCOS, pcos
from pipeline.criteria.questions import pregnant

__all__ = ["DEFINED_BY", "DEFINITIONS", "Classified", "Definition", "apply_criteria"]

# In the order in which they are told.
DEFINITIONS: Mapping[str, Definition] = {
    definition.id: definition
    for definition in (
        GLYCAEMIA_ADA,
        GLYCAEMIA_NHG,
        METABOLIC_SYNDROME,
        MASLD,
        MAFLD,
        PCOS,
        HS_CRP,
        B12,
        REACTIVE_HYPOGLYCAEMIA,
        NONREACTIVE_HYPOGLYCAEMIA,
        OGTT_PATTERN,
        OGTT_KRAFT,
    )
}
DEFINED_BY: Mapping[str, Callable[[Sequence[Visits]], Classified]] = {
    function.__name__: function
    for function in (
        glycaemia_ada,
        glycaemia_nhg,
        metabolic_syndrome,
        masld,
        mafld,
        pcos,
        hs_crp,
        b12,
        reactive_hypoglycaemia,
        nonreactive_hypoglycaemia,
        ogtt_pattern,
        ogtt_kraft,
    )
}


def apply_criteria(readings: Sequence[Visits]) -> Mapping[str, Classified]:
    """Return each definition's answer at every visit, by its id, in the order they are told.

    ``readings``: the visits by their last results, then by earlier ones. In pregnancy and the first
    12 weeks after it a definition that was not made for that gives no answer.
    """
    expecting = pregnant(readings[0])
    found = {id: DEFINED_BY[id](readings) for id in DEFINITIONS}
    both = told_side_by_side(found["glycaemia_ada"], found["glycaemia_nhg"])
    found |= {one.id: one for one in both}
    return {id: _unless_pregnant(answer, expecting) for id, answer in found.items()}


def _unless_pregnant(answer: Classified, expecting: Where) -> Classified:
    return answer if answer.definition.in_pregnancy else answer.withheld("pregnancy", expecting)
