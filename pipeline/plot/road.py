"""Middle floor. Where each visit stands: insulin class to the right, glucose class upwards."""

from collections.abc import Sequence
from itertools import pairwise
from math import floor

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pipeline.language import Language
from pipeline.model import Interpretation, Visit
from pipeline.plot import palette
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.story import Column, Figure, Row, RowGroup, Table

_I_CLASSES = ("I0", "I1", "I2")
_G_CLASSES = ("G0", "G1", "G2A", "G2W", "G3")
_UNKNOWN = ("I?", "G?")
_HEIGHT_MM = 78
_MARGINS = Margins(left=40, right=2, top=2, bottom=12)
_ARROW = {"arrowstyle": "-|>", "color": palette.VALUE, "shrinkA": 7, "shrinkB": 7, "lw": 1.2}
# Which cells make an area (specification 7.2): first column, first row, columns, rows, colour.
_AREAS = (
    ("sensitive", (0, 0, 1, 1), palette.SENSITIVE),
    ("compensation", (1, 0, 2, 2), palette.COMPENSATION),
    ("early_decompensation", (1, 2, 2, 1), palette.DECOMPENSATION),
    ("decompensation", (0, 3, 3, 2), palette.DECOMPENSATION),
    ("indeterminate", (0, 1, 1, 2), palette.UNDETERMINED),
)


def plot_road(interpretation: Interpretation, language: str) -> Figure | None:
    """Return every visit in a grid of insulin and glucose classes, joined in order of time.

    A class that is unknown has a place of its own; None where no visit has any class.
    """
    visits = interpretation.visits
    if all(_classes(visit) == _UNKNOWN for visit in visits):
        return None
    words = Language.load(language)
    alt = _alt(visits, words)
    return Figure(
        id="road",
        svg=_draw(visits, words, alt),
        alt=alt,
        caption=words.text("report.figures.road.caption"),
        table=_table(visits, words),
    )


def plot_places(places: Sequence[tuple[float, float]], *, labels: Sequence[str], ax: Axes) -> Axes:
    """Draw the places with a label inside each, and the way from one cell to the next.

    Side by side in one cell says nothing: between these there is no arrow.
    """
    for start, end in pairwise(places):
        if [*map(floor, start)] != [*map(floor, end)]:
            ax.annotate("", xy=end, xytext=start, arrowprops=_ARROW, zorder=3)
    for (x, y), label in zip(places, labels, strict=True):
        ax.plot(x, y, "o", ms=13, color=palette.VALUE, zorder=4)
        ax.text(x, y, label, color="white", ha="center", va="center_baseline", zorder=5)
    return ax


def _classes(visit: Visit) -> tuple[str, str]:
    return visit.phase.i_class, visit.phase.g_class


def _axis(known: tuple[str, ...], unknown: str, used: set[str]) -> tuple[str, ...]:
    """Return the classes of an axis; "unknown" stands before the others, only where it is used."""
    return (unknown, *known) if unknown in used else known


# -- drawing


def _draw(visits: Sequence[Visit], words: Language, alt: str) -> str:
    columns = _axis(_I_CLASSES, "I?", {visit.phase.i_class for visit in visits})
    rows = _axis(_G_CLASSES, "G?", {visit.phase.g_class for visit in visits})
    with drawing():
        sheet, (ax,) = new_sheet(_HEIGHT_MM, _MARGINS)
        _draw_areas(ax, columns.index("I0"), rows.index("G0"), words)
        _label_axes(ax, columns, rows, words)
        labels = [str(visit.month) for visit in visits]
        plot_places(_places(visits, columns, rows), labels=labels, ax=ax)
        return svg_of(sheet, id="road", alt=alt)


def _places(
    visits: Sequence[Visit], columns: tuple[str, ...], rows: tuple[str, ...]
) -> list[tuple[float, float]]:
    """Return the middle of each visit's cell; visits that share a cell stand side by side."""
    cells = [_classes(visit) for visit in visits]
    places = []
    for index, (i, g) in enumerate(cells):
        shared = cells.count((i, g))
        step = (cells[:index].count((i, g)) + 0.5) / shared
        places.append((columns.index(i) + 0.1 + 0.8 * step, rows.index(g) + 0.5))
    return places


def _draw_areas(ax: Axes, left: int, bottom: int, words: Language) -> None:
    for name, (x, y, width, height), colour in _AREAS:
        corner = (left + x, bottom + y)
        ax.add_patch(Rectangle(corner, width, height, fc=colour, ec="white", lw=2, zorder=0))
        ax.text(
            left + x + 0.03,
            bottom + y + height - 0.1,
            words.text(f"report.figures.road.{name}"),
            va="top",
            fontsize=6.8,
            color=palette.QUIET,
            zorder=1,
        )


def _label_axes(ax: Axes, columns: tuple[str, ...], rows: tuple[str, ...], words: Language) -> None:
    ax.set_xlim(0, len(columns))
    ax.set_ylim(0, len(rows))
    ax.set_xticks([place + 0.5 for place in range(len(columns))], _names(columns, "i", words))
    ax.set_yticks([place + 0.5 for place in range(len(rows))], _names(rows, "g", words))
    ax.tick_params(length=0)
    ax.set_xlabel(words.text("report.figures.road.x"))
    ax.set_ylabel(words.text("report.figures.road.y"))


def _names(classes: tuple[str, ...], axis: str, words: Language) -> list[str]:
    return [f"{one} · {words.text(f'report.figures.road.{axis}.{one}')}" for one in classes]


# -- in words


def _alt(visits: Sequence[Visit], words: Language) -> str:
    items = "; ".join(_place_in_words(visit, words) for visit in visits)
    return words.text("report.figures.road.alt", items=items)


def _place_in_words(visit: Visit, words: Language) -> str:
    return words.text(
        "report.figures.road.item",
        visit=words.text("report.figures.road.month", month=visit.month),
        g=_names((visit.phase.g_class,), "g", words)[0],
        i=_names((visit.phase.i_class,), "i", words)[0],
    )


def _table(visits: Sequence[Visit], words: Language) -> Table:
    rows = tuple(
        Row(
            cells=(
                words.text("report.visits.later", month=visit.month, date=visit.date),
                words.text(f"phases.g_class.{visit.phase.g_class}"),
                words.text(f"phases.i_class.{visit.phase.i_class}"),
            )
        )
        for visit in visits
    )
    labels = ("visit", "y", "x")
    return Table(
        caption=words.text("report.figures.road.table"),
        columns=tuple(Column(label=words.text(f"report.figures.road.{name}")) for name in labels),
        groups=(RowGroup(title="", rows=rows),),
    )
