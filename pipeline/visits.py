"""Floor 5. Arranges accepted rows by person and visit, as the columns that all rules work on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, People, Visits, certain, tristate
from pipeline.rules import Rules

_DATE = "datetime64[ns]"
_NEAR = pd.Timedelta(days=14)
_BLOOD = ("serum", "plasma", "whole_blood", "blood", "erythrocytes")
_DAYS_PER_MONTH = 30.436875
_FINAL = ("", "final", "corrected", "amended")


def arrange_visits(
    rows: pd.DataFrame, people: pd.DataFrame, stated: pd.DataFrame, *, as_of: Any, rules: Rules
) -> Visits:
    """Return the visits of all people in ``rows`` up to ``as_of``, with a column for each marker.

    ``rows`` has ``ACCEPTED_COLUMNS``; ``people`` case_id, sex, birth_year; ``stated`` case_id, date
    (NaT: holds at every visit) and a column for each context key. A visit is a date that ``stated``
    names, else all rows within 14 days either side of a blood sample.
    """
    people = people.astype({"case_id": str})
    stated = stated[~(stated["date"] > pd.Timestamp(as_of))]
    stated = stated.astype({"case_id": str, "date": _DATE})
    dates = pd.to_datetime(rows["collected_at"].str[:10], format="%Y-%m-%d").astype(_DATE)
    rows = rows.astype({"case_id": str}).assign(date=dates)
    table = _visit_table(_anchors(rows, stated, rules), people)
    rows = rows.assign(visit=_nearest_visit(rows, table)).reset_index(drop=True)
    known = _stated_columns(stated, table, rules)
    rows = _place_rows(rows, known, rules)
    known["fasting_hours"] = _hours_known(rows, known, table)
    persons = People(sex=table["sex"].to_numpy(dtype=object), age=table["age"].to_numpy(float))
    visits = Visits(table=table, people=persons, columns={}, stated=known, rows=rows, rules=rules)
    return _with_measured_columns(visits)


# Which visits there are.


def _anchors(rows: pd.DataFrame, stated: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return case_id and date of each visit."""
    named = stated.loc[stated["date"].notna(), ["case_id", "date"]]
    blood = {id for id, marker in rules.markers.items() if marker.specimen.startswith(_BLOOD)}
    dates = rows[["case_id", "date"]].assign(blood=rows["marker"].isin(blood))
    dates = dates.groupby(["case_id", "date"], as_index=False)["blood"].max()
    anchors = _add_anchors(named, dates.loc[dates["blood"], ["case_id", "date"]])
    return _add_anchors(anchors, dates[["case_id", "date"]])


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


def _visit_table(anchors: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return case_id, date, month, sex and age of each visit, by case and date."""
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


def _nearest_visit(rows: pd.DataFrame, table: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return the position in ``table`` of the visit of each row."""
    places = table[["case_id", "date"]].assign(visit=np.arange(len(table)))
    found = _nearest(rows[["case_id", "date"]], table[["case_id", "date"]])
    keys = found[["case_id", "anchor"]].rename(columns={"anchor": "date"})
    return keys.merge(places, on=["case_id", "date"], how="left")["visit"].to_numpy(int)


# What is stated of each visit.


def _stated_columns(stated: pd.DataFrame, table: pd.DataFrame, rules: Rules) -> dict[str, Any]:
    """Return a column for each context key that is stated, each symptom and each medicine group."""
    columns: dict[str, Any] = {}
    for key in rules.context.values():
        if key.key not in stated:
            continue
        values = _at_visits(stated, table, key.key)
        if key.kind == "yes_no":
            columns[key.key] = tristate(values == "yes", (values == "yes") | (values == "no"))
        elif key.kind == "number":
            columns[key.key] = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
        elif key.kind == "word":
            columns[key.key] = pd.Series(values, dtype=object).fillna("").to_numpy(object)
        elif key.kind == "words":
            columns |= {word: _contains(values, (word,)) for word in key.words}
        else:
            columns |= {
                group: _contains(values, codes) for group, codes in rules.medication.items()
            }
    return columns | _no_pregnancy_in_men(columns, table)


def _no_pregnancy_in_men(columns: Mapping[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return the keys of pregnancy, in men answered with no."""
    men = (table["sex"] == "M").to_numpy()
    unknown = tristate(np.zeros(len(table), dtype=bool), False)
    keys = ("pregnant", "lactating", "pregnancy_wish", "ivf")
    answers = {key: columns.get(key, unknown) for key in keys}
    return {
        key: tristate(certain(answer) & ~men, ~answer.isna() | men)
        for key, answer in answers.items()
    }


def _at_visits(stated: pd.DataFrame, table: pd.DataFrame, key: str) -> np.ndarray[Any, Any]:
    """Return what is stated of ``key`` at each visit: its own, else the person's; else None."""
    places = pd.MultiIndex.from_frame(table[["case_id", "date"]])
    own = stated[stated["date"].notna() & stated[key].notna()]
    own = own.drop_duplicates(["case_id", "date"], keep="last").set_index(["case_id", "date"])[key]
    always = stated[stated["date"].isna() & stated[key].notna()]
    always = always.drop_duplicates("case_id", keep="last").set_index("case_id")[key]
    values = own.reindex(places).to_numpy(object)
    general = table["case_id"].map(always).to_numpy(object)
    return np.where(pd.isna(pd.Series(values)), general, values)


def _contains(values: np.ndarray[Any, Any], starts: tuple[str, ...]) -> BooleanArray:
    """Return whether one of the words of each value begins with one of ``starts``."""
    texts = pd.Series(values, dtype=object)
    padded = " " + texts.fillna("").astype(str)
    found = np.zeros(len(texts), dtype=bool)
    for start in starts:
        found |= padded.str.contains(f" {start}", regex=False).to_numpy(bool)
    return tristate(found, texts.notna().to_numpy())


# Which row stands for a marker at a visit.


def _place_rows(rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules) -> pd.DataFrame:
    """Return ``rows`` under the marker they count for, and why a row is shown but not judged.

    ``promoted``: glucose or insulin that was not known to be fasting, and counts as random.
    ``haemolysed`` and ``in_pmol`` say it of the row itself.
    """
    glucose = [id for id in rules.markers if id.startswith("glucose_")]
    meter = rows["marker"].isin(glucose) & (rows["specimen"] == "meter")
    marker = rows["marker"].mask(meter, "glucose_meter")
    fasting = _is_fasting(rows, stated, rules)
    promoted = marker.isin(["glucose_fasting", "insulin_fasting"]) & ~fasting
    marker = marker.mask(promoted & (marker == "glucose_fasting"), "glucose_random")
    marker = marker.mask(promoted & (marker == "insulin_fasting"), "insulin_random")
    computed = [m.id for m in rules.markers.values() if m.kind == "computed" and not m.as_reported]
    shown = pd.Series("", index=rows.index).mask(marker.isin(computed), "recomputed")
    shown = shown.mask(_outside_clock_time(rows, rules), "outside-clock-time")
    return rows.assign(
        marker=marker,
        shown=shown,
        fasting=fasting,
        promoted=promoted,
        haemolysed=rows["haemolysis"].isin(["trace", "visible"]),
        in_pmol=rows["unit_as_reported"].isin(_molar_spellings(rows["unit_as_reported"])),
    )


def _molar_spellings(units: pd.Series) -> list[str]:
    return [unit for unit in units.unique() if "pmol" in unit.casefold()]


def _is_fasting(rows: pd.DataFrame, stated: Mapping[str, Any], rules: Rules) -> pd.Series:
    """Return whether the sample was taken fasting; unknown counts as not."""
    hours = pd.to_numeric(rows["fasting_hours"], errors="coerce")
    if "fasting_hours" in stated:
        hours = hours.fillna(pd.Series(stated["fasting_hours"][rows["visit"]], index=rows.index))
    (limit,) = rules.limits_named("fasting")
    return hours >= limit.value


def _hours_known(
    rows: pd.DataFrame, stated: Mapping[str, Any], table: pd.DataFrame
) -> np.ndarray[Any, Any]:
    """Return the hours of fasting stated of each visit, else of one of its samples."""
    of_samples = pd.to_numeric(rows["fasting_hours"], errors="coerce").groupby(rows["visit"]).max()
    hours = of_samples.reindex(range(len(table))).to_numpy(float)
    own = stated.get("fasting_hours", np.full(len(table), np.nan))
    return np.where(np.isnan(own), hours, own)


def _outside_clock_time(rows: pd.DataFrame, rules: Rules) -> pd.Series:
    cortisol = rows.loc[rows["marker"] == "cortisol_serum_am", "collected_at"]
    clock = cortisol.str.extract(r"[T ](\d\d):(\d\d)").astype(float)
    hour = clock[0] + clock[1] / 60
    (early,) = rules.limits_named("cortisol-clock-early")
    (late,) = rules.limits_named("cortisol-clock-late")
    outside = (hour < early.value) | (hour > late.value)
    return outside.reindex(rows.index, fill_value=False)


def _with_measured_columns(visits: Visits) -> Visits:
    rows = visits.rows
    order = rows.assign(final=rows["status"].isin(_FINAL))[rows["shown"] == ""]
    order = order.sort_values(["visit", "marker", "final", "collected_at"], kind="stable")
    judged = order.drop_duplicates(["visit", "marker"], keep="last")
    samples = pd.factorize(rows["case_id"] + "\n" + rows["sample_id"])[0]
    samples = np.where(rows["sample_id"] == "", -1, samples)
    columns = {
        str(marker): _column(str(marker), chosen, samples, visits)
        for marker, chosen in judged.groupby("marker")
    }
    return _with_ogtt_start(visits.with_columns(columns))


def _column(
    marker: str, chosen: pd.DataFrame, samples: np.ndarray[Any, Any], visits: Visits
) -> Column:
    at = chosen["visit"].to_numpy(int)

    def spread(values: Any, nothing: float) -> np.ndarray[Any, Any]:
        column = np.full(len(visits), nothing, dtype=type(nothing))
        column[at] = values
        return column

    names = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high")
    ends = {name: spread(chosen[name].to_numpy(float), np.nan) for name in names}
    if marker.startswith("insulin_"):
        ends["high"] = np.where(_haemolysed(chosen, at, visits, spread), np.inf, ends["high"])
    position = chosen.index.to_numpy(int)
    return Column(
        marker=marker,
        **ends,
        sample=spread(samples[position], -1),
        row=spread(position, -1),
        people=visits.people,
        rules=visits.rules,
    )


def _haemolysed(
    chosen: pd.DataFrame, at: np.ndarray[Any, Any], visits: Visits, spread: Any
) -> np.ndarray[Any, Any]:
    """Return where insulin is only a lower bound: haemolysis destroys it. Source: S8."""
    visit = visits.word("haemolysis")[at]
    own = chosen["haemolysis"].to_numpy(object)
    said = np.where(own == "", visit, own)
    return spread(np.isin(said, ("trace", "visible")), 0.0).astype(bool)


def _with_ogtt_start(visits: Visits) -> Visits:
    """Return ``visits`` with the start of a fasting OGTT as fasting result where there is none."""
    began_fasting = _ogtt_began_fasting(visits)
    columns = dict(visits.columns)
    for analyte in ("glucose", "insulin"):
        start, fasting = visits.column(f"{analyte}_ogtt_0"), visits.column(f"{analyte}_fasting")
        take = start.known & ~fasting.known & certain(began_fasting)
        if take.any():
            columns[f"{analyte}_fasting"] = _filled(fasting, start, take)
    stated = {**visits.stated, "ogtt_began_fasting": began_fasting}
    return Visits(
        table=visits.table,
        people=visits.people,
        columns=columns,
        stated=stated,
        rows=visits.rows,
        rules=visits.rules,
    )


def _ogtt_began_fasting(visits: Visits) -> BooleanArray:
    during = [id for id in visits.rules.markers if "_ogtt_" in id]
    rows = visits.rows[visits.rows["marker"].isin(during)]
    starts = rows[rows["marker"].isin([id for id in during if id.endswith("_ogtt_0")])]
    others = rows[~rows["visit"].isin(starts["visit"])]
    fasting = pd.concat([starts, others]).groupby("visit")["fasting"].any()
    answer = fasting.reindex(range(len(visits)))
    return tristate(answer.fillna(False).to_numpy(bool), answer.notna().to_numpy())


def _filled(column: Column, other: Column, take: np.ndarray[Any, Any]) -> Column:
    names = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "sample", "row")
    merged = {n: np.where(take, getattr(other, n), getattr(column, n)) for n in names}
    return Column(marker=column.marker, **merged, people=column.people, rules=column.rules)
