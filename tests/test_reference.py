"""A reference population beside a review: read strictly, matched by sex and age, past the gate."""

import csv
import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from accessibility import faults
from attacker import intervals
from hypothesis import given
from hypothesis import strategies as st
from opened import Opened
from pages import review_page
from sizes import sized
from stores import AS_OF, store_of

from pipeline.cohort import Gate, period_of, review_store
from pipeline.cohort.columns import SIGNS, marker_places
from pipeline.cohort.groups import SEXES, age_codes
from pipeline.cohort.placing import Placed, place_people
from pipeline.errors import ReferenceFileError
from pipeline.intake.reference import take_in_reference
from pipeline.language import Language
from pipeline.narrate.review import narrate_review
from pipeline.read.reference import Population, Stratum
from pipeline.rules import load_rules
from pipeline.story import Section, Table

RULES = load_rules()
HDL = marker_places(RULES)["hdl"]
NOW = period_of("2026-Q3")
HEADER = "marker,sex,age_from,age_to,unit,n,p5,p25,p50,p75,p95,population,year,source"
ROW = "hdl,F,20,39,mmol/L,90,0.9,1.2,1.4,1.7,2.3,Others,2018,EXAMPLE"
SOMEBODY = Population(name="Others", year="2018", source="EXAMPLE")


@pytest.fixture(scope="module")
def example(root: Path) -> Path:
    return root / "docs" / "reference_nhanes.csv"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "others.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


# What is read.


def test_a_row_is_read_with_its_people_and_its_source(tmp_path: Path) -> None:
    (stratum,) = take_in_reference(written(tmp_path, ROW), RULES)
    assert (stratum.marker, stratum.name, stratum.people) == ("hdl", "F/20-39", 90)
    assert stratum.percentiles == {"p5": 0.9, "p25": 1.2, "p50": 1.4, "p75": 1.7, "p95": 2.3}
    assert stratum.population == SOMEBODY


@pytest.mark.parametrize(
    ("marker", "unit", "given", "expected"),
    [
        ("HbA1c", "%", (5.0, 5.3, 5.7), (31.0, 34.0, 39.0)),  # 10.93 x - 23.5, in whole mmol/mol
        ("glucose_fasting", "mg/dL", (90, 95, 100), (4.9959, 5.27345, 5.551)),
        ("insulin_fasting", "pmol/L", (30, 48, 90), (5.0, 8.0, 15.0)),
        ("homa_ir", "", (1.2, 2.0, 3.1), (1.2, 2.0, 3.1)),  # a ratio needs no unit
    ],
)
def test_percentiles_are_converted_and_rounded_as_results_are(
    tmp_path: Path, marker: str, unit: str, given: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    cells = ",".join(map(str, given))
    row = f"{marker},,,,{unit},,,{cells},,Others,2018,EXAMPLE"
    (stratum,) = take_in_reference(written(tmp_path, row), RULES)
    assert tuple(stratum.percentiles.values()) == pytest.approx(expected)
    assert stratum.name == "/-"


REFUSED = {
    "an unknown marker": (ROW.replace("hdl", "hdx"), "marker 'hdx' in 'others.csv', line 2"),
    "an unknown sex": (ROW.replace(",F,", ",V,"), "sex 'V' in 'others.csv', line 2.*F, M"),
    "an unknown unit": (ROW.replace("mmol/L", "g/dL"), "unit 'g/dL' of hdl.*line 2.*mg/dL"),
    "no unit": (ROW.replace("mmol/L", ""), "unit '' of hdl.*mmol/L"),
    "another unit than it says": (ROW.replace("mmol/L", "mg/dL"), "p5.*line 2.*another unit"),
    "a comma": (ROW.replace("1.4", '"1,4"'), "p50 in 'others.csv', line 2.*decimal point"),
    "no number": (ROW.replace("1.4", "nan"), "p50 in .*line 2"),
    "no median": (ROW.replace("1.4", ""), "Unable to find p50 in 'others.csv', line 2"),
    "percentiles out of order": (ROW.replace("1.7", "1.3"), "p50 of .*line 2 .*at most its p75"),
    "half an age": (ROW.replace("39", "39.5"), "age_to in 'others.csv', line 2.*whole years"),
    "ages turned round": (ROW.replace("39", "19"), "age_from of 'others.csv', line 2"),
    "nobody": (ROW.replace("90", "0"), "n in 'others.csv', line 2.*number of people"),
    "no source": (ROW.replace("EXAMPLE", ""), "source of 'others.csv', line 2.*source"),
    "no year": (ROW.replace("2018", ""), "year of 'others.csv', line 2"),
    "a row too long": (ROW + ",x", "exactly 14 cells in 'others.csv', line 2"),
    "a stratum twice": (f"{ROW}\n{ROW}", "line 3 overlaps line 2"),
    "overlapping ages": (f"{ROW}\n{ROW.replace('20,39', '39,50')}", "line 3 overlaps line 2"),
    "everybody as well": (f"{ROW}\n{ROW.replace(',F,20,39', ',,,')}", "line 3 overlaps line 2"),
    "another population": (
        f"{ROW}\n{ROW.replace(',F,', ',M,').replace('2018', '2020')}",
        "exactly 1 population, year and source of hdl, but 'others.csv', line 3",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_reference_is_refused_by_row(tmp_path: Path, case: str) -> None:
    rows, told = REFUSED[case]
    with pytest.raises(ReferenceFileError, match=told) as refused:
        take_in_reference(written(tmp_path, rows), RULES)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEADER.replace("p50", "median"), "Unable to find column 'p50' in 'others.csv'"),
        (HEADER.replace("p95", "p90"), "Unrecognised column 'p90' in 'others.csv': expected one"),
        (HEADER.replace("p95", "p75"), "exactly 1 column 'p75'"),
    ],
)
def test_a_column_that_is_absent_unknown_or_doubled_is_refused(
    tmp_path: Path, header: str, told: str
) -> None:
    with pytest.raises(ReferenceFileError, match=told):
        take_in_reference(written(tmp_path, ROW, header=header), RULES)


def test_a_file_without_rows_and_one_that_is_absent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReferenceFileError, match="Unable to find any row"):
        take_in_reference(written(tmp_path), RULES)
    with pytest.raises(ReferenceFileError, match=r"Unable to read 'absent\.csv'"):
        take_in_reference(tmp_path / "absent.csv", RULES)


# The example.


def test_the_example_is_what_plain_numpy_makes_of_nhanes(example: Path, shared: Path) -> None:
    people = pd.read_csv(shared / "data/nhanes/nhanes_2017_2018_fasting.csv.gz")
    people = people[(people["WTSAF2YR"] > 1) & ~(people["RIDEXPRG"] == 1)]
    values = {
        "glucose_fasting": people["LBDGLUSI"],
        "insulin_fasting": people["LBXIN"],
        "homa_ir": people["LBXGLU"] * people["LBXIN"] / 405,
        "hba1c": people["LBXGH"],
        "triglycerides": people["LBDSTRSI"],
        "hdl": people["LBDHDDSI"],
        "tg_hdl_molar": people["LBDSTRSI"] / people["LBDHDDSI"],
        "cholesterol_total": people["LBDSCHSI"],
        "alt": people["LBXSATSI"],
        "ggt": people["LBXSGTSI"],
        "urate": people["LBDSUASI"],
        "bmi": people["BMXBMI"],
        "waist": people["BMXWAIST"],
    }
    with example.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(values) * 6
    for row in rows:
        own = (people["RIAGENDR"] == {"M": 1, "F": 2}[row["sex"]]) & (
            people["RIDAGEYR"].between(int(row["age_from"]), int(row["age_to"] or 80))
        )
        column = values[row["marker"]][own]
        known, weights = column.notna().to_numpy(), people.loc[own, "WTSAF2YR"].to_numpy()
        expected = np.quantile(
            column.to_numpy()[known],
            [0.05, 0.25, 0.5, 0.75, 0.95],
            weights=weights[known],
            method="inverted_cdf",
        )
        told = [float(row[name]) for name in ("p5", "p25", "p50", "p75", "p95")]
        assert int(row["n"]) == known.sum()
        assert told == pytest.approx(expected, rel=5e-6), (row["marker"], row["sex"])


def test_the_example_can_be_used_as_it_is(example: Path) -> None:
    strata = take_in_reference(example, RULES)
    assert len({stratum.marker for stratum in strata}) == 13
    assert {stratum.name for stratum in strata} == {
        f"{sex}/{ages}" for sex in "FM" for ages in ("20-39", "40-59", "60-")
    }


# Who is where.

Person = tuple[str, int | None, float, str]  # sex, age, value and its sign
WOMEN = Stratum(
    line=2,
    marker="hdl",
    sex="F",
    age_from=20,
    age_to=39,
    unit="mmol/L",
    percentiles={"p25": 1.2, "p50": 1.4, "p75": 1.7},
    people=None,
    population=SOMEBODY,
)
OLDER = Stratum(
    line=3,
    marker="hdl",
    sex=None,
    age_from=40,
    age_to=None,
    unit="mmol/L",
    percentiles={"p25": 1.0, "p50": 1.3, "p75": 1.5},
    people=None,
    population=SOMEBODY,
)


def placed(people: list[Person], reference: list[Stratum]) -> Placed:
    """Return where people with one value of HDL are placed."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA scored")
        connection.execute("CREATE TABLE scored.visit (person INT, date DATE, age INT)")
        connection.execute(
            "CREATE TABLE now_value (person INT, date DATE, marker INT, sex INT, ages INT,"
            " value DOUBLE, sign INT, laboratory INT, guideline INT, functional INT)"
        )
        for number, (sex, age, value, sign) in enumerate(people):
            row = [number, "2026-07-01", age]
            connection.execute("INSERT INTO scored.visit VALUES (?, ?, ?)", row)
            ages = int(age_codes([np.nan if age is None else age])[0])
            codes = [HDL, SEXES.index(sex), ages, value, SIGNS.index(sign)]
            connection.execute(
                "INSERT INTO now_value VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)", [*row[:2], *codes]
            )
        return place_people(connection, reference, RULES)


def sides(found: Placed) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for key, count in found.sides.get("hdl", {}).items():
        counted[key[-1]] += count
    return dict(counted)


@pytest.mark.parametrize(
    ("person", "side"),
    [
        (("F", 20, 1.19, ""), "below"),
        (("F", 39, 1.2, ""), "between"),  # a quartile itself is in neither quarter
        (("F", 39, 1.7, ""), "between"),
        (("F", 39, 1.71, ""), "above"),
        (("F", 40, 1.19, ""), "between"),  # of the next group, where p25 is 1.0
        (("M", 75, 0.9, ""), "below"),
        (("M", 39, 0.9, ""), "without"),  # no row of men under 40
        (("F", 19, 0.9, ""), "without"),
        (("F", None, 0.9, ""), "without"),
        (("unknown", 50, 1.6, ""), "above"),
        (("unknown", 30, 1.6, ""), "without"),
        (("F", 30, 1.1, "<"), "below"),
        (("F", 30, 1.2, "<"), "undetermined"),
        (("F", 30, 5.0, "<"), "undetermined"),
        (("F", 30, 1.8, ">"), "above"),
        (("F", 30, 0.5, ">"), "undetermined"),
    ],
)
def test_a_person_is_held_against_the_own_sex_and_age(person: Person, side: str) -> None:
    assert sides(placed([person], [WOMEN, OLDER])) == {side: 1}


def test_a_row_of_everybody_holds_for_whose_age_and_sex_are_unknown() -> None:
    everybody = Stratum(
        line=2,
        marker="hdl",
        sex=None,
        age_from=None,
        age_to=None,
        unit="mmol/L",
        percentiles={"p25": 1.0, "p50": 1.3, "p75": 1.5},
        people=None,
        population=SOMEBODY,
    )
    found = placed([("unknown", None, 0.9, ""), ("F", 3, 2.0, "")], [everybody])
    assert sides(found) == {"below": 1, "above": 1}


def test_the_quartiles_of_a_group_are_those_of_its_people_by_hand() -> None:
    values = (1.0, 1.1, 1.3, 1.6, 2.0)
    found = placed([("F", 30, value, "") for value in values], [WOMEN, OLDER])
    assert found.quartiles == {0: [1.1, 1.3, 1.6]}
    assert found.groups["hdl"] == {("F", "30-44", "F/20-39"): 5}
    assert sides(found) == {"below": 2, "between": 2, "above": 1}


persons = st.tuples(
    st.sampled_from(["F", "M", "unknown"]),
    st.none() | st.integers(0, 100),
    st.sampled_from([0.8, 1.0, 1.1, 1.2, 1.5, 1.7, 2.0]),
    st.sampled_from(["", "", "", "<", ">"]),
)


def expected_side(person: Person, reference: list[Stratum]) -> str:
    """Return the side of a person, one at a time."""
    sex, age, value, sign = person
    for one in reference:
        whole = one.age_from is None and one.age_to is None
        of_age = whole or (age is not None and one.ages[0] <= age <= one.ages[1])
        if one.sex in (None, sex) and of_age:
            low = -math.inf if sign == "<" else value
            high = math.inf if sign == ">" else value
            if high < one.percentiles["p25"]:
                return "below"
            if low > one.percentiles["p75"]:
                return "above"
            return "undetermined" if sign else "between"
    return "without"


@given(people=st.lists(persons, min_size=1, max_size=30))
def test_each_person_is_on_one_side_and_the_sides_add_up(people: list[Person]) -> None:
    found = placed(people, [WOMEN, OLDER])
    assert sides(found) == dict(Counter(expected_side(one, [WOMEN, OLDER]) for one in people))
    assert sum(sides(found).values()) == sum(found.groups["hdl"].values()) == len(people)


# Past the gate.


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = sized(300, full=2_000)
    return store_of(tmp_path_factory.mktemp("beside"), people=people)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


def reviewed(store: Path, reference: Path | None, gate: Gate) -> dict[str, Any]:
    strata = take_in_reference(reference, RULES) if reference else ()
    told = review_store(store, NOW, as_of=AS_OF, rules=RULES, gate=gate, reference=strata)
    return dict(json.loads(json.dumps(told)))


@pytest.fixture(scope="module")
def review(practice: Path, example: Path, gate: Gate) -> dict[str, Any]:
    return reviewed(practice, example, gate)


def test_a_reference_adds_to_a_review_and_changes_nothing_in_it(
    review: dict[str, Any], practice: Path
) -> None:
    how = {name: part for name, part in review["how"].items() if name != "reference"}
    assert reviewed(practice, None, Gate()) == review | {"how": how}


def counts_of(beside: Mapping[str, Any]) -> Iterator[int | str]:
    for one in beside["markers"]:
        yield from (one[name] for name in ("with_stratum", "without_stratum", "undetermined"))
        yield from (one[side]["n"] for side in ("below", "above"))
        yield from (stratum["n"] for stratum in one["strata"])


def test_no_count_below_the_limit_is_told_beside_a_reference(review: dict[str, Any]) -> None:
    counts = list(counts_of(review["how"]["reference"]))
    told = [count for count in counts if isinstance(count, int)]
    assert len(told) > 50
    assert min(told) >= review["limit"]
    assert "small" in counts


def test_what_is_told_beside_a_reference_holds_against_the_attacker(
    review: dict[str, Any], gate: Gate
) -> None:
    tables = {
        name: published.as_record()
        for name, published in gate.passed.items()
        if name.endswith(("/reference", "/strata"))
    }
    assert len(tables) == 2 * len(review["how"]["reference"]["markers"])
    for name, record in list(tables.items())[:: sized(3, full=1)]:
        atoms = len(record["atoms"])
        groups = [*np.eye(atoms)]
        groups += [np.isin(range(atoms), places).astype(float) for _, places, _ in record["cells"]]
        for low, high in intervals(record, groups):
            assert low >= review["limit"] or high - low + 1 >= review["limit"], name


def test_the_strata_of_a_marker_add_up_where_all_are_told(review: dict[str, Any]) -> None:
    there = {one["marker"]: one for one in review["how"]["markers"]}
    for one in review["how"]["reference"]["markers"]:
        known = [one["with_stratum"], one["without_stratum"], there[one["marker"]]["n"]]
        if all(isinstance(count, int) for count in known):
            assert known[0] + known[1] == known[2]
        counts = [stratum["n"] for stratum in one["strata"]]
        if all(isinstance(count, int) for count in [*counts, known[0]]):
            assert sum(counts) == known[0]


def test_quartiles_of_a_group_rest_on_twice_as_many_people_as_the_limit(
    review: dict[str, Any],
) -> None:
    for one in review["how"]["reference"]["markers"]:
        for stratum in one["strata"]:
            if isinstance(stratum["n"], int):
                assert (stratum["quartiles"] is not None) is (stratum["n"] >= 10)
            elif stratum["n"] == "small":
                assert stratum["quartiles"] is None


@pytest.mark.parametrize("people", [3, 40])
def test_a_practice_of_few_people_is_told_beside_a_reference_without_any_of_them(
    tmp_path: Path, example: Path, people: int
) -> None:
    told = reviewed(store_of(tmp_path, people=people, seed=3), example, Gate())
    for count in counts_of(told["how"]["reference"]):
        assert not isinstance(count, int) or count >= 5
    assert [narrate_review(told, code) for code in ("nl", "en")]


# As it is printed.


def of_reference(review: Mapping[str, Any], language: str) -> Section:
    how = narrate_review(review, language).section("how")
    (found,) = (part for part in how.subsections if part.id == "how-reference")
    return found


def cells_of(section: Section) -> list[str]:
    return [
        cell.replace(",", ".")
        for table in section.blocks
        if isinstance(table, Table)
        for group in table.groups
        for row in group.rows
        for cell in row.cells[1:]
    ]


def test_both_languages_print_the_same_numbers(review: dict[str, Any]) -> None:
    dutch, english = (
        [re.findall(r"[<×]|\d+(?:\.\d+)?", cell) for cell in cells_of(of_reference(review, code))]
        for code in ("nl", "en")
    )
    assert dutch == english
    assert len(dutch) > 300


def numbers_of(told: Any) -> Iterator[float]:
    if isinstance(told, Mapping):
        told = list(told.values())
    if isinstance(told, list):
        for one in told:
            yield from numbers_of(one)
    elif isinstance(told, int | float):
        yield float(told)


def tables_of(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def assert_told(cells: tuple[str, ...], told: Any, limit: int) -> None:
    """Fail unless each number of a row is one of what the review tells of it, rounded."""
    known = [*numbers_of(told), limit]
    shares = [100 * number for number in known if 0 <= number <= 1]
    for cell in cells[1:]:
        for number in re.findall(r"\d+(?:\.\d+)?", cell):
            half = 0.5000001 * 10.0 ** -len(number.partition(".")[2])
            near = [one for one in [*known, *shares] if abs(one - float(number)) <= half]
            assert near, (cells, number)


def test_every_number_that_is_printed_is_told_of_its_row_in_the_review(
    review: dict[str, Any],
) -> None:
    there = {one["marker"]: one for one in review["how"]["markers"]}
    beside = {one["marker"]: one for one in review["how"]["reference"]["markers"]}
    first, second = tables_of(of_reference(review, "en"))
    rows = [row.cells for group in first.groups for row in group.rows]
    names = {re.split(r", (?=\S+$)", cells[0])[0]: cells for cells in rows}
    assert len(rows) == len(beside)
    for marker, one in beside.items():
        cells = names[Language.load("en").marker(marker)]
        assert_told(cells, [one, there[marker]["n"], there[marker]["quartiles"]], review["limit"])
    for group, one in zip(second.groups, beside.values(), strict=True):
        for row, stratum in zip(group.rows, one["strata"], strict=True):
            assert_told(row.cells, stratum, review["limit"])


def test_the_source_of_a_reference_is_printed_with_its_markers(review: dict[str, Any]) -> None:
    for code in ("nl", "en"):
        text = str(of_reference(review, code).blocks)
        assert "2017-2018" in text
        assert "CDC/NCHS" in text


def test_a_review_without_a_reference_says_nothing_of_one(review: dict[str, Any]) -> None:
    how = {name: part for name, part in review["how"].items() if name != "reference"}
    story = narrate_review(review | {"how": how}, "en")
    assert "eference population" not in str(story)


@pytest.mark.xdist_group("report")
def test_the_page_fits_a_phone_and_axe_finds_nothing(
    browser, review: dict[str, Any], tmp_path: Path
) -> None:
    told = tmp_path / "cohort.json"
    told.write_text(json.dumps(review), encoding="utf-8")
    page = tmp_path / "review.html"
    page.write_text(review_page("nl", str(told)), encoding="utf-8")
    with Opened(browser, page, viewport={"width": 320, "height": 700}) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 320
        assert faults(opened.page) == []


# The command itself.


def casereport(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)


@pytest.mark.kernel
@pytest.mark.xdist_group("kernel")
def test_the_command_records_which_reference_it_used(
    practice: Path, root: Path, example: Path, tmp_path: Path
) -> None:
    words = ["report", "cohort_review", "--store", str(practice), "--period", "2026-Q3"]
    words += ["--as-of", "2026-09-30", "--format", "html,json", "--reference", str(example)]
    run = casereport(root, *words, "--out", str(tmp_path))
    assert run.returncode == 0, run.stderr
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    used = {"file": str(example), "sha256": sha256(example.read_bytes()).hexdigest()}
    assert record["reference"] == used
    assert used in record["inputs"]
    page = (tmp_path / "cohort_review.nl.html").read_text(encoding="utf-8")
    assert "Naast een referentiepopulatie" in page
    told = json.loads((tmp_path / "cohort.json").read_text(encoding="utf-8"))
    assert len(told["how"]["reference"]["markers"]) == 12  # nobody's urate was measured


def test_a_reference_that_cannot_be_used_ends_the_run_before_it_begins(
    practice: Path, root: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, ROW.replace("hdl", "hdx"))
    words = ["report", "cohort_review", "--store", str(practice), "--reference", str(file)]
    run = casereport(root, *words, "--out", str(tmp_path / "out"))
    assert run.returncode == 3
    assert run.stderr.startswith("ReferenceFileError: Unrecognised marker 'hdx' in 'others.csv'")


def test_a_report_of_one_person_has_no_reference(root: Path, tmp_path: Path) -> None:
    words = ["report", "case_study", "samples/seed_case", "--reference", "x.csv"]
    run = casereport(root, *words, "--out", str(tmp_path))
    assert (run.returncode, "Unable to use --reference" in run.stderr) == (2, True)
