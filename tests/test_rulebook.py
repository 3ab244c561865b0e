"""The rules agree with themselves, and a clinician can read what is known."""

# ruff: noqa: E501 - a drawn table is wider than code

import json
from dataclasses import replace
from pathlib import Path

import pytest
from clinic import RULES, case, lab

from pipeline.criteria import DEFINED_BY, DEFINITIONS
from pipeline.errors import CommandError, RulesError
from pipeline.export import case_json
from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.model import Limit, LimitSet
from pipeline.rulebook import check_rules, explain, list_rules
from pipeline.rules import fold_unit, loader


def test_the_rules_agree_with_themselves() -> None:
    assert check_rules() == []


def changed(id: str, **fields: object) -> list[str]:
    """Return the faults after changing one limit."""
    limits = tuple(replace(x, **fields) if x.id == id else x for x in RULES.limits)
    return check_rules(replace(RULES, limits=limits))


@pytest.mark.parametrize(
    ("id", "fields", "fault"),
    [
        ("homa-ir-functional", {"source": "nowhere"}, "unknown source 'nowhere'"),
        ("homa-ir-functional", {"unit": "%"}, "expected unit 1, found %"),
        ("homa-ir-functional", {"marker": "homa"}, "unknown marker homa"),
        ("tsh-reference-low", {"value": 5.0}, "the reference limits cross"),
        ("tsh-critical-high", {"value": 900.0}, "outside the plausible range"),
        ("g3-fpg", {"mg_dl": 7.0}, "7 mg/dL is not 7 mmol/L"),
        ("g3-fpg", {"mg_dl": None}, "g3-fpg: expected 126 mg/dL"),
        ("hdl-reference-low-m", {"sex": "F"}, "hdl: a low limit (reference) for one sex only"),
        ("homa-ir-functional", {"op": "<"}, "no text speaks of a target on the low side"),
    ],
)
def test_a_changed_fact_that_contradicts_another_is_found(
    id: str, fields: dict[str, object], fault: str
) -> None:
    assert any(fault in found for found in changed(id, **fields))


def with_limits(*more: Limit) -> list[str]:
    """Return the faults after adding limits."""
    return check_rules(replace(RULES, limits=(*RULES.limits, *more)))


def drawn_limit(id: str, **fields: object) -> Limit:
    return Limit(
        id=id, marker="tsh", unit="m[IU]/L", source="seed", verified=True,
        **{"set": LimitSet.REFERENCE, "op": ">", "value": 4.5, **fields},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ([drawn_limit("a")], "a hold for the same person"),
        (
            [
                drawn_limit("a", set=LimitSet.GUIDELINE, ages=(0, 40)),
                drawn_limit("b", set=LimitSet.GUIDELINE, ages=(42, 90)),
            ],
            "the ages of a and b leave a gap or overlap",
        ),
        (
            [
                drawn_limit("a", set=LimitSet.GUIDELINE, ages=(0, 40)),
                drawn_limit("b", set=LimitSet.GUIDELINE, ages=(40, 90)),
            ],
            "the ages of a and b leave a gap or overlap",
        ),
        ([drawn_limit("a", set=LimitSet.REFER, value=300.0)], "lies inside a"),
    ],
)
def test_a_gap_or_an_overlap_between_limits_is_found(limits: list[Limit], fault: str) -> None:
    assert any(fault in found for found in with_limits(*limits))


def test_an_input_of_a_formula_without_a_unit_is_found() -> None:
    units = RULES.units[RULES.units["marker"] != "ggt"]
    faults = check_rules(replace(RULES, units=units))
    assert "formula fli: input ggt has no unit" in faults


@pytest.mark.parametrize("value", [0.01, 9_000])
def test_the_middle_of_a_population_that_cannot_be_is_found(value: float) -> None:
    insulin = replace(RULES.typical["insulin_fasting"], value=value)
    faults = check_rules(replace(RULES, typical={"insulin_fasting": insulin}))
    assert faults == [f"population.csv: {value:g} of insulin_fasting is not plausible"]


def test_an_advice_or_contraindication_that_nothing_decides_is_found() -> None:
    plan = (replace(RULES.plan[0], triggers=("moon_phase",)), *RULES.plan[1:])
    assert any("unknown trigger moon_phase" in x for x in check_rules(replace(RULES, plan=plan)))
    odd = replace(RULES.contraindications[0], id="CI-99", withholds=("dancing",))
    faults = check_rules(replace(RULES, contraindications=(*RULES.contraindications, odd)))
    assert any("CI-99: expected a function" in fault for fault in faults)
    assert any("CI-99: dancing is no advice" in fault for fault in faults)


@pytest.mark.parametrize(
    ("key", "text", "fault"),
    [
        ("report.nothing.like_this", "x", "nothing says it"),
        ("markers.unheard_of.name", "x", "text markers.unheard_of: there is no such id"),
        ("report.sections.plan", "{odd}", "other fields in"),
    ],
)
def test_a_text_that_is_unused_unknown_or_differs_is_found(
    key: str, text: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    language = Language.load("en")
    texts = json.loads(json.dumps(language.texts))
    *above, last = key.split(".")
    below = texts
    for name in above:
        below = below.setdefault(name, {})
    below[last] = text
    changed_language = replace(language, texts=texts)
    load = {"en": changed_language, "nl": Language.load("nl")}
    monkeypatch.setattr(Language, "load", load.__getitem__)
    assert any(fault in found for found in check_rules())


def test_a_flag_without_its_function_is_found() -> None:
    flags = tuple(
        replace(row, branch="elsewhere") if row.branch == "low_c_peptide" else row
        for row in RULES.flags
    )
    faults = check_rules(replace(RULES, flags=flags))
    assert any("sf_02_elsewhere" in fault for fault in faults)
    assert any("sf_02_low_c_peptide" in fault for fault in faults)


def test_a_limit_needs_a_finite_value_and_a_source() -> None:
    good = {
        "id": "x",
        "marker": "tsh",
        "set": LimitSet.RULE,
        "op": ">",
        "unit": "1",
        "verified": True,
    }
    with pytest.raises(ValueError, match="finite"):
        Limit(**good, value=float("nan"), source="seed")
    with pytest.raises(ValueError, match="source"):
        Limit(**good, value=1.0, source="")


def test_a_row_that_cannot_be_is_named_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = "id,marker,set,op,value,mg_dl,unit,sex,ages,source,verified\n"
    (tmp_path / "limits.csv").write_text(f"# a comment\n{header}x,tsh,rule,>,1,,1,,,,yes\n")
    monkeypatch.setattr(loader, "_FOLDER", tmp_path)
    with pytest.raises(RulesError, match=r"limits.csv, row 1: a limit needs a source"):
        list(loader._build("limits.csv", loader._limit))


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("mIE/L", "m[IU]/L"), ("mU/l", "m[IU]/L"), ("µU/mL", "u[IU]/mL"), ("μmol/L", "umol/L"),
        ("mcg/L", "ug/L"), ("E/L", "U/L"), ("kE/l", "k[IU]/L"), ("mmol/mol Hb", "mmol/mol{Hb}"),
        ("mmHg", "mm[Hg]"), ("kg/m²", "kg/m2"), ("10^9/L", "10*9/L"), ("x10E9/L", "10*9/L"), ("/nL", "10*9/L"),
        ("ml/min/1,73m²", "mL/min/{1.73_m2}"),
    ],
)  # fmt: skip
def test_equal_spellings_of_a_unit_fold_to_one_key(written: str, same: str) -> None:
    assert RULES.fold_unit(written) == RULES.fold_unit(same)


def test_units_that_differ_do_not_fold_together() -> None:
    keys = [
        fold_unit(unit) for unit in ("mmol/L", "umol/L", "nmol/L", "mg/dL", "g/L", "U/L", "mU/L")
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("id", ["homa_ir", "SF-01", "phase-9", "i2-homa", "signal-waist"])
def test_what_is_known_is_explained_with_its_source(id: str) -> None:
    told = explain(id)
    assert "source" in told.casefold()


def test_homa_ir_is_explained_for_a_clinician_to_read() -> None:
    told = explain("homa_ir")
    said = (
        "glucose (mmol/L) × insulin (mU/L) / 22.5",
        "Glucose, fasting plasma [mmol/L]",
        "Insulin, fasting [mU/L]",
        "Only fasting",
        "same sample",
        "fasting glucose < 3 mmol/L",
        "> 1.8  (seed)",
        "> 2.5  (MAFLD-2020)",
        ">= 2.35  (S12)",
        ">= 2.6  (S14)",
        "> 2.7  (S15)",
        "> 1.6  (S16)",
        "Ascaso, Diabetes Care 2003",
        "HOMA2",
        "26 % within a person [unverified]",
        "Not reliable on insulin, a sulfonylurea or a glinide",
        "Looking at what it is computed from: SF-01",
    )
    assert [part for part in said if part not in told] == []
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("alias", ["14771-0", "nuchtere glucose", "FPG"])
def test_a_code_or_a_name_explains_its_marker(alias: str) -> None:
    assert explain(alias) == explain("glucose_fasting")


@pytest.mark.parametrize("id", ["N6", "D5-ashwagandha", "CI-07", "pcos", "rs1801133", "phase-4b"])
def test_every_kind_of_rule_is_explained(id: str) -> None:
    assert "Sources:" in explain(id)


def test_everything_in_the_list_can_be_explained() -> None:
    for line in list_rules().splitlines():
        assert explain(line.split()[0])


def test_a_cut_off_of_the_literature_decides_nothing() -> None:
    literature = [limit for limit in RULES.limits if limit.set is LimitSet.LITERATURE]
    assert len(literature) >= 6
    without = tuple(limit for limit in RULES.limits if limit not in literature)
    person = case(lab({"glucose_fasting": 5.0, "insulin_fasting": 11.2, "hba1c": 34}))
    assert case_json(interpret(person)) == case_json(
        interpret(person, replace(RULES, limits=without))
    )


def test_a_flag_is_explained_with_the_limits_of_branches_that_combine() -> None:
    told = explain("SF-07")
    for said in ("BMI < 25 kg/m²", "age < 40 years", "C-peptide < 0.375 nmol/L"):
        assert said in told
    assert "from age 65" in explain("fib4")


def test_a_branch_that_clients_are_not_told_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    language = Language.load("en")
    texts = json.loads(json.dumps(language.texts))
    del texts["client"]["flags"]["SF-20"]["low"]
    load = {"en": replace(language, texts=texts), "nl": Language.load("nl")}
    monkeypatch.setattr(Language, "load", load.__getitem__)
    assert "flag SF-20, low: not told to clients in en" in check_rules()


def test_an_unverified_fact_says_so() -> None:
    assert "[unverified]" in explain("SF-19")


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(CommandError, match="Unrecognised id 'nothing'"):
        explain("nothing")


def test_the_list_names_every_marker_and_flag() -> None:
    told = list_rules()
    assert all(id in told for id in RULES.markers)
    assert all(row.flag in told for row in RULES.flags)


def test_a_definition_is_explained_with_its_limits_and_sources() -> None:
    told = explain("mafld")
    for said in ("Return MAFLD", "mafld-waist-f", "i2-homa", "MAFLD consensus 2020", "steatosis"):
        assert said in told
    both = explain("hs_crp")  # a marker and a definition
    assert "hs-crp-functional" in both
    assert "hs-CRP class" in both
    assert "[unverified]" in explain("ogtt_kraft")
    assert "glycaemia_nhg" in list_rules()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"inputs": {"": ("elsewhere",)}}, "definition b12: unknown input elsewhere"),
        ({"source": "nowhere"}, "definition b12: unknown source 'nowhere'"),
        ({"results": ("plenty",)}, "text criteria.b12.results.plenty: missing in nl"),
        ({"inputs": {"level": ("b12",)}}, "text criteria.names.level: missing in nl"),
        ({"notes": ("by-the-way",)}, "note by-the-way of definition b12: missing in nl"),
    ],
)
def test_a_definition_that_names_what_is_not_there_is_found(
    fields: dict[str, object], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFINITIONS, "b12", replace(DEFINITIONS["b12"], **fields))  # type: ignore[arg-type]
    assert fault in check_rules()


def test_a_definition_without_its_function_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DEFINED_BY, "b12")  # type: ignore[arg-type]
    assert "definition b12: expected a Definition and a function" in check_rules()
