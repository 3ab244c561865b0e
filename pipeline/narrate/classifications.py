"""Middle floor. What published definitions make of a visit, in words."""

from pipeline.model import Classification, Visit
from pipeline.narrate.telling import Telling
from pipeline.story import Bullets, Sentence


def classifications(telling: Telling, visit: Visit) -> Bullets | None:
    """Return a sentence for each definition whose question arose at a visit; else None."""
    items = tuple(_sentence(telling, one) for one in visit.classifications)
    return Bullets(items=items) if items else None


def _sentence(telling: Telling, one: Classification) -> Sentence:
    key = "report.diagnostics.metabolic_syndrome" + ("" if one.known == one.of else "_partly")
    return telling.say(
        key, by=(one.id,), markers=one.evidence, rows=one.rows, met=one.met, known=one.known
    )
