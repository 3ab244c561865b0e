"""A value at an alarm limit, one step below it and one above: none missed and none invented."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES, case, lab
from written import bundle_of, fhir_of, hl7_of, row_of, table_of, workbook_of

from pipeline.columns import certain
from pipeline.intake import take_in
from pipeline.interpret import Judged, interpret_columns
from pipeline.model import Limit, LimitSet
from pipeline.read.mapping import LabMapping
from pipeline.read.people import stated_table
from pipeline.rules.formulas import INSULIN_PMOL_PER_MU
from pipeline.score import BANDS

KNOWN_FACTOR = LabMapping(insulin_factor=INSULIN_PMOL_PER_MU, constants={"lab": "known"})
SIGNIFICANT = 6  # section 1: compared after rounding half up to so many digits
CERTAIN_STEP = 1e-5  # more than that rounding


@dataclass(frozen=True)
class Case:
    """A person with one value near a limit, and on which side of it the value lies."""

    limit: Limit
    text: str
    unit: str
    beyond: bool


def exact(number: float) -> Fraction:
    """Return what is written: the shortest decimal of a float is the text of the rules."""
    return Fraction(repr(float(number)))


def half_up(value: Fraction) -> Fraction:
    """Return a value half up to six significant digits, without any floating point."""
    if value == 0:
        return value
    size = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    while size <= 0 and abs(value) < Fraction(1, 10) * Fraction(10) ** size:
        size -= 1
    step = Fraction(10) ** (size - SIGNIFICANT)
    return ((value / step + Fraction(1, 2)) // 1) * step


def is_beyond(limit: Limit, text: str, *, unit: str, factor: Fraction, offset: Fraction) -> bool:
    """Return by exact arithmetic whether a written value lies beyond a limit."""
    written = Fraction(text)
    value, edge = half_up(written * factor + offset), exact(limit.value)
    if limit.marker == "hba1c":
        value = Fraction((value + Fraction(1, 2)) // 1)
    if unit == "mg/dL" and limit.mg_dl is not None:
        value, edge = written, exact(limit.mg_dl)
    answers = {">": value > edge, ">=": value >= edge, "<": value < edge, "<=": value <= edge}
    return answers[limit.op]


def positional(number: float) -> str:
    """Return a number as text; never with three decimals, which may be thousands."""
    text = np.format_float_positional(number, trim="-")
    return f"{text}0" if len(text.partition(".")[2]) == 3 else text


def steps(edge: float) -> list[float]:
    """Return an edge, its neighbours of one ulp, and two that no rounding brings back to it."""
    ulp = [float(np.nextafter(edge, -np.inf)), edge, float(np.nextafter(edge, np.inf))]
    return [edge * (1 - CERTAIN_STEP), *ulp, edge * (1 + CERTAIN_STEP)]


def flag_limits() -> Mapping[tuple[str, str], Limit]:
    """Return the limit of each branch of a flag that hangs on one measured number."""
    rows = {(x.flag, x.branch): x.limit for x in RULES.flags if x.kind == "branch" and x.limit}
    return {
        place: limit
        for place, name in rows.items()
        for limit in RULES.limits_named(name)
        if is_reported(limit.marker)
    }


def is_reported(marker: str) -> bool:
    known = RULES.markers.get(marker)
    return known is not None and (known.kind != "computed" or known.as_reported)


@cache
def cases() -> tuple[Case, ...]:
    """Return the values by every alarm limit, in every unit the marker is accepted in."""
    critical = [x for x in RULES.limits if x.set == LimitSet.CRITICAL and is_reported(x.marker)]
    found = []
    for limit in {x.id: x for x in [*critical, *flag_limits().values()]}.values():
        for _, row in RULES.units[RULES.units["marker"] == limit.marker].iterrows():
            factor, offset = exact(row["factor"]), exact(row["offset"])
            if (limit.marker, row["unit"]) == ("insulin_fasting", "pmol/L"):
                factor = 1 / exact(INSULIN_PMOL_PER_MU)
            in_unit = float((exact(limit.value) - offset) / factor)
            if row["unit"] == "mg/dL" and limit.mg_dl is not None:
                in_unit = limit.mg_dl
            for number in steps(in_unit):
                text, unit = positional(number), row["unit"]
                beyond = is_beyond(limit, text, unit=unit, factor=factor, offset=offset)
                found.append(Case(limit, text, unit, beyond))
    return tuple(found)


def ids() -> list[str]:
    return [f"p{number:06}" for number in range(len(cases()))]


def table(decimal_mark: str) -> list[list[str]]:
    return [
        row_of(id, one.limit.marker, one.text.replace(".", decimal_mark), one.unit)
        for id, one in zip(ids(), cases(), strict=True)
    ]


def as_workbook() -> bytes:
    """Return the values as cells that are numbers."""
    return workbook_of([*row[:4], float(row[4]), *row[5:]] for row in table("."))


def as_fhir() -> bytes:
    """Return a Bundle whose values are JSON numbers, with all digits written."""
    resources = [
        resource
        for id, one in zip(ids(), cases(), strict=True)
        for resource in fhir_of(id, one.limit.marker, one.unit, value=f"NUMBER {one.text}")
    ]
    return re.sub(r'"NUMBER ([^"]*)"', r"\1", bundle_of(resources)).encode()


def as_hl7() -> bytes:
    """Return a message a person."""
    lines = []
    for id, one in zip(ids(), cases(), strict=True):
        marker = one.limit.marker
        lines += hl7_of(id, marker, one.text, one.unit)
    return ("\r".join(lines) + "\r").encode()


FORMATS: Mapping[str, Callable[[], bytes]] = {
    "point.csv": lambda: table_of(table("."), ","),
    "comma.csv": lambda: table_of(table(","), ";"),
    "lab.xlsx": as_workbook,
    "bundle.json": as_fhir,
    "oru.hl7": as_hl7,
}


def judged(path: Path) -> Judged:
    """Return what is judged of the people of a file, after the whole intake."""
    taken = take_in([path], as_of=AS_OF, rules=RULES, mapping=KNOWN_FACTOR)
    assert taken.set_aside["reasons"].tolist() == []
    assert len(taken.accepted) == len(cases())
    template = case(lab({"tsh": 1}), context={"fasting_hours": 10, "haemolysis": "none"})
    said = stated_table([template]).drop(columns="case_id").iloc[[0] * len(ids())]
    said = said.reset_index(drop=True).assign(case_id=ids())
    people = pd.DataFrame({"case_id": ids(), "sex": "F", "birth_year": 1984})
    return interpret_columns(taken.accepted, people, said, as_of=AS_OF, rules=RULES)


def wrong(found: Judged) -> dict[str, list[Sequence[str]]]:
    """Return the cases in which an alarm was missed or invented."""
    faults: dict[str, list[Sequence[str]]] = {"missed": [], "invented": []}
    for at, one in enumerate(cases()):
        raised = []
        if one.limit.set == LimitSet.CRITICAL:
            band = BANDS[found.scores.critical[one.limit.marker][at]]
            raised.append(band == ("high" if one.limit.op.startswith(">") else "low"))
        raised += [
            bool(certain(found.flags.branches[place])[at])
            for place, limit in flag_limits().items()
            if limit.id == one.limit.id
        ]
        for yes in raised:
            if yes != one.beyond:
                kind = "missed" if one.beyond else "invented"
                faults[kind].append((one.limit.id, one.text, one.unit))
    return faults


@pytest.mark.parametrize("name", FORMATS)
def test_no_alarm_is_missed_or_invented_at_its_limit_or_a_step_beside_it(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name]())
    assert wrong(judged(path)) == {"missed": [], "invented": []}


def test_the_cases_are_many_and_lie_on_both_sides_of_every_limit() -> None:
    assert len(cases()) * len(FORMATS) >= 2_000
    sides = pd.DataFrame([(x.limit.id, x.unit, x.beyond) for x in cases()])
    assert (sides.groupby([0, 1])[2].nunique() == 2).all()
