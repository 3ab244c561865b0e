"""Middle floor. Page one for the client: what needs a doctor, what results say, what is next."""

from collections.abc import Iterator

from pipeline.model import Finding, OpenFlag, Urgency
from pipeline.narrate.changes import change_of, direction_of
from pipeline.narrate.client.changes import course_of
from pipeline.narrate.client.flags import open_flags
from pipeline.narrate.client.lacking import measurements
from pipeline.narrate.client.plan import first_steps
from pipeline.narrate.client.road import road
from pipeline.narrate.grounds import VARIATION
from pipeline.narrate.label import phase_key
from pipeline.narrate.patient import masthead
from pipeline.narrate.plan import advice_quoted
from pipeline.narrate.reservations import client_reservations
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, weight_of
from pipeline.story import Block, Callout, Facts, Paragraph, Section, Sentence

_FIRST = 3  # pieces of advice on page one
_LACKING = ("missing_insulin", "insufficient_data")  # only for want of what was not measured


def client_title(telling: Telling) -> str:
    """Return the title of the report."""
    return telling.language.text("client.title")


def client_facts(telling: Telling) -> Facts:
    """Return what the head of the report says, in plain words."""
    return masthead(telling, "client.facts")


def summary(telling: Telling) -> Section:
    """Return the open flags with how soon, the phase, what clearly changed, and what is next."""
    about = telling.say(
        "client.about", date=telling.last.date, as_of=telling.interpretation.case.as_of
    )
    blocks: tuple[Block, ...] = (
        Paragraph(sentences=(about, *_first_words(telling)), style="lead"),
        *open_flags(telling),
        *_besides_flags(telling),
        _phase(telling),
        *road(telling),
        Paragraph(sentences=(*_lately(telling), *_next(telling))),
        Paragraph(sentences=(telling.say("client.not_diagnosis"),), style="note"),
    )
    title = telling.language.text("client.sections.summary")
    return Section(id="summary", title=title, blocks=blocks)


def _first_words(telling: Telling) -> list[Sentence]:
    """Return what leads: flags for a doctor, results for a doctor, or that there are none."""
    if _flags_for_a_doctor(telling):
        return [telling.say("client.flags_first")]
    found = _for_a_doctor(telling)
    return [
        _named(telling, "client.results_first", found) if found else telling.say("client.no_flags")
    ]


def _besides_flags(telling: Telling) -> tuple[Paragraph, ...]:
    """Return the results for a doctor that no open flag rests on; without a flag they lead."""
    flags = [flag for one in _flags_for_a_doctor(telling) for _, flag in one.bases]
    told = {marker for flag in flags for marker in flag.evidence}
    found = [one for one in _for_a_doctor(telling) if one.marker not in told]
    if not found or not flags:
        return ()
    return (Paragraph(sentences=(_named(telling, "client.results_also", found),)),)


def _named(telling: Telling, key: str, found: list[Finding]) -> Sentence:
    rows = tuple(row for one in found for row in one.rows)
    return telling.say_of(key, (one.marker for one in found), rows=rows)


def _flags_for_a_doctor(telling: Telling) -> list[OpenFlag]:
    """Return the open flags that need a doctor: a banner only tells."""
    flags = telling.interpretation.open_flags
    return [flag for flag in flags if flag.urgency is not Urgency.BANNER]


def _for_a_doctor(telling: Telling) -> list[Finding]:
    """Return the results from which on a doctor looks, whether they raise a flag or not."""
    findings = telling.last.findings
    return [one for one in findings if weight_of(telling, one) <= Weight.REFER]


def _phase(telling: Telling) -> Callout:
    language, phase = telling.language, telling.last.phase
    certainty = ""
    if phase.confidence:
        confidence = language.text(f"client.confidence.{phase.confidence}")
        certainty = language.text("client.certainty", confidence=confidence)
    return Callout(
        level="phase",
        title=language.text("client.phase_title"),
        label=certainty,
        sentences=(
            *_phase_sentences(telling),
            *client_reservations(telling, (telling.last,), "phase"),
        ),
        id=phase.id,
    )


def _phase_sentences(telling: Telling) -> Iterator[Sentence]:
    """Yield the phase in words; where only a measurement lacks also which."""
    phase, key = telling.last.phase, phase_key(telling, telling.last)
    yield telling.say(f"client.phases.{key}", by=(phase.rule,))
    if key in _LACKING and (items := measurements(telling, phase.missing)):
        yield telling.say("client.missing", by=(phase.rule,), items=items)


def _lately(telling: Telling) -> Iterator[Sentence]:
    """Yield which markers clearly went better or worse since last time."""
    found = (
        change_of(telling, marker, telling.last, "previous") for marker in telling.rules.markers
    )
    clearly = [one for one in found if one and direction_of(one) in ("fell", "rose")]
    for course in ("worse", "better"):
        markers = tuple(one.marker for one in clearly if course_of(telling, one) == course)
        if markers:
            yield telling.say_of(f"client.{course}_lately", markers, by=(VARIATION,))


def _next(telling: Telling) -> Iterator[Sentence]:
    """Yield what comes next: a doctor, or the plan with what stands first in it."""
    if _flags_for_a_doctor(telling) or _for_a_doctor(telling):
        yield telling.say("client.next_doctor")
        return
    yield telling.say("client.next_plan")
    first = first_steps(telling, _FIRST)
    if first:
        by = tuple(item.id for item in first)
        items = [advice_quoted(telling, item) for item in first]
        yield telling.say("client.first_steps", by=by, items=items)
