"""Middle floor. Joins to each row what the expectations compare it with: other rows, and dates."""

import datetime as dt
from collections.abc import Collection

import numpy as np
import pandas as pd

from pipeline.rules import Rules
from pipeline.rules.formulas import homa_ir
from pipeline.validate.intervals import interval_reading
from pipeline.validate.marks import flag_reading
from pipeline.validate.unit_columns import column_units
from pipeline.validate.units import likely_unit

_RESULT = ["case_id", "sample_id", "marker", "collected_at"]
_DRAW = ["case_id", "sample_id"]
_DAY = ["case_id", "date"]
_GLUCOSE, _INSULIN, _REPORTED = "glucose_fasting", "insulin_fasting", "homa_ir"
_METER = "glucose_meter"
_READINGS = ("body", "device")  # kinds of markers that are read as often as one likes
_CORRECTED = 2  # the version of a corrected result; see normalise_units
_LEAST_TOLERANCE = 0.02  # of the computed value


def with_comparisons(
    rows: pd.DataFrame, *, as_of: dt.date, rules: Rules, confirmed: Collection[str] = ()
) -> pd.DataFrame:
    """Return the rows with the columns that the expectations need beside what normalise joined.

    ``as_of`` and ``born`` (1 January of the birth year) are dates; ``repetition`` is "",
    "superseded" (there is a later version), "identical" (an earlier row says the same) or
    "contradictory"; ``draw`` is "" or "different"; ``interval`` is what ``interval_reading`` says
    and ``marking`` what ``flag_reading`` does; ``likely_unit`` is the unit that a value, or its
    whole column (see ``column_units``, for ``confirmed`` too), is likelier in;
    ``check_gap`` and ``check_tolerance`` stand on the rows of a reported HOMA-IR, ``input_gap`` and
    ``input_tolerance`` on those of its glucose and insulin. What is blank of the case ids is NA.
    """
    compared = rows.assign(
        case_id=rows["case_id"].mask(rows["case_id"] == ""),
        folder_case=rows["folder_case"].mask(rows["folder_case"] == ""),
        as_of=pd.Timestamp(as_of),
        born=_new_year(rows["birth_year"]),
    )
    compared["repetition"] = _repetition(compared, rules=rules)
    compared["draw"] = _draw(compared)
    compared = compared.join(interval_reading(compared, rules=rules))
    compared["likely_unit"] = likely_unit(compared, rules=rules)
    compared = compared.join(column_units(compared, rules=rules, confirmed=confirmed))
    of_column = compared["column_unit"]
    compared["likely_unit"] = of_column.mask(of_column == "", compared["likely_unit"])
    compared["marking"] = flag_reading(compared)
    return compared.assign(**_cross_check(compared))


def _new_year(years: pd.Series) -> pd.Series:
    """Return 1 January of each year, NaT where it is not known."""
    days = years.map({year: pd.Timestamp(int(year), 1, 1) for year in years.dropna().unique()})
    return days.astype("datetime64[s]")


def _repetition(rows: pd.DataFrame, *, rules: Rules) -> np.ndarray:
    """Return how each row stands to others of the same marker, sample and time."""
    usable = (rows["standing"] == "stands") & rows["low"].notna() & rows["date"].notna()
    words = pd.Series("", index=rows.index, dtype=object)
    words[usable] = repetition_of(rows[usable], rules=rules)
    return words.to_numpy()


def repetition_of(rows: pd.DataFrame, *, rules: Rules) -> np.ndarray:
    """Return of rows that stand, with a value and a date, what each makes of the others.

    The words are those of ``with_comparisons``. Columns: case_id, sample_id, marker, collected_at,
    low, high, specimen, version and issued. Only what one named sample gave can be superseded or
    contradicted: a cuff, a sensor or a meter is read again, and samples without an id may be
    several.
    """
    readable = rows.assign(reading=_is_reading(rows, rules=rules))
    words = pd.Series("", index=rows.index, dtype=object)
    words[_superseded(_of_a_sample(readable))] = "superseded"
    current = readable[words == ""]
    repeats = current.duplicated([*_RESULT, "reading", "low", "high"])
    words[repeats[repeats].index] = "identical"
    words[_contradictory(_of_a_sample(current))] = "contradictory"
    return words.to_numpy()


def _is_reading(rows: pd.DataFrame, *, rules: Rules) -> pd.Series:
    """Return whether a row is one of several readings of a person, and no result of a sample."""
    several = {id for id, marker in rules.markers.items() if marker.kind in _READINGS}
    return rows["marker"].isin(several | {_METER}) | (rows["specimen"] == "meter")


def _of_a_sample(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["reading"] & (rows["sample_id"] != "")]


def _superseded(rows: pd.DataFrame) -> pd.Index:
    """Return the rows of which the same result has a later version: final, or corrected.

    Of several corrections the one that was issued last counts, where each says when.
    """
    repeated = rows[rows.duplicated(_RESULT, keep=False)]
    latest = repeated.groupby(_RESULT, dropna=False)["version"].transform("max")
    earlier = repeated.index[repeated["version"] < latest]
    corrections = repeated[(repeated["version"] == latest) & (latest == _CORRECTED)]
    issued = pd.to_datetime(corrections["issued"], format="ISO8601", errors="coerce", utc=True)
    results = corrections.assign(at=issued).groupby(_RESULT, dropna=False)["at"]
    dated = results.transform("count") == results.transform("size")
    return earlier.append(corrections.index[dated & (issued < results.transform("max"))])


def _contradictory(rows: pd.DataFrame) -> pd.Index:
    """Return the rows of a result that has several values."""
    values = rows.drop_duplicates([*_RESULT, "low", "high"])
    several = values.duplicated(_RESULT, keep=False)
    contradicted = pd.MultiIndex.from_frame(values.loc[several, _RESULT])
    if not len(contradicted):
        return rows.index[:0]
    return rows.index[pd.MultiIndex.from_frame(rows[_RESULT]).isin(contradicted)]


def _draw(rows: pd.DataFrame) -> np.ndarray:
    """Return "different" where glucose and insulin of one day share no sample."""
    stands = rows["low"].notna() & (rows["standing"] == "stands")
    pair = rows[stands & rows["marker"].isin([_GLUCOSE, _INSULIN])]
    pair = pair[[*_DAY, "sample_id", "marker"]].dropna()
    both_days = pair.groupby(_DAY)["marker"].transform("nunique") == 2
    named = pair[pair["sample_id"] != ""]
    shared = named.groupby([*_DAY, "sample_id"])["marker"].transform("nunique") == 2
    together = pd.MultiIndex.from_frame(named.loc[shared, _DAY])
    apart = both_days & ~pd.MultiIndex.from_frame(pair[_DAY]).isin(together)
    words = pd.Series("", index=rows.index, dtype=object)
    words[apart[apart].index] = "different"
    return words.to_numpy()


def _cross_check(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Return gap and tolerance between reported and computed HOMA-IR, on the rows they concern.

    The tolerance is half the last printed digit of all three values carried through, at least 2 %.
    Insulin whose factor is not known is right with either factor.
    """
    checks = _checked_draws(rows)
    columns = ("check_gap", "check_tolerance", "input_gap", "input_tolerance")
    found = {name: pd.Series(np.nan, index=rows.index) for name in columns}
    for side, name in (("check", _REPORTED), ("input", _GLUCOSE), ("input", _INSULIN)):
        found[f"{side}_gap"][checks[f"row_{name}"]] = checks["gap"].to_numpy()
        found[f"{side}_tolerance"][checks[f"row_{name}"]] = checks["tolerance"].to_numpy()
    return found


def _checked_draws(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each draw that has all three values: their rows, gap and tolerance."""
    draws = _values_of(rows, _REPORTED)
    for marker in (_GLUCOSE, _INSULIN):
        draws = draws.merge(_values_of(rows, marker), on=_DRAW, validate="one_to_one")
    glucose, insulin = draws[f"low_{_GLUCOSE}"], draws[f"low_{_INSULIN}"]
    computed = homa_ir(glucose, insulin)
    most = homa_ir(
        glucose + draws[f"half_digit_{_GLUCOSE}"], insulin + draws[f"half_digit_{_INSULIN}"]
    )
    carried = most - computed + draws[f"half_digit_{_REPORTED}"]
    gaps = [
        (draws[f"low_{_REPORTED}"] - computed * ratio).abs()
        for ratio in (1.0, draws[f"other_factor_{_INSULIN}"])
    ]
    return draws.assign(
        gap=np.minimum(*gaps), tolerance=np.maximum(carried, _LEAST_TOLERANCE * computed)
    )


def _values_of(rows: pd.DataFrame, marker: str) -> pd.DataFrame:
    """Return the exact values of a marker by draw, where a draw has one; columns end in its id."""
    exact = (rows["marker"] == marker) & (rows["low"] == rows["high"]) & (rows["repetition"] == "")
    usable = rows["low"].between(rows["plausible_low"], rows["plausible_high"])
    usable &= rows["interval"] != "conflicts"
    named = (rows["sample_id"] != "") & rows["case_id"].notna()
    own = rows[exact & usable & named & (rows["standing"] == "stands")]
    own = own.drop_duplicates(_DRAW, keep=False).assign(row=lambda one: one.index)
    values = own[["row", "low", "half_digit", "other_factor"]].add_suffix(f"_{marker}")
    return pd.concat([own[_DRAW], values], axis="columns")
