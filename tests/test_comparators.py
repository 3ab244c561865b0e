"""A value known only as a limit ("<0.5", "≥90") keeps its sign from the file to the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from clinic import AS_OF, RULES, case, lab, only_visit
from matplotlib.colors import to_rgba
from sizes import sized
from written import bundle_of, fhir_of, hl7_of, row_of, table_of, workbook_of

from pipeline.export import case_json
from pipeline.intake import Intake, take_in
from pipeline.interpret import interpret
from pipeline.language import NO_BREAK_SPACE, Language
from pipeline.model import Finding, Interpretation
from pipeline.narrate import narrate
from pipeline.plot import palette
from pipeline.plot.marks import plot_points
from pipeline.story import Section, Table

SIGNS = ("<", ">", "<=", ">=", "≤", "≥")
PLAIN = {"≤": "<=", "≥": ">="}
PRINTED = {"<": "<", ">": ">", "<=": "≤", ">=": "≥"}
# marker: numbers, of which none is at a limit of plausibility
MARKERS = {
    "hs_crp": (0.3, 0.5, 2.4),
    "ferritin": (8, 15.5, 900),
    "tsh": (0.05, 2.1, 90),
    "b12": (110, 148, 900),
    "vitamin_d": (12, 55, 240),
    "alt": (7, 41, 90),
    "egfr": (58, 60, 90),
    "triglycerides": (0.6, 1.7, 4.5),
    "potassium": (2.9, 4.4, 5.9),
    "calprotectin": (20, 50, 800),
}
LATER = {"date": "2024-01-29", "sample_id": "s2"}


@dataclass(frozen=True)
class Censored:
    """A person with one value that has a sign."""

    id: str
    marker: str
    sign: str
    number: str

    @property
    def comparator(self) -> str:
        return PLAIN.get(self.sign, self.sign)

    @property
    def unit(self) -> str:
        return RULES.markers[self.marker].unit


@cache
def people() -> tuple[Censored, ...]:
    """Return a hundred people: every marker with every sign, and more numbers."""
    markers = list(MARKERS)
    drawn = []
    for n in range(100):
        marker, sign = markers[n % len(markers)], SIGNS[(n // len(markers)) % len(SIGNS)]
        number = MARKERS[marker][(n // 7) % 3]
        drawn.append(Censored(f"p{n:03}", marker, sign, f"{number:g}"))
    return tuple(drawn)


def table(mark: str) -> list[list[str]]:
    return [row_of(x.id, x.marker, x.sign + x.number.replace(".", mark), x.unit) for x in people()]


def as_fhir() -> bytes:
    """Return a Bundle; FHIR has four signs, written without a symbol of their own."""
    resources = [
        resource
        for x in people()
        for resource in fhir_of(
            x.id, x.marker, x.unit, value=float(x.number), comparator=x.comparator
        )
    ]
    return bundle_of(resources).encode()


def as_hl7() -> bytes:
    """Return messages; every other sign stands apart (SN), the others in a text (ST)."""
    lines = []
    for n, x in enumerate(people()):
        kind, value = ("SN", f"{x.comparator}^{x.number}") if n % 2 else ("ST", x.sign + x.number)
        lines += hl7_of(x.id, x.marker, value, x.unit, kind=kind)
    return ("\r".join(lines) + "\r").encode()


FORMATS: Mapping[str, Callable[[], bytes]] = {
    "point.csv": lambda: table_of(table("."), ","),
    "comma.csv": lambda: table_of(table(","), ";"),
    "lab.xlsx": lambda: workbook_of(table(",")),
    "bundle.json": as_fhir,
    "oru.hl7": as_hl7,
}


def taken(name: str, folder: Path) -> Intake:
    path = folder / name
    path.write_bytes(FORMATS[name]())
    return take_in([path], as_of=AS_OF, rules=RULES)


def the_finding(interpretation: Interpretation, marker: str) -> Finding:
    (found,) = (x for x in only_visit(interpretation).findings if x.marker == marker)
    return found


def told(interpretation: Interpretation, marker: str) -> tuple[str, float]:
    """Return comparator and value of a marker in case.json."""
    (visit,) = case_json(interpretation)["visits"]
    (found,) = (x for x in visit["findings"] if x["marker"] == marker)
    return found["comparator"], found["value"]


def cells(section: Section, marker: str) -> set[str]:
    """Return the cells of the rows about a marker in all tables of a section."""
    own = {
        cell
        for block in section.blocks
        if isinstance(block, Table)
        for group in block.groups
        for row in group.rows
        if marker in row.markers
        for cell in row.cells
    }
    return own.union(*(cells(part, marker) for part in section.subsections))


@pytest.mark.parametrize("name", FORMATS)
def test_the_sign_of_every_value_is_kept_in_its_accepted_row(name: str, tmp_path: Path) -> None:
    rows = taken(name, tmp_path).accepted.set_index("case_id")
    for one in people():
        row, number = rows.loc[one.id], float(one.number)
        assert row["comparator"] == one.comparator, one
        below = one.comparator.startswith("<")
        assert (row["low"], row["high"])[below] == pytest.approx(number, rel=1e-12), one
        assert (row["low"] == 0) if below else np.isinf(row["high"]), one


@pytest.mark.parametrize("name", FORMATS)
def test_the_sign_is_told_in_the_case_and_in_its_tables_and_is_drawn_open(
    name: str, tmp_path: Path
) -> None:
    intake = taken(name, tmp_path)
    axes = plt.figure().add_subplot()
    for one in people()[:: sized(9, full=1)]:
        person = interpret(intake.case(one.id))
        assert told(person, one.marker) == (one.comparator, float(one.number)), one
        language = ("nl", "en")[int(one.id[1:]) % 2]
        mark = Language.load(language).number(0.5, 1)[1]
        found = set().union(*(cells(x, one.marker) for x in narrate(person, language).sections))
        sign = PRINTED[one.comparator] + NO_BREAK_SPACE
        starts = sign + one.number.replace(".", mark)
        assert any(cell.startswith(starts) for cell in found), (one, found)
        point = the_finding(person, one.marker)
        plot_points([point], at=[0.0], labels=["x"], room=0.1, ax=axes)
        assert to_rgba(axes.lines[-1].get_markerfacecolor()) != to_rgba(palette.VALUE), one
    plt.close("all")


def test_a_value_without_a_sign_is_drawn_full() -> None:
    axes = plt.figure().add_subplot()
    person = interpret(case(lab({"tsh": "2.1"})))
    plot_points([the_finding(person, "tsh")], at=[0.0], labels=["x"], room=0.1, ax=axes)
    assert to_rgba(axes.lines[-1].get_markerfacecolor()) == to_rgba(palette.VALUE)
    plt.close("all")


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_a_value_with_a_sign_is_never_averaged_with_another(sign: str) -> None:
    """hs-CRP is the one marker that is averaged over samples: only where both are exact."""
    first = lab({"hs_crp": "1.4"}, date="2024-01-01", sample_id="s1")
    second = lab({"hs_crp": f"{sign}1.2"}, **LATER)
    person = interpret(case(first, second))
    values = {(x.comparator, x.value) for visit in person.visits for x in visit.findings}
    assert values == {(None, 1.4), (sign, 1.2)}
    assert is_averaged(interpret(case(first, lab({"hs_crp": "1.2"}, **LATER))))
    assert not is_averaged(person)


def is_averaged(person: Interpretation) -> bool:
    return any(
        "mean-of-two" in one.notes for visit in person.visits for one in visit.classifications
    )
