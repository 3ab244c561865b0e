"""Middle floor. How a finding is printed: value, limits, flag letters; and how it weighs."""

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum

from pipeline.language import NO_BREAK_SPACE, Quantity
from pipeline.model import Band, Finding, Limit, LimitSet, Visit
from pipeline.narrate.crossing import crossed_of
from pipeline.narrate.telling import Telling, finding_of
from pipeline.rules.targets import is_of_practice
from pipeline.story import Sentence

BEYOND = (Band.LOW, Band.HIGH)  # a limit, on either side
_JUDGED = {"high_bad": (Band.HIGH,), "low_bad": (Band.LOW,), "both": BEYOND}
_FALLBACK = "fallback"  # the source of an interval that the laboratory did not print
# Notes of which the text says that the value was not judged.
_UNJUDGED = frozenset(
    (
        "cgm-insufficient",
        "hba1c-unreliable",
        "outside-clock-time",
        "reported-only",
        "sex-hormone-therapy",
        "unjudged-age",
        "unreliable-medication",
    )
)
_OUTSIDE_LETTER = {Band.HIGH: "H", Band.LOW: "L"}


class Weight(IntEnum):
    """How heavily a finding weighs; a report tells them in this order."""

    CRITICAL = 0
    REFER = 1
    OUTSIDE = 2
    ATTENTION = 3
    NONE = 4


def value_of(telling: Telling, visit: Visit, finding: Finding) -> str:
    """Return value and unit; of HbA1c the percentage too, in brackets.

    A value that limits in mg/dL judged is told as it was reported too: in mmol/L, rounded, it may
    seem to lie on the other side of its limit.
    """
    value = telling.language.quantity(_printed(telling, finding))
    if reported := _in_mg_dl(telling, finding):
        return f"{value} ({reported})"
    percent = finding_of(visit, "hba1c_ngsp") if finding.marker == "hba1c" else None
    if percent is None:
        return value
    return f"{value} ({telling.language.quantity(Quantity.of(percent))})"


def number_of(telling: Telling, finding: Finding) -> str:
    """Return the value without its unit, for a table that has a column of units."""
    return telling.language.quantity(replace(_printed(telling, finding), unit="1"))


def _in_mg_dl(telling: Telling, finding: Finding) -> str:
    """Return a value in mg/dL that limits in mg/dL judged; "" of any other."""
    judged = any(limit.mg_dl for few in finding.limits.values() for limit in few)
    if finding.mg_dl is None or not judged:
        return ""
    return telling.language.quantity(Quantity.exact(finding.mg_dl, "mg/dL"))


def mg_dl_of(telling: Telling, finding: Finding, limit: Limit) -> str:
    """Return the number in mg/dL by which a limit judged a result in mg/dL; "" of any other."""
    if limit.mg_dl is None or finding.mg_dl is None:
        return ""
    return telling.language.quantity(Quantity.exact(limit.mg_dl, "mg/dL"))


def _printed(telling: Telling, finding: Finding) -> Quantity:
    """Return the value of a finding as it is printed: of HOMA-%B at most "> 400 %"."""
    quantity = Quantity.of(finding)
    if finding.marker != "homa_b" or finding.comparator in ("<", "<="):
        return quantity
    (limit,) = telling.rules.limits_named("homa-b-printed")
    if finding.value <= limit.value:
        return quantity
    return replace(Quantity.exact(limit.value, finding.unit), comparator=limit.op)


def weight_of(telling: Telling, finding: Finding) -> Weight:
    """Return the heaviest judgement of a finding.

    Beyond a guideline limit weighs as outside, even where the laboratory's interval is wider.
    """
    judged = _JUDGED[telling.rules.markers[finding.marker].direction]
    if finding.critical in BEYOND:
        return Weight.CRITICAL
    if finding.refer in BEYOND:
        return Weight.REFER
    if finding.counts or finding.guideline in judged:
        return Weight.OUTSIDE
    return Weight.ATTENTION if finding.functional in BEYOND else Weight.NONE


def is_within(finding: Finding) -> bool:
    """Return whether a finding may be counted as lying within its limits.

    It does where a limit judged it, none left its judgement open, no note forbids one, and it lies
    outside on neither side.
    """
    bands = {finding.laboratory, finding.guideline, finding.functional}
    judged = Band.WITHIN in bands and not bands.intersection((*BEYOND, Band.UNDETERMINED))
    return judged and not _UNJUDGED.intersection(finding.notes)


def outside_of(telling: Telling, finding: Finding) -> tuple[str, Band, tuple[Limit, ...]]:
    """Return whose limits a finding lies beyond, on which side, and which these are.

    Whose: laboratory (also where its interval is the catalogue's fallback) or guideline.
    """
    judged = _JUDGED[telling.rules.markers[finding.marker].direction]
    if finding.laboratory in judged:
        return "laboratory", finding.laboratory, _crossed(finding, "reference", finding.laboratory)
    side = finding.guideline if finding.guideline in BEYOND else Band.HIGH
    return "guideline", side, _crossed(finding, "guideline", side)


def marks_of(telling: Telling, finding: Finding) -> str:
    """Return the flag letters of a finding: HH, LL, H, L, each as the legend of the table says."""
    if finding.critical in BEYOND:
        letters = 2 * _OUTSIDE_LETTER[finding.critical]
    else:
        letters = _letter(telling, finding)
    starred = letters + ("*" if finding.refer in BEYOND and letters else "")
    target = telling.language.text("report.marks.target") if finding.functional in BEYOND else ""
    unsure = telling.language.text(f"report.marks.{_unsure(finding)}") if _unsure(finding) else ""
    return NO_BREAK_SPACE.join(part for part in (starred, target, unsure) if part)


def interval_of(telling: Telling, finding: Finding) -> str:
    """Return the interval of a value; a degree sign says that the laboratory printed none."""
    limits = finding.limits.get(LimitSet.REFERENCE, ())
    return telling.language.interval(limits) + ("°" if is_fallback(limits) else "")


def is_fallback(limits: Iterable[Limit]) -> bool:
    """Return whether an interval is the catalogue's, because the laboratory printed none."""
    return any(limit.source == _FALLBACK for limit in limits)


def guidelines_of(telling: Telling, finding: Finding) -> str:
    """Return what each body's guideline limits leave inside, with the body behind it."""
    limits = finding.limits.get(LimitSet.GUIDELINE, ())
    parts = []
    for body in dict.fromkeys(limit.source for limit in limits):
        own = tuple(limit for limit in limits if limit.source == body)
        parts.append(f"{telling.language.interval(own)} ({body_of(telling, body)})")
    return "; ".join(parts)


def targets_of(telling: Telling, finding: Finding) -> str:
    """Return what the practice's target leaves inside; "" where there is none."""
    return telling.language.interval(finding.limits.get(LimitSet.FUNCTIONAL, ()))


def crossed(telling: Telling, finding: Finding) -> str:
    """Return the limits that make a finding lie outside, each guideline limit with its body."""
    whose, _, limits = outside_of(telling, finding)
    inside = [
        telling.language.inside(limit)
        if whose == "laboratory"
        else f"{telling.language.inside(limit)}, {body_of(telling, limit.source)}"
        for limit in limits
    ]
    return "; ".join(inside)


def body_of(telling: Telling, source: str) -> str:
    """Return the short names of the bodies behind a limit; of an unknown source its id."""
    return ", ".join(_body(telling, id) for id in source.split(";"))


def _body(telling: Telling, id: str) -> str:
    own, _, section = id.partition("-")
    if own == "specification":
        return telling.language.text("report.bodies.specification", section=section)
    key = f"report.bodies.{id}"
    return telling.language.text(key) if telling.language.has(key) else id


def finding_sentence(telling: Telling, visit: Visit, finding: Finding, band: str) -> Sentence:
    """Return what a band says of a finding, in the words of its marker, its domain, or all."""
    limits = limits_behind(finding, band)
    print_limit = telling.language.inside if "functional" in band else telling.language.beyond
    return telling.say(
        sentence_key(telling, finding, band),
        by=tuple(limit.id for limit in limits),
        markers=(finding.marker,),
        rows=finding.rows,
        marker=telling.language.short(finding.marker),
        value=value_of(telling, visit, finding),
        limit="; ".join(
            " = ".join(filter(None, (print_limit(limit), mg_dl_of(telling, finding, limit))))
            for limit in limits
        ),
    )


def sentence_key(telling: Telling, finding: Finding, band: str) -> str:
    """Return the key of the most particular text that the language has for a band.

    The text of a marker speaks of the built-in target; a practice's own gets the words for all.
    """
    domain = telling.rules.markers[finding.marker].domain
    own = band.startswith("functional") and any(map(is_of_practice, limits_behind(finding, band)))
    for owner in ("",) if own else (f"{finding.marker}.", f"{domain}.", ""):
        key = f"findings.{owner}{band}.clinician"
        if telling.language.has(key):
            return key
    return f"findings.{band}.clinician"


def _letter(telling: Telling, finding: Finding) -> str:
    for band in (finding.laboratory, finding.guideline):
        if band in BEYOND:
            judged = _JUDGED[telling.rules.markers[finding.marker].direction]
            letter = _OUTSIDE_LETTER[band]
            return letter if band in judged else f"({letter})"
    return ""


def _unsure(finding: Finding) -> str:
    if "unit-zone" in finding.notes:
        return "unit_zone"
    bands = (finding.laboratory, finding.guideline, finding.functional)
    return "undetermined" if Band.UNDETERMINED in bands else ""


def limits_behind(finding: Finding, band: str) -> tuple[Limit, ...]:
    """Return the limits that a band ("critical_high", "functional_inside_high") speaks of."""
    name, *_, side = band.split("_")
    return _crossed(finding, name, side)


def _crossed(finding: Finding, set: str, side: str) -> tuple[Limit, ...]:
    """Return the limits of a set that a finding lies beyond on one side, never none of them."""
    on_side = tuple(limit for limit in finding.limits.get(set, ()) if limit.side == side)
    return crossed_of(finding, on_side) or on_side
