"""Draws accepted rows of people who do not exist: as many as asked, the same for the same seed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.rules import load_rules

# By marker: the median, its spread and how it moves with insulin resistance (both of the
# logarithm), and the decimals a laboratory prints.
DRAWN = {
    "glucose_fasting": (5.2, 0.09, 0.10, 1),
    "insulin_fasting": (8.0, 0.40, 0.45, 1),
    "hba1c": (35.0, 0.07, 0.09, 0),
    "triglycerides": (1.2, 0.35, 0.25, 2),
    "hdl": (1.4, 0.18, -0.12, 2),
    "cholesterol_total": (5.0, 0.18, 0.02, 1),
    "creatinine": (75.0, 0.20, 0.00, 0),
    "alt": (24.0, 0.40, 0.20, 0),
    "ast": (23.0, 0.30, 0.08, 0),
    "ggt": (22.0, 0.60, 0.20, 0),
    "hs_crp": (1.1, 0.90, 0.35, 1),
    "ferritin": (90.0, 0.80, 0.15, 0),
    "tsh": (1.8, 0.50, 0.00, 2),
    "potassium": (4.2, 0.08, 0.00, 1),
    "platelets": (245.0, 0.22, 0.00, 0),
    "weight": (76.0, 0.14, 0.11, 1),
    "height": (172.0, 0.05, 0.00, 0),
    "waist": (90.0, 0.08, 0.10, 0),
    "sbp": (124.0, 0.11, 0.04, 0),
    "dbp": (77.0, 0.11, 0.03, 0),
}
_MEASURED_AGAIN = ("glucose_fasting", "insulin_fasting", "hba1c", "triglycerides")
_IN_MG_DL = ("glucose_fasting", "triglycerides", "hdl", "cholesterol_total")
_DETECTION = {"hs_crp": 0.3, "insulin_fasting": 2.0}  # below it a laboratory prints "<"
_FIRST_DAY, _DAYS, _LATER = np.datetime64("2023-01-02"), 500, 160
_MEDICINES = ("", "A10BA02", "C10AA05", "A10AB01", "A10BB09", "H02AB06")
_SYMPTOMS = ("", "fatigue", "polyuria polydipsia", "hypo_fasting", "abdominal_pain vomiting")
# By key: the words that may be stated, and how often each is.
_STATED = {
    "fasting_hours": ((10, 12), (0.5, 0.5)),
    "known_diabetes": (("none", "t2d", "t1d"), (0.93, 0.06, 0.01)),
    "biotin_last_72h": (("no", "yes"), (0.97, 0.03)),
    "acute_illness_14d": (("no", "yes"), (0.95, 0.05)),
    "pregnant": (("no", "yes"), (0.97, 0.03)),
    "medication": (_MEDICINES, (0.70, 0.12, 0.09, 0.03, 0.03, 0.03)),
    "symptoms": (_SYMPTOMS, (0.80, 0.10, 0.04, 0.03, 0.03)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """What ``interpret_columns`` takes: accepted rows, case_id/sex/birth_year, and the context."""

    rows: pd.DataFrame
    people: pd.DataFrame
    stated: pd.DataFrame


def draw_cohort(count: int, *, seed: int = 20) -> Cohort:
    """Return ``count`` people with a result of each marker of ``DRAWN``, and some more.

    One in ten comes back after five months; one in twenty has glucose repeated the day after. Some
    laboratories report in mg/dL or pmol/L, print "<", or print an interval of their own; some
    people did not fast; of some nothing is stated. Words that repeat are categories.
    """
    random = np.random.default_rng(seed)
    resistance = random.normal(size=count)
    parts = [_results(marker, resistance, random) for marker in DRAWN]
    order = np.argsort(np.concatenate([part["person"] for part in parts]), kind="stable")
    drawn = {key: np.concatenate([part[key] for part in parts])[order] for key in parts[0]}
    del parts
    return Cohort(
        rows=_accepted_rows(drawn, count),
        people=_people(count, random),
        stated=_stated(count, random),
    )


# Results, as codes and numbers.


def _results(
    marker: str, resistance: np.ndarray[Any, Any], random: np.random.Generator
) -> dict[str, np.ndarray[Any, Any]]:
    """Return who was measured (``person``), on which ``day``, and how much (``value``)."""
    count = len(resistance)
    everyone, first = np.arange(count, dtype=np.int32), _first_days(count)
    person, day = [everyone], [first]
    if marker in _MEASURED_AGAIN:
        person.append(everyone[::10])
        day.append(first[::10] + _LATER)
    if marker == "glucose_fasting":
        person.append(everyone[::20])
        day.append(first[::20] + 1)
    who = np.concatenate(person)
    return {
        "person": who,
        "day": np.concatenate(day).astype(np.int16),
        "marker": np.full(len(who), list(DRAWN).index(marker), dtype=np.int8),
        "value": _values(marker, resistance[who], random),
    }


def _first_days(count: int) -> np.ndarray[Any, Any]:
    return (np.arange(count) * 7) % _DAYS


def _values(
    marker: str, resistance: np.ndarray[Any, Any], random: np.random.Generator
) -> np.ndarray[Any, Any]:
    median, spread, moves, decimals = DRAWN[marker]
    noise = random.normal(size=len(resistance))
    return np.round(median * np.exp(moves * resistance + spread * noise), decimals)


# The same as accepted rows.


def _accepted_rows(drawn: dict[str, np.ndarray[Any, Any]], count: int) -> pd.DataFrame:
    """Return ``ACCEPTED_COLUMNS``; a laboratory serves a fixed share of the people."""
    person, marker = drawn["person"], drawn["marker"]
    ends = _ends(drawn)
    nothing = np.zeros(len(person), dtype=np.int8)
    return pd.DataFrame(
        {
            "row": np.arange(len(person), dtype=np.int32),
            "case_id": _words(person, [_case_id(one) for one in range(count)]),
            "sample_id": _samples(drawn, count),
            "collected_at": _words(drawn["day"], _dates()),
            "marker": _words(marker, list(DRAWN)),
            "value_as_reported": _printed(drawn["value"]),
            **_units(person, marker),
            "comparator": _words(ends.pop("below").astype(np.int8), ["", "<"]),
            **ends,
            "fasting_hours": np.where(person % 12 == 0, np.nan, 10.0),
            "haemolysis": _words((person % 100 == 7).astype(np.int8), ["", "trace"]),
            "lab": _words((person % 4).astype(np.int8), ["north", "south", "east", "west"]),
            **{
                name: _words(nothing, [""])
                for name in ("method", "status", "comment", "specimen", "notes")
            },
        }
    )


def _words(codes: np.ndarray[Any, Any], words: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, pd.Index(words, dtype="str"))


def _case_id(number: int) -> str:
    return f"made_{number:07}"


def _dates() -> list[str]:
    last = _FIRST_DAY + np.timedelta64(_DAYS + _LATER, "D")
    return [str(day) for day in np.arange(_FIRST_DAY, last + np.timedelta64(1, "D"))]


def _samples(drawn: dict[str, np.ndarray[Any, Any]], count: int) -> pd.Categorical:
    """Return one sample a person and day; the second begins where the numbers of the first end."""
    again = drawn["day"] - _first_days(count)[drawn["person"]]
    codes = drawn["person"] + np.select([again == 1, again > 1], [count, 2 * count], 0)
    return _words(codes.astype(np.int32), [f"s{number}" for number in range(3 * count)])


def _printed(values: np.ndarray[Any, Any]) -> pd.Categorical:
    codes, unique = pd.factorize(values)
    return _words(codes, [f"{value:g}" for value in unique])


def _in_mg_dl(person: np.ndarray[Any, Any], marker: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (person % 7 == 3) & np.isin(marker, [list(DRAWN).index(name) for name in _IN_MG_DL])


def _in_pmol(person: np.ndarray[Any, Any], marker: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (person % 25 == 4) & (marker == list(DRAWN).index("insulin_fasting"))


def _units(person: np.ndarray[Any, Any], marker: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return the unit of each result; the factor of insulin in pmol/L is unknown."""
    units = [load_rules().markers[name].unit for name in DRAWN]
    mass, molar = _in_mg_dl(person, marker), _in_pmol(person, marker)
    codes = np.select([mass, molar], [len(units), len(units) + 1], marker).astype(np.int8)
    unit, unique = pd.factorize(np.array([*units, "mg/dL", "pmol/L"], dtype=object))
    return {
        "unit_as_reported": _words(unit[codes].astype(np.int8), list(unique)),
        "factor_known": ~molar,
    }


def _ends(drawn: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Return each value as an interval, also in mg/dL where it was reported so."""
    person, marker, value = drawn["person"], drawn["marker"], drawn["value"]
    detection = np.array([_DETECTION.get(name, 0.0) for name in DRAWN])[marker]
    below = value < detection
    mass = np.where(_in_mg_dl(person, marker), value / _mg_dl_factor()[marker], np.nan)
    own = (person % 4 == 1) & (marker == list(DRAWN).index("alt"))
    return {
        "below": below,
        "low": np.where(below, 0.0, value),
        "high": np.where(below, np.nextafter(detection, -np.inf), value),
        "mg_low": np.round(mass),
        "mg_high": np.round(mass),
        "ref_low": np.full(len(value), np.nan),
        "ref_high": np.where(own, 45.0, np.nan),
    }


def _mg_dl_factor() -> np.ndarray[Any, Any]:
    units = load_rules().units
    mass = units[units["unit"] == "mg/dL"].set_index("marker")["factor"]
    return mass.reindex(list(DRAWN)).to_numpy(float)


# Who they are, and what is stated of them.


def _people(count: int, random: np.random.Generator) -> pd.DataFrame:
    born = random.integers(1938, 2004, size=count).astype(float)
    born[::50] = np.nan
    sex = random.choice(np.array(["F", "M", None], dtype=object), size=count, p=[0.5, 0.48, 0.02])
    cases = [_case_id(number) for number in range(count)]
    return pd.DataFrame({"case_id": cases, "sex": sex, "birth_year": born})


def _stated(count: int, random: np.random.Generator) -> pd.DataFrame:
    """Return the context of a third of the people, of whom a fifth leaves a question open."""
    cases = [_case_id(number) for number in range(0, count, 3)]
    columns: dict[str, Any] = {}
    for key, (words, often) in _STATED.items():
        said = random.choice(np.array(words, dtype=object), size=len(cases), p=often)
        columns[key] = np.where(random.random(len(cases)) < 0.2, None, said)
    undated = pd.array([pd.NaT] * len(cases), dtype="datetime64[ns]")
    return pd.DataFrame({"case_id": cases, "date": undated, **columns})
