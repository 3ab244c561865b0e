"""Draws a functional-medicine practice over time, as the files it would have: nobody in it exists.

``python samples/made_practice.py --people 2000 --seed 7 --out DIR`` writes, all of it constructed:

- ``lab_2024-Q4.csv`` to ``lab_2026-Q3.csv``: a lab table a quarter, of four laboratories and of
  what the practice measures itself. Until 2025 its system wrote semicolons and decimal commas.
- ``people.csv``: sex, birth year, what is stated of each person, much of it unknown, and the
  practice's own label of some. Labels are drawn apart from all else: a difference is chance.
- ``planted.csv``: each row with an error of ``made_errors``, its kind, and the reason to set it
  aside in a check of all files together as of ``LAST_DAY``.

People enter at any time and return after 3, 6 and 12 months, fewer each time, the insulin resistant
more often. Values are those of ``DRAWN``: insulin resistance moves them together; of the rest of
their spread one part stays a person's own, the other varies from day to day, as ``markers.csv`` has
it. Only insulin resistance truly changes, by ``effect``. At "east" another insulin method begins in
the middle quarter, and reads higher. Sex and age move no value; what is stated holds at all visits.
What names no source is chosen.
"""

import argparse
import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_cohort import DRAWN
from made_errors import MG_DL, factor, plant, printed

from pipeline.model import LimitSet
from pipeline.rules import load_rules

Numbers = np.ndarray[Any, Any]
Random = np.random.Generator
Spoil = Callable[[pd.DataFrame, Random], pd.DataFrame]

QUARTERS, EFFECT, LAST_DAY = 8, -0.25, np.datetime64("2026-09-30")
COLUMNS = (
    "case_id", "sample_id", "collected_at", "analyte", "value", "unit", "ref_low", "ref_high",
    "lab", "method", "fasting_hours", "haemolysis", "status", "issued",
)  # fmt: skip
_OF_VISITS, _OF_ERRORS, _OF_PEOPLE = 1, 2, 3  # what is drawn by a generator of its own
_POINTS_FROM = np.datetime64("2025-01")  # decimal commas before
_INSULIN, _NEW_METHOD_AT, _NEW_METHOD, _READS_HIGHER = "insulin_fasting", "east", "D", 1.15

# Visits: months since the first; how much of the effect is there by then; and the chance to return,
# as a logit, of those who came the time before: 75, 73 and 65 % of the averagely resistant.
MONTHS, _REACHED, _RETURNS = (0, 3, 6, 12), np.array([0.0, 0.6, 1.0, 1.0]), (1.1, 1.0, 0.6)
_RETURNS_BY_RESISTANCE, _DAYS_OFF, _DAYS_A_MONTH = 0.5, 8.0, 30.44
_RESPONSES = 0.4  # how much people differ in the effect on them, as a share of it
# Variation from day to day (SD of the logarithm) of markers of which markers.csv says none.
_VARIES = {"potassium": 0.045, "weight": 0.01, "waist": 0.015, "sbp": 0.05, "dbp": 0.05}
# How often a marker is not measured at a visit; height seldom is again.
MISSING = {
    "insulin_fasting": 0.08, "hs_crp": 0.25, "ferritin": 0.30, "tsh": 0.35, "waist": 0.25,
    "ggt": 0.15, "platelets": 0.20, "sbp": 0.10, "dbp": 0.10,
}  # fmt: skip
MISSING_ELSE, HEIGHT_MISSING_AGAIN = 0.05, 0.85

_FASTED = {"": 0.10, "10": 0.25, "12": 0.50, "14": 0.15}  # hours
_HAEMOLYSED = {"none": 0.97, "trace": 0.02, "visible": 0.01}
# What is stated of people: its words and how often each is; and how often anything is said.
STATED: Mapping[str, tuple[Mapping[str, float], float]] = {
    "known_diabetes": ({"none": 0.93, "t2d": 0.06, "t1d": 0.01}, 0.85),
    "medication": ({"none": 0.70, "A10BA02": 0.10, "C10AA05": 0.12, "H03AA01": 0.08}, 0.75),
    "symptoms": ({"fatigue": 0.60, "insomnia stress": 0.25, "gut_complaints": 0.15}, 0.55),
    "biotin_last_72h": ({"no": 0.92, "yes": 0.08}, 0.50),
    "acute_illness_14d": ({"no": 0.97, "yes": 0.03}, 0.60),
    "pregnant": ({"no": 1.0}, 0.60),  # asked of younger women
    "smoking": ({"no": 0.85, "yes": 0.15}, 0.70),
    "alcohol_g_week": ({"0": 0.40, "30": 0.30, "80": 0.20, "160": 0.10}, 0.45),
    "cvd": ({"no": 0.95, "yes": 0.05}, 0.60),
    "short_sleep": ({"no": 0.70, "yes": 0.30}, 0.40),
}
_ASKED_IF_BORN_FROM = 1976
LABELS = {"programme": 0.40, "usual care": 0.35, "north practice": 0.15, "": 0.10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """How one laboratory writes: its units and decimals, where they are not ours, and its "<"."""

    share: float  # of the people
    method: str  # of insulin
    units: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)  # in its own unit
    has_intervals: bool = True
    has_codes: bool = False  # LOINC in place of a marker's id


_IN_MG_DL = {name: ("mg/dL", decimals) for name, decimals in MG_DL.items()}
LABORATORIES = {
    "north": Laboratory(share=0.40, method="A", least={"hs_crp": 0.3, _INSULIN: 2}),
    "south": Laboratory(
        share=0.20, method="B", has_intervals=False,
        units={_INSULIN: ("pmol/L", 0)}, least={"hs_crp": 0.6, _INSULIN: 10},
    ),
    "east": Laboratory(share=0.25, method="C", has_codes=True, least={"hs_crp": 0.2}),
    "west": Laboratory(
        share=0.15, method="A", units=_IN_MG_DL | {"creatinine": ("mg/dL", 2)},
        least={"hs_crp": 0.3, _INSULIN: 2},
    ),
}  # fmt: skip
_WRITTEN = {"m[IU]/L": "mU/L", "mmol/mol{Hb}": "mmol/mol", "umol/L": "µmol/L", "mm[Hg]": "mmHg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """The visits in order of date, and what was found at each (visits × ``DRAWN``)."""

    seed: int
    quarters: Numbers  # the first month of each
    laboratory: Numbers  # of each person, a place in LABORATORIES
    visits: pd.DataFrame  # person, day, at (a place in MONTHS), new_method
    values: Numbers  # in the canonical unit; NaN: not measured


def draw_practice(
    people: int, *, seed: int = 7, quarters: int = QUARTERS, effect: float = EFFECT
) -> Practice:
    """Return the visits of ``people`` in the ``quarters`` until ``LAST_DAY``.

    ``effect`` is the true change of ln(insulin) after half a year, which a fall of insulin
    resistance brings about; 0.0: nobody changes, and all else is drawn the same.
    """
    random = np.random.default_rng(seed)
    months = LAST_DAY.astype("datetime64[M]") - _months(2 + 3 * np.arange(quarters)[::-1])
    resistance = random.normal(size=people)
    shares = [laboratory.share for laboratory in LABORATORIES.values()]
    laboratory = random.choice(len(shares), size=people, p=shares)
    visits = _visits(resistance, months[0].astype("datetime64[D]"), random)
    person = visits["person"].to_numpy()
    renewed = laboratory[person] == [*LABORATORIES].index(_NEW_METHOD_AT)
    visits["new_method"] = renewed & (visits["day"] >= months[quarters // 2]).to_numpy()
    response = effect / DRAWN[_INSULIN][2] * (1 + _RESPONSES * random.normal(size=people))
    moved = resistance[person] + _REACHED[visits["at"]] * response[person]
    values = _values(visits, moved, random)
    return Practice(seed=seed, quarters=months, laboratory=laboratory, visits=visits, values=values)


def _months(counts: Numbers) -> Numbers:
    """Return counts as months to be added to months."""
    return counts.astype("timedelta64[M]")


def _visits(resistance: Numbers, first: np.datetime64, random: Random) -> pd.DataFrame:
    """Return who came when, on working days; who stayed away once does not return."""
    count, size = len(resistance), (len(resistance), len(MONTHS))
    entry = first + random.integers(0, (LAST_DAY - first).astype(int), size=count)
    after = np.rint(np.array(MONTHS) * _DAYS_A_MONTH + _DAYS_OFF * random.normal(size=size))
    after[:, 0] = 0
    day = np.busday_offset(entry[:, None] + after.astype(int), 0, roll="forward")
    chance = 1 / (1 + np.exp(-_RETURNS_BY_RESISTANCE * resistance[:, None] - np.array(_RETURNS)))
    stays = random.random(chance.shape) < chance
    came = np.logical_and.accumulate(np.column_stack([np.full(count, True), stays]), axis=1)
    person, at = np.nonzero(came & (day <= LAST_DAY))
    visits = pd.DataFrame({"person": person, "day": day[person, at], "at": at})
    return visits.sort_values(["day", "person"], ignore_index=True)


def _values(visits: pd.DataFrame, resistance: Numbers, random: Random) -> Numbers:
    """Return what was found at each visit, of somebody with that ``resistance`` then."""
    person, values = visits["person"].to_numpy(), np.empty((len(visits), len(DRAWN)))
    for column, (marker, (median, spread, moves, _)) in enumerate(DRAWN.items()):
        daily = varies(marker)
        lasting = np.sqrt(max(0.0, spread**2 - daily**2))
        own = lasting * random.normal(size=person.max() + 1)[person]
        today = daily * random.normal(size=len(visits))
        values[:, column] = median * np.exp(moves * resistance + own + today)
        values[random.random(len(visits)) < _missing(marker, visits), column] = np.nan
    values[visits["new_method"], list(DRAWN).index(_INSULIN)] *= _READS_HIGHER
    return values


def _missing(marker: str, visits: pd.DataFrame) -> Numbers:
    again = (visits["at"] > 0).to_numpy() & (marker == "height")
    return np.where(again, HEIGHT_MISSING_AGAIN, MISSING.get(marker, MISSING_ELSE))


def varies(marker: str) -> float:
    """Return how much results of one person vary (SD of the logarithm), as a trend has it."""
    known = load_rules().markers[marker]
    if known.cv_i is None or known.cv_a is None:
        return _VARIES.get(marker, 0.0)
    return float(np.sqrt(np.log(1 + (known.cv_i / 100) ** 2 + (known.cv_a / 100) ** 2)))


# The same as laboratories write it.


def rows_of(practice: Practice, quarter: int) -> pd.DataFrame:
    """Return the rows of one quarter, none with an error: ``COLUMNS``, as text, and how they came.

    That is ``marker``, ``number`` (as printed), ``decimals``, ``factor`` (to the canonical unit),
    ``below`` (printed with "<"), and ``kind`` and ``reason`` (of an error: "").
    """
    ends = (practice.quarters[quarter] + _months(np.array([0, 3]))).astype("datetime64[D]")
    start, stop = np.searchsorted(practice.visits["day"].to_numpy("datetime64[D]"), ends)
    values = practice.values[start:stop]
    place, marker = np.nonzero(~np.isnan(values))
    told = _told(practice, slice(start, stop), quarter).iloc[place].reset_index(drop=True)
    way = told.pop("laboratory").to_numpy() * len(DRAWN) + marker
    rows = _with_values(told.join(_ways().iloc[way].reset_index(drop=True)), values[place, marker])
    rows["method"] = rows["method"].mask(
        rows.pop("new_method") & (rows["marker"] == _INSULIN), _NEW_METHOD
    )
    for column in ("sample_id", "fasting_hours", "haemolysis", "issued"):
        rows[column] = rows[column].mask(rows["lab"] == "", "")  # measured by the practice itself
    return rows.assign(status="final", kind="", reason="")


def _with_values(rows: pd.DataFrame, values: Numbers) -> pd.DataFrame:
    """Return the rows with values [canonical unit] as their laboratory prints them."""
    scale = 10.0 ** rows["decimals"]
    number = np.rint(values / rows["factor"] * scale) / scale
    below = number < rows["least"]
    text = printed(number.mask(below, rows["least"]), rows["decimals"])
    return rows.assign(number=number, below=below, value=text.mask(below, "<" + text))


def _told(practice: Practice, which: slice, quarter: int) -> pd.DataFrame:
    """Return what the rows of each visit have in common; its sample has an id of its own."""
    visits = practice.visits.iloc[which]
    random = np.random.default_rng([practice.seed, _OF_VISITS, quarter])
    day, person = visits["day"].to_numpy("datetime64[D]"), visits["person"].to_numpy()
    minutes = 450 + 5 * random.integers(0, 36, size=len(visits))  # from 7:30 to 10:25
    told = {
        "laboratory": practice.laboratory[person],
        "new_method": visits["new_method"].to_numpy(),
        "case_id": [_case_id(one) for one in person],
        "sample_id": [f"s{number:07}" for number in visits.index],
        "collected_at": (day.astype("datetime64[m]") + minutes).astype(str),
        "fasting_hours": _words(_FASTED, len(visits), random),
        "haemolysis": _words(_HAEMOLYSED, len(visits), random),
        "issued": (day + np.timedelta64(1, "D")).astype(str),
    }
    return pd.DataFrame(told)


def _case_id(person: int) -> str:
    return f"made_{person:07}"


@cache
def _ways() -> pd.DataFrame:
    """Return how each laboratory prints each marker: of each in turn those of ``DRAWN``."""
    return pd.DataFrame([_way(name, marker) for name in LABORATORIES for marker in DRAWN])


def _way(name: str, marker: str) -> dict[str, object]:
    known, laboratory = load_rules().markers[marker], LABORATORIES[name]
    unit, decimals = laboratory.units.get(marker, (known.unit, DRAWN[marker][3]))
    times, measured_here = factor(marker, unit), known.kind == "body"
    edges = _interval(marker) if laboratory.has_intervals else (None, None)
    low, high = ("" if edge is None else f"{edge / times:.{decimals}f}" for edge in edges)
    return {
        "marker": marker,
        "analyte": known.loinc if laboratory.has_codes and not measured_here else marker,
        "unit": _WRITTEN.get(unit, unit),
        "factor": times,
        "decimals": decimals,
        "least": laboratory.least.get(marker, 0.0),
        "ref_low": low,
        "ref_high": high,
        "lab": "" if measured_here else name,
        "method": laboratory.method if marker == _INSULIN else "",
    }


def _interval(marker: str) -> tuple[float | None, float | None]:
    """Return the widest typical interval of a marker, whatever the sex: a laboratory prints one."""
    limits = [one for one in load_rules().limits if one.marker == marker]
    known = [one for one in limits if one.set == LimitSet.REFERENCE and one.value > 0]
    high = [one.value for one in known if one.op.startswith(">")]
    low = [one.value for one in known if one.op.startswith("<")]
    return min(low, default=None), max(high, default=None)


# Files.


def write_practice(practice: Practice, folder: Path) -> None:
    """Write the lab tables, people.csv and planted.csv into a folder.

    A quarter without a visit has no lab table: a file with only a header is no lab file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    months = practice.visits["day"].to_numpy("datetime64[M]")
    quarters = np.unique(np.searchsorted(practice.quarters, months, side="right") - 1)
    planted = [_write_quarter(practice, int(quarter), folder) for quarter in quarters]
    _write(folder / "planted.csv", pd.concat(planted))
    random = np.random.default_rng([practice.seed, _OF_PEOPLE])
    people = _people(len(practice.laboratory), random)
    _write(folder / "people.csv", people.assign(label=_words(LABELS, len(people), random)))


def _write_quarter(practice: Practice, quarter: int, folder: Path) -> pd.DataFrame:
    """Write one lab table, and return which of its rows have an error."""
    month = practice.quarters[quarter]
    random = np.random.default_rng([practice.seed, _OF_ERRORS, quarter])
    rows = plant(rows_of(practice, quarter), random)
    name = f"lab_{month.astype(object):%Y}-Q{month.astype(object).month // 3 + 1}.csv"
    written = rows[list(COLUMNS)]
    if month < _POINTS_FROM:
        for column in ("value", "ref_low", "ref_high"):
            written[column] = written[column].str.replace(".", ",", regex=False)
    _write(folder / name, written, delimiter="," if month >= _POINTS_FROM else ";")
    line = (rows.index + 2).astype(str)  # the first is the header
    addresses = rows.assign(row=name + ":" + line, file=name, line=line)
    return addresses.loc[rows["kind"] != "", ["row", "file", "line", "kind", "reason"]]


def _people(count: int, random: Random) -> pd.DataFrame:
    """Return who the people are and what is stated of them; "" where nothing is."""
    born = np.clip(np.rint(random.normal(1974, 14, size=count)), 1936, 2005).astype(int)
    table: dict[str, Any] = {
        "case_id": [_case_id(person) for person in range(count)],
        "date": "",
        "sex": _words({"F": 0.62, "M": 0.36, "": 0.02}, count, random),
        "birth_year": np.where(random.random(count) < 0.03, "", born.astype(str)),
    }
    for key, (words, often) in STATED.items():
        table[key] = _words(words, count, random)
        table[key][random.random(count) >= often] = ""
    younger_women = (table["sex"] == "F") & (born >= _ASKED_IF_BORN_FROM)
    table["pregnant"] = np.where(younger_women, table["pregnant"], "")
    return pd.DataFrame(table)


def _words(often: Mapping[str, float], count: int, random: Random) -> Numbers:
    return random.choice(np.array([*often], dtype=object), size=count, p=[*often.values()])


def _write(path: Path, table: pd.DataFrame, *, delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*(table[column] for column in table), strict=True))


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description="Writes the files of a practice that is made up.")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quarters", type=int, default=QUARTERS)
    parser.add_argument("--effect", type=float, default=EFFECT, help="of ln(insulin), at 6 months")
    parser.add_argument("--out", type=Path, required=True)
    asked = vars(parser.parse_args())
    folder = asked.pop("out")
    write_practice(draw_practice(asked.pop("people"), **asked), folder)


if __name__ == "__main__":
    main()
