"""Middle floor. The road from insulin-sensitive to decompensation, with where a person stands."""

from collections.abc import Iterator, Mapping

from pipeline.model import Visit
from pipeline.narrate.label import phase_key
from pipeline.narrate.telling import Telling
from pipeline.story import Road

_STOPS = ("sensitive", "compensation", "between", "decompensation")
_OF_PHASES: Mapping[str, str] = {
    "insulin_sensitive": "sensitive",
    "compensation": "compensation",
    "decompensation_prediabetes": "decompensation",
    "decompensation_t2d": "decompensation",
}
_BETWEEN = "early_decompensation"  # beyond one guideline's limit, and not beyond another's


def road(telling: Telling) -> Iterator[Road]:
    """Yield the road, where the phase of the last visit has a place on it."""
    places = [_place(telling, visit) for visit in telling.interpretation.visits]
    now, before = places[-1], places[-2] if len(places) > 1 else None
    if now is None:
        return
    say = telling.language.text
    yield Road(
        caption=say("client.road.caption"),
        stops=tuple(say(f"client.road.{stop}") for stop in _STOPS),
        now=now,
        before=before if before != now else None,
        now_label=say("client.road.now"),
        before_label=say("client.road.before"),
    )


def _place(telling: Telling, visit: Visit) -> int | None:
    """Return the stop at which a visit stands; None where its phase could not be determined."""
    if phase_key(telling, visit) == _BETWEEN:
        return _STOPS.index("between")
    stop = _OF_PHASES.get(visit.phase.id)
    return None if stop is None else _STOPS.index(stop)
