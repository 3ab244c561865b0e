"""Order floor. Whether the limits of a marker leave no gap and do not overlap, for anybody."""

from collections.abc import Callable, Iterator
from itertools import pairwise, product

from pipeline.model import Band, Limit, LimitSet, Sex
from pipeline.rules import Rules

_BANDS = (LimitSet.REFERENCE, LimitSet.GUIDELINE, LimitSet.FUNCTIONAL)
_SINGLE = (LimitSet.REFERENCE, LimitSet.FUNCTIONAL, LimitSet.CRITICAL, LimitSet.PLAUSIBLE)
_OUTWARD = (LimitSet.REFER, LimitSet.CRITICAL, LimitSet.PLAUSIBLE)
_SEXES: tuple[Sex, ...] = ("F", "M")
_SIDES = (Band.LOW, Band.HIGH)
_OF_ONE_SEX = ("testosterone_total", "ohp17", "fai", "dheas")  # specification 9 and 14, P16


def _sides_do_not_cross(rules: Rules) -> Iterator[str]:
    """Yield where a value would be low and high at once."""
    for marker, set, sex in product(rules.markers, _BANDS, _SEXES):
        low, high = _edges(rules.limits_of(marker, set, sex))
        if low and high and max(low) >= min(high):
            yield f"{marker}: the {set} limits cross"


def _limits_are_plausible(rules: Rules) -> Iterator[str]:
    for marker in rules.markers:
        first, last = _edges(rules.all_limits_of(marker, LimitSet.PLAUSIBLE))
        own = [x for x in rules.limits if x.marker == marker and x.unit != "{ULN}"]
        for limit in own:
            if not first[0] <= limit.value <= last[0]:
                yield f"limit {limit.id} lies outside the plausible range of {marker}"


def _a_side_has_one_edge(rules: Rules) -> Iterator[str]:
    """Yield where two limits of one set, of a side, hold for the same person."""
    for marker, set, sex, side in product(rules.markers, _SINGLE, _SEXES, _SIDES):
        limits = [x for x in rules.limits_of(marker, set, sex) if x.side == side]
        for one, other in pairwise(sorted(limits, key=_first_age)):
            if _first_age(other) <= _last_age(one):
                yield f"{marker}: {one.id} and {other.id} hold for the same person"


def _ages_leave_no_gap(rules: Rules) -> Iterator[str]:
    """Yield where the ages of two limits of one side leave a year between them, or share one."""
    for marker, set, sex, side in product(rules.markers, LimitSet, _SEXES, _SIDES):
        limits = [x for x in rules.limits_of(marker, set, sex) if x.side == side and x.ages]
        for one, other in pairwise(sorted(limits, key=_first_age)):
            if set != LimitSet.RULE and _first_age(other) != _last_age(one) + 1:
                yield f"{marker}: the ages of {one.id} and {other.id} leave a gap or overlap"


def _both_sexes_have_an_edge(rules: Rules) -> Iterator[str]:
    """Yield where a value is judged for one sex only, but for what only one sex is asked of."""
    for marker, set, side in product(rules.markers, LimitSet, _SIDES):
        sexes = {limit.sex for limit in rules.all_limits_of(marker, set) if limit.side == side}
        if len(sexes) == 1 and sexes != {None} and marker not in _OF_ONE_SEX:
            yield f"{marker}: a {side} limit ({set}) for one sex only"


def _alarm_lies_outside_referral(rules: Rules) -> Iterator[str]:
    """Yield where a set that weighs more begins before one that weighs less."""
    for marker, sex, side in product(rules.markers, _SEXES, _SIDES):
        edges = [
            (x, set)
            for set in _OUTWARD
            for x in rules.limits_of(marker, set, sex)
            if x.side == side
        ]
        for (one, less), (other, more) in pairwise(edges):
            inward = one.value > other.value if side is Band.HIGH else one.value < other.value
            if less != more and inward:
                yield f"{marker}: {other.id} ({more}) lies inside {one.id} ({less})"


def _first_age(limit: Limit) -> float:
    return limit.ages[0] if limit.ages else float("-inf")


def _last_age(limit: Limit) -> float:
    return limit.ages[1] if limit.ages else float("inf")


def _edges(limits: tuple[Limit, ...]) -> tuple[list[float], list[float]]:
    low = [limit.value for limit in limits if limit.op.startswith("<")]
    return low, [limit.value for limit in limits if limit.op.startswith(">")]


BAND_CHECKS: tuple[Callable[[Rules], Iterator[str]], ...] = (
    _sides_do_not_cross,
    _limits_are_plausible,
    _a_side_has_one_edge,
    _ages_leave_no_gap,
    _both_sexes_have_an_edge,
    _alarm_lies_outside_referral,
)
