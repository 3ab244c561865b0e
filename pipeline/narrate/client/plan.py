"""Middle floor. The plan for the client: by theme, each advice with its reason and its proof."""

from collections.abc import Iterator, Sequence

from pipeline.model import PlanItem
from pipeline.narrate.context import named
from pipeline.narrate.plan import (
    advice_of,
    advice_quoted,
    advice_text,
    advice_title,
    changes_told,
    holding,
    measured,
    safety_first,
)
from pipeline.narrate.protein import protein
from pipeline.narrate.telling import Telling
from pipeline.story import Bullets, Paragraph, Section, Sentence, Step, Steps

THEMES = ("food", "movement", "sleep", "calm", "liver_gut", "vitamins")


def plan(telling: Telling) -> Section:
    """Return what is advised, a part for each theme, then what to mind and what is left out."""
    items = [item for item in telling.interpretation.plan if not item.withheld_by]
    lead = (
        telling.say("plan.client.lead", date=telling.last.date),
        *safety_first(telling, "plan.client"),
    )
    parts = [(theme, _of_theme(telling, items, theme)) for theme in THEMES]
    return Section(
        id="plan",
        title=telling.language.text("plan.client.title"),
        blocks=(Paragraph(sentences=lead),) if items else (),
        subsections=(
            *(_part(telling, theme, own) for theme, own in parts if own),
            _attention(telling),
        ),
    )


def first_steps(telling: Telling, count: int) -> list[PlanItem]:
    """Return the best proved advice, of each theme at most one, in the order of the themes."""
    items = [item for item in telling.interpretation.plan if not item.withheld_by]
    best = [
        min(own, key=lambda item: item.grade)
        for theme in THEMES
        if (own := _of_theme(telling, items, theme))
    ]
    chosen = sorted(best, key=lambda item: item.grade)[:count]
    return [item for item in best if item in chosen]


def _of_theme(telling: Telling, items: Sequence[PlanItem], theme: str) -> list[PlanItem]:
    return [item for item in items if advice_of(telling, item).theme == theme]


def _part(telling: Telling, theme: str, items: Sequence[PlanItem]) -> Section:
    return Section(
        id=f"plan-{theme}",
        title=telling.language.text(f"plan.client.themes.{theme}"),
        blocks=(Steps(items=tuple(_step(telling, item) for item in items)),),
    )


def _step(telling: Telling, item: PlanItem) -> Step:
    """Return one advice: what to do, why, and how well it is studied."""
    reasons = list(dict.fromkeys(_reasons(telling, item)))
    said = [
        advice_text(telling, item, "client"),
        *changes_told(telling, item, "client"),
        *protein(telling, item, plainly=True),
    ]
    return Step(
        title=advice_title(telling, item),
        sentence=Sentence(
            text=" ".join(said),
            key=f"plan.items.{item.id}.client",
            rules=(item.id, *item.changed_by),
            rows=item.rows,
        ),
        because=telling.say("plan.client.because", reasons=reasons) if reasons else None,
        proof=telling.say(f"plan.client.proof.{item.grade}"),
    )


def _reasons(telling: Telling, item: PlanItem) -> Iterator[str]:
    """Yield why an advice is given; one in the place of another rests on what forbids that."""
    if advice_of(telling, item).instead_of:
        yield telling.language.text("plan.client.why.instead")
    else:
        yield from (_reason(telling, name) for name in item.because)


def _reason(telling: Telling, name: str) -> str:
    """Return one reason in plain words: a value as it was measured, or a fact."""
    language, value = telling.language, measured(telling, name)
    if value:
        return value
    word = "phase" if name.startswith("phase-") else name
    own = f"plan.client.why.{word}"
    return language.text(own) if language.has(own) else named(telling, name)


def _attention(telling: Telling) -> Section:
    """Return what a client must mind, each with what is therefore not in the plan."""
    said = {one.text: one for one in _minded(telling)}
    return Section(
        id="plan-attention",
        title=telling.language.text("plan.client.attention"),
        blocks=(Bullets(items=tuple(said.values())),) if said else (),
    )


def _minded(telling: Telling) -> Iterator[Sentence]:
    """Yield the words of each contra-indication that has some for a client.

    What several forbid is named once, beside the first of them.
    """
    named_before: set[str] = set()
    for id in holding(telling):
        key = f"plan.ci.{id}.client"
        if not telling.language.has(key):
            continue
        withheld = [
            item
            for item in telling.interpretation.plan
            if id in item.withheld_by and item.id not in named_before
        ]
        named_before.update(item.id for item in withheld)
        yield _with_withheld(telling, telling.say(key, by=(id,)), withheld)


def _with_withheld(telling: Telling, said: Sentence, withheld: Sequence[PlanItem]) -> Sentence:
    """Return a warning and, behind it, the advice that it keeps out of the plan."""
    if not withheld:
        return said
    quoted = [advice_quoted(telling, item) for item in withheld]
    left_out = telling.language.text("plan.client.left_out", items=quoted)
    return Sentence(text=f"{said.text} {left_out}", key=said.key, rules=said.rules)
