"""Middle floor. What hangs together at a visit: the rules that hold and the findings they share."""

from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import wrap

from pipeline.language import capitalised
from pipeline.model import Classification, Visit
from pipeline.narrate.context import named
from pipeline.narrate.label import phase_title
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import Weight, weight_of
from pipeline.story import Column, Network, Row, RowGroup, Table

_MOST = 28  # findings that fit on a page
_LINE = 38  # characters of a label
_ENOUGH_OF_PCOS = 2  # criteria: from here on the definition asks to exclude other causes
# What each definition calls an answer that holds; the others say that it does not, or nothing.
_HOLDS: Mapping[str, tuple[str, ...]] = {
    "glycaemia_ada": ("prediabetes", "diabetes"),
    "glycaemia_nhg": ("ifg", "igt", "diabetes"),
    "metabolic_syndrome": ("met",),
    "masld": ("met", "score_fits", "metald", "alcohol"),
    "mafld": ("met", "score_fits"),
    "pcos": ("counted",),
}
_NO_FINDING = ("alcohol_low",)  # a criterion that is met by what is well
_WITHOUT_PHASE = ("insulin_sensitive", "indeterminate")

_Held = Mapping[str, tuple[str, ...]]  # a rule in words, and the findings it rests on


def network(telling: Telling, visit: Visit) -> Network | None:
    """Return which findings tie rules together; None where no finding belongs to two of them."""
    held = _tied(dict(_held(telling, visit)))
    if not held:
        return None
    findings = _drawn(held)
    language = telling.language
    items = [
        language.text("report.figures.network.item", rule=rule, findings=list(found))
        for rule, found in held.items()
    ]
    return Network(
        id=f"network-{visit.date.isoformat()}",
        caption=language.text("report.figures.network.caption", date=visit.date),
        alt=language.text("report.figures.network.alt", items="; ".join(items)),
        findings=tuple(_lines(one) for one in findings),
        rules=tuple(_lines(rule) for rule in held),
        links=tuple(
            (findings.index(one), index)
            for index, found in enumerate(held.values())
            for one in found
            if one in findings
        ),
        table=_table(telling, held),
    )


def _tied(held: _Held) -> _Held:
    """Return the rules that share a finding with another."""
    shared = _shared(held)
    return {rule: found for rule, found in held.items() if shared.intersection(found)}


def _shared(held: _Held) -> set[str]:
    """Return the findings of two rules or more."""
    counted = Counter(one for found in held.values() for one in found)
    return {one for one, rules in counted.items() if rules > 1}


def _drawn(held: _Held) -> list[str]:
    """Return the findings that the picture has room for: all, or those that tie rules together."""
    findings, shared = _in_order(held), _shared(held)
    return findings if len(findings) <= _MOST else [one for one in findings if one in shared]


def _held(telling: Telling, visit: Visit) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the phase, the definitions and the flags that hold, each with what it rests on."""
    language = telling.language
    if visit.phase.id not in _WITHOUT_PHASE:
        yield (
            language.text("phases.callout", title=phase_title(telling, visit)),
            _unique(_of_phase(telling, visit)),
        )
    for one in visit.classifications:
        if _holds(one):
            yield language.text(f"criteria.{one.id}.title"), _unique(_of_definition(telling, one))
    for flag in visit.flags:
        title = language.text(f"flags.{flag.id}.title")
        name = language.text("report.figures.network.flag", id=flag.id, title=title)
        yield name, _unique(named(telling, id) for id in flag.evidence)


def _holds(one: Classification) -> bool:
    enough = one.met >= _ENOUGH_OF_PCOS if one.id == "pcos" else one.met > 0
    return one.result in _HOLDS.get(one.id, ()) and enough


def _of_phase(telling: Telling, visit: Visit) -> Iterator[str]:
    """Yield the values behind a phase that lie beyond a limit, then its supporting signals."""
    excluded = {marker for marker, _ in visit.phase.excluded}
    for marker in visit.phase.present:
        if marker not in excluded and _is_beyond(telling, visit, marker):
            yield named(telling, marker)
    for signal, answer in visit.phase.signals.items():
        if answer:
            yield _criterion(telling, signal)


def _of_definition(telling: Telling, one: Classification) -> Iterator[str]:
    for name, answer in one.criteria.items():
        if answer and name not in _NO_FINDING:
            yield _criterion(telling, name)


def _criterion(telling: Telling, name: str) -> str:
    """Return the name of a criterion or a signal: those of two rules that mean the same are one."""
    own = f"report.figures.network.signals.{name}"
    language = telling.language
    return language.text(own if language.has(own) else f"criteria.names.{name}")


def _is_beyond(telling: Telling, visit: Visit, marker: str) -> bool:
    finding = finding_of(visit, marker)
    return finding is not None and weight_of(telling, finding) is not Weight.NONE


def _unique(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _in_order(held: _Held) -> list[str]:
    """Return the findings so that few links cross: each near the middle of its rules."""
    places: dict[str, list[int]] = {}
    for index, found in enumerate(held.values()):
        for one in found:
            places.setdefault(one, []).append(index)
    return sorted(places, key=lambda one: sum(places[one]) / len(places[one]))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(wrap(capitalised(text), _LINE, break_long_words=False, break_on_hyphens=False))


def _table(telling: Telling, held: _Held) -> Table:
    language = telling.language
    rows = tuple(Row(cells=(rule, language.listing(found))) for rule, found in held.items())
    names = ("rule", "findings")
    return Table(
        caption=language.text("report.figures.network.table"),
        columns=tuple(Column(label=language.text(f"report.figures.network.{x}")) for x in names),
        groups=(RowGroup(title="", rows=rows),),
    )
