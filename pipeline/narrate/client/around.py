"""Middle floor. What stands around the results: what is unknown, and whom to call."""

from collections.abc import Iterable

from pipeline.narrate.client.lacking import answers, measurements
from pipeline.narrate.safety import is_suicidal
from pipeline.narrate.telling import Telling
from pipeline.story import Bullets, Paragraph, Section, Sentence

_OF_PREGNANCY = ("SF-28", "SF-30")


def unknown(telling: Telling) -> Section:
    """Return what could not be said, and as an offer which measurement or answer would tell."""
    said = [*_offers(telling)]
    if telling.last.not_computed:
        markers = (one.marker for one in telling.last.not_computed)
        said.append(telling.say_of("client.not_computed", markers))
    if telling.interpretation.case.set_aside:
        said.append(telling.say("client.set_aside"))
    return _section(telling, "unknown", said)


def _offers(telling: Telling) -> list[Sentence]:
    """Return which measurements and which answers might tell more, each once."""
    lacking = _lacking(telling)
    by = (telling.last.phase.rule, *(flag.id for flag in telling.last.not_assessable))
    offers = {"tests": measurements(telling, lacking), "answers": answers(telling, lacking)}
    return [
        telling.say(f"client.offer_{kind}", by=by, items=items)
        for kind, items in offers.items()
        if items
    ]


def _lacking(telling: Telling) -> Iterable[str]:
    """Return the markers and facts that phase, flags and computed numbers lack."""
    last = telling.last
    of_flags = (id for flag in last.not_assessable for id in flag.missing)
    of_numbers = (id for one in last.not_computed for id in one.missing)
    return dict.fromkeys((*last.phase.missing, *of_flags, *of_numbers))


def contact(telling: Telling) -> Section:
    """Return whom to call; of suicidal thoughts the line that is there for them comes first."""
    open_flags = telling.interpretation.open_flags
    keys = ["contact_113"] if any(map(is_suicidal, open_flags)) else []
    keys += ["contact_gp"]
    keys += ["contact_midwife"] if any(one.id in _OF_PREGNANCY for one in open_flags) else []
    keys += ["contact_night", "contact_112"]
    return _section(telling, "contact", [telling.say(f"client.{key}") for key in keys])


def _section(telling: Telling, id: str, said: list[Sentence]) -> Section:
    """Return sentences under a title: one as a paragraph, several as a list."""
    title = telling.language.text(f"client.sections.{id}")
    several = len(said) > 1
    blocks = (Bullets(items=tuple(said)),) if several else (Paragraph(sentences=tuple(said)),)
    return Section(id=id, title=title, blocks=blocks if said else ())
