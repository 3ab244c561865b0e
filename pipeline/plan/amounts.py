"""Middle floor. The numbers that advice names: protein in grams, weight to lose."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from pipeline.columns import Floats, certain
from pipeline.plan.facts import Facts, Where
from pipeline.rules import Rules

_INDIVIDUAL = ("ci_01_pregnant", "ci_01_lactating", "ci_15", "liver_failure")


def amounts_of(advice: str, now: Facts, holds: Mapping[str, Where]) -> Mapping[str, Floats]:
    """Return the numbers of one piece of advice at every visit, NaN where one cannot be said.

    ``now`` asks for what was found at the visit; ``holds`` says by the name of its function where a
    contra-indication holds. Grams are whole, kilograms have one decimal.
    """
    if advice == "N6":
        return _protein(now, holds)
    if advice == "D2-weight":
        return _weight_loss(now)
    count = len(now.visits)
    named = _named(advice, now.visits.rules)
    return {name: np.full(count, value) for name, value in named.items()}


def _named(advice: str, rules: Rules) -> dict[str, float]:
    return {row.name: row.value for row in rules.amounts if row.advice == advice}


def _weight_loss(now: Facts) -> Mapping[str, Floats]:
    """Return what the share to lose is for this weight [kg]."""
    named, weight = _named("D2-weight", now.visits.rules), _number(now, "weight")
    kilograms = {
        end: _rounded(weight * named[f"percent_{end}"] / 100, 1) for end in ("low", "high")
    }
    everywhere = {name: np.full(len(weight), value) for name, value in named.items()}
    return {**everywhere, **kilograms}


def adjusted_weight(weight: Floats, height: Floats, named: Mapping[str, float]) -> Floats:
    """Return the weight at the healthy BMI and a share of what is above it [kg].

    ``height`` in cm. A weight under that of the healthy BMI stays as it is.
    """
    healthy = named["healthy_bmi"] * (height / 100) ** 2
    return healthy + named["share_of_excess"] * np.maximum(weight - healthy, weight * 0)


def _protein(now: Facts, holds: Mapping[str, Where]) -> Mapping[str, Floats]:
    """Return grams of protein a kilogram and a day, by the weight and by the adjusted weight.

    ``low`` and ``high`` are the choice: by the adjusted weight from a BMI of 30, and with an eGFR
    under 60 from 25. Where protein is individual no number is given.
    """
    named = _named("N6", now.visits.rules)
    low, high = _per_kilogram(named, now, holds)
    weight = _number(now, "weight")
    bmi = now.ask("bmi")
    heavy = certain(bmi.beyond("plan-overweight"))
    adjusted = adjusted_weight(weight, _number(now, "height"), named)
    adjusted = np.where(heavy, adjusted, np.nan)
    by_adjusted = certain(bmi.beyond("plan-obesity")) | (holds["ci_06"] & heavy)
    chosen = np.where(by_adjusted, adjusted, np.where(bmi.known, weight, np.nan))
    grams = {"": chosen, "literal_": weight, "adjusted_": adjusted}
    limit = np.where(holds["ci_06"], named["kidney_never_above"] * chosen, np.nan)
    told = {
        "per_kg_low": low,
        "per_kg_high": high,
        "weight": _rounded(weight, 1),
        "adjusted_weight": _rounded(adjusted, 1),
        **{f"{which}low": _rounded(kg * low) for which, kg in grams.items()},
        **{f"{which}high": _rounded(kg * high) for which, kg in grams.items()},
        "never_above": _rounded(limit),
    }
    individual = np.any([holds[name] for name in _INDIVIDUAL], axis=0)
    return {name: np.where(individual, np.nan, value) for name, value in told.items()}


def _per_kilogram(
    named: Mapping[str, float], now: Facts, holds: Mapping[str, Where]
) -> tuple[Floats, Floats]:
    """Return the band [g/kg]: the upper one only where the kidneys are known to be well."""
    reasons = ("kidney_unknown", "albuminuria", "albuminuria_unknown")
    unsure = np.any([holds[name] for name in reasons], axis=0)
    choose = partial(np.select, [holds["ci_06"], unsure])
    low = choose([named["kidney"], named["unknown_low"]], named["usual_low"])
    return low, choose([named["kidney"], named["unknown_high"]], named["usual_high"])


def _number(now: Facts, marker: str) -> Floats:
    column = now.ask(marker)
    return np.where(column.censored, np.nan, column.low)


def _rounded(values: Floats, decimals: int = 0) -> Floats:
    """Return ``values`` rounded half up, as they are told."""
    scale = 10.0**decimals
    return np.floor(values * scale * (1 + 1e-12) + 0.5) / scale
