"""Order floor. The findings of one visit: each value, the limits that judged it, its rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.columns import Column, Visits
from pipeline.interpret.columns import Judged
from pipeline.interpret.printed import as_said, decimals_of
from pipeline.model import OWN_REASON, Band, Finding, Limit, LimitSet, NotComputed
from pipeline.rules.formulas import COMPUTED
from pipeline.score import BANDS

_OWN_CHECK = "own-check"  # in reports; which one, the data-quality page says
_SHOWN_SETS = (LimitSet.REFERENCE, LimitSet.GUIDELINE, LimitSet.FUNCTIONAL)
_PRINTED = ("value_as_reported", "unit_as_reported", "lab", "method")
_COLOUR_SETS = (LimitSet.CRITICAL, LimitSet.REFER)


def findings_at(judged: Judged, at: int) -> tuple[Finding, ...]:
    """Return the findings of one visit in the order of the catalogue.

    Values that are only shown (a reported HOMA-IR where ours cannot be computed) come too.
    """
    rows = judged.visits.rows
    own = rows[rows["visit"] == at]
    shown = {str(row["marker"]): row for row in own[own["shown"] != ""].to_dict("records")}
    judged_rows = own[own["shown"] == ""]
    repeats = judged_rows.groupby("marker")["row"].agg(tuple).to_dict()
    found = {
        marker: _finding(judged, column, at, shown.get(marker), repeats.get(marker, ()))
        for marker, column in judged.visits.columns.items()
        if column.known[at]
    }
    for marker, row in shown.items():
        found.setdefault(marker, _unjudged(judged, row))
    order = {marker: place for place, marker in enumerate(judged.visits.rules.markers)}
    return tuple(sorted(found.values(), key=lambda finding: order[finding.marker]))


def not_computed_at(judged: Judged, at: int) -> tuple[NotComputed, ...]:
    """Return the computed markers without a value, of which at least one input was measured."""
    visits, found = judged.visits, []
    for marker, reasons in judged.not_computed.items():
        formula = COMPUTED[marker]
        known = {name for name in formula.analytes if visits.column(name).known[at]}
        # glucose and insulin that were not fasting stand under another name
        random = {name.replace("_fasting", "_random") for name in formula.analytes}
        if reasons[at] and (known or any(visits.column(name).known[at] for name in random)):
            missing = [n for n in formula.required if n in formula.analytes and n not in known]
            found.append(
                NotComputed(marker=marker, reason=str(reasons[at]), missing=tuple(missing))
            )
    return tuple(found)


def _finding(
    judged: Judged,
    column: Column,
    at: int,
    also_reported: Mapping[str, Any] | None,
    same_marker: tuple[str, ...],
) -> Finding:
    """Return one judged value; ``also_reported`` is the laboratory's own of what we compute."""
    marker, scores = judged.visits.rules.markers[column.marker], judged.scores
    value, comparator = as_said(float(column.low[at]), float(column.high[at]))
    limits = _limits(judged, column, at)
    bands = {
        name: BANDS[int(getattr(scores, name)[column.marker][at])]
        for name in ("laboratory", "guideline", "functional", "critical", "refer")
    }
    row = None if column.row[at] < 0 else judged.visits.row(int(column.row[at]), *_PRINTED)
    reported = also_reported if row is None else row
    rows = rows_of(judged.visits, column.marker, at)
    return Finding(
        marker=column.marker,
        value=value,
        comparator=comparator,
        unit=marker.unit,
        decimals=_decimals(judged, column, at, limits),
        reported=_reported(reported),
        mg_dl=None if row is None else _in_mg_dl(column, at),
        **bands,
        counts=bool(scores.counts[column.marker][at]),
        limits=limits,
        rows=rows,
        sources=_sources(column.marker, limits, row is None),
        notes=(*_notes(judged, column.marker, at), *_other_form(also_reported)),
        lab="" if row is None else str(row["lab"]),
        method="" if row is None else str(row["method"]),
        repeats=() if row is None else tuple(id for id in same_marker if id not in rows),
    )


def _reported(row: Mapping[str, Any] | None) -> tuple[str, str] | None:
    if row is None:
        return None
    return str(row["value_as_reported"]), str(row["unit_as_reported"])


def _in_mg_dl(column: Column, at: int) -> float | None:
    low, high = float(column.mg_low[at]), float(column.mg_high[at])
    return low if low == high else None


def _limits(judged: Judged, column: Column, at: int) -> dict[str, tuple[Limit, ...]]:
    """Return the limits by set that hold for the person; the laboratory's own interval leads."""
    found: dict[str, tuple[Limit, ...]] = {}
    for set in (*_SHOWN_SETS, *_COLOUR_SETS):
        limits = judged.visits.rules.all_limits_of(column.marker, set)
        held = tuple(limit for limit in limits if column.people.covered_by(limit)[at])
        if held:
            found[set.value] = held
    own = _own_interval(column, at)
    sides = {limit.side for limit in own}
    fallback = _fallback(judged, column, at, found.get(LimitSet.REFERENCE.value, ()))
    interval = own + tuple(limit for limit in fallback if limit.side not in sides)
    return {**found, LimitSet.REFERENCE.value: interval} if interval else found


def _fallback(
    judged: Judged, column: Column, at: int, usual: tuple[Limit, ...]
) -> tuple[Limit, ...]:
    """Return the typical interval; of cortisol on oestrogen the one that holds then."""
    if "oestrogen" not in _notes(judged, column.marker, at):
        return usual
    names = ("cortisol-oestrogen-low", "cortisol-oestrogen-high")
    return tuple(limit for name in names for limit in judged.visits.rules.limits_named(name))


def _own_interval(column: Column, at: int) -> tuple[Limit, ...]:
    edges = (("low", "<", column.ref_low[at]), ("high", ">", column.ref_high[at]))
    unit = column.rules.markers[column.marker].unit
    return tuple(
        Limit(
            id=f"{column.marker.replace('_', '-')}-laboratory-{side}",
            marker=column.marker,
            set=LimitSet.REFERENCE,
            op=op,  # type: ignore[arg-type]
            value=float(value),
            unit=unit,
            source="laboratory",
            verified=True,
        )
        for side, op, value in edges
        if not np.isnan(value)
    )


def decimals_at(judged: Judged, column: Column, at: int) -> int:
    """Return the decimals of a value in print: as many as its marker asks and the file showed.

    And as many as honesty needs: a value beyond a limit never prints as that limit.
    """
    return _decimals(judged, column, at, _limits(judged, column, at))


def _decimals(
    judged: Judged, column: Column, at: int, limits: Mapping[str, tuple[Limit, ...]]
) -> int:
    value, _ = as_said(float(column.low[at]), float(column.high[at]))
    row = int(column.row[at])
    printed = "" if row < 0 else str(judged.visits.cells("value_as_reported")[row])
    beyond = {limit.value for found in limits.values() for limit in found}
    return decimals_of(value, column.rules.markers[column.marker].decimals, printed, beyond)


def rows_of(visits: Visits, marker: str, at: int, *, same_draw: bool = False) -> tuple[str, ...]:
    """Return the ids of the rows that a value rests on, through all that it was computed from."""
    position = visits.input(marker, same_draw=same_draw).row[at]
    if position >= 0:
        return (str(visits.cells("row")[int(position)]),)
    if marker not in COMPUTED:
        return ()
    formula = COMPUTED[marker]
    known = [name for name in formula.analytes if visits.column(name).known[at]]
    rows = (rows_of(visits, name, at, same_draw=formula.same_draw) for name in known)
    return tuple(dict.fromkeys(row for found in rows for row in found))


def _sources(
    marker: str, limits: Mapping[str, tuple[Limit, ...]], computed: bool
) -> tuple[str, ...]:
    """Return the ids of the formula's sources and of the limits'."""
    named = COMPUTED[marker].sources if computed and marker in COMPUTED else ()
    judging = [id for found in limits.values() for limit in found for id in limit.source.split(";")]
    return tuple(dict.fromkeys((*named, *judging)))


def _notes(judged: Judged, marker: str, at: int) -> tuple[str, ...]:
    own = [word for word, where in judged.scores.notes.get(marker, ()) if where[at]]
    position = judged.visits.column(marker).row[at]
    if position >= 0:
        row = judged.visits.row(int(position), "promoted", "notes")
        own += ["not-fasting"] * bool(row["promoted"])
        words = (word for word in str(row["notes"]).split(";") if word)
        own += [_OWN_CHECK if word.startswith(OWN_REASON) else word for word in words]
    if marker == "tg_hdl_molar" and judged.scores.guideline[marker][at] == BANDS.index(Band.HIGH):
        own.append("literature")
    if marker in ("insulin_fasting", "homa_ir") and judged.phases.classes.unit_sensitive[at]:
        own.append("insulin-unit-sensitive")
    return tuple(dict.fromkeys(own))


def _other_form(row: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the note of a reported value that is of another formula than ours."""
    words = str(row["notes"]).split(";") if row else []
    return tuple(word for word in words if word == "tyg-variant-b")


def _unjudged(judged: Judged, row: Mapping[str, Any]) -> Finding:
    """Return a value that is shown without any judgement, and why."""
    marker = judged.visits.rules.markers[row["marker"]]
    value, comparator = as_said(float(row["low"]), float(row["high"]))
    why = "reported-only" if row["shown"] == "recomputed" else str(row["shown"])
    return Finding(
        marker=marker.id,
        value=value,
        comparator=comparator,
        unit=marker.unit,
        decimals=decimals_of(value, marker.decimals, str(row["value_as_reported"]), set()),
        reported=_reported(row),
        mg_dl=None,
        laboratory=None,
        guideline=None,
        functional=None,
        critical=None,
        refer=None,
        counts=False,
        limits={},
        rows=(str(row["row"]),),
        sources=(),
        notes=(why, *_other_form(row)),
        lab=str(row["lab"]),
        method=str(row["method"]),
    )
