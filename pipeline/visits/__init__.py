"""Middle floor. Arranges rows by person and visit, as the columns that all rules work on."""

from typing import Any

import pandas as pd

from pipeline.columns import People, Visits
from pipeline.rules import Rules
from pipeline.visits.dates import nearest_visit, visit_table
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

    ``rows`` has ``ACCEPTED_COLUMNS``; ``people`` case_id, sex, birth_year; ``stated`` case_id, date
    (NaT: holds at every visit) and a column for each context key. A visit is a date that ``stated``
    names, else all rows within 14 days either side of a blood sample. ``also``: case_id and date of
    rows that are set aside; a visit is made for them too.
    """
    people = people.astype({"case_id": str})
    stated = stated[~(stated["date"] > pd.Timestamp(as_of))]
    stated = stated.astype({"case_id": str, "date": _DATE})
    dates = pd.to_datetime(rows["collected_at"].str[:10], format="%Y-%m-%d").astype(_DATE)
    rows = rows.astype({"case_id": str}).assign(date=dates)
    every = rows if also is None else pd.concat([rows[["case_id", "date", "marker"]], also])
    table = visit_table(every, people, stated, rules)
    rows = rows.assign(visit=nearest_visit(rows, table)).reset_index(drop=True)
    known = stated_columns(stated, table, rules)
    rows = place_rows(rows, known, rules)
    known["fasting_hours"] = hours_known(rows, known, table)
    persons = People(sex=table["sex"].to_numpy(dtype=object), age=table["age"].to_numpy(float))
    visits = Visits(table=table, people=persons, columns={}, stated=known, rows=rows, rules=rules)
    return last_reading(visits)
