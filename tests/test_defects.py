"""Many kinds of defects seeded into clean rows: each is found under its own word, nothing else."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinic import AS_OF, RULES
from sizes import sized

from pipeline.intake import Intake, take_in
from pipeline.validate import reasons_by_severity

EACH = sized(20, full=100)
CAUGHT, FALSE = 0.99, 0.005  # at least, and at most
COLUMNS = (
    "case_id", "sample_id", "collected_at", "analyte", "value", "unit", "ref_low", "ref_high",
    "status", "sex", "birth_year",
)  # fmt: skip
# marker: the interval a healthy value is drawn from, and its decimals
HEALTHY = {
    "glucose_fasting": (4.2, 5.9, 1),
    "insulin_fasting": (3, 14, 1),
    "hba1c": (29, 41, 0),
    "triglycerides": (0.5, 1.6, 2),
    "hdl": (1.1, 2.2, 2),
    "alt": (9, 34, 0),
    "creatinine": (50, 88, 0),
    "calcium": (2.2, 2.5, 2),
    "ferritin": (25, 180, 0),
    "tsh": (0.6, 3.9, 2),
}
Row = dict[str, str]


@dataclass
class Person:
    """A person's rows; ``seeded`` are the places of those that must be set aside."""

    rows: list[Row]
    number: int
    seeded: set[int] = field(default_factory=set)

    def of(self, marker: str) -> Row:
        """Return the row of a marker, which is from now on a seeded one."""
        (at,) = (n for n, row in enumerate(self.rows) if row["analyte"] == marker)
        self.seeded.add(at)
        return self.rows[at]

    def any(self) -> Row:
        """Return a seeded row, of another marker for each person."""
        return self.of([*HEALTHY][self.number % len(HEALTHY)])

    def add(self, like: Row, **changes: str) -> None:
        """Add a seeded row that is like another."""
        self.seeded.add(len(self.rows))
        self.rows.append({**like, **changes})


def healthy(number: int) -> Person:
    """Return a person whose rows have no fault."""
    random = np.random.default_rng(number)
    start = {
        "case_id": f"p{number:05}", "sample_id": f"s{number:05}", "ref_low": "", "ref_high": "",
        "collected_at": f"2024-{random.integers(1, 13):02}-{random.integers(13, 29)}T08:00",
        "status": "final", "sex": "FM"[number % 2], "birth_year": str(1950 + number % 50),
    }  # fmt: skip
    rows = [
        {**start, "analyte": marker, "value": f"{random.uniform(low, high):.{decimals}f}",
         "unit": RULES.markers[marker].unit}
        for marker, (low, high, decimals) in HEALTHY.items()
    ]  # fmt: skip
    return Person(rows, number)


# Defects: what is done to one person's rows. Each changes as little as makes the fault.


def one_cell(column: str, *texts: str) -> Callable[[Person], None]:
    """Return a defect that writes a text, another for each person, into one cell."""

    def seed(person: Person) -> None:
        person.any()[column] = texts[person.number // len(HEALTHY) % len(texts)]

    return seed


def of_marker(marker: str, **texts: str) -> Callable[[Person], None]:
    def seed(person: Person) -> None:
        person.of(marker).update(texts)

    return seed


def value_by(factor: float, marker: str) -> Callable[[Person], None]:
    """Return a defect that prints a value in another unit than it says."""

    def seed(person: Person) -> None:
        row = person.of(marker)
        row["value"] = f"{float(row['value']) * factor:.3g}"

    return seed


def contradictory_person(person: Person) -> None:
    person.rows[3]["sex"] = "FM"[person.number % 2 == 0]
    person.seeded = set(range(len(person.rows)))


def repeated(person: Person) -> None:
    person.add(person.rows[person.number % len(HEALTHY)])


def contradicted(person: Person) -> None:
    row = person.any()
    person.add(row, value=f"{float(row['value']) * 1.2:.2f}")


def superseded(person: Person) -> None:
    row = person.any()
    person.rows.append({**row, "value": f"{float(row['value']) * 1.1:.2f}"})
    row["status"] = "preliminary"


def wrong_sum(person: Person) -> None:
    glucose, insulin = (float(row["value"]) for row in person.rows[:2])
    value = f"{glucose * insulin / 22.5 * 1.5:.2f}"
    person.add(person.rows[0], analyte="homa_ir", value=value, unit="1")


def one_in_two_units(person: Person) -> None:
    """Print in µmol/L what says mg/dL, among more that are in mg/dL: no whole column is odd."""
    row = person.of("creatinine")
    right = {**row, "value": f"{float(row['value']) / 88.4:.2f}", "unit": "mg/dL"}
    person.rows += [{**right, "case_id": f"{row['case_id']}-{n}"} for n in range(3)]
    row["unit"] = "mg/dL"


def too_many_cells(person: Person) -> None:
    person.any()["more"] = "x"


DEFECTS: dict[str, tuple[str, Callable[[Person], None]]] = {
    "a cell too many": ("row-width", too_many_cells),
    "nobody's": ("case-id-missing", one_cell("case_id", "", " ")),
    "a name for an id": ("case-id-malformed", one_cell("case_id", "a b", "x" * 65, "é")),
    "two sexes": ("person-contradicts", contradictory_person),
    "withdrawn": ("status-not-reported", one_cell("status", "entered-in-error", "cancelled", "X")),
    "an unknown analyte": ("analyte-unknown", one_cell("analyte", "no such thing", "??")),
    "no unit": ("unit-missing", one_cell("unit", "", " ")),
    "an unknown unit": ("unit-unknown", one_cell("unit", "stone", "mgg/dL", "mmol//L")),
    "no value": ("value-missing", one_cell("value", "", " ")),
    "no number": ("value-unreadable", one_cell("value", "abc", "1.2.3x", "x9y")),
    "a word": ("value-qualitative", one_cell("value", "neg", "positive", "1+")),
    "two numbers": ("value-range", one_cell("value", "3,9 - 5,6", "4-6")),
    "a remark": ("value-with-remark", one_cell("value", "19 but poor collection")),
    "thousands or decimals": ("value-ambiguous", one_cell("value", "1,234", "12,345")),
    "far too low": ("implausible", of_marker("hba1c", value="3")),
    "far too high": ("implausible", of_marker("alt", value="999999")),
    "below nought": ("implausible", one_cell("value", "-5")),
    "an interval of another unit": (
        "interval-conflicts", of_marker("glucose_fasting", ref_low="72", ref_high="106")
    ),
    "glucose in mg/dL": ("unit-likely", value_by(18.016, "glucose_fasting")),
    "creatinine in umol/L": ("unit-likely", one_in_two_units),
    "calcium in mmol/L": ("unit-column", of_marker("calcium", unit="mg/dL")),
    "creatinine in mg/dL": ("unit-likely", value_by(1 / 88.4, "creatinine")),
    "no date": ("date-unreadable", one_cell("collected_at", "")),
    "no such date": ("date-unreadable", one_cell("collected_at", "2024-02-31", "2023-02-29")),
    "a word for a date": ("date-unreadable", one_cell("collected_at", "yesterday", "?")),
    "day or month first": ("date-ambiguous", one_cell("collected_at", "01-02-2024", "03/04/2024")),
    "from the future": ("date-after-as-of", one_cell("collected_at", "2031-01-01")),
    "before birth": ("date-before-birth", one_cell("collected_at", "1931-01-01")),
    "the same again": ("duplicate-identical", repeated),
    "two values of one": ("duplicate-contradictory", contradicted),
    "a preliminary one": ("superseded", superseded),
    "a wrong HOMA-IR": ("reported-differs", wrong_sum),
}  # fmt: skip
# Those that a table of many people cannot have: they need a case folder, or a correction.
ELSEWHERE = {
    "case-id-differs", "correction-without-reason", "correction-unreadable", "correction-changed",
}  # fmt: skip


@cache
def people() -> tuple[tuple[str, Person], ...]:
    """Return people with one defect each, in turn."""

    def seeded() -> Iterator[tuple[str, Person]]:
        for number in range(EACH * len(DEFECTS)):
            name = [*DEFECTS][number % len(DEFECTS)]
            person = healthy(number)
            DEFECTS[name][1](person)
            yield name, person

    return tuple(seeded())


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Intake:
    path: Path = tmp_path_factory.mktemp("defects") / "lab.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for _, person in people():
            writer.writerows(
                [*(row[name] for name in COLUMNS), *([row["more"]] if "more" in row else [])]
                for row in person.rows
            )
    return take_in([path], as_of=AS_OF, rules=RULES)


def judged(intake: Intake) -> pd.DataFrame:
    """Return of each row that was written its defect, its expected word and those it got."""
    words = dict(
        zip(intake.set_aside["line"].astype(int), intake.set_aside["reasons"], strict=True)
    )
    lines = [
        (name, DEFECTS[name][0] if at in person.seeded else "")
        for name, person in people()
        for at in range(len(person.rows))
    ]
    rows = pd.DataFrame(lines, columns=["defect", "expected"])
    return rows.assign(got=[words.get(line, "") for line in range(2, len(rows) + 2)])


def test_each_kind_of_defect_is_set_aside_under_its_own_word(intake: Intake) -> None:
    rows = judged(intake)
    seeded = rows[rows["expected"] != ""]
    right = [
        word in words.split(";")
        for word, words in zip(seeded["expected"], seeded["got"], strict=True)
    ]
    missed = seeded[~np.array(right)]
    assert len(DEFECTS) >= 27
    assert len(missed) <= (1 - CAUGHT) * len(seeded), Counter(
        missed[["defect", "got"]].itertuples(index=False, name=None)
    )
    assert (seeded.assign(right=right).groupby("defect")["right"].mean() >= CAUGHT).all()


def test_clean_rows_beside_defects_are_accepted(intake: Intake) -> None:
    rows = judged(intake)
    clean = rows[rows["expected"] == ""]
    held = clean[clean["got"] != ""]
    assert len(held) <= FALSE * len(clean), Counter(
        held[["defect", "got"]].itertuples(index=False, name=None)
    )


def test_every_row_that_was_written_is_accepted_or_set_aside(intake: Intake) -> None:
    assert len(intake.accepted) + len(intake.set_aside) == len(judged(intake))


def test_every_critical_word_is_seeded_or_needs_more_than_a_table() -> None:
    seeded = {word for word, _ in DEFECTS.values()}
    assert seeded | ELSEWHERE == set(reasons_by_severity()["critical"])
