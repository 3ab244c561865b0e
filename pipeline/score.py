"""Floor 5. Places every value against three sets of limits side by side, without mixing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, certain, ruled_out
from pipeline.model import Band, Limit, LimitSet

# A band as a code, so that a million visits fit in bytes.
BANDS = (None, Band.WITHIN, Band.LOW, Band.HIGH, Band.UNDETERMINED)
NONE, WITHIN, LOW, HIGH, UNDETERMINED = range(5)
Codes = np.ndarray[Any, np.dtype[np.int8]]

_ACUTE = ("hs_crp", "ferritin", "cortisol_serum_am", "ft3_rt3")
_HORMONE_THERAPY = ("testosterone_total", "testosterone_free", "shbg", "androstenedione", "dheas")
_HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The bands of each marker at every visit (codes into ``BANDS``), and why some are empty.

    ``counts``: outside the reference interval on the side that is judged. ``notes``: a word and
    where it applies, for each marker.
    """

    laboratory: Mapping[str, Codes]
    guideline: Mapping[str, Codes]
    functional: Mapping[str, Codes]
    critical: Mapping[str, Codes]
    refer: Mapping[str, Codes]
    counts: Mapping[str, np.ndarray[Any, Any]]
    notes: Mapping[str, tuple[tuple[str, np.ndarray[Any, Any]], ...]]


def score_markers(visits: Visits, other_reading: Visits | None = None) -> Scores:
    """Return the bands of every marker of ``visits``.

    ``other_reading`` has the same visits with insulin read by the laboratory's other unit factor:
    a functional judgement that differs between both is undetermined.
    """
    sets: dict[str, dict[str, Any]] = {name: {} for name in Scores.__slots__}
    for marker, column in visits.columns.items():
        notes = _notes(column, visits)
        judged = column.known & ~_unjudged(notes, len(visits))
        scored = _score(column.where(judged))
        if other_reading is not None:
            other = _functional(other_reading.column(marker).where(judged))
            differs = scored["functional"] != other
            scored["functional"] = np.where(differs, UNDETERMINED, scored["functional"])
        scored["functional"] = np.where(
            _functional_blank(notes, len(visits)), NONE, scored["functional"]
        )
        for name, values in {**scored, "notes": notes}.items():
            sets[name][marker] = values
    return Scores(**sets)


def metabolic_syndrome(visits: Visits) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return how many of the five harmonised criteria are met and known. Source: S42."""
    waist = visits.column("waist").beyond("signal-waist")
    triglycerides = visits.column("triglycerides").beyond("mets-triglycerides")
    hdl = visits.column("hdl").beyond("mets-hdl")
    pressure = _either(
        visits.column("sbp").beyond("signal-sbp"), visits.column("dbp").beyond("signal-dbp")
    )
    glucose = visits.column("glucose_fasting").beyond("mets-fpg")
    drugs = [visits.yes(key) for key in ("tg_drug", "hdl_drug", "bp_drug", "glucose_drug")]
    values = (triglycerides, hdl, pressure, glucose)
    criteria = [waist, *(_either(a, b) for a, b in zip(values, drugs, strict=True))]
    met = np.sum([certain(criterion) for criterion in criteria], axis=0)
    known = np.sum([~criterion.isna() for criterion in criteria], axis=0)
    return met, known


def _either(first: BooleanArray, second: BooleanArray) -> BooleanArray:
    """Return yes where one is; a drug that is not stated counts as absent."""
    yes = certain(first) | certain(second)
    return BooleanArray(yes, first.isna() & ~yes)


def _score(column: Column) -> dict[str, Codes]:
    rules, marker = column.rules, column.marker
    measured = rules.markers[marker].kind == "measured"
    reported = column.row >= 0
    laboratory = _laboratory(column) if measured else np.zeros(len(column.low), dtype=np.int8)
    laboratory = np.where(reported, laboratory, NONE)
    guideline = band_codes(column, rules.all_limits_of(marker, LimitSet.GUIDELINE))
    judged = np.where(laboratory == NONE, guideline, laboratory)
    return {
        "laboratory": laboratory,
        "guideline": guideline,
        "functional": _functional(column),
        "critical": _only_beyond(column, LimitSet.CRITICAL),
        "refer": _only_beyond(column, LimitSet.REFER),
        "counts": _on_judged_side(judged, rules.markers[marker].direction),
    }


def band_codes(column: Column, limits: tuple[Limit, ...]) -> Codes:
    """Return the band of each value against ``limits``; none where none of them holds."""
    low, high = (_beyond_side(column, limits, side) for side in (Band.LOW, Band.HIGH))
    return _codes(low, high, judged=column.known & _covered(column, limits))


def _beyond_side(column: Column, limits: tuple[Limit, ...], side: Band) -> BooleanArray:
    """Return whether a value lies beyond a limit on ``side``: no, where there is none."""
    on_side = tuple(limit for limit in limits if limit.side == side)
    answer = column.beyond_any(on_side)
    return BooleanArray(certain(answer), answer.isna() & _covered(column, on_side))


def _covered(column: Column, limits: tuple[Limit, ...]) -> np.ndarray[Any, Any]:
    covered = [column.people.covered_by(limit) for limit in limits]
    return np.any(covered, axis=0) if covered else np.zeros(len(column.low), dtype=bool)


def _codes(low: BooleanArray, high: BooleanArray, *, judged: Any) -> Codes:
    choices = [~judged, certain(high), certain(low), low.isna() | high.isna()]
    return np.select(choices, [NONE, HIGH, LOW, UNDETERMINED], WITHIN).astype(np.int8)


def _laboratory(column: Column) -> Codes:
    """Return the band against the laboratory's own interval, else the fallback."""
    return _codes(column.lowered(), column.raised(), judged=column.known & column.has_interval)


def _functional(column: Column) -> Codes:
    """Return the band against the practice's target; a ratio in the unit zone is undetermined."""
    limits = column.rules.all_limits_of(column.marker, LimitSet.FUNCTIONAL)
    codes = band_codes(column, limits)
    if column.marker != "tg_hdl_molar":
        return codes
    return np.where(_in_unit_zone(column), UNDETERMINED, codes).astype(np.int8)


def _in_unit_zone(column: Column) -> np.ndarray[Any, Any]:
    """Return where 1.5 is exceeded only if the ratio is reckoned in mg/dL. Source: section 3.8."""
    return certain(column.beyond("tg-hdl-zone")) & ~certain(column.beyond("tg-hdl-raised"))


def _only_beyond(column: Column, set: LimitSet) -> Codes:
    codes = band_codes(column, column.rules.all_limits_of(column.marker, set))
    return np.where((codes == LOW) | (codes == HIGH), codes, NONE).astype(np.int8)


def _on_judged_side(codes: Codes, direction: str) -> np.ndarray[Any, Any]:
    sides = {"high_bad": (HIGH,), "low_bad": (LOW,), "both": (LOW, HIGH)}
    return np.isin(codes, sides[direction])


# What weakens or forbids a judgement.

_FORBID = ("unreliable-medication", "cgm-insufficient", "sex-hormone-therapy", "oestrogen")
_BLANK = ("acute-illness",)


def _unjudged(notes: tuple[tuple[str, Any], ...], count: int) -> np.ndarray[Any, Any]:
    return _where_noted(notes, _FORBID, count)


def _functional_blank(notes: tuple[tuple[str, Any], ...], count: int) -> np.ndarray[Any, Any]:
    return _where_noted(notes, _BLANK, count)


def _where_noted(
    notes: tuple[tuple[str, Any], ...], words: tuple[str, ...], count: int
) -> np.ndarray[Any, Any]:
    where = np.zeros(count, dtype=bool)
    for word, at in notes:
        if word in words:
            where |= at
    return where


def _notes(column: Column, visits: Visits) -> tuple[tuple[str, np.ndarray[Any, Any]], ...]:
    """Return the words that apply to a marker somewhere, and where."""
    found = [(word, column.known & where) for word, where in _conditions(column, visits)]
    return tuple((word, where) for word, where in found if where.any())


def _conditions(column: Column, visits: Visits) -> list[tuple[str, np.ndarray[Any, Any]]]:
    marker = column.rules.markers[column.marker]
    everywhere = np.ones(len(visits), dtype=bool)
    return [
        ("biotin", certain(visits.yes("biotin_last_72h")) & bool(marker.biotin)),
        ("haemolysis", _haemolysed(column, visits)),
        ("acute-illness", _acutely_ill(visits) & _is_acute(column.marker)),
        ("pregnancy", certain(visits.yes("pregnant"))),
        ("unreliable-medication", _on_hypoglycaemics(visits) & (column.marker == "homa_ir")),
        ("cgm-insufficient", _cgm_insufficient(visits) & (marker.domain == "cgm")),
        (
            "sex-hormone-therapy",
            certain(visits.yes("sex_hormone_therapy")) & (column.marker in _HORMONE_THERAPY),
        ),
        (
            "oestrogen",
            certain(visits.yes("oestrogen_use")) & (column.marker == "cortisol_serum_am"),
        ),
        ("unjudged-age", (visits.people.age < 35) & (column.marker == "fib4")),
        ("unit-zone", _in_unit_zone(column) & (column.marker == "tg_hdl_molar")),
        ("from-ogtt", _taken_from_ogtt(column, visits) & everywhere),
    ]


def _haemolysed(column: Column, visits: Visits) -> np.ndarray[Any, Any]:
    if not column.marker.startswith("insulin_") and column.marker not in ("potassium", "ast"):
        return np.zeros(len(visits), dtype=bool)
    return visits.of_row("haemolysed", column)


def _acutely_ill(visits: Visits) -> np.ndarray[Any, Any]:
    return certain(visits.yes("acute_illness_14d")) | certain(visits.yes("vaccination_14d"))


def _is_acute(marker: str) -> bool:
    return marker in _ACUTE or marker.startswith("glucose_")


def _on_hypoglycaemics(visits: Visits) -> np.ndarray[Any, Any]:
    return np.any([certain(visits.yes(group)) for group in _HYPOGLYCAEMIC], axis=0)


def _cgm_insufficient(visits: Visits) -> np.ndarray[Any, Any]:
    return ruled_out(visits.column("cgm_active").beyond("cgm-active"))


def _taken_from_ogtt(column: Column, visits: Visits) -> np.ndarray[Any, Any]:
    markers = visits.rows["marker"].to_numpy(object)
    if not len(markers) or not column.marker.endswith("_fasting"):
        return np.zeros(len(visits), dtype=bool)
    return (column.row >= 0) & (markers[column.row] != column.marker)
