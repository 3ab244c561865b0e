"""Middle floor. The classes of hs-CRP by the AHA and the CDC (2003)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.columns import Column, Visits, certain, ruled_out
from pipeline.criteria.classified import Classified, Definition, Where, first_that_holds

HS_CRP = Definition(
    id="hs_crp",
    source="S47;S48",
    results=("low", "average", "high", "acute"),
    inputs={"": ("hs_crp",)},
    beside=("acute_illness_14d", "vaccination_14d"),
    notes=("single", "mean-of-two", "ill"),
    limits=(
        "hs-crp-average",
        "hs-crp-high",
        "signal-crp-acute",
        "hs-crp-repeat",
        "hs-crp-repeat-late",
    ),
)
_NO_PAIRS = pd.DataFrame({name: [] for name in ("visit", "row", "low")})


def hs_crp(readings: Sequence[Visits]) -> Classified:
    """Return the class of hs-CRP: low under 1, average 1 to 3, high above 3, acute above 10 mg/L.

    Where an earlier result of 10 or less was taken at least two weeks and at most three months
    before, the mean of both is classed. What is acute is disregarded, to be repeated.
    """
    visits = readings[0]
    last = visits.column("hs_crp")
    acute = last.beyond("signal-crp-acute")
    pairs = _pairs(visits, last)
    before = np.full(len(visits), np.nan)
    before[pairs["visit"].to_numpy(int)] = pairs["low"].to_numpy(float)
    paired = ~np.isnan(before) & ruled_out(acute) & ~last.censored
    low, high = (np.where(paired, (end + before) / 2, end) for end in (last.low, last.high))
    value = last.with_values("hs_crp", low, high)
    above, average = value.beyond("hs-crp-high"), value.beyond("hs-crp-average")
    ill = certain(visits.yes("acute_illness_14d")) | certain(visits.yes("vaccination_14d"))
    return Classified(
        definition=HS_CRP,
        result=first_that_holds(
            ("acute", certain(acute)),
            ("high", certain(above) & ruled_out(acute)),
            ("average", certain(average) & ruled_out(above)),
            ("low", ruled_out(average)),
        ),
        rests_on=pairs[paired[pairs["visit"].to_numpy(int)]],
        notes={
            "single": last.known & ~paired & ~certain(acute),
            "mean-of-two": paired,
            "ill": last.known & ill,
        },
    )


def _pairs(visits: Visits, last: Column) -> pd.DataFrame:
    """Return visit, row and value of the latest earlier result that may be averaged."""
    at = np.flatnonzero(last.row >= 0)
    if not len(at):
        return _NO_PAIRS
    rows = visits.rows
    known = rows[(rows["marker"] == "hs_crp") & (rows["reading"] >= 0)]
    known = known[(known["low"] == known["high"]) & _usable(last, known["low"])]
    asked = pd.DataFrame(
        {
            "case_id": visits.table["case_id"].to_numpy(object)[at],
            "day": rows["date"].to_numpy()[last.row[at]],
            "visit": at,
        }
    )
    known = known.assign(row=known.index)[["case_id", "date", "low", "row"]]
    pairs = asked.merge(known, on="case_id")
    pairs = pairs[_apart(last, (pairs["day"] - pairs["date"]).dt.days)]
    return pairs.sort_values("date", kind="stable").drop_duplicates("visit", keep="last")


def _usable(last: Column, values: pd.Series) -> Where:
    """Return which of any number of values are not acute."""
    return values.to_numpy(float) <= _limit(last, "signal-crp-acute")


def _apart(last: Column, days: pd.Series) -> Where:
    """Return which pairs lie as far apart as a repeat must, and no further than it may."""
    first, late = (_limit(last, name) for name in ("hs-crp-repeat", "hs-crp-repeat-late"))
    return ((days >= first) & (days <= late)).to_numpy(bool)


def _limit(column: Column, name: str) -> float:
    (limit,) = column.rules.limits_named(name)
    return limit.value
