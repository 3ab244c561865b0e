"""Middle floor. Decodes what an HL7 v2 message writes: its bytes, its escapes, its moments."""

import datetime as dt
import re
from collections.abc import Mapping
from functools import lru_cache

_MSH = re.compile(rb"(?:^|[\r\n\x0b])(?:\xef\xbb\xbf)?[ \t\x0b]*MSH([^\r\n])([^\r\n]*)")
_CHARACTER_SET = 16  # where MSH-18 stands behind MSH-2, counted from 0
_ENCODINGS = {"UNICODE UTF-8": "utf-8", "8859/1": "cp1252", "8859/15": "iso8859-15"}
_MARK = b"\xef\xbb\xbf"

# The shapes of an escape between two escape characters: any other pair of them are characters.
_ESCAPES = r"[FSTREHNPL]|X[0-9A-Fa-f]*|Z{none}*|[CM][0-9A-Fa-f]{{4,6}}|\.[A-Za-z]{{2}}[ +-]?[0-9]*"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_MOMENT = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?P<second>[0-9]{2}(?:\.[0-9]{1,6})?)?)?)?"
    r"(?P<zone>[+-][0-9]{4})?"
)


def decode_hl7v2(content: bytes) -> str:
    """Return the text of a file in the character set that its first MSH-18 names.

    UTF-8, and then Windows-1252, are tried where it names none, one that is not known here, or one
    that the bytes are not of. A byte order mark is left out, line ends stay as they are.
    """
    body = content.removeprefix(_MARK)
    named = () if body != content else (_named_encoding(body),)
    for encoding in (*named, "utf-8", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _named_encoding(content: bytes) -> str:
    found = _MSH.search(content)
    if found is None:
        return "utf-8"
    fields = found[2].split(found[1])
    told = fields[_CHARACTER_SET] if len(fields) > _CHARACTER_SET else b""
    word = re.split(rb"[^A-Za-z0-9/ -]", told.strip())[0].decode("ascii").strip().upper()
    return _ENCODINGS.get(word, "utf-8")


def unescaped(raw: str, *, escape: str, characters: Mapping[str, str]) -> str:
    r"""Return text with its escapes decoded, once: what a decoded one spells is not decoded again.

    ``characters`` are the separators by the letter of their escape. ``\.br\`` is a line end,
    ``\Xhh..\`` its bytes as UTF-8 or else Windows-1252. Any other escape stays as written.
    """
    if not escape or escape not in raw:
        return raw

    def decoded(found: re.Match[str]) -> str:
        told = found[1]
        if told.casefold() == ".br":
            return "\n"
        if told.startswith("X"):
            return _from_bytes(told[1:]) or found[0]
        return characters.get(told) or found[0]

    return _escapes_between(escape).sub(decoded, raw)


@lru_cache(maxsize=32)
def _escapes_between(escape: str) -> re.Pattern[str]:
    mark = re.escape(escape)
    return re.compile(f"{mark}({_ESCAPES.format(none=f'[^{mark}]')}){mark}")


def _from_bytes(digits: str) -> str:
    """Return the text of hexadecimal bytes; "" where they are none, or a control character."""
    if len(digits) % 2:
        return ""
    content = bytes.fromhex(digits)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return "" if _CONTROL.search(text) or "\ufffd" in text else text


def iso_moment(written: str) -> str:
    """Return a moment of HL7 as ISO 8601: ``2024-08-16T06:05-10:00``; as written if it is none.

    Seconds and zone are kept where given. An hour without its minutes is left out: ISO's readers
    want both, and no minute is made up. A year or a month without a day stays as written.
    """
    found = _MOMENT.fullmatch(written)
    if found is None or not _is_moment(found):
        return written
    day = f"{found['year']}-{found['month']}-{found['day']}"
    if found["minute"] is None:
        return day
    seconds = f":{found['second']}" if found["second"] else ""
    zone = f"{found['zone'][:3]}:{found['zone'][3:]}" if found["zone"] else ""
    return f"{day}T{found['hour']}:{found['minute']}{seconds}{zone}"


def _is_moment(found: re.Match[str]) -> bool:
    numbers = found.group("year", "month", "day", "hour", "minute")
    year, month, day, hour, minute = (int(number or 0) for number in numbers)
    zone = found["zone"] or "+0000"
    try:
        dt.datetime(year, month, day, hour, minute, int((found["second"] or "0")[:2]))
        dt.time(int(zone[1:3]), int(zone[3:]))
    except ValueError:
        return False
    return True
