"""Middle floor. What published definitions make of a visit, in words: a paragraph each."""

from collections.abc import Iterator

from pipeline.language import Field
from pipeline.model import Classification, Visit
from pipeline.narrate.context import named
from pipeline.narrate.telling import Telling
from pipeline.story import Paragraph, Sentence

_NOTHING_TO_SAY = ("RH0",)  # neither symptoms nor a low
_POINTS_ELSEWHERE = {None: "missing", False: "within", True: "outside"}


def classifications(telling: Telling, visit: Visit) -> tuple[Paragraph, ...]:
    """Return a paragraph for each definition that has something to say of a visit.

    Its answer, its criteria, what is missing, and what must be said beside it.
    """
    withheld = [one for one in visit.classifications if "pregnancy" in one.notes]
    told = [one for one in visit.classifications if one not in withheld and _is_told(one)]
    paragraphs = [Paragraph(sentences=tuple(_sentences(telling, one))) for one in told]
    if withheld:
        paragraphs.insert(0, Paragraph(sentences=(_pregnancy(telling, withheld),)))
    return tuple(paragraphs)


def _is_told(one: Classification) -> bool:
    """Return whether there is an answer, a criterion that is met, or a note beside none."""
    if one.result is not None:
        return one.result not in _NOTHING_TO_SAY or bool(one.notes)
    return one.met > 0 or (not one.criteria and bool(one.notes))


def _pregnancy(telling: Telling, withheld: list[Classification]) -> Sentence:
    titles = [telling.language.text(f"criteria.{one.id}.title") for one in withheld]
    return telling.say(
        "criteria.sentences.pregnancy", by=tuple(one.id for one in withheld), titles=titles
    )


def _sentences(telling: Telling, one: Classification) -> Iterator[Sentence]:
    answer = f"results.{one.result}" if one.result is not None else "undetermined"
    fields = _fields(telling, one)
    yield _say(telling, one, f"criteria.{one.id}.{answer}", **fields)
    if one.known:
        yield _say(telling, one, f"criteria.sentences.{_count(one)}", **fields)
    missing = [name for name in one.missing if name not in one.exclusions]
    if missing:
        names = [named(telling, name) for name in missing]
        yield _say(telling, one, "criteria.sentences.missing", missing=names)
    yield from (_say(telling, one, _note_key(telling, one.id, note)) for note in one.notes)


def _say(telling: Telling, one: Classification, key: str, **fields: Field) -> Sentence:
    return telling.say(key, by=(one.id,), markers=one.evidence, rows=one.rows, **fields)


def _count(one: Classification) -> str:
    extent = "all" if one.known == one.of else "partly"
    return f"{extent}_{'present' if one.met else 'none'}"


def _fields(telling: Telling, one: Classification) -> dict[str, Field]:
    language = telling.language
    met = [name for name, answer in one.criteria.items() if answer]
    exclusions = [
        language.text(
            f"criteria.exclusions.{_POINTS_ELSEWHERE[outside]}", marker=named(telling, id)
        )
        for id, outside in one.exclusions.items()
    ]
    return {
        "met": one.met,
        "known": one.known,
        "of": one.of,
        "present": [language.text(f"criteria.names.{name}") for name in met],
        "exclusions": exclusions,
    }


def _note_key(telling: Telling, id: str, note: str) -> str:
    """Return the key of a note: the definition's own, else the one that all share."""
    own = f"criteria.{id}.notes.{note}"
    return own if telling.language.has(own) else f"criteria.notes.{note}"
