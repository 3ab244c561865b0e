"""Middle floor. Under which marker a row counts, whether it was fasting, and how late it came."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.rules import Rules

_FINAL = ("", "final", "corrected", "amended")
_FASTING = ("glucose_fasting", "insulin_fasting")


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
    shown = pd.Series("", index=rows.index).mask(rows["marker"].isin(computed), "recomputed")
    shown = shown.mask(_outside_clock_time(rows, rules), "outside-clock-time")
    return rows.assign(shown=shown, reading=_reading(rows, shown))


def hours_known(
    rows: pd.DataFrame, stated: Mapping[str, Any], table: pd.DataFrame
) -> np.ndarray[Any, Any]:
    """Return the hours of fasting stated of each visit, else of one of its samples."""
    of_samples = pd.to_numeric(rows["fasting_hours"], errors="coerce").groupby(rows["visit"]).max()
    hours = of_samples.reindex(range(len(table))).to_numpy(float)
    own = stated.get("fasting_hours", np.full(len(table), np.nan))
    return np.where(np.isnan(own), hours, own)


def _under_their_marker(
    rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules
) -> pd.DataFrame:
    glucose = [id for id in rules.markers if id.startswith("glucose_")]
    meter = rows["marker"].isin(glucose) & (rows["specimen"] == "meter")
    marker = rows["marker"].mask(meter, "glucose_meter")
    fasting = _is_fasting(rows, stated, rules)
    promoted = marker.isin(_FASTING) & ~fasting
    for name in _FASTING:
        marker = marker.mask(promoted & (marker == name), _random(name))
    return rows.assign(
        marker=marker,
        fasting=fasting,
        promoted=promoted,
        from_ogtt=False,
        haemolysed=_haemolysed(rows, stated),
        in_pmol=rows["unit_as_reported"].isin(_molar_spellings(rows["unit_as_reported"])),
    )


def _random(marker: str) -> str:
    return marker.replace("_fasting", "_random")


def _with_start_of_ogtt(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` and, where no result of that date exists, the start of an OGTT as one.

    A start that was fasting counts as a fasting result, any other as a random one. Source:
    specification, section 7.1.
    """
    copies = [rows]
    for name in _FASTING:
        start = rows[rows["marker"] == name.replace("_fasting", "_ogtt_0")]
        marker = start["fasting"].map({True: name, False: _random(name)})
        start = start.assign(marker=marker, promoted=~start["fasting"], from_ogtt=True)
        keys = ["visit", "date", "marker"]
        there = start[keys].merge(rows[keys].drop_duplicates(), how="left", indicator=True)
        copies.append(start[(there["_merge"] == "left_only").to_numpy()])
    return pd.concat(copies, ignore_index=True) if len(rows) else rows


def _reading(rows: pd.DataFrame, shown: pd.Series) -> pd.Series:
    """Return how many results of a marker came after in the visit; final ones come last."""
    judged = rows.assign(final=rows["status"].isin(_FINAL))[shown == ""]
    order = judged.sort_values(["visit", "marker", "final", "collected_at"], kind="stable")
    after = order.groupby(["visit", "marker"]).cumcount(ascending=False)
    return after.reindex(rows.index, fill_value=-1)


def _haemolysed(rows: pd.DataFrame, stated: Mapping[str, Any]) -> pd.Series:
    """Return whether the sample, else the visit, is said to be haemolysed."""
    said = rows["haemolysis"]
    if "haemolysis" in stated:
        visit = pd.Series(stated["haemolysis"][rows["visit"]], index=rows.index).astype(str)
        said = said.mask(said == "", visit)
    return said.isin(["trace", "visible"])


def _molar_spellings(units: pd.Series) -> list[str]:
    return [unit for unit in units.unique() if "pmol" in unit.casefold()]


def _is_fasting(rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules) -> pd.Series:
    """Return whether the sample was taken fasting; unknown counts as not.

    What the row says in a way that cannot be read is unknown, whatever is stated of the visit.
    """
    hours = pd.to_numeric(rows["fasting_hours"], errors="coerce")
    if "fasting_hours" in stated:
        visit = pd.Series(stated["fasting_hours"][rows["visit"]], index=rows.index)
        unreadable = rows["notes"].str.contains("fasting-unreadable", regex=False)
        hours = hours.fillna(visit.mask(unreadable))
    (limit,) = rules.limits_named("fasting")
    return hours >= limit.value


def _outside_clock_time(rows: pd.DataFrame, rules: Rules) -> pd.Series:
    cortisol = rows.loc[rows["marker"] == "cortisol_serum_am", "collected_at"]
    clock = cortisol.str.extract(r"[T ](\d\d):(\d\d)").astype(float)
    hour = clock[0] + clock[1] / 60
    (early,) = rules.limits_named("cortisol-clock-early")
    (late,) = rules.limits_named("cortisol-clock-late")
    outside = (hour < early.value) | (hour > late.value)
    return outside.reindex(rows.index, fill_value=False)
