"""The review of many: right numbers, nobody recognisable, and the same in every language."""

import datetime as dt
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nhanes
import numpy as np
import pandas as pd
import pytest
from attacker import intervals
from made_practice import draw_practice, write_practice
from sizes import sized
from stores import AS_OF, store_of, stored

from pipeline import __version__
from pipeline.cohort import Gate, Period, period_of, quarter_of, review_store
from pipeline.cohort.change import find_pairs
from pipeline.cohort.columns import SHIFTS, marker_places
from pipeline.cohort.counts import Mark
from pipeline.cohort.scoring import score_store
from pipeline.cohort.seen import opened_columns
from pipeline.errors import CommandError
from pipeline.narrate.review import narrate_review
from pipeline.plot import plot_distributions
from pipeline.publish.ledger import Order
from pipeline.publish.review import make_review
from pipeline.read import read_review
from pipeline.read.overlay import read_overlay
from pipeline.rules import Rules, load_rules
from pipeline.rules.loader import LimitSet
from pipeline.store import forget_person
from pipeline.store.opening import spilled_beside
from pipeline.story import Row, Section, Story, Table

RULES = load_rules()
NOW = period_of("2026-Q3")
PEOPLE = sized(300, full=2_000)


def reviewed(
    store: Path, period: Period = NOW, *, rules: Rules = RULES, gate: Gate | None = None
) -> dict[str, Any]:
    """Return a review as ``cohort.json`` holds it."""
    told = review_store(store, period, as_of=AS_OF, rules=rules, gate=gate or Gate())
    return dict(json.loads(json.dumps(told)))


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_of(tmp_path_factory.mktemp("practice"), people=PEOPLE)


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def review(practice: Path, gate: Gate) -> dict[str, Any]:
    return reviewed(practice, gate=gate)


# Periods.


@pytest.mark.parametrize(
    ("written", "start", "end", "before", "a_year_ago"),
    [
        ("2026", "2026-01-01", "2026-12-31", "2025", "2025"),
        ("2026-H1", "2026-01-01", "2026-06-30", "2025-H2", "2025-H1"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2025-Q4", "2025-Q1"),
        ("2024-02", "2024-02-01", "2024-02-29", "2024-01", "2023-02"),
    ],
)
def test_a_period_knows_its_days_and_those_to_compare_it_with(
    written: str, start: str, end: str, before: str, a_year_ago: str
) -> None:
    period = period_of(written)
    assert (period.name, str(period.start), str(period.end)) == (written, start, end)
    assert (period.earlier(1).name, period.a_year_ago.name) == (before, a_year_ago)


@pytest.mark.parametrize("written", ["2026-Q5", "2026-13", "Q3", "26-Q3", "2026Q3", "1899", ""])
def test_what_is_no_period_is_refused(written: str) -> None:
    with pytest.raises(CommandError, match="Unrecognised period"):
        period_of(written)


def test_the_last_quarter_that_has_ended_is_reviewed_where_none_is_named() -> None:
    assert quarter_of(dt.date(2026, 9, 30)).name == "2026-Q3"
    assert quarter_of(dt.date(2026, 9, 29)).name == "2026-Q2"


# The numbers are right.


AGES = {(0, 29): "0-29", (30, 44): "30-44", (45, 59): "45-59", (60, 74): "60-74", (75, 150): "75+"}


@pytest.fixture(scope="module")
def americans(shared: Path) -> pd.DataFrame:
    return nhanes.adults(shared)


@pytest.fixture(scope="module")
def american_review(
    americans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("nhanes")
    file = folder / "lab.csv"
    nhanes.lab_table(americans, "si").to_csv(file, index=False)
    return reviewed(stored(folder, [file]), period_of("2018-Q2"))


def independent(americans: pd.DataFrame, marker: str) -> pd.DataFrame:
    """Return the values of a marker beside sex and age band, by the file and plain numpy alone."""
    bands = [
        name for value in americans["RIDAGEYR"] for (a, b), name in AGES.items() if a <= value <= b
    ]
    plain = pd.DataFrame(
        {
            "value": americans[nhanes.COLUMNS[marker][0]].to_numpy(float),
            "sex": np.where(americans["RIAGENDR"] == 1, "M", "F"),
            "ages": bands,
        }
    )
    return plain.dropna()


@pytest.mark.parametrize("marker", ["alt", "weight", "waist", "ast", "height"])
def test_medians_quartiles_and_shares_of_nhanes_are_those_of_plain_numpy(
    american_review: dict[str, Any], americans: pd.DataFrame, marker: str
) -> None:
    (told,) = (one for one in american_review["how"]["markers"] if one["marker"] == marker)
    plain = independent(americans, marker)
    lacking = len(americans) - len(plain)
    assert (told["n"], told["missing"]) == (
        (len(plain), lacking) if lacking >= 5 else ("hidden", "small")
    )
    assert told["quartiles"] == pytest.approx(np.percentile(plain["value"], [25, 50, 75]))
    for by in ("sex", "ages"):
        for group in told["groups"][by]:
            own = plain[plain[by] == group["group"]]
            assert group["n"] in (len(own), "hidden")
            assert group["quartiles"] == pytest.approx(np.percentile(own["value"], [25, 50, 75]))
            beyond = sum(
                is_beyond(marker, *one) for one in zip(own["value"], own["sex"], strict=True)
            )
            if group["share"] is not None:
                assert (group["beyond"], group["share"]) == (
                    beyond,
                    pytest.approx(beyond / len(own), abs=5e-4),
                )


def is_beyond(marker: str, value: float, sex: str) -> bool:
    """Return whether a value lies beyond a guideline, read from the rows of limits.csv."""
    limits = [one for one in RULES.limits if one.marker == marker and one.set == LimitSet.GUIDELINE]
    compare: dict[str, Callable[[float, float], bool]] = {
        ">": float.__gt__,
        ">=": float.__ge__,
        "<": float.__lt__,
        "<=": float.__le__,
    }
    return any(
        compare[one.op](float(value), float(one.value))
        for one in limits
        if one.sex in (None, sex) and one.ages is None
    )


def test_the_flow_of_people_adds_up(review: dict[str, Any], practice: Path) -> None:
    for period in (NOW, NOW.earlier(1), NOW.earlier(5), period_of("2025")):
        flow = reviewed(practice, period)["who"]["flow"] if period != NOW else review["who"]["flow"]
        assert_adds_up(flow, "in_store", ("seen", "not_seen"))
        assert_adds_up(flow, "seen", ("first", "again"))
    assert review["who"]["flow"]["in_store"] == PEOPLE


def assert_adds_up(flow: Mapping[str, Any], whole: str, parts: tuple[str, ...]) -> None:
    told = [flow[name] for name in (whole, *parts)]
    if all(isinstance(one, int) for one in told):
        assert told[0] == sum(told[1:]), (whole, flow)


def test_planted_errors_are_found_in_the_quality_of_the_period(
    review: dict[str, Any], practice: Path
) -> None:
    planted = pd.read_csv(practice.parent / "planted.csv", dtype=str)
    own = planted[planted["file"] == "lab_2026-Q3.csv"]
    told = {}
    for one in review["quality"]["reasons"]:
        told[one["reason"]] = told.get(one["reason"], 0) + one["rows"]
    for reason, count in own["reason"].value_counts().items():
        if reason != "date-after-as-of":  # of another period
            assert told.get(reason, 0) >= count, reason
    rows = sum(one["rows"] for one in review["quality"]["laboratories"])
    aside = sum(one["set_aside"] for one in review["quality"]["laboratories"])
    assert abs(aside - len(own)) <= max(3, 0.002 * rows)


def change_of(review: dict[str, Any], marker: str, window: str) -> dict[str, Any]:
    (found,) = (
        one
        for one in review["change"]["markers"]
        if (one["marker"], one["window"]) == (marker, window)
    )
    return dict(found)


def test_an_improvement_that_was_planted_is_recovered(tmp_path: Path) -> None:
    store = store_of(tmp_path, people=sized(600, full=4_000), seed=11, effect=-0.4)
    found = change_of(reviewed(store), "insulin_fasting", "6")
    error = 100 * 3 * 0.45 / math.sqrt(found["judged"])
    assert found["percent"][1] == pytest.approx(100 * (math.exp(-0.4) - 1), abs=error)
    assert found["after"][1] < found["before"][1]


def test_a_practice_in_which_nothing_changes_reports_no_more_than_is_expected(
    tmp_path: Path,
) -> None:
    store = store_of(tmp_path, people=sized(600, full=4_000), seed=12, effect=0.0)
    moved = [one["moved"] for one in reviewed(store)["course"]["markers"] if one["moved"]]
    assert sum(way != "no" for way in moved) <= 0.05 * len(moved)
    scored = score_store(store, as_of=AS_OF, rules=RULES)
    with opened_columns(scored.path, store) as connection:
        find_pairs(connection, NOW)  # what is suppressed counts here
        places = marker_places(RULES)
        measured = [places[name] for name, one in RULES.markers.items() if one.kind == "measured"]
        ((real, judged),) = connection.execute(
            "SELECT count(*) FILTER (list_contains($real, shift)), count(*) FROM pair"
            " WHERE shift <> $not_judged AND list_contains($measured, marker)",
            {
                "real": [SHIFTS.index("down"), SHIFTS.index("up")],
                "not_judged": SHIFTS.index("not_judged"),
                "measured": measured,
            },
        ).fetchall()
    assert judged > 1_000
    assert 0.03 < real / judged < 0.065  # 5 % by definition, and what rounding changes


# Nobody can be recognised.


def counts_in(told: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every number and mark of a part of a review, with where it stands."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            yield from counts_in(value, (*path, str(key)))
    elif isinstance(told, list):
        for value in told:
            yield from counts_in(value, path)
    else:
        yield path, told


def test_no_count_of_people_below_the_limit_is_in_the_review(review: dict[str, Any]) -> None:
    people = {name: review[name] for name in ("who", "how", "change", "course")}
    not_people = {"windows", "quartiles", "before", "after", "change", "percent", "edges", "age"}
    small = [
        (path, value)
        for path, value in counts_in(people)
        if isinstance(value, int)
        and not isinstance(value, bool)
        and value < review["limit"]
        and not not_people & set(path[1:])
    ]
    assert small == []


def test_every_table_that_leaves_holds_against_the_attacker(
    review: dict[str, Any], gate: Gate
) -> None:
    assert len(gate.passed) > 100
    for name, published in list(gate.passed.items())[:: sized(9, full=1)]:
        record = published.as_record()
        groups = [
            np.eye(len(record["atoms"]))[[place]].sum(axis=0)
            for place in range(len(record["atoms"]))
        ]
        groups += [
            np.isin(range(len(record["atoms"])), places).astype(float)
            for _, places, _ in record["cells"]
        ]
        for low, high in intervals(record, groups):
            assert low >= review["limit"] or high - low + 1 >= review["limit"], name


def test_a_higher_limit_hides_more_and_a_lower_one_is_refused(practice: Path) -> None:
    with pytest.raises(ValueError, match="5 or more"):
        reviewed(practice, gate=Gate(limit=4))
    told = reviewed(practice, gate=Gate(limit=10))
    marks = {value for _, value in counts_in(told["how"]) if isinstance(value, str)}
    assert marks >= {Mark.SMALL.value}
    people = {name: told[name] for name in ("who", "how")}
    numbers = [n for path, n in counts_in(people) if path[-1] in ("n", "beyond", "both")]
    assert min(n for n in numbers if isinstance(n, int)) >= 10


@pytest.mark.parametrize(("people", "told"), [(9, False), (10, True)])
def test_a_quartile_rests_on_twice_as_many_people_as_the_limit(people: int, told: bool) -> None:
    assert (Gate(limit=5).quantiles(people, [1.0, 2.0, 3.0]) is not None) is told


def test_no_quartile_of_a_review_is_that_of_fewer(review: dict[str, Any]) -> None:
    for one in review["how"]["markers"]:
        for group in (group for groups in one["groups"].values() for group in groups):
            if isinstance(group["n"], int):
                assert (group["quartiles"] is not None) is (group["n"] >= 10), one["marker"]


def test_no_bar_of_a_distribution_is_few_people_and_no_edge_is_the_least_or_the_most(
    review: dict[str, Any],
) -> None:
    found = review["how"]["distributions"]
    assert len(found) > 5
    for bins in found.values():
        assert min(bins["counts"]) >= review["limit"]
        assert len(bins["edges"]) == len(bins["counts"]) + 1


def test_a_bar_of_whole_numbers_begins_between_two_of_them(review: dict[str, Any]) -> None:
    whole = [
        bins["edges"]
        for marker, bins in review["how"]["distributions"].items()
        if RULES.markers[marker].decimals == 0
    ]
    assert whole
    assert {edge % 1 for edges in whole for edge in edges} == {0.5}


def test_both_axes_of_a_picture_have_the_decimal_mark_of_its_language(
    review: dict[str, Any],
) -> None:
    for language, other in (("nl", r">\d+\.\d+<"), ("en", r">\d+,\d+<")):
        figure = plot_distributions(review, language)
        assert figure is not None
        assert re.findall(other, figure.svg) == []
        assert re.search(r">\d+[.,]\d+<", figure.svg)


def test_the_bars_of_a_marker_do_not_add_up_to_a_count_that_is_not_told(
    american_review: dict[str, Any],
) -> None:
    told = {one["marker"]: one["n"] for one in american_review["how"]["markers"]}
    assert {"hidden"} < set(map(str, told.values()))
    for marker, bins in american_review["how"]["distributions"].items():
        assert sum(bins["counts"]) == told[marker], marker


def test_a_review_made_again_with_a_few_more_people_does_not_give_them_away(
    tmp_path: Path,
) -> None:
    write_practice(draw_practice(120, seed=5), tmp_path)
    files = sorted(tmp_path.glob("lab_*.csv"))
    store = stored(tmp_path, files, people=tmp_path / "people.csv")
    first = Gate()
    before = reviewed(store, gate=first)["who"]
    late = tmp_path / "late.csv"
    rows = [f"late_{n},s{n},2026-08-0{n + 1},alt,22,U/L,F,1970" for n in range(2)]
    header = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year"
    late.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    stored(tmp_path, [late])
    alone, knowing = Gate(), Gate(earlier=[first.passed])
    assert reviewed(store, gate=alone)["who"]["seen"] == before["seen"] + 2
    told = reviewed(store, gate=knowing)["who"]
    assert told["seen"] in (Mark.HIDDEN.value, Mark.WITHHELD.value)
    again = Gate(earlier=[first.passed, knowing.passed])
    assert reviewed(store, gate=again)["who"]["seen"] == told["seen"]


def test_who_is_forgotten_leaves_the_scored_columns_too(tmp_path: Path) -> None:
    store = store_of(tmp_path, people=40)
    gone = pd.read_csv(tmp_path / "people.csv")["case_id"].iloc[0]
    scored = score_store(store, as_of=AS_OF, rules=RULES)
    assert gone.encode() in scored.path.read_bytes()
    killed = tmp_path / f"{spilled_beside(store)}killed"
    killed.mkdir()
    (killed / "spilled").write_text(gone)
    forget_person(store, gone, on=AS_OF)
    assert not killed.exists()
    left = [path for path in tmp_path.iterdir() if store.name in path.name]
    assert not any(gone.encode() in path.read_bytes() for path in left)
    assert score_store(store, as_of=AS_OF, rules=RULES).made == 1


# A changed rule, a new result.


def test_only_what_changed_is_scored_again(tmp_path: Path) -> None:
    store = store_of(tmp_path, people=40)
    assert score_store(store, as_of=AS_OF, rules=RULES).made == 1
    assert score_store(store, as_of=AS_OF, rules=RULES).made == 0
    own = tmp_path / "own.toml"
    own.write_text(
        '[targets.ferritin]\nlow = 80\nunit = "ug/L"\nsource = "EXAMPLE"\nauthor = "us"\n',
        encoding="utf-8",
    )
    assert score_store(store, as_of=AS_OF, rules=read_overlay(own, RULES)).made == 1


def test_a_changed_threshold_changes_the_review_of_last_year_too(
    practice: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[targets.ferritin]\nlow = 80\nunit = "ug/L"\nsource = "EXAMPLE"\nauthor = "us"\n',
        encoding="utf-8",
    )

    def ferritin(rules: Rules) -> Any:
        told = reviewed(practice, NOW.a_year_ago, rules=rules)["how"]["markers"]
        return next(one["functional"] for one in told if one["marker"] == "ferritin")

    assert ferritin(RULES) is None
    assert isinstance(ferritin(read_overlay(own, RULES))["low"]["n"], int)
    assert ferritin(RULES) is None


# Told the same in every language.


def tables_of(story: Story) -> Iterator[Table]:
    def of(section: Section) -> Iterator[Table]:
        yield from (block for block in section.blocks if isinstance(block, Table))
        for part in section.subsections:
            yield from of(part)

    for section in story.sections:
        yield from of(section)


def cells_of(story: Story) -> list[str]:
    """Return the cells of all tables but the first of each row, in the digits of English."""
    return [
        cell.replace(",", ".")
        for table in tables_of(story)
        for group in table.groups
        for row in group.rows
        for cell in row.cells[1:]
        if re.search(r"\d|×", cell)
    ]


def test_both_languages_tell_the_same_numbers(review: dict[str, Any]) -> None:
    numbers = {
        code: [
            re.findall(r"[<×]|\d+(?:\.\d+)?", cell)
            for cell in cells_of(narrate_review(review, code))
        ]
        for code in ("nl", "en")
    }
    # dates are written otherwise: their table has no other numbers before them
    assert len(numbers["nl"]) == len(numbers["en"]) > 300
    assert sum(a != b for a, b in zip(numbers["nl"], numbers["en"], strict=True)) <= 20


NO_COUNTS = {"First", "Then", "Change [middle half]", "Median [middle half]", "Days", "As of"}


def cells_of_counts(table: Table, row: Row) -> list[str]:
    pairs = list(zip(table.columns, row.cells, strict=True))[1:]
    return [cell for column, cell in pairs if column.label not in NO_COUNTS]


def test_every_count_of_a_table_stands_in_the_review(review: dict[str, Any]) -> None:
    known = {value for _, value in counts_in(review) if isinstance(value, int)}
    reasons = pd.DataFrame(review["quality"]["reasons"]).groupby("reason")["rows"].sum()
    known |= set(map(int, reasons))
    for table in tables_of(narrate_review(review, "en")):
        for row in (row for group in table.groups for row in group.rows):
            for cell in cells_of_counts(table, row):
                if found := re.fullmatch(r"(\d+)(?: \(\d+\s%\))?", cell):
                    assert int(found[1]) in known, (table.caption, row.cells)


def test_what_is_suppressed_is_never_printed_as_nought(review: dict[str, Any]) -> None:
    quality = {"Results by laboratory", "What each run brought"}
    for table in tables_of(narrate_review(review, "en")):
        if table.caption not in quality:
            cells = [cell for group in table.groups for row in group.rows for cell in row.cells[1:]]
            assert "0" not in cells, table.caption


@pytest.mark.parametrize("people", [6, 0])
def test_a_practice_of_few_people_is_told_without_any_of_them(tmp_path: Path, people: int) -> None:
    store = store_of(tmp_path, people=6, seed=3)
    told = reviewed(store, NOW if people else period_of("2019-Q1"))
    for code in ("nl", "en"):
        story = narrate_review(told, code)
        assert [section.id for section in story.sections][:2] == ["summary", "who"]
        assert not [cell for cell in cells_of(story) if re.fullmatch(r"[1-4]", cell)] or people


# The command itself.


def casereport(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)


def test_a_review_that_is_interrupted_leaves_a_record_of_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.publish.review.make_all", interrupted)
    order = Order(
        kind="cohort_review", inputs=(), out=tmp_path, as_of=AS_OF, period="2026-Q3", limit=5
    )
    rows = {"read": 1, "accepted": 1, "set_aside": 0}
    with pytest.raises(KeyboardInterrupt):
        make_review(order, {}, read={}, rows=rows, announce=lambda _: None)
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (record["ended"], record["reports"]) == ("KeyboardInterrupt", [])


@pytest.mark.kernel
@pytest.mark.xdist_group("kernel")
def test_the_command_makes_the_review_in_both_languages(
    practice: Path, root: Path, tmp_path: Path, pango: None
) -> None:
    draw_case_id = pd.read_csv(practice.parent / "people.csv")["case_id"].iloc[0]
    words = ["report", "cohort_review", "--store", str(practice), "--period", "2026-Q3"]
    words += ["--as-of", "2026-09-30", "--language", "nl", "--language", "en"]
    run = casereport(root, *words, "--format", "html,pdf,json,ipynb", "--out", str(tmp_path))
    assert run.returncode == 0, run.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        ".made.jsonl",
        "cohort.json",
        "run.json",
        "index.html",
        *(
            f"cohort_review.{code}.{ending}"
            for code in ("nl", "en")
            for ending in ("html", "pdf", "ipynb")
        ),
    }
    told = json.loads((tmp_path / "cohort.json").read_text(encoding="utf-8"))
    assert told == reviewed(practice)
    for code in ("nl", "en"):
        page = (tmp_path / f"cohort_review.{code}.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert len(page) < 1_000_000
        assert draw_case_id not in page
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert (record["period"], record["failures"]) == ("2026-Q3", [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cohort_review", "x.csv"], "Expected --store FILE"),
        (["cohort_review"], "Expected --store FILE"),
        (["cohort_review", "--store", "x", "--period", "2026-Q5"], "Unrecognised period"),
        (["cohort_review", "--store", "x", "--limit", "4"], "at least 5"),
        (["case_study", "samples/seed_case", "--period", "2026-Q3"], "--period and --limit"),
    ],
)
def test_a_review_is_of_a_store_and_of_a_period(
    root: Path, tmp_path: Path, words: list[str], told: str
) -> None:
    run = casereport(root, "report", *words, "--out", str(tmp_path))
    assert (run.returncode, told in run.stderr) == (2, True), run.stderr


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_review_that_opens_in_a_notebook_is_of_this_version(language: str) -> None:
    told = read_review().review
    assert told["versions"] == {"casereport": __version__}
    assert len(cells_of(narrate_review(told, language))) > 300
