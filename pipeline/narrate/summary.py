"""Middle floor. Page one: the last visit, led by what matters, ended by what is not known."""

from pipeline.language import Quantity
from pipeline.model import Band, CrossCheck, Finding, NotAssessable
from pipeline.narrate import context, phase, safety
from pipeline.narrate.reservations import with_reservations
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import (
    Weight,
    crossed,
    finding_sentence,
    is_within,
    outside_of,
    value_of,
    weight_of,
)
from pipeline.story import Block, Bullets, Paragraph, Section, Sentence


def summary(telling: Telling) -> Section:
    """Return page one: open flags, failed checks, phase, findings by weight, what is missing."""
    language = telling.language
    return Section(
        id="summary",
        title=language.text("report.sections.summary"),
        blocks=(
            Paragraph(sentences=(_visit_line(telling),), style="lead"),
            *_flags(telling),
            *_failed_checks(telling),
            with_reservations(telling, telling.last, phase.phase_box(telling, telling.last)),
        ),
        subsections=(
            Section(
                id="summary-findings",
                title=language.text("report.sections.summary_findings"),
                blocks=_findings(telling),
            ),
            Section(
                id="summary-unknown",
                title=language.text("report.sections.summary_unknown"),
                blocks=_unknown(telling),
            ),
        ),
    )


def findings_in_order(telling: Telling) -> dict[Weight, list[Finding]]:
    """Return the findings of the last visit by weight, the heaviest first."""
    found: dict[Weight, list[Finding]] = {weight: [] for weight in Weight}
    for finding in telling.last.findings:
        found[weight_of(telling, finding)].append(finding)
    return found


def check_sentence(telling: Telling, check: CrossCheck) -> Sentence:
    """Return what a comparison of a reported with a computed value came to."""
    marker = telling.rules.markers[check.marker]
    computed = Quantity(value=check.computed, decimals=marker.decimals, unit=marker.unit)
    return telling.say(
        "report.checks.agrees" if check.agrees else "report.checks.failed",
        markers=(check.marker,),
        rows=check.rows,
        marker=telling.language.short(check.marker),
        reported=Quantity.exact(check.reported, marker.unit),
        computed=computed,
        date=check.date,
    )


def _visit_line(telling: Telling) -> Sentence:
    last = telling.last
    return telling.say(
        "report.summary.about", date=last.date, as_of=telling.interpretation.case.as_of
    )


def _flags(telling: Telling) -> tuple[Block, ...]:
    boxes = safety.open_flags(telling)
    return boxes or (Paragraph(sentences=(telling.say("flags.none_open"),)),)


def _failed_checks(telling: Telling) -> tuple[Block, ...]:
    failed = [check for check in telling.interpretation.checks if not check.agrees]
    lines = tuple(check_sentence(telling, check) for check in failed)
    return (Paragraph(sentences=lines, style="lead"),) if lines else ()


def _findings(telling: Telling) -> tuple[Block, ...]:
    """Return critical and referral findings one by one, the rest by domain, then targets."""
    found = findings_in_order(telling)
    items = (
        *(_alone(telling, finding, "critical") for finding in found[Weight.CRITICAL]),
        *(_alone(telling, finding, "refer") for finding in found[Weight.REFER]),
        *_outside(telling, tuple(found[Weight.OUTSIDE])),
        *(_attention(telling, finding) for finding in found[Weight.ATTENTION]),
        *_unit_zone(telling),
    )
    rest = _rest(telling, found[Weight.NONE])
    blocks = (
        Bullets(items=items) if items else None,
        Paragraph(sentences=rest, style="note") if rest else None,
    )
    return tuple(block for block in blocks if block)


def _rest(telling: Telling, findings: list[Finding]) -> tuple[Sentence, ...]:
    """Return how many other results lie within their limits, and how many have no judgement."""
    others = [finding for finding in findings if "unit-zone" not in finding.notes]
    within = sum(is_within(finding) for finding in others)
    counts = {"within": within, "unjudged": len(others) - within}
    return tuple(
        Sentence(
            text=telling.language.count(
                f"report.summary.{name}", n, total=len(telling.last.findings)
            ),
            key=f"report.summary.{name}",
        )
        for name, n in counts.items()
        if n
    )


def _alone(telling: Telling, finding: Finding, set: str) -> Sentence:
    side = finding.critical if set == "critical" else finding.refer
    return finding_sentence(telling, telling.last, finding, f"{set}_{side}")


def _attention(telling: Telling, finding: Finding) -> Sentence:
    inside = "_inside" if finding.laboratory is Band.WITHIN else ""
    return finding_sentence(
        telling, telling.last, finding, f"functional{inside}_{finding.functional}"
    )


def _outside(telling: Telling, findings: tuple[Finding, ...]) -> list[Sentence]:
    """Return one sentence a domain and side, with each value and the limit it lies beyond."""
    sentences = []
    for domain, members in telling.by_domain(findings):
        for side in (Band.HIGH, Band.LOW):
            beyond = [one for one in members if outside_of(telling, one)[1] is side]
            if beyond:
                sentences.append(_domain_sentence(telling, domain, side, beyond))
    return sentences


def _domain_sentence(
    telling: Telling, domain: str, side: Band, findings: list[Finding]
) -> Sentence:
    return telling.say(
        f"findings.outside_{side}.clinician",
        by=tuple(limit.id for one in findings for limit in outside_of(telling, one)[2]),
        markers=tuple(finding.marker for finding in findings),
        rows=tuple(row for finding in findings for row in finding.rows),
        domain=telling.language.text(f"report.domains.{domain}"),
        items=[_item(telling, finding) for finding in findings],
    )


def _item(telling: Telling, finding: Finding) -> str:
    return telling.language.text(
        "findings.item",
        marker=telling.language.short(finding.marker),
        value=value_of(telling, telling.last, finding),
        limit=crossed(telling, finding),
    )


def _unit_zone(telling: Telling) -> list[Sentence]:
    zoned = [finding for finding in telling.last.findings if "unit-zone" in finding.notes]
    return [finding_sentence(telling, telling.last, finding, "unit_zone") for finding in zoned]


# -- what is not known


def _unknown(telling: Telling) -> tuple[Block, ...]:
    sentences = (
        phase.missing_for_phase(telling, telling.last),
        _undetermined(telling),
        _not_computed(telling),
        *(_not_assessable(telling, one) for one in telling.last.not_assessable),
        _not_stated(telling),
        _set_aside(telling),
    )
    items = tuple(sentence for sentence in sentences if sentence)
    return (Bullets(items=items),) if items else ()


def _undetermined(telling: Telling) -> Sentence | None:
    """Return the values whose comparator straddles a limit."""
    unsure = [
        finding
        for finding in telling.last.findings
        if Band.UNDETERMINED in (finding.laboratory, finding.guideline, finding.functional)
        and "unit-zone" not in finding.notes
    ]
    if not unsure:
        return None
    items = [telling.language.short(finding.marker) for finding in unsure]
    return telling.say(
        "report.summary.undetermined",
        markers=tuple(finding.marker for finding in unsure),
        items=items,
    )


def _not_computed(telling: Telling) -> Sentence | None:
    """Return the computed markers without a value; their reasons stand in the diagnostics."""
    absent = telling.last.not_computed
    if not absent:
        return None
    return telling.say_of("report.summary.not_computed", (one.marker for one in absent))


def _not_assessable(telling: Telling, flag: NotAssessable) -> Sentence:
    """Return that a flag, or a part of it, cannot be assessed, and what that would take."""
    language, key = telling.language, "report.summary.not_assessable"
    title = language.text(f"flags.{flag.id}.title")
    said = [language.text(f"{key}.{_extent(flag)}", flag=flag.id, title=title)]
    for why, ids in (("missing", flag.missing), ("bounded", flag.bounded)):
        if ids:
            said.append(
                language.text(f"{key}.{why}", items=[context.named(telling, id) for id in ids])
            )
    return Sentence(text=" ".join(said), key=key, rules=(flag.id,))


def _extent(flag: NotAssessable) -> str:
    return "partly" if flag.raised else "wholly"


def _not_stated(telling: Telling) -> Sentence | None:
    items = context.unknown(telling, telling.last)
    return telling.say("report.summary.not_stated", items=items) if items else None


def _set_aside(telling: Telling) -> Sentence | None:
    rows = tuple(one.row for one in telling.interpretation.case.set_aside)
    if not rows:
        return None
    text = telling.language.count("report.summary.set_aside", len(rows))
    return Sentence(text=text, key="report.summary.set_aside", rows=rows)
