"""Middle floor. Every result of the last visit in plain words, a theme at a time."""

from collections.abc import Iterator

from pipeline.model import Band, Finding
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import (
    Weight,
    crossed,
    is_within,
    limits_behind,
    outside_of,
    value_of,
    weight_of,
)
from pipeline.story import Block, Bullets, Paragraph, Section, Sentence

_ALARMING = {Weight.CRITICAL: "critical", Weight.REFER: "refer"}
_NOTED = ("biotin", "haemolysis", "pregnancy", "acute-illness", "not-fasting", "oestrogen")


def results(telling: Telling) -> Section:
    """Return a part for each theme that has results: what it is, what stands out, what does not."""
    parts = (
        Section(
            id=f"results-{domain}",
            title=telling.language.text(f"report.domains.{domain}"),
            blocks=tuple(_theme(telling, domain, findings)),
        )
        for domain, findings in telling.by_domain(telling.last.findings)
    )
    return Section(
        id="results",
        title=telling.language.text("client.sections.results"),
        subsections=tuple(parts),
    )


def _theme(telling: Telling, domain: str, findings: list[Finding]) -> Iterator[Block]:
    yield Paragraph(sentences=(telling.say(f"client.domains.{domain}"),))
    notable = tuple(said for one in findings for said in _notable(telling, one))
    if notable:
        yield Bullets(items=notable)
    yield from _others(telling, findings)
    beside = (*_caveats(telling, domain, findings), *_notes(telling, findings))
    if beside:
        yield Paragraph(sentences=beside, style="note")


def _notable(telling: Telling, finding: Finding) -> Iterator[Sentence]:
    """Yield what a result that stands out means; nothing for one that does not."""
    band = _band(telling, finding)
    if band is None:
        return
    key, limits, told = band
    yield telling.say(
        f"client.bands.{key}",
        by=limits,
        markers=(finding.marker,),
        rows=finding.rows,
        marker=telling.language.short(finding.marker),
        value=value_of(telling, telling.last, finding),
        limit=told,
    )


def _band(telling: Telling, finding: Finding) -> tuple[str, tuple[str, ...], str] | None:
    """Return the key of what a result means, the ids of its limits, and these as they are told."""
    weight = weight_of(telling, finding)
    if weight in _ALARMING:
        band = f"{_ALARMING[weight]}_{getattr(finding, _ALARMING[weight])}"
        limits = limits_behind(finding, band)
        told = "; ".join(telling.language.beyond(limit) for limit in limits)
        return band, tuple(limit.id for limit in limits), told
    if weight is Weight.OUTSIDE:
        _, side, limits = outside_of(telling, finding)
        return f"outside_{side}", tuple(x.id for x in limits), crossed(telling, finding)
    if weight is Weight.ATTENTION:
        limits = limits_behind(finding, f"functional_{finding.functional}")
        told = "; ".join(telling.language.inside(limit) for limit in limits)
        key = "attention" if finding.laboratory is Band.WITHIN else "attention_only"
        return key, tuple(limit.id for limit in limits), told
    return _open_question(finding)


def _open_question(finding: Finding) -> tuple[str, tuple[str, ...], str] | None:
    if "unit-zone" in finding.notes:
        return "unit_zone", (), ""
    bands = (finding.laboratory, finding.guideline, finding.functional)
    return ("undetermined", (), "") if Band.UNDETERMINED in bands else None


def _others(telling: Telling, findings: list[Finding]) -> Iterator[Block]:
    """Yield the results within their limits, then those without a judgement, as lists."""
    rest = [one for one in findings if _band(telling, one) is None]
    groups = {
        "client.within": [one for one in rest if is_within(one)],
        "client.unjudged": [one for one in rest if not is_within(one)],
    }
    said = tuple(
        telling.say(
            key,
            markers=tuple(one.marker for one in members),
            rows=tuple(row for one in members for row in one.rows),
            items=[_item(telling, one) for one in members],
        )
        for key, members in groups.items()
        if members
    )
    if said:
        yield Paragraph(sentences=said)


def _item(telling: Telling, finding: Finding) -> str:
    name = telling.language.short(finding.marker)
    return telling.language.text(
        "client.item", marker=name, value=value_of(telling, telling.last, finding)
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
            if note in _NOTED:
                touched.setdefault(note, []).append(finding)
    return tuple(
        telling.say(
            f"client.notes.{note}",
            markers=tuple(one.marker for one in members),
            rows=tuple(row for one in members for row in one.rows),
            markers_named=[telling.language.short(one.marker) for one in members],
        )
        for note, members in touched.items()
    )
