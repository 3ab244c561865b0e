"""A case is a cohort of one: many people are judged by the path of one, and each as if alone."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinic import RULES, accepted, case, judged, lab
from made_cohort import DRAWN, Cohort, draw_cohort
from pandas.arrays import BooleanArray
from sizes import sized

from pipeline.columns import Column, People
from pipeline.interpret import Judged, interpret_columns
from pipeline.model import ACCEPTED_COLUMNS
from pipeline.rules.formulas import COMPUTED
from pipeline.score import HIGH, Scores

AS_OF = dt.date(2025, 10, 1)
PEOPLE = 200
_SETS = tuple(name for name in Scores.__slots__ if name != "notes")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return draw_cohort(PEOPLE, seed=3)


@pytest.fixture(scope="module")
def together(cohort: Cohort) -> pd.DataFrame:
    return everything(judge(cohort))


def judge(cohort: Cohort) -> Judged:
    return interpret_columns(cohort.rows, cohort.people, cohort.stated, as_of=AS_OF, rules=RULES)


def part_of(cohort: Cohort, cases: list[str]) -> Cohort:
    """Return some of the people, with their rows and what is stated of them."""
    tables = (cohort.rows, cohort.people, cohort.stated)
    rows, people, stated = (table[table["case_id"].isin(cases)] for table in tables)
    return Cohort(rows=rows, people=people, stated=stated)


def everything(told: Judged) -> pd.DataFrame:
    """Return all that is judged: a row a visit, a column each answer that somebody has."""
    table = told.visits.table.set_index(["case_id", "date"])
    columns = {name: plain(values) for name, values in answers(told)}
    return table.join(pd.DataFrame(columns, index=table.index)).dropna(axis="columns", how="all")


def answers(told: Judged) -> Iterator[tuple[str, Any]]:
    """Yield each answer by a name of its own; what is empty everywhere may be absent."""
    for back, reading in enumerate(told.readings):
        for marker, column in reading.columns.items():
            # where a reading has nothing earlier, its last result stands
            earlier = column.row != told.visits.column(marker).row
            for end in ("low", "high", "mg_low", "ref_high"):
                value = getattr(column, end)
                yield f"{marker} {back} {end}", np.where(earlier | (back == 0), value, np.nan)
    yield from ((f"{key} is stated", value) for key, value in told.visits.stated.items())
    yield from ((f"{marker} why not", why) for marker, why in told.not_computed.items())
    for name in ("branches", "variants", "fired", "settled", "open"):
        found = getattr(told.flags, name).items()
        yield from ((f"{place} {name}", answer) for place, answer in found)
    for name in _SETS:
        found = getattr(told.scores, name).items()
        yield from ((f"{marker} {name}", codes) for marker, codes in found)
    for marker, notes in told.scores.notes.items():
        yield from ((f"{marker} {word}", where) for word, where in notes)
    classes, phases = told.phases.classes, told.phases
    yield from ((name, getattr(classes, name)) for name in classes.__slots__)
    yield from (("rule", phases.rule), ("confidence", phases.confidence))
    yield from phases.qualifiers.items()


def plain(values: Any) -> Any:
    """Return numbers or words; no, none and "" are NaN, and so is an unknown: as if it were 2."""
    if isinstance(values, BooleanArray):
        values = np.where(values.isna(), 2, values.to_numpy(dtype=float, na_value=2))
    values = np.asarray(values)
    if values.dtype.kind in "OU":
        return pd.Series(values, dtype=object).replace("", None).to_numpy()
    numbers = values.astype(float)
    return numbers if values.dtype.kind == "f" else np.where(numbers == 0, np.nan, numbers)


def assert_same(some: pd.DataFrame, others: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        some, others, check_dtype=False, check_like=True, check_exact=True
    )


@pytest.mark.parametrize("size", [1, 37])
def test_people_are_judged_together_as_they_are_apart(
    cohort: Cohort, together: pd.DataFrame, size: int
) -> None:
    cases = sorted(cohort.people["case_id"])[: PEOPLE if size > 1 else sized(40, full=PEOPLE)]
    parts = [cases[at : at + size] for at in range(0, len(cases), size)]
    apart = pd.concat([everything(judge(part_of(cohort, part))) for part in parts])
    expected = together.loc[cases].dropna(axis="columns", how="all")
    assert_same(apart.dropna(axis="columns", how="all"), expected)


def test_the_order_of_rows_people_and_statements_changes_nothing(
    cohort: Cohort, together: pd.DataFrame
) -> None:
    tables = (cohort.rows, cohort.people, cohort.stated)
    rows, people, stated = (table.sample(frac=1, random_state=5) for table in tables)
    assert_same(everything(judge(Cohort(rows=rows, people=people, stated=stated))), together)


def test_words_may_be_categories_or_text(cohort: Cohort, together: pd.DataFrame) -> None:
    words = [name for name, kind in cohort.rows.dtypes.items() if kind == "category"]
    texts = cohort.rows.astype(dict.fromkeys(words, str))
    as_text = Cohort(rows=texts, people=cohort.people, stated=cohort.stated)
    assert_same(everything(judge(as_text)), together)


def test_categories_may_stand_in_any_order_and_name_who_is_absent(
    cohort: Cohort, together: pd.DataFrame
) -> None:
    reordered = {
        name: cohort.rows[name].cat.set_categories(cohort.rows[name].cat.categories[::-1])
        for name in ("case_id", "sample_id", "collected_at", "marker", "notes")
    }
    nobody = reordered["case_id"].cat.add_categories(["aaa", "zzz"])
    rows = cohort.rows.assign(**(reordered | {"case_id": nobody}))
    told = judge(Cohort(rows=rows, people=cohort.people, stated=cohort.stated))
    assert_same(everything(told), together)


def test_a_bound_is_judged_apart_from_the_unit_of_somebody_else() -> None:
    """Insulin in pmol/L of unknown factor is read twice; that of others is not touched by it."""
    bound = lab({"insulin_fasting": ">6"}, case_id="p1")
    alone = judged(case(bound)).scores.functional["insulin_fasting"]
    other = lab({"insulin_fasting": 60}, case_id="p2", units={"insulin_fasting": "pmol/L"})
    people = pd.DataFrame({"case_id": ["p1", "p2"], "sex": ["F", "F"], "birth_year": [1984, 1984]})
    stated = pd.DataFrame({"case_id": ["p1"], "date": pd.to_datetime([None])})
    both = interpret_columns(accepted(bound, other), people, stated, as_of=AS_OF, rules=RULES)
    assert both.scores.functional["insulin_fasting"][0] == alone[0] == HIGH


@pytest.mark.parametrize("limit", ["i1-insulin", "ast-3x", "mets-hdl"])
def test_a_column_without_values_answers_like_one_of_unknown_values(limit: str) -> None:
    people = People(sex=np.array(["F", "M", ""], dtype=object), age=np.array([40.0, 50.0, np.nan]))
    marker = RULES.limits_named(limit)[0].marker
    empty = Column.empty(marker, people, RULES)
    unknown = empty.with_values(marker, np.full(3, np.nan), np.full(3, np.nan))
    assert empty.beyond(limit).isna().all()
    assert unknown.beyond(limit).isna().all()
    assert empty.raised().isna().all() == unknown.raised().isna().all()


# The people who are drawn.


def test_the_same_seed_draws_the_same_people(cohort: Cohort) -> None:
    again, others = draw_cohort(PEOPLE, seed=3), draw_cohort(PEOPLE, seed=4)
    for name in ("rows", "people", "stated"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(cohort, name))
    assert not others.rows["low"].equals(cohort.rows["low"])


def test_drawn_rows_are_accepted_rows_of_every_kind(cohort: Cohort) -> None:
    rows = cohort.rows
    assert set(rows.columns) == set(ACCEPTED_COLUMNS)
    assert rows.groupby("case_id", observed=True)["marker"].nunique().eq(len(DRAWN)).all()
    for kind in (
        rows["comparator"] == "<",
        rows["mg_low"].notna(),
        ~rows["factor_known"],
        rows["ref_high"].notna(),
        rows["fasting_hours"].isna(),
        rows["haemolysis"] != "",
    ):
        assert kind.any()


def test_drawn_people_stand_in_many_phases_and_some_came_more_than_once(cohort: Cohort) -> None:
    told = judge(draw_cohort(2_000))
    assert len(set(told.phases.rule)) >= 12
    assert len(told.readings) > 1
    assert PEOPLE < len(judge(cohort).visits) < 2 * PEOPLE
    assert any(told.flags.raised(flag).any() for flag in ("SF-06", "SF-08", "SF-12"))
    assert all(told.visits.column(marker).known.any() for marker in ("homa_ir", "egfr", "fib4"))
    assert set(told.not_computed) == set(COMPUTED)
