"""Middle floor. The machine-readable result, case.json: the same for every language and report."""

from collections.abc import Mapping
from typing import Any

from pipeline.model import (
    Change,
    Consent,
    CrossCheck,
    Finding,
    Flag,
    FlagHistory,
    Interpretation,
    Limit,
    OpenFlag,
    Visit,
)

SCHEMA = "casereport/case/1"
_SIDES = {">": "high", ">=": "high", "<": "low", "<=": "low"}


def case_json(interpretation: Interpretation) -> dict[str, Any]:
    """Return the content of case.json; unknown is None, dates are ISO 8601, no clock enters.

    ``plan`` is None: this version advises nothing.
    """
    case = interpretation.case
    return {
        "schema": SCHEMA,
        "case_id": case.case_id,
        "as_of": case.as_of.isoformat(),
        "consent": None if case.consent is None else _consent(case.consent),
        "note": dict(case.note),
        "versions": dict(interpretation.versions),
        "visits": [_visit(visit) for visit in interpretation.visits],
        "changes": [_change(change) for change in interpretation.changes],
        "flags": [_history(history) for history in interpretation.flags],
        "open_flags": [_open_flag(flag) for flag in interpretation.open_flags],
        "checks": [_check(check) for check in interpretation.checks],
        "plan": None,
        "quarantined": [{"row": one.row, "reasons": list(one.reasons)} for one in case.set_aside],
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {"given": consent.given, "date": consent.date.isoformat() if consent.date else None}


def _visit(visit: Visit) -> dict[str, Any]:
    phase, (met, known) = visit.phase, visit.metabolic_syndrome
    return {
        "date": visit.date.isoformat(),
        "month": visit.month,
        "age": visit.age,
        "findings": [_finding(finding) for finding in visit.findings],
        "not_computed": [
            {"marker": one.marker, "reason": one.reason, "missing": list(one.missing)}
            for one in visit.not_computed
        ],
        "phase": {
            "id": phase.id,
            "rule": phase.rule,
            "confidence": phase.confidence,
            "qualifiers": list(phase.qualifiers),
            "missing": list(phase.missing),
            "present": list(phase.present),
            "excluded": [{"marker": marker, "reason": why} for marker, why in phase.excluded],
            "g_class": phase.g_class,
            "i_class": phase.i_class,
            "supporting": {
                "signals": dict(phase.signals),
                "met": phase.supporting,
                "known": phase.supporting_known,
            },
        },
        "flags": [_flag(flag) for flag in visit.flags],
        "not_assessable": [
            {
                "id": one.id,
                "missing": list(one.missing),
                "bounded": list(one.bounded),
                "branches": list(one.branches),
            }
            for one in visit.not_assessable
        ],
        "metabolic_syndrome": {"met": met, "known": known, "of": 5},
        "unknown": list(visit.unknown),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    reported = finding.reported
    return {
        "marker": finding.marker,
        "value": finding.value,
        "comparator": finding.comparator,
        "unit": finding.unit,
        "reported": None if reported is None else {"value": reported[0], "unit": reported[1]},
        "laboratory": finding.laboratory,
        "guideline": finding.guideline,
        "functional": finding.functional,
        "critical": finding.critical,
        "refer": finding.refer,
        "counts": finding.counts,
        "limits": {name: _limits(limits) for name, limits in finding.limits.items()},
        "rows": list(finding.rows),
        "sources": list(finding.sources),
        "notes": list(finding.notes),
        "repeats": list(finding.repeats),
    }


def _limits(limits: tuple[Limit, ...]) -> dict[str, Any]:
    """Return the limits of one set: the first on each side leads; all are listed."""
    told: dict[str, Any] = {}
    for limit in limits:
        told.setdefault(_SIDES[limit.op], limit.value)
        told.setdefault("source", limit.source)
    told["rows"] = [
        {"id": x.id, "op": x.op, "value": x.value, "source": x.source, "verified": x.verified}
        for x in limits
    ]
    return told


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "id": flag.id,
        "urgency": flag.urgency,
        "open": flag.open,
        "if_correct": flag.if_correct,
        "branches": list(flag.branches),
        "evidence": list(flag.evidence),
        "values": [
            {"marker": x.marker, "value": x.value, "comparator": x.comparator, "unit": x.unit}
            for x in flag.values
        ],
        "rows": list(flag.rows),
    }


def _open_flag(flag: OpenFlag) -> dict[str, Any]:
    return {
        "id": flag.id,
        "urgency": flag.urgency,
        "if_correct": flag.if_correct,
        "bases": [{"date": date.isoformat(), **_flag(basis)} for date, basis in flag.bases],
    }


def _history(history: FlagHistory) -> dict[str, Any]:
    return {
        "id": history.id,
        "urgency": history.urgency,
        "raised": [date.isoformat() for date in history.raised],
        "open": history.open,
        "resolved": None if history.resolved is None else history.resolved.isoformat(),
    }


def _change(change: Change) -> dict[str, Any]:
    percent = change.percent
    return {
        "marker": change.marker,
        "from": change.start.isoformat(),
        "to": change.end.isoformat(),
        "against": change.against,
        "percent": None if percent is None else round(percent, 1),
        "real": change.real,
        "reason": change.reason,
    }


def _check(check: CrossCheck) -> Mapping[str, Any]:
    return {
        "marker": check.marker,
        "date": check.date.isoformat(),
        "reported": check.reported,
        "computed": check.computed,
        "agrees": check.agrees,
        "rows": list(check.rows),
    }
