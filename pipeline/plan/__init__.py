"""Middle floor. Advice by area and rule, with what withholds it: ``make_plan``.

Advice is given only where a reason for it certainly holds and nothing that is known forbids it. The
order and the grades are rows of ``plan.csv``, what forbids or changes is ``contraindications.csv``.
"""

from pipeline.plan.contraindications import CONTRAINDICATIONS
from pipeline.plan.facts import Found
from pipeline.plan.making import Planned, inputs_of, make_plan
from pipeline.plan.triggers import TRIGGERS

__all__ = ["CONTRAINDICATIONS", "TRIGGERS", "Found", "Planned", "inputs_of", "make_plan"]
