"""Middle floor. Recognises a whole column of a file that is in another unit than it says.

One value may be odd because its person is; of a column most values are usual ones. A column is what
a file gives of one marker in one unit. It is doubted by the first that holds of: its values are
usual ones of another unit, one by one; so are the intervals printed beside them; the middle of many
people lies nearer to that of a population in another unit; people's earlier results do.
"""

from collections.abc import Callable, Collection, Iterator

import numpy as np
import pandas as pd

from pipeline.rules import Rules
from pipeline.validate.intervals import fallback_intervals

_COLUMN = ["source", "marker", "ucum"]
_FEW, _ROWS, _PEOPLE = 5, 10, 30  # people with an earlier result; rows that say it; people to judge
_NEARLY_ALL, _MOST = 0.9, 0.5  # of the rows
_CLOSE = 1.5  # times an earlier result, where the middle of a column in its right unit lies
_TOLD = ("column_unit", "column_evidence")
_EDGES = ("ref_low", "ref_high")
_Evidence = tuple[str, str]  # the likelier unit, and the word for what says so; "" where nothing


def column_units(
    rows: pd.DataFrame, *, rules: Rules, confirmed: Collection[str] = ()
) -> pd.DataFrame:
    """Return ``column_unit``, the unit that the column of each row is likelier in, and its ground.

    The ground, ``column_evidence``, is "values", "interval", "population" or "earlier"; both are ""
    where nothing is the matter. ``rows`` have ``likely_unit``, ``interval`` and ``interval_unit``.
    Markers in ``confirmed`` are in the unit they say, since a person asked; so is a row that was
    corrected by hand.
    """
    usable = rows[_is_usable(rows) & ~rows["marker"].isin(list(confirmed))]
    usable = usable.assign(column=usable.groupby(_COLUMN).ngroup())
    found = dict(_doubted(usable, rules=rules))
    found |= dict(_doubted_by_earlier(usable, found, rules=rules))
    told = [(column, *evidence) for column, evidence in found.items()]
    by_column = pd.DataFrame(told, columns=["column", *_TOLD]).set_index("column")
    of_rows = usable[["column"]].join(by_column.astype(object), on="column")[list(_TOLD)]
    return of_rows.reindex(rows.index).astype(object).fillna("")


def _is_usable(rows: pd.DataFrame) -> pd.Series:
    known = (rows["unit_reading"] == "known") & rows["number"].notna() & rows["case_id"].notna()
    return known & (rows["standing"] == "stands") & (rows["correction_reading"] != "corrected")


def _doubted(usable: pd.DataFrame, *, rules: Rules) -> Iterator[tuple[int, _Evidence]]:
    """Yield the columns that what stands in the file itself, or a population, speaks against."""
    fallback = fallback_intervals(rules)
    judges: dict[str, Callable[[pd.DataFrame], str]] = {
        "values": lambda own: _said_by_nearly_all(own["likely_unit"]),
        "interval": lambda own: _said_by_nearly_all(own["interval_unit"]),
        "population": lambda own: _unit_of_a_population(own, fallback, rules=rules),
    }
    for column, own in _columns(usable, least=_ROWS):
        found = ((judge(own), word) for word, judge in judges.items())
        if evidence := next((one for one in found if one[0]), None):
            yield column, evidence


def _columns(usable: pd.DataFrame, *, least: int) -> Iterator[tuple[int, pd.DataFrame]]:
    size = usable["column"].map(usable["column"].value_counts())
    for column, own in usable[size >= least].groupby("column"):
        yield int(str(column)), own


def _said_by_nearly_all(units: pd.Series) -> str:
    shares = units.value_counts(normalize=True)
    return str(shares.index[0]) if shares.iloc[0] >= _NEARLY_ALL else ""


def _unit_of_a_population(own: pd.DataFrame, fallback: pd.DataFrame, *, rules: Rules) -> str:
    """Return the unit in which the middle of many people lies nearest to that of a population.

    That is no ground where most values lie inside the interval that is printed with them, and that
    interval is in the unit of the row: then the people differ from the population.
    """
    known = rules.typical.get(own["marker"].iloc[0])
    people = own.drop_duplicates("case_id")
    if known is None or known.value is None or len(people) < _PEOPLE:
        return ""
    middle, usual = float(people["number"].median()), known.value
    away = _distance(_in_own_unit(own, middle), usual)
    others = {unit: _distance(value, usual) for unit, value in _elsewhere(own, middle, rules)}
    unit = min(others, key=others.__getitem__, default="")
    if not unit or others[unit] >= away or _is_defended(own, unit, fallback, rules=rules):
        return ""
    return unit


def _distance(value: float, usual: float) -> float:
    """Return how many times a value lies off, as a logarithm; what is not positive lies far off."""
    return abs(float(np.log(value / usual))) if value > 0 else np.inf


def _in_own_unit(own: pd.DataFrame, number: float) -> float:
    return float(number * own["factor"].iloc[0] + own["offset"].iloc[0])


def _elsewhere(own: pd.DataFrame, number: float, rules: Rules) -> Iterator[tuple[str, float]]:
    """Yield the other units of the marker of a column, and what a number is that stands in them."""
    same = _in_own_unit(own, number)
    for unit, factor, offset in _other_units(own, rules):
        value = number * factor + offset
        if not np.isclose(value, same, rtol=1e-3):
            yield unit, value


def _other_units(own: pd.DataFrame, rules: Rules) -> Iterator[tuple[str, float, float]]:
    """Yield the units of the marker of a column but its own, with factor and offset.

    By their names: the factor of the column may be the laboratory's own, as that of insulin is.
    """
    units = rules.units[rules.units["marker"] == own["marker"].iloc[0]]
    units = units[units["unit"] != own["ucum"].iloc[0]]
    yield from zip(units["unit"], units["factor"], units["offset"], strict=True)


def _is_defended(own: pd.DataFrame, unit: str, fallback: pd.DataFrame, *, rules: Rules) -> bool:
    """Return whether the printed intervals are in the unit of the row, and hold most values."""
    printed = own[own[list(_EDGES)].notna().any(axis="columns")]
    inside = (printed["low"] >= printed["ref_low"].fillna(-np.inf)) & (
        printed["high"] <= printed["ref_high"].fillna(np.inf)
    )
    if not len(printed) or inside.mean() <= _MOST:
        return False
    edges = {edge: printed[f"{edge}_number"].median() for edge in _EDGES}
    (factor, offset) = next(rest for name, *rest in _other_units(own, rules) if name == unit)
    near, far = [], []
    for edge, number in edges.items():
        usual = fallback[[f"{edge}_min", f"{edge}_max"]].reindex(own["marker"].head(1)).mean(axis=1)
        if number > 0 and usual.notna().all():
            near.append(_distance(_in_own_unit(own, number), float(usual.iloc[0])))
            far.append(_distance(number * factor + offset, float(usual.iloc[0])))
    return sum(near) < sum(far)


def _doubted_by_earlier(
    usable: pd.DataFrame, found: Collection[int], *, rules: Rules
) -> Iterator[tuple[int, _Evidence]]:
    """Yield the columns that people's earlier results, of columns not in doubt, speak against."""
    pairs = _with_earlier(usable[~usable["column"].isin(list(found))])
    for column, own in _columns(pairs, least=_FEW):
        for unit, factor, offset in _other_units(own, rules):
            value = own["number"] * factor + offset
            there, here = (_ratio(side, own["earlier"]) for side in (value, own["low"]))
            if (there < here - 1e-3).mean() >= _NEARLY_ALL and there.median() <= np.log(_CLOSE):
                yield column, (unit, "earlier")
                break


def _with_earlier(usable: pd.DataFrame) -> pd.DataFrame:
    """Return the first row of each person in a column, with the result before it in another one."""
    exact = usable[(usable["low"] == usable["high"]) & (usable["low"] > 0)]
    ordered = exact.sort_values("date", kind="stable")
    before = ordered.groupby(["case_id", "marker"])[["low", "date", "column"]].shift(1)
    ordered = ordered.assign(earlier=before["low"])
    other = (before["column"] != ordered["column"]) & (before["date"] < ordered["date"])
    return ordered[other].drop_duplicates(["case_id", "column"])


def _ratio(values: pd.Series, earlier: pd.Series) -> pd.Series:
    return np.log(values.where(values > 0) / earlier).abs().fillna(np.inf)
