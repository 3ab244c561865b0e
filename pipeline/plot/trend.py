"""Middle floor. The course of key markers over the visits: a small chart each, as places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pipeline.language import Language, Quantity, capitalised
from pipeline.model import Audience, Band, Finding, Interpretation, Limit, LimitSet, Visit
from pipeline.plot.marks import labelled, limit_label, printed, side_of
from pipeline.story import Chart, Charts, Column, Dot, Label, Level, Row, RowGroup, Table

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
_TEXTS = {Audience.CLINICIAN: "report.figures.trend", Audience.CLIENT: "client.trend"}
_WIDTH = {Audience.CLINICIAN: 0.58, Audience.CLIENT: 0.78}  # a body's name needs more room
_LABEL_ROOM = 0.3  # of the months from first to last
_TICK_ROOM = 0.16
_BELOW, _ABOVE = 0.28, 0.22  # of the range of values and limits: room for labels
_INDENT = 0.04  # of the width, before the first value
_LEVEL_APART = 0.15  # of the height, between two labels at the right


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """One marker over the visits at which it was found; at least two."""

    marker: str
    visits: tuple[Visit, ...]
    findings: tuple[Finding, ...]


def plot_trend(
    interpretation: Interpretation, language: str, audience: Audience = Audience.CLINICIAN
) -> Charts | None:
    """Return a chart for each key marker with its interval, limits and values, and their table.

    Clinicians see every guideline by name; the client the practice's target. Markers with a value
    at fewer than two visits are left out; None where none is left.
    """
    courses = [course for id in KEY_MARKERS if (course := _course(interpretation, id))]
    if not courses:
        return None
    words = Language.load(language)
    return Charts(
        id="trend",
        caption=words.text(f"{_TEXTS[audience]}.caption"),
        items=tuple(_chart(course, words, audience) for course in courses),
        table=_table(courses, words, interpretation.visits, audience),
    )


def _course(interpretation: Interpretation, marker: str) -> _Course | None:
    found = [
        (visit, finding)
        for visit in interpretation.visits
        for finding in visit.findings
        if finding.marker == marker
    ]
    if len(found) < 2:
        return None
    visits, findings = zip(*found, strict=True)
    return _Course(marker=marker, visits=visits, findings=findings)


# Which limits are shown.


def _limits(course: _Course, audience: Audience) -> tuple[Limit, ...]:
    """Return the limits that get a line, the lowest first."""
    held = _held(course)
    sets = [LimitSet.FUNCTIONAL]
    sets += [LimitSet.GUIDELINE] if audience is Audience.CLINICIAN else []
    found = chain.from_iterable(held.get(set, ()) for set in sets)
    return tuple(sorted(found, key=lambda limit: limit.value))


def _interval(course: _Course, audience: Audience) -> tuple[Limit, ...]:
    """Return the limits that get a band: the laboratory's; for the client else a guideline's."""
    held = _held(course)
    own = held.get(LimitSet.REFERENCE, ())
    if own or audience is Audience.CLINICIAN:
        return own
    return held.get(LimitSet.GUIDELINE, ())


def _held(course: _Course) -> Mapping[str, tuple[Limit, ...]]:
    """Return the limits of the last visit, by set; in pregnancy others hold: none."""
    last = course.findings[-1]
    return {} if "pregnancy" in last.notes else last.limits


# Places.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From months and values to shares of a chart's width and height."""

    first: int
    months: int
    low: float
    high: float
    width: float

    def at(self, month: int) -> float:
        share = (month - self.first) / self.months
        return self.width * (_INDENT + (1 - 2 * _INDENT) * share)

    def height(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


def _chart(course: _Course, words: Language, audience: Audience) -> Chart:
    limits, scale = _limits(course, audience), _scale(course, audience)
    dots = _dots(course, scale, words)
    return Chart(
        marker=course.marker,
        title=_title(course, words),
        alt=_alt(course, words, audience),
        width=scale.width,
        dots=dots,
        band=_band(_interval(course, audience), scale),
        levels=_levels(limits, dots[-1].height, scale, words, audience),
        ticks=_ticks(course, scale),
    )


def _scale(course: _Course, audience: Audience) -> _Scale:
    """Return the scale of a chart: every value and limit with a line lies inside it."""
    months = [visit.month for visit in course.visits]
    shown = [limit.value for limit in _limits(course, audience)]
    heights = [*(finding.value for finding in course.findings), *shown]
    low, high = min(heights), max(heights)
    room = (high - low) or abs(high) or 1
    return _Scale(
        first=months[0],
        months=(months[-1] - months[0]) or 1,
        low=low - _BELOW * room,
        high=high + _ABOVE * room,
        width=_WIDTH[audience],
    )


def _dots(course: _Course, scale: _Scale, words: Language) -> tuple[Dot, ...]:
    at = [scale.at(visit.month) for visit in course.visits]
    values = [finding.value for finding in course.findings]
    named = labelled(at, _LABEL_ROOM)
    return tuple(
        Dot(
            at=at[index],
            height=scale.height(finding.value),
            label=printed(finding, words) if index in named else "",
            side=side_of(at, values, index),
            is_bound=finding.comparator is not None,
        )
        for index, finding in enumerate(course.findings)
    )


def _band(limits: Sequence[Limit], scale: _Scale) -> tuple[float, float] | None:
    """Return where an interval lies in the chart; None where it is unknown or outside it."""
    if not limits:
        return None
    low = max((scale.height(x.value) for x in limits if x.side is Band.LOW), default=0.0)
    high = min((scale.height(x.value) for x in limits if x.side is Band.HIGH), default=1.0)
    low, high = max(low, 0.0), min(high, 1.0)
    return (low, high) if low < high else None


def _levels(
    limits: Sequence[Limit], last: float, scale: _Scale, words: Language, audience: Audience
) -> tuple[Level, ...]:
    """Return the lines of limits, from below, with labels clear of one another.

    ``last``: the height of the last value, whose own label stands there too.
    """
    heights = [scale.height(limit.value) for limit in limits]
    return tuple(
        Level(
            height=height,
            label=_level_label(limit, words, audience),
            label_height=free,
            kind="target" if limit.set is LimitSet.FUNCTIONAL else "guideline",
        )
        for limit, height, free in zip(limits, heights, _apart(heights, last), strict=True)
    )


def _level_label(limit: Limit, words: Language, audience: Audience) -> str:
    if audience is Audience.CLIENT:
        return words.quantity(Quantity.exact(limit.value))
    return limit_label(limit, words)


def _apart(heights: Sequence[float], taken: float) -> list[float]:
    """Return heights, the lowest first, pushed away from what is taken and from one another."""
    below = [height for height in heights if height < taken]
    above = [height for height in heights if height >= taken]
    return [*reversed(_pushed(reversed(below), taken, -1)), *_pushed(above, taken, 1)]


def _pushed(heights: Iterable[float], start: float, way: int) -> list[float]:
    free, placed = start, list[float]()
    for height in heights:
        free = way * max(way * height, way * free + _LEVEL_APART)
        placed.append(free)
    return placed


def _ticks(course: _Course, scale: _Scale) -> tuple[Label, ...]:
    """Return the months that can be written under the axis without touching one another."""
    ticks: list[Label] = []
    for month in (visit.month for visit in course.visits):
        at = scale.at(month)
        if not ticks or at - ticks[-1].at >= _TICK_ROOM * scale.width:
            ticks.append(Label(text=str(month), at=at, anchor="middle"))
    return tuple(ticks)


# In words.


def _title(course: _Course, words: Language) -> str:
    """Return the name of a marker with its unit, as the heading of its chart."""
    unit = words.unit(course.findings[-1].unit)
    name = words.short(course.marker)
    heading = words.text("report.figures.trend.title", marker=name, unit=unit) if unit else name
    return capitalised(heading)


def _alt(course: _Course, words: Language, audience: Audience) -> str:
    points = [
        words.text(f"{_TEXTS[audience]}.point", value=Quantity.of(finding), month=visit.month)
        for visit, finding in zip(course.visits, course.findings, strict=True)
    ]
    name = words.short(course.marker)
    return words.text(f"{_TEXTS[audience]}.alt", marker=name, values=points)


def _table(
    courses: Sequence[_Course], words: Language, visits: Sequence[Visit], audience: Audience
) -> Table:
    months = (Column(label=_month(visit, words), kind="number") for visit in visits)
    return Table(
        caption=words.text(f"{_TEXTS[audience]}.table"),
        columns=(
            Column(label=words.text(f"{_TEXTS[audience]}.marker")),
            Column(label=words.text(f"{_TEXTS[audience]}.unit")),
            *months,
        ),
        groups=(
            RowGroup(title="", rows=tuple(_row(one, words, visits, audience) for one in courses)),
        ),
        dense=True,
    )


def _month(visit: Visit, words: Language) -> str:
    return words.text("report.figures.road.month", month=visit.month)


def _row(course: _Course, words: Language, visits: Sequence[Visit], audience: Audience) -> Row:
    found = {
        visit.date: finding for visit, finding in zip(course.visits, course.findings, strict=True)
    }
    cells = (printed(found[visit.date], words) if visit.date in found else "–" for visit in visits)
    is_client = audience is Audience.CLIENT
    name = capitalised(words.short(course.marker)) if is_client else words.marker(course.marker)
    return Row(
        cells=(name, words.unit(course.findings[-1].unit), *cells),
        markers=(course.marker,),
        rows=tuple(row for finding in course.findings for row in finding.rows),
    )
