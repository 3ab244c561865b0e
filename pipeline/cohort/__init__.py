"""Cohort floor. The review of many at once: what is told of a period, and what is kept back."""

from pipeline.cohort.counts import Mark, Published, Shown, Table, share
from pipeline.cohort.disclosure import LOWEST_LIMIT, protect
from pipeline.cohort.gate import Gate
from pipeline.cohort.period import Period, period_of, quarter_of
from pipeline.cohort.review import review_store

__all__ = [
    "LOWEST_LIMIT",
    "Gate",
    "Mark",
    "Period",
    "Published",
    "Shown",
    "Table",
    "period_of",
    "protect",
    "quarter_of",
    "review_store",
    "share",
]
