"""Middle floor. What is not known yet: measurements and answers, named in plain words."""

from collections.abc import Iterable

from pipeline.narrate.context import named
from pipeline.narrate.telling import Telling


def measurements(telling: Telling, ids: Iterable[str]) -> list[str]:
    """Return the names of what can be measured among markers and facts, each once.

    A computed marker is no measurement: what it is computed from is asked instead.
    """
    markers = telling.rules.markers
    asked = (id for id in ids if id in markers and markers[id].kind != "computed")
    return _plainly(telling, "tests", asked)


def answers(telling: Telling, ids: Iterable[str]) -> list[str]:
    """Return what only the person can tell among markers and facts, each once.

    Nobody is asked what is not asked at that age: of pregnancy, at 67.
    """
    asked = (id for id in ids if id not in telling.rules.markers and _is_asked(telling, id))
    return _plainly(telling, "answers", asked)


def _is_asked(telling: Telling, id: str) -> bool:
    key, age = telling.rules.context.get(id), telling.last.age
    return key is None or key.asked_until is None or age is None or age <= key.asked_until


def _plainly(telling: Telling, kind: str, ids: Iterable[str]) -> list[str]:
    """Return names in the words for clients, where there are; else those of everybody."""
    language = telling.language
    names = (
        language.text(key) if language.has(key) else named(telling, id)
        for id in ids
        for key in (f"client.{kind}.{id}",)
    )
    return list(dict.fromkeys(names))
