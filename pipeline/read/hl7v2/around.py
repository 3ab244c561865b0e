"""Middle floor. What the segments around results say: message, patient, order and specimen."""

from pipeline.read.hl7v2.coded import name_of
from pipeline.read.hl7v2.segments import Part, Segment
from pipeline.read.hl7v2.text import iso_moment
from pipeline.read.pseudonym import pseudonym_of

_SEXES = ("F", "M")
_YEAR_DIGITS = 4

Told = dict[str, str]  # columns of a row, as one segment says them; "" where it does not


def told_by_message(segment: Segment) -> Told:
    """Return ``type`` (MSH-9), ``issued`` and ``lab`` of a message."""
    return {
        "type": segment.field(9).component(1).text.upper(),
        "issued": moment_of(segment.field(7)),
        "lab": segment.field(4).component(1).text,
    }


def told_by_patient(segment: Segment) -> Told:
    """Return ``case_id``, ``sex`` and ``birth_year`` of a PID.

    The case id is the pseudonym of PID-3, or else of PID-2 and PID-4, which older versions have.
    """
    sex = segment.field(8).component(1).text.upper()
    year = segment.field(7).text[:_YEAR_DIGITS]
    is_year = len(year) == _YEAR_DIGITS and year.isascii() and year.isdigit()
    return {
        "case_id": pseudonym_of(_identifiers(segment, 3))
        or pseudonym_of([*_identifiers(segment, 2), *_identifiers(segment, 4)]),
        "sex": sex if sex in _SEXES else "",
        "birth_year": year if is_year else "",
    }


def told_by_order(segment: Segment) -> Told:
    """Return ``sample_id``, ``collected_at``, ``issued`` and ``specimen`` of an OBR."""
    source = segment.field(15).first.component(1)
    return {
        "sample_id": _identifier(segment.field(3)) or _identifier(segment.field(2)),
        "collected_at": moment_of(segment.field(7)),
        "issued": moment_of(segment.field(22)),
        "specimen": source.subcomponent(2).text or source.subcomponent(1).text,
    }


def told_by_specimen(segment: Segment) -> Told:
    """Return ``sample_id``, ``collected_at`` and ``specimen`` of an SPM.

    The id is what placer and filler call it, each without its authority.
    """
    pair = segment.field(2).first.components()[:2]
    return {
        "sample_id": "^".join(filter(None, (part.subcomponent(1).text for part in pair))),
        "collected_at": moment_of(segment.field(17)),
        "specimen": name_of(segment.field(4).first),
    }


def moment_of(field: Part) -> str:
    """Return a moment, or the first of a span, as ISO 8601 and without how precise it is."""
    return iso_moment(field.first.component(1).subcomponent(1).text)


def _identifiers(segment: Segment, number: int) -> list[tuple[str, str]]:
    return [
        (part.component(4).subcomponent(1).text, part.component(1).text)
        for part in segment.field(number).repetitions()
    ]


def _identifier(field: Part) -> str:
    return field.first.component(1).text
