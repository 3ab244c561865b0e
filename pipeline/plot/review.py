"""Middle floor. The pictures of a review: distributions, run charts, flows of people."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

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
_MARGINS = Margins(left=11, right=3, top=7, bottom=8, between_columns=13, between_rows=16)
_FLOW_HEIGHT_MM, _FLOW_MARGINS = 46, Margins(left=2, right=2, top=3, bottom=3)


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


def plot_flow(review: Mapping[str, Any], language: str) -> Figure:
    """Return the flow of people up to a period as boxes; a count that is not told has its sign."""
    words, flow = Language.load(language), review["who"]["flow"]
    printed = {name: _count(review, count, words) for name, count in flow.items()}
    alt = words.text(
        "review.figures.flow_alt",
        store=printed["in_store"],
        **{name: printed[name] for name in ("not_seen", "seen", "first", "again")},
    )
    with drawing():
        sheet, (ax,) = new_sheet(_FLOW_HEIGHT_MM, _FLOW_MARGINS)
        _draw_flow(printed, words, ax=ax)
        svg = svg_of(sheet, id="flow", alt=alt)
    period = review["period"]["name"]
    return Figure(
        id="flow", svg=svg, alt=alt, caption=words.text("review.figures.flow", period=period)
    )


def plot_transitions(review: Mapping[str, Any], language: str) -> Figure | None:
    """Return the flow from phase to phase, as wide as there are people; None without any."""
    words, found = Language.load(language), review["change"]["phases"]
    names = found["phases"]
    flows = {
        (start, end): count
        for start in names
        for end in names
        if isinstance(count := found["counts"][f"{start}/{end}"], int)
    }
    if not flows:
        return None
    alt = words.text("review.figures.transitions_alt", flows=_flows_told(flows, words))
    with drawing():
        sheet, (ax,) = new_sheet(70, Margins(left=30, right=30, top=6, bottom=2))
        _draw_transitions(flows, names, words, ax=ax)
        svg = svg_of(sheet, id="transitions", alt=alt)
    caption = words.text("review.figures.transitions")
    return Figure(id="transitions", svg=svg, alt=alt, caption=caption)


def _small_multiples(count: int) -> tuple[Any, list[Axes]]:
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    height = rows * _ROW_MM + 4
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
    unit = words.unit(rules.markers[marker].unit)
    ax.set_title(f"{words.marker(marker)}, {unit}" if unit else words.marker(marker), pad=3)
    ax.set_xlabel("")
    ax.set_ylabel(words.text("review.figures.people_axis"), fontsize=6.5, labelpad=2)
    number_ticks(ax, words)


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
    people = one["n"] if isinstance(one["n"], int) else words.text("review.figures.not_told")
    return words.text(
        "review.figures.distribution_alt",
        marker=words.marker(one["marker"]),
        people=people,
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


# Flows of people.


def _count(review: Mapping[str, Any], shown: int | str, words: Language) -> str:
    if isinstance(shown, int):
        return words.number(shown, 0)
    return f"< {review['limit']}" if shown == "small" else "×"


_BOXES = {  # place [shares of the sheet] of the middle of each box
    "in_store": (0.14, 0.5),
    "not_seen": (0.5, 0.18),
    "seen": (0.5, 0.78),
    "first": (0.86, 0.92),
    "again": (0.86, 0.62),
}
_ARROWS = (("in_store", "not_seen"), ("in_store", "seen"), ("seen", "first"), ("seen", "again"))
_HALF = (0.13, 0.11)  # half of a box's width and height


def _draw_flow(printed: Mapping[str, str], words: Language, *, ax: Axes) -> None:
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    for start, end in _ARROWS:
        (x0, y0), (x1, y1) = _BOXES[start], _BOXES[end]
        ax.annotate(
            "",
            xy=(x1 - _HALF[0], y1),
            xytext=(x0 + _HALF[0], y0),
            arrowprops={"arrowstyle": "->", "color": palette.QUIET, "lw": 0.9},
        )
    for name, (x, y) in _BOXES.items():
        label = words.text(f"review.steps.{name}").lstrip("– ")
        box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": palette.VALUE, "lw": 0.9}
        ax.text(x, y, f"{label}\n{printed[name]}", ha="center", va="center", bbox=box)


def _draw_transitions(
    flows: Mapping[tuple[str, str], int], names: Sequence[str], words: Language, *, ax: Axes
) -> None:
    """Draw a ribbon for each flow, from its part of the left column to that of the right one."""
    ax.set_axis_off()
    total, gap = sum(flows.values()), 0.03
    scale = (1 - gap * (len(names) - 1)) / total
    left, right = _starts(flows, names, 0, scale, gap), _starts(flows, names, 1, scale, gap)
    for side, starts, align in ((0.0, left, "right"), (1.0, right, "left")):
        for name in names:
            height = scale * sum(n for pair, n in flows.items() if pair[int(side)] == name)
            label = words.text(f"review.phases_short.{name}")
            shift = -0.02 if align == "right" else 0.02
            ax.text(side + shift, starts[name] - height / 2, label, ha=align, va="center")
    for (start, end), count in flows.items():
        height = count * scale
        _ribbon(left[start], right[end], height, same=start == end, ax=ax)
        left[start] -= height
        right[end] -= height
    ax.text(
        0, 1.03, words.text("review.figures.start"), ha="left", va="bottom", color=palette.QUIET
    )
    ax.text(1, 1.03, words.text("review.figures.end"), ha="right", va="bottom", color=palette.QUIET)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)


def _starts(
    flows: Mapping[tuple[str, str], int], names: Sequence[str], side: int, scale: float, gap: float
) -> dict[str, float]:
    """Return where the part of each phase begins, from the top."""
    starts, top = {}, 1.0
    for name in names:
        starts[name] = top
        top -= scale * sum(count for pair, count in flows.items() if pair[side] == name) + gap
    return starts


def _ribbon(left: float, right: float, height: float, *, same: bool, ax: Axes) -> None:
    points = [
        (0.0, left),
        (0.5, left),
        (0.5, right),
        (1.0, right),
        (1.0, right - height),
        (0.5, right - height),
        (0.5, left - height),
        (0.0, left - height),
        (0.0, left),
    ]
    curve = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3]
    outline = Outline(points, [*curve, Outline.CLOSEPOLY])
    colour = palette.DECOMPENSATION if same else palette.VALUE
    ax.add_patch(PathPatch(outline, fc=colour, alpha=0.9 if same else 0.45, ec="white", lw=0.4))


def _flows_told(flows: Mapping[tuple[str, str], int], words: Language) -> str:
    told = [
        words.text(
            "review.figures.transition",
            people=words.number(count, 0),
            start=words.text(f"review.phases_short.{start}"),
            end=words.text(f"review.phases_short.{end}"),
        )
        for (start, end), count in sorted(flows.items(), key=lambda flow: -flow[1])
    ]
    return "; ".join(told)
