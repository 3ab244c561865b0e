"""Publishing floor. The look of every page, with its fonts inside: a page asks for nothing else."""

import re
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from pipeline.resources import resource_path

_OUTSIDE_CSS_STRING = re.compile(r"[^\w .,:;()·–-]", re.ASCII)
_FACES = (("Regular", "normal", 400), ("SemiBold", "normal", 600), ("Italic", "italic", 400))


@lru_cache
def page_style() -> Markup:
    """Return the style sheet of ``templates/report/static`` with the fonts as data."""
    folder = resource_path("templates/report/static")
    faces = [
        _face(folder / "fonts" / f"Inter-{name}.woff2", style, weight)
        for name, style, weight in _FACES
    ]
    return Markup("\n".join([*faces, (folder / "report.css").read_text("utf-8")]))


def _face(path: Path, style: str, weight: int) -> str:
    """Return one face of the family as a CSS rule that holds the font itself."""
    font = b64encode(path.read_bytes()).decode("ascii")
    return (
        f"@font-face {{ font-family: Inter; font-style: {style}; font-weight: {weight}; "
        f'src: url("data:font/woff2;base64,{font}") format("woff2") }}'
    )


def css_string(text: str) -> Markup:
    """Return text as a CSS string, every character with a meaning in CSS or HTML escaped."""
    escaped = _OUTSIDE_CSS_STRING.sub(lambda found: f"\\{ord(found.group()):x} ", text)
    return Markup(f'"{escaped}"')


def css_counters(text: str) -> Markup:
    """Return "Page {page} of {pages}" as CSS content with the counters in place."""
    parts = re.split(r"(\{pages?\})", text)
    counters = {"{page}": Markup("counter(page)"), "{pages}": Markup("counter(pages)")}
    return Markup(" ").join(counters.get(part, css_string(part)) for part in parts if part)
