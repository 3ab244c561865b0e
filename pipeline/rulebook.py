"""Order floor. Whether the rules agree with themselves, and what is known of one of them in words.

``check_rules`` returns each fault as a sentence; ``explain`` prints a fact with its source, for a
clinician to read.
"""

import inspect
from collections.abc import Iterator
from string import Formatter

from pipeline.criteria import DEFINED_BY, DEFINITIONS, Definition
from pipeline.errors import CommandError
from pipeline.flags import CONDITIONS, inputs_of
from pipeline.language import Language
from pipeline.model import Limit, LimitSet, Sex
from pipeline.phase import PHASE_FUNCTIONS
from pipeline.resources import languages
from pipeline.rules import Rules, load_rules
from pipeline.rules.formulas import COMPUTED, PERSON_INPUTS
from pipeline.rules.loader import Variant

_REASONED = (
    "age",
    "days_since",
    "collected_hour",
    "weight_loss_pct",
    "insulin_c_peptide_ratio",
    "insulin_sum_120_180",
)
_BANDS = (LimitSet.REFERENCE, LimitSet.GUIDELINE, LimitSet.FUNCTIONAL)
_MG_DL = {"glucose": 0.05551, "triglycerides": 0.01129, "hdl": 0.02586}
_ROUNDED_BY_COMMITTEE = 0.04  # HDL 1.0 mmol/L and 40 mg/dL are published as one limit
_SEXES: tuple[Sex, ...] = ("F", "M")


def check_rules(rules: Rules | None = None) -> list[str]:
    """Return every fault of the rules as a sentence; none where they agree with themselves."""
    rules = rules or load_rules()
    checks = (
        _limits_name_what_exists,
        _bands_do_not_overlap,
        _limits_in_mg_dl_are_the_same,
        _units_lead_to_the_canonical_one,
        _formulas_have_their_inputs,
        _flags_can_be_decided,
        _phases_can_be_decided,
        _definitions_can_be_decided,
        _facts_have_a_source,
        _everything_is_told_alike,
        _notes_are_told,
    )
    return [fault for check in checks for fault in check(rules)]


def _limits_name_what_exists(rules: Rules) -> Iterator[str]:
    for limit in rules.limits:
        if limit.marker in rules.markers:
            unit = rules.markers[limit.marker].unit
            if limit.unit not in (unit, "{ULN}"):
                yield f"limit {limit.id}: expected unit {unit}, found {limit.unit}"
        elif limit.marker not in rules.context and limit.marker not in _REASONED:
            yield f"limit {limit.id}: unknown marker {limit.marker}"


def _bands_do_not_overlap(rules: Rules) -> Iterator[str]:
    """Yield where the two sides of a set cross, or a limit lies outside what is plausible."""
    for marker in rules.markers:
        for set in _BANDS:
            for sex in _SEXES:
                low, high = _edges(rules.limits_of(marker, set, sex))
                if low and high and max(low) >= min(high):
                    yield f"{marker}: the {set} limits cross"
        first, last = _edges(rules.all_limits_of(marker, LimitSet.PLAUSIBLE))
        own = [x for x in rules.limits if x.marker == marker and x.unit != "{ULN}"]
        for limit in own:
            if not first[0] <= limit.value <= last[0]:
                yield f"limit {limit.id} lies outside the plausible range of {marker}"


def _edges(limits: tuple[Limit, ...]) -> tuple[list[float], list[float]]:
    low = [limit.value for limit in limits if limit.op.startswith("<")]
    return low, [limit.value for limit in limits if limit.op.startswith(">")]


def _limits_in_mg_dl_are_the_same(rules: Rules) -> Iterator[str]:
    for limit in rules.limits:
        if limit.mg_dl is None:
            continue
        factor = _MG_DL[limit.marker.partition("_")[0]]
        if abs(limit.mg_dl * factor / limit.value - 1) > _ROUNDED_BY_COMMITTEE:
            yield f"limit {limit.id}: {limit.mg_dl:g} mg/dL is not {limit.value:g} {limit.unit}"


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
    known |= {word for key in rules.context.values() for word in key.words}
    for definition in DEFINITIONS.values():
        asked = [name for names in definition.inputs.values() for name in names]
        for name in {*asked, *definition.beside, *definition.exclusions} - known:
            yield f"definition {definition.id}: unknown input {name}"
        for name in definition.limits:
            rules.limits_named(name)


def _facts_have_a_source(rules: Rules) -> Iterator[str]:
    named = {f"limit {limit.id}": limit.source for limit in rules.limits}
    named |= {f"flag {row.flag}, {row.branch}": row.source for row in rules.flags}
    named |= {f"phase rule {row.rule}": row.source for row in rules.phases}
    named |= {f"definition {one.id}": one.source for one in DEFINITIONS.values()}
    named |= {f"variant {one.rsid}": ";".join(one.sources) for one in rules.genotypes.values()}
    named |= {f"formula {f.marker}": ";".join(f.sources) for f in COMPUTED.values()}
    for fact, sources in named.items():
        for source in sources.split(";"):
            if source not in rules.sources:
                yield f"{fact}: unknown source '{source}'"
    for marker in rules.markers.values():
        if not marker.source:
            yield f"marker {marker.id}: expected a source"


# What the texts must tell, in every language alike.


def _everything_is_told_alike(rules: Rules) -> Iterator[str]:
    spoken = {code: dict(_flat(Language.load(code).texts)) for code in languages()}
    first = next(iter(spoken))
    for code, texts in spoken.items():
        for key in texts.keys() ^ spoken[first].keys():
            yield f"text {key}: told in {first} or {code}, not in both"
        for key in texts.keys() & spoken[first].keys():
            if _fields(texts[key]) != _fields(spoken[first][key]):
                yield f"text {key}: other fields in {code} than in {first}"
        for key in _needed(rules):
            if key not in texts:
                yield f"text {key}: missing in {code}"


def _flat(texts: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(texts, str):
        yield prefix, texts
    elif isinstance(texts, dict):
        for name, below in texts.items():
            yield from _flat(below, f"{prefix}.{name}" if prefix else name)


def _fields(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def _needed(rules: Rules) -> Iterator[str]:
    for marker in rules.markers:
        yield from (f"markers.{marker}.name", f"markers.{marker}.short")
    for row in rules.flags:
        yield f"flags.{row.flag}.title"
        yield f"flags.{row.flag}.{row.branch}"
    for phase in rules.phases:
        yield from (f"phases.{phase.text}.title", f"phases.{phase.text}.reason")
    for definition in DEFINITIONS.values():
        yield from _needed_of(definition)


def _needed_of(definition: Definition) -> Iterator[str]:
    own = f"criteria.{definition.id}"
    yield from (f"{own}.title", f"{own}.undetermined")
    yield from (f"{own}.results.{word}" for word in definition.results)
    yield from (f"criteria.names.{name}" for name in definition.inputs if name)


def _notes_are_told(rules: Rules) -> Iterator[str]:
    """Yield each note beside a definition that has neither a text of its own nor a shared one."""
    for code in languages():
        language = Language.load(code)
        for id, definition in DEFINITIONS.items():
            pregnancy = () if definition.in_pregnancy else ("pregnancy",)
            for note in (*definition.notes, *pregnancy):
                keys = (f"criteria.{id}.notes.{note}", f"criteria.notes.{note}")
                if not any(language.has(key) for key in keys):
                    yield f"note {note} of definition {id}: missing in {code}"


# What is known of one id.


def list_rules() -> str:
    """Return every marker, flag, phase rule and definition by id, a line each, in English."""
    rules, english = load_rules(), Language.load("en")
    lines = [f"{id:28} {english.marker(id)}" for id in rules.markers]
    flags = dict.fromkeys(row.flag for row in rules.flags)
    lines += [f"{id:28} {english.text(f'flags.{id}.title')}" for id in flags]
    lines += [f"{one.rsid:28} {one.gene} {one.name}" for one in rules.genotypes.values()]
    lines += [
        f"phase-{row.rule:22} {english.text(f'phases.{row.text}.title')}" for row in rules.phases
    ]
    lines += [f"{id:28} {english.text(f'criteria.{id}.title')}" for id in DEFINITIONS]
    return "\n".join(lines)


def explain(id: str) -> str:
    """Return what is known of a marker, limit, flag (SF-01), phase rule (phase-9) or definition.

    A definition that bears a marker's name (hs_crp) is told after that marker.

    Raises CommandError where the id is none of these.
    """
    rules = load_rules()
    if id in rules.markers or id in DEFINITIONS:
        lines = [*_about_marker(id, rules)] if id in rules.markers else []
        lines += _about_definition(DEFINITIONS[id], rules) if id in DEFINITIONS else []
        return "\n".join(lines)
    if any(limit.id in (id, f"{id}-f", f"{id}-m") for limit in rules.limits):
        return "\n".join(_about_limit(limit) for limit in rules.limits_named(id))
    if any(row.flag == id for row in rules.flags):
        return "\n".join(_about_flag(id, rules))
    if id in rules.genotypes:
        return "\n".join(_about_variant(rules.genotypes[id], rules))
    if id.removeprefix("phase-") in PHASE_FUNCTIONS:
        return "\n".join(_about_phase(id.removeprefix("phase-"), rules))
    raise CommandError(
        f"Unrecognised id '{id}': expected a marker, limit, flag, phase or definition"
        " of 'rules list'."
    )


def _about_marker(id: str, rules: Rules) -> Iterator[str]:
    marker, english = rules.markers[id], Language.load("en")
    yield f"{id}: {english.marker(id)} [{marker.unit}]"
    yield f"  kind: {marker.kind}; judged side: {marker.direction}; domain: {marker.domain}"
    if id in COMPUTED:
        yield f"  formula: {COMPUTED[id].description}"
        yield f"  needs: {', '.join(COMPUTED[id].inputs)}"
        for condition in rules.conditions:
            if condition.marker == id:
                limit = condition.limit
                yield (
                    f"  not computed when {condition.input} {limit.op} {limit.value:g}"
                    f" {limit.unit} ({condition.reason})"
                )
    for limit in rules.limits:
        if limit.marker == id:
            yield f"  {_about_limit(limit)}"
    if marker.cv_i is not None:
        yield f"  within-subject variation: {marker.cv_i:g} % (unverified)"
    yield f"  source: {marker.source}{'' if marker.verified else ' [unverified]'}"
    yield from (f"  {source}: {rules.sources[source]}" for source in _cited(id, rules))


def _cited(id: str, rules: Rules) -> list[str]:
    cited = [s for limit in rules.limits if limit.marker == id for s in limit.source.split(";")]
    return list(dict.fromkeys((*cited, *(COMPUTED[id].sources if id in COMPUTED else ()))))


def _about_limit(limit: Limit) -> str:
    sex = f", {limit.sex} only" if limit.sex else ""
    ages = f", age {limit.ages[0]:g} to {limit.ages[1]:g}" if limit.ages else ""
    mass = f" ({limit.mg_dl:g} mg/dL)" if limit.mg_dl is not None else ""
    checked = "" if limit.verified else " [unverified]"
    return (
        f"{limit.set}: {limit.op} {limit.value:g} {limit.unit}{mass}{sex}{ages}"
        f" — {limit.id}, source {limit.source}{checked}"
    )


def _about_flag(id: str, rules: Rules) -> Iterator[str]:
    english = Language.load("en")
    yield f"{id}: {english.text(f'flags.{id}.title')}"
    for row in rules.flags:
        if row.flag == id:
            urgency = f"urgency {row.urgency}" if row.urgency else "changes the wording"
            checked = "" if row.verified else " [unverified]"
            yield f"  {row.branch} ({urgency}): {english.text(f'flags.{id}.{row.branch}')}"
            yield f"    looks at {', '.join(inputs_of(row, rules))}; source {row.source}{checked}"


def _about_variant(variant: Variant, rules: Rules) -> Iterator[str]:
    english = Language.load("en")
    checked = "" if variant.verified else " [unverified]"
    yield f"{variant.rsid}: {variant.gene} {variant.name}{checked}"
    if variant.position:
        yield f"  GRCh38 {variant.chromosome}:{variant.position}"
    if variant.alleles:
        yield f"  plus strand {' > '.join(variant.alleles)}; effect allele {variant.effect}"
    if variant.is_palindromic:
        yield "  palindromic: read only where the strand is declared"
    if variant.x_linked:
        yield "  on the X chromosome: a man has one copy"
    yield f"  {english.text(f'genotypes.effects.{variant.rsid}')}"
    yield from (f"  {english.text(f'genotypes.notes.{note}')}" for note in variant.notes)
    yield f"  evidence {variant.evidence}; never changes the phase or a safety flag"
    yield from (f"  {source}: {rules.sources[source]}" for source in variant.sources)


def _about_phase(rule: str, rules: Rules) -> Iterator[str]:
    row, english = next(row for row in rules.phases if row.rule == rule), Language.load("en")
    yield f"phase rule {rule}: {english.text(f'phases.{row.text}.title')} ({row.phase})"
    yield f"  holds: {PHASE_FUNCTIONS[rule].__doc__}"
    yield f"  emits: {', '.join(row.qualifiers) or 'nothing'}; source {row.source}"


def _about_definition(definition: Definition, rules: Rules) -> Iterator[str]:
    english, own = Language.load("en"), f"criteria.{definition.id}"
    yield f"{definition.id}: {english.text(f'{own}.title')}"
    told = inspect.cleandoc(DEFINED_BY[definition.id].__doc__ or "")
    yield from (f"  {line}".rstrip() for line in told.splitlines())
    yield f"  answers: {', '.join(definition.results)}"
    for criterion, names in definition.inputs.items():
        label = english.text(f"criteria.names.{criterion}") if criterion else "looks at"
        yield f"  {label}: {', '.join(names)}"
    for name in definition.limits:
        yield from (f"  {_about_limit(limit)}" for limit in rules.limits_named(name))
    yield from (f"  {source}: {rules.sources[source]}" for source in definition.source.split(";"))
