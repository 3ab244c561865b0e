"""Middle floor. What an id that a sentence names stands for: a rule in words, and if it is sure.

An id is a limit, a flag (or one of its branches, "SF-01.ogtt"), a phase rule, a definition, a
variant, an advice, a contra-indication, or the variation behind a change ("variation").
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.model import Interpretation, Limit
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import body_of

VARIATION = "variation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A rule behind a sentence: its words, and whether somebody has confirmed it."""

    text: str
    verified: bool


def grounds_of(telling: Telling, id: str) -> tuple[Ground, ...]:
    """Return the rules that ``id`` stands for in this case; none for what is no rule."""
    for find in (_limits, _flag, _phase, _definition, _variant, _advice, _contraindication):
        found = tuple(find(telling, id))
        if found:
            return found
    if id == VARIATION:
        text = telling.language.text("provenance.variation")
        return (Ground(text=text, verified=False),)
    return ()


def _limits(telling: Telling, id: str) -> Iterator[Ground]:
    found = _limits_of(telling).get(id)
    if found is None:
        return
    language, marker = telling.language, found.marker
    name = language.short(marker) if marker in telling.rules.markers else marker
    unit = language.unit(found.unit)
    edge = language.beyond(found) + (f" {unit}" if unit else "")
    text = language.text(
        "provenance.limit",
        set=language.text(f"provenance.sets.{found.set}"),
        marker=name,
        limit=edge,
        source=body_of(telling, found.source),
    )
    yield Ground(text=text, verified=found.verified)


def _limits_of(telling: Telling) -> dict[str, Limit]:
    """Return the limits by id: the rules' own, then those that laboratories printed."""
    known = {limit.id: limit for limit in telling.rules.limits}
    for visit in telling.interpretation.visits:
        for finding in visit.findings:
            known |= {limit.id: limit for few in finding.limits.values() for limit in few}
    return known


def _flag(telling: Telling, id: str) -> Iterator[Ground]:
    rows = [row for row in telling.rules.flags if row.flag == id and row.kind == "branch"]
    held = _held(telling.interpretation, id)
    told = [row for row in rows if row.branch in held] or rows
    if told:
        title = telling.language.text(f"flags.{id}.title")
        sources = dict.fromkeys(one for row in told for one in row.source.split(";"))
        text = telling.language.text(
            "provenance.flag", id=id, title=title, source=body_of(telling, ";".join(sources))
        )
        yield Ground(text=text, verified=all(row.verified for row in told))


def _held(interpretation: Interpretation, id: str) -> set[str]:
    """Return the branches of a flag that held at some visit."""
    flags = [flag for visit in interpretation.visits for flag in visit.flags]
    flags += [flag for one in interpretation.open_flags for _, flag in one.bases]
    return {branch for flag in flags if flag.id == id for branch in flag.branches}


def _phase(telling: Telling, id: str) -> Iterator[Ground]:
    for row in telling.rules.phases:
        if row.rule == id:
            text = telling.language.text(
                "provenance.phase", rule=id, source=body_of(telling, row.source)
            )
            yield Ground(text=text, verified=True)


def _definition(telling: Telling, id: str) -> Iterator[Ground]:
    found = {
        one.id: one for visit in telling.interpretation.visits for one in visit.classifications
    }
    if id in found:
        title = telling.language.text(f"criteria.{id}.title")
        source = body_of(telling, found[id].source)
        text = telling.language.text("provenance.definition", title=title, source=source)
        yield Ground(text=text, verified="UNVERIFIED" not in found[id].source)


def _variant(telling: Telling, id: str) -> Iterator[Ground]:
    variant = telling.rules.genotypes.get(id)
    if variant is not None:
        source = body_of(telling, ";".join(variant.sources))
        text = telling.language.text(
            "provenance.variant", id=id, gene=variant.gene, source=source, grade=variant.evidence
        )
        yield Ground(text=text, verified=variant.verified)


def _advice(telling: Telling, id: str) -> Iterator[Ground]:
    for row in telling.rules.plan:
        if row.id == id:
            source = body_of(telling, row.source)
            text = telling.language.text("provenance.advice", id=id, grade=row.grade, source=source)
            yield Ground(text=text, verified=row.verified)


def _contraindication(telling: Telling, id: str) -> Iterator[Ground]:
    rows = [row for row in telling.rules.contraindications if row.id == id]
    if rows:
        sources = ";".join(dict.fromkeys(row.source for row in rows))
        own = f"plan.reasons.{id}"
        name = telling.language.text(own) if telling.language.has(own) else id
        text = telling.language.text(
            "provenance.contraindication", id=name, source=body_of(telling, sources)
        )
        yield Ground(text=text, verified=all(row.verified for row in rows))
