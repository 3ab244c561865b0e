"""Middle floor. The limits of a result in words, each with whose it is."""

from collections.abc import Iterable, Iterator

from pipeline.language import Quantity
from pipeline.model import Finding, Limit, LimitSet
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, is_fallback, outside_of, weight_of


def limits_told(telling: Telling, finding: Finding) -> Iterator[tuple[str, tuple[Limit, ...]]]:
    """Yield whose limits a client is told of a result, with these; last those it lies beyond.

    Those of guidelines only where a result lies beyond them, or where there are no others.
    """
    reference = finding.limits.get(LimitSet.REFERENCE, ())
    target = finding.limits.get(LimitSet.FUNCTIONAL, ())
    whose, beyond = _outside(telling, finding)
    laboratory = ("usual" if is_fallback(reference) else "laboratory", reference)
    told = [laboratory, ("target", target)]
    if whose:
        told.reverse()
    if whose == "guideline":
        told.append((whose, beyond))
    elif not reference and not target:
        told.append(("guideline", finding.limits.get(LimitSet.GUIDELINE, ())))
    yield from ((owner, limits) for owner, limits in told if limits)


def _outside(telling: Telling, finding: Finding) -> tuple[str, tuple[Limit, ...]]:
    """Return by whose limits a result counts as outside, with these; "" where it does not."""
    if weight_of(telling, finding) is not Weight.OUTSIDE:
        return "", ()
    whose, _, limits = outside_of(telling, finding)
    return whose, limits


def limits_in_words(telling: Telling, whose: str, limits: tuple[Limit, ...]) -> str:
    """Return what limits leave inside: "hoogstens 33", "4,0–6,1"; "" where there are none."""
    if not limits:
        return ""
    told = telling.language.interval(limits) if _is_interval(limits) else _inside(telling, limits)
    return telling.language.text(f"client.limits.{whose}", limits=told)


def _is_interval(limits: tuple[Limit, ...]) -> bool:
    """Return whether limits are a pair of which both edges lie inside."""
    return {limit.op for limit in limits} == {"<", ">"} and len(limits) == 2


def _inside(telling: Telling, limits: Iterable[Limit]) -> str:
    return _listed(telling, "client.limits", limits)


def alarm_in_words(telling: Telling, limits: Iterable[Limit]) -> str:
    """Return from where on a doctor must look: "boven 50", "van 25 of hoger"."""
    return _listed(telling, "client.alarms", limits)


def _listed(telling: Telling, texts: str, limits: Iterable[Limit]) -> str:
    language = telling.language
    said = (
        language.text(f"{texts}.{limit.op}", limit=Quantity.exact(limit.value)) for limit in limits
    )
    return language.listing(dict.fromkeys(said))
