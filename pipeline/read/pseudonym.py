"""Middle floor. Under which case id the results of a document's patient are kept."""

import hashlib
import re
from collections.abc import Iterable

PSEUDONYMS = "casereport"  # the authority, or the last part of the system, of a case id of ours
CASE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DIGITS = 16
_SEPARATOR = "\x1f"


def pseudonym_of(identifiers: Iterable[tuple[str, str]]) -> str:
    """Return the case id of a patient with these identifiers (authority, value); "" without any.

    An identifier of the authority "casereport" is a case id already. Any other may be a citizen
    service number or a hospital's: the first of them is hidden in a hash, which is the same for the
    same number in every file. That is a pseudonym, not anonymity: who has the number finds it.
    """
    written = [(authority.strip(), value.strip()) for authority, value in identifiers]
    named = [(authority, value) for authority, value in written if value]
    for authority, value in named:
        if _is_ours(authority) and CASE_ID.fullmatch(value):
            return value
    if not named:
        return ""
    text = _SEPARATOR.join(named[0]).casefold()
    return "p" + hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _is_ours(authority: str) -> bool:
    return re.split("[:/]", authority)[-1].casefold() == PSEUDONYMS
