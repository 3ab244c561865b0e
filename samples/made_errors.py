"""The errors of a made-up practice: what befalls its rows, how often, and by which reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from made_cohort import DRAWN

from pipeline.model import LimitSet
from pipeline.rules import load_rules

Numbers = np.ndarray[Any, Any]
Random = np.random.Generator
Spoil = Callable[[pd.DataFrame, Random], pd.DataFrame]

# What is written in mmol/L or mg/dL, and the decimals of the latter.
MG_DL = {"glucose_fasting": 0, "triglycerides": 0, "hdl": 0, "cholesterol_total": 0}


@cache
def factor(marker: str, unit: str) -> float:
    """Return by what a number in this unit is multiplied to be in the canonical one."""
    units = load_rules().units
    known = units[(units["marker"] == marker) & (units["unit"] == unit)]
    return float(known["factor"].iloc[0])


def printed(numbers: pd.Series, decimals: pd.Series) -> pd.Series:
    """Return numbers as text; equal ones are written once."""
    codes, pairs = pd.MultiIndex.from_arrays([numbers, decimals]).factorize()
    texts = np.array([f"{number:.{places}f}" for number, places in pairs], dtype=object)
    return pd.Series(texts[codes], index=numbers.index, dtype=str)


def _any(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(True, index=rows.index)


def _of_a_sample(rows: pd.DataFrame) -> pd.Series:
    """Return what is one result of one sample: only that can be contradicted or superseded."""
    return (rows["sample_id"] != "") & ~rows["below"]


def _in_either_unit(rows: pd.DataFrame) -> pd.Series:
    """Return what is usual in mmol/L and odd in mg/dL; less triglycerides are not odd."""
    known = rows["marker"].isin(MG_DL) & rows["unit"].isin(["mmol/L", "mg/dL"])
    return known & (rows["number"] * rows["factor"] > 0.3)


def _impossible_if_tenfold(rows: pd.DataFrame) -> pd.Series:
    limits = [one for one in load_rules().limits if one.set == LimitSet.PLAUSIBLE]
    highest = {one.marker: one.value for one in limits if one.op.startswith(">")}
    return ~rows["below"] & (10 * rows["number"] * rows["factor"] > rows["marker"].map(highest))


def _in_other_unit(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    in_mass = rows["unit"] == "mg/dL"
    times = rows["marker"].map({name: factor(name, "mg/dL") for name in MG_DL})
    number = (rows["number"] / times).mask(in_mass, rows["number"] * times)
    decimals = rows["marker"].map(MG_DL).mask(in_mass, rows["marker"].map(lambda m: DRAWN[m][3]))
    return rows.assign(value=printed(number, decimals), reason="unit-likely")


def _written(column: str, reasons: Mapping[str, str]) -> Spoil:
    """Return what writes one of some texts into a column; each text has its reason."""

    def spoil(rows: pd.DataFrame, random: Random) -> pd.DataFrame:
        texts = [str(text) for text in random.choice([*reasons], size=len(rows))]
        return rows.assign(**{column: texts, "reason": [reasons[text] for text in texts]})

    return spoil


def _in_twenty_years(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    """Write 2046 for 2026: a leap year stays one."""
    years = (rows["collected_at"].str[:4].astype(int) + 20).astype(str)
    return rows.assign(collected_at=years + rows["collected_at"].str[4:], reason="date-after-as-of")


def _with_a_blank(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    malformed = rows["case_id"].str.replace("_", " ", regex=False)
    return rows.assign(case_id=malformed, reason="case-id-malformed")


def _tenfold(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    decimals = (rows["decimals"] - 1).clip(lower=0)
    return rows.assign(value=printed(10 * rows["number"], decimals), reason="implausible")


def _again(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(reason="duplicate-identical")])


def _contradicted(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    both = rows.assign(reason="duplicate-contradictory")
    return pd.concat([both, both.assign(value=_other_value(rows))])


def _corrected(rows: pd.DataFrame, _: Random) -> pd.DataFrame:
    """Put a wrong result before the right one, which the laboratory issued a week later."""
    later = (rows["issued"].to_numpy("datetime64[D]") + np.timedelta64(7, "D")).astype(str)
    wrong = rows.assign(value=_other_value(rows), reason="superseded")
    return pd.concat([wrong, rows.assign(status="corrected", issued=later)])


def _other_value(rows: pd.DataFrame) -> pd.Series:
    return printed(1.3 * rows["number"] + 10.0 ** -rows["decimals"], rows["decimals"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """How often an error befalls the rows that it can, and what it makes of them."""

    rate: float  # chosen; as a share of the rows that it can befall
    spoil: Spoil  # gives rows a reason, and may add rows behind them
    befalls: Callable[[pd.DataFrame], pd.Series] = _any


_TEXTS = {"neg": "value-qualitative", "not done": "value-unreadable", "QNS": "value-unreadable"}
_UNITS = {"mmol//L": "unit-unknown", "mgg/dL": "unit-unknown", "stone/L": "unit-unknown"}
_ANALYTES = {"panel 7": "analyte-unknown", "test X113": "analyte-unknown"}
_STATUSES = {"entered-in-error": "status-not-reported", "cancelled": "status-not-reported"}
ERRORS = {
    # Somebody types over a result of a laboratory that writes in the other unit.
    "value in the other unit": Error(rate=0.004, spoil=_in_other_unit, befalls=_in_either_unit),
    # Rare: most systems choose a unit from a list.
    "unknown unit": Error(rate=0.001, spoil=_written("unit", _UNITS)),
    # Common: asked for, and not filled in, or not done …
    "missing value": Error(rate=0.003, spoil=_written("value", {"": "value-missing"})),
    # … of which some laboratories say so where the value stands.
    "text for a value": Error(rate=0.002, spoil=_written("value", _TEXTS)),
    # Rarest: few systems let it through.
    "future date": Error(rate=0.0005, spoil=_in_twenty_years),
    # Two messages of one result, of which neither says that it is the correction.
    "contradictory": Error(rate=0.001, spoil=_contradicted, befalls=_of_a_sample),
    # One message that came twice.
    "sent twice": Error(rate=0.002, spoil=_again, befalls=_of_a_sample),
    # A name that a laboratory made up.
    "unknown analyte": Error(rate=0.002, spoil=_written("analyte", _ANALYTES)),
    # Rare: ids are seldom typed.
    "malformed case id": Error(rate=0.0005, spoil=_with_a_blank),
    # A decimal mark that was lost, where the value can then not be.
    "tenfold": Error(rate=0.001, spoil=_tenfold, befalls=_impossible_if_tenfold),
    # No fault of the table: the laboratory corrected itself.
    "corrected later": Error(rate=0.003, spoil=_corrected, befalls=_of_a_sample),
    # The laboratory took it back, and put nothing in its place.
    "withdrawn": Error(rate=0.001, spoil=_written("status", _STATUSES)),
}


def plant(rows: pd.DataFrame, random: Random) -> pd.DataFrame:
    """Return the rows of ``rows_of`` with errors, at most one each, and their kind and reason."""
    rates = np.cumsum([error.rate for error in ERRORS.values()])
    drawn = np.searchsorted(rates, random.random(len(rows)), side="right")
    sound, parts = np.full(len(rows), True), []
    for place, (kind, error) in enumerate(ERRORS.items()):
        struck = (drawn == place) & error.befalls(rows).to_numpy()
        spoilt = error.spoil(rows[struck], random)
        parts.append(spoilt.assign(kind=spoilt["reason"].mask(spoilt["reason"] != "", kind)))
        sound &= ~struck
    return pd.concat([rows[sound], *parts]).sort_index(kind="stable", ignore_index=True)
