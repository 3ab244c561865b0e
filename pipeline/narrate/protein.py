"""Middle floor. Protein in grams for this person, with the arithmetic."""

from collections.abc import Iterator, Mapping

from pipeline.language import Quantity
from pipeline.model import PlanItem
from pipeline.narrate.telling import Telling

_PROTEIN = "N6"
_FOOD = "food_"  # how the names of their amounts begin
_WEIGHTS = {"literal": "weight", "adjusted": "adjusted_weight"}


def protein(telling: Telling, item: PlanItem, *, plainly: bool = False) -> Iterator[str]:
    """Yield the sums by weight and by adjusted weight, and the choice; nothing of other advice.

    To a client only the choice, and what it is in food.
    """
    if item.id != _PROTEIN:
        return
    told, language = item.amounts, telling.language
    ending = "_client" if plainly else ""
    if "per_kg_low" not in told:
        yield language.text(f"plan.protein.individual{ending}")
        return
    if not plainly:
        yield from _arithmetic(telling, told)
    if "low" in told:
        yield language.text(f"plan.protein.chosen{ending}", grams=band(telling, told))
    if "low" in told and plainly:
        yield _in_food(telling)
    if "low" not in told and not plainly:
        yield language.text("plan.protein.weight_unknown", per_kg=band(telling, told, "per_kg_"))
    if "never_above" in told and not plainly:
        limit = Quantity.exact(told["never_above"])
        yield language.text("plan.protein.never_above", grams=limit)


def _in_food(telling: Telling) -> str:
    """Return about how much protein some foods hold, a helping each."""
    foods = [one for one in telling.rules.amounts if one.name.startswith(_FOOD)]
    items = [
        telling.language.text(f"plan.protein.{one.name}", grams=Quantity.exact(one.value))
        for one in foods
    ]
    return telling.language.text("plan.protein.in_food", items=items)


def _arithmetic(telling: Telling, told: Mapping[str, float]) -> Iterator[str]:
    for which, weight in _WEIGHTS.items():
        if weight in told:
            yield telling.language.text(
                f"plan.protein.{which}",
                weight=Quantity.exact(told[weight]),
                per_kg=band(telling, told, "per_kg_"),
                grams=band(telling, told, f"{which}_"),
            )


def band(telling: Telling, told: Mapping[str, float], prefix: str = "") -> str:
    """Return two ends as "92–123", or as one number where they are the same."""
    ends = dict.fromkeys(told[f"{prefix}{end}"] for end in ("low", "high"))
    return "–".join(telling.language.quantity(Quantity.exact(end)) for end in ends)
