"""Order floor. What the texts must tell of the rules, in every language alike, and nothing else."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from string import Formatter

from pipeline.criteria import DEFINITIONS, Definition
from pipeline.language import Language
from pipeline.model import LimitSet
from pipeline.resources import languages
from pipeline.rulebook.sayable import is_sayable
from pipeline.rules import Rules

_TOLD_BANDS = (
    *(f"{set}_{side}" for set in ("critical", "refer", "outside") for side in ("low", "high")),
    *(f"functional_{band}" for band in ("high", "inside_high")),
    "unit_zone",
)
_TOLD_TO_CLIENTS = (
    *(f"{set}_{side}" for set in ("critical", "refer", "outside") for side in ("low", "high")),
    *("attention", "attention_only", "within", "unit_zone", "undetermined"),
)
_PERSON = ("sex", "birth_year", "age")


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
    for id, marker in rules.markers.items():
        yield from (f"markers.{id}.name", f"markers.{id}.short")
        yield from (f"report.domains.{marker.domain}", f"client.themes.{marker.domain}")
    for row in rules.flags:
        yield f"flags.{row.flag}.title"
        yield f"flags.{row.flag}.{row.branch}"
        yield f"client.flags.{row.flag}.title"
    yield from (f"findings.{band}.clinician" for band in _TOLD_BANDS)
    yield from (f"client.bands.{band}" for band in _TOLD_TO_CLIENTS)
    for phase in rules.phases:
        yield from (f"phases.{phase.text}.title", f"phases.{phase.text}.reason")
        yield f"client.phases.{phase.text}"
    for advice in rules.plan:
        own = f"plan.items.{advice.id}"
        yield from (f"{own}.{part}" for part in ("title", "clinician", "client", "view"))
    for definition in DEFINITIONS.values():
        yield from _needed_of(definition)


def _bands_that_exist_are_told(rules: Rules) -> Iterator[str]:
    """Yield a side of the practice's targets that no text speaks of."""
    for limit in rules.limits:
        if limit.set is LimitSet.FUNCTIONAL and f"functional_{limit.side}" not in _TOLD_BANDS:
            yield f"limit {limit.id}: no text speaks of a target on the {limit.side} side"


def _flags_are_told_to_clients(rules: Rules) -> Iterator[str]:
    """Yield each branch of a flag that the client's words pass over."""
    for code, row in product(languages(), rules.flags):
        keys = (f"client.flags.{row.flag}.{name}" for name in (row.branch, "text"))
        if not any(Language.load(code).has(key) for key in keys):
            yield f"flag {row.flag}, {row.branch}: not told to clients in {code}"


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


def _no_text_is_of_what_is_not(rules: Rules) -> Iterator[str]:
    """Yield each text of an id that no rule knows."""
    language = Language.load(languages()[0])
    for prefix, known in _ids(rules).items():
        for name in language.keys(prefix):
            if name not in known:
                yield f"text {prefix}.{name}: there is no such id"


def _ids(rules: Rules) -> Mapping[str, set[str]]:
    """Return the ids that the texts below a prefix may be of."""
    words = {word for key in rules.context.values() for word in key.words}
    flags = {row.flag for row in rules.flags}
    branches = {f"flags.{flag}": _flag_texts(rules, flag) for flag in flags}
    return {
        "markers": set(rules.markers),
        "context.keys": {*rules.context, *_PERSON},
        "context.words": {*words, "yes", "no", "none", "unknown"},
        "context.drugs": set(rules.medication),
        "criteria.names": {name for one in DEFINITIONS.values() for name in one.inputs},
        "genotypes.effects": set(rules.genotypes),
        "genotypes.client.effects": set(rules.genotypes),
        "methods.formulas": set(rules.markers),
        "plan.items": {one.id for one in rules.plan},
        "plan.ci": {one.id for one in rules.contraindications},
        "report.domains": {one.domain for one in rules.markers.values()},
        "report.bodies": {*rules.sources, "specification"},
        **branches,
    }


def _flag_texts(rules: Rules, flag: str) -> set[str]:
    """Return the names of texts that a flag may have: its branches, and what each asks."""
    rows = [row for row in rules.flags if row.flag == flag]
    owners = ["action", *(row.branch for row in rows if row.kind == "variant")]
    levels = ("emergency", "urgent", "routine", "banner")
    endings = (*levels, *(row.branch for row in rows))
    branches = {row.branch for row in rows}
    facts = {f"{branch}_{key}" for branch in branches for key in rules.context}
    asks = {f"{owner}_{ending}" for owner in owners for ending in endings}
    return {"title", *owners, *branches, *facts, *asks}


def _no_text_is_unused(rules: Rules) -> Iterator[str]:
    """Yield each text that no line of the program, a template or a notebook can ask for."""
    for key, _ in _flat(Language.load(languages()[0]).texts):
        if not is_sayable(key):
            yield f"text {key}: nothing says it"


TEXT_CHECKS: tuple[Callable[[Rules], Iterator[str]], ...] = (
    _everything_is_told_alike,
    _bands_that_exist_are_told,
    _flags_are_told_to_clients,
    _notes_are_told,
    _no_text_is_of_what_is_not,
    _no_text_is_unused,
)
