"""Rules floor. Reads the CSV files of this folder; a row that cannot be is named by its address."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd

from pipeline.errors import RulesError
from pipeline.model import Limit, LimitSet, Sex, Urgency
from pipeline.rules.targets import limits_of_practice, with_limits
from pipeline.rules.units import fold_unit

_FOLDER = Path(__file__).resolve().parent
_T = TypeVar("_T")
_Cells = Mapping[str, str]
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One row of ``markers.csv``: a quantity that is measured, stated or computed."""

    id: str
    domain: str
    specimen: str
    kind: Literal["measured", "body", "device", "computed"]
    as_reported: bool  # a computed marker whose reported value stands
    unit: str
    decimals: int
    direction: Literal["high_bad", "low_bad", "both"]
    biotin: str
    cv_i: float | None
    cv_a: float | None
    loinc: str
    named_in_seed: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One row of ``conditions.csv``: nothing is computed where ``input op value`` holds."""

    marker: str
    input: str
    limit: Limit
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextKey:
    """One row of ``context.csv``: a key that may be stated, and the words it takes."""

    key: str
    kind: Literal["yes_no", "number", "word", "words", "codes"]
    words: tuple[str, ...]
    scope: Literal["visit", "sample"]
    confidence: bool
    asked_until: int | None  # the age up to which a client is asked for it
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagBranch:
    """One row of ``flags.csv``: a condition (or a variant of the wording) of a safety flag."""

    flag: str
    branch: str
    kind: Literal["branch", "variant"]
    urgency: Urgency | None
    limit: str
    source: str
    verified: bool

    @property
    def function(self) -> str:
        """Return the name of the function that decides this branch where no limit does."""
        return f"{self.flag.lower().replace('-', '_')}_{self.branch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRule:
    """One row of ``phases.csv``."""

    rule: str
    phase: str
    qualifiers: tuple[str, ...]
    text: str
    confident: bool
    source: str

    @property
    def always(self) -> tuple[str, ...]:
        """Return the qualifiers that the rule emits whenever it decides."""
        return tuple(word for word in self.qualifiers if not word.endswith("?"))

    @property
    def sometimes(self) -> tuple[str, ...]:
        """Return the qualifiers that need a condition of their own."""
        return tuple(word[:-1] for word in self.qualifiers if word.endswith("?"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One row of ``plan.csv``: a piece of advice, and what calls for it."""

    id: str
    area: str
    theme: str  # the heading under which a client reads it
    kinds: tuple[str, ...]
    grade: Literal["A", "B", "C", "D"]
    triggers: tuple[str, ...]
    needs: tuple[str, ...]
    context: tuple[str, ...]
    instead_of: str
    source: str
    verified: bool

    def is_one_of(self, names: tuple[str, ...]) -> bool:
        """Return whether ``names``, ids of advice and kinds of it, have this among them."""
        return self.id in names or any(kind in names for kind in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraindication:
    """One row of ``contraindications.csv``: the advice that it withholds, and that it changes."""

    id: str
    branch: str
    withholds: tuple[str, ...]
    changes: tuple[str, ...]
    source: str
    verified: bool

    @property
    def function(self) -> str:
        """Return the name of the function, else of the stated fact, that decides."""
        named = self.id.lower().replace("-", "_")
        return f"{named}_{self.branch}" if self.branch else named


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One row of ``plan_amounts.csv``: a number that a piece of advice names."""

    advice: str
    name: str
    value: float
    unit: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """One row of ``population.csv``: the middle of many people; None where it judges no unit."""

    marker: str
    value: float | None  # canonical
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of ``genotypes.csv``: a variant of the panel on the GRCh38 plus strand."""

    rsid: str
    gene: str
    name: str  # as the literature writes it
    chromosome: str
    position: str
    gene_strand: str  # "minus": papers write the complement; "": the same letters, or not known
    alleles: tuple[str, ...]  # reference first; empty where not verified
    rare: tuple[str, ...]
    effect: str
    x_linked: bool
    evidence: str
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    verified: bool

    def in_papers(self, plus: str) -> str:
        """Return letters of the plus strand as papers write them, which follow the gene."""
        flipped = plus.translate(_COMPLEMENT) if self.gene_strand == "minus" else plus
        return "".join(sorted(flipped))

    @property
    def is_palindromic(self) -> bool:
        """Return whether both strands read the same: A with T, or C with G."""
        return set(self.alleles) in ({"A", "T"}, {"C", "G"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All facts, looked up by id."""

    markers: Mapping[str, Marker]
    aliases: Mapping[str, str]
    units: pd.DataFrame  # marker, unit (UCUM), folded, factor, offset, source
    spellings: Mapping[str, str]
    limits: tuple[Limit, ...]
    conditions: tuple[Condition, ...]
    context: Mapping[str, ContextKey]
    medication: Mapping[str, tuple[str, ...]]  # group -> ATC codes
    flags: tuple[FlagBranch, ...]
    phases: tuple[PhaseRule, ...]
    plan: tuple[Advice, ...]
    contraindications: tuple[Contraindication, ...]
    amounts: tuple[Amount, ...]
    genotypes: Mapping[str, Variant]  # by rsid
    sources: Mapping[str, str]
    column_names: Mapping[str, str] = field(default_factory=dict)  # of tables, folded
    sample_words: tuple[str, ...] = ()  # by which a remark says that a sample was poor
    typical: Mapping[str, Typical] = field(default_factory=dict)  # by marker
    targets: tuple[Mapping[str, Any], ...] = ()  # the practice's own, as its file states them
    _limits_by_id: Mapping[str, Limit] = field(init=False, repr=False)
    _limits_by_marker: Mapping[tuple[str, LimitSet], tuple[Limit, ...]] = field(
        init=False, repr=False
    )

    def __post_init__(self) -> None:
        by_marker: dict[tuple[str, LimitSet], tuple[Limit, ...]] = {}
        for limit in self.limits:
            place = (limit.marker, limit.set)
            by_marker[place] = (*by_marker.get(place, ()), limit)
        object.__setattr__(self, "_limits_by_id", {limit.id: limit for limit in self.limits})
        object.__setattr__(self, "_limits_by_marker", by_marker)

    def limits_named(self, name: str) -> tuple[Limit, ...]:
        """Return the limit ``name``, or its rows ``name-f`` and ``name-m`` where it differs by sex.

        Raises RulesError where there is none: a rule names a limit that no row states.
        """
        ids = (name, f"{name}-f", f"{name}-m")
        found = tuple(self._limits_by_id[id] for id in ids if id in self._limits_by_id)
        if not found:
            raise RulesError(f"Unable to find limit '{name}' in 'limits.csv'.")
        return found

    def marker_of(self, name: str) -> str | None:
        """Return the id of an analyte by id, code, name or alias; None where nobody knows it."""
        return self.aliases.get(" ".join(name.split()).casefold())

    def all_limits_of(self, marker: str, set: LimitSet) -> tuple[Limit, ...]:
        """Return the limits of ``marker`` in ``set``, of whatever sex and age."""
        return self._limits_by_marker.get((marker, set), ())

    def limits_of(self, marker: str, set: LimitSet, sex: Sex | None = None) -> tuple[Limit, ...]:
        """Return the limits of ``marker`` in ``set`` that hold for ``sex``.

        Where the sex is unknown, a limit that differs by sex holds for nobody.
        """
        limits = self.all_limits_of(marker, set)
        return tuple(limit for limit in limits if limit.sex in (None, sex))

    def with_targets(self, rows: Iterable[Mapping[str, Any]]) -> "Rules":
        """Return the facts with a practice's own targets; nothing else of them changes.

        Raises RulesError where a row asks for anything but a target that can be.
        """
        stated = tuple(rows)
        if stated == self.targets:
            return self
        own = limits_of_practice(stated, self)
        return replace(self, limits=with_limits(own, self.limits), targets=stated)

    def fold_unit(self, text: str) -> str:
        """Return the key of a unit as anybody writes it, listed spellings included."""
        folded = fold_unit(text)
        return self.spellings.get(folded, folded)


@cache
def load_rules() -> Rules:
    """Return the built-in facts.

    Raises RulesError with file and row where a row cannot be what it says.
    """
    spellings = {row["written"]: fold_unit(row["unit"]) for row in read_rows("unit_spellings.csv")}
    return Rules(
        markers={marker.id: marker for marker in _build("markers.csv", _marker)},
        aliases={row["alias"]: row["marker"] for row in read_rows("aliases.csv")},
        units=_units(spellings),
        spellings=spellings,
        limits=tuple(_build("limits.csv", _limit)),
        conditions=tuple(_build("conditions.csv", _condition)),
        context={key.key: key for key in _build("context.csv", _context_key)},
        medication=_medication(),
        flags=tuple(_build("flags.csv", _flag_branch)),
        phases=tuple(_build("phases.csv", _phase_rule)),
        plan=tuple(_build("plan.csv", _advice)),
        contraindications=tuple(_build("contraindications.csv", _contraindication)),
        amounts=tuple(_build("plan_amounts.csv", _amount)),
        genotypes={one.rsid: one for one in _build("genotypes.csv", _variant)},
        sources={row["id"]: row["citation"] for row in read_rows("sources.csv")},
        column_names={row["written"]: row["column"] for row in read_rows("column_names.csv")},
        sample_words=tuple(row["word"] for row in read_rows("sample_words.csv")),
        typical={one.marker: one for one in _build("population.csv", _typical)},
    )


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV file ``name`` of this folder, without its # lines."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(StringIO("\n".join(lines))))


def _build(name: str, build: Callable[[_Cells], _T]) -> Iterator[_T]:
    for number, row in enumerate(read_rows(name), start=1):
        try:
            yield build(row)
        except (KeyError, ValueError) as error:
            raise RulesError(f"{name}, row {number}: {error}") from None


def _units(spellings: Mapping[str, str]) -> pd.DataFrame:
    units = pd.DataFrame(read_rows("units.csv"))
    folded = units["unit"].map(fold_unit)
    return units.assign(
        folded=folded.map(lambda unit: spellings.get(unit, unit)),
        factor=units["factor"].astype(float),
        offset=units["offset"].astype(float),
    )


def _medication() -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for row in read_rows("medication.csv"):
        groups[row["group"]] = (*groups.get(row["group"], ()), row["atc"])
    return groups


def _number(text: str) -> float | None:
    return float(text) if text else None


def _yes(text: str) -> bool:
    return {"yes": True, "no": False, "": False}[text]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _marker(row: _Cells) -> Marker:
    return Marker(
        id=row["marker"],
        domain=row["domain"],
        specimen=row["specimen"],
        kind=row["kind"],  # type: ignore[arg-type]
        as_reported=_yes(row["as_reported"]),
        unit=row["unit"],
        decimals=int(row["decimals"]),
        direction=row["direction"],  # type: ignore[arg-type]
        biotin=row["biotin"],
        cv_i=_number(row["cv_i"]),
        cv_a=_number(row["cv_a"]),
        loinc=row["loinc"],
        named_in_seed=row["named_in_seed"],
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _limit(row: _Cells) -> Limit:
    return Limit(
        id=row["id"],
        marker=row["marker"],
        set=LimitSet(row["set"]),
        op=row["op"],  # type: ignore[arg-type]
        value=float(row["value"]),
        mg_dl=_number(row["mg_dl"]),
        unit=row["unit"],
        sex=row["sex"] or None,  # type: ignore[arg-type]
        ages=_ages(row["ages"]),
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _ages(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    first, last = text.split("-")
    return float(first or "-inf"), float(last or "inf")


def _condition(row: _Cells) -> Condition:
    cells = {
        "id": f"{row['marker']}-{row['reason']}",
        "set": "rule",
        "sex": "",
        "ages": "",
        "verified": "yes",
        **row,
        "marker": row["input"],
    }
    return Condition(
        marker=row["marker"], input=row["input"], limit=_limit(cells), reason=row["reason"]
    )


def _context_key(row: _Cells) -> ContextKey:
    return ContextKey(
        key=row["key"],
        kind=row["kind"],  # type: ignore[arg-type]
        words=_words(row["words"]),
        scope=row["scope"],  # type: ignore[arg-type]
        confidence=_yes(row["confidence"]),
        asked_until=int(row["asked_until"]) if row["asked_until"] else None,
        source=row["source"],
    )


def _flag_branch(row: _Cells) -> FlagBranch:
    return FlagBranch(
        flag=row["flag"],
        branch=row["branch"],
        kind=row["kind"],  # type: ignore[arg-type]
        urgency=Urgency(row["urgency"]) if row["urgency"] else None,
        limit=row["limit"],
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _phase_rule(row: _Cells) -> PhaseRule:
    return PhaseRule(
        rule=row["rule"],
        phase=row["phase"],
        qualifiers=_words(row["qualifiers"]),
        text=row["text"],
        confident=_yes(row["confident"]),
        source=row["source"],
    )


def _advice(row: _Cells) -> Advice:
    return Advice(
        id=row["item"],
        area=row["area"],
        theme=row["theme"],
        kinds=_words(row["kinds"]),
        grade=row["grade"],  # type: ignore[arg-type]
        triggers=_words(row["triggers"]),
        needs=_words(row["needs"]),
        context=_words(row["context"]),
        instead_of=row["instead_of"],
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _contraindication(row: _Cells) -> Contraindication:
    return Contraindication(
        id=row["id"],
        branch=row["branch"],
        withholds=_words(row["withholds"]),
        changes=_words(row["changes"]),
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _amount(row: _Cells) -> Amount:
    return Amount(
        advice=row["item"],
        name=row["name"],
        value=float(row["value"]),
        unit=row["unit"],
        source=row["source"],
        verified=_yes(row["verified"]),
    )


def _typical(row: _Cells) -> Typical:
    return Typical(marker=row["marker"], value=_number(row["typical"]), source=row["source"])


def _variant(row: _Cells) -> Variant:
    return Variant(
        rsid=row["rsid"],
        gene=row["gene"],
        name=row["variant"],
        chromosome=row["chromosome"],
        position=row["position"],
        gene_strand=row["gene_strand"],
        alleles=_words(f"{row['ref']} {row['alts']}"),
        rare=_words(row["rare"]),
        effect=row["effect"],
        x_linked=_yes(row["x_linked"]),
        evidence=row["evidence"],
        notes=_words(row["notes"]),
        sources=tuple(row["source"].split(";")),
        verified=_yes(row["verified"]),
    )
