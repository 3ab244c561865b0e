"""Floor 5. The classes that the phase rules look at, made from the columns of the visits.

Source: specification, section 7.1. Whatever is unknown counts as absent here; what was missing or
excluded is said by ``reasoning``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import BooleanArray

from pipeline.columns import Column, Visits, any_of, certain, ruled_out, tristate

Where = np.ndarray[Any, np.dtype[np.bool_]]
_HYPOGLYCAEMIC = ("insulin", "sulfonylurea", "glinide")
_I_CLASSES = ("I?", "I0", "I1", "I2")  # from the mildest
_HALF_YEAR = pd.Timedelta(days=183)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What the rules look at, one array each: G and I class, supporting signals, confounders.

    ``g``: G?, G0, G1, G2A, G2W, G3; ``i``: I?, I0, I1, I2. All others are yes or no.
    """

    g: np.ndarray[Any, Any]
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


def classify(visits: Visits, other_reading: Visits | None = None) -> Classes:
    """Return the classes of every visit.

    ``other_reading`` has insulin read by the other unit factor: where its I-class differs, the
    milder one counts and the visit is marked.
    """
    i = _i_class(visits)
    unit_sensitive = np.zeros(len(visits), dtype=bool)
    if other_reading is not None:
        other = _i_class(other_reading)
        unit_sensitive = (other != i) | _target_differs(visits, other_reading)
        i = np.minimum(i, other)
    signals = supporting_signals(visits).values()
    return Classes(
        g=g_class(visits),
        i=np.array(_I_CLASSES, dtype=object)[i],
        supporting=np.sum([certain(signal) for signal in signals], axis=0),
        supporting_known=np.sum([~signal.isna() for signal in signals], axis=0),
        low_glucose=_any_plasma(visits, "gl"),
        very_low_glucose=_any_plasma(visits, "low"),
        random_raised=_random_raised(visits),
        blocked=_blocked(visits),
        confirmed=_confirmed(visits),
        unit_sensitive=unit_sensitive,
        only_fasting_glucose=_only_fasting_glucose(visits),
        repeated=_repeated(visits, i),
        context_known=_context_known(visits),
        biotin_unknown=visits.yes("biotin_last_72h").isna(),
        cross_check_failed=_cross_check_failed(visits),
        **_confounders(visits),
    )


# Glucose.


def g_class(visits: Visits) -> np.ndarray[Any, Any]:
    """Return G3, G2W, G2A, G1, G0 or G? of every visit: the worst that is certain."""
    fasting, two_hours, hba1c = _glucose_measures(visits)
    random = visits.column("glucose_random")
    asked = {
        "G3": (
            (fasting, "g3-fpg"),
            (two_hours, "g3-2h"),
            (hba1c, "g3-hba1c"),
            (random, "g3-random"),
        ),
        "G2W": ((fasting, "g2w-fpg"), (two_hours, "g2w-2h")),
        "G2A": ((fasting, "g2a-fpg"), (hba1c, "g2a-hba1c")),
        "G1": ((hba1c, "g1-hba1c"),),
    }
    choices: list[tuple[Where, str]] = []
    for level, questions in asked.items():
        answers = [(column, column.beyond(limit)) for column, limit in questions]
        reached = np.any([certain(answer) for _, answer in answers], axis=0)
        straddles = np.any([column.known & answer.isna() for column, answer in answers], axis=0)
        choices += [(reached, level), (straddles, "G?")]
    choices.append((fasting.known | two_hours.known | hba1c.known, "G0"))
    return np.select([at for at, _ in choices], [name for _, name in choices], "G?").astype(object)


def _glucose_measures(visits: Visits) -> tuple[Column, Column, Column]:
    """Return fasting glucose, glucose two hours into a fasting OGTT, and a reliable HbA1c."""
    fasting_ogtt = certain(visits.yes("ogtt_began_fasting"))
    return (
        visits.column("glucose_fasting"),
        visits.column("glucose_ogtt_120").where(fasting_ogtt),
        visits.column("hba1c").where(~hba1c_unreliable(visits)),
    )


def hba1c_unreliable(visits: Visits) -> Where:
    """Return where something else than glucose is known to change HbA1c. Source: section 2.

    Of ferritin only a low one counts: iron deficiency distorts HbA1c, a raised ferritin does not.
    """
    blood = [visits.column(marker) for marker in ("haemoglobin", "mcv")]
    signs = [column.raised() for column in blood] + [column.lowered() for column in blood]
    signs += [
        visits.column("ferritin").lowered(),
        visits.column("egfr").beyond("sf-14-egfr-30"),
        visits.yes("transfusion_3m"),
        visits.yes("haemoglobin_variant"),
    ]
    return np.any([certain(sign) for sign in signs], axis=0)


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


def _confirmed(visits: Visits) -> Where:
    """Return where two values of different kind or date are in the diabetes range.

    A random one with symptoms of hyperglycaemia confirms by itself.
    """
    fasting, two_hours, hba1c = _glucose_measures(visits)
    random = certain(visits.column("glucose_random").beyond("g3-random"))
    kinds = [
        certain(fasting.beyond("g3-fpg")),
        certain(two_hours.beyond("g3-2h")),
        certain(hba1c.beyond("g3-hba1c")),
        random,
    ]
    count = np.sum(kinds, axis=0)
    earlier = pd.Series(count).groupby(visits.table["case_id"].to_numpy()).cumsum() - count
    symptoms = any_of(
        [visits.yes(word) for word in ("hyperglycaemia_symptoms", "polyuria", "polydipsia")]
    )
    confirmed = (count >= 2) | ((count >= 1) & (earlier.to_numpy() >= 1))
    return confirmed | (random & certain(symptoms))


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
    return tristate(certain(answer), ~answer.isna() & (visits.people.sex == "F"))


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
    table = visits.table.assign(i=i)
    before = table.groupby("case_id")[["date", "i"]].shift(1)
    recent = (table["date"] - before["date"]) <= _HALF_YEAR
    again = (recent & (before["i"] == table["i"]) & (table["i"] > 0)).to_numpy(bool)
    return again | _ogtt_on_another_day(visits)


def _ogtt_on_another_day(visits: Visits) -> Where:
    """Return where fasting samples and an OGTT of another date both say I2."""
    fasting, ogtt = (_date_of(visits, marker) for marker in ("insulin_fasting", "insulin_ogtt_120"))
    by_ogtt = np.any([certain(answer) for answer in _ogtt_answers(visits)], axis=0)
    by_homa = certain(visits.column("homa_ir").beyond("i2-homa"))
    return by_ogtt & by_homa & ~np.isnat(fasting) & ~np.isnat(ogtt) & (fasting != ogtt)


def _date_of(visits: Visits, marker: str) -> np.ndarray[Any, Any]:
    dates, row = visits.rows["date"].to_numpy(), visits.column(marker).row
    nothing = np.full(len(row), np.datetime64("NaT"), dtype="datetime64[ns]")
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
    noted = rows[rows["notes"] != ""]
    failed = noted.loc[noted["notes"].str.contains("cross-check-failed"), "visit"]
    return np.isin(np.arange(len(visits)), failed)


# Why, for the visit that is shown.


def reasoning(visits: Visits, at: int) -> Mapping[str, tuple[Any, ...]]:
    """Return what was present, missing, and excluded (and why) for the phase of one visit."""
    needed = ("glucose_fasting", "insulin_fasting", "homa_ir", "hba1c", "glucose_ogtt_120")
    present = tuple(m for m in needed if visits.column(m).known[at])
    excluded = tuple(_excluded(visits, at))
    gone = {marker for marker, _ in excluded}
    missing = tuple(m for m in needed if m not in present and m not in gone)
    return {
        "present": tuple(m for m in present if m not in gone),
        "missing": missing,
        "excluded": excluded,
    }


def _excluded(visits: Visits, at: int) -> list[tuple[str, str]]:
    rows = visits.rows[visits.rows["visit"] == at]
    found = [
        (analyte.replace("_random", "_fasting"), "not-fasting")
        for analyte in dict.fromkeys(rows.loc[rows["promoted"], "marker"])
    ]
    if visits.column("hba1c").known[at] and hba1c_unreliable(visits)[at]:
        found.append(("hba1c", "hba1c-unreliable"))
    ogtt = visits.column("glucose_ogtt_120").known[at]
    if ogtt and not certain(visits.yes("ogtt_began_fasting"))[at]:
        found.append(("glucose_ogtt_120", "ogtt-not-fasting"))
    if certain(visits.yes("biotin_last_72h"))[at] and visits.column("insulin_fasting").known[at]:
        found.append(("insulin_fasting", "biotin"))
    return found
