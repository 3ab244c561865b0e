"""The rules agree with themselves, and a clinician can read what is known."""

# ruff: noqa: E501 - a drawn table is wider than code

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from clinic import RULES

from pipeline.criteria import DEFINED_BY, DEFINITIONS
from pipeline.errors import CommandError, RulesError
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
    ],
)
def test_a_changed_fact_that_contradicts_another_is_found(
    id: str, fields: dict[str, object], fault: str
) -> None:
    assert any(fault in found for found in changed(id, **fields))


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


def test_the_catalogue_holds_every_marker_of_the_specification_with_its_limits(
    shared: Path,
) -> None:
    with (shared / "clinical/markers.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert len(told) == 163
    ours = {limit.id: limit for limit in RULES.limits}
    for row in told:
        marker = RULES.markers[row["id"]]
        assert (marker.unit, marker.direction) == (row["canonical_unit"], row["direction"])
        assert (marker.loinc, marker.biotin) == (row["loinc"], row["biotin"])
        assert marker.cv_i == (float(row["cv_i_pct"]) if row["cv_i_pct"] else None)
        stem = row["id"].replace("_", "-")
        for side in ("low", "high"):
            for column, set in (("critical", "critical"), ("plausible", "plausible")):
                if row[f"{column}_{side}"]:
                    limit = ours[f"{stem}-{set}-{side}"]
                    assert limit.value == float(row[f"{column}_{side}"])
        if row["functional_high"]:
            assert ours[f"{stem}-functional"].value == float(row["functional_high"])


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize("sex", ["F", "M"])
def test_every_interval_of_the_specification_stands_in_the_limits(
    side: str, sex: str, shared: Path
) -> None:
    with (shared / "clinical/markers.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    for row in told:
        expected = row[f"ref_{side}_{sex.lower()}"]
        limits = [
            limit.value
            for set in (LimitSet.REFERENCE, LimitSet.GUIDELINE)
            for limit in RULES.limits_of(row["id"], set, sex)  # type: ignore[arg-type]
            if limit.op.startswith("<" if side == "low" else ">")
        ]
        # "< 6.1" and "< 7.8" are printed so; the catalogue writes them as their last inside value
        same = {"6.09": "6.1", "7.79": "7.8"}
        assert not expected or float(same.get(expected, expected)) in limits, row["id"]


def test_loinc_candidates_are_not_in_the_catalogue(shared: Path) -> None:
    with (shared / "clinical/markers.csv").open(encoding="utf-8", newline="") as file:
        candidates = {
            code.split(" ")[0]
            for row in csv.DictReader(file)
            for code in row["loinc_candidate"].split(";")
        }
    assert not (candidates - {""}) & {marker.loinc for marker in RULES.markers.values()}


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
