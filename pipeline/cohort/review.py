"""Cohort floor. Makes the review of a period: all that may be told of the many, as JSON."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.cohort.change import changes_until
from pipeline.cohort.counts import Mark
from pipeline.cohort.course import course_of
from pipeline.cohort.distributions import histograms
from pipeline.cohort.gate import Gate
from pipeline.cohort.markers import markers_of_period
from pipeline.cohort.people import people_of_period
from pipeline.cohort.period import Period
from pipeline.cohort.quality import quality_of
from pipeline.cohort.reference import beside_reference
from pipeline.cohort.scoring import score_store
from pipeline.cohort.seen import find_seen, opened_columns
from pipeline.cohort.states import flags_of_period, phases_of_period, together
from pipeline.read.reference import Stratum
from pipeline.rules import Rules

SCHEMA = "casereport/cohort/1"


def review_store(
    store: Path,
    period: Period,
    *,
    as_of: dt.date,
    rules: Rules,
    gate: Gate,
    reference: Sequence[Stratum] = (),
) -> dict[str, Any]:
    """Return the review of a period of what a store holds, each count of people past the gate.

    Beside a ``reference`` (in canonical units) where there is one; else nothing is told of any.
    Raises OutputError where the store, or the columns beside it, cannot be used.
    """
    scored = score_store(store, as_of=as_of, rules=rules)
    with opened_columns(scored.path, store) as connection:
        find_seen(connection, period)
        who = people_of_period(connection, period, gate)
        seen = who["seen"] if isinstance(who["seen"], int) else Mark(who["seen"])
        markers = markers_of_period(connection, rules, gate, people=seen)
        beside = {}
        if reference:
            beside["reference"] = beside_reference(
                connection, reference, markers, gate, rules=rules, people=seen
            )
        return {
            "schema": SCHEMA,
            "as_of": as_of.isoformat(),
            "period": {
                "name": period.name,
                "start": period.start.isoformat(),
                "end": period.end.isoformat(),
            },
            "limit": gate.limit,
            "versions": {"casereport": __version__},
            "who": who,
            "how": {
                "markers": markers,
                "distributions": histograms(connection, markers, rules, gate),
                "phases": phases_of_period(connection, rules, gate, people=seen),
                "flags": flags_of_period(connection, rules, gate, people=seen),
                "together": together(connection, markers, rules, gate, people=seen),
                **beside,
            },
            "change": changes_until(connection, period, rules, gate),
            "course": course_of(connection, period, markers, rules, gate),
            "quality": quality_of(connection, period),
        }
