"""Middle floor. Numbers the files of a case: the name of one may be a person's."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipeline.model import Interpretation, Visit


def with_numbered_files(interpretation: Interpretation) -> Interpretation:
    """Return the interpretation with "1:17" (file 1, row 17) in place of each row id.

    Files are numbered in the order of their names; ``case.json`` keeps the ids themselves.
    """
    case = interpretation.case
    ids = (*case.rows["row"], *(one.row for one in case.set_aside))
    numbers = _numbers(map(str, ids))
    set_aside = tuple(replace(one, row=numbers[one.row]) for one in case.set_aside)
    return replace(
        interpretation,
        case=replace(case, set_aside=set_aside),
        visits=tuple(_renamed(visit, numbers) for visit in interpretation.visits),
        checks=tuple(
            replace(check, rows=_all(check.rows, numbers)) for check in interpretation.checks
        ),
    )


def _numbers(ids: Iterable[str]) -> dict[str, str]:
    parts = {id: id.rpartition(":") for id in ids}
    files = sorted({file for file, _, _ in parts.values()})
    return {id: f"{files.index(file) + 1}:{line}" for id, (file, _, line) in parts.items()}


def _renamed(visit: Visit, numbers: Mapping[str, str]) -> Visit:
    findings = (
        replace(one, rows=_all(one.rows, numbers), repeats=_all(one.repeats, numbers))
        for one in visit.findings
    )
    flags = (replace(flag, rows=_all(flag.rows, numbers)) for flag in visit.flags)
    return replace(visit, findings=tuple(findings), flags=tuple(flags))


def _all(rows: tuple[str, ...], numbers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(numbers[row] for row in rows)
