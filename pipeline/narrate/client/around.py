"""Middle floor. What stands around the results: changes, gaps, limits, words and whom to call."""

from pipeline.language import capitalised
from pipeline.model import Change
from pipeline.narrate.context import named
from pipeline.narrate.grounds import VARIATION
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.story import Bullets, Paragraph, Section, Sentence

_SOURCES = ("sources", "lab_first", "typical", "targets")
_ALWAYS_EXPLAINED = ("insulineresistentie", "streefwaarde")
_PHASES = {
    "compensation": "compensatiefase",
    "decompensation_prediabetes": "decompensatiefase",
}
_SUICIDAL = ("SF-25", "suicidal")


def changes(telling: Telling) -> Section:
    """Return what clearly fell or rose since the first visit; within variation nothing is named."""
    visits = telling.interpretation.visits
    if len(visits) == 1:
        return _section(telling, "changes", [telling.say("client.first_visit")])
    real = [one for one in _since_first(telling) if one.real]
    said = [_change(telling, one) for one in real] or [telling.say("client.no_changes")]
    return _section(telling, "changes", said)


def _since_first(telling: Telling) -> list[Change]:
    """Return the changes of the last visit, against the first that has the marker."""
    last = [one for one in telling.interpretation.changes if one.end == telling.last.date]
    against_first = {one.marker: one for one in last if one.against == "first"}
    previous = {one.marker: one for one in last if one.against == "previous"}
    found = {**previous, **against_first}
    return [found[marker] for marker in telling.rules.markers if marker in found]


def _change(telling: Telling, change: Change) -> Sentence:
    visits = (telling.visit(change.start), telling.visit(change.end))
    pairs = [(visit, finding_of(visit, change.marker)) for visit in visits]
    start, end = (value_of(telling, visit, one) for visit, one in pairs if one)
    direction = "fell" if change.end_value < change.start_value else "rose"
    return telling.say(
        f"client.changes.{direction}",
        by=(VARIATION,),
        markers=(change.marker,),
        rows=tuple(row for _, one in pairs if one for row in one.rows),
        marker=telling.language.short(change.marker),
        date=change.start,
        start=start,
        end=end,
    )


def unknown(telling: Telling) -> Section:
    """Return what could not be said, and which test or answer would tell."""
    last = telling.last
    said: list[Sentence] = []
    lacking = dict.fromkeys(id for flag in last.not_assessable for id in flag.missing)
    if lacking:
        by = tuple(flag.id for flag in last.not_assessable)
        items = [named(telling, id) for id in lacking]
        said.append(telling.say("client.not_assessable", by=by, items=items))
    if last.not_computed:
        markers = tuple(one.marker for one in last.not_computed)
        items = [telling.language.short(marker) for marker in markers]
        said.append(telling.say("client.not_computed", markers=markers, items=items))
    if telling.interpretation.case.set_aside:
        said.append(telling.say("client.set_aside"))
    return _section(telling, "unknown", said)


def sources(telling: Telling) -> Section:
    """Return where the limits come from."""
    return _section(telling, "sources", [telling.say(f"client.{key}") for key in _SOURCES])


def glossary(telling: Telling) -> Section:
    """Return the words of this report that need explaining."""
    language = telling.language
    phase = _PHASES.get(telling.last.phase.id)
    words = [*_ALWAYS_EXPLAINED, *([phase] if phase else [])]
    terms = {word: language.text(f"client.glossary_terms.{word}") for word in words}
    explained = language.keys("client.glossary")
    found = (one.marker for one in telling.last.findings if one.marker in explained)
    terms |= {marker: language.short(marker) for marker in found}
    said = [
        telling.say(
            "client.term", term=capitalised(term), meaning=language.text(f"client.glossary.{word}")
        )
        for word, term in terms.items()
    ]
    return _section(telling, "glossary", said)


def contact(telling: Telling) -> Section:
    """Return whom to call; of suicidal thoughts the line that is there for them comes first."""
    open_flags = telling.interpretation.open_flags
    held = {
        (one.id, branch) for one in open_flags for _, flag in one.bases for branch in flag.branches
    }
    keys = ["contact_113"] if _SUICIDAL in held else []
    keys += ["contact_gp", "contact_night", "contact_112"]
    return _section(telling, "contact", [telling.say(f"client.{key}") for key in keys])


def _section(telling: Telling, id: str, said: list[Sentence]) -> Section:
    """Return sentences under a title: one as a paragraph, several as a list."""
    title = telling.language.text(f"client.sections.{id}")
    several = len(said) > 1
    blocks = (Bullets(items=tuple(said)),) if several else (Paragraph(sentences=tuple(said)),)
    return Section(id=id, title=title, blocks=blocks if said else ())
