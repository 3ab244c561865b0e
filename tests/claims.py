"""What the ``why.md`` of a golden case claims to show, read from its first line and checked.

``Shows: phase 9+established; SF-01 hypo_symptoms; CI-03 withholds N2 — why.`` A claim begins with
a word that says what of case.json it speaks of; then, visit by visit, what must stand there. Of
the phase and of the safety flags a case claims everything: one that is raised but not claimed
fails.
"""

from collections.abc import Callable, Iterator
from typing import Any

Case = dict[str, Any]
_OF_THE_PLAN = {"withholds": "withheld_by", "changes": "changed_by"}
BAND_SETS = ("laboratory", "guideline", "functional", "critical", "refer")


def claims_of(why: str) -> list[list[str]]:
    """Return the claims of the first line of a why.md, each as its words."""
    first = why.splitlines()[0].removeprefix("Shows:")
    return [claim.split() for claim in first.partition(" — ")[0].split(";")]


def disagreements(claims: list[list[str]], case: Case) -> list[str]:
    """Return what a case claims to show and case.json does not hold, or the other way round."""
    found = [problem for claim in claims for problem in _check(claim, case)]
    claimed = {f"{words[0]} {words[1]}" for words in claims if words[0].startswith("SF-")}
    silent = sorted(_raised_branches(case) - claimed)
    return found + [f"{branch} is raised, but not claimed" for branch in silent]


def _check(words: list[str], case: Case) -> Iterator[str]:
    what, rest = words[0], words[1:]
    said = _reader(what, rest)(what, rest, case)
    if said != rest:
        yield f"{what}: claims {' '.join(rest)}; the case says {' '.join(said)}"


def _reader(what: str, rest: list[str]) -> Callable[[str, list[str], Case], list[str]]:
    if rest[0] in _OF_THE_PLAN:
        return _planned
    if what in BAND_SETS:
        return _bands
    if what.startswith("SF-") and what[3:].isdigit():
        return _branch
    return _READERS.get(what, _result)


def _each(case: Case, tell: Callable[[Case], str]) -> list[str]:
    return [tell(visit) for visit in case["visits"]]


def _phase(what: str, rest: list[str], case: Case) -> list[str]:
    """``phase 11 9+low_glucose+established``: rule and all qualifiers, visit by visit."""
    asked = [word.split("+") for word in rest]
    told = []
    for number, visit in enumerate(case["visits"]):
        phase = visit["phase"]
        order = asked[number][1:] if number < len(asked) else []
        own = sorted(
            phase["qualifiers"],
            key=lambda q: (q not in order, order.index(q) if q in order else 0, q),
        )
        told.append("+".join([phase["rule"], *own]))
    return told


def _class(what: str, rest: list[str], case: Case) -> list[str]:
    """``class G0/I2 G2A/I?``: the classes of glucose and insulin."""
    return _each(case, lambda visit: f"{visit['phase']['g_class']}/{visit['phase']['i_class']}")


def _confidence(what: str, rest: list[str], case: Case) -> list[str]:
    return _each(case, lambda visit: visit["phase"]["confidence"] or "none")


def _signals(what: str, rest: list[str], case: Case) -> list[str]:
    """``signals 0/6 4/6``: supporting signals met, and of how many known."""
    counted = (visit["phase"]["supporting"] for visit in case["visits"])
    return [f"{one['met']}/{one['known']}" for one in counted]


def _bands(what: str, rest: list[str], case: Case) -> list[str]:
    """``functional hba1c within high``: the band of a marker, "none" where it is not judged."""
    marker = rest[0]

    def band(visit: Case) -> str:
        found = [one for one in visit["findings"] if one["marker"] == marker]
        return (found[0][what] or "none") if found else "absent"

    return [marker, *_each(case, band)]


def _branch(what: str, rest: list[str], case: Case) -> list[str]:
    """``SF-09 high no yes``: a branch of a flag, visit by visit; alone: yes at every visit.

    "?" is not assessable, "if-correct" rests on a value in doubt; a variant is yes where told.
    """
    branch = rest[0]

    def state(visit: Case) -> str:
        raised = [one for one in visit["flags"] if one["id"] == what]
        own = [one for one in raised if branch in (*one["branches"], *one["variants"])]
        if own:
            return "yes" if not all(one["if_correct"] for one in own) else "if-correct"
        unknown = [one for one in visit["not_assessable"] if one["id"] == what]
        return "?" if any(branch in one["branches"] for one in unknown) else "no"

    states = _each(case, state)
    if len(rest) == 1 and set(states) == {"yes"}:
        return rest
    return [branch, *states]


def _urgency(what: str, rest: list[str], case: Case) -> list[str]:
    """``urgency SF-03 U E``: how urgent a flag is, "-" where it is a banner, "no" if not raised."""
    flag = rest[0]

    def urgency(visit: Case) -> str:
        return next((one["urgency"] for one in visit["flags"] if one["id"] == flag), "no")

    return [flag, *_each(case, urgency)]


def _open(what: str, rest: list[str], case: Case) -> list[str]:
    """``open SF-24``: all flags that are open as of the report's date; "none"."""
    return sorted(one["id"] for one in case["open_flags"]) or ["none"]


def _result(what: str, rest: list[str], case: Case) -> list[str]:
    """``masld met``: the result of a classification, visit by visit."""

    def result(visit: Case) -> str:
        found = [one for one in visit["classifications"] if one["id"] == what]
        return (found[0]["result"] or "none") if found else "absent"

    return _each(case, result)


def _planned(what: str, rest: list[str], case: Case) -> list[str]:
    """``CI-03 withholds N2``: which items of the plan something withholds, or changes."""
    key = _OF_THE_PLAN[rest[0]]
    held = {item["id"] for item in case["plan"] if what in item[key]}
    return [rest[0], *(name for name in rest[1:] if name in held)]


def _criteria(what: str, rest: list[str], case: Case) -> list[str]:
    """``criteria metabolic_syndrome 0/5 4/5``: met, and of how many known, visit by visit."""
    name = rest[0]

    def count(visit: Case) -> str:
        found = [one for one in visit["classifications"] if one["id"] == name]
        return f"{found[0]['met']}/{found[0]['known']}" if found else "absent"

    return [name, *_each(case, count)]


def _advises(what: str, rest: list[str], case: Case) -> list[str]:
    """``advises N1 D1``: items of the plan that nothing withholds."""
    advised = {item["id"] for item in case["plan"] if not item["withheld_by"]}
    return [name for name in rest if name in advised]


def _silent(what: str, rest: list[str], case: Case) -> list[str]:
    """``plan-without D2-weight``: items that the plan does not advise."""
    advised = {item["id"] for item in case["plan"] if not item["withheld_by"]}
    return [name for name in rest if name not in advised]


def _amount(what: str, rest: list[str], case: Case) -> list[str]:
    """``amount N6 grams_low 92``: a number of an item of the plan."""
    item, name = rest[:2]
    found = [one["amounts"] for one in case["plan"] if one["id"] == item]
    value = found[0].get(name) if found else None
    return [item, name, "none" if value is None else f"{value:g}"]


def _genotype(what: str, rest: list[str], case: Case) -> list[str]:
    """``genotype rs1801133 AG 1``: the plus strand and the copies; else the reason of neither."""
    found = [one for one in case["genotypes"] if one["rsid"] == rest[0]]
    one = found[0] if found else {"plus": None, "reason": "absent"}
    return [rest[0], *([one["plus"], str(one["copies"])] if one["plus"] else [one["reason"]])]


def _reserves(what: str, rest: list[str], case: Case) -> list[str]:
    """``reserves phase single biotin``: what weakens a phase or flag, over all visits."""
    weakened = rest[0]
    found = {
        one["word"]
        for visit in case["visits"]
        for one in visit["reservations"]
        if one["weakens"] == weakened
    }
    return [weakened, *(word for word in rest[1:] if word in found)]


def _raised_branches(case: Case) -> set[str]:
    raised = (flag for visit in case["visits"] for flag in visit["flags"])
    return {f"{flag['id']} {branch}" for flag in raised for branch in flag["branches"]}


_READERS: dict[str, Callable[[str, list[str], Case], list[str]]] = {
    "phase": _phase,
    "class": _class,
    "confidence": _confidence,
    "signals": _signals,
    "urgency": _urgency,
    "open": _open,
    "criteria": _criteria,
    "advises": _advises,
    "plan-without": _silent,
    "amount": _amount,
    "genotype": _genotype,
    "reserves": _reserves,
}
