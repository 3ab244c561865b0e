"""Middle floor. What changed since the first and the previous visit, and whether it is real."""

import datetime as dt
from collections.abc import Iterable

from pipeline.model import Change, Visit
from pipeline.narrate.changes import (
    Direction,
    change_in_figures,
    change_legend,
    change_of,
    direction_of,
    of_body,
    percent_of,
    since_first,
)
from pipeline.narrate.grounds import VARIATION
from pipeline.narrate.label import phase_title
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import number_of, value_of
from pipeline.story import (
    Block,
    Bullets,
    Column,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Table,
)

_COLUMNS = 4  # visits side by side


def outcome(telling: Telling) -> Section:
    """Return the changes of the last visit: in words since the first, in figures since both."""
    several = len(telling.interpretation.visits) > 1
    return Section(
        id="outcome",
        title=telling.language.text("report.sections.outcome"),
        blocks=_blocks(telling) if several else (),
    )


def _blocks(telling: Telling) -> tuple[Block, ...]:
    told = telling.told("outcome")
    intro = Paragraph(sentences=(Sentence(text=told, key="told.outcome"),)) if told else None
    changes = since_first(telling)
    items = (
        _phase(telling),
        *_clearly(telling, changes, "fell"),
        *_clearly(telling, changes, "rose"),
        *_within(telling, changes),
        *_body(telling, changes),
    )
    table = _table(telling, changes) if changes else None
    blocks = (intro, Bullets(items=items), table)
    return tuple(block for block in blocks if block)


# -- in words


def _phase(telling: Telling) -> Sentence:
    first, last = telling.interpretation.visits[0], telling.last
    return telling.say(
        "report.outcome.phase",
        by=(first.phase.rule, last.phase.rule),
        first=phase_title(telling, first),
        first_date=first.date,
        last=phase_title(telling, last),
        last_date=last.date,
    )


def _clearly(telling: Telling, changes: tuple[Change, ...], direction: Direction) -> list[Sentence]:
    """Return one sentence a domain, with each marker that clearly fell or rose."""
    chosen = {change.marker: change for change in changes if direction_of(change) == direction}
    findings = tuple(one for one in telling.last.findings if one.marker in chosen)
    return [
        sentence
        for domain, members in telling.by_domain(findings)
        for sentence in _sentences(
            telling,
            f"report.outcome.{direction}",
            [chosen[member.marker] for member in members],
            domain=telling.language.text(f"report.domains.{domain}"),
        )
    ]


def _within(telling: Telling, changes: tuple[Change, ...]) -> list[Sentence]:
    chosen = [change for change in changes if direction_of(change) == "within"]
    return _sentences(telling, "report.outcome.within", chosen)


def _body(telling: Telling, changes: tuple[Change, ...]) -> list[Sentence]:
    """Return weight, waist and their like, which have no known variation, as plain differences."""
    return _sentences(telling, "report.outcome.body", of_body(telling, changes))


def _sentences(
    telling: Telling, key: str, changes: list[Change], domain: str = ""
) -> list[Sentence]:
    """Return one sentence for each date that changes are counted from, the earliest first."""
    by_start: dict[dt.date, list[Change]] = {}
    for change in sorted(changes, key=lambda change: change.start):
        by_start.setdefault(change.start, []).append(change)
    return [
        telling.say(
            key,
            by=() if key.endswith(".body") else (VARIATION,),
            markers=tuple(change.marker for change in group),
            rows=tuple(row for change in group for row in _rows(telling, change)),
            date=start,
            items=[_item(telling, change) for change in group],
            domain=domain,
        )
        for start, group in by_start.items()
    ]


def _rows(telling: Telling, change: Change) -> tuple[str, ...]:
    """Return the rows of both values of a change."""
    visits = (telling.visit(change.start), telling.visit(change.end))
    found = (finding_of(visit, change.marker) for visit in visits)
    return tuple(row for finding in found if finding for row in finding.rows)


def _item(telling: Telling, change: Change) -> str:
    """Return one change: "ALAT van 62 U/L naar 22 U/L (−65 %)"."""
    visits = (telling.visit(change.start), telling.visit(change.end))
    start, end = (
        value_of(telling, visit, finding)
        for visit in visits
        if (finding := finding_of(visit, change.marker))
    )
    return telling.language.text(
        "report.outcome.item",
        marker=telling.language.short(change.marker),
        start=start,
        end=end,
        percent=percent_of(telling, change),
    )


# -- in figures


def _table(telling: Telling, changes: tuple[Change, ...]) -> Table:
    language, visits = telling.language, _shown(telling)
    texts = ("marker", "unit")
    figures = [language.short_date(visit.date) for visit in visits]
    against = (one for change in changes for one in _against(telling, change))
    return Table(
        caption=language.text("report.outcome.caption"),
        columns=(
            *(Column(label=language.text(f"report.columns.{name}")) for name in texts),
            *(Column(label=label, kind="number") for label in figures),
            *(Column(label=label) for label in _comparisons(telling)),
        ),
        groups=tuple(_groups(telling, changes)),
        note=change_legend(telling, "report.outcome.legend", against),
        dense=True,
    )


def _shown(telling: Telling) -> tuple[Visit, ...]:
    """Return the first visit and the last three, as many as fit the width of a page."""
    visits = telling.interpretation.visits
    return visits if len(visits) <= _COLUMNS else (visits[0], *visits[-_COLUMNS + 1 :])


def _comparisons(telling: Telling) -> list[str]:
    names = ["since_first", "since_previous"][: len(telling.interpretation.visits) - 1]
    return [telling.language.text(f"report.columns.{name}") for name in names]


def _groups(telling: Telling, changes: tuple[Change, ...]) -> Iterable[RowGroup]:
    by_marker = {change.marker: change for change in changes}
    findings = tuple(one for one in telling.last.findings if one.marker in by_marker)
    for domain, members in telling.by_domain(findings):
        rows = tuple(_row(telling, by_marker[member.marker]) for member in members)
        yield RowGroup(title=telling.language.text(f"report.domains.{domain}"), rows=rows)


def _row(telling: Telling, change: Change) -> Row:
    language = telling.language
    found = [finding_of(visit, change.marker) for visit in _shown(telling)]
    unit = language.unit(telling.rules.markers[change.marker].unit)
    return Row(
        cells=(
            language.marker(change.marker),
            unit,
            *(number_of(telling, finding) if finding else "–" for finding in found),
            *(change_in_figures(telling, one) for one in _against(telling, change)),
        ),
        markers=(change.marker,),
        rows=tuple(row for finding in found if finding for row in finding.rows),
    )


def _against(telling: Telling, change: Change) -> list[Change]:
    """Return the change since the first visit and, of more than two visits, since the previous."""
    if len(telling.interpretation.visits) == 2:
        return [change]
    return [change, change_of(telling, change.marker, telling.last, "previous") or change]
