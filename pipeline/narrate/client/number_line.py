"""Middle floor. A result among its limits, as places on an axis that no value of a person moves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.language import Quantity
from pipeline.model import Band, Finding, Limit, LimitSet, Visit
from pipeline.narrate.client.limits import guideline_beyond, usual_limits
from pipeline.narrate.telling import Telling, finding_of
from pipeline.narrate.values import number_of, value_of
from pipeline.story import Label, NumberLine, Point, Stretch

_SHOWN = (LimitSet.REFERENCE, LimitSet.GUIDELINE, LimitSet.FUNCTIONAL, LimitSet.REFER)
_LEFT, _RIGHT = 0.08, 0.92  # of the width: the axis; what is beside it is room for numbers
_ROOM = 0.3  # beyond a doctor's limit, of what lies between the outermost limits
_WIDE = 0.75  # beyond any other: there is more to see there
_ABOVE_LOWER = 2.5  # times a lower limit that has no upper one
_CHARACTER = 0.023  # of the width, on the narrowest telephone (320 px)
_WHERE = {Band.LOW: "below", Band.HIGH: "above", Band.WITHIN: "inside"}
_Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The ends of the axis of a marker, in its canonical unit."""

    low: float
    high: float

    def point(self, value: float) -> Point:
        """Return where a value stands; what lies off the axis stands at its end."""
        share = (value - self.low) / (self.high - self.low)
        beyond: Literal["", "low", "high"] = "low" if share < 0 else "high" if share > 1 else ""
        return Point(at=_LEFT + (_RIGHT - _LEFT) * min(max(share, 0), 1), beyond=beyond)


def number_line(telling: Telling, finding: Finding) -> NumberLine | None:
    """Return a result of the last visit on the axis of its marker; None where no limit is known."""
    axis = axis_of(telling, finding.marker)
    if axis is None:
        return None
    now, doctor = axis.point(finding.value), finding.limits.get(LimitSet.REFER, ())
    usual = _stretch(axis, usual_limits(finding)[1])
    before = visit_before(telling, finding.marker)
    return NumberLine(
        alt=_alt(telling, finding, now, usual),
        axis=(_LEFT, _RIGHT),
        usual=usual,
        target=_stretch(axis, finding.limits.get(LimitSet.FUNCTIONAL, ())),
        guideline=tuple(axis.point(limit.value) for limit in guideline_beyond(telling, finding)),
        doctor=tuple(axis.point(limit.value) for limit in doctor),
        now=now,
        now_label=_placed(number_of(telling, finding), now.at, ("middle", "end", "start")),
        is_bound=finding.comparator is not None,
        before=axis.point(before[1].value) if before else None,
        labels=_labels(telling, axis, finding),
    )


def visit_before(telling: Telling, marker: str) -> tuple[Visit, Finding] | None:
    """Return the latest earlier visit that has a marker, with its finding; None where none has."""
    earlier = reversed(telling.interpretation.visits[:-1])
    found = ((visit, finding_of(visit, marker)) for visit in earlier)
    return next(((visit, finding) for visit, finding in found if finding), None)


def axis_of(telling: Telling, marker: str) -> Axis | None:
    """Return the axis of a marker; None where it never had a limit.

    It follows from the limits of the first visit that had some, and from what is plausible: so it
    is the same in every report of this person, whatever the values do.
    """
    found = (finding_of(visit, marker) for visit in telling.interpretation.visits)
    limits = next((few for finding in found if finding and (few := _shown(finding))), ())
    if not limits:
        return None
    floor, ceiling = _plausible(telling, marker)
    low = max(floor, _end(limits, Band.LOW, floor))
    high = min(ceiling, _end(limits, Band.HIGH, floor))
    return Axis(low=low, high=high) if low < high else None


def _shown(finding: Finding) -> tuple[Limit, ...]:
    return tuple(limit for set in _SHOWN for limit in finding.limits.get(set, ()))


def _plausible(telling: Telling, marker: str) -> tuple[float, float]:
    limits = telling.rules.all_limits_of(marker, LimitSet.PLAUSIBLE)
    ends = {limit.side: limit.value for limit in limits}
    return ends.get(Band.LOW, 0.0), ends.get(Band.HIGH, float("inf"))


def _end(limits: Sequence[Limit], side: Band, floor: float) -> float:
    """Return where an axis ends on one side: some way beyond the outermost limit of that side."""
    edges = [limit.value for limit in limits]
    own = [limit for limit in limits if limit.side is side]
    if not own:
        return floor if side is Band.LOW else _ABOVE_LOWER * max(edges)
    both = {limit.side for limit in limits} == {Band.LOW, Band.HIGH}
    width = max(edges) - (min(edges) if both else floor)
    outermost = (max if side is Band.HIGH else min)(own, key=lambda limit: limit.value)
    room = (_ROOM if outermost.set is LimitSet.REFER else _WIDE) * width
    return outermost.value + (room if side is Band.HIGH else -room)


def _stretch(axis: Axis, limits: Iterable[Limit]) -> Stretch | None:
    """Return what limits leave inside, as far as the axis goes; None where there are none."""
    lows = [limit.value for limit in limits if limit.side is Band.LOW]
    highs = [limit.value for limit in limits if limit.side is Band.HIGH]
    if not lows and not highs:
        return None
    start = axis.point(max(lows, default=axis.low))
    end = axis.point(min(highs, default=axis.high))
    return Stretch(
        start=start.at,
        end=end.at,
        has_start=bool(lows) and not start.beyond,
        has_end=bool(highs) and not end.beyond,
    )


# The numbers beside the line.


def _labels(telling: Telling, axis: Axis, finding: Finding) -> tuple[Label, ...]:
    """Return the numbers of the limits, as many as can stand without touching one another."""
    kept: list[Label] = []
    for limit, anchors in _numbered(telling, finding):
        point = axis.point(limit.value)
        text = telling.language.quantity(Quantity.exact(limit.value))
        tried = [Label(text=text, at=point.at, anchor=anchor) for anchor in anchors]
        free = (one for one in tried if _fits(one) and not any(_touch(one, x) for x in kept))
        label = None if point.beyond else next(free, None)
        kept += [label] if label else []
    return tuple(kept)


def _numbered(telling: Telling, finding: Finding) -> Iterator[tuple[Limit, tuple[_Anchor, ...]]]:
    """Yield the limits that get a number, and on which side of them it may stand."""
    for limit in usual_limits(finding)[1]:
        yield limit, ("end", "start") if limit.side is Band.LOW else ("start", "end")
    beside = (
        *finding.limits.get(LimitSet.REFER, ()),
        *guideline_beyond(telling, finding),
        *finding.limits.get(LimitSet.FUNCTIONAL, ()),
    )
    yield from ((limit, ("middle", "start", "end")) for limit in beside)


def _placed(text: str, at: float, anchors: Sequence[_Anchor]) -> Label:
    """Return a number by the first anchor by which it fits; else by the last."""
    tried = [Label(text=text, at=at, anchor=anchor) for anchor in anchors]
    return next((one for one in tried if _fits(one)), tried[-1])


def ends_of(label: Label) -> tuple[float, float]:
    """Return from where to where a label reaches [share of the width]."""
    width = _CHARACTER * len(label.text)
    start = label.at - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    return start, start + width


def _fits(label: Label) -> bool:
    start, end = ends_of(label)
    return start >= 0 and end <= 1


def _touch(one: Label, other: Label) -> bool:
    (start, end), (from_, to) = ends_of(one), ends_of(other)
    return start < to + _CHARACTER and from_ < end + _CHARACTER


def _alt(telling: Telling, finding: Finding, now: Point, usual: Stretch | None) -> str:
    """Return what the picture shows in a sentence; the words beside it hold the limits."""
    owner, _ = usual_limits(finding)
    band = finding.guideline if owner == "guideline" else finding.laboratory
    where = _WHERE.get(band, "bare") if usual and band else "bare"
    value = value_of(telling, telling.last, finding)
    return telling.language.text(f"client.line.{'off' if now.beyond else where}", value=value)
