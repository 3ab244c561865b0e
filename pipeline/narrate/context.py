"""Middle floor. What was stated of a person or a visit, in words."""

from collections.abc import Collection

from pipeline.language import Quantity
from pipeline.model import Visit
from pipeline.narrate.telling import Telling

_YES_NO = {True: "yes", False: "no"}


def stated(telling: Telling, key: str, value: object) -> str:
    """Return one stated thing with its name: "bekende diabetes: geen"."""
    language = telling.language
    label = language.text(f"context.keys.{key}")
    return language.text("context.stated", label=label, value=answer(telling, key, value))


def answer(telling: Telling, key: str, value: object) -> str:
    """Return the answer alone, in the words or the unit of its key.

    Medicines by their group; one of no known group by its ATC code.
    """
    match telling.rules.context[key].kind:
        case "number":
            number = Quantity.exact(float(str(value)))
            template = f"context.numbers.{key}"
            return telling.language.text(template, n=number)
        case "words":
            return _several(telling, [named(telling, word) for word in _as_words(value)])
        case "codes":
            return _several(telling, [_medicine(telling, word) for word in _as_words(value)])
        case _:
            return _word(telling, _YES_NO.get(value, value) if isinstance(value, bool) else value)


def named(telling: Telling, id: str) -> str:
    """Return the name of what a rule may ask for: a marker, a key, a symptom, a group of drugs."""
    if id in telling.rules.markers:
        return telling.language.short(id)
    kinds = ("keys", "words", "drugs")
    known = (
        f"context.{kind}.{id}" for kind in kinds if telling.language.has(f"context.{kind}.{id}")
    )
    return telling.language.text(next(known, f"context.keys.{id}"))


def symptoms(telling: Telling, visit: Visit) -> tuple[str, ...]:
    """Return the symptoms stated at a visit, in words."""
    words = stated_words(visit, "symptoms")
    return tuple(telling.language.text(f"context.words.{word}") for word in words)


def stated_words(visit: Visit, key: str) -> tuple[str, ...]:
    """Return the words stated at a visit under a key; none where it is unknown."""
    return _as_words(visit.context.get(key, ()))


def unknown(telling: Telling, visit: Visit) -> tuple[str, ...]:
    """Return the names of what was not stated at a visit."""
    return tuple(telling.language.text(f"context.keys.{key}") for key in visit.unknown)


def _medicine(telling: Telling, word: str) -> str:
    return named(telling, word) if word in telling.rules.medication else word


def _several(telling: Telling, names: list[str]) -> str:
    return telling.language.listing(names) if names else _word(telling, "none")


def _word(telling: Telling, word: object) -> str:
    return telling.language.text(f"context.words.{word}")


def _as_words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(word) for word in value) if isinstance(value, Collection) else ()
