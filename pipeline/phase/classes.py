"""Middle floor. The classes that the phase rules look at, made from the columns of the visits.

Source: specification, section 7.1. Whatever is unknown counts as absent here; what was missing or
excluded is said by ``reasoning``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from pandas.arrays import BooleanArray

from pipeline.columns import (
    Column,
    Visits,
    any_of,
    certain,
    ruled_out,
    tristate,
)

Where = np.ndarray[Any, np.dtype[np.bool_]]
_HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")
_I_CLASSES = ("I?", "I0", "I1", "I2")  # from the mildest
_G_CLASSES = ("G?", "G0", "G1", "G2A", "G2W", "G3")  # from the mildest
_HALF_YEAR = np.timedelta64(183, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What the rules look at, one array each: G and I class, supporting signals, confounders.

    ``g``: G?, G0, G1, G2A, G2W, G3; ``i``: I?, I0, I1, I2. All others are yes or no.
    """

    g: np.ndarray[Any, Any]
    diabetes_range: BooleanArray  # whether G3 holds; unknown where a bound leaves it open
    i: np.ndarray[Any, Any]
    supporting: np.ndarray[Any, Any]
    supporting_known: np.ndarray[Any, Any]
    low_glucose: Where  # GL
    very_low_glucose: Where
    random_raised: Where
    blocked: Where  # an OGTT, CGM or random value that forbids rule 11
    pregnant: Where
    known_diabetes: np.ndarray[Any, Any]
    medicated: Where
    hypoglycaemic: Where  # on insulin, sulfonylurea or glinide
    steroid: Where
    ill: Where
    confirmed: Where  # two T2D-range values, or a random one with symptoms
    unit_sensitive: Where
    only_fasting_glucose: Where
    repeated: Where  # the same I-class on another day within six months
    context_known: Where
    biotin_unknown: Where
    cross_check_failed: Where


def classify(readings: Sequence[Visits], other_reading: Visits | None = None) -> Classes:
    """Return the classes of every visit.

    ``readings``: the visits by their last results, then by earlier ones; glucose is classified by
    the worst of all. ``other_reading`` has insulin read by the other unit factor: where its I-class
    differs, the milder one counts and the visit is marked.
    """
    visits = readings[0]
    i = _i_class(visits)
    unit_sensitive = np.zeros(len(visits), dtype=bool)
    if other_reading is not None:
        other = _i_class(other_reading)
        unit_sensitive = (other != i) | _target_differs(visits, other_reading)
        i = np.minimum(i, other)
    signals = supporting_signals(visits).values()
    return Classes(
        **_glucose_classes(readings),
        i=np.array(_I_CLASSES)[i],
        supporting=_count(certain(signal) for signal in signals),
        supporting_known=_count(~signal.isna() for signal in signals),
        unit_sensitive=unit_sensitive,
        only_fasting_glucose=_only_fasting_glucose(visits),
        repeated=_repeated(visits, i),
        context_known=_context_known(visits),
        biotin_unknown=visits.yes("biotin_last_72h").isna(),
        cross_check_failed=_cross_check_failed(visits),
        **_confounders(visits),
    )


def _count(answers: Iterable[Where]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Return how many of a few answers hold."""
    return reduce(add, (answer.astype(np.int8) for answer in answers))


# Glucose.


def _glucose_classes(readings: Sequence[Visits]) -> dict[str, Any]:
    """Return what is decided by glucose and HbA1c: the worst of all results of a visit."""

    def anywhere(ask: Callable[[Visits], Where]) -> Where:
        return np.any([ask(reading) for reading in readings], axis=0)

    g = np.max([_g_class(reading) for reading in readings], axis=0)
    return {
        "g": np.array(_G_CLASSES)[g],
        "diabetes_range": _diabetes_range(readings, g),
        "low_glucose": anywhere(lambda reading: _any_plasma(reading, "gl")),
        "very_low_glucose": anywhere(lambda reading: _any_plasma(reading, "low")),
        "random_raised": anywhere(_random_raised),
        "blocked": anywhere(_blocked),
        "confirmed": _confirmed(readings),
    }


def _g_class(visits: Visits) -> np.ndarray[Any, Any]:
    """Return the position in ``_G_CLASSES`` of every visit: the worst class that is certain.

    A bound that leaves a class open makes G0 and G1 unknown, but takes nothing from a class above.
    """
    fasting, two_hours, hba1c = _glucose_measures(visits)
    prediabetes = {
        "G2W": ((fasting, "g2w-fpg"), (two_hours, "g2w-2h")),
        "G2A": ((fasting, "g2a-fpg"), (hba1c, "g2a-hba1c")),
    }
    asked = {"G3": _diabetes_questions(visits), **prediabetes, "G1": ((hba1c, "g1-hba1c"),)}
    choices = [(_holds(asked[level]), level) for level in ("G3", "G2W", "G2A")]
    choices.append((np.any([_open(asked[x]) for x in ("G3", "G2W", "G2A")], axis=0), "G?"))
    choices += [(_holds(asked["G1"]), "G1"), (_open(asked["G1"]), "G?")]
    choices.append((fasting.known | two_hours.known | hba1c.known, "G0"))
    places = [_G_CLASSES.index(level) for _, level in choices]
    return np.select([at for at, _ in choices], places, _G_CLASSES.index("G?"))


_Questions = Sequence[tuple[Column, str]]


def _diabetes_questions(visits: Visits) -> _Questions:
    fasting, two_hours, hba1c = _glucose_measures(visits)
    random = visits.column("glucose_random")
    return (
        (fasting, "g3-fpg"),
        (two_hours, "g3-2h"),
        (hba1c, "g3-hba1c"),
        (random, "g3-random"),
    )


def _holds(questions: _Questions) -> Where:
    return np.any([certain(column.beyond(limit)) for column, limit in questions], axis=0)


def _open(questions: _Questions) -> Where:
    """Return where a value is known only by a bound that lies on both sides of its limit."""
    answers = [column.known & column.beyond(limit).isna() for column, limit in questions]
    return np.any(answers, axis=0)


def _diabetes_range(readings: Sequence[Visits], g: np.ndarray[Any, Any]) -> BooleanArray:
    yes = g == _G_CLASSES.index("G3")
    asked = [_diabetes_questions(reading) for reading in readings]
    known = np.any([column.known for questions in asked for column, _ in questions], axis=0)
    straddles = np.any([_open(questions) for questions in asked], axis=0)
    return tristate(yes, yes | (known & ~straddles))


def _glucose_measures(visits: Visits) -> tuple[Column, Column, Column]:
    """Return fasting glucose, glucose two hours into a fasting OGTT, and a reliable HbA1c."""
    fasting_ogtt = certain(visits.yes("ogtt_began_fasting"))
    return (
        visits.column("glucose_fasting"),
        visits.column("glucose_ogtt_120").where(fasting_ogtt),
        visits.column("hba1c").where(~visits.hba1c_unreliable),
    )


def _any_plasma(visits: Visits, limit: str) -> Where:
    """Return where a fasting or a random plasma glucose is beyond the two limits named."""
    fasting = visits.column("glucose_fasting").beyond(f"{limit}-fasting")
    return certain(fasting) | certain(visits.column("glucose_random").beyond(f"{limit}-random"))


def _random_raised(visits: Visits) -> Where:
    random = visits.column("glucose_random")
    return certain(random.beyond("random-raised")) & ruled_out(random.beyond("g3-random"))


def _blocked(visits: Visits) -> Where:
    """Return where an OGTT, a CGM or a random value forbids to call a person insulin-sensitive."""
    enough = certain(visits.column("cgm_active").beyond("cgm-active"))
    above = certain(visits.column("cgm_tar").beyond("cgm-tar-block"))
    mean = certain(visits.column("cgm_mean").beyond("cgm-mean-block"))
    peak = certain(visits.column("glucose_ogtt_60").beyond("ogtt-60-block"))
    return _random_raised(visits) | peak | (enough & (above | mean))


def _confirmed(readings: Sequence[Visits]) -> Where:
    """Return where two values of different kind or date are in the diabetes range.

    A random one with symptoms of hyperglycaemia confirms by itself.
    """
    last = readings[0]
    count = np.sum(
        [_diabetes_values(reading, last, first=not n) for n, reading in enumerate(readings)], axis=0
    )
    earlier = last.before(count)
    symptoms = any_of(
        [last.yes(word) for word in ("hyperglycaemia_symptoms", "polyuria", "polydipsia")]
    )
    random = np.any(
        [certain(reading.column("glucose_random").beyond("g3-random")) for reading in readings],
        axis=0,
    )
    confirmed = (count >= 2) | ((count >= 1) & (earlier >= 1))
    return confirmed | (random & certain(symptoms))


def _diabetes_values(reading: Visits, last: Visits, *, first: bool) -> np.ndarray[Any, Any]:
    """Return how many kinds are in the diabetes range; of earlier readings those of other dates."""
    dates = reading.rows["date"].to_numpy()
    count = np.zeros(len(reading), dtype=int)
    for column, limit in _diabetes_questions(reading):
        there = certain(column.beyond(limit))
        if not first:
            row, newer = column.row, last.column(column.marker).row
            there &= (row >= 0) & (newer >= 0) & (dates[row] != dates[newer])
        count += there
    return count


# Insulin.


def _i_class(visits: Visits) -> np.ndarray[Any, Any]:
    """Return the position in ``_I_CLASSES`` of every visit."""
    matsuda, two_hours = _ogtt_answers(visits)
    homa, insulin = visits.column("homa_ir"), visits.column("insulin_fasting")
    clearly = certain(any_of([homa.beyond("i2-homa"), matsuda, two_hours]))
    slightly = certain(any_of([homa.beyond("i1-homa"), insulin.beyond("i1-insulin")]))
    normal = ruled_out(homa.beyond("i1-homa")) & ruled_out(insulin.beyond("i1-insulin"))
    normal &= ~_censored_ogtt(visits) & ~certain(visits.yes("biotin_last_72h"))
    return np.select([clearly, slightly, normal], [3, 2, 1], 0)


def _ogtt_answers(visits: Visits) -> tuple[BooleanArray, BooleanArray]:
    """Return whether Matsuda and the two-hour insulin of a fasting OGTT say I2."""
    fasting = certain(visits.yes("ogtt_began_fasting"))
    matsuda = visits.column("matsuda").beyond("i2-matsuda")
    return matsuda, visits.column("insulin_ogtt_120").where(fasting).beyond("i2-insulin-120")


def _censored_ogtt(visits: Visits) -> Where:
    """Return where a censored OGTT result leaves open whether insulin is clearly raised."""
    columns = (visits.column("matsuda"), visits.column("insulin_ogtt_120"))
    answers = _ogtt_answers(visits)
    return np.any([c.censored & a.isna() for c, a in zip(columns, answers, strict=True)], axis=0)


def _target_differs(visits: Visits, other: Visits) -> Where:
    answers = [v.column("insulin_fasting").beyond("i1-insulin") for v in (visits, other)]
    return certain(answers[0]) != certain(answers[1])


def supporting_signals(visits: Visits) -> dict[str, BooleanArray]:
    """Return the six supporting signals (five in men), each yes, no or unknown."""
    ratio, crp = visits.column("tg_hdl_molar"), visits.column("hs_crp")
    return {
        "tg_hdl": ratio.beyond("tg-hdl-raised") | ratio.beyond("tg-hdl-literature"),
        "waist": visits.column("waist").beyond("signal-waist"),
        "hs_crp": crp.beyond("signal-crp") & ~crp.beyond("signal-crp-acute"),
        "liver": visits.column("fli").beyond("signal-fli") | visits.column("alt").raised(),
        "blood_pressure": visits.column("sbp").beyond("signal-sbp")
        | visits.column("dbp").beyond("signal-dbp"),
        "shbg": _only_women(visits.column("shbg").lowered(), visits),
    }


def _only_women(answer: BooleanArray, visits: Visits) -> BooleanArray:
    return tristate(certain(answer), ~answer.isna() & visits.people.women)


# What confounds, and how certain it is.


def _confounders(visits: Visits) -> dict[str, Any]:
    steroid = certain(visits.yes("glucocorticoid"))
    early = certain(visits.number_column("postpartum_weeks").beyond("postpartum-early"))
    crp = visits.column("hs_crp").beyond("signal-crp-acute")
    lowering = certain(visits.yes("glucose_lowering")) | certain(visits.yes("glucose_drug"))
    return {
        "pregnant": certain(visits.yes("pregnant")) | early,
        "known_diabetes": visits.word("known_diabetes"),
        "medicated": lowering | steroid,
        "hypoglycaemic": np.any([certain(visits.yes(g)) for g in _HYPOGLYCAEMIC], axis=0),
        "steroid": steroid,
        "ill": certain(visits.yes("acute_illness_14d")) | certain(crp),
    }


def _only_fasting_glucose(visits: Visits) -> Where:
    fasting, two_hours, hba1c = _glucose_measures(visits)
    return fasting.known & ~two_hours.known & ~hba1c.known


def _repeated(visits: Visits, i: np.ndarray[Any, Any]) -> Where:
    """Return where the same I-class was found again on another day, within half a year."""
    dates, before = visits.table["date"].to_numpy(), np.maximum(np.arange(len(visits)) - 1, 0)
    again = (dates - dates[before] <= _HALF_YEAR) & (i[before] == i) & (i > 0)
    again[visits.first_of_person] = False
    return again | _ogtt_on_another_day(visits)


def _ogtt_on_another_day(visits: Visits) -> Where:
    """Return where fasting samples and an OGTT of another date both say I2."""
    fasting, ogtt = (_date_of(visits, marker) for marker in ("insulin_fasting", "insulin_ogtt_120"))
    by_ogtt = np.any([certain(answer) for answer in _ogtt_answers(visits)], axis=0)
    by_homa = certain(visits.column("homa_ir").beyond("i2-homa"))
    return by_ogtt & by_homa & ~np.isnat(fasting) & ~np.isnat(ogtt) & (fasting != ogtt)


def _date_of(visits: Visits, marker: str) -> np.ndarray[Any, Any]:
    dates, row = visits.rows["date"].to_numpy(), visits.column(marker).row
    nothing = np.full(len(row), np.datetime64("NaT", "ns"))
    return np.where(row >= 0, dates[row], nothing) if len(dates) else nothing


def _context_known(visits: Visits) -> Where:
    """Return where everything is stated that confidence needs."""
    known = np.ones(len(visits), dtype=bool)
    for key in visits.rules.context.values():
        if key.confidence:
            known &= visits.is_stated(key.key)
    return known


def _cross_check_failed(visits: Visits) -> Where:
    rows = visits.rows
    noted = rows.loc[rows["notes"] != "", ["notes", "visit"]]
    failed = np.zeros(len(visits), dtype=bool)
    failed[noted.loc[noted["notes"].str.contains("cross-check-failed").astype(bool), "visit"]] = (
        True
    )
    return failed


# Why, for the visit that is shown.


def reasoning(visits: Visits, at: int, *, i_class: str) -> Mapping[str, tuple[Any, ...]]:
    """Return what was present, missing, and excluded (and why) for the phase of one visit."""
    needed = ("glucose_fasting", "insulin_fasting", "homa_ir", "hba1c", "glucose_ogtt_120")
    present = tuple(m for m in needed if visits.column(m).known[at])
    excluded = tuple(_excluded(visits, at) + _excluded_insulin(visits, at, i_class))
    gone = {marker for marker, _ in excluded}
    missing = tuple(m for m in needed if m not in present and m not in gone)
    return {
        "present": tuple(m for m in present if m not in gone),
        "missing": missing,
        "excluded": excluded,
    }


def _excluded(visits: Visits, at: int) -> list[tuple[str, str]]:
    rows = visits.rows[visits.rows["visit"] == at]
    promoted = rows.loc[rows["promoted"] & ~rows["from_ogtt"], "marker"]
    found = [
        (analyte.replace("_random", "_fasting"), "not-fasting")
        for analyte in sorted(set(promoted))  # not in the order of rows, which says nothing
    ]
    if visits.column("hba1c").known[at] and visits.hba1c_unreliable[at]:
        found.append(("hba1c", "hba1c-unreliable"))
    ogtt = visits.column("glucose_ogtt_120").known[at]
    if ogtt and not certain(visits.yes("ogtt_began_fasting"))[at]:
        found.append(("glucose_ogtt_120", "ogtt-not-fasting"))
    return found


def _excluded_insulin(visits: Visits, at: int, i_class: str) -> list[tuple[str, str]]:
    """Return why an insulin that was measured gave no class; a raised class stands."""
    insulin = visits.column("insulin_fasting")
    if i_class != "I?" or not insulin.known[at]:
        return []
    if certain(visits.yes("biotin_last_72h"))[at]:
        return [("insulin_fasting", "biotin")]
    return [("insulin_fasting", "haemolysis")] if visits.of_row("haemolysed", insulin)[at] else []
