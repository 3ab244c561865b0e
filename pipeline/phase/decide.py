"""Middle floor. The ordered table of phase rules, of which the first that holds decides.

Source: specification, section 7.2. Each rule is a function of its number; ``phases.csv`` holds the
order, the names and the qualifiers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.columns.given import parameters_of
from pipeline.phase.classes import Classes, Where
from pipeline.rules import Rules

_OTHER_DIABETES = ("t1d", "lada", "mody", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The deciding rule, confidence and qualifiers at every visit."""

    rule: np.ndarray[Any, Any]
    confidence: np.ndarray[Any, Any]
    qualifiers: Mapping[str, Where]
    classes: Classes


def decide_phase(classes: Classes, rules: Rules) -> Phases:
    """Return the first rule of ``phases.csv`` that holds at each visit, and what it emits."""
    holds = [
        PHASE_FUNCTIONS[row.rule](*_asked(PHASE_FUNCTIONS[row.rule], classes))
        for row in rules.phases
    ]
    rule = np.select(holds, [row.rule for row in rules.phases], "").astype(object)
    return Phases(
        rule=rule,
        confidence=_confidence(rule, classes, rules),
        qualifiers=_qualifiers(rule, classes, rules),
        classes=classes,
    )


def _asked(function: Callable[..., Any], classes: Classes) -> list[Any]:
    return [getattr(classes, name) for name in parameters_of(function)]


def _normal(g: Any) -> Where:
    return (g == "G0") | (g == "G1")


# The rules; a parameter names the class it asks for.


def phase_1(pregnant: Where) -> Where:
    """Pregnant, or less than twelve weeks post partum."""
    return pregnant


def phase_2a(known_diabetes: Any) -> Where:
    """A known diabetes of another type: the model does not apply."""
    return np.isin(known_diabetes, _OTHER_DIABETES)


def phase_2(known_diabetes: Any) -> Where:
    """Known type 2 diabetes."""
    return known_diabetes == "t2d"


def phase_3(g: Any) -> Where:
    """A value in the diabetes range."""
    return g == "G3"


def phase_4(g: Any) -> Where:
    """Impaired fasting glucose or glucose tolerance."""
    return g == "G2W"


def phase_4b(very_low_glucose: Where) -> Where:
    """A fasting or random plasma glucose under 3.0 mmol/L."""
    return very_low_glucose


def phase_5(medicated: Where) -> Where:
    """A medicine that changes glucose or insulin."""
    return medicated


def phase_6(g: Any, i: Any) -> Where:
    """In the ADA prediabetes range only, with raised insulin."""
    return (g == "G2A") & ((i == "I1") | (i == "I2"))


def phase_7(g: Any, i: Any) -> Where:
    """In the ADA prediabetes range only; insulin missing."""
    return (g == "G2A") & (i == "I?")


def phase_8(g: Any, i: Any) -> Where:
    """In the ADA prediabetes range only, without raised insulin."""
    return (g == "G2A") & (i == "I0")


def phase_9(g: Any, i: Any) -> Where:
    """Normal glucose at the price of clearly raised insulin."""
    return _normal(g) & (i == "I2")


def phase_10(g: Any, i: Any) -> Where:
    """Normal glucose with slightly raised insulin: an early signal."""
    return _normal(g) & (i == "I1")


def phase_11(g: Any, i: Any, supporting: Any, blocked: Where, low_glucose: Where) -> Where:
    """Everything below its limit, and nothing that contradicts it."""
    return (g == "G0") & (i == "I0") & (supporting <= 1) & ~blocked & ~low_glucose


def phase_12(g: Any, i: Any) -> Where:
    """Normal glucose and insulin, but something contradicts it."""
    return (g == "G0") & (i == "I0")


def phase_13(g: Any, i: Any) -> Where:
    """Only HbA1c slightly raised."""
    return (g == "G1") & (i == "I0")


def phase_14(g: Any, i: Any) -> Where:
    """Normal glucose; insulin missing or excluded."""
    return _normal(g) & (i == "I?")


def phase_15(g: Any) -> Where:
    """Not enough data."""
    return np.ones(len(g), dtype=bool)


PHASE_FUNCTIONS = {
    name.removeprefix("phase_"): function
    for name, function in globals().items()
    if name.startswith("phase_")
}


# What a rule emits beside its phase.


def _qualifiers(rule: Any, classes: Classes, rules: Rules) -> dict[str, Where]:
    """Return each qualifier and where it is emitted, in the order of ``phases.csv``."""
    emitted: dict[str, Where] = {}
    for row in rules.phases:
        at = rule == row.rule
        for word in row.always:
            emitted[word] = emitted.get(word, np.zeros(len(rule), dtype=bool)) | at
        for word in row.sometimes:
            where = at & _SOMETIMES[word](classes)
            emitted[word] = emitted.get(word, np.zeros(len(rule), dtype=bool)) | where
    emitted["low_glucose"] = classes.low_glucose | (rule == "4b")
    emitted["nonfasting_raised"] = classes.random_raised
    emitted["insulin_unit_sensitive"] = classes.unit_sensitive
    return emitted


def _provisional(c: Classes) -> Where:
    # illness or a steroid raises glucose by itself, which takes away a confirmation
    return np.where(
        c.g == "G3", ~c.confirmed | c.ill | c.steroid, c.ill | (c.steroid & (c.g == "G2W"))
    )


_SOMETIMES: Mapping[str, Callable[[Classes], Where]] = {
    "confirmed_ada": lambda c: c.confirmed & ~c.ill & ~c.steroid,
    "provisional": _provisional,
    "steroid": lambda c: c.steroid,
    "secretion_deficit": lambda c: (c.i == "I0") & ~c.hypoglycaemic,
    "confidence_low": lambda c: c.supporting == 0,
    "discordant": lambda c: (c.supporting >= 2) | c.blocked,
}


def _confidence(rule: Any, c: Classes, rules: Rules) -> np.ndarray[Any, Any]:
    """Return "high", "moderate", "low" or None at each visit. Source: section 7.2."""
    confident = np.isin(rule, [row.rule for row in rules.phases if row.confident])
    low = (
        c.ill
        | c.unit_sensitive
        | ((rule == "10") & (c.supporting == 0))
        | c.only_fasting_glucose
        | (c.supporting_known < 3)
    )
    high = c.context_known & (c.supporting >= 2) & c.repeated
    step = np.select([low, high], [0, 2], 1)
    step = step - (c.biotin_unknown & (c.i != "I?")) - c.cross_check_failed
    words = np.array(["low", "moderate", "high"], dtype=object)[np.maximum(step, 0)]
    words[~confident] = None
    return words
