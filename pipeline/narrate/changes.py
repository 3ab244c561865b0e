"""Middle floor. A change between two visits, as a percentage that says whether it is real."""

from collections.abc import Iterable, Mapping
from typing import Literal

from pipeline.language import NO_BREAK_SPACE, Quantity
from pipeline.model import Change, Visit
from pipeline.narrate.telling import Telling

Direction = Literal["fell", "rose", "within", "unjudged"]
_SIGNS: Mapping[Direction, str] = {"fell": "↓", "rose": "↑", "within": "≈", "unjudged": "?"}
_BODY = "anthropometry"
# Why a change cannot be judged, each with its letter; a plain "?" is an unknown variation.
_LETTERS = {
    "different-method": "a",
    "different-unit-factor": "b",
    "censored": "c",
    "medication": "d",
}


def change_of(
    telling: Telling, marker: str, visit: Visit, against: Literal["previous", "first"]
) -> Change | None:
    """Return how a marker changed up to a visit; None where there is nothing to compare it with."""
    return telling.changes.get((marker, visit.date, against))


def since_first(telling: Telling) -> tuple[Change, ...]:
    """Return the changes of the last visit against the first, in the order of the markers.

    Where a marker's first value is also its previous one, there is only the change against that.
    """
    changes = (
        change_of(telling, marker, telling.last, "first")
        or change_of(telling, marker, telling.last, "previous")
        for marker in telling.rules.markers
    )
    return tuple(change for change in changes if change)


def direction_of(change: Change) -> Direction:
    """Return which way a marker went; "within" its variation, "unjudged" where that is unknown."""
    if change.real is None:
        return "unjudged"
    if not change.real:
        return "within"
    return "fell" if change.end_value < change.start_value else "rose"


def is_of_body(telling: Telling, change: Change) -> bool:
    """Return whether a change is one of weight, waist and their like."""
    return telling.rules.markers[change.marker].domain == _BODY


def of_body(telling: Telling, changes: Iterable[Change]) -> list[Change]:
    """Return those of weight, waist and their like: told plainly, their variation is not known."""
    return [
        change
        for change in changes
        if is_of_body(telling, change) and direction_of(change) == "unjudged" and change.percent
    ]


def change_in_figures(telling: Telling, change: Change | None) -> str:
    """Return "−65 % ↓" for a real change, "−3 % ≈" for none, "−24 % ?" where that is not known.

    A reason other than an unknown variation is a letter, which ``change_legend`` explains. Without
    a change to tell there is "".
    """
    if change is None:
        return ""
    figures = percent_of(telling, change) if change.percent is not None else ""
    letter = _LETTERS.get(change.reason)
    parts = (figures, _SIGNS[direction_of(change)], f"({letter})" if letter else "")
    return NO_BREAK_SPACE.join(part for part in parts if part)


def change_legend(telling: Telling, key: str, changes: Iterable[Change | None]) -> str:
    """Return the legend of ``key`` and, behind it, what the letters at these changes say."""
    reasons = {change.reason for change in changes if change}
    letters = "; ".join(
        f"({letter}): {telling.language.text(f'reasons.change.{reason}')}"
        for reason, letter in _LETTERS.items()
        if reason in reasons
    )
    legend = telling.language.text(key)
    return f"{legend} {letters}." if letters else legend


def percent_of(telling: Telling, change: Change) -> str:
    """Return the change as a signed percentage without decimals; "?" where there is none."""
    if change.percent is None:
        return "?"
    percent = Quantity(value=change.percent, decimals=0, unit="%", signed=True)
    return telling.language.quantity(percent)
