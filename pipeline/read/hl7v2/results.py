"""Middle floor. Turns an OBX and what surrounds it into rows, or into a word for what it is."""

from collections.abc import Iterable, Iterator

from pipeline.read.hl7v2.around import moment_of
from pipeline.read.hl7v2.coded import analyte_names, first_text, name_of, unit_of
from pipeline.read.hl7v2.groups import Observation
from pipeline.read.hl7v2.segments import Segment
from pipeline.read.hl7v2.values import kind_of_type, reference_of, value_of
from pipeline.read.reading import Known, analyte_of

_LABORATORY = ("ORU", "ORF", "OUL", "")  # a message that does not say its type is not passed over
_NUMERIC = ("NM", "SN")
_PENDING = ("I", "O", "N")  # in the laboratory, ordered, not asked for: no result yet


def results_of(
    observation: Observation, *, known: Known, case_id: str | None
) -> Iterator[dict[str, str] | str]:
    """Yield, for each repetition of OBX-5, a row's columns, or the word for what is no result."""
    segment = observation.segment
    is_laboratory = observation.group.message["type"] in _LABORATORY
    type_, kind = _type_of(segment), _kind_without_value(segment)
    mark = "." if type_ in _NUMERIC else ""  # the standard's own decimal mark
    row = _row_of(observation, known=known, case_id=case_id)
    for number, part in enumerate(segment.field(5).repetitions(), start=1):
        value = value_of(part, type_) if is_laboratory else ""
        if not is_laboratory:
            yield "not-a-laboratory-message"
        elif kind and not value:
            yield kind
        else:
            line = f"{segment.line}.{number}" if number > 1 else str(segment.line)
            yield row | {"line": line, "value": value, "mark": mark}


def _kind_without_value(segment: Segment) -> str:
    """Return what an OBX is that holds no result; "" where it is a result that lacks its value."""
    if not analyte_names(segment.field(3)):
        return "heading"
    if _status_of(segment).upper() in _PENDING:
        return "pending"
    return kind_of_type(_type_of(segment))


def _type_of(segment: Segment) -> str:
    return segment.field(2).text.upper()


def _status_of(segment: Segment) -> str:
    return segment.field(11).component(1).text


def _row_of(observation: Observation, *, known: Known, case_id: str | None) -> dict[str, str]:
    """Return all columns but ``line`` and ``value``: what OBX says itself goes before the rest."""
    segment, group = observation.segment, observation.group
    specimen, order, message = group.specimen or {}, group.order, group.message
    own = {"collected_at": moment_of(segment.field(14))}
    return {
        **group.patient,
        **({} if case_id is None else {"case_id": case_id}),
        "sample_id": _first("sample_id", specimen, order),
        "collected_at": _first("collected_at", own, specimen, order),
        "analyte": analyte_of(analyte_names(segment.field(3)), known=known),
        "unit": unit_of(segment.field(6)),
        **reference_of(segment.field(7)),
        "flag": _joined(first_text(one.components()) for one in segment.field(8).repetitions()),
        "status": _status_of(segment),
        "issued": _first("issued", order, message),
        "method": _joined(map(name_of, segment.field(17).repetitions())),
        "lab": segment.field(23).component(1).text or message["lab"],
        "specimen": _first("specimen", specimen, order),
        "comment": _joined(
            part.text for note in observation.notes for part in note.field(3).repetitions()
        ),
    }


def _first(column: str, *told: dict[str, str]) -> str:
    return next(filter(None, (one.get(column, "") for one in told)), "")


def _joined(texts: Iterable[str]) -> str:
    return " ".join(filter(None, texts))
