"""A column in another unit than it says is recognised as a whole, and a right one is not."""

from pathlib import Path

import nhanes
import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES
from sizes import sized

from pipeline.__main__ import main
from pipeline.intake import Intake, quarantine_of, take_in
from pipeline.language import Language
from pipeline.publish.validation_page import render_validation
from pipeline.read import LabMapping
from pipeline.validate.unit_columns import column_units

# The middle of the population is the rules' own; the spread (log-normal) is that of NHANES
# 2017-2018, of hs-CRP and vitamin D from the percentiles that were published.
SPREAD = {
    "insulin_fasting": (0.77, "pmol/L"),
    "hs_crp": (1.0, "mg/dL"),
    "vitamin_d": (0.42, "ng/mL"),
    "calcium": (0.04, "mg/dL"),
    "albumin": (0.09, "g/dL"),
    "urate": (0.28, "mg/dL"),
    "bilirubin_total": (0.53, "mg/dL"),
    "creatinine": (0.3, "mg/dL"),
    "hdl": (0.28, "mg/dL"),
    "cholesterol_total": (0.22, "mg/dL"),
    "triglycerides": (0.55, "mg/dL"),
}
BATCH, BATCHES = 30, sized(25, full=1_000)
SHIFT = 1.1  # another population: its middle lies up to this many times higher or lower


def printed(marker: str, unit: str, value: np.ndarray) -> np.ndarray:
    """Return canonical values as they are printed in a unit."""
    own = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["unit"] == unit)].iloc[0]
    return (value - own["offset"]) / own["factor"]


def judged(marker: str, unit: str, batches: np.ndarray) -> np.ndarray:
    """Return of each batch (a row each) of printed numbers the unit its column is likelier in."""
    own = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["unit"] == unit)].iloc[0]
    count, people = batches.shape
    number = batches.ravel()
    value = number * own["factor"] + own["offset"]
    rows = pd.DataFrame(
        {
            "source": np.repeat(np.arange(count), people), "marker": marker, "ucum": unit,
            "case_id": [f"c{n}" for n in range(len(number))], "unit_reading": "known",
            "number": number, "low": value, "high": value, "factor": own["factor"],
            "offset": own["offset"], "standing": "stands", "correction_reading": "",
            "likely_unit": "", "interval_unit": "", "date": pd.Timestamp("2025-01-01"),
            "ref_low": np.nan, "ref_high": np.nan,
        }
    )  # fmt: skip
    return column_units(rows, rules=RULES).groupby(rows["source"])["column_unit"].first().to_numpy()


def people(marker: str, spread: float) -> np.ndarray:
    rng = np.random.default_rng(11)
    middle = RULES.typical[marker].value
    assert middle is not None
    return (
        middle
        * rng.uniform(1 / SHIFT, SHIFT, (BATCHES, 1))
        * rng.lognormal(0, spread, (BATCHES, BATCH))
    )


@pytest.mark.parametrize("marker", SPREAD)
def test_a_swapped_column_of_thirty_people_is_caught_and_a_right_one_let_be(marker: str) -> None:
    spread, other = SPREAD[marker]
    canonical, value = RULES.markers[marker].unit, people(marker, spread)
    as_other = printed(marker, other, value)
    swapped = (judged(marker, canonical, as_other), judged(marker, other, value))
    assert min((units != "").mean() for units in swapped) >= 0.99
    right = (judged(marker, canonical, value), judged(marker, other, as_other))
    assert max((units != "").mean() for units in right) <= 0.001


def test_swapped_and_right_columns_of_people_who_exist_are_told_apart(shared: Path) -> None:
    adults = nhanes.adults(shared)
    rng = np.random.default_rng(5)
    for marker, (si, unit, other, other_unit) in nhanes.COLUMNS.items():
        if marker not in RULES.typical or unit == other_unit:
            continue
        drawn = rng.integers(0, len(adults), (BATCHES, BATCH))
        in_si, in_other = (adults[column].fillna(adults[column].median()) for column in (si, other))
        # What NHANES calls uU/mL the rules call u[IU]/mL.
        second = other_unit.replace("uU", "u[IU]")
        batches = {unit: in_si.to_numpy()[drawn], second: in_other.to_numpy()[drawn]}
        for own, another in ((unit, second), (second, unit)):
            assert (judged(marker, own, batches[own]) != "").mean() <= 0.001, marker
            assert (judged(marker, own, batches[another]) != "").mean() >= 0.99, marker


def test_what_cannot_be_told_apart_is_listed_and_not_judged() -> None:
    listed = {marker for marker, typical in RULES.typical.items() if typical.value is None}
    assert listed == {"ferritin", "haemoglobin"}
    value = np.full((1, 40), 5.5)  # of g/dL read as mmol/L: a sick group, or another unit
    assert judged("haemoglobin", "mmol/L", value).tolist() == [""]


def test_twenty_nine_people_prove_nothing_and_one_person_many_times_neither() -> None:
    swapped = np.full((1, 29), 60.0)
    assert judged("insulin_fasting", "m[IU]/L", swapped).tolist() == [""]
    assert judged("insulin_fasting", "m[IU]/L", np.full((1, 30), 60.0)).tolist() == ["pmol/L"]


# -- from a file


def table(
    marker: str, unit: str, values: np.ndarray, *, day: str = "2024-06-01", **more: str
) -> pd.DataFrame:
    rows = pd.DataFrame({"value": [f"{value:.3g}" for value in values]})
    return rows.assign(
        case_id=[f"c{n}" for n in range(len(values))], sample_id="", collected_at=day,
        analyte=marker, unit=unit, **more,
    )  # fmt: skip


def taken_in(folder: Path, *tables: pd.DataFrame, mapping: LabMapping | None = None) -> Intake:
    paths = []
    for number, rows in enumerate(tables):
        paths.append(folder / f"{number}.csv")
        rows.to_csv(paths[-1], index=False)
    return take_in(paths, as_of=AS_OF, rules=RULES, mapping=mapping)


def doubts(intake: Intake) -> list[tuple[object, ...]]:
    told = intake.columns_in_doubt
    return list(told[["source", "marker", "likely_unit", "evidence", "rows"]].itertuples(False))


INSULIN = np.random.default_rng(3).lognormal(np.log(60), 0.6, 40)  # pmol/L
VITAMIN_D = np.random.default_rng(3).lognormal(np.log(28), 0.3, 40)  # ng/mL


def test_a_column_in_doubt_is_set_aside_with_one_reason_a_row_and_said_once(tmp_path) -> None:
    intake = taken_in(tmp_path, table("insulin_fasting", "mU/L", INSULIN))
    assert intake.reasons == {"unit-column": 40}
    assert doubts(intake) == [(1, "insulin_fasting", "pmol/L", "population", 40)]
    assert set(intake.set_aside["likely_unit"]) == {"pmol/L"}
    assert len(intake.case_ids) == 40  # a safety flag that it would raise is not lost


def test_values_that_are_usual_in_another_unit_one_by_one_are_said_once(tmp_path) -> None:
    glucose = np.linspace(80, 110, 12)
    intake = taken_in(tmp_path, table("glucose_fasting", "mmol/L", glucose))
    assert intake.reasons == {"unit-column": 12}
    assert doubts(intake) == [(1, "glucose_fasting", "mg/dL", "values", 12)]


def test_intervals_in_another_unit_are_said_once(tmp_path) -> None:
    rows = table("insulin_fasting", "mU/L", INSULIN[:12], ref_low="18", ref_high="150")
    intake = taken_in(tmp_path, rows)
    assert intake.reasons == {"unit-column": 12}
    assert doubts(intake) == [(1, "insulin_fasting", "pmol/L", "interval", 12)]


def test_people_who_differ_are_defended_by_the_interval_beside_their_values(tmp_path) -> None:
    taking = table("vitamin_d", "ng/mL", VITAMIN_D * 1.7, ref_low="20", ref_high="60")
    assert doubts(taken_in(tmp_path, taking)) == []
    bare = taking.drop(columns=["ref_low", "ref_high"])
    assert [row[3] for row in doubts(taken_in(tmp_path, bare))] == ["population"]


def test_an_interval_in_another_unit_too_defends_nothing(tmp_path) -> None:
    rows = table("vitamin_d", "ng/mL", VITAMIN_D * 2.5, ref_low="50", ref_high="125")
    assert [row[2:4] for row in doubts(taken_in(tmp_path, rows))] == [("nmol/L", "population")]


def test_a_unit_that_a_person_confirmed_is_not_doubted_for_its_population(tmp_path) -> None:
    rows = table("insulin_fasting", "mU/L", INSULIN)
    confirmed = LabMapping(confirmed_units=("insulin_fasting",))
    intake = taken_in(tmp_path, rows, mapping=confirmed)
    assert doubts(intake) == []
    assert intake.counts["accepted"] > 30


def test_earlier_results_of_the_same_people_tell_a_column_of_a_few(tmp_path) -> None:
    then, now = INSULIN[:6] / 6, INSULIN[:6] * 1.1
    earlier = table("insulin_fasting", "mU/L", then, day="2023-06-01")
    later = table("insulin_fasting", "mU/L", now)
    assert doubts(taken_in(tmp_path, earlier, later)) == [
        (2, "insulin_fasting", "pmol/L", "earlier", 6)
    ]
    right = table("insulin_fasting", "pmol/L", now)
    assert doubts(taken_in(tmp_path, earlier, right)) == []
    halved = table("insulin_fasting", "mU/L", then / 2.2)
    assert doubts(taken_in(tmp_path, earlier, halved)) == []


@pytest.mark.parametrize("factor", [6.0, 6.945])
def test_a_laboratorys_own_factor_of_insulin_makes_no_other_unit_of_it(
    tmp_path, factor: float
) -> None:
    own = LabMapping(insulin_factor=factor)
    many = table("insulin_fasting", "pmol/L", INSULIN * 0.85)
    few = many.head(8).assign(case_id=[f"few{n}" for n in range(8)])
    before = few.assign(collected_at="2023-06-01", unit="mU/L")
    before = before.assign(value=[f"{float(value) / 6:.3g}" for value in few["value"]])
    assert doubts(taken_in(tmp_path, before, many, few, mapping=own)) == []


def test_a_column_is_of_one_file_one_marker_and_one_unit(tmp_path) -> None:
    wrong = table("insulin_fasting", "mU/L", INSULIN)
    right = table("insulin_fasting", "mU/L", INSULIN / 6).replace(
        {"case_id": r"^c"}, "d", regex=True
    )
    intake = taken_in(tmp_path, right, wrong)
    assert [row[0] for row in doubts(intake)] == [2]
    assert intake.counts["accepted"] == 40


def test_a_row_corrected_by_hand_is_not_doubted_again_for_its_column(tmp_path) -> None:
    first = taken_in(tmp_path, table("insulin_fasting", "mU/L", INSULIN))
    assert first.reasons == {"unit-column": 40}
    given_back = tmp_path / "corrected.csv"
    given_back.write_bytes(quarantine_of(first, Language.load("en")))
    rows = pd.read_csv(given_back, dtype=str, keep_default_na=False)
    rows.assign(correction="unit=pmol/L", correction_reason="the laboratory was asked").to_csv(
        given_back, index=False
    )
    again = take_in([tmp_path / "0.csv", given_back], as_of=AS_OF, rules=RULES)
    assert again.reasons == {}
    assert again.notes == {"corrected": 40}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_and_the_command_tell_a_column_once(tmp_path, language: str, capsys) -> None:
    rows = table("insulin_fasting", "mU/L", INSULIN)
    intake = taken_in(tmp_path, rows)
    texts = Language.load(language)
    page = render_validation(intake, texts)
    assert page.count(texts.text("validation.columns.by.population")) == 1
    assert 'id="columns"' in page
    assert main(["check", str(tmp_path / "0.csv"), f"--out={tmp_path}", "--as-of=2025-10-01"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "insulin_fasting" in line]
    assert told == [
        "File 1: insulin_fasting as a whole says mU/L, and fits pmol/L (population): "
        "ask the laboratory (40 rows)."
    ]


def test_the_page_says_of_what_no_column_can_be_recognised(tmp_path) -> None:
    texts = Language.load("en")
    page = render_validation(taken_in(tmp_path, table("ferritin", "ug/L", INSULIN)), texts)
    assert "do not show in which unit a whole column is" in page
    assert "do not show" not in render_validation(
        taken_in(tmp_path, table("alt", "U/L", INSULIN)), texts
    )
