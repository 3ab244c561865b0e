"""Middle floor. Every result of the last visit in plain words, a theme at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from pipeline.language import capitalised
from pipeline.model import Band, Finding, Limit, LimitSet
from pipeline.narrate.client.limits import (
    alarm_in_words,
    beyond_of,
    limits_hold,
    limits_in_words,
    limits_told,
    usual_limits,
)
from pipeline.narrate.client.number_line import number_line, visit_before
from pipeline.narrate.plan import advice_quoted
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import (
    Weight,
    is_within,
    limits_behind,
    outside_of,
    value_of,
    weight_of,
)
from pipeline.story import Block, Mark, Paragraph, Result, Results, Section, Sentence

_ALARMING = {Weight.CRITICAL: "critical", Weight.REFER: "refer"}
_PERCENT = {"hba1c_ngsp": "hba1c"}  # told in brackets behind the other
_OTHER_LIMITS = "pregnancy"  # the limits at hand are not those that hold: none is shown
_Level = Literal["alarm", "outside", "attention", "open", "within"]
_LEVELS: Mapping[str, _Level] = {  # by the first word of a band
    "critical": "alarm",
    "refer": "alarm",
    "outside": "outside",
    "attention": "attention",
    "unit": "open",
    "undetermined": "open",
    "pregnancy": "open",
    "within": "within",
}


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
        yield Results(items=tuple(_result(telling, one) for one in judged))
    unjudged = [one for one in told if one not in judged]
    if unjudged:
        yield Paragraph(sentences=(_unjudged(telling, unjudged),))
    beside = (*_caveats(telling, domain, findings), *_notes(telling, findings))
    if beside:
        yield Paragraph(sentences=beside, style="note")


def _is_told_elsewhere(telling: Telling, finding: Finding) -> bool:
    owner = _PERCENT.get(finding.marker)
    return owner is not None and finding_of(telling.last, owner) is not None


def _result(telling: Telling, finding: Finding) -> Result:
    """Return one result: its value on its line, what it is, what it means, what can be done."""
    language, found = telling.language, _band(telling, finding)
    assert found is not None  # only what is judged comes here
    band, beyond = found
    what = f"client.markers.{finding.marker}"
    return Result(
        marker=finding.marker,
        name=capitalised(_name(telling, finding)),
        value=_value(telling, finding),
        position=language.text(f"client.positions.{band}"),
        level=_level(band),
        line=None if band == _OTHER_LIMITS else number_line(telling, finding),
        marks=(
            *(_limit_marks(telling, finding) if band != _OTHER_LIMITS else ()),
            *_mark_before(telling, finding),
        ),
        sentences=(
            *([telling.say(what)] if language.has(what) else []),
            _meaning(telling, finding, band, beyond),
            *_to_do(telling, finding, band),
        ),
    )


def _level(band: str) -> _Level:
    """Return how heavily a band is shown."""
    return _LEVELS[band.split("_")[0]]


def _meaning(telling: Telling, finding: Finding, band: str, beyond: tuple[Limit, ...]) -> Sentence:
    """Return what a result means, with the limits behind it; of "inside" with all of them."""
    limits = beyond or tuple(limit for _, own in limits_told(telling, finding) for limit in own)
    owner, _ = beyond_of(telling, finding)
    said = telling.say(
        _band_key(telling, finding, band),
        by=tuple(limit.id for limit in limits),
        markers=_markers_told(telling, finding),
        rows=finding.rows,
        limit=alarm_in_words(telling, beyond, finding),
        whose=telling.language.text(f"client.whose.{owner}") if owner else "",
    )
    head = telling.language.text(
        "client.item", marker=_name(telling, finding), value=_value(telling, finding)
    )
    return replace(said, about=head)


def _limit_marks(telling: Telling, finding: Finding) -> Iterator[Mark]:
    """Yield in words the limits that the line of a result shows, a doctor's last."""
    usual, _ = usual_limits(finding)
    keys: dict[str, Literal["target", "guideline"]] = {"target": "target", "guideline": "guideline"}
    for whose, limits in limits_told(telling, finding):
        said = telling.say(
            f"client.limits.{whose}", limits=limits_in_words(telling, limits, finding)
        )
        yield Mark(kind="usual" if whose == usual else keys[whose], sentence=said)
    for limit in finding.limits.get(LimitSet.REFER, ()):
        words = alarm_in_words(telling, (limit,), finding)
        yield Mark(kind="doctor", sentence=telling.say("client.limits.doctor", limits=words))


def _mark_before(telling: Telling, finding: Finding) -> Iterator[Mark]:
    """Yield in words what the value was before, where there is one."""
    before = visit_before(telling, finding.marker)
    if before:
        visit, earlier = before
        value = value_of(telling, visit, earlier)
        said = telling.say("client.limits.before", date=visit.date, value=value)
        yield Mark(kind="before", sentence=said)


def _to_do(telling: Telling, finding: Finding, band: str) -> Iterator[Sentence]:
    """Yield what of the plan answers a result that is not inside its limits."""
    answers = [
        one
        for one in telling.interpretation.plan
        if finding.marker in one.because and not one.withheld_by
    ]
    if answers and _level(band) not in ("open", "within"):
        yield telling.say("client.to_do", items=[advice_quoted(telling, one) for one in answers])


def _band(telling: Telling, finding: Finding) -> tuple[str, tuple[Limit, ...]] | None:
    """Return the name of what a result means, and the limits it lies beyond; None: not judged."""
    weight = weight_of(telling, finding)
    if weight in _ALARMING:
        band = f"{_ALARMING[weight]}_{getattr(finding, _ALARMING[weight])}"
        return band, limits_behind(finding, band)
    if not limits_hold(telling, finding):
        return _OTHER_LIMITS, ()
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
