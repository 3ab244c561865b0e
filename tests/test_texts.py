"""The texts: complete against the rules, alike in both languages, free of what must not be said."""

import re
from collections.abc import Iterator
from functools import partial
from string import Formatter

import pytest
from leaves import leaves

from pipeline.flags import inputs_of
from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.model import Urgency
from pipeline.narrate.safety import action_key
from pipeline.narrate.telling import Telling
from pipeline.rules import load_rules
from pipeline.rules.formulas import COMPUTED
from pipeline.rules.loader import FlagBranch

RULES = load_rules()
LANGUAGES = {code: Language.load(code) for code in ("nl", "en")}
OURS = (
    "context",
    "criteria",
    "differences",
    "findings",
    "flags",
    "markers",
    "methods",
    "phases",
    "reasons",
    "report",
    "reservations",
)
NUMBER = re.compile(r"(?<![\w,.])\d+(?:[.,]\d+)?")
ROW_REASONS = [
    "analyte-unknown",
    "unit-unknown",
    "unit-missing",
    "value-unreadable",
    "value-qualitative",
    "value-range",
    "value-with-remark",
    "value-ambiguous",
    "value-missing",
    "implausible",
    "unit-likely",
    "unit-column",
    "date-unreadable",
    "date-ambiguous",
    "date-after-as-of",
    "date-before-birth",
    "duplicate-identical",
    "duplicate-contradictory",
    "reported-differs",
    "row-width",
    "case-id-missing",
    "case-id-malformed",
    "case-id-differs",
    "person-contradicts",
    "status-not-reported",
    "case-unknown",
    "not-same-draw",
    "cross-check-failed",
    "unit-doubtful",
    "tyg-variant-b",
    "haemolysis",
    "superseded",
    "interval-unreadable",
    "interval-conflicts",
    "fasting-unreadable",
    "flag-differs",
    "corrected",
    "correction-without-reason",
    "correction-unreadable",
    "correction-changed",
]
NOT_COMPUTED = [
    "missing-input",
    "not-fasting",
    "not-same-draw",
    "glucose-out-of-range",
    "insulin-out-of-range",
    "glucose-too-low",
    "glucose-did-not-rise",
    "triglycerides-too-high",
    "censored",
    "haemolysis",
    "sex-unknown",
    "age-unknown",
    "men-not-defined",
    "ogtt-not-fasting",
    "ogtt-incomplete",
    "cgm-insufficient",
]
NOTES = [
    "not-fasting",
    "haemolysis",
    "biotin",
    "acute-illness",
    "unit-zone",
    "literature",
    "insulin-unit-sensitive",
    "unreliable-medication",
    "outside-clock-time",
    "unjudged-age",
    "sex-hormone-therapy",
    "hba1c-unreliable",
    "recomputed",
    "reported-only",
    "cgm-insufficient",
    "pregnancy",
    "cross-check-failed",
    "oestrogen",
    "from-ogtt",
    "not-same-draw",
    "unit-doubtful",
    "tyg-variant-b",
    "interval-unreadable",
    "fasting-unreadable",
    "flag-differs",
    "corrected",
]
CHANGES = [
    "no-variation-known",
    "different-method",
    "different-unit-factor",
    "censored",
    "medication",
]
EXCLUDED = [
    "not-fasting",
    "hba1c-unreliable",
    "ogtt-not-fasting",
    "biotin",
    "haemolysis",
    "not-same-draw",
]
SAME_DAY = re.compile(r"dezelfde dag|same day|vandaag|today|24 (?:uur|hours)")
LEVELS = {
    Urgency.EMERGENCY: "emergency",
    Urgency.URGENT: "urgent",
    Urgency.ROUTINE: "routine",
    Urgency.BANNER: "banner",
}
BRANCHES = [row for row in RULES.flags if row.kind == "branch"]
NEVER_NAMED = {
    "diabetes_range",
    "female",
    "not_scored",
    "immunoassay_measured",
    "egfr_was_below_30",
}

each_language = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


def texts(language: Language) -> dict[str, str]:
    return {key: text for file in OURS for key, text in leaves(language.texts[file], f"{file}.")}


def fields(text: str) -> frozenset[str]:
    return frozenset(field for _, field, _, _ in Formatter().parse(text) if field)


def numbers(text: str) -> list[str]:
    return sorted(number.replace(",", ".") for number in NUMBER.findall(text))


def telling_in(language: Language) -> Telling:
    """Return what a sentence is told from, of no case: for texts alone."""
    return Telling(interpretation=None, language=language, rules=RULES)  # type: ignore[arg-type]


def variants_of(flag: str) -> list[str]:
    return [row.branch for row in RULES.flags if row.flag == flag and row.kind == "variant"]


def asked(language: Language, row: FlagBranch) -> list[str]:
    """Return the keys of what a branch asks, without a variant and with each of its flag."""
    choices: list[tuple[str, ...]] = [(), *((variant,) for variant in variants_of(row.flag))]
    urgency = row.urgency or Urgency.BANNER
    return [
        action_key(telling_in(language), row.flag, row.branch, urgency=urgency, variants=variants)
        for variants in choices
    ]


def missing(language: Language, keys: Iterator[str] | list[str]) -> list[str]:
    return [key for key in keys if not language.has(key)]


# Both languages say the same.


def test_both_languages_have_the_same_texts() -> None:
    dutch, english = (set(texts(language)) for language in LANGUAGES.values())
    assert dutch == english


@pytest.mark.parametrize("file", OURS)
def test_a_text_needs_the_same_fields_in_both_languages(file: str) -> None:
    dutch, english = (dict(leaves(one.texts[file])) for one in LANGUAGES.values())
    assert [key for key in dutch if fields(dutch[key]) != fields(english[key])] == []


@pytest.mark.parametrize("file", OURS)
def test_a_text_states_the_same_numbers_in_both_languages(file: str) -> None:
    dutch, english = (dict(leaves(one.texts[file])) for one in LANGUAGES.values())
    told = [key for key in dutch if not key.startswith("formats.") and not key.endswith(".name")]
    assert [key for key in told if numbers(dutch[key]) != numbers(english[key])] == []


@each_language
def test_no_text_is_empty_but_the_unit_of_a_plain_number(language: Language) -> None:
    assert [key for key, text in texts(language).items() if not text] == ["report.units.1"]


@each_language
def test_a_number_is_never_parted_from_its_unit(language: Language) -> None:
    split = re.compile(r"\d [%µ]|\d (?:mmol|mU|pmol|nmol|mg|kg|mL|U/L|g/L|mmHg)|[≥≤<>] \d")
    assert [key for key, text in texts(language).items() if split.search(text)] == []


@each_language
def test_numbers_in_texts_have_the_decimal_mark_of_the_language(language: Language) -> None:
    wrong = r"\d\.\d" if language.code == "nl" else r"\d,\d"
    assert [key for key, text in texts(language).items() if re.search(wrong, text)] == []


# Everything the rules can say has a text.


@each_language
def test_every_marker_has_its_names(language: Language) -> None:
    keys = [f"markers.{id}.{form}" for id in RULES.markers for form in ("name", "short")]
    assert missing(language, keys) == []


def test_no_name_is_that_of_an_unknown_marker() -> None:
    assert set(LANGUAGES["nl"].keys("markers")) == set(RULES.markers)


def test_the_full_names_are_those_of_the_clinical_catalogue(shared: object) -> None:
    import csv
    from pathlib import Path

    path = Path(str(shared)) / "clinical" / "markers.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    plain = {"–": "-", NO_BREAK_SPACE: " "}
    for row in rows:
        for language in LANGUAGES.values():
            name = language.marker(row["id"])
            for mark, simple in plain.items():
                name = name.replace(mark, simple)
            assert name == row[f"name_{language.code}"]


@each_language
def test_every_domain_and_every_unit_is_printed(language: Language) -> None:
    markers = RULES.markers.values()
    assert missing(language, [f"report.domains.{marker.domain}" for marker in markers]) == []
    printed = {language.unit(marker.unit) for marker in markers}
    assert [unit for unit in printed if re.search(r"[\[\]{}*]", unit)] == []


@each_language
def test_every_branch_and_variant_of_every_flag_is_told(language: Language) -> None:
    keys = [f"flags.{row.flag}.{row.branch}" for row in RULES.flags]
    keys += [f"flags.{row.flag}.title" for row in RULES.flags]
    keys += [key for row in BRANCHES for key in asked(language, row)]
    assert missing(language, keys) == []


@each_language
def test_what_an_emergency_asks_never_reads_as_routine(language: Language) -> None:
    emergencies = [row for row in BRANCHES if row.urgency is Urgency.EMERGENCY]
    keys = {key for row in emergencies for key in asked(language, row)}
    assert [key for key in sorted(keys) if not SAME_DAY.search(language.text(key))] == []


@each_language
def test_a_variant_of_one_branch_leaves_what_the_others_ask(language: Language) -> None:
    telling = telling_in(language)
    key = partial(action_key, telling, "SF-13", variants=("haemolysis",))
    emergency = Urgency.EMERGENCY
    assert key("potassium_high", urgency=emergency) == "flags.SF-13.haemolysis"
    assert key("sodium_low", urgency=emergency) == "flags.SF-13.action_emergency"
    key = partial(action_key, telling, "SF-17", variants=("day_unknown",), urgency=Urgency.ROUTINE)
    assert key("ohp17") == "flags.SF-17.day_unknown"
    assert key("prolactin") == "flags.SF-17.action_prolactin"


def test_no_flag_text_is_that_of_an_unknown_branch() -> None:
    known = {(row.flag, row.branch) for row in RULES.flags}
    known |= {(row.flag, "title") for row in RULES.flags} | {("SF-24", "wish_ivf")}
    known |= {
        (row.flag, f"{owner}{part}")
        for row in BRANCHES
        for owner in ("action", *variants_of(row.flag))
        for part in ("", f"_{row.branch}", f"_{LEVELS[row.urgency or Urgency.BANNER]}")
    }
    told = {
        (flag, part)
        for flag in LANGUAGES["nl"].keys("flags")
        for part in LANGUAGES["nl"].keys(f"flags.{flag}")
    }
    assert told - known == set()


@each_language
def test_every_text_of_what_a_flag_asks_is_asked_for_by_a_branch(language: Language) -> None:
    reached = {key for row in BRANCHES for key in asked(language, row)}
    written = {
        f"flags.{flag}.{part}"
        for flag in language.keys("flags")
        for part in language.keys(f"flags.{flag}")
        if part.startswith("action")
    }
    assert written - reached == set()


@each_language
def test_whatever_a_flag_may_lack_or_rest_on_has_a_name(language: Language) -> None:
    names = {name for row in RULES.flags for name in inputs_of(row, RULES)} - NEVER_NAMED
    unnamed = [
        name
        for name in names - set(RULES.markers)
        if not any(language.has(f"context.{kind}.{name}") for kind in ("keys", "words", "drugs"))
    ]
    assert unnamed == []


@each_language
def test_every_phase_and_qualifier_is_told(language: Language) -> None:
    keys = [f"phases.{rule.text}.{part}" for rule in RULES.phases for part in ("title", "reason")]
    words = {word.rstrip("?") for rule in RULES.phases for word in rule.qualifiers}
    words |= {"low_glucose", "nonfasting_raised", "insulin_unit_sensitive"}  # with any rule
    keys += [f"phases.qualifiers.{word}.label" for word in words]
    assert missing(language, keys) == []


def test_every_class_and_signal_is_told() -> None:
    for language in LANGUAGES.values():
        classes = [f"g_class.{one}" for one in ("G?", "G0", "G1", "G2A", "G2W", "G3")]
        classes += [f"i_class.{one}" for one in ("I?", "I0", "I1", "I2")]
        signals = ["tg_hdl", "waist", "hs_crp", "liver", "blood_pressure", "shbg"]
        assert missing(language, [f"phases.{one}" for one in classes]) == []
        assert missing(language, [f"phases.signals.{one}" for one in signals]) == []


@each_language
def test_every_reason_and_note_is_told(language: Language) -> None:
    keys = [f"reasons.{word}" for word in ROW_REASONS]
    keys += [f"reasons.not_computed.{word}" for word in NOT_COMPUTED]
    keys += [f"reasons.change.{word}" for word in CHANGES]
    keys += [f"reasons.excluded.{word}" for word in EXCLUDED]
    keys += [f"findings.notes.{word}" for word in NOTES]
    keys += [f"reasons.not_computed.{one.reason}" for one in RULES.conditions]
    assert missing(language, keys) == []


@each_language
def test_every_key_and_word_that_may_be_stated_is_told(language: Language) -> None:
    keys = [f"context.keys.{key}" for key in RULES.context]
    keys += [f"context.words.{word}" for key in RULES.context.values() for word in key.words]
    keys += [f"context.numbers.{key.key}" for key in RULES.context.values() if key.kind == "number"]
    keys += [f"context.drugs.{group}" for group in RULES.medication]
    assert missing(language, keys) == []


@each_language
def test_every_computed_marker_shows_its_formula(language: Language) -> None:
    assert missing(language, [f"methods.formulas.{id}" for id in COMPUTED]) == []


@each_language
def test_the_body_behind_every_guideline_limit_has_a_short_name(language: Language) -> None:
    limits = [limit for limit in RULES.limits if limit.set == "guideline"]
    sources = {id for limit in limits for id in limit.source.split(";")}
    assert missing(language, [f"report.bodies.{id}" for id in sources]) == []


# What must not be said.

FORBIDDEN = {
    "nl": "7000|overbelaste HPA|verhoogde darmpermeabiliteit|om te keren|defect"
    r"|genees(?!middel)|garand|\bafwijkend\b(?! bloedbeeld)",
    "en": "7000|overloaded HPA|increased (?:gut|intestinal) permeability|revers(?:e|ing) th"
    r"|defect|\bcure|guarantee|\babnormal\b",
}


@each_language
def test_nothing_is_promised_and_no_sentence_of_the_seed_is_stated_as_fact(
    language: Language,
) -> None:
    forbidden = re.compile(FORBIDDEN[language.code], re.IGNORECASE)
    assert [key for key, text in texts(language).items() if forbidden.search(text)] == []


@each_language
def test_a_value_beyond_the_target_alone_is_a_point_of_attention(language: Language) -> None:
    words = {"nl": "aandachtspunt", "en": "point of attention"}[language.code]
    told = [text for key, text in texts(language).items() if ".functional" in key and "." in text]
    told = [text for text in told if "{limit}" in text]
    assert told
    assert all(words in text for text in told)


@each_language
def test_the_methods_hold_every_remark_that_must_be_made(language: Language) -> None:
    said = texts(language)
    for key, numbers in {
        "homa": ("2,7", "1,8"),
        "tg_hdl": ("1,5", "0,655"),
        "functional": ("77", "78", "69", "23", "67", "5,8", "2463"),
        "insulin_unit": ("6,00",),
    }.items():
        text = said[f"methods.remarks.{key}"].replace(".", ",")
        assert all(number in text for number in numbers)
    assert "diagnos" in said["methods.use.purpose"]
