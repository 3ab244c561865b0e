"""Order floor. What is known of a limit, flag, phase rule, definition, variant or advice."""

import inspect
from collections.abc import Iterable, Iterator
from math import isinf

from pipeline.criteria import DEFINED_BY, Definition
from pipeline.flags import inputs_of
from pipeline.language import Language
from pipeline.model import Limit
from pipeline.phase import PHASE_FUNCTIONS
from pipeline.rules import Rules
from pipeline.rules.loader import FlagBranch, Variant

_UNITS = {"{ULN}": "× the upper limit", "a": "years", "wk": "weeks", "d": "days", "h": "hours"}
_URGENCIES = {"E": "same day", "U": "within days", "R": "routine referral", "-": "banner"}


def in_words(limit: Limit) -> str:
    """Return a comparison with its unit, and for whom it is: "< 3 mmol/L (54 mg/dL), women"."""
    english = Language.load("en")
    unit = _UNITS.get(limit.unit) or english.unit(limit.unit)
    mass = f" ({limit.mg_dl:g} mg/dL)" if limit.mg_dl is not None else ""
    sex = {"F": ", women", "M": ", men", None: ""}[limit.sex]
    ages = _ages(*limit.ages) if limit.ages else ""
    return f"{limit.op} {limit.value:g} {unit}".rstrip() + mass + sex + ages


def _ages(first: float, last: float) -> str:
    return f", from age {first:g}" if isinf(last) else f", age {first:g} to {last:g}"


def citations(sources: Iterable[str], rules: Rules) -> Iterator[str]:
    """Yield the citation behind each source id."""
    yield "  Sources:"
    yield from (f"    {source}: {rules.sources[source]}" for source in dict.fromkeys(sources))


def _checked(verified: bool) -> str:
    return "" if verified else " [unverified]"


def about_limits(name: str, rules: Rules) -> Iterator[str]:
    """Yield a limit, or those of both sexes, with the marker and the source."""
    english = Language.load("en")
    for limit in rules.limits_named(name):
        known = limit.marker in rules.markers
        marker = english.marker(limit.marker) if known else limit.marker
        yield f"{limit.id}: {marker} {in_words(limit)} [{limit.set}]{_checked(limit.verified)}"
        yield from citations(limit.source.split(";"), rules)


def about_flag(id: str, rules: Rules) -> Iterator[str]:
    """Yield a safety flag: each branch in words with its urgency, limits, inputs and source."""
    english = Language.load("en")
    yield f"{id}: {english.text(f'flags.{id}.title')}"
    rows = [row for row in rules.flags if row.flag == id]
    for row in rows:
        yield from _about_branch(row, rules)
    yield from _other_limits(id, rows, rules)
    yield "  No language, audience, brand or target of a practice switches it off."
    yield from citations((source for row in rows for source in row.source.split(";")), rules)


def _about_branch(row: FlagBranch, rules: Rules) -> Iterator[str]:
    english = Language.load("en")
    how = "changes the wording"
    if row.urgency:
        needed = row.urgency.needs_acknowledgement
        how = _URGENCIES[row.urgency] + ("; must be acknowledged" if needed else "")
    yield f"  {row.branch} ({how}){_checked(row.verified)}:"
    yield f"    {english.text(f'flags.{row.flag}.{row.branch}')}"
    yield f"    looks at: {', '.join(_named(name, rules) for name in inputs_of(row, rules))}"
    if row.limit:
        yield from (f"    limit: {in_words(limit)}" for limit in rules.limits_named(row.limit))


def _other_limits(id: str, rows: list[FlagBranch], rules: Rules) -> Iterator[str]:
    """Yield the limits of a flag that branches decided by more than one comparison use."""
    told = {limit.id for row in rows if row.limit for limit in rules.limits_named(row.limit)}
    for limit in rules.limits:
        if limit.id.startswith(f"{id.lower()}-") and limit.id not in told:
            said = f"{_named(limit.marker, rules)} {in_words(limit)}"
            yield f"  other limit: {said}{_checked(limit.verified)}  {limit.id}"


def _named(name: str, rules: Rules) -> str:
    """Return the name of what a rule looks at; of what only the program knows its word."""
    english = Language.load("en")
    if name in rules.markers:
        return english.short(name)
    keys = (f"context.{kind}.{name}" for kind in ("keys", "words", "drugs"))
    known = next((key for key in keys if english.has(key)), "")
    return english.text(known) if known else name.replace("_", " ")


def about_variant(variant: Variant, rules: Rules) -> Iterator[str]:
    """Yield a variant: where it lies, which allele is counted, what it does, and the evidence."""
    english = Language.load("en")
    yield f"{variant.rsid}: {variant.gene} {variant.name}{_checked(variant.verified)}"
    if variant.position:
        yield f"  GRCh38 {variant.chromosome}:{variant.position}"
    if variant.alleles:
        yield f"  plus strand {' > '.join(variant.alleles)}; effect allele {variant.effect}"
    if variant.gene_strand == "minus":
        papers = " > ".join(map(variant.in_papers, variant.alleles))
        yield f"  gene on the minus strand: papers write {papers}"
    if variant.is_palindromic:
        yield "  palindromic: read only where the strand is declared"
    if variant.x_linked:
        yield "  on the X chromosome: a man has one copy"
    yield f"  {english.text(f'genotypes.effects.{variant.rsid}')}"
    yield from (f"  {english.text(f'genotypes.notes.{note}')}" for note in variant.notes)
    yield f"  evidence {variant.evidence}; never changes the phase or a safety flag"
    yield from citations(variant.sources, rules)


def about_phase(rule: str, rules: Rules) -> Iterator[str]:
    """Yield a phase rule: what it is called, when it holds, and what it emits beside the phase."""
    row, english = next(row for row in rules.phases if row.rule == rule), Language.load("en")
    yield f"phase rule {rule}: {english.text(f'phases.{row.text}.title')} ({row.phase})"
    yield f"  holds: {PHASE_FUNCTIONS[rule].__doc__}"
    yield f"  in words: {english.text(f'phases.{row.text}.reason', drugs=[], why=[])}"
    yield f"  emits: {', '.join(row.qualifiers) or 'nothing'}"
    yield f"  place: {[one.rule for one in rules.phases].index(rule) + 1} of {len(rules.phases)}"
    yield from citations([row.source], rules)


def about_definition(definition: Definition, rules: Rules) -> Iterator[str]:
    """Yield a definition: what it asks, its criteria, its limits and its sources."""
    english, own = Language.load("en"), f"criteria.{definition.id}"
    yield f"{definition.id}: {english.text(f'{own}.title')}"
    told = inspect.cleandoc(DEFINED_BY[definition.id].__doc__ or "")
    yield from (f"  {line}".rstrip() for line in told.splitlines())
    yield f"  answers: {', '.join(definition.results)}"
    for criterion, names in definition.inputs.items():
        label = english.text(f"criteria.names.{criterion}") if criterion else "looks at"
        yield f"  {label}: {', '.join(_named(name, rules) for name in names)}"
    for name in definition.limits:
        for limit in rules.limits_named(name):
            said = f"{_named(limit.marker, rules)} {in_words(limit)}  ({limit.source})"
            yield f"  {said}{_checked(limit.verified)}  {limit.id}"
    yield from citations(definition.source.split(";"), rules)


def about_advice(id: str, rules: Rules) -> Iterator[str]:
    """Yield an advice: its words, what calls for it, and what withholds or changes it."""
    english = Language.load("en")
    (row,) = (advice for advice in rules.plan if advice.id == id)
    yield f"{id}: {english.text(f'plan.areas.{row.area}')}{_checked(row.verified)}"
    yield f"  {english.text(f'plan.grades.{row.grade}')}"
    yield f"  called for by: {', '.join(row.triggers)}"
    for word, kept in (("withheld", "withholds"), ("changed", "changes")):
        ids = [one.id for one in rules.contraindications if row.is_one_of(getattr(one, kept))]
        if ids:
            yield f"  {word} by: {', '.join(dict.fromkeys(ids))}"
    yield f"  Guidelines: {english.text(f'plan.items.{id}.view')}"
    yield from citations(row.source.split(";"), rules)


def about_contraindication(id: str, rules: Rules) -> Iterator[str]:
    """Yield a contra-indication: its words, and which advice it withholds and changes."""
    english, key = Language.load("en"), f"plan.ci.{id}.clinician"
    yield f"{id}, in the plan: contra-indication"
    if english.has(key):
        yield f"  {english.text(key)}"
    rows = [row for row in rules.contraindications if row.id == id]
    for row in rows:
        branch = f" ({row.branch})" if row.branch else ""
        for word, names in (("withholds", row.withholds), ("changes", row.changes)):
            if names:
                yield f"  {word}{branch}: {', '.join(names)}{_checked(row.verified)}"
    yield from citations((source for row in rows for source in row.source.split(";")), rules)
