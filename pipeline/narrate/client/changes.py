"""Middle floor. What changed since the first visit, for the client: only what is real."""

from pipeline.model import Change
from pipeline.narrate.changes import direction_of, of_body, since_first
from pipeline.narrate.grounds import VARIATION
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.story import Block, Bullets, Paragraph, Section, Sentence


def changes(telling: Telling) -> Section:
    """Return what clearly fell or rose since the first visit, and body measures as they are."""
    title = telling.language.text("client.sections.changes")
    return Section(id="changes", title=title, blocks=_blocks(telling))


def _blocks(telling: Telling) -> tuple[Block, ...]:
    if len(telling.interpretation.visits) == 1:
        return (Paragraph(sentences=(telling.say("client.first_visit"),)),)
    found = since_first(telling)
    body = [_change(telling, one, "body") for one in of_body(telling, found)]
    clearly = [
        _change(telling, one, direction_of(one))
        for one in found
        if direction_of(one) in ("fell", "rose")
    ]
    none = () if clearly else (Paragraph(sentences=(telling.say("client.no_changes"),)),)
    items = (*body, *clearly)
    return (*none, *((Bullets(items=items),) if items else ()), *_within(telling, found))


def _change(telling: Telling, change: Change, how: str) -> Sentence:
    visits = (telling.visit(change.start), telling.visit(change.end))
    pairs = [(visit, finding_of(visit, change.marker)) for visit in visits]
    start, end = (value_of(telling, visit, one) for visit, one in pairs if one)
    return telling.say(
        f"client.changes.{how}",
        by=() if how == "body" else (VARIATION,),
        markers=(change.marker,),
        rows=tuple(row for _, one in pairs if one for row in one.rows),
        marker=telling.language.short(change.marker),
        date=change.start,
        start=start,
        end=end,
    )


def _within(telling: Telling, found: tuple[Change, ...]) -> tuple[Paragraph, ...]:
    """Return the names of what did not change more than it does by itself."""
    markers = tuple(one.marker for one in found if direction_of(one) == "within")
    if not markers:
        return ()
    items = [telling.language.short(marker) for marker in markers]
    said = telling.say("client.changes.within", by=(VARIATION,), markers=markers, items=items)
    return (Paragraph(sentences=(said,), style="note"),)
