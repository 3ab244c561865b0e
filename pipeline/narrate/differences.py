"""Middle floor. Where this practice and the guidelines differ, side by side, never as one number.

Source: specification, section 12. Both numbers come from rows of the rules; a target that is passed
is a point of attention, whatever the guideline says.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.language import Field, Quantity
from pipeline.model import Limit, LimitSet
from pipeline.narrate.telling import Telling
from pipeline.story import Column, Row, RowGroup, Section, Table

_COLUMNS = ("subject", "practice", "guideline", "reading")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """One row of the table: what calls for it, and which rows hold its numbers."""

    id: str
    markers: tuple[str, ...] = ()  # called for where one of these was measured
    domains: tuple[str, ...] = ()  # or a marker of these
    advice: tuple[str, ...] = ()  # or one of these is in the plan
    limits: tuple[str, ...] = ()  # fields of its text, by the id of the limit
    amounts: str = ""  # or by the name of an amount of this advice


_SUBJECTS = (
    _Subject(
        id="homa_ir",
        markers=("homa_ir",),
        limits=("i2-homa", "homa-ir-elsa", "homa-ir-ascaso", "homa-ir-brams", "homa2-ir-brams"),
    ),
    _Subject(
        id="insulin_fasting", markers=("insulin_fasting",), limits=("insulin-fasting-ascaso",)
    ),
    _Subject(id="hba1c", markers=("hba1c",), limits=("hba1c-ada",)),
    _Subject(
        id="tg_hdl_molar",
        markers=("tg_hdl_molar",),
        limits=("tg-hdl-literature", "tg-hdl-mass-guideline-high"),
    ),
    _Subject(
        id="hs_crp",
        markers=("hs_crp",),
        limits=("hs-crp-average", "hs-crp-high", "mafld-hs-crp"),
    ),
    _Subject(id="homocysteine", markers=("homocysteine",), limits=("homocysteine-laboratories",)),
    _Subject(
        id="apob",
        markers=("apob",),
        limits=("apob-goal-moderate-risk", "apob-goal-high-risk", "apob-goal-very-high-risk"),
    ),
    _Subject(id="cortisol_serum_am", markers=("cortisol_serum_am",)),
    _Subject(id="rt3", markers=("rt3", "ft3_rt3")),
    _Subject(id="zonulin", markers=("zonulin_serum", "zonulin_stool")),
    _Subject(id="gut", domains=("gut",)),
    _Subject(id="organic_acid", domains=("organic_acid",)),
    _Subject(id="genotypes"),
    _Subject(id="cgm", domains=("cgm",)),
    _Subject(id="gluten_dairy", advice=("N4-gluten", "N4-dairy")),
    _Subject(id="protein", advice=("N6",), amounts="N6"),
)
_ZONULIN = frozenset(("zonulin_serum", "zonulin_stool"))  # of the gut domain, with a row of its own


def differences(telling: Telling) -> Section:
    """Return a row for each subject of which something was measured or advised in this case."""
    called = [one for one in _SUBJECTS if _is_called_for(telling, one)]
    return Section(
        id="differences",
        title=telling.language.text("differences.title"),
        blocks=(_table(telling, called),) if called else (),
    )


def _is_called_for(telling: Telling, subject: _Subject) -> bool:
    found = telling.interpretation
    if subject.id == "genotypes":
        return bool(found.genotypes)
    return bool(_measured(telling, subject)) or any(x.id in subject.advice for x in found.plan)


def _measured(telling: Telling, subject: _Subject) -> tuple[str, ...]:
    """Return the markers of a subject that some visit has, in the order of the catalogue."""
    seen = {one.marker for visit in telling.interpretation.visits for one in visit.findings}
    others = _ZONULIN if subject.domains == ("gut",) else frozenset()
    return tuple(
        marker.id
        for marker in telling.rules.markers.values()
        if marker.id in seen - others
        and (marker.id in subject.markers or marker.domain in subject.domains)
    )


def _table(telling: Telling, called: list[_Subject]) -> Table:
    language = telling.language
    return Table(
        caption=language.text("differences.caption"),
        columns=tuple(
            Column(label=language.text(f"differences.columns.{name}")) for name in _COLUMNS
        ),
        groups=(RowGroup(title="", rows=tuple(_row(telling, one) for one in called)),),
        note=language.text("differences.note"),
    )


def _row(telling: Telling, subject: _Subject) -> Row:
    language, fields = telling.language, _fields(telling, subject)
    told = (language.text(f"differences.{subject.id}.{name}", **fields) for name in _COLUMNS[1:])
    own = f"differences.subjects.{subject.id}"
    name = language.text(own) if language.has(own) else language.marker(subject.id)
    return Row(cells=(name, *told), markers=_measured(telling, subject))


def _fields(telling: Telling, subject: _Subject) -> Mapping[str, Field]:
    """Return what the texts of a subject name: limits as they are crossed, with their unit."""
    marker = subject.markers[0] if subject.markers else ""
    named = [limit for name in subject.limits for limit in telling.rules.limits_named(name)]
    amounts = [one for one in telling.rules.amounts if one.advice == subject.amounts]
    return {
        "target": _target(telling, marker),
        "interval": _interval(telling, marker),
        **{limit.id.replace("-", "_"): _beyond(telling, limit) for limit in named},
        **{one.name: Quantity.exact(one.value, one.unit) for one in amounts},
    }


def _beyond(telling: Telling, limit: Limit) -> str:
    unit = telling.language.unit(limit.unit)
    return "\N{NO-BREAK SPACE}".join(
        part for part in (telling.language.beyond(limit), unit) if part
    )


def _target(telling: Telling, marker: str) -> str:
    """Return the practice's target, as it is passed; in words where the practice has none."""
    limits = telling.rules.all_limits_of(marker, LimitSet.FUNCTIONAL)
    told = "; ".join(_beyond(telling, limit) for limit in limits)
    return told or telling.language.text("differences.no_number")


def _interval(telling: Telling, marker: str) -> str:
    """Return the interval that the last value of a marker was held against, with its unit."""
    language = telling.language
    for visit in reversed(telling.interpretation.visits):
        for finding in visit.findings:
            if finding.marker == marker and LimitSet.REFERENCE in finding.limits:
                printed = language.interval(finding.limits[LimitSet.REFERENCE])
                return f"{printed}\N{NO-BREAK SPACE}{language.unit(finding.unit)}"
    return language.text("differences.no_interval")
