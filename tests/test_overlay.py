"""A practice may set its own targets, and nothing else: no flag can be switched off so."""

import json
from pathlib import Path
from typing import Any

import pytest
from clinic import RULES, case, lab, only_visit
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RulesError
from pipeline.export import case_json
from pipeline.interpret import interpret
from pipeline.model import Band, CaseInput, Interpretation, LimitSet, Visit
from pipeline.narrate import narrate
from pipeline.read.case_input import case_input_bytes, read_case_input
from pipeline.read.overlay import read_overlay
from pipeline.rules.targets import MAY_BE_SET
from pipeline.show import show

INSULIN = {"marker": "insulin_fasting", "high": 9.0, "unit": "mU/L", "source": "Own protocol 2025"}
MASS = {"tg_hdl_convention": "mass"}
VALUES = {
    "glucose_fasting": 5.0,
    "insulin_fasting": 8,
    "hba1c": 35,
    "triglycerides": 1.2,
    "hdl": 1.4,
    "hs_crp": 2,
    "homocysteine": 11,
    "vitamin_d": 60,
}


def file(folder: Path, text: str) -> Path:
    path = folder / "practice.toml"
    path.write_text(text, encoding="utf-8")
    return path


def told(*rows: dict[str, Any], values: dict[str, Any] | None = None) -> Interpretation:
    """Return one visit, judged with the practice's own targets."""
    return interpret(case(lab(values or VALUES, date="2025-09-01T08:00"), rules=rows))


def functional(*rows: dict[str, Any], values: dict[str, Any] | None = None) -> dict[str, Any]:
    visit = only_visit(told(*rows, values=values))
    return {finding.marker: finding.functional for finding in visit.findings}


# What may be set.


def test_a_target_of_the_practice_judges_in_place_of_the_built_in_one(tmp_path: Path) -> None:
    text = '[targets.insulin_fasting]\nhigh = 9\nunit = "mU/L"\nsource = "Own protocol 2025"\n'
    rules = read_overlay(file(tmp_path, text), RULES)
    assert functional()["insulin_fasting"] is Band.HIGH
    assert functional(*rules.targets)["insulin_fasting"] is Band.WITHIN
    (limit,) = rules.all_limits_of("insulin_fasting", LimitSet.FUNCTIONAL)
    assert (limit.op, limit.value, limit.unit) == (">", 9.0, "m[IU]/L")
    assert limit.source == "Own protocol 2025"


@pytest.mark.parametrize(("value", "band"), [(8.9, "within"), (9, "within"), (9.1, "high")])
def test_both_edges_of_a_target_lie_inside_it(value: float, band: str) -> None:
    assert functional(INSULIN, values={"insulin_fasting": value})["insulin_fasting"] == band


@pytest.mark.parametrize(
    ("value", "band"), [(74, "low"), (75, "within"), (110, "within"), (111, "high")]
)
def test_a_marker_without_a_target_may_be_given_one_on_either_side(value: int, band: str) -> None:
    row = {
        "marker": "vitamin_d",
        "low": 75,
        "high": 110,
        "unit": "nmol/L",
        "source": "Own protocol",
    }
    assert functional(values={"vitamin_d": value})["vitamin_d"] is None
    assert functional(row, values={"vitamin_d": value})["vitamin_d"] == band


def test_a_low_target_leaves_the_built_in_high_one() -> None:
    row = {"marker": "insulin_fasting", "low": 2, "unit": "mU/L", "source": "Own protocol"}
    found = [functional(row, values={"insulin_fasting": x})["insulin_fasting"] for x in (1, 4, 7)]
    assert found == ["low", "within", "high"]


def test_no_overlay_leaves_the_rules_as_they_are() -> None:
    assert RULES.with_targets(()) is RULES
    own = RULES.with_targets([INSULIN])
    assert own.with_targets([INSULIN]) is own


# TG/HDL: 0.857 molar lies in the unit zone, 0.5 below it, 1.6 above it.

RATIOS = {"below": 0.5, "zone": 0.9, "above": 1.6}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((), ["within", "undetermined", "high"]),
        (({"tg_hdl_convention": "molar"},), ["within", "undetermined", "high"]),
        ((MASS,), ["within", "high", "high"]),
        (
            ({"marker": "tg_hdl_molar", "high": 1.2, "unit": "mol/mol", "source": "Own"},),
            ["within", "within", "high"],
        ),
    ],
)
def test_a_practice_that_says_its_unit_leaves_no_unit_zone(
    rows: tuple[dict[str, Any], ...], expected: list[str]
) -> None:
    values = ({"triglycerides": ratio, "hdl": 1.0} for ratio in RATIOS.values())
    assert [functional(*rows, values=one)["tg_hdl_molar"] for one in values] == expected
    zoned = only_visit(told(*rows, values={"triglycerides": 0.9, "hdl": 1.0}))
    notes = next(one.notes for one in zoned.findings if one.marker == "tg_hdl_molar")
    assert ("unit-zone" in notes) is (expected[1] == "undetermined")


# What may not.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[flags."SF-01"]\nurgency = "R"', "Unrecognised key 'flags'"),
        ("[limits.sf-01-insulin]\nvalue = 500", "Unrecognised key 'limits'"),
        ("[phases]\n", "Unrecognised key 'phases'"),
        ("critical = 1", "Unrecognised key 'critical'"),
        ("[targets.alt]\ncritical_high = 1", "Unrecognised key 'critical_high'"),
        ("[targets.alt]\nset = 'guideline'", "Unrecognised key 'set'"),
        ("[targets.alt]\nop = '>='", "Unrecognised key 'op'"),
        ("[targets.alt]\nmarker = 'tsh'", "Unrecognised key 'marker'"),
        ("targets = 1", "Expected a table a marker"),
        ("[targets]\nalt = 1", "Expected a table a marker"),
        ("tg_hdl_convention = 'mg'", "Unrecognised tg_hdl_convention"),
        ("tg_hdl_convention = 1", "Unrecognised tg_hdl_convention"),
        ("[targets.alt]\nunit = 'U/L'\nsource = 'own'", "Unable to find low or high of alt"),
        ("[targets.gmi]\nhigh = 5\nunit = '%'\nsource = 'own'", "gmi is shown and never judged"),
        ("[targets.tg_hdl_mass]\nhigh = 5\nunit = 'mg/mg'\nsource = 'own'", "never judged"),
    ],
)
def test_anything_else_is_refused_with_what_may_be_set(
    text: str, fault: str, tmp_path: Path
) -> None:
    with pytest.raises(RulesError) as refused:
        read_overlay(file(tmp_path, text), RULES)
    assert str(refused.value).startswith("'practice.toml': ")
    assert fault in str(refused.value)
    assert MAY_BE_SET in str(refused.value)
    assert refused.value.exit_code == 6


GOOD = {"high": "9", "unit": '"mU/L"', "source": '"own"'}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"unit": '"pmol/L"'}, r"in its unit, m\[IU\]/L"),
        ({"unit": None}, "in its unit"),
        ({"unit": "1"}, "in its unit"),
        ({"high": "nan"}, "finite number"),
        ({"high": "inf"}, "finite number"),
        ({"high": "-inf"}, "finite number"),
        ({"high": "true"}, "finite number"),
        ({"high": '"9"'}, "finite number"),
        ({"high": "1" + 400 * "0"}, "finite number|Unable to read"),
        ({"high": "2025-01-01"}, "finite number"),
        ({"high": "5000"}, "within what is plausible"),
        ({"high": "0.01"}, "within what is plausible"),
        ({"low": "9"}, "targets of insulin_fasting cross"),
        ({"source": None}, "'source' of insulin_fasting"),
        ({"source": '" "'}, "own words"),
        ({"source": '"ADA-2025"'}, "own words"),
        ({"source": '"a;b"'}, "own words"),
        ({"source": '"""two\nlines"""'}, "at most 200"),
        ({"note": f'"{201 * "x"}"'}, "at most 200"),
        ({"author": "5"}, "at most 200"),
    ],
)
def test_a_target_that_cannot_be_is_refused(
    changed: dict[str, str | None], fault: str, tmp_path: Path
) -> None:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changed}.items() if value is not None]
    text = "\n".join(["[targets.insulin_fasting]", *lines])
    with pytest.raises(RulesError, match=fault):
        read_overlay(file(tmp_path, text), RULES)


def test_an_unknown_marker_a_missing_file_and_bad_toml_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="Unrecognised marker 'insulin'"):
        read_overlay(file(tmp_path, "[targets.insulin]\nhigh = 9\n"), RULES)
    with pytest.raises(RulesError, match=r"Unable to read 'practice.toml' as TOML .*line 1"):
        read_overlay(file(tmp_path, "= 1"), RULES)
    with pytest.raises(RulesError, match=r"Unable to read 'none.toml'"):
        read_overlay(tmp_path / "none.toml", RULES)


def test_a_ratio_may_not_be_told_twice() -> None:
    own = {"marker": "tg_hdl_molar", "high": 1.2, "unit": "mol/mol", "source": "Own"}
    with pytest.raises(RulesError, match="Expected exactly 1 target of tg_hdl_molar"):
        RULES.with_targets([MASS, own])


# Whatever a practice sets, nothing but the functional column changes.

MARKERS = [m for m in RULES.markers if m not in ("tg_hdl_mass", "insulin_ogtt_0", "gmi", "eag")]
MARKERS = [m for m in MARKERS if m not in ("homa2_ir_reported", "hba1c_ngsp", "tg_hdl_molar")]


@st.composite
def targets(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one target within what is plausible of its marker."""
    marker = draw(st.sampled_from(MARKERS))
    edges = [limit.value for limit in RULES.all_limits_of(marker, LimitSet.PLAUSIBLE)]
    first, last = min(edges), max(edges)
    value = draw(st.floats(first, last, allow_nan=False))
    side = (
        "high"
        if RULES.all_limits_of(marker, LimitSet.FUNCTIONAL)
        else draw(st.sampled_from(["low", "high"]))
    )
    return {
        "marker": marker,
        side: value,
        "unit": RULES.markers[marker].unit,
        "source": "Own words",
    }


overlays = st.lists(targets(), max_size=6, unique_by=lambda row: row["marker"])
conventions = st.sampled_from(
    [(), ({"tg_hdl_convention": "mass"},), ({"tg_hdl_convention": "molar"},)]
)
PEOPLE: list[CaseInput] = [
    case(lab(VALUES, date="2025-09-01T08:00")),
    case(
        lab(
            {
                "glucose_fasting": 2.8,
                "insulin_fasting": 60,
                "alt": 900,
                "potassium": 6.5,
                "hs_crp": 20,
                "homocysteine": 120,
                "cortisol_serum_am": 900,
                "hba1c": 50,
                "triglycerides": 12,
                "hdl": 0.8,
            },
            date="2025-09-01T08:00",
        ),
        sex="M",
    ),
    read_case_input(),
]
PLAIN = [interpret(person) for person in PEOPLE]


def safe_part(visit: Visit) -> list[Any]:
    """Return everything of a visit except its functional column and the words about that."""
    judged = [
        (x.marker, x.value, x.laboratory, x.guideline, x.critical, x.refer, x.counts)
        for x in visit.findings
    ]
    return [judged, visit.phase, visit.flags, visit.not_assessable, visit.classifications]


@given(overlay=overlays, convention=conventions, which=st.integers(0, len(PEOPLE) - 1))
def test_no_overlay_changes_a_flag_a_phase_a_class_or_a_guideline_judgement(
    overlay: list[dict[str, Any]], convention: tuple[dict[str, Any], ...], which: int
) -> None:
    own = RULES.with_targets([*convention, *overlay])
    found, plain = interpret(PEOPLE[which], own), PLAIN[which]
    assert [safe_part(visit) for visit in found.visits] == [safe_part(x) for x in plain.visits]
    for name in ("flags", "open_flags", "changes", "plan", "checks", "genotypes"):
        assert getattr(found, name) == getattr(plain, name), name
    assert [v.reservations for v in found.visits] == [v.reservations for v in plain.visits]


@given(overlay=overlays)
def test_every_limit_but_a_target_stays_what_it_was(overlay: list[dict[str, Any]]) -> None:
    own = RULES.with_targets(overlay)
    for limit in RULES.limits:
        if limit.set is not LimitSet.FUNCTIONAL:
            assert limit in own.limits
        assert own.limits_named(limit.id)[0].value == RULES.limits_named(limit.id)[0].value
    assert (own.flags, own.phases, own.plan) == (RULES.flags, RULES.phases, RULES.plan)


# What comes out.


def test_the_input_of_a_case_holds_the_targets_and_gives_them_back(tmp_path: Path) -> None:
    one = case(lab(VALUES), rules=(INSULIN, MASS))
    path = tmp_path / "input.json"
    path.write_bytes(case_input_bytes(one))
    assert json.loads(path.read_text("utf-8"))["rules"] == [INSULIN, MASS]
    again = read_case_input(path)
    assert again.rules == (INSULIN, MASS)
    assert case_input_bytes(again) == path.read_bytes()


def test_an_input_that_asks_for_more_is_refused_when_it_is_interpreted() -> None:
    with pytest.raises(RulesError, match="Unrecognised key 'flag'"):
        told({"flag": "SF-01", "urgency": "-"})


def test_case_json_shows_the_target_of_the_practice_with_its_source() -> None:
    (visit,) = case_json(told(INSULIN))["visits"]
    finding = next(one for one in visit["findings"] if one["marker"] == "insulin_fasting")
    limit = finding["limits"]["functional"]
    assert (limit["high"], limit["source"]) == (9.0, "Own protocol 2025")
    assert finding["functional"] == "within"


HOSTILE = {**INSULIN, "high": 7.0, "source": "<script>alert(1)</script>", "note": "{x} <b>"}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_report_prints_the_target_as_the_practices_own_with_its_source(language: str) -> None:
    story = narrate(told({**INSULIN, "high": 7.0, "author": "Dr. Own"}), language)
    methods, summary = story.section("methods"), story.section("summary")
    own = {"nl": "Streefwaarde van deze praktijk voor", "en": "Target of this practice for"}
    assert own[language] in str(methods)
    assert "Own protocol 2025" in str(methods)
    assert "Dr. Own" in str(methods)
    assert "findings.functional_inside_high.clinician" in str(summary)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_source_is_escaped_wherever_it_is_printed(language: str) -> None:
    story = narrate(told(HOSTILE), language)
    page = show(*story.sections).html
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_value_below_the_target_is_a_point_of_attention(language: str) -> None:
    row = {"marker": "vitamin_d", "low": 75, "unit": "nmol/L", "source": "Own protocol"}
    words = {"nl": "aandachtspunt", "en": "point of attention"}
    summary = str(narrate(told(row), language).section("summary"))
    assert "findings.functional_inside_low.clinician" in summary
    assert words[language] in summary


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("rows", [(MASS,), (INSULIN, MASS)], ids=["mass", "both"])
def test_nothing_is_said_of_a_built_in_target_that_does_not_hold(
    rows: tuple[dict[str, Any], ...], language: str
) -> None:
    methods = str(narrate(told(*rows), language).section("methods"))
    assert "methods.remarks.tg_hdl" not in methods
    assert "methods.own_targets" in methods
