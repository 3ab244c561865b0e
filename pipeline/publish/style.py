"""Publishing floor. The look of every page, with its fonts inside: a page asks for nothing else."""

from base64 import b64encode
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup

from pipeline.resources import resource_path

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
