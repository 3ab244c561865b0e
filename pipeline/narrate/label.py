"""Middle floor. Which text names the phase of a visit, where a rule has more than one."""

from pipeline.model import Visit
from pipeline.narrate.context import stated_words
from pipeline.narrate.telling import Telling, finding_of

GLUCOSE_LOWERING = "glucose_lowering"  # the group of medication.csv that holds all of A10
INSULIN = ("insulin_fasting", "homa_ir")
WITHOUT_INSULIN = ("7", "14")  # the rules of which the insulin class is unknown
_SIGNALS_OF_RULE_12 = 2  # rule 13 takes the label of rule 12 from here (specification 7.2)


def phase_key(telling: Telling, visit: Visit) -> str:
    """Return the key of the text that names the phase of a visit.

    Some rules have a second label: low glucose beside high insulin, known diabetes below its range,
    an insulin that was measured but not used.
    """
    phase = visit.phase
    text = next(rule.text for rule in telling.rules.phases if rule.rule == phase.rule)
    if phase.rule in WITHOUT_INSULIN and why_no_insulin(visit):
        return f"{text}_excluded"
    if phase.id == "compensation" and "low_glucose" in phase.qualifiers:
        return "compensation_low"
    if phase.rule == "12" and "discordant" not in phase.qualifiers:
        return "low_glucose_only" if "low_glucose" in phase.qualifiers else "discordant"
    if phase.rule == "13" and phase.supporting >= _SIGNALS_OF_RULE_12:
        return "discordant"
    if phase.rule == "2" and _is_outside_diabetes_range(telling, visit):
        return "known_t2d_outside_range"
    return text


def phase_title(telling: Telling, visit: Visit) -> str:
    """Return the name of the phase of a visit."""
    return telling.language.text(f"phases.{phase_key(telling, visit)}.title")


def why_no_insulin(visit: Visit) -> list[str]:
    """Return the keys of why a measured insulin gave no class; nothing where none was measured."""
    excluded = [why for marker, why in visit.phase.excluded if marker in INSULIN]
    if excluded:
        return [f"excluded.{why}" for why in dict.fromkeys(excluded)]
    insulin = finding_of(visit, "insulin_fasting")
    if insulin is None:
        return []
    if "haemolysis" in insulin.notes:
        return ["excluded.haemolysis"]
    lacking = [one.reason for one in visit.not_computed if one.marker == "homa_ir"]
    return [f"not_computed.{why}" for why in lacking] or ["not_computed.censored"]


def _is_outside_diabetes_range(telling: Telling, visit: Visit) -> bool:
    """Return whether nothing lowers glucose, as stated, and a usable HbA1c is below diabetes."""
    if "medication" not in visit.context or visit.phase.g_class in ("G3", "G?"):
        return False
    if GLUCOSE_LOWERING in stated_words(visit, "medication"):
        return False
    return visit.context.get("glucose_drug") is not True and _is_low_hba1c(telling, visit)


def _is_low_hba1c(telling: Telling, visit: Visit) -> bool:
    """Return whether HbA1c is usable and certainly below the diabetes limit."""
    hba1c = finding_of(visit, "hba1c")
    excluded = any(marker == "hba1c" for marker, _ in visit.phase.excluded)
    if hba1c is None or excluded or "hba1c-unreliable" in hba1c.notes:
        return False
    (limit,) = telling.rules.limits_named("g3-hba1c")
    return hba1c.comparator in (None, "<", "<=") and hba1c.value < limit.value
