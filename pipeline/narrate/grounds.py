"""Middle floor. What an id that a sentence names stands for: a rule in words, and if it is sure.

An id is a limit, a flag, a phase rule, a definition, a variant, an advice, a contra-indication, or
the variation behind a change (``VARIATION``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.language import NO_BREAK_SPACE, Quantity
from pipeline.model import Finding, Flag, Limit
from pipeline.narrate.crossing import crossed_of
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import body_of
from pipeline.rules.loader import FlagBranch
from pipeline.story import Sentence

VARIATION = "variation"
_VARIATION_SOURCE = "specification-14"
_OWN_KNOWLEDGE = "UNVERIFIED"
_OF_A_FLAG = "flags.{id}."  # what the key of a sentence holds that speaks of one flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A rule behind a sentence: of which kind, its words, and whether somebody has confirmed it."""

    kind: str  # a key of provenance.kinds
    text: str
    verified: bool
    short: str = ""  # for a list, where its name is told elsewhere


def grounds_of(telling: Telling, sentence: Sentence) -> tuple[Ground, ...]:
    """Return the rules that decided a sentence, once each."""
    found = (ground for id in sentence.rules for ground in _of_id(telling, id, sentence))
    return tuple(dict.fromkeys(found))


def limit_grounds(telling: Telling, id: str) -> Iterator[Ground]:
    """Yield the limit of an id, as it is crossed, with whose it is and its source."""
    limit = telling.limits.get(id)
    if limit is not None:
        yield _of_limit(telling, limit)


def _of_id(telling: Telling, id: str, sentence: Sentence) -> tuple[Ground, ...]:
    """Return what an id stands for; a flag that bears a contra-indication's id is the flag."""
    if id == VARIATION:
        return tuple(_variation(telling, sentence))
    kinds = (
        limit_grounds(telling, id),
        _flag(telling, id, sentence.key),
        _phase(telling, id, sentence),
        _definition(telling, id),
        _variant(telling, id),
        _advice(telling, id),
        _contraindication(telling, id),
    )
    return next((found for kind in kinds if (found := tuple(kind))), ())


# Limits.


def _of_limit(telling: Telling, limit: Limit) -> Ground:
    language, marker = telling.language, limit.marker
    name = language.short(marker) if marker in telling.rules.markers else marker
    text = language.text(
        "provenance.limit",
        marker=name,
        limit=f"{language.beyond(limit)}{NO_BREAK_SPACE}{language.unit(limit.unit)}".rstrip(),
        source=_source(telling, limit.source),
    )
    return Ground(kind=limit.set, text=text, verified=limit.verified)


def _source(telling: Telling, source: str) -> str:
    """Return the short names of sources; of an author's own knowledge only where it is all."""
    named = [id for id in source.split(";") if id != _OWN_KNOWLEDGE]
    if not named:
        return telling.language.text("provenance.own_knowledge")
    return body_of(telling, ";".join(named))


# Safety flags.


def _flag(telling: Telling, id: str, key: str) -> Iterator[Ground]:
    """Yield a flag; of a sentence that speaks of it alone also the limits behind what held."""
    rows = [row for row in telling.rules.flags if row.flag == id and row.kind == "branch"]
    told = _told_branches(telling, rows, key)
    if not told:
        return
    sources = dict.fromkeys(one for row in told for one in row.source.split(";"))
    source = _source(telling, ";".join(sources))
    short = telling.language.text("provenance.flag_short", id=id, source=source)
    text = short  # of one that was never raised the title would only frighten
    if any(_flags(telling, rows)):
        title = telling.language.text(f"flags.{id}.title")
        text = telling.language.text("provenance.flag", id=id, title=title, source=source)
    verified = all(row.verified for row in told)
    yield Ground(kind="flag", text=text, short=short, verified=verified)
    if _OF_A_FLAG.format(id=id) in key:
        limits = (limit for row in told for limit in limits_of_branch(telling, row))
        yield from (_of_limit(telling, limit) for limit in dict.fromkeys(limits))


def _told_branches(telling: Telling, rows: list[FlagBranch], key: str) -> list[FlagBranch]:
    """Return the branch that a sentence speaks of, else those that held, else all."""
    word = key.rpartition(".")[2]
    named = [row for row in rows if f"{word}_".startswith(f"{row.branch}_")]
    if named and ".action" not in key:
        return [max(named, key=lambda row: len(row.branch))]
    held = {branch for flag in _flags(telling, rows) for branch in flag.branches}
    return [row for row in rows if row.branch in held] or rows


def _flags(telling: Telling, rows: list[FlagBranch]) -> Iterator[Flag]:
    """Yield the flag of these rows each time it was raised or is still open."""
    ids = {row.flag for row in rows}
    for visit in telling.interpretation.visits:
        yield from (flag for flag in visit.flags if flag.id in ids)
    for one in telling.interpretation.open_flags:
        yield from (flag for _, flag in one.bases if one.id in ids)


def limits_of_branch(telling: Telling, row: FlagBranch) -> Iterator[Limit]:
    """Yield the limit of a branch that is one comparison; of another its own words tell it."""
    sex = telling.interpretation.case.sex
    if row.limit:
        yield from (x for x in telling.rules.limits_named(row.limit) if x.sex in (None, sex))


# The phase.


def _phase(telling: Telling, id: str, sentence: Sentence) -> Iterator[Ground]:
    """Yield a phase rule, and the limits of its classes that the values lie beyond."""
    for row in telling.rules.phases:
        if row.rule == id:
            source = _source(telling, row.source)
            text = telling.language.text("provenance.phase", rule=id, source=source)
            yield Ground(kind="phase", text=text, verified=True)
            limits = dict.fromkeys(_class_limits(telling, sentence))
            yield from (_of_limit(telling, limit) for limit in limits)


def _class_limits(telling: Telling, sentence: Sentence) -> Iterator[Limit]:
    for visit in telling.interpretation.visits:
        behind = [one for one in visit.findings if is_behind(one, sentence)]
        classes = (visit.phase.g_class, visit.phase.i_class)
        starts = tuple(f"{name.lower()}-" for name in classes)
        own = [x for x in telling.rules.limits if x.id.startswith(starts)]
        for one in behind:
            yield from crossed_of(one, (x for x in own if x.marker == one.marker))


def is_behind(finding: Finding, sentence: Sentence) -> bool:
    """Return whether a sentence rests on a finding: it names its marker, and all of its rows."""
    named = finding.marker in sentence.markers
    return named and bool(finding.rows) and set(sentence.rows).issuperset(finding.rows)


# Definitions, variants, the plan, the variation of markers.


def _definition(telling: Telling, id: str) -> Iterator[Ground]:
    found = {
        one.id: one for visit in telling.interpretation.visits for one in visit.classifications
    }
    if id in found:
        title = telling.language.text(f"criteria.{id}.title")
        source = _source(telling, found[id].source)
        text = telling.language.text("provenance.definition", title=title, source=source)
        verified = _OWN_KNOWLEDGE not in found[id].source
        yield Ground(kind="definition", text=text, verified=verified)


def _variant(telling: Telling, id: str) -> Iterator[Ground]:
    variant = telling.rules.genotypes.get(id)
    if variant is not None:
        source = _source(telling, ";".join(variant.sources))
        text = telling.language.text(
            "provenance.variant", id=id, gene=variant.gene, source=source, grade=variant.evidence
        )
        yield Ground(kind="variant", text=text, verified=variant.verified)


def _advice(telling: Telling, id: str) -> Iterator[Ground]:
    for row in telling.rules.plan:
        if row.id == id:
            source = _source(telling, row.source)
            text = telling.language.text("provenance.advice", id=id, grade=row.grade, source=source)
            yield Ground(kind="advice", text=text, verified=row.verified)


def _contraindication(telling: Telling, id: str) -> Iterator[Ground]:
    rows = [row for row in telling.rules.contraindications if row.id == id]
    if rows:
        sources = ";".join(dict.fromkeys(row.source for row in rows))
        own = f"plan.reasons.{id}"
        name = telling.language.text(own) if telling.language.has(own) else id
        text = telling.language.text(
            "provenance.contraindication", id=name, source=_source(telling, sources)
        )
        verified = all(row.verified for row in rows)
        yield Ground(kind="contraindication", text=text, verified=verified)


def _variation(telling: Telling, sentence: Sentence) -> Iterator[Ground]:
    """Yield how much each marker varies within a person, which nobody has confirmed yet."""
    source = _source(telling, _VARIATION_SOURCE)
    for id in dict.fromkeys(sentence.markers):
        marker = telling.rules.markers.get(id)
        if marker is not None and marker.cv_i is not None:
            text = telling.language.text(
                "provenance.variation",
                marker=telling.language.short(id),
                cv=Quantity.exact(marker.cv_i, "%"),
                source=source,
            )
            yield Ground(kind=VARIATION, text=text, verified=False)
