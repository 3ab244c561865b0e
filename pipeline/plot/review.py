"""Middle floor. The pictures of the markers of a review: distributions and run charts."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes

from pipeline.language import Language
from pipeline.model import LimitSet
from pipeline.plot import palette
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.plot.marks import number_ticks
from pipeline.rules import Rules, load_rules
from pipeline.story import Figure

_KEY = (
    *("glucose_fasting", "hba1c", "insulin_fasting", "homa_ir", "tg_hdl_molar", "triglycerides"),
    *("hdl", "hs_crp", "alt", "bmi", "waist", "sbp"),
)
_COLUMNS, _ROW_MM = 3, 40
_MARGINS = Margins(left=11, right=3, top=7, bottom=10, between_columns=13, between_rows=16)


def plot_distributions(review: Mapping[str, Any], language: str) -> Figure | None:
    """Return the distributions of the key markers, with the limits of all three sets.

    Every bar holds as many people as may be told. None where no marker has enough people.
    """
    found = review["how"]["distributions"]
    markers = [marker for marker in _KEY if marker in found]
    if not markers:
        return None
    words, rules = Language.load(language), load_rules()
    told = {one["marker"]: one for one in review["how"]["markers"]}
    alt = " ".join(_distribution_alt(told[marker], words, rules) for marker in markers)
    with drawing():
        sheet, axes = _small_multiples(len(markers))
        for marker, ax in zip(markers, axes, strict=False):
            _draw_distribution(found[marker], marker, words, rules, ax=ax)
        _hide(axes[len(markers) :])
        svg = svg_of(sheet, id="distributions", alt=alt)
    caption = words.text("review.figures.distributions")
    return Figure(id="distributions", svg=svg, alt=alt, caption=caption)


def plot_run_charts(review: Mapping[str, Any], language: str) -> Figure | None:
    """Return the share beyond the guideline by period, with the range that chance explains.

    A period of which the share may not be told is a gap. None where no marker has two points.
    """
    words = Language.load(language)
    there = {one["marker"]: one for one in review["course"]["markers"]}
    markers = [marker for marker in _KEY if marker in there and _points(there[marker])]
    if not markers:
        return None
    alt = " ".join(_run_alt(there[marker], words) for marker in markers)
    with drawing():
        sheet, axes = _small_multiples(len(markers))
        for marker, ax in zip(markers, axes, strict=False):
            _draw_run(there[marker], words, ax=ax)
        _hide(axes[len(markers) :])
        svg = svg_of(sheet, id="run-charts", alt=alt)
    caption = words.text("review.figures.run_charts")
    return Figure(id="run-charts", svg=svg, alt=alt, caption=caption)


def _small_multiples(count: int) -> tuple[Any, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    height = rows * _ROW_MM + 6
    return new_sheet(height, _MARGINS, rows=rows, columns=columns)


def _hide(axes: Sequence[Axes]) -> None:
    for ax in axes:
        ax.set_axis_off()


# Distributions.


def _draw_distribution(
    bins: Mapping[str, Any], marker: str, words: Language, rules: Rules, *, ax: Axes
) -> None:
    edges, counts = bins["edges"], bins["counts"]
    # joined bins are wider: their height is people by width, so that area stays what it says
    narrow = min(end - start for start, end in pairwise(edges))
    middles = [(start + end) / 2 for start, end in pairwise(edges)]
    heights = [
        count * narrow / (end - start)
        for count, (start, end) in zip(counts, pairwise(edges), strict=True)
    ]
    sns.histplot(
        x=middles,
        weights=heights,
        bins=edges,
        color=palette.COMPENSATION,
        edgecolor=palette.VALUE,
        linewidth=0.4,
        alpha=1,
        ax=ax,
    )
    _draw_limits(marker, rules, ax=ax, ends=(edges[0], edges[-1]))
    ax.set_title(words.marker(marker), pad=3)  # with the unit it would reach into the next
    ax.set_xlabel(words.unit(rules.markers[marker].unit), fontsize=6.5, labelpad=1)
    ax.set_ylabel(words.text("review.figures.people_axis"), fontsize=6.5, labelpad=2)
    for axis in (ax.xaxis, ax.yaxis):
        number_ticks(axis, words)


def _draw_limits(marker: str, rules: Rules, *, ax: Axes, ends: tuple[float, float]) -> None:
    """Draw the limits that hold for everybody; those of one sex or age would not."""
    low, high = ends
    usual = [x.value for x in _common(rules, marker, LimitSet.REFERENCE)]
    if usual:
        start = min(usual) if len(usual) > 1 else low
        ax.axvspan(max(start, low), min(max(usual), high), color=palette.BAND, zorder=0)
    for limits, dash, colour in (
        (LimitSet.GUIDELINE, palette.GUIDELINE_DASH, palette.GUIDELINE),
        (LimitSet.FUNCTIONAL, palette.TARGET_DASH, palette.TARGET),
    ):
        for limit in _common(rules, marker, limits):
            if low < limit.value < high:
                ax.axvline(limit.value, color=colour, ls=dash, lw=1.2, zorder=4)


def _common(rules: Rules, marker: str, of: LimitSet) -> list[Any]:
    limits = rules.all_limits_of(marker, of)
    return [limit for limit in limits if limit.sex is None and limit.ages is None]


def _distribution_alt(one: Mapping[str, Any], words: Language, rules: Rules) -> str:
    decimals = rules.markers[one["marker"]].decimals
    low, middle, high = (words.number(value, decimals) for value in one["quartiles"])
    return words.text(
        "review.figures.distribution_alt",
        marker=words.marker(one["marker"]),
        people=one["n"],
        low=low,
        middle=middle,
        high=high,
    )


# Run charts.


def _points(one: Mapping[str, Any]) -> bool:
    return sum(point["share"] is not None for point in one["run"]) > 1


def _draw_run(one: Mapping[str, Any], words: Language, *, ax: Axes) -> None:
    names = [point["period"] for point in one["run"]]
    shares = [None if point["share"] is None else 100 * point["share"] for point in one["run"]]
    known = [(place, share) for place, share in enumerate(shares) if share is not None]
    if (limits := one["limits"]) is not None:
        ax.axhspan(100 * limits["low"], 100 * limits["high"], color=palette.BAND, zorder=0)
        ax.axhline(100 * limits["mean"], color=palette.TARGET, ls=palette.TARGET_DASH, lw=1)
    values = [float("nan") if share is None else share for share in shares]
    ax.plot(range(len(values)), values, color=palette.VALUE, zorder=3)
    sns.scatterplot(
        x=[place for place, _ in known],
        y=[share for _, share in known],
        color=palette.VALUE,
        s=16,
        ax=ax,
        zorder=4,
    )
    ax.set_title(words.marker(one["marker"]), pad=3)
    ax.set_xticks([0, len(names) - 1], [names[0], names[-1]])
    ax.set_ylabel(words.text("review.figures.share_axis"), fontsize=6.5, labelpad=2)
    ax.set_ylim(bottom=0)
    ax.margins(y=0.25)


def _run_alt(one: Mapping[str, Any], words: Language) -> str:
    told = [point for point in one["run"] if point["share"] is not None]
    return words.text(
        "review.figures.run_alt",
        marker=words.marker(one["marker"]),
        first=told[0]["period"],
        last=told[-1]["period"],
        shares=", ".join(f"{words.number(100 * point['share'], 0)} %" for point in told),
    )
