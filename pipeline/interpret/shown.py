"""Order floor. What a report shows in place of a file's name, which may be a person's."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from pipeline.model import (
    Classification,
    Flag,
    Interpretation,
    OpenFlag,
    PlanItem,
    Reservation,
    Visit,
)

_HasRows = TypeVar("_HasRows", Classification, PlanItem, Reservation)


def with_numbered_files(interpretation: Interpretation) -> Interpretation:
    """Return the interpretation with "1:17" (file 1, row 17) in place of each row id.

    All that tells or draws a case is given this one. Files are numbered in the order of their
    names; ``case.json`` keeps the ids themselves, and is made of the interpretation as it was.
    """
    case = interpretation.case
    numbers = _numbers(map(str, (*case.rows["row"], *(one.row for one in case.set_aside))))
    set_aside = tuple(replace(one, row=numbers[one.row]) for one in case.set_aside)
    rows = case.rows.assign(row=case.rows["row"].map(numbers))
    return replace(
        interpretation,
        case=replace(case, rows=rows, set_aside=set_aside),
        visits=tuple(_visit(visit, numbers) for visit in interpretation.visits),
        open_flags=tuple(_open_flag(flag, numbers) for flag in interpretation.open_flags),
        checks=tuple(
            replace(check, rows=_all(check.rows, numbers)) for check in interpretation.checks
        ),
        plan=_numbered(interpretation.plan, numbers),
    )


def _numbers(ids: Iterable[str]) -> dict[str, str]:
    parts = {id: id.rpartition(":") for id in ids}
    files = sorted({file for file, _, _ in parts.values()})
    return {id: f"{files.index(file) + 1}:{line}" for id, (file, _, line) in parts.items()}


def _visit(visit: Visit, numbers: Mapping[str, str]) -> Visit:
    findings = (
        replace(one, rows=_all(one.rows, numbers), repeats=_all(one.repeats, numbers))
        for one in visit.findings
    )
    return replace(
        visit,
        findings=tuple(findings),
        flags=tuple(_flag(flag, numbers) for flag in visit.flags),
        classifications=_numbered(visit.classifications, numbers),
        reservations=_numbered(visit.reservations, numbers),
    )


def _numbered(parts: tuple[_HasRows, ...], numbers: Mapping[str, str]) -> tuple[_HasRows, ...]:
    return tuple(replace(part, rows=_all(part.rows, numbers)) for part in parts)


def _open_flag(open_flag: OpenFlag, numbers: Mapping[str, str]) -> OpenFlag:
    bases = tuple((day, _flag(flag, numbers)) for day, flag in open_flag.bases)
    return replace(open_flag, bases=bases)


def _flag(flag: Flag, numbers: Mapping[str, str]) -> Flag:
    return replace(flag, rows=_all(flag.rows, numbers))


def _all(rows: tuple[str, ...], numbers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(numbers[row] for row in rows)
