"""Middle floor. What weakens a conclusion, in words, beside the conclusion itself."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from pipeline.language import Field
from pipeline.model import Reservation, Visit
from pipeline.narrate.telling import Telling
from pipeline.story import Bullets, Callout, Sentence

_PHASE = "phase"


def reservations_about(
    telling: Telling, visits: Iterable[Visit], conclusion: str
) -> tuple[Sentence, ...]:
    """Return a sentence to clinicians for each reservation about a phase ("phase") or a flag.

    Of a flag is added, once, that it stays as urgent as it was.
    """
    return _told(conclusion, _about(visits, conclusion), lambda one: _to_clinician(telling, one))


def client_reservations(
    telling: Telling, visits: Iterable[Visit], conclusion: str
) -> tuple[Sentence, ...]:
    """Return the same for the person whom it is about: plain, without names of tests."""

    def say(one: Reservation | str) -> Sentence:
        return _say(telling, one, "client")

    return _told(conclusion, _about(visits, conclusion), say)


def with_reservations(telling: Telling, visit: Visit, box: Callout) -> Callout:
    """Return the box of the phase, ended by what weakens it."""
    told = reservations_about(telling, (visit,), _PHASE)
    return replace(box, sentences=(*box.sentences, *told))


def reservation_list(telling: Telling, visit: Visit) -> Bullets | None:
    """Return everything that weakens a conclusion of a visit, each with the conclusion's name."""
    items = tuple(_named(telling, one) for one in visit.reservations)
    return Bullets(items=items) if items else None


def _about(visits: Iterable[Visit], conclusion: str) -> list[Reservation]:
    return [one for visit in visits for one in visit.reservations if one.weakens == conclusion]


def _told(
    conclusion: str, found: list[Reservation], say: Callable[[Reservation | str], Sentence]
) -> tuple[Sentence, ...]:
    """Return the sentences, each once; equal ones of two visits say the same."""
    if not found:
        return ()
    despite = () if conclusion == _PHASE else (say("despite"),)
    sentences = {one.text: one for one in (*map(say, found), *despite)}
    return tuple(sentences.values())


def _named(telling: Telling, one: Reservation) -> Sentence:
    told = _to_clinician(telling, one)
    key = "reservations.of_phase" if one.weakens == _PHASE else "reservations.of_flag"
    fields = {} if one.weakens == _PHASE else {"flag": one.weakens}
    return replace(told, text=telling.language.text(key, reservation=told.text, **fields))


def _to_clinician(telling: Telling, one: Reservation | str) -> Sentence:
    return _say(telling, one, "clinician")


def _say(telling: Telling, one: Reservation | str, audience: str) -> Sentence:
    """Return what a reservation (or a word of the texts) says to an audience."""
    if isinstance(one, str):
        return telling.say(f"reservations.{one}.{audience}")
    fields: dict[str, Field] = {"days": one.days or 0}
    return telling.say(
        f"reservations.{one.word}.{audience}",
        by=(one.weakens,),
        markers=one.markers,
        rows=one.rows,
        markers_named=[telling.language.short(marker) for marker in one.markers],
        **fields,
    )
