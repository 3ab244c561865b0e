"""Middle floor. The sheet of all figures: size, fonts, and SVG that can stand in a page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import StringIO
from itertools import product
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet

from pipeline.plot import palette
from pipeline.resources import resource_path

COLUMN_MM = 170  # the text column of an A4 page
_MM_PER_INCH = 25.4
_FONTS = "templates/report/static/fonts"
_SETTINGS: dict[Any, Any] = {
    "font.family": ["Inter"],
    "font.size": 7.5,
    "svg.fonttype": "none",  # text stays text: it can be read, searched and tagged
    "svg.hashsalt": "casereport",  # the same picture twice is the same bytes
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": palette.RULE,
    "axes.labelcolor": palette.QUIET,
    "axes.titlesize": 8,
    "axes.titleweight": 600,
    "axes.titlecolor": palette.INK,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": palette.QUIET,
    "ytick.color": palette.QUIET,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "text.color": palette.INK,
    "lines.linewidth": 1.4,
}
_PROLOG = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'<svg ([^>]*?)width="[^"]*"([^>]*?)height="[^"]*"([^>]*)>')
_SIZE_SWAPPED = re.compile(r'<svg ([^>]*?)height="[^"]*"([^>]*?)width="[^"]*"([^>]*)>')
_ID = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """The white around and between the axes of a sheet [mm]."""

    left: float
    right: float
    top: float
    bottom: float
    between_columns: float = 0
    between_rows: float = 0


@contextmanager
def drawing() -> Iterator[None]:
    """Let what is drawn inside use our fonts and shapes, and leave matplotlib as it was.

    No setting of the user's (a matplotlibrc, a style) holds inside.
    """
    _register_fonts()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def new_sheet(
    height_mm: float, margins: Margins, *, rows: int = 1, columns: int = 1
) -> tuple[Sheet, list[Axes]]:
    """Return a sheet as wide as the text column and its axes, row by row.

    The margins are fixed: a layout that measures every label costs more than the drawing itself.
    """
    sheet = Sheet(figsize=(COLUMN_MM / _MM_PER_INCH, height_mm / _MM_PER_INCH))
    FigureCanvasSVG(sheet)
    grid = sheet.add_gridspec(rows, columns, **_fractions(height_mm, margins, rows, columns))
    return sheet, [
        sheet.add_subplot(grid[row, column]) for row, column in product(range(rows), range(columns))
    ]


def svg_of(sheet: Sheet, *, id: str, alt: str) -> str:
    """Return the sheet as an SVG element that can stand in a page beside others.

    It has no prolog, no metadata, a title that describes it, ids of its own, and the width of
    whatever holds it; its one style rule is kept to itself.
    """
    buffer = StringIO()
    sheet.savefig(buffer, format="svg", metadata={"Date": None})
    svg = _METADATA.sub("", _PROLOG.sub("", buffer.getvalue()))
    svg = _ID.sub(rf"\g<1>{id}-", svg).replace("*{", f"#{id} *{{")
    for pattern in (_SIZE, _SIZE_SWAPPED):
        svg = pattern.sub(rf'<svg id="{id}" \g<1>width="100%"\g<2>\g<3>>', svg, count=1)
    return svg.replace(">", f"><title>{escape(alt)}</title>", 1).strip()


@cache
def _register_fonts() -> None:
    """Tell matplotlib of the fonts that ship with the page, so that it measures what is shown."""
    for file in sorted(resource_path(_FONTS).glob("*.ttf")):
        font_manager.fontManager.addfont(file)


def _fractions(height: float, margins: Margins, rows: int, columns: int) -> dict[str, float]:
    """Return margins as matplotlib counts them: of the sheet, and between axes of their size."""
    wide = COLUMN_MM - margins.left - margins.right - (columns - 1) * margins.between_columns
    high = height - margins.top - margins.bottom - (rows - 1) * margins.between_rows
    return {
        "left": margins.left / COLUMN_MM,
        "right": 1 - margins.right / COLUMN_MM,
        "top": 1 - margins.top / height,
        "bottom": margins.bottom / height,
        "wspace": margins.between_columns / (wide / columns),
        "hspace": margins.between_rows / (high / rows),
    }
