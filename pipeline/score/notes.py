"""Middle floor. What weakens or forbids a judgement, as a word and where it applies."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.columns import Column, Visits, certain, ruled_out
from pipeline.rules.loader import Marker
from pipeline.score.bands import in_unit_zone

Where = np.ndarray[Any, np.dtype[np.bool_]]
Notes = tuple[tuple[str, Where], ...]

FORBID = ("unreliable-medication", "hba1c-unreliable", "cgm-insufficient", "sex-hormone-therapy")
BLANK = ("acute-illness",)
_ACUTE = ("hs_crp", "ferritin", "cortisol_serum_am", "ft3_rt3")
_HORMONE_THERAPY = (
    "testosterone_total",
    "testosterone_free",
    "shbg",
    "androstenedione",
    "dheas",
    "haemoglobin",
)
_HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")

# Which markers a circumstance touches, by the word that is noted.
_TOUCHES: Mapping[str, Callable[[Marker], bool]] = {
    "biotin": lambda marker: bool(marker.biotin),
    "acute-illness": lambda marker: marker.id in _ACUTE or marker.id.startswith("glucose_"),
    "pregnancy": lambda marker: True,
    "unreliable-medication": lambda marker: marker.id == "homa_ir",
    "hba1c-unreliable": lambda marker: marker.id in ("hba1c", "hba1c_ngsp", "eag"),
    "cgm-insufficient": lambda marker: marker.domain == "cgm",
    "sex-hormone-therapy": lambda marker: marker.id in _HORMONE_THERAPY,
    "oestrogen": lambda marker: marker.id == "cortisol_serum_am",
    "unjudged-age": lambda marker: marker.id == "fib4",
}


def circumstances(visits: Visits) -> dict[str, Where]:
    """Return where something holds that weakens or forbids a judgement of the visit's values."""
    oestrogen = certain(visits.yes("oestrogen_use")) | certain(visits.yes("oestrogen"))
    return {
        "biotin": certain(visits.yes("biotin_last_72h")),
        "acute-illness": _acutely_ill(visits),
        "pregnancy": certain(visits.yes("pregnant")),
        "unreliable-medication": _on_hypoglycaemics(visits),
        "hba1c-unreliable": visits.hba1c_unreliable,
        "cgm-insufficient": ~certain(visits.column("cgm_active").beyond("cgm-active")),
        "sex-hormone-therapy": certain(visits.yes("sex_hormone_therapy")),
        "oestrogen": oestrogen,
        "unjudged-age": ruled_out(visits.number_column("age").beyond("sf-12-age")),
    }


def may_weaken(marker: Marker) -> tuple[str, ...]:
    """Return the words of the circumstances that weaken or forbid a judgement of a marker."""
    return tuple(word for word, touches in _TOUCHES.items() if touches(marker))


def where_noted(notes: Notes, words: tuple[str, ...], count: int) -> Where:
    """Return at which of ``count`` visits one of ``words`` is noted."""
    where = np.zeros(count, dtype=bool)
    for word, at in notes:
        if word in words:
            where |= at
    return where


def notes_of(column: Column, visits: Visits, everywhere: Mapping[str, Where]) -> Notes:
    """Return the words that apply to a marker somewhere, and where."""
    marker = column.rules.markers[column.marker]
    touching = {word: at for word, at in everywhere.items() if _TOUCHES[word](marker)}
    noted = {**touching, **_own_circumstances(column, visits)}
    known = ((word, column.known & at) for word, at in noted.items())
    return tuple((word, at) for word, at in known if at.any())


def _own_circumstances(column: Column, visits: Visits) -> dict[str, Where]:
    """Return what weakens the judgement of this marker alone, and where."""
    found = {"from-ogtt": visits.of_row("from_ogtt", column)}
    if column.marker.startswith("insulin_") or column.marker in ("potassium", "ast"):
        found["haemolysis"] = visits.of_row("haemolysed", column)
    if column.marker == "tg_hdl_molar":
        found["unit-zone"] = in_unit_zone(column)
    return found


def _acutely_ill(visits: Visits) -> Where:
    """Return where illness or vaccination is stated, or hs-CRP is as high as in illness."""
    stated = certain(visits.yes("acute_illness_14d")) | certain(visits.yes("vaccination_14d"))
    return stated | certain(visits.column("hs_crp").beyond("signal-crp-acute"))


def _on_hypoglycaemics(visits: Visits) -> Where:
    return np.any([certain(visits.yes(group)) for group in _HYPOGLYCAEMIC], axis=0)
