"""Order floor. What published definitions make of one visit, each with the values it rests on."""

from collections.abc import Iterator, Mapping

import pandas as pd

from pipeline.columns import Visits
from pipeline.criteria import Classified
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import rows_of
from pipeline.model import Classification


def classifications_at(
    judged: Judged, criteria: Mapping[str, Classified], at: int
) -> tuple[Classification, ...]:
    """Return the classifications of one visit whose question arose: something of it is known."""
    found = (_classification(judged.visits, one, at) for one in criteria.values())
    return tuple(one for one in found if one.result is not None or one.evidence)


def _classification(visits: Visits, classified: Classified, at: int) -> Classification:
    names = tuple(dict.fromkeys(name for few in classified.inputs.values() for name in few))
    evidence = tuple(name for name in names if _is_known(visits, name, at))
    rows = (row for name in evidence for row in _rows(visits, name, at))
    return Classification(
        id=classified.id,
        result=classified.result[at] or None,
        of=len(classified.criteria),
        source=classified.source,
        criteria={name: _answer(answer[at]) for name, answer in classified.criteria.items()},
        missing=tuple(dict.fromkeys(_missing(visits, classified, at))),
        evidence=evidence,
        rows=tuple(dict.fromkeys(rows)),
        notes=tuple(word for word, where in classified.notes.items() if where[at]),
    )


def _missing(visits: Visits, classified: Classified, at: int) -> Iterator[str]:
    """Yield what would settle a criterion that is unknown; all of it where there is no result."""
    if not classified.criteria and classified.result[at]:
        return
    for criterion, names in classified.inputs.items():
        answer = classified.criteria.get(criterion)
        if answer is None or answer.isna()[at]:
            yield from (name for name in names if not _is_known(visits, name, at))


def _is_known(visits: Visits, name: str, at: int) -> bool:
    if name in visits.rules.markers:
        return bool(visits.column(name).known[at])
    if name in visits.rules.context:
        return bool(visits.is_stated(name)[at])
    return not visits.yes(name).isna()[at]


def _rows(visits: Visits, name: str, at: int) -> tuple[str, ...]:
    return rows_of(visits, name, at) if name in visits.rules.markers else ()


def _answer(value: object) -> bool | None:
    return None if value is pd.NA else bool(value)
