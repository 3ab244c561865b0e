"""Middle floor. Points and their labels, the same in every chart."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis

from pipeline.language import Language, Quantity
from pipeline.model import Finding, Limit, LimitSet
from pipeline.plot import palette
from pipeline.story import Side

_CENSORED_FACE = "white"
_LABEL_SIZE = 6.8
_Place = dict[str, Any]
_BESIDE: dict[Side, _Place] = {
    "above": {"xytext": (0, 5), "ha": "center", "va": "bottom"},
    "below": {"xytext": (0, -5), "ha": "center", "va": "top"},
    "above right": {"xytext": (4, 3), "ha": "left", "va": "bottom"},
    "below right": {"xytext": (4, -3), "ha": "left", "va": "top"},
    "above left": {"xytext": (-4, 3), "ha": "right", "va": "bottom"},
    "below left": {"xytext": (-4, -3), "ha": "right", "va": "top"},
    "right": {"xytext": (6, 0), "ha": "left", "va": "center"},
}


def plot_points(
    findings: Sequence[Finding],
    *,
    at: Sequence[float],
    labels: Sequence[str],
    room: float,
    ax: Axes,
) -> Axes:
    """Draw values as labelled points; one known only as a limit ("<0.3") is open.

    ``room`` is the width of a label as a share of the whole course: points nearer than that to a
    labelled one go without; the first and the last always have theirs.
    """
    values = [finding.value for finding in findings]
    for x, finding in zip(at, findings, strict=True):
        face = _CENSORED_FACE if finding.comparator else palette.VALUE
        ax.plot(x, finding.value, "o", ms=4.5, mfc=face, mec=palette.VALUE, zorder=6)
    for index in labelled(at, room):
        _label(ax, (at[index], values[index]), labels[index], side_of(at, values, index))
    return ax


def labelled(at: Sequence[float], room: float) -> list[int]:
    """Return which points get a label: the first, the last, and those with room on both sides."""
    last = len(at) - 1
    apart = room * (at[-1] - at[0])
    chosen = [0]
    for index in range(1, last):
        if at[index] - at[chosen[-1]] >= apart and at[last] - at[index] >= apart:
            chosen.append(index)
    return [*chosen, last] if last else chosen


def number_ticks(axis: Axis, words: Language) -> None:
    """Print the numbers of an axis as the language writes them."""
    low, high = axis.get_view_interval()
    ticks = [tick for tick in axis.get_ticklocs() if low <= tick <= high]
    axis.set_ticks(ticks, [words.quantity(Quantity.exact(round(tick, 6))) for tick in ticks])


def printed(finding: Finding, words: Language) -> str:
    """Return a value without its unit, which stands beside the axis."""
    bare = Quantity(value=finding.value, decimals=finding.decimals, comparator=finding.comparator)
    return words.quantity(bare)


def limit_label(limit: Limit, words: Language) -> str:
    """Return whose limit a line is and what it leaves inside: "MAFLD 2020 ≤ 2,5"."""
    if limit.set is LimitSet.FUNCTIONAL:
        return words.text("report.figures.trend.target", value=words.inside(limit))
    key = f"report.bodies.{limit.source}"
    body = words.text(key) if words.has(key) else limit.source
    return words.text("report.figures.trend.limit", body=body, value=words.inside(limit))


def side_of(at: Sequence[float], values: Sequence[float], index: int) -> Side:
    """Return where the label of a point stands clear of the line that comes in and goes out.

    Above a peak, below a valley; on a slope to whichever side has more room.
    """
    if index == len(values) - 1:
        return "right"
    rises = values[index + 1] > values[index]
    if index == 0:
        return "below right" if rises else "above right"
    if (values[index] > values[index - 1]) is not rises:
        return "below" if rises else "above"
    right = at[index + 1] - at[index] > at[index] - at[index - 1]
    if rises:
        return "below right" if right else "above left"
    return "above right" if right else "below left"


def _label(ax: Axes, point: tuple[float, float], label: str, side: Side) -> None:
    ax.annotate(
        label,
        point,
        textcoords="offset points",
        fontsize=_LABEL_SIZE,
        fontweight=600,
        color=palette.INK,
        zorder=5,
        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.4},
        **_BESIDE[side],
    )
