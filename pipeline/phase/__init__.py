"""Middle floor. The phase of insulin resistance at a visit: ``classify``, then ``decide_phase``."""

from pipeline.phase.classes import Classes, classify, reasoning, supporting_signals
from pipeline.phase.decide import PHASE_FUNCTIONS, Phases, decide_phase

__all__ = [
    "PHASE_FUNCTIONS",
    "Classes",
    "Phases",
    "classify",
    "decide_phase",
    "reasoning",
    "supporting_signals",
]
