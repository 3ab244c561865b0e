"""Order floor. What is known of a marker: formula, units, limits by set, variation, caveats."""

from collections.abc import Iterator

from pipeline.criteria import DEFINITIONS
from pipeline.flags import inputs_of
from pipeline.language import Language
from pipeline.model import LimitSet
from pipeline.rulebook.about_rule import citations, in_words
from pipeline.rules import Rules
from pipeline.rules.cgm import TRACE_FORMULAS
from pipeline.rules.formulas import COMPUTED
from pipeline.rules.loader import Marker
from pipeline.score import may_weaken
from pipeline.trend import reference_change

_KINDS = {
    "measured": "measured by a laboratory",
    "body": "measured on the body",
    "device": "reported by a device",
    "computed": "computed from other results",
}
_SIDES = {"high_bad": "high", "low_bad": "low", "both": "high and low"}
_SETS = {
    LimitSet.REFERENCE: "Typical interval (only where the laboratory printed none)",
    LimitSet.GUIDELINE: "Guideline",
    LimitSet.FUNCTIONAL: "Target of the practice (beyond it alone: a point of attention)",
    LimitSet.LITERATURE: "Cut-offs in the literature (shown, decide nothing)",
    LimitSet.REFER: "Referral",
    LimitSet.CRITICAL: "Alarm",
    LimitSet.RULE: "Named by phase rules, flags and definitions",
    LimitSet.DOUBTFUL: "Another unit is likelier",
    LimitSet.PLAUSIBLE: "Not plausible, and therefore not scored",
}
_CAVEATS = ("findings.remarks", "findings.caveats", "methods.remarks")
_METHODS = {"homa_ir": "homa", "homa_b": "homa_b", "tg_hdl_molar": "tg_hdl"}


def about_marker(id: str, rules: Rules) -> Iterator[str]:
    """Yield what is known of a marker, line by line."""
    marker, english = rules.markers[id], Language.load("en")
    yield f"{id}: {english.marker(id)} [{english.unit(marker.unit) or 'no unit'}]"
    yield f"  {_KINDS[marker.kind].capitalize()}; judged on the {_SIDES[marker.direction]} side."
    yield from _formula(id, rules)
    yield from _from_trace(id, rules)
    yield from _names(marker, rules)
    yield from _limits(id, rules)
    yield from _variation(marker)
    yield from _looked_at(id, rules)
    yield from _caveats(id, marker)
    yield f"  Source: {marker.source}{'' if marker.verified else ' [unverified]'}"
    yield from citations(_cited(id, rules), rules)


def _formula(id: str, rules: Rules) -> Iterator[str]:
    if id not in COMPUTED:
        return
    formula, english = COMPUTED[id], Language.load("en")
    written = f"methods.formulas.{id}"
    yield f"  Formula: {english.text(written) if english.has(written) else formula.description}"
    for name in formula.inputs:
        unit = rules.markers[name].unit if name in rules.markers else ""
        label = english.marker(name) if name in rules.markers else name
        yield f"    {label}{f' [{english.unit(unit)}]' if english.unit(unit) else ''}"
    if formula.fasting:
        yield "  Only fasting: at least 8 hours, known."
    if formula.same_draw:
        yield "  Only from one draw: the same sample."
    for condition in rules.conditions:
        if condition.marker == id:
            why = english.text(f"reasons.not_computed.{condition.reason}")
            name = english.short(condition.input)
            yield f"  Not computed where {name} {in_words(condition.limit)}: {why}."


def _from_trace(id: str, rules: Rules) -> Iterator[str]:
    """Yield how it is made of a sensor's readings, and with which limits of their own."""
    if id not in TRACE_FORMULAS:
        return
    formula, (enough,) = TRACE_FORMULAS[id], rules.limits_named("cgm-active")
    yield f"  From a trace: {formula.description}"
    for name in formula.limits:
        for limit in rules.limits_named(name):
            yield f"    {limit.marker.replace('_', ' ')} {in_words(limit)}  {limit.id}"
    yield f"  Only where the readings are {in_words(enough)} of 14 days, the first 24 h excluded."


def _names(marker: Marker, rules: Rules) -> Iterator[str]:
    """Yield how laboratories write it: names, code, units with their factor."""
    aliases = sorted(alias for alias, id in rules.aliases.items() if id == marker.id)
    if marker.kind != "computed":
        yield f"  Recognised as: {'; '.join(aliases)}"
    if marker.loinc:
        yield f"  LOINC: {marker.loinc}"
    units = rules.units[rules.units["marker"] == marker.id]
    for unit in units[units["unit"] != marker.unit].to_dict("records"):
        offset = f" + {unit['offset']:g}" if unit["offset"] else ""
        yield f"  1 {unit['unit']} = {unit['factor']:g}{offset} {marker.unit}"
    if marker.biotin:
        yield f"  Biotin makes it {marker.biotin.replace('_', ' ')} in some immunoassays."


def _limits(id: str, rules: Rules) -> Iterator[str]:
    for set, title in _SETS.items():
        limits = rules.all_limits_of(id, set)
        if limits:
            yield f"  {title}:"
        for limit in limits:
            checked = "" if limit.verified else " [unverified]"
            yield f"    {in_words(limit)}  ({limit.source}){checked}  {limit.id}"


def _variation(marker: Marker) -> Iterator[str]:
    change = reference_change(marker)
    if change is None:
        yield "  Variation within a person is not known: a difference cannot be judged."
        return
    fall, rise = change
    yield (
        f"  Variation: {marker.cv_i:g} % within a person [unverified], {marker.cv_a:g} % of the"
        f" method; a change is clear beyond {fall:.0f} % and +{rise:.0f} %."
    )


def _looked_at(id: str, rules: Rules) -> Iterator[str]:
    """Yield the safety flags and definitions that look at a marker, or at what it is made of."""
    parts = COMPUTED[id].inputs if id in COMPUTED else ()
    for word, names in (("it", (id,)), ("what it is computed from", parts)):
        flags = [row.flag for row in rules.flags if set(names) & set(inputs_of(row, rules))]
        defined = [one.id for one in DEFINITIONS.values() if one.looks_at() & set(names)]
        if flags or defined:
            yield f"  Looking at {word}: {', '.join(dict.fromkeys((*flags, *defined)))}."


def _caveats(id: str, marker: Marker) -> Iterator[str]:
    english = Language.load("en")
    for word in may_weaken(marker):
        text = english.text(f"findings.notes.{word}", markers_named=[english.short(id)])
        yield f"  Where it holds: {text}"
    names = {prefix: _METHODS.get(id, id) if "methods" in prefix else id for prefix in _CAVEATS}
    for prefix, name in names.items():
        if english.has(f"{prefix}.{name}"):
            yield f"  Note: {english.text(f'{prefix}.{name}')}"


def _cited(id: str, rules: Rules) -> list[str]:
    cited = [s for limit in rules.limits if limit.marker == id for s in limit.source.split(";")]
    for formulas in (COMPUTED, TRACE_FORMULAS):
        cited += formulas[id].sources if id in formulas else ()
    return list(dict.fromkeys(cited))
