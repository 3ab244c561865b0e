"""Noun floor. The nouns: rows and their columns, limits, findings, flags, phase, interpretation."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # what only prints a report need not load it
    import pandas as pd

# What a laboratory must say of a result, and what it may say; all of it is text, as it was written.
REQUIRED_COLUMNS = ("case_id", "sample_id", "collected_at", "analyte", "value", "unit")
OPTIONAL_COLUMNS = (
    "ref_low",
    "ref_high",
    "lab",
    "method",
    "fasting_hours",
    "haemolysis",
    "status",
    "comment",
    "specimen",
    "sex",
    "birth_year",
    "issued",  # when the laboratory gave this version of the result out
    "flag",  # what the source says of it: H, L, abnormal; judged anew here
    "ref_text",  # the interval as one text: "3,9 - 5,6"
)
# Reasons that leave only the size or the unit of a value in doubt: it is not scored, but the safety
# flags know of it …
NOT_SCORED = (
    "implausible",
    "unit-unknown",
    "unit-missing",
    "unit-likely",
    "unit-column",
    "interval-conflicts",
)
# … and those by which a measurement is in doubt, not undone: the flags still look at it.
IN_DOUBT = frozenset({*NOT_SCORED, "duplicate-contradictory"})
OWN_REASON = "own-"  # how the reasons of a practice's own expectations begin
RAW_COLUMNS = ("row", "file", "line", *REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)

# An accepted row: what was reported, and the same in the marker's canonical unit.
# low and high are the ends of the value as an interval; an open end ("<0.3") stands one ulp inside.
# mg_low and mg_high repeat it in mg/dL where it was reported so, for limits and formulas in mg/dL.
ACCEPTED_COLUMNS = (
    "row",
    "case_id",
    "sample_id",
    "collected_at",
    "marker",
    "value_as_reported",
    "unit_as_reported",
    "comparator",
    "low",
    "high",
    "mg_low",
    "mg_high",
    "factor_known",
    "ref_low",
    "ref_high",
    "fasting_hours",
    "haemolysis",
    "lab",
    "method",
    "status",
    "comment",
    "specimen",
    "notes",
)

Sex = Literal["F", "M"]
Operator = Literal[">", ">=", "<", "<="]


class Band(StrEnum):
    """Where a value stands against the limits of one set."""

    LOW = "low"
    WITHIN = "within"
    HIGH = "high"
    UNDETERMINED = "undetermined"


class LimitSet(StrEnum):
    """Whose limit it is, or what it decides."""

    REFERENCE = "reference"  # the typical interval: fallback for the laboratory's own
    GUIDELINE = "guideline"
    FUNCTIONAL = "functional"
    CRITICAL = "critical"
    REFER = "refer"
    PLAUSIBLE = "plausible"
    DOUBTFUL = "doubtful"  # plausible, but another unit is likelier
    RULE = "rule"  # named by a phase, a flag or a classification
    LITERATURE = "literature"  # shown beside the others; decides nothing


class Urgency(StrEnum):
    """How soon a flag asks for a doctor."""

    EMERGENCY = "E"
    URGENT = "U"
    ROUTINE = "R"
    BANNER = "-"

    @property
    def needs_acknowledgement(self) -> bool:
        """Return whether somebody must confirm having seen such a flag before a report leaves."""
        return self in (Urgency.EMERGENCY, Urgency.URGENT)


class Audience(StrEnum):
    """For whom a case is told; the machine reads case.json."""

    CLINICIAN = "clinician"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of ``limits.csv``: a value is beyond it when ``value op limit`` holds."""

    id: str
    marker: str
    set: LimitSet
    op: Operator
    value: float
    unit: str
    source: str
    verified: bool
    mg_dl: float | None = None
    sex: Sex | None = None
    ages: tuple[float, float] | None = None  # from and to, both inside; None: all

    def __post_init__(self) -> None:
        if not isfinite(self.value):
            raise ValueError("a limit needs a finite value")
        if not self.source:
            raise ValueError("a limit needs a source")

    @property
    def side(self) -> Band:
        """Return the band of a value beyond this limit."""
        return Band.HIGH if self.op.startswith(">") else Band.LOW


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A row that was not accepted: its id and each reason as a word.

    Where only its value or unit is in doubt, ``measurement`` holds the row in canonical form (NaN
    for what could not be converted): it is not scored, but the safety flags still look at it.
    """

    row: str
    reasons: tuple[str, ...]
    measurement: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Whether the person agreed to a case study, and when."""

    given: bool
    date: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of the timeline of a case, told in each language."""

    when: str  # a date or a month, ISO 8601
    kind: str  # presentation, test, intervention, outcome
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedGenotype:
    """A genotype as the source gave it; it is stored so, whatever is made of it."""

    rsid: str
    call: str  # letters as reported, "AG", "A/G"; "--" where there was no call
    strand: str  # plus, minus, or "" where the source does not say
    build: str  # GRCh37, GRCh38, or ""
    assay: str  # the array or laboratory, as the source names it; "" unknown
    row: str = ""  # where it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInput:
    """All that a report of one case depends on, as ``input.json`` holds it."""

    case_id: str
    as_of: dt.date
    sex: Sex | None
    birth_year: int | None
    rows: "pd.DataFrame"  # ACCEPTED_COLUMNS
    set_aside: tuple[SetAside, ...] = ()
    context: Mapping[str, object] = field(default_factory=dict)  # holds at every visit
    visits: tuple[Mapping[str, object], ...] = ()  # each has a date, then what differs
    consent: Consent | None = None
    timeline: tuple[Event, ...] = ()
    note: Mapping[str, str] = field(default_factory=dict)  # printed in the footer, by language
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # title, perspective …
    genotypes: tuple[StatedGenotype, ...] = ()
    rules: tuple[Mapping[str, object], ...] = ()  # the practice's own targets over the built-in
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A value, the limits that judged it, and the rows it came from."""

    marker: str
    value: float  # canonical; of "<0.3" it is 0.3
    comparator: str | None
    unit: str
    decimals: int  # as many as tell the value apart from the limits it lies beyond
    reported: tuple[str, str] | None  # value and unit as the file said
    mg_dl: float | None  # the same in mg/dL, where it was reported so and is no mere limit
    laboratory: Band | None
    guideline: Band | None
    functional: Band | None
    critical: Band | None  # HH or LL
    refer: Band | None
    counts: bool  # outside its reference interval on the side that is judged
    limits: Mapping[str, tuple[Limit, ...]]  # by set; the laboratory's own interval included
    rows: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()  # words: not-fasting, biotin, haemolysis, unit-zone …
    lab: str = ""
    method: str = ""
    repeats: tuple[str, ...] = ()  # rows of further results of this marker in the visit


@dataclass(frozen=True, slots=True, kw_only=True)
class NotComputed:
    """A computed marker that has no value at a visit, and why."""

    marker: str
    reason: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Where the person stands, by the first rule that holds."""

    id: str
    rule: str
    confidence: str | None
    qualifiers: tuple[str, ...]
    g_class: str
    i_class: str
    supporting: int
    supporting_known: int
    signals: Mapping[str, bool | None]  # the supporting signals, each yes, no or unknown
    present: tuple[str, ...]
    missing: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...]  # marker and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One value that a flag rests on; it may be another than the one that was judged last."""

    marker: str
    value: float
    comparator: str | None
    unit: str
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A safety flag that a visit raised."""

    id: str
    urgency: Urgency
    open: bool
    branches: tuple[str, ...]  # which conditions held
    variants: tuple[str, ...]  # what changes its wording
    evidence: tuple[str, ...]  # markers and context keys
    rows: tuple[str, ...]
    values: tuple[Evidence, ...] = ()  # of the markers among the evidence
    if_correct: bool = False  # rests on a value that is set aside for its size or unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFlag:
    """A flag that is open as of the report's date: what page one leads with.

    ``bases``: each visit that still counts, with the flag as it held there, only the branches that
    are open and were raised there last; the latest first. ``urgency`` is the highest of these.
    """

    id: str
    urgency: Urgency
    if_correct: bool
    bases: tuple[tuple[dt.date, Flag], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAssessable:
    """A flag whose question arose, but which lacks an input."""

    id: str
    branches: tuple[str, ...]
    missing: tuple[str, ...]  # markers and context keys without a value; "sex" where it decides
    bounded: tuple[str, ...] = ()  # markers of which only a bound is known
    raised: bool = False  # by another of its branches, at the same visit


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagHistory:
    """A flag over all visits: when it was raised, and since when it no longer holds."""

    id: str
    urgency: Urgency
    raised: tuple[dt.date, ...]
    open: bool
    resolved: dt.date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One marker between two visits; ``real`` is None where that cannot be judged."""

    marker: str
    start: dt.date
    end: dt.date
    against: Literal["previous", "first"]
    start_value: float
    end_value: float
    percent: float | None
    real: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """A reported value of a computed marker beside our own."""

    marker: str
    date: dt.date
    reported: float
    computed: float
    agrees: bool
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What one published definition makes of a visit: its class, and the criteria behind it.

    ``result`` is a word of the definition, None where the visit does not allow one. ``criteria``
    are yes, no or unknown, each; a definition by bands alone has none.
    """

    id: str  # glycaemia_ada, metabolic_syndrome, pcos …
    result: str | None
    of: int  # how many criteria the definition has; 0 where it has none
    source: str
    criteria: Mapping[str, bool | None] = field(default_factory=dict)
    # markers that must point to no other cause: whether they lie outside their interval
    exclusions: Mapping[str, bool | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()  # markers and facts that would settle it
    evidence: tuple[str, ...] = ()  # markers and facts it rests on
    rows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # words: what must be said beside it

    @property
    def met(self) -> int:
        """Return how many criteria are met."""
        return sum(answer is True for answer in self.criteria.values())

    @property
    def known(self) -> int:
        """Return of how many criteria it is known whether they are met."""
        return sum(answer is not None for answer in self.criteria.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Genotype:
    """A variant of the panel: what was reported, and what can be said of it on the plus strand.

    ``copies`` counts the effect allele; None where the call cannot be placed, with the reason.
    """

    stated: StatedGenotype
    gene: str
    variant: str  # the name in the literature
    plus: str | None  # alleles on the GRCh38 plus strand, sorted, "AG"; one letter where hemizygous
    effect_allele: str
    copies: int | None
    evidence: str  # A, B, C or D
    reason: str = ""  # why ``plus`` is None: no-call, strand-unknown, alleles-unknown …
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """One piece of advice, why it is given, and what changes or forbids it."""

    id: str  # an area (D1), a rule (N6), or a part of one (D5-adaptogens)
    grade: str  # A, B, C or D
    because: tuple[str, ...]  # markers, flags, classes and facts that called for it
    changed_by: tuple[str, ...] = ()  # what gives it other words: CI-02, SF-14 …
    withheld_by: tuple[str, ...] = ()  # what forbids it; then it is not advised
    ask_first: tuple[str, ...] = ()  # facts that nobody stated, and that might forbid or change it
    amounts: Mapping[str, float] = field(default_factory=dict)  # units: plan_amounts.csv, texts
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Why a reading bears less than its number suggests, where a conclusion rests on it."""

    word: str  # aged, single, method-changed, haemolysis …
    weakens: str  # what rests on it: "phase", or the id of a flag
    markers: tuple[str, ...]
    rows: tuple[str, ...] = ()
    days: int | None = None  # the age of the oldest result, where that is the reason


OGTT_MINUTES = (0, 30, 60, 90, 120, 180)  # after the load
_ENOUGH_FOR_A_CURVE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit of the case that is shown."""

    date: dt.date
    month: int
    age: int | None
    findings: tuple[Finding, ...]
    not_computed: tuple[NotComputed, ...]
    phase: Phase
    flags: tuple[Flag, ...]
    not_assessable: tuple[NotAssessable, ...]
    classifications: tuple[Classification, ...]
    reservations: tuple[Reservation, ...]
    context: Mapping[str, object]  # what was stated; absent is unknown
    unknown: tuple[str, ...]  # context keys that are not stated

    def load_test(self, analyte: str) -> dict[int, Finding]:
        """Return the curve of "glucose" or "insulin" in an OGTT, by minute after the load.

        It is empty where there are fewer than three points: these make no curve.
        """
        found = {finding.marker: finding for finding in self.findings}
        names = {minute: f"{analyte}_ogtt_{minute}" for minute in OGTT_MINUTES}
        curve = {minute: found[name] for minute, name in names.items() if name in found}
        return curve if len(curve) >= _ENOUGH_FOR_A_CURVE else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """All that is known of one case: what every report, in every language, is told from."""

    case: CaseInput
    visits: tuple[Visit, ...]
    changes: tuple[Change, ...]
    flags: tuple[FlagHistory, ...]
    open_flags: tuple[OpenFlag, ...]
    checks: tuple[CrossCheck, ...]
    genotypes: tuple[Genotype, ...]
    plan: tuple[PlanItem, ...]  # as of the last visit
    versions: Mapping[str, str]
