"""Publishing floor. Characters that our fonts lack, shown in print as a code that can be looked up.

On a screen the reader's own fonts stand in. A PDF holds ours alone: there a character without a
glyph would be an empty box.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

from pipeline.resources import resource_path

_FONTS = "templates/report/static/fonts"
_WITHOUT_GLYPH = ("Cc", "Cf")  # line ends and marks that steer the text: nothing is drawn


def lacking(text: str) -> frozenset[str]:
    """Return the characters of a text that our fonts cannot draw."""
    return frozenset(one for one in set(text) - _held() if _is_drawn(one))


def with_codes(html: str) -> str:
    """Return a page with "[U+4E2D]" in the place of each character that our fonts cannot draw."""
    absent = lacking(html)
    if not absent:
        return html
    pattern = "|".join(map(re.escape, sorted(absent)))
    return re.sub(pattern, lambda found: f"[U+{ord(found.group()):04X}]", html)


def _is_drawn(character: str) -> bool:
    return unicodedata.category(character) not in _WITHOUT_GLYPH


@cache
def _held() -> frozenset[str]:
    """Return the characters that every face of the family can draw."""
    files = sorted(resource_path(_FONTS).glob("*.ttf"))
    return frozenset.intersection(*map(_drawn_by, files))


def _drawn_by(file: Path) -> frozenset[str]:
    with TTFont(file, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))
