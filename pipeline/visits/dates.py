"""Middle floor. Which visits there are, and to which of them a row belongs."""

from typing import Any

import numpy as np
import pandas as pd

from pipeline.rules import Rules

_NEAR = pd.Timedelta(days=14)
_BLOOD = ("serum", "plasma", "whole_blood", "blood", "erythrocytes")
_DAYS_PER_MONTH = 30.436875


def visit_table(
    rows: pd.DataFrame, people: pd.DataFrame, stated: pd.DataFrame, rules: Rules
) -> pd.DataFrame:
    """Return case_id, date, month, sex and age of each visit, by case and date.

    A visit is a date that ``stated`` names, else all ``rows`` within 14 days of a blood sample,
    else of any row.
    """
    named = stated.loc[stated["date"].notna(), ["case_id", "date"]]
    blood = {id for id, marker in rules.markers.items() if marker.specimen.startswith(_BLOOD)}
    dates = rows[["case_id", "date"]].assign(blood=rows["marker"].isin(blood))
    dates = dates.groupby(["case_id", "date"], as_index=False)["blood"].max()
    anchors = _add_anchors(named, dates.loc[dates["blood"], ["case_id", "date"]])
    return _with_people(_add_anchors(anchors, dates[["case_id", "date"]]), people)


def _add_anchors(anchors: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """Return ``anchors`` and, of the ``dates`` that are near none, the first of each run."""
    left = _far_from(dates, anchors)
    while len(left):  # once for each further visit of the person with the most visits
        first = left.groupby("case_id", as_index=False)["date"].min()
        anchors = pd.concat([anchors, first])
        left = _far_from(left, first)
    return anchors.drop_duplicates().sort_values(["case_id", "date"], ignore_index=True)


def _far_from(dates: pd.DataFrame, anchors: pd.DataFrame) -> pd.DataFrame:
    return dates[_nearest(dates, anchors)["anchor"].isna().to_numpy()]


def _nearest(dates: pd.DataFrame, anchors: pd.DataFrame) -> pd.DataFrame:
    """Return ``dates``, in their order, with the nearest ``anchor`` of the case within 14 days."""
    dates = dates.assign(_order=np.arange(len(dates))).sort_values("date", kind="stable")
    anchors = anchors.assign(anchor=anchors["date"]).sort_values("date", kind="stable")
    found = pd.merge_asof(
        dates, anchors, on="date", by="case_id", direction="nearest", tolerance=_NEAR
    )
    return found.sort_values("_order", ignore_index=True)


def _with_people(anchors: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    table = anchors.merge(people, on="case_id", how="left", validate="many_to_one")
    first = table.groupby("case_id")["date"].transform("min")
    born = pd.to_numeric(table["birth_year"], errors="coerce")
    return table.assign(
        month=_months_between(first, table["date"]),
        sex=table["sex"].fillna(""),
        age=(table["date"].dt.year - born).astype(float),
    )


def _months_between(start: pd.Series, end: pd.Series) -> pd.Series:
    """Return whole calendar months, the days that are left rounded half up."""
    months = (end.dt.year - start.dt.year) * 12 + (end.dt.month - start.dt.month)
    days = (end.dt.day - start.dt.day) / _DAYS_PER_MONTH
    return np.floor(months + days + 0.5).astype(int)


def nearest_visit(rows: pd.DataFrame, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return the position in ``table`` of the visit of each row."""
    places = table[["case_id", "date"]].assign(visit=np.arange(len(table)))
    found = _nearest(rows[["case_id", "date"]], table[["case_id", "date"]])
    keys = found[["case_id", "anchor"]].rename(columns={"anchor": "date"})
    return keys.merge(places, on=["case_id", "date"], how="left")["visit"].to_numpy(int)
