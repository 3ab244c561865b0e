"""A value in another unit than it says, or in none, is set aside; a right one is not."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES
from sizes import sized

from pipeline.intake import Intake, take_in
from pipeline.read.case_input import case_input_bytes
from pipeline.read.mapping import LabMapping
from pipeline.rules.formulas import INSULIN_PMOL_PER_MU, INSULIN_POPULAR_PMOL_PER_MU

DRAWN = sized(2_000, full=10_000)
CAUGHT, FALSE = 0.999, 0.001  # at least, and at most
DOUBT = ("unit-likely", "implausible", "interval-conflicts")
TWO_SD = 1.96


@dataclass(frozen=True)
class Adults:
    """A log-normal population in the canonical unit: 95 % of it lies within an interval.

    ``healthy`` is the fallback interval of ``limits.csv``, closed at its open end by what the
    guidelines call normal; ``ill`` is chosen by hand around what treatment is sought for.
    """

    other: str
    healthy: tuple[float, float]
    ill: tuple[float, float]
    share: float = 0.05  # of the population that is ill

    def draw(self, count: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        values = [
            random.lognormal(np.log(low * high) / 2, np.log(high / low) / (2 * TWO_SD), count)
            for low, high in (self.healthy, self.ill)
        ]
        return np.where(random.random(count) < self.share, values[1], values[0])


# TSH, the eighth of the analytes that can be told apart, has one unit by two names only.
SEPARABLE = {
    "glucose_fasting": Adults("mg/dL", (4.0, 6.1), (5.5, 14)),
    "creatinine": Adults("mg/dL", (45, 110), (100, 500)),
    "cholesterol_total": Adults("mg/dL", (3.0, 6.5), (5.5, 10)),
    "triglycerides": Adults("mg/dL", (0.5, 2.5), (2, 8)),
    "hba1c": Adults("%", (28, 42), (43, 100)),
    "calcium": Adults("mg/dL", (2.15, 2.55), (1.8, 3.2)),
    "ft4": Adults("ng/dL", (12, 22), (5, 40), share=0.01),  # overt disease: about 1 % of adults
}


def printed(number: float) -> str:
    """Return a number of three digits as text, without three decimals or an exponent."""
    text = np.format_float_positional(float(f"{number:.3g}"), trim="-")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text


def taken(folder: Path, rows: pd.DataFrame, mapping: LabMapping | None = None) -> Intake:
    """Return what comes in of results of as many people as there are rows."""
    ids = [f"p{number:06}" for number in range(len(rows))]
    path = folder / "lab.csv"
    whole = rows.assign(case_id=ids, sample_id=ids, collected_at="2024-01-01T08:00")
    whole.to_csv(path, index=False)
    return take_in([path], as_of=AS_OF, rules=RULES, mapping=mapping)


def in_doubt(intake: Intake) -> pd.Series:
    """Return by person number whether the unit or the size of the value is doubted."""
    aside = intake.set_aside
    doubted = aside["reasons"].str.split(";").map(lambda words: bool({*words} & {*DOUBT}))
    assert doubted.all(), set(aside["reasons"])
    return aside["case_id"]


def both_ways(marker: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return right rows in both units of a marker, and the same numbers with units swapped."""
    adults, canonical = SEPARABLE[marker], RULES.markers[marker].unit
    units = RULES.units[(RULES.units["marker"] == marker) & (RULES.units["unit"] == adults.other)]
    factor, offset = units.iloc[0][["factor", "offset"]]
    value = adults.draw(DRAWN, seed=7)
    half = DRAWN // 2
    numbers = [*value[:half], *((value[half:] - offset) / factor)]
    own, wrong = [canonical] * half, [adults.other] * (DRAWN - half)
    right = pd.DataFrame({"analyte": marker, "value": [printed(x) for x in numbers]})
    swapped = [adults.other] * half + [canonical] * (DRAWN - half)
    return right.assign(unit=own + wrong), right.assign(unit=swapped)


@pytest.mark.parametrize("marker", SEPARABLE)
def test_a_swapped_unit_is_caught_and_a_right_one_is_not_doubted(
    marker: str, tmp_path: Path
) -> None:
    right, swapped = both_ways(marker)
    alone = LabMapping(confirmed_units=(marker,))  # each value for itself: no column is judged
    caught = len(in_doubt(taken(tmp_path, swapped, alone))) / DRAWN
    false = len(in_doubt(taken(tmp_path, right, alone))) / DRAWN
    assert caught >= CAUGHT
    assert false <= FALSE


def test_tsh_has_no_two_units_that_differ() -> None:
    assert set(RULES.units.loc[RULES.units["marker"] == "tsh", "factor"]) == {1.0}


# A unit that is missing or unknown.

MISSPELT = (
    "mgg/dL",
    "mmol//L",
    "mmoll",
    "furlong",
    "?",
    "n/a",
    "see note",
    "mg per",
    "10^^9",
    "L/mmol",
)


def accepted_units(marker: str) -> set[str]:
    return set(RULES.units.loc[RULES.units["marker"] == marker, "folded"])


def without_a_known_unit() -> pd.DataFrame:
    """Return results of every marker with no unit, a misspelt one, or one of another quantity."""
    random = np.random.default_rng(11)
    every = [*sorted(RULES.units["unit"].unique()), *MISSPELT, *[""] * 60]
    markers = [marker for marker in RULES.markers if accepted_units(marker)]
    rows = pd.DataFrame(
        {
            "analyte": random.choice(markers, DRAWN * 2),
            "value": [f"{x:.1f}" for x in random.uniform(1, 99, DRAWN * 2)],
            "unit": random.choice(every, DRAWN * 2),
        }
    )
    unknown = [
        RULES.fold_unit(unit) not in accepted_units(marker)
        and (unit != "" or RULES.markers[marker].unit != "1")
        for marker, unit in zip(rows["analyte"], rows["unit"], strict=True)
    ]
    return rows[unknown].head(DRAWN).reset_index(drop=True)


def test_no_value_without_a_known_unit_is_accepted_and_none_is_filled_in(tmp_path: Path) -> None:
    rows = without_a_known_unit()
    assert len(rows) == DRAWN
    intake = taken(tmp_path, rows)
    assert intake.accepted.empty
    aside = intake.set_aside
    missing = (rows["unit"] == "").to_numpy()
    words = aside["reasons"].str.split(";")
    assert words[missing].map(lambda all: "unit-missing" in all).all()
    assert words[~missing].map(lambda all: "unit-unknown" in all).all()
    assert aside["unit"].tolist() == rows["unit"].tolist()
    assert aside["value"].tolist() == rows["value"].tolist()


def test_a_quantity_that_has_no_unit_needs_none_written(tmp_path: Path) -> None:
    intake = taken(tmp_path, pd.DataFrame({"analyte": ["whtr"], "value": ["0.52"], "unit": [""]}))
    assert intake.accepted["low"].tolist() == [0.52]


def test_a_value_is_converted_only_by_the_factor_of_the_unit_it_declares(tmp_path: Path) -> None:
    """Draw plausible values of every marker, half of them without their unit."""
    random = np.random.default_rng(13)
    drawn = RULES.units.iloc[random.integers(0, len(RULES.units), DRAWN)].reset_index(drop=True)
    declared = random.random(DRAWN) < 0.5
    numbers = [printed(x) for x in random.uniform(0.1, 300, DRAWN)]
    rows = pd.DataFrame({"analyte": drawn["marker"], "value": numbers, "unit": drawn["unit"]})
    intake = taken(tmp_path, rows.assign(unit=rows["unit"].where(declared, "")))
    at = intake.accepted["case_id"].str[1:].astype(int)
    needs_none = drawn["marker"].map(lambda marker: RULES.markers[marker].unit == "1")
    assert (declared | needs_none)[at].all()
    told = pd.Series(numbers)[at].astype(float) * drawn["factor"][at] + drawn["offset"][at]
    whole = intake.accepted["marker"].eq("hba1c").to_numpy()
    np.testing.assert_allclose(intake.accepted["low"][~whole], told[~whole], rtol=1e-5)
    np.testing.assert_allclose(intake.accepted["low"][whole], told[whole], atol=0.5000001)


# The factor of insulin.


def test_the_factor_of_insulin_is_a_row_with_its_source() -> None:
    rows = RULES.units[
        RULES.units["unit"].eq("pmol/L") & RULES.units["marker"].str.match("insulin_")
    ]
    assert len(rows) == RULES.units.loc[rows.index, "marker"].nunique() >= 8
    np.testing.assert_allclose(rows["factor"], 1 / INSULIN_PMOL_PER_MU, rtol=1e-11)
    assert rows["source"].str.contains("Knopp 2019: 6.00").all()


def test_another_factor_of_insulin_gives_another_hash_of_the_case(tmp_path: Path) -> None:
    rows = pd.DataFrame({"analyte": ["insulin_fasting"], "value": ["90.3"], "unit": ["pmol/L"]})
    hashes = set()
    for factor in (None, INSULIN_PMOL_PER_MU, INSULIN_POPULAR_PMOL_PER_MU):
        mapping = LabMapping(insulin_factor=factor, constants={"lab": "own"})
        intake = taken(tmp_path, rows.assign(fasting_hours="10"), mapping)
        assert intake.accepted["low"].tolist() == [
            pytest.approx(90.3 / (factor or INSULIN_PMOL_PER_MU), rel=1e-5)
        ]
        assert intake.accepted["factor_known"].tolist() == [factor is not None]
        hashes.add(hashlib.sha256(case_input_bytes(intake.case("p000000"))).hexdigest())
    assert len(hashes) == 3
