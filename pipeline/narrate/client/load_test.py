"""Middle floor. What a load test is, for the client: the words before its curve."""

from pipeline.narrate.telling import Telling
from pipeline.story import Paragraph, Section


def load_test(telling: Telling) -> Section:
    """Return what the test is; empty where no visit has enough points for a curve."""
    visits = telling.interpretation.visits
    has_curve = any(visit.load_test(name) for visit in visits for name in ("glucose", "insulin"))
    said = (Paragraph(sentences=(telling.say("client.load_test.about"),)),) if has_curve else ()
    title = telling.language.text("client.sections.load_test")
    return Section(id="load-test", title=title, blocks=said)
