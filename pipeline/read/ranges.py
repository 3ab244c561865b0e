"""Middle floor. Reads an interval that is printed as one text: "3,9 - 5,6", "<130 optimal"."""

import re

_NUMBER = r"-?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)"
_BETWEEN = re.compile(
    rf"\s*\(?\s*({_NUMBER})\s*(?:-|–|—|_|\^|tot|to|t/m|\.\.)\s*({_NUMBER})(?![0-9.,])"
)
_BELOW = re.compile(rf"\s*\(?\s*(<=|<|≤|tot|up to|max\.?)\s*({_NUMBER})(?![0-9.,])", re.IGNORECASE)
_ABOVE = re.compile(rf"\s*\(?\s*(>=|>|≥|vanaf|from|min\.?)\s*({_NUMBER})(?![0-9.,])", re.IGNORECASE)


def range_of(text: str) -> tuple[str, str]:
    """Return lower and upper limit of a printed interval as texts, "" for a side it leaves open.

    Words behind the numbers ("optimal", a unit) are passed over; a text of another shape, or of
    several intervals, says nothing: ("", "").
    """
    if found := _BETWEEN.match(text):
        return (found[1], found[2]) if _is_alone(text[found.end() :]) else ("", "")
    if found := _BELOW.match(text):
        return ("", found[2]) if _is_alone(text[found.end() :]) else ("", "")
    if found := _ABOVE.match(text):
        return (found[2], "") if _is_alone(text[found.end() :]) else ("", "")
    return "", ""


def _is_alone(rest: str) -> bool:
    """Return whether nothing behind an interval looks like another one."""
    return re.search(r"(?<![A-Za-z/0-9^])[0-9]", rest) is None
