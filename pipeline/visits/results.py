"""Middle floor. Under which marker a row counts, whether it was fasting, and how late it came."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.columns import Floats, nothing
from pipeline.rules import Rules

_FINAL = ("", "final", "corrected", "amended")
_FASTING = ("glucose_fasting", "insulin_fasting")
_HAEMOLYSED = ("trace", "visible")
_SHOWN = ("", "recomputed", "outside-clock-time")  # why a row is shown but not judged
Where = np.ndarray[Any, np.dtype[np.bool_]]


def place_rows(rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules) -> pd.DataFrame:
    """Return ``rows`` under the marker they count for, and what the columns are made from.

    ``shown``: why a row is shown but not judged; ``promoted``: it was not known to be fasting and
    counts as random; ``from_ogtt``: a copy, the start of an OGTT as fasting (or random) result;
    ``reading``: 0 for the last final result of its marker in the visit, 1 for the one before (-1
    where it is only shown). ``fasting``, ``haemolysed`` and ``in_pmol`` say it of the row itself.
    """
    rows = _under_their_marker(rows, stated, rules)
    rows = _with_start_of_ogtt(rows)
    computed = [m.id for m in rules.markers.values() if m.kind == "computed" and not m.as_reported]
    why = rows["marker"].isin(computed).to_numpy(np.int8)
    why[_outside_clock_time(rows, rules)] = _SHOWN.index("outside-clock-time")
    return rows.assign(
        shown=pd.Categorical.from_codes(why, pd.Index(_SHOWN, dtype=str)),
        reading=_reading(rows, judged=why == 0),
    )


def hours_known(rows: pd.DataFrame, stated: Mapping[str, Any], count: int) -> Floats:
    """Return the hours of fasting stated of each visit, else of one of its samples."""
    hours = np.full(count, np.nan)
    visit, said = rows["visit"].to_numpy(), _hours(rows)
    np.fmax.at(hours, visit, said)
    own = stated.get("fasting_hours", nothing(count))
    return np.where(np.isnan(own), hours, own)


def _hours(rows: pd.DataFrame) -> Floats:
    return pd.to_numeric(rows["fasting_hours"], errors="coerce").to_numpy(float)


def _under_their_marker(
    rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules
) -> pd.DataFrame:
    fasting, place = _is_fasting(rows, stated, rules), list(rules.markers).index
    code = _without_meter(rows, rules)
    promoted = np.isin(code, [place(name) for name in _FASTING]) & ~fasting
    as_random = np.array([place(_random(id) if id in _FASTING else id) for id in rules.markers])
    code = np.where(promoted, as_random[code], code)
    return rows.assign(
        marker=pd.Categorical.from_codes(code, dtype=rows["marker"].dtype),
        fasting=fasting,
        promoted=promoted,
        draw=_draws(rows),
        from_ogtt=False,
        haemolysed=_haemolysed(rows, stated),
        in_pmol=rows["unit_as_reported"].isin(_molar_spellings(rows["unit_as_reported"])),
    )


def _without_meter(rows: pd.DataFrame, rules: Rules) -> np.ndarray[Any, Any]:
    """Return the code of each row's marker; glucose of a meter is a marker of its own."""
    code = rows["marker"].cat.codes.to_numpy()
    glucose = np.array([id.startswith("glucose_") for id in rules.markers])
    meter = glucose[code] & (rows["specimen"] == "meter").to_numpy(bool)
    return np.where(meter, list(rules.markers).index("glucose_meter"), code)


def _random(marker: str) -> str:
    return marker.replace("_fasting", "_random")


def _with_start_of_ogtt(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` and, where no result of that date exists, the start of an OGTT as one.

    A start that was fasting counts as a fasting result, any other as a random one. Source:
    specification, section 7.1.
    """
    copies = [_start_as(name, rows) for name in _FASTING]
    return pd.concat([rows, *copies], ignore_index=True) if any(map(len, copies)) else rows


def _start_as(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    start = rows[rows["marker"] == name.replace("_fasting", "_ogtt_0")]
    if start.empty:
        return start
    marker = np.where(start["fasting"], name, _random(name))
    marker = pd.Categorical(marker, dtype=rows["marker"].dtype)
    start = start.assign(marker=marker, promoted=~start["fasting"], from_ogtt=True)
    keys = ["visit", "date", "marker"]
    others = rows.loc[rows["marker"].isin([name, _random(name)]), keys].drop_duplicates()
    there = start[keys].merge(others, how="left", indicator=True)
    return start[(there["_merge"] == "left_only").to_numpy()]


def _reading(rows: pd.DataFrame, judged: Where) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return how many results of a marker came after in the visit; final ones come last."""
    reading = np.where(judged, np.int32(0), np.int32(-1))
    several = np.flatnonzero(_of_several(rows, judged))
    if not len(several):
        return reading
    names = ["visit", "marker", "status", "collected_at"]
    some = rows.iloc[several][names].astype({"collected_at": str}).reset_index(drop=True)
    some = some.assign(final=some["status"].isin(_FINAL))
    order = some.sort_values(["visit", "marker", "final", "collected_at"], kind="stable")
    after = order.groupby(["visit", "marker"], observed=True).cumcount(ascending=False)
    reading[several] = after.sort_index().to_numpy()
    return reading


def _of_several(rows: pd.DataFrame, judged: Where) -> Where:
    """Return which results are not the only one of their marker in the visit: few are."""
    visit, several = rows["visit"].to_numpy(), np.zeros(len(rows), dtype=bool)
    for places in rows_by_marker(rows, judged).values():
        at = visit[places]
        several[places] = np.bincount(at)[at] > 1
    return several


def rows_by_marker(rows: pd.DataFrame, chosen: Where) -> dict[str, np.ndarray[Any, Any]]:
    """Return the positions of the ``chosen`` rows of each marker that has any, in their order."""
    code = rows["marker"].cat.codes.to_numpy()
    places = np.flatnonzero(chosen)
    places = places[np.argsort(code[places], kind="stable")].astype(np.int32)
    present, starts = np.unique(code[places], return_index=True)
    ends = [*starts[1:], len(places)]
    names = rows["marker"].cat.categories
    return (
        {names[m]: places[start:end] for m, start, end in zip(present, starts, ends, strict=True)}
        if len(places)
        else {}
    )


def _draws(rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return a code for each sample of a person; -1 where it has no id."""
    ids = rows["sample_id"].astype("category").cat
    code = np.where(ids.categories == "", -1, np.arange(len(ids.categories)))
    return code.astype(np.int32)[ids.codes]


def _haemolysed(rows: pd.DataFrame, stated: Mapping[str, Any]) -> Where:
    """Return whether the sample, else the visit, is said to be haemolysed."""
    said = rows["haemolysis"].isin(_HAEMOLYSED).to_numpy(bool)
    if "haemolysis" in stated:
        visit = np.isin(stated["haemolysis"], _HAEMOLYSED)[rows["visit"]]
        said = said | (visit & (rows["haemolysis"] == "").to_numpy(bool))
    return said


def _molar_spellings(units: pd.Series) -> list[str]:
    return [unit for unit in units.unique() if "pmol" in unit.casefold()]


def _is_fasting(rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules) -> Where:
    """Return whether the sample was taken fasting; unknown counts as not.

    What the row says in a way that cannot be read is unknown, whatever is stated of the visit.
    """
    hours = _hours(rows)
    (limit,) = rules.limits_named("fasting")
    fasting = hours >= limit.value
    if "fasting_hours" in stated:
        visit = (stated["fasting_hours"] >= limit.value)[rows["visit"]]
        notes = rows["notes"].astype("category").cat
        unreadable = notes.categories.str.contains("fasting-unreadable", regex=False)
        fasting |= np.isnan(hours) & visit & ~np.asarray(unreadable, dtype=bool)[notes.codes]
    return fasting


def _outside_clock_time(rows: pd.DataFrame, rules: Rules) -> np.ndarray[Any, Any]:
    """Return the positions of the results that were not taken in the morning, as they must be."""
    cortisol = rows.loc[rows["marker"] == "cortisol_serum_am", "collected_at"]
    clock = cortisol.astype(str).str.extract(r"[T ](\d\d):(\d\d)").astype(float)
    hour = clock[0] + clock[1] / 60
    (early,) = rules.limits_named("cortisol-clock-early")
    (late,) = rules.limits_named("cortisol-clock-late")
    outside = (hour < early.value) | (hour > late.value)
    return cortisol.index[outside].to_numpy()
