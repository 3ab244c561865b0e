"""Middle floor. What published definitions make of a visit, in words: a paragraph each."""

from collections.abc import Iterator, Sequence

from pipeline.language import Field
from pipeline.model import Classification, Visit
from pipeline.narrate.context import named
from pipeline.narrate.telling import Telling
from pipeline.story import Paragraph, Sentence

_NOTHING_TO_SAY = ("RH0",)  # neither symptoms nor a low
_TOLD_WITH_A_NOTE = ("glycaemia_ada", "glycaemia_nhg")  # it says why there is no class
_ONLY_A_COUNT = ("counted",)  # says nothing where nothing is counted
_POINTS_ELSEWHERE = {None: "missing", False: "within", True: "outside"}


def classifications(telling: Telling, visit: Visit) -> tuple[Paragraph, ...]:
    """Return a paragraph for each definition that has something to say of a visit.

    Its answer, its criteria, what is missing, and what must be said beside it; then once what
    holds for several.
    """
    withheld = [one for one in visit.classifications if "pregnancy" in one.notes]
    told = [one for one in visit.classifications if one not in withheld and _is_told(one)]
    found = (
        tuple(_pregnancy(telling, withheld)),
        *(tuple(_sentences(telling, one)) for one in told),
        tuple(_shared_notes(telling, told)),
    )
    return tuple(Paragraph(sentences=sentences) for sentences in found if sentences)


def _is_told(one: Classification) -> bool:
    """Return whether there is an answer, a criterion that is met, or a note beside none."""
    if one.result is None or one.result in _ONLY_A_COUNT:
        noted = not one.criteria or one.id in _TOLD_WITH_A_NOTE
        return one.met > 0 or (noted and bool(one.notes))
    return one.result not in _NOTHING_TO_SAY or bool(one.notes)


def _pregnancy(telling: Telling, withheld: Sequence[Classification]) -> Iterator[Sentence]:
    titles = [telling.language.text(f"criteria.{one.id}.title") for one in withheld]
    if titles:
        by = tuple(one.id for one in withheld)
        yield telling.say("criteria.sentences.pregnancy", by=by, titles=titles)


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
    own = (f"criteria.{one.id}.notes.{note}" for note in one.notes)
    yield from (_say(telling, one, key) for key in own if telling.language.has(key))


def _shared_notes(telling: Telling, told: Sequence[Classification]) -> Iterator[Sentence]:
    """Yield each note that has no text of the definition's own, once for all that need it."""
    needed: dict[str, list[str]] = {}
    for one in told:
        for note in one.notes:
            if not telling.language.has(f"criteria.{one.id}.notes.{note}"):
                needed.setdefault(note, []).append(one.id)
    for note, ids in needed.items():
        yield telling.say(f"criteria.notes.{note}", by=tuple(ids))


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
