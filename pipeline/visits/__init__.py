"""Middle floor. Arranges rows by person and visit, as the columns that all rules work on."""

from typing import Any

import pandas as pd

from pipeline.columns import People, Visits
from pipeline.rules import Rules
from pipeline.visits.dates import arrange_dates, visit_table
from pipeline.visits.readings import earlier_readings, last_reading
from pipeline.visits.results import hours_known, place_rows
from pipeline.visits.stated import stated_columns

__all__ = ["arrange_visits", "earlier_readings"]

_DATE = "datetime64[ns]"


def arrange_visits(
    rows: pd.DataFrame,
    people: pd.DataFrame,
    stated: pd.DataFrame,
    *,
    as_of: Any,
    rules: Rules,
    also: pd.DataFrame | None = None,
) -> Visits:
    """Return the visits of all people in ``rows`` up to ``as_of``, with a column for each marker.

    ``rows`` has ``ACCEPTED_COLUMNS``, of which words may be categories (those of ``collected_at``
    all dates); ``people`` case_id, sex, birth_year; ``stated`` case_id, date (NaT: holds at every
    visit) and a column for each context key. A visit is a date that ``stated`` names, else all rows
    within 14 days either side of a blood sample. ``also``: case_id, date and marker of rows that
    are set aside; a visit is made for them too.
    """
    rows = rows.reset_index(drop=True)
    rows = rows.assign(marker=_markers(rows, rules), date=_dates(rows["collected_at"]))
    also = rows.iloc[:0] if also is None else also.assign(marker=_markers(also, rules))
    stated = stated[~(stated["date"] > pd.Timestamp(as_of))]
    stated = stated.astype({"case_id": str, "date": _DATE})
    calendar, visit = arrange_dates(rows, stated[stated["date"].notna()], also, rules)
    table = visit_table(calendar, people)
    known = stated_columns(stated, calendar, rules, men=(table["sex"] == "M").to_numpy(bool))
    rows = place_rows(rows.assign(visit=visit), known, rules)
    known["fasting_hours"] = hours_known(rows, known, len(table))
    persons = People(sex=table["sex"].to_numpy(dtype=object), age=table["age"].to_numpy(float))
    visits = Visits(table=table, people=persons, columns={}, stated=known, rows=rows, rules=rules)
    return last_reading(visits)


def _markers(rows: pd.DataFrame, rules: Rules) -> pd.Series:
    return rows["marker"].astype("category").cat.set_categories(list(rules.markers))


def _dates(moments: pd.Series) -> pd.Series:
    """Return the date of each moment; equal ones are read once."""
    known = moments.astype("category").cat
    days = pd.to_datetime(pd.Series(known.categories, dtype=str).str[:10], format="%Y-%m-%d")
    return pd.Series(days.to_numpy(_DATE)[known.codes.to_numpy()], index=moments.index)
