"""Middle floor. What was stated of a person or a visit, in words."""

from collections.abc import Sequence

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
    """Return the answer alone, in the words or the unit of its key."""
    match telling.rules.context[key].kind:
        case "number":
            number = Quantity.exact(float(str(value)))
            template = f"context.numbers.{key}"
            return telling.language.text(template, n=number)
        case "words" | "codes":
            return _several(telling, key, _as_words(value))
        case _:
            return _word(telling, _YES_NO.get(value, value) if isinstance(value, bool) else value)


def symptoms(telling: Telling, visit: Visit) -> tuple[str, ...]:
    """Return the symptoms stated at a visit, in words."""
    words = _as_words(visit.context.get("symptoms", ()))
    return tuple(telling.language.text(f"context.words.{word}") for word in words)


def unknown(telling: Telling, visit: Visit) -> tuple[str, ...]:
    """Return the names of what was not stated at a visit."""
    return tuple(telling.language.text(f"context.keys.{key}") for key in visit.unknown)


def _several(telling: Telling, key: str, words: Sequence[str]) -> str:
    if not words:
        return telling.language.text("context.words.none")
    say = _drug if telling.rules.context[key].kind == "codes" else _word
    return telling.language.listing(say(telling, word) for word in words)


def _word(telling: Telling, word: object) -> str:
    return telling.language.text(f"context.words.{word}")


def _drug(telling: Telling, code: str) -> str:
    """Return an ATC code with the name of the narrowest group that holds it; else the code alone."""
    groups = [
        (len(prefix), group)
        for group, prefixes in telling.rules.medication.items()
        for prefix in prefixes
        if code.startswith(prefix)
    ]
    return (
        f"{telling.language.text(f'context.drugs.{max(groups)[1]}')} ({code})" if groups else code
    )


def _as_words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(word) for word in value) if isinstance(value, Sequence) else ()
