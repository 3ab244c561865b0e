"""Middle floor. Every visit in full: all markers in one table, the phase decision, the gaps."""

from pipeline.model import Finding, Visit
from pipeline.narrate import context, phase, safety
from pipeline.narrate.changes import change_in_figures, change_legend, change_of
from pipeline.narrate.classifications import classifications
from pipeline.narrate.crossing import limits_beyond
from pipeline.narrate.network import network
from pipeline.narrate.patient import visit_label
from pipeline.narrate.reservations import reservation_list
from pipeline.narrate.summary import check_sentence
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import (
    Weight,
    guidelines_of,
    interval_of,
    marks_of,
    number_of,
    targets_of,
    weight_of,
)
from pipeline.rules.formulas import COMPUTED
from pipeline.story import Block, Bullets, Column, Row, RowGroup, Section, Sentence, Table

_COLUMNS = (
    ("marker", "text"),
    ("result", "number"),
    ("flag", "flag"),
    ("unit", "text"),
    ("laboratory", "text"),
    ("guideline", "text"),
    ("target", "text"),
    ("previous", "text"),
    ("change", "text"),
)
_OF_BEFORE = 2  # the last columns
_EMPHASIS = {
    Weight.CRITICAL: "critical",
    Weight.REFER: "outside",
    Weight.OUTSIDE: "outside",
    Weight.ATTENTION: "attention",
    Weight.NONE: "",
}


def diagnostics(telling: Telling) -> Section:
    """Return a part for each visit, the last one first."""
    visits = reversed(telling.interpretation.visits)
    return Section(
        id="diagnostics",
        title=telling.language.text("report.sections.diagnostics"),
        subsections=tuple(_visit(telling, visit) for visit in visits),
    )


def _visit(telling: Telling, visit: Visit) -> Section:
    parts = {"phase": _reasoning(telling, visit), "gaps": _gaps(telling, visit)}
    day = visit.date.isoformat()
    return Section(
        id=f"diagnostics-{day}",
        title=visit_label(telling, visit),
        blocks=(_marker_table(telling, visit),),
        subsections=tuple(
            Section(
                id=f"{name}-{day}",
                title=telling.language.text(f"report.sections.{name}"),
                blocks=tuple(block for block in blocks if block),
            )
            for name, blocks in parts.items()
        ),
    )


def _reasoning(telling: Telling, visit: Visit) -> tuple[Block | None, ...]:
    return (
        phase.phase_facts(telling, visit),
        phase.phase_inputs(telling, visit),
        phase.signal_table(telling, visit),
        *classifications(telling, visit),
        network(telling, visit),
    )


def _gaps(telling: Telling, visit: Visit) -> tuple[Block | None, ...]:
    flags = safety.flags_at(telling, visit)
    return (
        Bullets(items=flags) if flags else None,
        reservation_list(telling, visit),
        _checks(telling, visit),
        _notes(telling, visit),
        _matsuda(telling, visit),
        _not_computed(telling, visit),
    )


# -- the table of markers


def _marker_table(telling: Telling, visit: Visit) -> Table:
    language = telling.language
    changes = (change_of(telling, one.marker, visit, "previous") for one in visit.findings)
    return Table(
        caption=language.text("report.marker_table.caption", visit=visit_label(telling, visit)),
        columns=tuple(
            Column(label=language.text(f"report.columns.{name}"), kind=kind)  # type: ignore[arg-type]
            for name, kind in _columns(telling, visit)
        ),
        groups=_groups(telling, visit),
        note=change_legend(telling, "report.marker_table.legend", changes),
        dense=True,
    )


def _groups(telling: Telling, visit: Visit) -> tuple[RowGroup, ...]:
    """Return the critical results, then all others by domain."""
    text = telling.language.text
    weighed = [(weight_of(telling, finding), finding) for finding in visit.findings]
    critical = tuple(finding for weight, finding in weighed if weight is Weight.CRITICAL)
    others = tuple(finding for weight, finding in weighed if weight is not Weight.CRITICAL)
    titled = [
        *([(text("report.marker_table.critical"), critical)] if critical else []),
        *((text(f"report.domains.{domain}"), of) for domain, of in telling.by_domain(others)),
    ]
    return tuple(
        RowGroup(title=title, rows=tuple(_row(telling, visit, finding) for finding in findings))
        for title, findings in titled
    )


def _columns(telling: Telling, visit: Visit) -> tuple[tuple[str, str], ...]:
    """Return the columns of a visit: of the first one nothing is previous."""
    is_first = visit.date == telling.interpretation.visits[0].date
    return _COLUMNS[:-_OF_BEFORE] if is_first else _COLUMNS


def _row(telling: Telling, visit: Visit, finding: Finding) -> Row:
    change = change_of(telling, finding.marker, visit, "previous")
    cells = (
        telling.language.marker(finding.marker),
        number_of(telling, finding),
        marks_of(telling, finding),
        telling.language.unit(finding.unit),
        interval_of(telling, finding),
        guidelines_of(telling, finding),
        targets_of(telling, finding),
        _previous(telling, visit, finding),
        change_in_figures(telling, change),
    )
    return Row(
        cells=cells[: len(_columns(telling, visit))],
        emphasis=_EMPHASIS[weight_of(telling, finding)],  # type: ignore[arg-type]
        rules=tuple(limit.id for limit in limits_beyond(finding)),
        markers=(finding.marker,),
        rows=finding.rows,
    )


def _previous(telling: Telling, visit: Visit, finding: Finding) -> str:
    """Return the last earlier value with its date."""
    earlier = [one for one in telling.interpretation.visits if one.date < visit.date]
    for before in reversed(earlier):
        found = finding_of(before, finding.marker)
        if found:
            return f"{number_of(telling, found)} ({telling.language.short_date(before.date)})"
    return ""


# -- what lies behind


def _checks(telling: Telling, visit: Visit) -> Bullets | None:
    checks = [check for check in telling.interpretation.checks if check.date == visit.date]
    items = tuple(check_sentence(telling, check) for check in checks)
    return Bullets(items=items) if items else None


def _notes(telling: Telling, visit: Visit) -> Bullets | None:
    """Return one sentence for each note, with the markers it holds for."""
    noted: dict[str, list[Finding]] = {}
    for finding in visit.findings:
        for note in finding.notes:
            noted.setdefault(note, []).append(finding)
    items = tuple(_note(telling, note, findings) for note, findings in sorted(noted.items()))
    return Bullets(items=items) if items else None


def _note(telling: Telling, note: str, findings: list[Finding]) -> Sentence:
    return telling.say(
        f"findings.notes.{note}",
        markers=tuple(finding.marker for finding in findings),
        rows=tuple(row for finding in findings for row in finding.rows),
        markers_named=[telling.language.short(finding.marker) for finding in findings],
    )


def _matsuda(telling: Telling, visit: Visit) -> Bullets | None:
    """Return the time points that the Matsuda index rests on: those with glucose and insulin."""
    found = finding_of(visit, "matsuda")
    if found is None:
        return None
    needed = COMPUTED["matsuda"].analytes
    pairs = [(x, x.replace("glucose", "insulin")) for x in needed if x.startswith("glucose")]
    used = [pair[0] for pair in pairs if all(finding_of(visit, name) for name in pair)]
    named = [telling.language.short(marker) for marker in used]
    told = telling.say(
        "report.diagnostics.matsuda",
        markers=("matsuda", *used),
        rows=found.rows,
        markers_named=named,
    )
    return Bullets(items=(told,))


def _not_computed(telling: Telling, visit: Visit) -> Block | None:
    """Return the computed markers without a value, each with the reason and what it lacked."""
    language = telling.language
    if not visit.not_computed:
        return None
    rows = tuple(
        Row(
            cells=(
                language.marker(one.marker),
                language.text(f"reasons.not_computed.{one.reason}"),
                language.listing(context.named(telling, id) for id in one.missing),
            ),
            markers=(one.marker,),
        )
        for one in visit.not_computed
    )
    columns = ("marker", "reason", "missing")
    return Table(
        caption=language.text("report.diagnostics.not_computed"),
        columns=tuple(Column(label=language.text(f"report.columns.{name}")) for name in columns),
        groups=(RowGroup(title="", rows=rows),),
    )
