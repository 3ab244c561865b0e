"""Middle floor. The glucose and insulin curves of an oral glucose tolerance test."""

from collections.abc import Sequence

import seaborn as sns
from matplotlib.axes import Axes

from pipeline.language import Language, Quantity
from pipeline.model import Audience, Finding, Interpretation, Limit, LimitSet, Visit
from pipeline.plot import palette
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.plot.marks import limit_label, number_ticks, plot_points, printed
from pipeline.story import Column, Figure, Row, RowGroup, Table

_TWO_HOURS = 120
_HEIGHT_MM = 62
_LABEL_ROOM = 0.12  # of the minutes from first to last
_MARGINS = Margins(left=12, right=3, top=7, bottom=12, between_columns=16)
_ANALYTES = ("glucose", "insulin")
_TEXTS = {Audience.CLINICIAN: "report.figures.ogtt", Audience.CLIENT: "client.load_test"}

_Curve = dict[int, Finding]  # minutes after the load


def plot_ogtt(
    interpretation: Interpretation, language: str, audience: Audience = Audience.CLINICIAN
) -> Figure | None:
    """Return the curves of the last visit that has an OGTT, and their table.

    Clinicians see the 2-hour limit with whose it is. An analyte with fewer than three points is
    not drawn; None where no visit has a curve.
    """
    for visit in reversed(interpretation.visits):
        curves = {name: curve for name in _ANALYTES if (curve := visit.load_test(name))}
        if curves:
            return _figure(visit, curves, Language.load(language), audience)
    return None


def plot_curve(
    curve: _Curve, *, labels: Sequence[str], limits: Sequence[tuple[Limit, str]], ax: Axes
) -> Axes:
    """Draw one analyte against the minutes after the load; ``labels`` are the printed values.

    ``limits`` hold at two hours and are drawn there, each with its own label. A value known only
    as a limit is an open point.
    """
    minutes = list(curve)
    values = [finding.value for finding in curve.values()]
    sns.lineplot(x=minutes, y=values, color=palette.VALUE, ax=ax, errorbar=None, zorder=3)
    plot_points(tuple(curve.values()), at=minutes, labels=labels, room=_LABEL_ROOM, ax=ax)
    for limit, label in limits:
        _draw_limit(ax, limit, label)
    ax.set_xticks(minutes)
    ax.set_xlim(-8, minutes[-1] + 22)
    ax.margins(y=0.2)
    ax.set_ylim(bottom=0)
    return ax


def _figure(visit: Visit, curves: dict[str, _Curve], words: Language, audience: Audience) -> Figure:
    texts = _TEXTS[audience]
    alt = _alt(visit, curves, words, texts)
    return Figure(
        id="ogtt",
        svg=_draw(curves, words, audience, alt),
        alt=alt,
        caption=words.text(f"{texts}.caption", date=visit.date),
        table=_table(curves, words, texts),
    )


# -- drawing


def _draw(curves: dict[str, _Curve], words: Language, audience: Audience, alt: str) -> str:
    texts = _TEXTS[audience]
    with drawing():
        sheet, axes = new_sheet(_HEIGHT_MM, _MARGINS, columns=len(curves))
        for (analyte, curve), ax in zip(curves.items(), axes, strict=True):
            labels = [printed(finding, words) for finding in curve.values()]
            plot_curve(curve, labels=labels, limits=_limits(curve, words, audience), ax=ax)
            unit = words.unit(next(iter(curve.values())).unit)
            ax.set_title(words.text(f"{texts}.panels.{analyte}"))
            ax.set_ylabel(unit)
            number_ticks(ax.yaxis, words)
            ax.set_xlabel(words.text(f"{texts}.minutes"))
        return svg_of(sheet, id="ogtt", alt=alt)


def _limits(curve: _Curve, words: Language, audience: Audience) -> list[tuple[Limit, str]]:
    """Return the guideline limits at two hours; a client reads of them beside the result."""
    finding = curve.get(_TWO_HOURS)
    if finding is None or audience is Audience.CLIENT:
        return []
    limits = finding.limits.get(LimitSet.GUIDELINE, ())
    return [(limit, limit_label(limit, words)) for limit in limits]


def _draw_limit(ax: Axes, limit: Limit, label: str) -> None:
    around = (_TWO_HOURS - 14, _TWO_HOURS + 14)
    ax.plot(
        around,
        (limit.value, limit.value),
        color=palette.GUIDELINE,
        ls=palette.GUIDELINE_DASH,
        lw=1.2,
        zorder=2,
    )
    ax.annotate(
        label,
        (around[1], limit.value),
        xytext=(2, 0),
        textcoords="offset points",
        va="center",
        fontsize=6,
        color=palette.GUIDELINE,
    )


# -- in words


def _alt(visit: Visit, curves: dict[str, _Curve], words: Language, texts: str) -> str:
    told = {name: words.listing(_points(curve, words, texts)) for name, curve in curves.items()}
    if len(told) == len(_ANALYTES):
        return words.text(f"{texts}.alt", date=visit.date, **told)
    (name, values), *_ = told.items()
    panel = words.text(f"{texts}.panels.{name}")
    return words.text(f"{texts}.alt_one", date=visit.date, panel=panel, values=values)


def _points(curve: _Curve, words: Language, texts: str) -> list[str]:
    return [
        words.text(f"{texts}.point", value=Quantity.of(finding), minutes=minute)
        for minute, finding in curve.items()
    ]


def _table(curves: dict[str, _Curve], words: Language, texts: str) -> Table:
    minutes = sorted({minute for curve in curves.values() for minute in curve})
    columns = (
        Column(label=_column_label(name, curve, words, texts), kind="number")
        for name, curve in curves.items()
    )
    return Table(
        caption=words.text(f"{texts}.table"),
        columns=(Column(label=words.text(f"{texts}.minutes")), *columns),
        groups=(RowGroup(title="", rows=tuple(_row(one, curves, words) for one in minutes)),),
        note=_note(curves, words, texts),
    )


def _column_label(name: str, curve: _Curve, words: Language, texts: str) -> str:
    unit = words.unit(next(iter(curve.values())).unit)
    return f"{words.text(f'{texts}.panels.{name}')} ({unit})"


def _row(minute: int, curves: dict[str, _Curve], words: Language) -> Row:
    found = [curve.get(minute) for curve in curves.values()]
    return Row(
        cells=(str(minute), *(printed(one, words) if one else "–" for one in found)),
        markers=tuple(one.marker for one in found if one),
        rows=tuple(row for one in found if one for row in one.rows),
    )


def _note(curves: dict[str, _Curve], words: Language, texts: str) -> str:
    """Return where glucose was lowest after the load, if it fell below where it started."""
    curve = curves.get("glucose", {})
    after = {minute: finding for minute, finding in curve.items() if minute > 0}
    if not after or 0 not in curve:
        return ""
    minute = min(after, key=lambda one: after[one].value)
    if after[minute].value >= curve[0].value:
        return ""
    lowest = Quantity.of(after[minute])
    return words.text(f"{texts}.note", value=lowest, minutes=minute)
