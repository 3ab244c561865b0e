"""Middle floor. What the values mean and do not mean; then the patient's view and consent."""

from pipeline.model import Band, Finding
from pipeline.narrate.differences import differences
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, weight_of
from pipeline.story import Bullets, Paragraph, Section, Sentence

_NAMED = (Band.HIGH, Band.LOW)


def discussion(telling: Telling) -> Section:
    """Return what the case itself discusses, then the remarks its markers call for, once each.

    A remark belongs to markers that were raised at some visit; a caveat tells what a marker can
    bear at all, wherever it was measured. Where target and guideline differ is a table of its own.
    """
    told = telling.told("discussion")
    own = (Paragraph(sentences=(Sentence(text=told, key="told.discussion"),)),) if told else ()
    remarks = _remarks(telling)
    return Section(
        id="discussion",
        title=telling.language.text("report.sections.discussion"),
        blocks=(*own, *((Bullets(items=remarks),) if remarks else ())),
        subsections=(differences(telling),),
    )


def perspective(telling: Telling) -> Section:
    """Return the patient's own view, only where the case holds it."""
    told = telling.told("perspective")
    sentences = (Sentence(text=told, key="told.perspective"),)
    return Section(
        id="perspective",
        title=telling.language.text("report.sections.perspective"),
        blocks=(Paragraph(sentences=sentences),) if told else (),
    )


def consent(telling: Telling) -> Section:
    """Return whether the person agreed and when; without consent the report stays in the house."""
    return Section(
        id="consent",
        title=telling.language.text("report.sections.consent"),
        blocks=(Paragraph(sentences=(_consent(telling),)),),
    )


def _consent(telling: Telling) -> Sentence:
    consent = telling.interpretation.case.consent
    if consent is None or not consent.given:
        return telling.say("report.consent.absent")
    if consent.date is None:
        return telling.say("report.consent.given_undated")
    return telling.say("report.consent.given", date=consent.date)


def _remarks(telling: Telling) -> tuple[Sentence, ...]:
    """Return the remarks in the order of the markers; a domain speaks once for all of its own."""
    seen = [finding for visit in telling.interpretation.visits for finding in visit.findings]
    raised = {finding.marker for finding in seen if _is_raised(telling, finding)}
    keys: dict[str, list[str]] = {}
    for marker in telling.rules.markers.values():
        measured = any(finding.marker == marker.id for finding in seen)
        for owner in (marker.id, marker.domain):
            for kind, holds in (("remarks", marker.id in raised), ("caveats", measured)):
                if holds and telling.language.has(f"findings.{kind}.{owner}"):
                    keys.setdefault(f"findings.{kind}.{owner}", []).append(marker.id)
    return tuple(telling.say(key, markers=tuple(markers)) for key, markers in keys.items())


def _is_raised(telling: Telling, finding: Finding) -> bool:
    heavy = weight_of(telling, finding) is not Weight.NONE
    return heavy or finding.functional in _NAMED or "unit-zone" in finding.notes
