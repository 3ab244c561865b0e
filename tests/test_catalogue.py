"""Every column of use of the clinical catalogue of markers stands in our tables, exactly."""

import csv
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinic import RULES
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.export import case_json
from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.model import LimitSet
from pipeline.normalise import normalise_units
from pipeline.read import read_lab_file
from pipeline.read.case_input import read_case_input
from pipeline.rules.loader import read_rows

Told = dict[str, str]
OURS = {row["marker"]: row for row in read_rows("markers.csv")}
TABLES = Path(__file__).resolve().parents[1] / "pipeline" / "rules"

# What differs on purpose, and why.
ONLY_OURS = {
    "glucose_meter": "a finger-prick is in no class (specification, section 7.1)",
    "insulin_random": "insulin that was not fasting keeps its value, without a judgement",
    "hba1c_ngsp": "the percentage is printed beside mmol/mol, and may be what is reported",
    "ldl_friedewald": "shown beside Sampson (section 3.11)",
    "cgm_longest_below_3_0_min": "an input of SF-03 (section 9)",
}
AS_PRINTED = {"6.09": 6.1, "7.79": 7.8}  # "< 6.1" and "< 7.8" are how the NHG prints them
BY_AGE = {"fib4"}  # has a second row from 65 years (section 3.9)
NOT_CARRIED = {
    "loinc_candidate": "unproven codes (section 1)",
    "loinc_name": "the long names of LOINC are not ours to carry; the code finds them",
    "functional_source": "says seed of every target that is judged; the row of the limit says so",
}
CARRIED = {
    "domain": "domain",
    "specimen": "specimen",
    "canonical_unit": "unit",
    "direction": "direction",
    "biotin": "biotin",
    "cv_i_pct": "cv_i",
    "loinc": "loinc",
    "loinc_status": "loinc_status",
    "named_in_seed": "named_in_seed",
    "source": "source",
}


@pytest.fixture(scope="module")
def told(shared: Path) -> list[Told]:
    with (shared / "clinical/markers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values(marker: str, set: LimitSet, op: str, sex: str | None = None) -> list[tuple[str, float]]:
    """Return op and value of the limits on one side that hold for a sex; None: of whatever sex."""
    limits = RULES.all_limits_of(marker, set)
    held = [limit for limit in limits if sex is None or limit.sex in (None, sex)]
    return [(limit.op, limit.value) for limit in held if limit.op[0] == op]


SIDES = [("low", "<"), ("high", ">")]
each_side = pytest.mark.parametrize(("side", "op"), SIDES, ids=["low", "high"])


def test_the_catalogue_is_whole_and_what_is_more_is_named(told: list[Told]) -> None:
    assert len(told) == 163
    assert set(RULES.markers) - {row["id"] for row in told} == set(ONLY_OURS)
    assert {row["id"] for row in told} <= set(RULES.markers)


def test_every_column_of_the_catalogue_is_looked_at(told: list[Told]) -> None:
    sexes = [f"{set}_{side}_{sex}" for set in ("ref", "refer") for side, _ in SIDES for sex in "fm"]
    sides = [f"{x}_{side}" for x in ("plausible", "functional", "critical") for side, _ in SIDES]
    others = ["id", "name_nl", "name_en", "other_units", "refer_source"]
    others += ["refer_low_op", "refer_high_op"]
    assert set(told[0]) == {*CARRIED, *NOT_CARRIED, *sexes, *sides, *others}


@pytest.mark.parametrize(("theirs", "ours"), CARRIED.items(), ids=CARRIED)
def test_a_column_is_carried_over_as_it_is(theirs: str, ours: str, told: list[Told]) -> None:
    assert [row["id"] for row in told if row[theirs] != OURS[row["id"]][ours]] == []


@pytest.mark.parametrize("code", ["nl", "en"])
def test_the_names_are_told_and_found(code: str, told: list[Told]) -> None:
    language = Language.load(code)
    plain = str.maketrans({"–": "-", "\N{NO-BREAK SPACE}": " "})
    names = {row["id"]: row[f"name_{code}"] for row in told}
    assert {id: language.marker(id).translate(plain) for id in names} == names
    folded = {id: " ".join(name.split()).casefold() for id, name in names.items()}
    assert {id: RULES.aliases.get(name) for id, name in folded.items()} == {id: id for id in names}


def test_a_code_is_there_only_where_it_is_verified(told: list[Told]) -> None:
    for row in told:
        assert bool(row["loinc"]) is bool(row["loinc_status"])
        assert OURS[row["id"]]["loinc"] == row["loinc"]
    codes = {
        row["alias"]: row["marker"] for row in read_rows("aliases.csv") if row["source"] == "loinc"
    }
    assert codes == {row["loinc"].casefold(): row["id"] for row in told if row["loinc"]}


def candidates(told: list[Told]) -> set[str]:
    """Return the unproven codes, without those that are proven of another marker."""
    found = {code for row in told for code in re.findall(r"\d+-\d\b", row["loinc_candidate"])}
    return found - {row["loinc"] for row in told}


def test_a_candidate_code_is_in_none_of_our_tables_or_texts(told: list[Told]) -> None:
    unproven = candidates(told)
    assert len(unproven) > 40
    files = [*TABLES.rglob("*.csv"), *TABLES.rglob("*.toml")]
    for file in files:
        written = set(re.findall(r"(?<![\w.-])\d+-\d\b(?![\w.-])", file.read_text("utf-8")))
        assert written & unproven == set(), file.name


def test_a_candidate_code_is_in_no_export(told: list[Told]) -> None:
    exported = json.dumps(case_json(interpret(read_case_input())))
    assert set(re.findall(r"\d+-\d\b", exported)) & candidates(told) == set()


# Units.


def units_of(row: Told) -> dict[str, tuple[float, float]]:
    """Return factor and offset of each unit of the catalogue; split on the last "*"."""
    found = {row["canonical_unit"]: (1.0, 0.0)}
    for part in filter(None, row["other_units"].split(";")):
        unit, _, number = part.strip().rpartition("*")
        split = re.fullmatch(r"(\d[\d.]*(?:e-?\d+)?)([+-][\d.]+)?", number, re.IGNORECASE)
        assert split, part
        found[unit] = (float(split[1]), float(split[2] or 0))
    return found


def accepted_units(marker: str) -> dict[str, tuple[float, float]]:
    own = RULES.units[RULES.units["marker"] == marker]
    return {row.unit: (row.factor, row.offset) for row in own.itertuples()}


def test_every_unit_has_its_factor_and_offset(told: list[Told]) -> None:
    for row in told:
        assert units_of(row).items() <= accepted_units(row["id"]).items(), row["id"]


def test_a_unit_that_is_more_only_moves_the_decimal_mark_of_one_of_theirs(told: list[Told]) -> None:
    for row in told:
        theirs, ours = units_of(row), accepted_units(row["id"])
        for unit in ours.keys() - theirs.keys():
            moved = [math.log10(ours[unit][0] / factor) for factor, _ in theirs.values()]
            assert any(abs(one - round(one)) < 1e-9 for one in moved), (row["id"], unit)
            assert ours[unit][1] == 0


# Limits.


@each_side
@pytest.mark.parametrize("name", ["critical", "plausible", "functional"])
def test_a_limit_of_both_sexes_is_the_only_one_of_its_set(
    name: str, side: str, op: str, told: list[Told]
) -> None:
    for row in told:
        cell = row[f"{name}_{side}"]
        expected = [(op, float(cell))] if cell else []
        assert values(row["id"], LimitSet(name), op) == expected, row["id"]


@each_side
@pytest.mark.parametrize("sex", ["F", "M"])
def test_an_interval_is_that_of_its_sex(sex: str, side: str, op: str, told: list[Told]) -> None:
    for row in told:
        cell = row[f"ref_{side}_{sex.lower()}"]
        limits = values(row["id"], LimitSet.REFERENCE, op, sex)
        limits += values(row["id"], LimitSet.GUIDELINE, op, sex)
        if cell in AS_PRINTED:
            assert (">=", AS_PRINTED[cell]) in limits, row["id"]
        elif cell:
            assert (op, float(cell)) in limits, row["id"]
        else:
            assert limits == [], row["id"]


@each_side
@pytest.mark.parametrize("sex", ["F", "M"])
def test_a_referral_limit_has_its_own_operator(
    sex: str, side: str, op: str, told: list[Told]
) -> None:
    for row in told:
        cell, sign = row[f"refer_{side}_{sex.lower()}"], row[f"refer_{side}_op"]
        limits = values(row["id"], LimitSet.REFER, op, sex)
        expected = [(sign, float(cell))] if cell else []
        assert limits[: 1 if row["id"] in BY_AGE else None] == expected, row["id"]


def test_targets_are_the_seeds_and_only_where_they_are_judged(told: list[Told]) -> None:
    for row in told:
        limits = RULES.all_limits_of(row["id"], LimitSet.FUNCTIONAL)
        assert [limit.source for limit in limits] == ["seed"] * bool(row["functional_high"])
    silent = {x["id"] for x in told if x["functional_source"] and not x["functional_high"]}
    assert silent == {"insulin_ogtt_0", "tg_hdl_mass"}  # shown, never judged by a target


# What is verified.


def test_a_marker_says_it_is_unverified_where_its_source_does(told: list[Told]) -> None:
    for row in told:
        assert RULES.markers[row["id"]].verified is ("UNVERIFIED" not in row["source"]), row["id"]


def test_a_referral_limit_says_it_is_unverified_where_its_source_does(told: list[Told]) -> None:
    for row in told:
        for limit in RULES.all_limits_of(row["id"], LimitSet.REFER):
            if limit.ages is None:
                assert limit.verified is ("UNVERIFIED" not in row["refer_source"]), limit.id


def test_an_unverified_limit_names_no_published_source() -> None:
    wrong = [x.id for x in RULES.limits if x.source == "UNVERIFIED" and x.verified]
    assert wrong == []


# Names by which laboratories call a marker.

ALIASES = sorted(RULES.aliases.items())
# Names that say too little: fasting or not, total or free, sensitive or not, serum or urine.
AMBIGUOUS = (
    "glucose",
    "insuline",
    "insulin",
    "crp",
    "t3",
    "t4",
    "cortisol",
    "dhea",
    "ttg",
    "lactaat",
)


def test_no_name_stands_for_two_markers() -> None:
    names = Counter(row["alias"] for row in read_rows("aliases.csv"))
    assert [name for name, count in names.items() if count > 1] == []


def test_names_are_folded_and_lead_to_markers_that_are_there() -> None:
    assert [n for n, _ in ALIASES if n != " ".join(n.split()).casefold()] == []
    assert {marker for _, marker in ALIASES} == set(RULES.markers)


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_name_that_could_be_two_things_is_nobodys(name: str) -> None:
    assert name not in RULES.aliases


def test_every_marker_has_more_names_than_its_own() -> None:
    count = Counter(marker for _, marker in ALIASES)
    assert [marker for marker in RULES.markers if count[marker] < 3] == []


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("Anti-TPO", "anti_tpo"),
        ("γ-GT", "ggt"),
        ("Vrij T4", "ft4"),
        ("Kreatinine", "creatinine"),
        ("25-hydroxyvitamine D", "vitamin_d"),
        ("TG", "triglycerides"),
        ("Cobalamine", "b12"),
        ("Alk. fosfatase", "alp"),
        ("PLT", "platelets"),
        ("Homocysteine", "homocysteine"),
        ("Tijd in bereik", "cgm_tir"),
        ("HbA1c (%)", "hba1c_ngsp"),
        ("Insuline nuchter", "insulin_fasting"),
        ("Glucose OGTT 120 min", "glucose_ogtt_120"),
    ],
)
def test_names_as_laboratories_write_them_are_known(name: str, marker: str) -> None:
    assert RULES.aliases[name.casefold()] == marker


# As Dutch laboratories write names, on reports and in exports: the marker, then the names.
DUTCH = """
    glucose_fasting | Glucose nuchter | Gluc (n) | Gluc nuchter | Glucose (nuchter)
    glucose_fasting | Nuchter glucose | Nuchtere glucose | Glucose nuchter (veneus)
    glucose_fasting | Fasting glucose | FPG
    glucose_random | Glucose niet nuchter
    hba1c | HbA1c | Hb A1c | HbA1c (IFCC) | HbA1c IFCC | Glycohemoglobine
    insulin_fasting | Insuline nuchter | Nuchter insuline | Insuline (nuchter) | Fasting insulin
    c_peptide | C-peptide | C-peptide nuchter | Cpeptide
    haemoglobin | Hb | Hemoglobine | Haemoglobin
    creatinine | Kreat | Kreatinine | Creatinine | Creatinine (enz) | Creatinine enzymatisch
    egfr | eGFR | eGFR CKD-EPI | eGFR (CKD-EPI)
    cholesterol_total | Chol | Cholesterol | Cholesterol totaal | Totaal cholesterol
    cholesterol_total | Totaal-cholesterol | Cholesterol (totaal) | Total cholesterol
    hdl | HDL | HDL-chol | HDL-cholesterol | HDL cholesterol | Chol HDL
    ldl | LDL | LDL-chol | LDL-chol (berekend) | LDL-cholesterol (berekend) | LDL-cholesterol
    ldl | LDL direct | LDL-cholesterol direct
    non_hdl | Non-HDL | Non-HDL-cholesterol | non-HDL chol
    triglycerides | Trigl. | Trigl | Triglyceriden | TG | Triglycerides | Triglyceriden nuchter
    apob | ApoB | Apo B | Apolipoproteïne B | Apolipoproteine B
    lpa | Lp(a) | Lipoproteïne(a) | Lipoproteine a
    alt | ALAT | ALAT (GPT) | ALT
    ast | ASAT | ASAT (GOT) | AST
    ggt | γ-GT | gamma-GT | Gamma GT | GGT | g-GT
    alp | Alk. fosfatase | Alkalische fosfatase
    bilirubin_total | Bilirubine | Bilirubine totaal | Bili totaal
    albumin | Albumine
    b12 | Vit. B12 | Vitamine B12 | Vit B12 | B12
    holotc | Vitamine B12 actief (holoTC) | Actief B12 | Holotranscobalamine | HoloTC | Active B12
    vitamin_d | 25-OH vitamine D | Vitamine D | 25(OH)D | Vit D | Vit. D | 25-OH-vit D
    vitamin_d | 25-hydroxyvitamine D
    folate | Foliumzuur | Folaat | Folate
    ferritin | Ferritine | Ferritin
    transferrin_saturation | Transferrineverzadiging | TSAT | Transferrinesaturatie
    tsh | TSH | Thyrotropine
    ft4 | Vrij T4 | FT4 | T4 vrij | Free T4
    ft3 | FT3 | Vrij T3 | T3 vrij | Free T3
    rt3 | rT3 | Reverse T3
    anti_tpo | Anti-TPO | Anti TPO | TPO-antistoffen
    hs_crp | hs-CRP | hsCRP | CRP hooggevoelig | CRP hoog gevoelig | hs CRP | CRP high sensitive
    hs_crp | CRP hs
    homocysteine | Homocysteïne | Homocysteine | Hcy
    mma_serum | MMA | Methylmalonzuur
    urate | Urinezuur | Uraat | Uric acid
    sodium | Natrium
    potassium | Kalium
    calcium | Calcium
    magnesium_serum | Magnesium
    zinc | Zink
    selenium | Selenium | Seleen
    platelets | Trombocyten | Trombo's
    mcv | MCV
    testosterone_total | Testosteron | Testosteron totaal
    testosterone_free | Vrij testosteron
    shbg | SHBG
    lh | LH
    fsh | FSH
    prolactin | Prolactine
    amh | AMH
    estradiol | Oestradiol | Estradiol
    progesterone | Progesteron
    dheas | DHEA-S | DHEAS
    androstenedione | Androsteendion
    ohp17 | 17-OH-progesteron
    cortisol_serum_am | Cortisol ochtend
    urine_acr | ACR | Albumine/kreatinine ratio | Albumine/creatinine ratio urine
    ttg_iga | tTG-IgA | Anti-tTG IgA
    iga_total | IgA
    calprotectin | Calprotectine
    elastase1 | Elastase-1
    b6_plp | Vitamine B6 | Vit. B6
    b1_tdp | Vitamine B1 | Vit B1
    vitamin_e | Vitamine E
    omega3_index | Omega-3 index | Omega 3-index
    leptin | Leptine
    adiponectin | Adiponectine
    weight | Gewicht
    height | Lengte
    bmi | BMI
    waist | Middelomtrek
    sbp | Bloeddruk systolisch
"""
DUTCH_NAMES = [
    (name, marker)
    for marker, *names in (line.strip().split(" | ") for line in DUTCH.strip().splitlines())
    for name in names
]
NOBODYS = ("Glucose", "Insuline", "CRP", "Creat", "GFR", "Geglyceerd Hb", "AF", "Na", "K", "Mg")


@pytest.mark.parametrize(("name", "marker"), DUTCH_NAMES)
def test_spellings_of_dutch_laboratories_are_read(name: str, marker: str) -> None:
    assert RULES.marker_of(name) == marker


@pytest.mark.parametrize("name", NOBODYS)
def test_a_short_name_that_means_more_than_one_thing_is_not_read(name: str) -> None:
    assert RULES.marker_of(name) is None


@settings(max_examples=4, deadline=None)
@given(styles=st.lists(st.integers(0, 4), min_size=7, max_size=7))
def test_a_name_is_found_in_any_case_and_spacing(
    styles: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = [_written(name, styles[n % 7]) for n, (name, _) in enumerate(ALIASES)]
    rows = normalised(written, tmp_path_factory.mktemp("names"))
    assert rows["marker"].tolist() == [marker for _, marker in ALIASES]


def _written(name: str, style: int) -> str:
    forms: list[Any] = [name, name.upper(), name.title(), f"  {name} ", name.replace(" ", "   ")]
    form: str = forms[style]
    return form if form.casefold().split() == name.split() else name


def normalised(names: list[str], folder: Path) -> pd.DataFrame:
    file = folder / "lab.csv"
    row = {
        "case_id": "p1",
        "sample_id": "s1",
        "collected_at": "2025-01-01",
        "value": "1",
        "unit": "1",
    }
    pd.DataFrame([{**row, "analyte": name} for name in names]).to_csv(file, index=False)
    return normalise_units(read_lab_file(file, rules=RULES).rows, RULES)
