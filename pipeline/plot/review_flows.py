"""Middle floor. The pictures of where people go: through a period, and from phase to phase."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from pipeline.language import Language
from pipeline.plot import palette
from pipeline.plot.canvas import Margins, drawing, new_sheet, svg_of
from pipeline.story import Figure

_FLOW_HEIGHT_MM, _FLOW_MARGINS = 46, Margins(left=2, right=2, top=3, bottom=3)


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
