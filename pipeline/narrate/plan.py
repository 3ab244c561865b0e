"""Middle floor. The plan in words: what is advised and why, what is not, and what changes it."""

from collections.abc import Iterator

from pipeline.language import Field, Quantity, capitalised
from pipeline.model import PlanItem
from pipeline.narrate.context import named
from pipeline.narrate.label import phase_title
from pipeline.narrate.protein import band, protein
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import value_of
from pipeline.rules.loader import Advice
from pipeline.story import (
    Block,
    Bullets,
    Column,
    Paragraph,
    Row,
    RowGroup,
    Section,
    Sentence,
    Table,
)

_CLASSES = ("I1", "I2", "everyone", "mthfr_aa", "age")


def plan(telling: Telling) -> Section:
    """Return the plan for clinicians: a table, each advice in words, then what is not advised."""
    items = telling.interpretation.plan
    advised = [item for item in items if not item.withheld_by]
    lead = [telling.say("plan.lead", date=telling.last.date), *safety_first(telling, "plan")]
    parts = {
        "advised": [_told(telling, item) for item in advised],
        "withheld": [_withheld(telling, item) for item in items if item.withheld_by],
        "contraindications": [_contraindication(telling, id) for id in holding(telling)],
    }
    blocks: list[Block] = [Paragraph(sentences=tuple(lead))]
    blocks += [_table(telling, advised)] if advised else []
    blocks += [Paragraph(sentences=(one,)) for one in _ask_first(telling)]
    return Section(
        id="plan",
        title=telling.language.text("report.sections.plan"),
        blocks=tuple(blocks) if items else (),
        subsections=tuple(_part(telling, name, told) for name, told in parts.items()),
    )


def _part(telling: Telling, name: str, told: list[Sentence]) -> Section:
    return Section(
        id=f"plan-{name}",
        title=telling.language.text(f"plan.{name}"),
        blocks=(Bullets(items=tuple(told)),) if told else (),
    )


# What stands before all advice.


def safety_first(telling: Telling, texts: str) -> list[Sentence]:
    """Return that open safety flags come before the plan, where there are such."""
    flags = [
        flag.id for flag in telling.interpretation.open_flags if flag.urgency.needs_acknowledgement
    ]
    return [telling.say(f"{texts}.safety_first", by=tuple(flags), flags=flags)] if flags else []


def _ask_first(telling: Telling) -> list[Sentence]:
    """Return what nobody stated and might forbid or change advice that is given, once each."""
    items = telling.interpretation.plan
    unknown = dict.fromkeys(key for x in items if not x.withheld_by for key in x.ask_first)
    if not unknown:
        return []
    return [telling.say("plan.ask_first", facts=[named(telling, key) for key in unknown])]


def holding(telling: Telling) -> list[str]:
    """Return the contra-indications that withhold or change something, in the rules' order."""
    items = telling.interpretation.plan
    found = {id for item in items for id in (*item.withheld_by, *item.changed_by)}
    ids = dict.fromkeys(row.id for row in telling.rules.contraindications)
    return [id for id in ids if id in found]


# One advice.


def _table(telling: Telling, advised: list[PlanItem]) -> Table:
    language = telling.language
    areas: dict[str, list[Row]] = {}
    for item in advised:
        areas.setdefault(advice_of(telling, item).area, []).append(_row(telling, item))
    columns = ("advice", "why", "grade", "changed")
    return Table(
        caption=language.text("plan.caption"),
        columns=tuple(Column(label=language.text(f"plan.columns.{name}")) for name in columns),
        groups=tuple(
            RowGroup(title=language.text(f"plan.areas.{area}"), rows=tuple(rows))
            for area, rows in areas.items()
        ),
        note=" ".join(language.text(f"plan.grades.{grade}") for grade in _grades(advised)),
    )


def _grades(advised: list[PlanItem]) -> list[str]:
    return sorted({item.grade for item in advised})


def _row(telling: Telling, item: PlanItem) -> Row:
    changed = [_reason(telling, id) for id in item.changed_by]
    cells = (advice_title(telling, item), _why(telling, item), item.grade, ", ".join(changed))
    markers = tuple(name for name in item.because if name in telling.rules.markers)
    return Row(cells=cells, markers=markers, rows=item.rows)


def advice_quoted(telling: Telling, item: PlanItem) -> str:
    """Return the title of an advice as it is named in a sentence: titles may hold commas."""
    return telling.language.text("plan.quoted", title=capitalised(advice_title(telling, item)))


def advice_title(telling: Telling, item: PlanItem) -> str:
    """Return the name of an advice."""
    return telling.language.text(f"plan.items.{item.id}.title", **_amounts(telling, item))


def _reason(telling: Telling, id: str) -> str:
    """Return the name of a contra-indication: its own id, or a word for it."""
    key = f"plan.reasons.{id}"
    return telling.language.text(key) if telling.language.has(key) else id


def advice_of(telling: Telling, item: PlanItem) -> Advice:
    """Return the row of the rules behind an item of the plan."""
    return next(row for row in telling.rules.plan if row.id == item.id)


def _why(telling: Telling, item: PlanItem) -> str:
    if advice_of(telling, item).instead_of:
        ids = [_reason(telling, id) for id in item.because]
        return telling.language.text("plan.why.instead", ids=ids)
    return telling.language.listing([_because(telling, name) for name in item.because])


def measured(telling: Telling, name: str) -> str:
    """Return a marker with its value at the last visit; "" where it was not measured then."""
    finding = finding_of(telling.last, name)
    if finding is None:
        return ""
    value = value_of(telling, telling.last, finding)
    marker = telling.language.short(name)
    return telling.language.text("plan.why.measured", marker=marker, value=value)


def _because(telling: Telling, name: str) -> str:
    """Return one reason: a value as it was measured, a class, or a fact."""
    language, value = telling.language, measured(telling, name)
    if value:
        return value
    if name.startswith("phase-"):
        return language.text("plan.why.phase", phase=phase_title(telling, telling.last))
    return language.text(f"plan.why.{name}") if name in _CLASSES else named(telling, name)


def _told(telling: Telling, item: PlanItem) -> Sentence:
    """Return an advice in words: what, what changes it, its grade, and how guidelines see it."""
    language = telling.language
    texts = [
        language.text(
            "plan.item", title=advice_title(telling, item), advice=advice_text(telling, item)
        ),
        *changes_told(telling, item, "changed"),
        *protein(telling, item),
        language.text(f"plan.grades.{item.grade}"),
        language.text("plan.view", view=language.text(f"plan.items.{item.id}.view")),
    ]
    return Sentence(
        text=" ".join(texts),
        key=f"plan.items.{item.id}",
        rules=(item.id, *item.changed_by),
        markers=tuple(name for name in item.because if name in telling.rules.markers),
        rows=item.rows,
    )


def advice_text(telling: Telling, item: PlanItem, audience: str = "clinician") -> str:
    """Return the advice itself; without its numbers where they are not known."""
    key, amounts = f"plan.items.{item.id}.{audience}", _amounts(telling, item)
    bare = f"{key}_bare"
    if telling.language.has(bare) and "low" not in amounts and "per_kg" not in amounts:
        key = bare
    return telling.language.text(key, **amounts)


def changes_told(telling: Telling, item: PlanItem, how: str) -> Iterator[str]:
    """Yield the words of each change; those that need a number which is not given are left out."""
    amounts = _amounts(telling, item)
    for id in item.changed_by:
        key = f"plan.items.{item.id}.{how}_{id}"
        if telling.language.has(key) and telling.language.needs(key) <= amounts.keys():
            yield telling.language.text(key, **amounts)


def _amounts(telling: Telling, item: PlanItem) -> dict[str, Field]:
    """Return the numbers of an advice as fields; of protein also its band in one."""
    fields: dict[str, Field] = {name: Quantity.exact(x) for name, x in item.amounts.items()}
    if "per_kg_low" in item.amounts:
        fields["per_kg"] = band(telling, item.amounts, "per_kg_")
    return fields


def _withheld(telling: Telling, item: PlanItem) -> Sentence:
    reasons = dict.fromkeys(_reason(telling, id) for id in item.withheld_by)
    return telling.say(
        "plan.withheld_item",
        by=(item.id, *item.withheld_by),
        rows=item.rows,
        title=advice_title(telling, item),
        reasons=[*reasons],
    )


def _contraindication(telling: Telling, id: str) -> Sentence:
    key = "plan.open_flag" if id.startswith("SF-") else "plan.contraindication"
    text = telling.language.text(f"plan.ci.{id}.clinician")
    return telling.say(key, by=(id,), id=capitalised(_reason(telling, id)), text=text)
