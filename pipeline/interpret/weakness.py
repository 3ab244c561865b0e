"""Order floor. Why a result bears less than its number suggests: one function a reason.

Each is given a conclusion and answers, for each of the results it rests on, yes or no.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.columns import certain
from pipeline.interpret.columns import Judged
from pipeline.normalise import PRELIMINARY

PHASE = "phase"
Markers = frozenset[str]
# Of these one value is little: hs-CRP varies, blood pressure is measured once at the office, and a
# low eGFR must last. Source: specification, sections 6 and 9.
_ONE_IS_LITTLE = ("hs_crp", "sbp", "dbp", "egfr", "creatinine", "cortisol_serum_am")
_DIABETES_RANGE = ("glucose_fasting", "glucose_random", "glucose_ogtt_120", "hba1c")
_ASKS_CLOCK_TIME = ("cortisol_serum_am", "testosterone_total", "ohp17")
_FALSELY = {"falsely_low": -1, "falsely_high": 1}
_DENIALS = ("niet", "geen", "no", "not")
_BY_HAEMOLYSIS = {"potassium": 1, "ast": 1}  # insulin is lost: -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What was concluded at a visit, and the results (rows of the visits) it rests on."""

    weakens: str
    judged: Judged
    at: int
    rows: pd.DataFrame
    is_current: bool = False  # told as what holds now, not as what held then
    as_of: dt.date = dt.date.max
    changed: Markers = field(default_factory=frozenset)  # measured otherwise at the visit before

    def stated(self, fact: str) -> bool | None:
        """Return what is stated of a fact at the visit; None where nothing is."""
        answer = self.judged.visits.yes(fact)[self.at]
        return None if answer is pd.NA else bool(answer)

    def among(self, markers: Iterable[str]) -> pd.Series:
        """Return which results are of one of ``markers``."""
        return self.rows["marker"].isin(list(markers))

    def all_if(self, holds: object) -> pd.Series:
        """Return all results where something holds, else none."""
        return pd.Series(bool(holds), index=self.rows.index)

    def oldest(self, rows: pd.DataFrame) -> int:
        """Return the age of the oldest of ``rows`` [days]."""
        return int((pd.Timestamp(self.as_of) - rows["date"].min()).days)


# When, how often, and how it was measured.


def aged(one: Conclusion) -> pd.Series:
    """Return the results that are too old for what is told as current."""
    (limit,) = one.judged.visits.rules.limits_named("reading-aged")
    days = (pd.Timestamp(one.as_of) - one.rows["date"]).dt.days
    return one.all_if(one.is_current) & (days > limit.value)


def single(one: Conclusion) -> pd.Series:
    """Return the results that were found once only, where one is little."""
    if one.weakens == PHASE:
        return one.all_if(_phase_found_once(one))
    before = one.judged.flags.raised(one.weakens)[: one.at]
    return _measured_once(one) & one.all_if(not before.any())


def _phase_found_once(one: Conclusion) -> bool:
    """Return whether the class that decides was not found again. Source: section 7.2."""
    classes, at = one.judged.phases.classes, one.at
    if classes.g[at] == "G3":
        return not classes.confirmed[at]
    if one.judged.phases.rule[at] == "4":  # decided by glucose alone
        return at == 0 or classes.g[at - 1] != "G2W"
    return not classes.repeated[at]


def _measured_once(one: Conclusion) -> pd.Series:
    rows = one.judged.visits.rows
    own = rows[(rows["visit"] == one.at) & (rows["reading"] >= 0)]
    alone = one.rows["marker"].map(own["marker"].value_counts()).astype(float) <= 1
    glucose = one.among(_DIABETES_RANGE)
    return (one.among(_ONE_IS_LITTLE) & alone) | (glucose & one.all_if(glucose.sum() == 1))


def method_changed(one: Conclusion) -> pd.Series:
    """Return the results of another laboratory or method than at the visit before."""
    return one.among(one.changed)


def unit_factor_unknown(one: Conclusion) -> pd.Series:
    """Return insulin in pmol/L of a laboratory whose factor is not known."""
    return ~one.rows["factor_known"].astype(bool)


def unit_doubtful(one: Conclusion) -> pd.Series:
    """Return the results that are so high that another unit is likelier."""
    return one.rows["notes"].str.contains("unit-doubtful", regex=False).astype(bool)


def censored(one: Conclusion) -> pd.Series:
    """Return the results of which the laboratory gave only a bound."""
    return one.rows["low"] != one.rows["high"]


def self_measured(one: Conclusion) -> pd.Series:
    """Return the results of a meter at home."""
    return (one.rows["specimen"] == "meter") | one.among(("glucose_meter",))


def preliminary(one: Conclusion) -> pd.Series:
    """Return the results that the laboratory has not made final."""
    return one.rows["status"].isin(PRELIMINARY)


def poor_sample(one: Conclusion) -> pd.Series:
    """Return the results of which the laboratory's remark says that the sample was poor."""
    words = "|".join(map(re.escape, one.judged.visits.rules.sample_words))
    denied = "".join(f"(?<!{word} )" for word in _DENIALS)
    pattern = rf"{denied}\b(?:{words})"
    return one.rows["comment"].str.contains(pattern, case=False).astype(bool)


# The sample and the person at that moment.


def not_fasting(one: Conclusion) -> pd.Series:
    """Return the results that ask for fasting, of a sample that is known not to be fasting."""
    return _asks_fasting(one) & ~one.rows["fasting"] & _hours_known(one)


def fasting_unknown(one: Conclusion) -> pd.Series:
    """Return the results that ask for fasting, where the hours are not known."""
    return _asks_fasting(one) & ~one.rows["fasting"] & ~_hours_known(one)


def _asks_fasting(one: Conclusion) -> pd.Series:
    markers = one.judged.visits.rules.markers.values()
    fasting = [marker.id for marker in markers if marker.specimen.endswith("_fasting")]
    return one.rows["promoted"] | one.among(fasting)


def _hours_known(one: Conclusion) -> pd.Series:
    hours = one.rows["fasting_hours"].astype(float)
    of_visit = one.judged.visits.number("fasting_hours")[one.at]
    return hours.notna() | one.all_if(not np.isnan(of_visit))


def clock_time(one: Conclusion) -> pd.Series:
    """Return the results that depend on the hour, without one."""
    hour = one.rows["collected_at"].astype(str).str.contains(r"[T ]\d\d:\d\d")
    return one.among(_ASKS_CLOCK_TIME) & ~hour


def haemolysis(one: Conclusion) -> pd.Series:
    """Return the results of a haemolysed sample that it may have pushed to where they lie."""
    insulin = {m: -1 for m in one.judged.visits.rules.markers if m.startswith("insulin_")}
    return one.rows["haemolysed"] & _may_be_pushed(one, {**insulin, **_BY_HAEMOLYSIS})


def biotin(one: Conclusion) -> pd.Series:
    """Return the immunoassays that biotin, which was taken, may have pushed to where they lie."""
    return one.all_if(one.stated("biotin_last_72h") is True) & _by_biotin(one)


def biotin_unknown(one: Conclusion) -> pd.Series:
    """Return the same immunoassays, where it is not known whether biotin was taken."""
    return one.all_if(one.stated("biotin_last_72h") is None) & _by_biotin(one)


def _by_biotin(one: Conclusion) -> pd.Series:
    markers = one.judged.visits.rules.markers.values()
    return _may_be_pushed(one, {m.id: _FALSELY[m.biotin] for m in markers if m.biotin})


def _may_be_pushed(one: Conclusion, pushes: Mapping[str, int]) -> pd.Series:
    """Return the results that ``pushes`` (1: upwards, -1: down) may have brought where they lie.

    A raised value that is falsely low stays raised: that takes nothing from a flag. Of the phase it
    counts always, since the class may be higher still.
    """
    pushed = one.among(pushes)
    if one.weakens == PHASE:
        return pushed
    sides = one.rows["marker"].astype(str).map({m: _side(one, m) for m in one.rows["marker"]})
    return pushed & (sides != -one.rows["marker"].astype(str).map(pushes))


def _side(one: Conclusion, marker: str) -> int:
    """Return 1 where a value lies above its interval, -1 where below, else 0."""
    column = one.judged.visits.column(marker)
    return int(certain(column.raised())[one.at]) - int(certain(column.lowered())[one.at])


def acute_illness(one: Conclusion) -> pd.Series:
    """Return the results that illness or vaccination changes; all of them for the phase.

    That hs-CRP itself is high makes no reservation about hs-CRP.
    """
    stated = [one.stated(fact) for fact in ("acute_illness_14d", "vaccination_14d")]
    if one.weakens == PHASE:
        return one.all_if(True in stated or one.judged.phases.classes.ill[one.at])
    noted = [m for m in one.rows["marker"] if _is_noted(one, m)]
    return one.among(noted) & (one.all_if(True in stated) | ~one.among(("hs_crp",)))


def _is_noted(one: Conclusion, marker: str) -> bool:
    notes = one.judged.scores.notes.get(marker, ())
    return any(word == "acute-illness" and where[one.at] for word, where in notes)


REASONS: Mapping[str, Callable[[Conclusion], pd.Series]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        aged,
        single,
        haemolysis,
        biotin,
        biotin_unknown,
        not_fasting,
        fasting_unknown,
        acute_illness,
        clock_time,
        method_changed,
        unit_factor_unknown,
        unit_doubtful,
        censored,
        preliminary,
        poor_sample,
        self_measured,
    )
}
