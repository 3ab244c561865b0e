"""Middle floor. Reads what OBX-5 and OBX-7 hold: numbers, words of a result, intervals."""

import re

from pipeline.read.hl7v2.coded import first_text, texts_of_answer
from pipeline.read.hl7v2.segments import Part
from pipeline.read.ranges import range_of
from pipeline.read.words import is_qualitative

_NUMBER = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?")
_COMPARED = re.compile(rf"(?:<=|>=|<|>|≤|≥)?\s*{_NUMBER.pattern}")
_COMPARATORS = ("", "<", ">", "<=", ">=", "=", "<>", "≤", "≥")
_SEPARATORS = ("-", "+", "/", ":")
_TEXT_TYPES, _CODED_TYPES = ("TX", "FT"), ("CE", "CWE", "CNE", "CF", "IS", "ID")
_ADMINISTRATIVE_TYPES = (
    *("DT", "TM", "TS", "DTM", "DR", "AD", "XAD", "PN", "XPN", "CN", "XCN"),
    *("CX", "CK", "EI", "HD", "PL", "TN", "XTN", "XON"),
)
_KINDS = {
    **dict.fromkeys(_TEXT_TYPES, "text"),
    **dict.fromkeys(_CODED_TYPES, "coded"),
    **dict.fromkeys(("ED", "RP"), "document"),
    **dict.fromkeys(_ADMINISTRATIVE_TYPES, "administrative"),
}


def kind_of_type(type_: str) -> str:
    """Return what an OBX of this type (OBX-2) holds that is no result; "" of a numeric type.

    A type that is not known, or not told, counts as numeric: nothing of it may be passed over.
    """
    return _KINDS.get(type_, "")


def value_of(part: Part, type_: str) -> str:
    """Return the value of a repetition of OBX-5; "" where it has none, or says what is no result.

    A text or a coded answer is a result only where it is a number, or a word such as "negative".
    """
    kind = kind_of_type(type_)
    if not kind:
        return _structured(part) if type_ == "SN" else part.text
    if kind == "coded":
        return next(filter(_is_result, texts_of_answer(part)), "")
    return part.text if kind == "text" and _is_result(part.text) else ""


def reference_of(field: Part) -> dict[str, str]:
    """Return ``ref_text``, ``ref_low`` and ``ref_high`` of OBX-7.

    Its limits may be printed again behind the text: "35-150^35^150". Where these are numbers they
    count; else the text is read. "70^105" is an interval too.
    """
    pieces = [piece.text for piece in field.components()]
    if len(pieces) == 2 and all(map(_NUMBER.fullmatch, pieces)):
        return _reference(field.text, *pieces)
    limits = pieces[1:3] if len(pieces) > 2 else []
    if any(limits) and all(_NUMBER.fullmatch(limit) for limit in limits if limit):
        return _reference(pieces[0], *limits)
    written = first_text(field.components())
    return _reference(written, *range_of(written))


def _reference(text: str, low: str, high: str) -> dict[str, str]:
    return {"ref_text": text, "ref_low": low, "ref_high": high}


def _structured(part: Part) -> str:
    """Return an SN as one text: ">100", "1:128", "3-5"; as written where its parts do not fit.

    Two numbers are never joined without a sign between them, so that none becomes another.
    """
    pieces = [piece.text for piece in part.components()]
    if not any(pieces[1:]):
        return pieces[0]
    comparator, first, separator, second, *more = (*pieces, "", "")
    fits = comparator in _COMPARATORS and not any(more) and bool(first)
    if not fits or ((separator or second) and separator not in _SEPARATORS):
        return part.text
    return f"{comparator.removeprefix('=')}{first}{separator}{second}"


def _is_result(text: str) -> bool:
    return _COMPARED.fullmatch(text.strip()) is not None or is_qualitative(text)
