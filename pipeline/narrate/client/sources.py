"""Middle floor. Where each limit of a client's results comes from, in one table."""

from collections.abc import Iterator, Sequence

from pipeline.language import capitalised
from pipeline.model import Finding, Limit, LimitSet
from pipeline.narrate.client.limits import (
    alarm_in_words,
    guideline_beyond,
    limits_hold,
    limits_in_words,
    usual_limits,
)
from pipeline.narrate.telling import Telling
from pipeline.narrate.values import body_of
from pipeline.story import Block, Bullets, Column, Row, RowGroup, Section, Table

_TOLD = ("sources", "lab_first", "typical", "targets")
_COLUMNS = ("result", "usual", "target", "doctor")
_OF_NOBODY = ("UNVERIFIED", "")  # the author's own knowledge


def sources(telling: Telling) -> Section:
    """Return where limits come from, then of each result its limits with whose they are."""
    blocks: tuple[Block, ...] = (
        Bullets(items=tuple(telling.say(f"client.{key}") for key in _TOLD)),
        *_tables(telling),
    )
    return Section(
        id="sources", title=telling.language.text("client.sections.sources"), blocks=blocks
    )


def _tables(telling: Telling) -> Iterator[Table]:
    groups = tuple(_groups(telling))
    if groups:
        language = telling.language
        yield Table(
            caption=language.text("client.origins.caption"),
            columns=tuple(
                Column(label=language.text(f"client.origins.{name}")) for name in _COLUMNS
            ),
            groups=groups,
            dense=True,
        )


def _groups(telling: Telling) -> Iterator[RowGroup]:
    """Yield the results of each theme that have limits which hold for this person."""
    for domain, findings in telling.by_domain(telling.last.findings):
        held = [one for one in findings if limits_hold(telling, one)]
        rows = tuple(row for one in held for row in _rows(telling, one))
        if rows:
            yield RowGroup(title=telling.language.text(f"client.themes.{domain}"), rows=rows)


def _rows(telling: Telling, finding: Finding) -> Iterator[Row]:
    """Yield the row of a result; none where only what is plausible is known of it."""
    usual = (*usual_limits(finding)[1], *guideline_beyond(telling, finding))
    target = finding.limits.get(LimitSet.FUNCTIONAL, ())
    doctor = finding.limits.get(LimitSet.REFER, ())
    if usual or target or doctor:
        yield Row(
            cells=(
                _name(telling, finding),
                _told(telling, finding, usual),
                _told(telling, finding, target),
                "; ".join(
                    _whose(telling, alarm_in_words(telling, (x,), finding), (x,)) for x in doctor
                ),
            ),
            rules=tuple(limit.id for limit in (*usual, *target, *doctor)),
            markers=(finding.marker,),
        )


def _name(telling: Telling, finding: Finding) -> str:
    """Return a result by name, with the unit of its limits."""
    language, unit = telling.language, telling.language.unit(finding.unit)
    name = capitalised(language.short(finding.marker))
    return language.text("client.origins.name", marker=name, unit=unit) if unit else name


def _told(telling: Telling, finding: Finding, limits: tuple[Limit, ...]) -> str:
    """Return limits in words, those of one source together."""
    by_source: dict[str, list[Limit]] = {}
    for limit in limits:
        by_source.setdefault(limit.source, []).append(limit)
    return "; ".join(
        _whose(telling, limits_in_words(telling, tuple(few), finding), tuple(few))
        for few in by_source.values()
    )


def _whose(telling: Telling, told: str, limits: tuple[Limit, ...]) -> str:
    """Return limits with whose they are; a dagger where nobody has confirmed one."""
    language = telling.language
    sure = all(limit.verified for limit in limits)
    whose = _body(telling, [id for id in limits[0].source.split(";") if id not in _OF_NOBODY])
    return language.text("client.origins.cell", limits=told, whose=f"{whose}{'' if sure else '†'}")


def _body(telling: Telling, sources: Sequence[str]) -> str:
    """Return whose a limit is by name; of a study that has none that it is from research."""
    named = [id for id in sources if telling.language.has(f"report.bodies.{id}")]
    if named:
        return body_of(telling, ";".join(named))
    return telling.language.text(f"client.origins.{'research' if sources else 'general'}")
