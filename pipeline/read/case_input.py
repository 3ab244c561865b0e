"""Middle floor. Reads and writes input.json: all that a report of one case depends on."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from math import inf, isinf, isnan
from pathlib import Path
from typing import Any, cast

import pandas as pd

from pipeline.errors import CaseFileError
from pipeline.model import ACCEPTED_COLUMNS, CaseInput, Consent, Event, SetAside, StatedGenotype
from pipeline.read.records import records_of
from pipeline.read.text_file import read_bytes
from pipeline.resources import resource_path

SCHEMA = "casereport/input/1"
BUILT_IN = "samples/seed_case/input.json"
_NUMBERS = ("low", "high", "mg_low", "mg_high", "ref_low", "ref_high", "fasting_hours")
_OPEN_ENDS = {"low": -inf, "high": inf}  # an interval's end that is written as null is open
_MISSING: Mapping[str, object] = {"factor_known": True, **dict.fromkeys(_NUMBERS, float("nan"))}


def read_case_input(path: str | Path = "") -> CaseInput:
    """Return the case of an ``input.json``; of the empty path the built-in sample.

    Raises CaseFileError where the file cannot be read or is not of this schema.
    """
    file = Path(path) if str(path) else resource_path(BUILT_IN)
    content = read_bytes(file, error=CaseFileError)
    try:
        told = json.loads(content, parse_constant=_refuse_constant)
        if told["schema"] != SCHEMA:
            raise ValueError("another schema")
        return _case(told, sha256=hashlib.sha256(content).hexdigest())
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise CaseFileError(f"Expected '{file.name}' to be of schema {SCHEMA}.") from None


def write_case_input(case: CaseInput, path: Path) -> None:
    """Write a case as ``input.json``: sorted keys, UTF-8, the same bytes for the same case."""
    path.write_bytes(case_input_bytes(case))


def case_input_bytes(case: CaseInput) -> bytes:
    """Return the bytes of a case's ``input.json``; empty fields of a row are left out."""
    told = {
        "schema": SCHEMA,
        "case_id": case.case_id,
        "as_of": case.as_of,
        "person": {"sex": case.sex, "birth_year": case.birth_year},
        "context": case.context,
        "visits": case.visits,
        "consent": _consent(case.consent),
        "timeline": [_event(event) for event in case.timeline],
        "note": case.note,
        "told": case.told,
        "genotypes": [asdict(one) for one in case.genotypes],
        "rows": [_compact(row) for row in records_of(case.rows[list(ACCEPTED_COLUMNS)])],
        "set_aside": [_set_aside(one) for one in case.set_aside],
        "rules": [dict(row) for row in case.rules],
    }
    text = json.dumps(
        told, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_plain
    )
    return (text + "\n").encode("utf-8")


def _case(told: Mapping[str, Any], *, sha256: str) -> CaseInput:
    consent = told["consent"]
    return CaseInput(
        case_id=told["case_id"],
        as_of=dt.date.fromisoformat(told["as_of"]),
        sex=told["person"]["sex"],
        birth_year=told["person"]["birth_year"],
        rows=_frame([_full(row) for row in told["rows"]]),
        set_aside=tuple(_read_set_aside(one) for one in told["set_aside"]),
        context=told["context"],
        visits=tuple(_visit(visit) for visit in told["visits"]),
        consent=None if consent is None else _read_consent(consent),
        timeline=tuple(Event(**event) for event in told["timeline"]),
        note=told["note"],
        told=told["told"],
        genotypes=tuple(StatedGenotype(**one) for one in told["genotypes"]),
        rules=tuple(dict(row) for row in told["rules"]),
        sha256=sha256,
    )


def _compact(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row without what is empty; an open end of its interval is null."""
    kept = {key: value for key, value in row.items() if not _is_default(key, value)}
    return {key: None if _is_infinite(value) else value for key, value in kept.items()}


def _is_default(key: str, value: object) -> bool:
    if isinstance(value, float) and isnan(value):
        return True
    return value == _MISSING.get(key, "")


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and isinf(value)


def _full(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with every column: undo ``_compact``."""
    full = {column: row.get(column, _MISSING.get(column, "")) for column in ACCEPTED_COLUMNS}
    for column in _NUMBERS:
        if full[column] is None:
            full[column] = _OPEN_ENDS[column.removeprefix("mg_")]
    return full


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return the accepted rows as a table, typed alike whether it has rows or not."""
    types = dict.fromkeys(_NUMBERS, float) | {"factor_known": bool}
    frame = pd.DataFrame(rows, columns=list(ACCEPTED_COLUMNS))
    return frame.astype({column: types.get(column, str) for column in ACCEPTED_COLUMNS})


def _set_aside(one: SetAside) -> dict[str, object]:
    told: dict[str, object] = {"row": one.row, "reasons": list(one.reasons)}
    if one.measurement is not None:
        told["measurement"] = _compact(one.measurement)
    return told


def _read_set_aside(told: Mapping[str, Any]) -> SetAside:
    measurement = told.get("measurement")
    return SetAside(
        row=told["row"],
        reasons=tuple(told["reasons"]),
        measurement=None if measurement is None else _full(measurement),
    )


def _consent(consent: Consent | None) -> dict[str, object] | None:
    return None if consent is None else {"given": consent.given, "date": consent.date}


def _read_consent(told: Mapping[str, Any]) -> Consent:
    date = told["date"]
    return Consent(given=told["given"], date=None if date is None else dt.date.fromisoformat(date))


def _event(event: Event) -> dict[str, object]:
    return {"when": event.when, "kind": event.kind, "text": event.text}


def _visit(told: Mapping[str, Any]) -> dict[str, object]:
    return {**told, "date": dt.date.fromisoformat(told["date"])}


def _plain(value: object) -> object:
    """Return a date as ISO 8601, a mapping or a numpy number as plain JSON."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return cast(Any, value).item()


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
