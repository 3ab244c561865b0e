"""Middle floor. The machine-readable result, case.json: the same for every language and report."""

from collections.abc import Mapping
from typing import Any

from pipeline.model import (
    Change,
    Classification,
    Consent,
    CrossCheck,
    Finding,
    Flag,
    FlagHistory,
    Genotype,
    Interpretation,
    Limit,
    OpenFlag,
    PlanItem,
    Reservation,
    Visit,
)

SCHEMA = "casereport/case/1"
_SIDES = {">": "high", ">=": "high", "<": "low", "<=": "low"}


def case_json(interpretation: Interpretation) -> dict[str, Any]:
    """Return the content of case.json; unknown is None, dates are ISO 8601, no clock enters."""
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
        "genotypes": [_genotype(one) for one in interpretation.genotypes],
        "plan": [_plan_item(item) for item in interpretation.plan],
        "quarantined": [{"row": one.row, "reasons": list(one.reasons)} for one in case.set_aside],
    }


def _consent(consent: Consent) -> dict[str, Any]:
    return {"given": consent.given, "date": consent.date.isoformat() if consent.date else None}


def _visit(visit: Visit) -> dict[str, Any]:
    phase = visit.phase
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
        "classifications": [_classification(one) for one in visit.classifications],
        "reservations": [_reservation(one) for one in visit.reservations],
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


def _classification(one: Classification) -> dict[str, Any]:
    return {
        "id": one.id,
        "result": one.result,
        "criteria": dict(one.criteria),
        "exclusions": dict(one.exclusions),
        "met": one.met,
        "known": one.known,
        "of": one.of,
        "missing": list(one.missing),
        "evidence": list(one.evidence),
        "rows": list(one.rows),
        "notes": list(one.notes),
        "source": one.source,
    }


def _reservation(one: Reservation) -> dict[str, Any]:
    return {
        "word": one.word,
        "weakens": one.weakens,
        "markers": list(one.markers),
        "rows": list(one.rows),
        "days": one.days,
    }


def _genotype(one: Genotype) -> dict[str, Any]:
    stated = one.stated
    return {
        "rsid": stated.rsid,
        "gene": one.gene,
        "variant": one.variant,
        "reported": {
            "call": stated.call,
            "strand": stated.strand or None,
            "build": stated.build or None,
            "assay": stated.assay or None,
        },
        "plus": one.plus,
        "effect_allele": one.effect_allele,
        "copies": one.copies,
        "reason": one.reason,
        "evidence": one.evidence,
        "notes": list(one.notes),
        "sources": list(one.sources),
        "verified": one.verified,
        "row": stated.row,
    }


def _plan_item(item: PlanItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "grade": item.grade,
        "amounts": dict(item.amounts),
        "because": list(item.because),
        "changed_by": list(item.changed_by),
        "withheld_by": list(item.withheld_by),
        "ask_first": list(item.ask_first),
        "rows": list(item.rows),
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
        "acknowledge": flag.urgency.needs_acknowledgement,
        "open": flag.open,
        "if_correct": flag.if_correct,
        "branches": list(flag.branches),
        "variants": list(flag.variants),
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
        "acknowledge": flag.urgency.needs_acknowledgement,
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
    return {
        "marker": change.marker,
        "from": change.start.isoformat(),
        "to": change.end.isoformat(),
        "against": change.against,
        "percent": change.percent,
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
