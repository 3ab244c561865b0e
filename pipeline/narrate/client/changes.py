"""Middle floor. What changed since the first visit, for the client: only what is real."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Literal

from pipeline.language import capitalised
from pipeline.model import Band, Change, Finding, Visit
from pipeline.narrate.changes import direction_of, is_of_body, of_body, since_first
from pipeline.narrate.grounds import VARIATION
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import BEYOND, Weight, value_of, weight_of
from pipeline.story import Block, Column, Paragraph, Row, RowGroup, Section, Sentence, Table

Course = Literal["better", "worse", "other"]
_GROUPS = ("worse", "better", "other", "body")


def changes(telling: Telling) -> Section:
    """Return what clearly went better or worse since the first visit, and body measures."""
    title = telling.language.text("client.sections.changes")
    return Section(id="changes", title=title, blocks=_blocks(telling))


def course_of(telling: Telling, change: Change) -> Course:
    """Return whether a real change led towards the limits or away from them; else "other".

    A result that weighs less than before went better. Of two that weigh the same it went better
    that moved towards the limit it lies beyond; inside all limits nothing is better or worse.
    """
    (_, start), (_, end) = _ends(telling, change)
    before, after = weight_of(telling, start), weight_of(telling, end)
    if before != after:
        return "better" if after > before else "worse"
    side = _side(end)
    if after is Weight.NONE or side is None or side is not _side(start):
        return "other"
    fell = change.end_value < change.start_value
    return "better" if fell is (side is Band.HIGH) else "worse"


def _ends(telling: Telling, change: Change) -> list[tuple[Visit, Finding]]:
    """Return the two visits of a change, each with its finding: a change always has both."""
    visits = (telling.visit(change.start), telling.visit(change.end))
    found = ((visit, finding_of(visit, change.marker)) for visit in visits)
    return [(visit, finding) for visit, finding in found if finding]


def _side(finding: Finding) -> Band | None:
    bands = (finding.critical, finding.refer, finding.laboratory, finding.guideline)
    return next((band for band in (*bands, finding.functional) if band in BEYOND), None)


def _blocks(telling: Telling) -> tuple[Block, ...]:
    if len(telling.interpretation.visits) == 1:
        return (Paragraph(sentences=(telling.say("client.first_visit"),)),)
    found = since_first(telling)
    clearly = [one for one in found if direction_of(one) in ("fell", "rose")]
    groups: dict[str, list[Change]] = {name: [] for name in _GROUPS}
    for change in clearly:
        groups[course_of(telling, change)].append(change)
    groups["body"] = of_body(telling, found)
    said = _clearly(telling, clearly) if clearly else telling.say(_nothing_clear(telling, found))
    table = (_table(telling, groups),) if any(groups.values()) else ()
    return (Paragraph(sentences=(said,)), *table, *_within(telling, found), *_open(telling, found))


def _nothing_clear(telling: Telling, found: Iterable[Change]) -> str:
    """Return the key of what is said where nothing clearly changed: for all, some or none known."""
    measured = [one for one in found if _is_measured(telling, one)]
    unjudged = [one for one in measured if direction_of(one) == "unjudged"]
    if not measured:
        return "client.changes.nothing_twice"
    if not unjudged:
        return "client.no_changes"
    return f"client.changes.{'none_known' if unjudged == measured else 'none_of_the_known'}"


def _is_measured(telling: Telling, change: Change) -> bool:
    """Return whether a change is of what was measured in blood and the like, and not computed."""
    is_computed = telling.rules.markers[change.marker].kind == "computed"
    return not is_computed and not is_of_body(telling, change)


def _clearly(telling: Telling, clearly: Iterable[Change]) -> Sentence:
    """Return what counts as a change, with all that did and the rows behind them."""
    told = tuple(clearly)
    findings = [finding for one in told for _, finding in _ends(telling, one)]
    return telling.say(
        "client.changes.clearly",
        by=(VARIATION,),
        markers=tuple(one.marker for one in told),
        rows=tuple(dict.fromkeys(row for one in findings for row in one.rows)),
    )


def _table(telling: Telling, groups: Mapping[str, Iterable[Change]]) -> Table:
    language = telling.language
    parts = (
        RowGroup(
            title=language.text(f"client.changes.{name}"),
            rows=tuple(_row(telling, one) for one in members),
        )
        for name, members in groups.items()
        if members
    )
    names = ("result", "first", "now", "how")
    return Table(
        caption=language.text("client.changes.caption", date=telling.interpretation.visits[0].date),
        columns=tuple(Column(label=language.text(f"client.changes.{name}")) for name in names),
        groups=tuple(parts),
    )


def _row(telling: Telling, change: Change) -> Row:
    language, ends = telling.language, _ends(telling, change)
    start, end = (value_of(telling, visit, finding) for visit, finding in ends)
    return Row(
        cells=(
            capitalised(language.short(change.marker)),
            _dated(telling, start, change.start),
            end,
            language.text(f"client.changes.{_direction(change)}"),
        ),
        markers=(change.marker,),
        rows=tuple(row for _, one in ends for row in one.rows),
    )


def _dated(telling: Telling, value: str, date: dt.date) -> str:
    """Return a value, with its date where that is not the first visit's."""
    if date == telling.interpretation.visits[0].date:
        return value
    day = telling.language.short_date(date)
    return telling.language.text("client.changes.dated", value=value, date=day)


def _direction(change: Change) -> str:
    if change.end_value == change.start_value:
        return "same"
    return "fell" if change.end_value < change.start_value else "rose"


def _within(telling: Telling, found: tuple[Change, ...]) -> tuple[Paragraph, ...]:
    """Return the names of what did not change more than it does by itself."""
    within = [one for one in found if direction_of(one) == "within"]
    return _named(telling, "client.changes.within", within, by=(VARIATION,))


def _open(telling: Telling, found: tuple[Change, ...]) -> tuple[Paragraph, ...]:
    """Return for each reason the names of what is not known to have changed."""
    reasons: dict[str, list[Change]] = {}
    for one in found:
        if direction_of(one) == "unjudged" and _is_measured(telling, one):
            reasons.setdefault(one.reason or "no-variation-known", []).append(one)
    return tuple(
        told
        for reason, unjudged in sorted(reasons.items())
        for told in _named(telling, f"client.changes.unjudged.{reason}", unjudged)
    )


def _named(
    telling: Telling, key: str, found: Iterable[Change], by: tuple[str, ...] = ()
) -> tuple[Paragraph, ...]:
    """Return a note that names the markers of changes; none where there is none."""
    markers = [one.marker for one in found]
    if not markers:
        return ()
    return (Paragraph(sentences=(telling.say_of(key, markers, by=by),), style="note"),)
