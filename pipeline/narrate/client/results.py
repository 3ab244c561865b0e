"""Middle floor. Every result of the last visit in plain words, a theme at a time."""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.model import Band, Finding, Limit
from pipeline.narrate.client.limits import alarm_in_words, limits_in_words, limits_told
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import (
    Weight,
    is_within,
    limits_behind,
    outside_of,
    value_of,
    weight_of,
)
from pipeline.story import Block, Bullets, Paragraph, Section, Sentence

_ALARMING = {Weight.CRITICAL: "critical", Weight.REFER: "refer"}
_PERCENT = {"hba1c_ngsp": "hba1c"}  # told in brackets behind the other


def results(telling: Telling) -> Section:
    """Return a part for each theme that has results: what it is, what it means, a result each."""
    parts = (
        Section(
            id=f"results-{domain}",
            title=telling.language.text(f"client.themes.{domain}"),
            blocks=tuple(_theme(telling, domain, findings)),
        )
        for domain, findings in telling.by_domain(telling.last.findings)
    )
    return Section(
        id="results",
        title=telling.language.text("client.sections.results"),
        blocks=(Paragraph(sentences=(telling.say("client.reading"),)),),
        subsections=tuple(parts),
    )


def _theme(telling: Telling, domain: str, findings: list[Finding]) -> Iterator[Block]:
    """Yield what a theme is about, its judged results, the worst first, and what goes with them."""
    yield Paragraph(sentences=(telling.say(f"client.domains.{domain}"),))
    told = [one for one in findings if not _is_told_elsewhere(telling, one)]
    judged = [one for one in told if _band(telling, one)]
    judged.sort(key=lambda one: weight_of(telling, one))
    if judged:
        yield Bullets(items=tuple(_result(telling, one) for one in judged))
    unjudged = [one for one in told if one not in judged]
    if unjudged:
        yield Paragraph(sentences=(_unjudged(telling, unjudged),))
    beside = (*_caveats(telling, domain, findings), *_notes(telling, findings))
    if beside:
        yield Paragraph(sentences=beside, style="note")


def _is_told_elsewhere(telling: Telling, finding: Finding) -> bool:
    owner = _PERCENT.get(finding.marker)
    return owner is not None and finding_of(telling.last, owner) is not None


def _result(telling: Telling, finding: Finding) -> Sentence:
    """Return one result: its value, what it is, the limits it was held against, what it means."""
    language, found = telling.language, _band(telling, finding)
    assert found is not None  # only what is judged comes here
    band, beyond = found
    told = tuple(limits_told(telling, finding))
    limits = beyond or tuple(limit for _, own in told for limit in own)
    meaning = telling.say(
        _band_key(telling, finding, band),
        by=tuple(limit.id for limit in limits),
        markers=_markers_told(telling, finding),
        rows=finding.rows,
        limit=alarm_in_words(telling, beyond),
    )
    what = f"client.markers.{finding.marker}"
    parts = (
        language.text(
            "client.head", marker=_name(telling, finding), value=_value(telling, finding)
        ),
        language.text(what) if language.has(what) else "",
        *(limits_in_words(telling, whose, own) for whose, own in told),
        meaning.text,
    )
    return replace(meaning, text=" ".join(part for part in parts if part))


def _band(telling: Telling, finding: Finding) -> tuple[str, tuple[Limit, ...]] | None:
    """Return the name of what a result means, and the limits it lies beyond; None: not judged."""
    weight = weight_of(telling, finding)
    if weight in _ALARMING:
        band = f"{_ALARMING[weight]}_{getattr(finding, _ALARMING[weight])}"
        return band, limits_behind(finding, band)
    if weight is Weight.OUTSIDE:
        _, side, limits = outside_of(telling, finding)
        return f"outside_{side}", limits
    if weight is Weight.ATTENTION:
        band = "attention" if finding.laboratory is Band.WITHIN else "attention_only"
        return band, limits_behind(finding, f"functional_{finding.functional}")
    return _open_question(finding) or (("within", ()) if is_within(finding) else None)


def _open_question(finding: Finding) -> tuple[str, tuple[Limit, ...]] | None:
    if "unit-zone" in finding.notes:
        return "unit_zone", ()
    bands = (finding.laboratory, finding.guideline, finding.functional)
    return ("undetermined", ()) if Band.UNDETERMINED in bands else None


def _band_key(telling: Telling, finding: Finding, band: str) -> str:
    """Return the key of the most particular text for a band: of the marker, its theme, or all."""
    owners = (finding.marker, telling.rules.markers[finding.marker].domain)
    keys = (f"client.bands.{owner}.{band}" for owner in owners)
    return next((key for key in keys if telling.language.has(key)), f"client.bands.{band}")


def _markers_told(telling: Telling, finding: Finding) -> tuple[str, ...]:
    beside = (
        one
        for one, owner in _PERCENT.items()
        if owner == finding.marker and finding_of(telling.last, one)
    )
    return (finding.marker, *beside)


def _unjudged(telling: Telling, findings: list[Finding]) -> Sentence:
    return telling.say(
        "client.unjudged",
        markers=tuple(marker for one in findings for marker in _markers_told(telling, one)),
        rows=tuple(row for one in findings for row in one.rows),
        items=[
            telling.language.text(
                "client.item", marker=_name(telling, one), value=_value(telling, one)
            )
            for one in findings
        ],
    )


def _caveats(telling: Telling, domain: str, findings: list[Finding]) -> tuple[Sentence, ...]:
    """Return what a marker, or all of its theme, can bear at all."""
    owners = [*(one.marker for one in findings), domain]
    keys = (f"client.caveats.{owner}" for owner in owners)
    return tuple(telling.say(key) for key in keys if telling.language.has(key))


def _notes(telling: Telling, findings: list[Finding]) -> tuple[Sentence, ...]:
    """Return what was the matter with samples, once each, with the results it touches."""
    touched: dict[str, list[Finding]] = {}
    for finding in findings:
        for note in finding.notes:
            if telling.language.has(f"client.notes.{note}"):
                touched.setdefault(note, []).append(finding)
    return tuple(
        telling.say(
            f"client.notes.{note}",
            markers=tuple(one.marker for one in members),
            rows=tuple(row for one in members for row in one.rows),
            markers_named=[_name(telling, one) for one in members],
        )
        for note, members in touched.items()
    )


def _name(telling: Telling, finding: Finding) -> str:
    return telling.language.short(finding.marker)


def _value(telling: Telling, finding: Finding) -> str:
    return value_of(telling, telling.last, finding)
