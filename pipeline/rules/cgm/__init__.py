"""Rules floor. What a glucose sensor's trace amounts to: ``summarise_trace``, and its formulas.

A reader of sensor exports calls it; exports themselves are not read here.
"""

from pipeline.rules.cgm.lows import LowEvent
from pipeline.rules.cgm.metrics import TRACE_FORMULAS, TraceFormula
from pipeline.rules.cgm.summary import TraceSummary, summarise_trace
from pipeline.rules.cgm.trace import Trace

__all__ = [
    "TRACE_FORMULAS",
    "LowEvent",
    "Trace",
    "TraceFormula",
    "TraceSummary",
    "summarise_trace",
]
