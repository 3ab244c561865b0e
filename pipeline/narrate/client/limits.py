"""Middle floor. The limits of a result in words, each with whose it is."""

from collections.abc import Iterable, Iterator

from pipeline.language import Quantity
from pipeline.model import Finding, Limit, LimitSet
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import Weight, is_fallback, mg_dl_of, outside_of, weight_of

Whose = tuple[str, tuple[Limit, ...]]


def limits_hold(telling: Telling, finding: Finding) -> bool:
    """Return whether the limits at hand say something of a result.

    In pregnancy others hold: there a result is judged only by what a doctor must see, and by the
    interval that its own laboratory printed beside it.
    """
    if "pregnancy" not in finding.notes or weight_of(telling, finding) <= Weight.REFER:
        return True
    return beyond_of(telling, finding)[0] == "laboratory"


def usual_limits(finding: Finding) -> Whose:
    """Return the limits between which a result usually lies, and whose they are.

    Those of the laboratory, or the catalogue's in their place; where there are none, those of
    guidelines.
    """
    reference = finding.limits.get(LimitSet.REFERENCE, ())
    if not reference:
        return "guideline", finding.limits.get(LimitSet.GUIDELINE, ())
    return ("usual" if is_fallback(reference) else "laboratory"), reference


def limits_told(telling: Telling, finding: Finding) -> Iterator[Whose]:
    """Yield whose limits a client is told of a result, with these: usual, target, guideline.

    Those of guidelines only where a result lies beyond them, or where nobody else has any.
    """
    whose, usual = usual_limits(finding)
    if usual:
        yield whose, usual
    target = finding.limits.get(LimitSet.FUNCTIONAL, ())
    if target:
        yield "target", target
    beyond = guideline_beyond(telling, finding)
    if beyond:
        yield "guideline", beyond


def guideline_beyond(telling: Telling, finding: Finding) -> tuple[Limit, ...]:
    """Return the guideline limits that a result lies beyond, where the usual ones are others'.

    One at the number of a usual limit is left out: it would say the same twice.
    """
    whose, limits = beyond_of(telling, finding)
    owner, usual = usual_limits(finding)
    if whose != "guideline" or owner == "guideline":
        return ()
    told = {(limit.side, limit.value) for limit in usual}
    return tuple(limit for limit in limits if (limit.side, limit.value) not in told)


def beyond_of(telling: Telling, finding: Finding) -> Whose:
    """Return by whose limits a result counts as outside, with these; "" where it does not."""
    if weight_of(telling, finding) is not Weight.OUTSIDE:
        return "", ()
    whose, _, limits = outside_of(telling, finding)
    if whose == "laboratory":
        return usual_limits(finding)[0], limits
    return whose, limits


def limits_in_words(telling: Telling, limits: tuple[Limit, ...], of: Finding | None = None) -> str:
    """Return what limits leave inside: "hoogstens 33", "4,0–6,1".

    ``of``: a result; of one in mg/dL the limit is told in mg/dL too.
    """
    if _is_interval(limits):
        return telling.language.interval(limits)
    return _listed(telling, "client.limits", limits, of)


def _is_interval(limits: tuple[Limit, ...]) -> bool:
    """Return whether limits are a pair of which both edges lie inside."""
    return {limit.op for limit in limits} == {"<", ">"} and len(limits) == 2


def alarm_in_words(telling: Telling, limits: Iterable[Limit], of: Finding | None = None) -> str:
    """Return from where on a doctor must look: "boven 50", "van 25 of hoger"; ``of``: as above."""
    return _listed(telling, "client.alarms", limits, of)


def _listed(telling: Telling, texts: str, limits: Iterable[Limit], of: Finding | None) -> str:
    language = telling.language
    said = (language.text(f"{texts}.{one.op}", limit=_number(telling, one, of)) for one in limits)
    return language.listing(dict.fromkeys(said))


def _number(telling: Telling, limit: Limit, of: Finding | None) -> str:
    number = telling.language.quantity(Quantity.exact(limit.value))
    beside = mg_dl_of(telling, of, limit) if of else ""
    return f"{number} ({beside})" if beside else number
