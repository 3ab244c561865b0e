"""Middle floor. What happened when: events of the case, visits, flags; then what was done."""

from pipeline.model import Event, FlagHistory, Visit
from pipeline.narrate.label import phase_title
from pipeline.narrate.patient import visit_label
from pipeline.narrate.safety import flag_table
from pipeline.narrate.telling import Telling
from pipeline.story import Block, Column, Row, RowGroup, Section, Table

_Entry = tuple[str, str, str]  # ISO date, kind, what happened


def timeline(telling: Telling) -> Section:
    """Return one table in order of time, then every flag with the dates it was raised and ended."""
    blocks: list[Block] = [_time_table(telling)]
    flags = flag_table(telling)
    if flags:
        blocks.append(flags)
    return Section(
        id="timeline", title=telling.language.text("report.sections.timeline"), blocks=tuple(blocks)
    )


def intervention(telling: Telling) -> Section:
    """Return what was done, from the timeline of the case."""
    done = [event for event in _events(telling) if event.kind == "intervention"]
    done.sort(key=lambda event: _in_order(event.when))
    return Section(
        id="intervention",
        title=telling.language.text("report.sections.intervention"),
        blocks=(_done_table(telling, done),) if done else (),
    )


def _time_table(telling: Telling) -> Table:
    language, interpretation = telling.language, telling.interpretation
    entries = [
        *(_event(telling, event) for event in _events(telling)),
        *(_visit(telling, visit) for visit in interpretation.visits),
        *(entry for history in interpretation.flags for entry in _flag(telling, history)),
    ]
    rows = tuple(
        Row(cells=(language.when(when), language.text(f"report.events.{kind}"), what))
        for when, kind, what in sorted(entries, key=lambda entry: _in_order(entry[0]))
    )
    return Table(
        caption=language.text("report.timeline.caption"),
        columns=tuple(
            Column(label=language.text(f"report.timeline.{name}"))
            for name in ("when", "kind", "what")
        ),
        groups=(RowGroup(title="", rows=rows),),
    )


def _events(telling: Telling) -> list[Event]:
    """Return the events of the case up to the reference date."""
    case = telling.interpretation.case
    return [event for event in case.timeline if event.when <= case.as_of.isoformat()]


def _in_order(when: str) -> str:
    """Return a key that puts a month after the days in it, and a year after its months."""
    return f"{when}~"[: len("2023-09-04")]


def _event(telling: Telling, event: Event) -> _Entry:
    return event.when, event.kind, event.text.get(telling.language.code, "")


def _visit(telling: Telling, visit: Visit) -> _Entry:
    what = telling.language.text(
        "report.timeline.visit",
        visit=visit_label(telling, visit),
        n=len(visit.findings),
        phase=phase_title(telling, visit),
    )
    return visit.date.isoformat(), "visit", what


def _flag(telling: Telling, history: FlagHistory) -> list[_Entry]:
    """Return when a flag was raised, each time, and when it no longer held."""
    title = telling.language.text(f"flags.{history.id}.title")
    fields = {"flag": history.id, "title": title}
    raised = telling.language.text("report.timeline.flag_raised", **fields)
    entries = [(day.isoformat(), "flag", raised) for day in history.raised]
    if history.resolved:
        resolved = telling.language.text("report.timeline.flag_resolved", **fields)
        entries.append((history.resolved.isoformat(), "flag", resolved))
    return entries


def _done_table(telling: Telling, done: list[Event]) -> Table:
    language = telling.language
    rows = tuple(
        Row(cells=(language.when(event.when), event.text.get(language.code, ""))) for event in done
    )
    return Table(
        caption=language.text("report.timeline.done"),
        columns=tuple(
            Column(label=language.text(f"report.timeline.{name}")) for name in ("when", "what")
        ),
        groups=(RowGroup(title="", rows=rows),),
    )
