"""Order floor. What published definitions make of one visit, each with the values it rests on."""

from collections.abc import Iterator, Mapping

import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Visits, certain
from pipeline.criteria import Classified
from pipeline.interpret.columns import Judged
from pipeline.interpret.findings import rows_of
from pipeline.model import Classification


def classifications_at(
    judged: Judged, criteria: Mapping[str, Classified], at: int
) -> tuple[Classification, ...]:
    """Return the classifications of one visit whose question arose: something of it is known."""
    visits = judged.visits
    meant = (one for one in criteria.values() if _is_meant_for(visits, one, at))
    found = (_classification(visits, one, at) for one in meant)
    return tuple(one for one in found if one.result is not None or one.evidence)


def _is_meant_for(visits: Visits, classified: Classified, at: int) -> bool:
    return classified.definition.sex in (None, visits.people.sex[at])


def _classification(visits: Visits, classified: Classified, at: int) -> Classification:
    evidence = tuple(dict.fromkeys(_evidence(visits, classified, at)))
    rows = [row for name in evidence for row in _rows(visits, name, at)]
    further = classified.rests_on
    positions = further["row"].to_numpy(int)[further["visit"].to_numpy() == at]
    rows += (str(visits.cells("row")[position]) for position in positions)
    return Classification(
        id=classified.id,
        result=classified.result[at] or None,
        of=len(classified.criteria),
        source=classified.source,
        criteria=_answers(classified.criteria, at),
        exclusions=_answers(classified.exclusions, at),
        missing=tuple(dict.fromkeys(_missing(visits, classified, at))),
        evidence=evidence,
        rows=tuple(dict.fromkeys(rows)),
        notes=tuple(word for word, where in classified.notes.items() if where[at]),
    )


def _evidence(visits: Visits, classified: Classified, at: int) -> Iterator[str]:
    """Yield what is known of all that settles a criterion; then of what is asked beside it.

    What stands beside (a random glucose) raises a question only where a note says which.
    """
    definition = classified.definition
    asked = (name for names in definition.inputs.values() for name in names)
    own = [name for name in asked if _is_known(visits, name, at)]
    yield from own
    notes = (where[at] for note, where in classified.notes.items() if note != "pregnancy")
    if own or any(notes):
        also = (*definition.exclusions, *definition.beside)
        yield from (name for name in also if _bears(visits, name, at))


def _missing(visits: Visits, classified: Classified, at: int) -> Iterator[str]:
    """Yield what would settle a criterion that is unknown; all of it where there is no result.

    And the exclusions without a value. In pregnancy nothing is asked for.
    """
    if "pregnancy" in classified.notes and classified.notes["pregnancy"][at]:
        return
    if classified.criteria or not classified.result[at]:
        for criterion, names in classified.inputs.items():
            answer = classified.criteria.get(criterion)
            if answer is None or answer.isna()[at]:
                yield from (name for name in names if not _is_known(visits, name, at))
    yield from (name for name in classified.exclusions if not _is_known(visits, name, at))


def _is_known(visits: Visits, name: str, at: int) -> bool:
    if name in visits.rules.markers:
        return bool(visits.column(name).known[at])
    if name in visits.rules.context:
        return bool(visits.is_stated(name)[at])
    return not visits.yes(name).isna()[at]


def _bears(visits: Visits, name: str, at: int) -> bool:
    """Return whether a marker has a value, a fact is so, or a word or number is stated."""
    key = visits.rules.context.get(name)
    if name in visits.rules.markers or (key and key.kind != "yes_no"):
        return _is_known(visits, name, at)
    return bool(certain(visits.yes(name))[at])


def _rows(visits: Visits, name: str, at: int) -> tuple[str, ...]:
    return rows_of(visits, name, at) if name in visits.rules.markers else ()


def _answers(answers: Mapping[str, BooleanArray], at: int) -> dict[str, bool | None]:
    found = {name: answer[at] for name, answer in answers.items()}
    return {name: None if value is pd.NA else bool(value) for name, value in found.items()}
