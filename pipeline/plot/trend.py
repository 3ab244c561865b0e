"""Middle floor. The course of key markers over the visits, a small chart each."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from matplotlib.axes import Axes

from pipeline.language import Language, Quantity, capitalised
from pipeline.model import Finding, Interpretation, LimitSet, Visit
from pipeline.plot import palette
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.plot.marks import limit_label, number_ticks, plot_points, printed
from pipeline.story import Column, Figure, Row, RowGroup, Table

KEY_MARKERS = (
    "homa_ir",
    "insulin_fasting",
    "glucose_fasting",
    "hba1c",
    "tg_hdl_molar",
    "triglycerides",
    "hs_crp",
    "alt",
    "homocysteine",
    "cortisol_serum_am",
    "weight",
    "waist",
)
_COLUMNS = 3
_PANEL_MM = 33
_LABEL_ROOM = 0.3  # of the months from first to last
_MARGINS = Margins(left=9, right=20, top=6, bottom=10, between_columns=30, between_rows=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One marker over the visits at which it was found; at least two."""

    marker: str
    visits: tuple[Visit, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A limit as it is drawn: where, what stands beside it, and whether it is a target."""

    value: float
    label: str
    is_target: bool


def plot_trend(
    interpretation: Interpretation, language: str, markers: Sequence[str] = KEY_MARKERS
) -> Figure | None:
    """Return a small chart a marker with target and guideline limits, and a table of the numbers.

    Markers with a value at fewer than two visits are left out; with none left there is no figure.
    """
    courses = [course for id in markers if (course := _course(interpretation, id))]
    if not courses:
        return None
    words = Language.load(language)
    alt = _alt(courses, words, len(interpretation.visits))
    return Figure(
        id="trend",
        svg=_draw(courses, words, alt),
        alt=alt,
        caption=words.text("report.figures.trend.caption"),
        table=_table(courses, words, interpretation.visits),
    )


def plot_course(
    course: Course,
    lines: Sequence[Line],
    *,
    labels: Sequence[str],
    band: tuple[float | None, float | None],
    ax: Axes,
) -> Axes:
    """Draw one marker: the interval as a band, limits as lines, values as points with their labels.

    ``labels`` are the printed values, one a visit. A value known only as a limit is an open point.
    """
    months = [visit.month for visit in course.visits]
    values = [finding.value for finding in course.findings]
    _set_range(ax, [*values, *(line.value for line in lines)], months)
    _draw_band(ax, band)
    ax.plot(months, values, color=palette.VALUE, zorder=3)
    plot_points(course.findings, at=months, labels=labels, room=_LABEL_ROOM, ax=ax)
    _draw_lines(ax, lines)
    ax.set_xticks(_apart(months))
    return ax


# -- what is drawn


def _course(interpretation: Interpretation, marker: str) -> Course | None:
    found = [
        (visit, finding)
        for visit in interpretation.visits
        for finding in visit.findings
        if finding.marker == marker
    ]
    if len(found) < 2:
        return None
    visits, findings = zip(*found, strict=True)
    return Course(marker=marker, visits=visits, findings=findings)


def _lines(course: Course, words: Language) -> list[Line]:
    """Return the practice's target and the guideline limits of a marker, the lowest first."""
    last = course.findings[-1]
    targets = [
        Line(value=limit.value, label=limit_label(limit, words), is_target=True)
        for limit in last.limits.get(LimitSet.FUNCTIONAL, ())
    ]
    guidelines = [
        Line(value=limit.value, label=limit_label(limit, words), is_target=False)
        for limit in last.limits.get(LimitSet.GUIDELINE, ())
    ]
    return sorted([*targets, *guidelines], key=lambda line: line.value)


def _band(course: Course) -> tuple[float | None, float | None]:
    """Return the ends of the laboratory's interval; None where an end is open or unknown."""
    limits = course.findings[-1].limits.get(LimitSet.REFERENCE, ())
    low = [limit.value for limit in limits if limit.op.startswith("<")]
    high = [limit.value for limit in limits if limit.op.startswith(">")]
    return (low[0] if low else None, high[0] if high else None)


# -- drawing


def _draw(courses: list[Course], words: Language, alt: str) -> str:
    rows = ceil(len(courses) / _COLUMNS)
    with drawing():
        sheet, axes = new_sheet(rows * _PANEL_MM + 4, _MARGINS, rows=rows, columns=_COLUMNS)
        for course, ax in zip(courses, axes, strict=False):
            labels = [printed(finding, words) for finding in course.findings]
            lines = _lines(course, words)
            plot_course(course, lines, labels=labels, band=_band(course), ax=ax)
            ax.set_title(_title(course, words))
            number_ticks(ax, words)
        for ax in axes[len(courses) :]:
            ax.set_axis_off()
        axis = words.text("report.figures.trend.axis")
        sheet.text(0.5, 0.004, axis, ha="center", va="bottom", fontsize=6.5, color=palette.QUIET)
        return svg_of(sheet, id="trend", alt=alt)


def _title(course: Course, words: Language) -> str:
    """Return the name of a marker with its unit, as the heading of its chart."""
    unit = words.unit(course.findings[-1].unit)
    name = words.short(course.marker)
    heading = words.text("report.figures.trend.title", marker=name, unit=unit) if unit else name
    return capitalised(heading)


def _set_range(ax: Axes, heights: list[float], months: list[int]) -> None:
    """Give every value and limit room, with space above for labels and at the right for limits."""
    low, high = min(heights), max(heights)
    room = (high - low) or abs(high) or 1
    ax.set_ylim(low - 0.28 * room, high + 0.22 * room)
    span = (months[-1] - months[0]) or 1
    ax.set_xlim(months[0] - 0.08 * span, months[-1] + 0.36 * span)


def _apart(months: list[int]) -> list[int]:
    """Return the months that can be written under the axis without touching one another."""
    span, chosen = (months[-1] - months[0]) or 1, [months[0]]
    for month in months[1:]:
        if month - chosen[-1] >= 0.14 * span:
            chosen.append(month)
    return chosen


def _draw_band(ax: Axes, band: tuple[float | None, float | None]) -> None:
    if band == (None, None):
        return
    bottom, top = ax.get_ylim()
    low = bottom if band[0] is None else max(bottom, band[0])
    high = top if band[1] is None else min(top, band[1])
    if low < high:
        ax.axhspan(low, high, color=palette.BAND, lw=0, zorder=0)


def _draw_lines(ax: Axes, lines: Sequence[Line]) -> None:
    """Draw the limits, and their labels at the right edge, pushed apart where they would touch."""
    bottom, top = ax.get_ylim()
    apart = 0.12 * (top - bottom)
    height = bottom - apart
    for line in lines:
        colour = palette.TARGET if line.is_target else palette.GUIDELINE
        dash = palette.TARGET_DASH if line.is_target else palette.GUIDELINE_DASH
        ax.axhline(line.value, color=colour, ls=dash, lw=0.9, zorder=2)
        height = max(line.value, height + apart)
        ax.annotate(
            line.label,
            (1.015, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=5.8,
            color=colour,
            annotation_clip=False,
        )


# -- in words


def _alt(courses: list[Course], words: Language, visits: int) -> str:
    items = "; ".join(_course_in_words(course, words) for course in courses)
    return words.text("report.figures.trend.alt", n=len(courses), visits=visits, items=items)


def _course_in_words(course: Course, words: Language) -> str:
    points = [
        words.text("report.figures.trend.point", value=Quantity.of(finding), month=visit.month)
        for visit, finding in zip(course.visits, course.findings, strict=True)
    ]
    name = words.short(course.marker)
    return words.text("report.figures.trend.item", marker=name, values=points)


def _table(courses: list[Course], words: Language, visits: Sequence[Visit]) -> Table:
    dates = (Column(label=_month(visit, words), kind="number") for visit in visits)
    return Table(
        caption=words.text("report.figures.trend.table"),
        columns=(
            Column(label=words.text("report.columns.marker")),
            Column(label=words.text("report.columns.unit")),
            *dates,
        ),
        groups=(RowGroup(title="", rows=tuple(_row(one, words, visits) for one in courses)),),
        dense=True,
    )


def _month(visit: Visit, words: Language) -> str:
    return words.text("report.figures.road.month", month=visit.month)


def _row(course: Course, words: Language, visits: Sequence[Visit]) -> Row:
    found = {
        visit.date: finding for visit, finding in zip(course.visits, course.findings, strict=True)
    }
    cells = (printed(found[visit.date], words) if visit.date in found else "–" for visit in visits)
    return Row(
        cells=(words.marker(course.marker), words.unit(course.findings[-1].unit), *cells),
        markers=(course.marker,),
        rows=tuple(row for finding in course.findings for row in finding.rows),
    )
