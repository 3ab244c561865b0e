"""Order floor. What must hold of the facts: ids that are known, sources, and all of it decided."""

from collections.abc import Callable, Iterator

from pipeline.criteria import DEFINED_BY, DEFINITIONS
from pipeline.flags import CONDITIONS
from pipeline.model import Band, Limit, LimitSet
from pipeline.phase import PHASE_FUNCTIONS
from pipeline.plan import CONTRAINDICATIONS, TRIGGERS
from pipeline.rules import Rules
from pipeline.rules.cgm import TRACE_FORMULAS
from pipeline.rules.formulas import COMPUTED, PERSON_INPUTS

_REASONED = (
    "age",
    "days_since",
    "collected_hour",
    "weight_loss_pct",
    "insulin_c_peptide_ratio",
    "insulin_sum_120_180",
    "tyg_b",
    "glucose_sensor",
    "sensor_minutes",
    "sensor_hours",
    "sensor_days",
)
_FOUND = {"everyone", "mthfr_aa"}  # what the plan is given beside the facts
_MG_DL = {"glucose": 0.05551, "triglycerides": 0.01129, "hdl": 0.02586}
_ROUNDED_BY_COMMITTEE = 0.04  # HDL 1.0 mmol/L and 40 mg/dL are published as one limit


def _limits_name_what_exists(rules: Rules) -> Iterator[str]:
    for limit in rules.limits:
        if limit.marker in rules.markers:
            unit = rules.markers[limit.marker].unit
            if limit.unit not in (unit, "{ULN}"):
                yield f"limit {limit.id}: expected unit {unit}, found {limit.unit}"
        elif limit.marker not in rules.context and limit.marker not in _REASONED:
            yield f"limit {limit.id}: unknown marker {limit.marker}"


def _limits_in_mg_dl_are_the_same(rules: Rules) -> Iterator[str]:
    for limit in rules.limits:
        if limit.mg_dl is None:
            continue
        factor = _MG_DL[limit.marker.partition("_")[0]]
        if abs(limit.mg_dl * factor / limit.value - 1) > _ROUNDED_BY_COMMITTEE:
            yield f"limit {limit.id}: {limit.mg_dl:g} mg/dL is not {limit.value:g} {limit.unit}"


def _limits_in_mg_dl_are_stated_throughout(rules: Rules) -> Iterator[str]:
    """Yield a limit without mg/dL where another of the same number and substance has one."""
    twins = {_edge(limit): limit for limit in rules.limits if limit.mg_dl is not None}
    for limit in rules.limits:
        twin = twins.get(_edge(limit))
        if twin and limit.mg_dl is None and limit.set != LimitSet.PLAUSIBLE:
            yield f"limit {limit.id}: expected {twin.mg_dl:g} mg/dL, as of {twin.id}"


def _edge(limit: Limit) -> tuple[str, float, str]:
    return limit.marker.partition("_")[0], limit.value, limit.unit


def _units_lead_to_the_canonical_one(rules: Rules) -> Iterator[str]:
    units = rules.units
    for marker in rules.markers.values():
        own = units[(units["marker"] == marker.id) & (units["unit"] == marker.unit)]
        if len(own) != 1 or float(own["factor"].iloc[0]) != 1:
            yield f"{marker.id}: expected exactly 1 row of its canonical unit with factor 1"
    for marker in set(units["marker"]) - set(rules.markers):
        yield f"units.csv: unknown marker {marker}"
    if (units["factor"] <= 0).any() or units.duplicated(["marker", "folded"]).any():
        yield "units.csv: a factor is not positive, or a unit of a marker stands there twice"
    for alias, id in rules.aliases.items():
        if id not in rules.markers:
            yield f"alias {alias}: unknown marker {id}"


def _populations_lie_within_what_is_plausible(rules: Rules) -> Iterator[str]:
    for marker, typical in rules.typical.items():
        if marker not in rules.markers:
            yield f"population.csv: unknown marker {marker}"
        for limit in rules.all_limits_of(marker, LimitSet.PLAUSIBLE):
            high = limit.side is Band.HIGH
            if typical.value is not None and (typical.value > limit.value) == high:
                yield f"population.csv: {typical.value:g} of {marker} is not plausible"


def _formulas_have_their_inputs(rules: Rules) -> Iterator[str]:
    computed = {marker.id for marker in rules.markers.values() if marker.kind == "computed"}
    computed |= {marker.id for marker in rules.markers.values() if marker.as_reported}
    for marker in computed.symmetric_difference(COMPUTED) - {"homa2_ir_reported"}:
        yield f"{marker}: expected a formula and a row of markers.csv"
    for formula in COMPUTED.values():
        for name in set(formula.inputs) - set(rules.markers) - set(PERSON_INPUTS):
            yield f"formula {formula.marker}: unknown input {name}"
        for name in set(formula.monotone) - set(formula.inputs):
            yield f"formula {formula.marker}: {name} is no input"
        for name in set(formula.inputs) & set(rules.markers):
            if name not in set(rules.units["marker"]):
                yield f"formula {formula.marker}: input {name} has no unit"
    sensor = {marker.id for marker in rules.markers.values() if marker.kind == "device"}
    for marker in sensor ^ (TRACE_FORMULAS.keys() - {"gmi"}):
        yield f"{marker}: expected a formula of a trace and a row of markers.csv"
    for condition in rules.conditions:
        if condition.input not in COMPUTED[condition.marker].inputs:
            yield f"condition on {condition.marker}: {condition.input} is no input"


def _flags_can_be_decided(rules: Rules) -> Iterator[str]:
    functions = {row.function for row in rules.flags if not row.limit}
    for name in functions.symmetric_difference(CONDITIONS):
        yield f"flag condition {name}: expected a row of flags.csv and a function"
    for row in rules.flags:
        if row.limit:
            rules.limits_named(row.limit)
        if row.kind == "branch" and row.urgency is None:
            yield f"flag {row.flag}, {row.branch}: expected an urgency"


def _phases_can_be_decided(rules: Rules) -> Iterator[str]:
    for rule in {row.rule for row in rules.phases}.symmetric_difference(PHASE_FUNCTIONS):
        yield f"phase rule {rule}: expected a row of phases.csv and a function"


def _definitions_can_be_decided(rules: Rules) -> Iterator[str]:
    for id in DEFINITIONS.keys() ^ DEFINED_BY.keys():
        yield f"definition {id}: expected a Definition and a function"
    known = {*rules.markers, *rules.context, *rules.medication}
    known |= _words(rules)
    for definition in DEFINITIONS.values():
        for name in definition.looks_at() - known:
            yield f"definition {definition.id}: unknown input {name}"
        for name in definition.limits:
            rules.limits_named(name)


def _advice_can_be_decided(rules: Rules) -> Iterator[str]:
    """Yield a trigger or a contra-indication that nothing decides, and one that names no advice."""
    stated = {*rules.context, *rules.medication, *_words(rules)}
    limits = {limit.id.removesuffix("-f").removesuffix("-m") for limit in rules.limits}
    known = {*TRIGGERS, *stated, *limits, *(limit.id for limit in rules.limits)}
    for advice in rules.plan:
        for name in {*advice.triggers, *advice.needs, *advice.context} - known - _FOUND:
            yield f"advice {advice.id}: unknown trigger {name}"
    flags = {row.flag for row in rules.flags}
    for row in rules.contraindications:
        if row.function not in {*CONTRAINDICATIONS, *stated} and row.id not in flags:
            yield f"{row.id}: expected a function {row.function}, a flag or a stated fact"
        for name in (*row.withholds, *row.changes):
            if not any(advice.is_one_of((name,)) for advice in rules.plan):
                yield f"{row.id}: {name} is no advice and no kind of it"


def _words(rules: Rules) -> set[str]:
    return {word for key in rules.context.values() for word in key.words}


def _facts_have_a_source(rules: Rules) -> Iterator[str]:
    named = {f"limit {limit.id}": limit.source for limit in rules.limits}
    named |= {f"flag {row.flag}, {row.branch}": row.source for row in rules.flags}
    named |= {f"phase rule {row.rule}": row.source for row in rules.phases}
    named |= {f"definition {one.id}": one.source for one in DEFINITIONS.values()}
    named |= {f"variant {one.rsid}": ";".join(one.sources) for one in rules.genotypes.values()}
    named |= {f"advice {one.id}": one.source for one in rules.plan}
    named |= {f"{one.id}, {one.branch}": one.source for one in rules.contraindications}
    named |= {f"population of {marker}": one.source for marker, one in rules.typical.items()}
    named |= {f"formula {f.marker}": ";".join(f.sources) for f in COMPUTED.values()}
    named |= {f"formula {f.marker}": ";".join(f.sources) for f in TRACE_FORMULAS.values()}
    for fact, sources in named.items():
        for source in sources.split(";"):
            if source not in rules.sources:
                yield f"{fact}: unknown source '{source}'"
    for marker in rules.markers.values():
        if not marker.source:
            yield f"marker {marker.id}: expected a source"


FACT_CHECKS: tuple[Callable[[Rules], Iterator[str]], ...] = (
    _limits_name_what_exists,
    _limits_in_mg_dl_are_the_same,
    _limits_in_mg_dl_are_stated_throughout,
    _units_lead_to_the_canonical_one,
    _populations_lie_within_what_is_plausible,
    _formulas_have_their_inputs,
    _flags_can_be_decided,
    _phases_can_be_decided,
    _definitions_can_be_decided,
    _advice_can_be_decided,
    _facts_have_a_source,
)
