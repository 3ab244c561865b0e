"""Middle floor. The unit of a FHIR quantity, and the laboratory's interval beside a value."""

from functools import cache

from pipeline.read.fhir.node import Node
from pipeline.read.ranges import range_of
from pipeline.rules import load_rules

_UCUM = ("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8")
_NO_UNIT = ("", "1")
_NORMAL = ("", "normal")


def unit_of(quantity: Node) -> str:
    """Return the unit: the UCUM code, else the text, else a local code.

    Code and text that are two known units come both, "mg/dL|mmol/L", which is no unit.
    """
    code, text = quantity.text("code"), quantity.text("unit")
    if not code or quantity.text("system") not in _UCUM:
        return text or code
    if text and _is_known(code) and _is_known(text) and not is_same_unit(code, text):
        return f"{code}|{text}"
    return code


def is_same_unit(one: str, other: str) -> bool:
    """Return whether two units are one, in writing or, by the rules, in size."""
    key, other_key = (load_rules().fold_unit(text) for text in (one, other))
    if key == other_key or (key in _NO_UNIT and other_key in _NO_UNIT):
        return True
    return bool(_sizes().get(key, frozenset()) & _sizes().get(other_key, frozenset()))


def interval_of(result: Node, *, unit: str) -> dict[str, str]:
    """Return ``ref_low``, ``ref_high`` and ``ref_text`` of a result in ``unit``.

    Limits are those of the one range that fits everybody; of several different ones, or one in
    another unit, only the text is told.
    """
    ranges = result.all("referenceRange")
    fitting = [one for one in ranges if _fits_everybody(one)]
    found = {_limits(one, unit=unit) for one in fitting} - {("", "")}
    low, high = found.pop() if len(found) == 1 else ("", "")
    told = [one.text("text") or ("" if low or high else _composed(one)) for one in ranges]
    texts = dict.fromkeys(text for text in told if text)
    return {"ref_low": low, "ref_high": high, "ref_text": " | ".join(texts)}


def words_of(concept: Node) -> str:
    """Return a CodeableConcept in words: its text, else the first display, else ""."""
    told = [concept.text("text"), *(one.text("display") for one in concept.all("coding"))]
    return next(filter(None, told), "")


def coded_text(concept: Node) -> str:
    """Return what a CodeableConcept says: its words, else its first code."""
    codes = (one.text("code") for one in concept.all("coding"))
    return words_of(concept) or next(filter(None, codes), "")


def _fits_everybody(one: Node) -> bool:
    types = {coding.text("code") for coding in one.one("type").all("coding")}
    words = types or {one.one("type").text("text").casefold()}
    return not words.isdisjoint(_NORMAL) and not one.all("appliesTo") and not one.one("age")


def _limits(one: Node, *, unit: str) -> tuple[str, str]:
    low, high = one.one("low"), one.one("high")
    if not low.text("value") and not high.text("value"):
        text = one.text("text")
        return ("", "") if _names_another_unit(text, unit) else range_of(text)
    units = [stated for end in (low, high) if (stated := unit_of(end))]
    if not all(is_same_unit(stated, unit) for stated in units):
        return "", ""
    return low.text("value"), high.text("value")


def _names_another_unit(text: str, unit: str) -> bool:
    words = [word.strip("()[],;") for word in text.split()]
    units = [word for word in words if _is_known(word) and _key(word) not in _NO_UNIT]
    return any(not is_same_unit(word, unit) for word in units)


def _composed(one: Node) -> str:
    low, high = one.one("low"), one.one("high")
    ends = f"{low.text('value')} - {high.text('value')}".strip()
    return "" if ends == "-" else f"{ends} {unit_of(low) or unit_of(high)}".strip()


def _key(text: str) -> str:
    return load_rules().fold_unit(text)


def _is_known(text: str) -> bool:
    return _key(text) in _NO_UNIT or _key(text) in _sizes()


@cache
def _sizes() -> dict[str, frozenset[tuple[str, float, float]]]:
    """Return, by the key of a unit, its size for each marker that is accepted in it."""
    sizes: dict[str, set[tuple[str, float, float]]] = {}
    units = load_rules().units[["folded", "marker", "factor", "offset"]]
    for key, *size in units.itertuples(index=False, name=None):
        sizes.setdefault(key, set()).add((size[0], size[1], size[2]))
    return {key: frozenset(found) for key, found in sizes.items()}
