"""Middle floor. How it was done: formulas, limits and their sources, remarks, versions, purpose."""

from collections.abc import Mapping
from typing import Any

from pipeline.model import Finding, Limit, LimitSet
from pipeline.narrate.origin import origin_table
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import body_of
from pipeline.rules.targets import is_of_practice
from pipeline.story import (
    Bullets,
    Column,
    Facts,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Table,
)

_ALWAYS = ("functional", "comparison", "insulin_unit", "change", "phase", "unverified")
# A remark that belongs to markers: it is printed where one of them was measured or computed.
_REMARKS = {
    "homa": ("homa_ir",),
    "homa_b": ("homa_b",),
    "tg_hdl": ("tg_hdl_molar",),
    "tyg": ("tyg",),
    "ldl": ("ldl",),
    "gmi": ("gmi",),
    "hba1c": ("hba1c",),
    "fib4": ("fib4",),
    "waist": ("waist",),
    "matsuda": ("matsuda",),
    "cgm": ("cgm_mean", "cgm_cv", "cgm_tbr", "cgm_titr"),
}
# Of these, what says something of the built-in target, and so not of a practice's own.
_OF_TARGETS = {name: _REMARKS[name] for name in ("homa", "tg_hdl", "hba1c")}
_SETS = (
    LimitSet.REFERENCE,
    LimitSet.GUIDELINE,
    LimitSet.FUNCTIONAL,
    LimitSet.REFER,
    LimitSet.CRITICAL,
)


def methods(telling: Telling) -> Section:
    """Return the appendix of the report."""
    parts = (
        ("formulas", (_formula_table(telling),)),
        ("limits", (_limit_table(telling),)),
        ("origin", (origin_table(telling),)),
        ("remarks", (_remarks(telling),)),
        ("sources", (_source_table(telling),)),
        ("use", (_use(telling), _versions(telling))),
    )
    language = telling.language
    return Section(
        id="methods",
        title=language.text("report.sections.methods"),
        subsections=tuple(
            Section(
                id=f"methods-{name}",
                title=language.text(f"report.sections.methods_{name}"),
                blocks=tuple(block for block in blocks if block),
            )
            for name, blocks in parts
        ),
    )


def _findings(telling: Telling) -> list[Finding]:
    return [finding for visit in telling.interpretation.visits for finding in visit.findings]


def _formula_table(telling: Telling) -> Table | None:
    """Return the formula of every computed marker that the report prints."""
    language = telling.language
    computed = {one.marker for one in _findings(telling) if _is_computed(telling, one)}
    rows = tuple(
        Row(
            cells=(language.marker(id), language.text(f"methods.formulas.{id}")),
            markers=(id,),
        )
        for id in telling.rules.markers
        if id in computed and language.has(f"methods.formulas.{id}")
    )
    if not rows:
        return None
    return Table(
        caption=language.text("methods.captions.formulas"),
        columns=tuple(_columns(telling, ("marker", "formula"))),
        groups=(RowGroup(title="", rows=rows),),
    )


def _is_computed(telling: Telling, finding: Finding) -> bool:
    marker = telling.rules.markers[finding.marker]
    return marker.kind == "computed" or (marker.id == "ldl" and finding.reported is None)


def _limit_table(telling: Telling) -> Table | None:
    """Return the limits that each marker of the report was held against, with their sources."""
    language = telling.language
    judged = tuple({one.marker: one for one in _findings(telling) if one.limits}.values())
    if not judged:
        return None
    columns = ("marker", *(f"set_{set}" for set in _SETS))
    return Table(
        caption=language.text("methods.captions.limits"),
        columns=tuple(_columns(telling, columns)),
        groups=tuple(
            RowGroup(
                title=language.text(f"report.domains.{domain}"),
                rows=tuple(_limit_row(telling, finding) for finding in findings),
            )
            for domain, findings in telling.by_domain(judged)
        ),
        note=language.text("methods.captions.limits_note"),
        dense=True,
    )


def _limit_row(telling: Telling, finding: Finding) -> Row:
    cells = (_limit_cell(telling, finding, set) for set in _SETS)
    return Row(cells=(telling.language.marker(finding.marker), *cells), markers=(finding.marker,))


def _limit_cell(telling: Telling, finding: Finding, set: LimitSet) -> str:
    """Return each limit as it is crossed, a dagger where unverified; behind them their source."""
    told: dict[str, list[str]] = {}
    for limit in finding.limits.get(set, ()):
        dagger = "" if limit.verified else "†"
        told.setdefault(body_of(telling, limit.source), []).append(
            telling.language.beyond(limit) + dagger
        )
    return "; ".join(f"{'; '.join(limits)} [{source}]" for source, limits in told.items())


def _remarks(telling: Telling) -> Bullets:
    """Return the remarks that hold always, then those that the markers of this report call for."""
    measured = {finding.marker for finding in _findings(telling)}
    called = [name for name, markers in _REMARKS.items() if measured.intersection(markers)]
    if own := _own_targets(telling):
        called = [name for name in called if not own.intersection(_OF_TARGETS.get(name, ()))]
    if any("ethnicity" in visit.unknown for visit in telling.interpretation.visits):
        called.append("ethnicity")
    keys = (f"methods.remarks.{name}" for name in (*_ALWAYS, *called))
    items = [telling.say(key) for key in keys]
    if own:
        named = [telling.language.short(id) for id in telling.rules.markers if id in own]
        items.append(telling.say("methods.own_targets", items=named))
    return Bullets(items=tuple(items))


def _own_targets(telling: Telling) -> set[str]:
    """Return the markers of this report for which the practice set a target of its own."""
    limits = [limit for one in _findings(telling) for limit in _targets(one)]
    return {limit.marker for limit in limits if is_of_practice(limit)}


def _targets(finding: Finding) -> tuple[Limit, ...]:
    return finding.limits.get(LimitSet.FUNCTIONAL, ())


def _source_table(telling: Telling) -> Table:
    """Return each source that the report names, with what stands behind the name."""
    limits = [limit for one in _findings(telling) for set in one.limits.values() for limit in set]
    ids = {id for limit in limits for id in limit.source.split(";")}
    ids |= {id for one in _findings(telling) for source in one.sources for id in source.split(";")}
    told: dict[str, list[str]] = {}
    for id in (id for id in telling.rules.sources if id in ids):
        told.setdefault(body_of(telling, id), []).append(_citation(telling, id))
    rows = tuple(Row(cells=(name, "; ".join(citations))) for name, citations in told.items())
    rows += tuple(
        _own_source(telling, row) for row in telling.rules.targets if row.get("source") in ids
    )
    return Table(
        caption=telling.language.text("methods.captions.sources"),
        columns=tuple(_columns(telling, ("source", "citation"))),
        groups=(RowGroup(title="", rows=rows),),
    )


def _citation(telling: Telling, id: str) -> str:
    """Return what stands behind a source; of our own in the language of the report."""
    own, _, section = id.partition("-")
    key = f"methods.citations.{own}"
    if telling.language.has(key):
        return telling.language.text(key, section=section)
    return telling.rules.sources[id]


def _own_source(telling: Telling, row: Mapping[str, Any]) -> Row:
    """Return what the practice says of its own target: whose it is, and why."""
    told = [row[key] for key in ("author", "note") if row.get(key)]
    name = telling.language.short(row["marker"])
    citation = telling.language.text("methods.own_target", marker=name)
    return Row(cells=(row["source"], ". ".join([citation, *told])), markers=(row["marker"],))


def _use(telling: Telling) -> Paragraph:
    keys = telling.language.keys("methods.use")
    sentences: tuple[Sentence, ...] = tuple(telling.say(f"methods.use.{key}") for key in keys)
    return Paragraph(sentences=sentences)


def _versions(telling: Telling) -> Facts:
    return Facts(pairs=tuple(sorted(telling.interpretation.versions.items())))


def _columns(telling: Telling, names: tuple[str, ...]) -> list[Column]:
    return [Column(label=telling.language.text(f"report.columns.{name}")) for name in names]
