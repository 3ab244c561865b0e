"""Middle floor. Reads coded elements of HL7 v2: a code, its name, its system; then another."""

import re
from collections.abc import Iterable

from pipeline.read.hl7v2.segments import Part

_LOINC = re.compile(r"([0-9]{1,7})-([0-9])")
_LOINC_SYSTEMS = ("LN", "LOINC")
_OWN_SYSTEM = re.compile(r"L|LOCAL|99.*", re.IGNORECASE)
_UCUM_SYSTEMS = ("UCUM", "HTTP://UNITSOFMEASURE.ORG", "2.16.840.1.113883.6.8")
_LOCAL_UNIT = re.compile(r"[A-Za-z]+:[0-9]+|[A-Za-z]*[0-9]{2,}")
_TEN = re.compile(r"[x*]?\s*10", re.IGNORECASE)
_POWER = re.compile(r"[0-9]{1,2}\s*/.+")


def first_text(parts: Iterable[Part]) -> str:
    """Return the first text that is not empty; "" where there is none."""
    return next(filter(None, (part.text for part in parts)), "")


def name_of(part: Part) -> str:
    """Return the name of a coded element, else its other name, what was typed, or its code."""
    return first_text(part.component(number) for number in (2, 5, 9, 1, 4))


def analyte_names(field: Part) -> list[str]:
    """Return what OBX-3 calls the analyte: LOINC alone where it has it, else names and codes.

    A LOINC code says the specimen; its name need not, so that it stands for no other code.
    """
    code, name, system, other_code, other_name, other_system = _six(field)
    loinc = [
        *([code] if _is_loinc(code, system) else []),
        *([other_code] if _is_loinc(other_code, other_system) else []),
        *([system] if _has_loinc_shape(system) else []),
    ]
    return loinc or [text for text in (name, code, other_name, other_code) if text]


def texts_of_answer(part: Part) -> list[str]:
    """Return the texts of a coded answer; its code is one only where no system is named."""
    code, name, system, _, other_name, _ = _six(part)
    texts = (name, other_name, part.component(9).text, "" if system else code)
    return [text for text in texts if text]


def unit_of(field: Part) -> str:
    """Return the unit that OBX-6 names: by UCUM where it says so, else as the laboratory does.

    A laboratory's code for a unit ("CD:289") gives way to its name. "10^9/L" whose "^" is not
    escaped is one unit, not a code and a name.
    """
    code, name, system, other_code, _, other_system = _six(field)
    if code and system.upper() in _UCUM_SYSTEMS:
        return code
    if other_code and other_system.upper() in _UCUM_SYSTEMS:
        return other_code
    if _TEN.fullmatch(code) and _POWER.fullmatch(name):
        return f"{code}^{name}"
    return name if name and (not code or _LOCAL_UNIT.fullmatch(code)) else code


def _six(part: Part) -> list[str]:
    texts = [piece.text for piece in part.components()[:6]]
    return texts + [""] * (6 - len(texts))


def _is_loinc(code: str, system: str) -> bool:
    """Return whether a code is LOINC's: its system says so, or its shape and no system denies."""
    if system.upper() in _LOINC_SYSTEMS:
        return bool(code)
    return _has_loinc_shape(code) and _OWN_SYSTEM.fullmatch(system) is None


def _has_loinc_shape(code: str) -> bool:
    """Return whether a code has LOINC's form and its check digit (modulus 10, after Luhn)."""
    found = _LOINC.fullmatch(code)
    if found is None:
        return False
    digits = [int(digit) for digit in reversed(found[1])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
    return (sum(doubled) + sum(digits[1::2]) + int(found[2])) % 10 == 0
