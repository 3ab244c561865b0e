"""Middle floor. Safety flags, raised before and apart from any scoring: ``raise_flags``.

Nothing here knows of language, audience or brand, so none of them can switch a flag off.
"""

from pipeline.flags.conditions import CONDITIONS
from pipeline.flags.raising import (
    Flags,
    inputs_of,
    question_arises,
    raise_flags,
    unknown_inputs,
)

__all__ = ["CONDITIONS", "Flags", "inputs_of", "question_arises", "raise_flags", "unknown_inputs"]
