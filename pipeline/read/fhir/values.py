"""Middle floor. What the value[x] of a FHIR Observation or of a component says, as text."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.read.fhir.node import Node
from pipeline.read.fhir.quantities import coded_text, is_same_unit, unit_of, words_of
from pipeline.read.words import is_qualitative

_VALUE = re.compile(r"value[A-Z][A-Za-z0-9]*")
_NUMBER = re.compile(r"[<>]?=?\s*-?[0-9]+(?:[.,:][0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value as text, "" where there is none to use; ``note`` says why.

    ``ignored`` is "text" or "coded" where it is no laboratory result, else "".
    """

    text: str = ""
    unit: str = ""
    note: str = ""
    ignored: str = ""
    is_stated: bool = True
    mark: str = ""  # "." where it is a number of the format's own, whose mark is a point


def value_of(result: Node) -> Value:
    """Return the value of an Observation or component; a contradiction has a note and no text."""
    keys = [key for key in result.content if _VALUE.fullmatch(key)]
    absent = _absence(result)
    if len(keys) > 1:
        return Value(note="several-values")
    if not keys:
        return Value(note=absent, is_stated=False)
    value = _READERS.get(keys[0], _unread)(result, keys[0])
    if absent and (value.text or value.ignored):
        return Value(unit=value.unit, note="value-and-absent-reason")
    return Value(unit=value.unit, note=absent) if absent else value


def _absence(result: Node) -> str:
    """Return the code of dataAbsentReason, or its text; "" where nothing is said to be absent."""
    reason = result.one("dataAbsentReason")
    codes = [code for one in reason.all("coding") if (code := one.text("code"))]
    return next(iter(codes), "") or coded_text(reason) or ("unknown" if reason else "")


def _quantity(result: Node, key: str) -> Value:
    quantity = result.one(key)
    return Value(text=_number(quantity), unit=unit_of(quantity), mark=".")


def _number(quantity: Node) -> str:
    number = quantity.text("value")
    return quantity.text("comparator") + number if number else ""


def _range(result: Node, key: str) -> Value:
    low, high = result.one(key).one("low"), result.one(key).one("high")
    text = f"{low.text('value')} - {high.text('value')}".strip()
    unit, other = unit_of(low), unit_of(high)
    same = not unit or not other or is_same_unit(unit, other)
    unit = (unit or other) if same else f"{unit}|{other}"
    return Value(text="" if text == "-" else text, unit=unit)


def _ratio(result: Node, key: str) -> Value:
    over, under = result.one(key).one("numerator"), result.one(key).one("denominator")
    text = f"{_number(over)}:{_number(under)}"
    units = [unit for one in (over, under) if (unit := unit_of(one))]
    return Value(text="" if text == ":" else text, unit="/".join(units))


def _integer(result: Node, key: str) -> Value:
    return Value(text=result.text(key))


def _string(result: Node, key: str) -> Value:
    text = result.text(key)
    is_result = not text or is_qualitative(text) or re.search(r"\d", text)
    return Value(text=text) if is_result else Value(ignored="text")


def _concept(result: Node, key: str) -> Value:
    text, words = coded_text(result.one(key)), words_of(result.one(key))
    is_result = is_qualitative(text) or _NUMBER.fullmatch(words)  # the digits of a code are none
    return Value(text=text) if is_result else Value(ignored="coded")


def _text(_: Node, __: str) -> Value:
    return Value(ignored="text")


def _coded(_: Node, __: str) -> Value:
    return Value(ignored="coded")


def _unread(_: Node, __: str) -> Value:
    return Value(note="value-type-unread")


_READERS: dict[str, Callable[[Node, str], Value]] = {
    "valueQuantity": _quantity,
    "valueInteger": _integer,
    "valueString": _string,
    "valueRange": _range,
    "valueRatio": _ratio,
    "valueCodeableConcept": _concept,
    "valueBoolean": _coded,
    "valueDateTime": _text,
    "valueTime": _text,
    "valuePeriod": _text,
    "valueAttachment": _text,
    "valueReference": _text,
}
