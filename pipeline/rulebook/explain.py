"""Order floor. What is known of one id, in words that a clinician can read: ``explain``."""

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap

from pipeline.criteria import DEFINITIONS
from pipeline.errors import CommandError
from pipeline.language import Language
from pipeline.phase import PHASE_FUNCTIONS
from pipeline.rulebook.about_marker import about_marker
from pipeline.rulebook.about_rule import (
    about_advice,
    about_contraindication,
    about_definition,
    about_flag,
    about_limits,
    about_phase,
    about_variant,
)
from pipeline.rules import Rules, load_rules

_WIDTH = 100


def list_rules() -> str:
    """Return every id that can be explained, with its name in English, a line each."""
    return "\n".join(f"{id:28} {name}" for id, name in _names(load_rules()).items())


def explain(id: str) -> str:
    """Return what is known of an id of ``list_rules``, of a limit, a LOINC code or an alias.

    A definition that bears a marker's name (hs_crp) is told after that marker.

    Raises CommandError where the id is none of these.
    """
    rules = load_rules()
    lines = [*_told(id, rules)] or [*_told(rules.aliases.get(id.strip().casefold(), ""), rules)]
    if not lines:
        raise CommandError(
            f"Unrecognised id '{id}': expected a marker, limit, flag, phase, definition, variant,"
            " advice or contra-indication of 'rules list'."
        )
    return "\n".join(_wrapped(lines))


def _told(id: str, rules: Rules) -> Iterator[str]:
    if id in rules.markers:
        yield from about_marker(id, rules)
    if id in DEFINITIONS:
        yield from about_definition(DEFINITIONS[id], rules)
    if any(limit.id in (id, f"{id}-f", f"{id}-m") for limit in rules.limits):
        yield from about_limits(id, rules)
    if any(row.flag == id for row in rules.flags):
        yield from about_flag(id, rules)
    if id in rules.genotypes:
        yield from about_variant(rules.genotypes[id], rules)
    if id.removeprefix("phase-") in PHASE_FUNCTIONS:
        yield from about_phase(id.removeprefix("phase-"), rules)
    if any(advice.id == id for advice in rules.plan):
        yield from about_advice(id, rules)
    if any(row.id == id for row in rules.contraindications):
        yield from about_contraindication(id, rules)


def _names(rules: Rules) -> Mapping[str, str]:
    english = Language.load("en")
    phases = {f"phase-{row.rule}": f"phases.{row.text}.title" for row in rules.phases}
    keys = {
        **{id: f"markers.{id}.name" for id in rules.markers},
        **{row.flag: f"flags.{row.flag}.title" for row in rules.flags},
        **phases,
        **{id: f"criteria.{id}.title" for id in DEFINITIONS},
    }
    variants = {one.rsid: f"{one.gene} {one.name}" for one in rules.genotypes.values()}
    advice = {one.id: english.text(f"plan.areas.{one.area}") for one in rules.plan}
    blocks = {one.id: "contra-indication" for one in rules.contraindications}
    return {**blocks, **{id: english.text(key) for id, key in keys.items()}, **variants, **advice}


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines no longer than a screen; what goes on stands under its own beginning."""
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrap(line, _WIDTH, subsequent_indent=indent) or [""]
