"""Middle floor. What may be stated of a person or a visit: the closed list of keys and words."""

import re
from collections.abc import Callable, Mapping
from math import isfinite

from pipeline.errors import CaseFileError
from pipeline.rules.loader import ContextKey

_YES_NO = {"yes": "yes", "no": "no", "unknown": "unknown", "true": "yes", "false": "no"}
_ATC = re.compile(r"[A-Z](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_BETWEEN_WORDS = re.compile(r"[\s;,]+")


def read_context(
    stated: Mapping[str, object], *, keys: Mapping[str, ContextKey], where: str
) -> dict[str, object]:
    """Return what is stated, by key: "yes", "no" or "unknown", a number, a word, a list of words.

    Values may be typed (TOML) or text (CSV). ``where`` names the file, and its row, in errors.

    Raises CaseFileError where a key or a word is not of the closed list.
    """
    return {key: _read_one(key, value, keys=keys, where=where) for key, value in stated.items()}


def _read_one(key: str, value: object, *, keys: Mapping[str, ContextKey], where: str) -> object:
    if key not in keys:
        known = ", ".join(sorted(keys))
        raise CaseFileError(f"Unrecognised key '{key}' in {where}: expected one of {known}.")
    try:
        return _READ[keys[key].kind](value, keys[key].words)
    except ValueError as expected:
        raise CaseFileError(f"Unrecognised '{key}' in {where}: expected {expected}.") from None


def _yes_no(value: object, words: tuple[str, ...]) -> str:
    text = str(value).strip().casefold()
    if text not in _YES_NO:
        raise ValueError("one of yes, no, unknown")
    return _YES_NO[text]


def _number(value: object, words: tuple[str, ...]) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value.strip().replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("a number")
    return float(value)


def _word(value: object, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value.strip() not in words:
        raise ValueError(f"one of {', '.join(words)}")
    return value.strip()


def _words(value: object, words: tuple[str, ...]) -> list[str]:
    return [_word(item, words) for item in _items(value)]


def _codes(value: object, words: tuple[str, ...]) -> list[str]:
    codes = [str(item).strip().upper() for item in _items(value)]
    if not all(_ATC.fullmatch(code) for code in codes):
        raise ValueError("a list of ATC codes")
    return codes


def _items(value: object) -> list[object]:
    """Return a TOML array as it is, and the words of a CSV cell; "none" is the empty list."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        raise ValueError("a list of words")
    text = value.strip()
    return [] if text in {"", "none"} else list(_BETWEEN_WORDS.split(text))


_READ: Mapping[str, Callable[[object, tuple[str, ...]], object]] = {
    "yes_no": _yes_no,
    "number": _number,
    "word": _word,
    "words": _words,
    "codes": _codes,
}
