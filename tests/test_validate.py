import datetime as dt
import json

import pandas as pd
import pytest
from drawn import table

from pipeline.errors import RulesError
from pipeline.model import ACCEPTED_COLUMNS, RAW_COLUMNS, LimitSet
from pipeline.normalise import normalise_units
from pipeline.read.dates import with_dates
from pipeline.read.numbers import with_numbers
from pipeline.resources import resource_path
from pipeline.rules import load_rules
from pipeline.validate import Validated, reasons_by_severity, split_by_expectations
from pipeline.validate.suite import failures_of, load_suite

RULES = load_rules()
AS_OF = dt.date(2025, 1, 1)
SUITE = resource_path("expectations/lab_rows.json")
KAHN = {  # the categories of Kahn et al., eGEMs 2016;4:1244
    *("conformance-value", "conformance-relational", "conformance-computational", "completeness"),
    *("plausibility-uniqueness", "plausibility-atemporal", "plausibility-temporal"),
}
BLANK = {
    "file": "lab.csv",
    "case_id": "a",
    "sample_id": "s1",
    "collected_at": "2024-01-01T08:00",
    "analyte": "alt",
    "value": "22",
    "unit": "U/L",
}


def split(drawing: str, **whole: object) -> Validated:
    """Part drawn rows, which are good in whatever the drawing leaves out; ``row`` counts from 1."""
    drawn = table(drawing)
    drawn["row"] = [f"r{number}" for number in range(1, len(drawn) + 1)]
    filled = drawn.assign(**{key: good for key, good in BLANK.items() if key not in drawn})
    raw = filled.reindex(columns=list(RAW_COLUMNS), fill_value="").astype(str)
    whose = {"cells": 9, "columns": 9, "source": 1, "folder_case": "", "birth_year": 1987.0}
    whose |= {"person": "agrees"}
    rows = normalise_units(with_dates(with_numbers(raw)), RULES).assign(**(whose | whole))
    return split_by_expectations(rows, as_of=AS_OF, rules=RULES)


def reasons(drawing: str, **whole: object) -> dict[str, str]:
    parted = split(drawing, **whole).set_aside
    return dict(zip(parted["row"], parted["reasons"], strict=True))


def notes(drawing: str) -> dict[str, str]:
    accepted = split(drawing).accepted
    return {row: note for row, note in zip(accepted["row"], accepted["notes"], strict=True) if note}


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("analyte", "no such thing", "analyte-unknown"),
        ("unit", "", "unit-missing"),
        ("unit", "mmol/L", "unit-unknown"),
        ("value", "", "value-missing"),
        ("value", "abc", "value-unreadable"),
        ("value", "neg", "value-qualitative"),
        ("value", "1+", "value-qualitative"),
        ("value", "3,9 - 5,6", "value-range"),
        ("value", "19 but poor collection", "value-with-remark"),
        ("value", "1.234", "value-ambiguous"),
        ("ref_high", "1,234", "value-ambiguous"),
        ("value", "0.01", "implausible"),
        ("value", "999999", "implausible"),
        ("value", ">99999", "implausible"),
        ("collected_at", "yesterday", "date-unreadable"),
        ("collected_at", "01-02-2024", "date-ambiguous"),
        ("collected_at", "2025-01-02", "date-after-as-of"),
        ("collected_at", "1986-12-31", "date-before-birth"),
        ("case_id", "", "case-id-missing"),
        ("case_id", "Jan de Vries", "case-id-malformed"),
        ("case_id", "x" * 65, "case-id-malformed"),
        ("status", "Entered-in-error", "status-not-reported"),
        ("status", "X", "status-not-reported"),
    ],
)
def test_a_row_with_one_fault_is_set_aside_for_that_reason(
    column: str, text: str, reason: str
) -> None:
    assert reasons(f"{column}|lab\n{text}|") == {"r1": reason}


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("collected_at", "2025-01-01T23:59"),
        ("collected_at", "1987-01-01"),
        ("case_id", "x" * 64),
        ("status", "final"),
        ("value", "<=1"),
        ("value", "<400"),
        ("value", ">40"),
        ("value", "1"),
        ("value", "20000"),
    ],
)
def test_what_lies_on_an_edge_is_accepted(column: str, text: str) -> None:
    assert reasons(f"{column}\n{text}") == {}


def test_a_row_has_every_reason_that_holds_in_the_order_of_the_suite() -> None:
    drawing = "case_id|value|unit|collected_at\na b|neg|stone|today"
    words = "case-id-malformed;unit-unknown;value-qualitative;date-unreadable"
    assert reasons(drawing) == {"r1": words}


def test_a_row_that_could_not_be_divided_says_only_that() -> None:
    assert reasons("value|unit\nneg|stone", cells=3) == {"r1": "row-width"}


def test_a_row_of_another_case_than_its_folders_is_set_aside() -> None:
    assert reasons("case_id\na\nb", folder_case="a") == {"r2": "case-id-differs"}


def test_a_person_who_contradicts_is_set_aside_whole() -> None:
    assert reasons("value\n22\n23", person="contradicts")["r1"].startswith("person-contradicts")


def test_an_identical_repeat_counts_once_and_a_contradiction_not_at_all() -> None:
    drawing = """
        sample_id | value
        s1        | 22
        s1        | 22.0
        s2        | 22
        s2        | 23
        s2        | 23
        s3        | 22
    """
    contradictory = dict.fromkeys(("r3", "r4", "r5"), "duplicate-contradictory")
    assert reasons(drawing) == {"r2": "duplicate-identical", **contradictory}


def test_a_withdrawn_result_contradicts_nothing() -> None:
    assert reasons("value|status\n22|entered-in-error\n23|corrected") == {
        "r1": "status-not-reported"
    }


def test_results_without_a_sample_id_may_be_of_several_samples_and_do_not_contradict() -> None:
    assert reasons("sample_id|value|status\n|22|\n|23|\n|24|preliminary") == {}
    assert reasons("sample_id|value\n|22\n|22") == {"r2": "duplicate-identical"}


@pytest.mark.parametrize(
    ("analyte", "unit", "specimen"),
    [
        ("sbp", "mm[Hg]", ""),
        ("cgm_mean", "mmol/L", ""),
        ("glucose_meter", "mmol/L", ""),
        ("glucose_random", "mmol/L", "Meter"),
    ],
)
def test_readings_of_a_body_a_sensor_or_a_meter_do_not_contradict(analyte, unit, specimen) -> None:
    values = {"sbp": (120, 180)}.get(analyte, (5.2, 14.1))
    rows = "\n".join(f"{analyte}|{value}|{unit}|{specimen}" for value in values)
    assert reasons(f"analyte|value|unit|specimen\n{rows}") == {}


def test_a_meter_reading_is_no_repeat_of_the_same_value_in_plasma() -> None:
    rows = "glucose_random|5.2|mmol/L|meter\nglucose_random|5.2|mmol/L|"
    assert reasons(f"analyte|value|unit|specimen\n{rows}") == {}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("preliminary", "final"),
        ("preliminary", ""),
        ("P", "C"),
        ("final", "corrected"),
        ("", "Amended"),
    ],
)
@pytest.mark.parametrize("value", ["22", "23"])
def test_of_one_result_only_the_latest_version_counts(earlier, later, value) -> None:
    drawing = f"value|status\n22|{earlier}\n{value}|{later}\n21|{earlier}"
    assert reasons(drawing) == dict.fromkeys(("r1", "r3"), "superseded")


def test_two_values_of_the_latest_version_contradict_each_other_only() -> None:
    drawing = "value|status\n22|preliminary\n23|final\n24|"
    contradictory = dict.fromkeys(("r2", "r3"), "duplicate-contradictory")
    assert reasons(drawing) == {"r1": "superseded", **contradictory}


def test_of_two_corrections_the_one_that_was_issued_last_counts() -> None:
    drawing = "value|status|issued\n22|final|2024-01-01\n23|C|{}\n24|corrected|{}"
    last = reasons(drawing.format("2024-01-03T09:00", "2024-01-02"))
    assert last == dict.fromkeys(("r1", "r3"), "superseded")
    undated = reasons(drawing.format("", "2024-01-02"))
    assert {undated["r2"], undated["r3"]} == {"duplicate-contradictory"}
    finals = "value|status|issued\n22|final|2024-01-01\n23|final|2024-01-02"
    assert set(reasons(finals).values()) == {"duplicate-contradictory"}


def test_a_correction_that_cannot_be_read_or_is_withdrawn_supersedes_nothing() -> None:
    assert "r1" not in reasons("value|status\n22|final\nfollows|corrected\n23|entered-in-error")


def test_a_value_and_the_same_with_a_comparator_contradict() -> None:
    assert set(reasons("value\n22\n<22").values()) == {"duplicate-contradictory"}


DRAW = """
    sample_id | analyte         | value | unit
    s1        | glucose_fasting | {}    | {}
    s1        | insulin_fasting | {}    | {}
    s1        | homa_ir         | {}    | 1
"""


@pytest.mark.parametrize(
    ("glucose", "insulin", "reported"),
    [
        (("4.0", "mmol/L"), ("52.8", "mU/L"), "9.4"),
        (("4.0", "mmol/L"), ("52.8", "mU/L"), "9.3"),  # 4.0 may be 3.95
        (("90", "mg/dL"), ("10", "mU/L"), "2.22"),
        (("5.0", "mmol/L"), ("60", "pmol/L"), "2.2"),
        (("5.00", "mmol/L"), ("69.45", "pmol/L"), "2.22"),  # the laboratory divided by 6.945
        (("5.00", "mmol/L"), ("69.45", "pmol/L"), "2.57"),  # … or by 6.00
    ],
)
def test_a_reported_homa_ir_that_rounding_explains_is_accepted(glucose, insulin, reported) -> None:
    assert reasons(DRAW.format(*glucose, *insulin, reported)) == {}


def test_a_reported_homa_ir_that_differs_is_set_aside_and_its_inputs_are_marked() -> None:
    drawing = DRAW.format("5.6", "mmol/L", "52.8", "mU/L", "9.4")
    assert reasons(drawing) == {"r3": "reported-differs"}
    assert notes(drawing) == dict.fromkeys(("r1", "r2"), "cross-check-failed")


@pytest.mark.parametrize(
    "inputs", [("<4.0", "mmol/L", "52.8", "mU/L"), ("500", "mmol/L", "52.8", "mU/L")]
)
def test_a_reported_homa_ir_is_not_checked_against_what_is_no_exact_value(inputs) -> None:
    assert "r3" not in reasons(DRAW.format(*inputs, "1.0"))


def test_a_reported_homa_ir_of_another_sample_is_not_checked() -> None:
    drawing = DRAW.format("5.6", "mmol/L", "52.8", "mU/L", "9.4").replace(
        "s1        | homa_ir", "s2        | homa_ir"
    )
    assert reasons(drawing) == {}


def test_glucose_and_insulin_of_one_day_that_share_no_sample_are_marked() -> None:
    drawing = """
        case_id | sample_id | analyte         | value | unit
        a       | s1        | glucose_fasting | 5     | mmol/L
        a       | s2        | insulin_fasting | 5     | mU/L
        b       | s1        | glucose_fasting | 5     | mmol/L
        b       | s1        | insulin_fasting | 5     | mU/L
        b       | s2        | insulin_fasting | 6     | mU/L
        c       |           | glucose_fasting | 5     | mmol/L
        c       |           | insulin_fasting | 5     | mU/L
        d       | s1        | glucose_fasting | 5     | mmol/L
    """
    assert notes(drawing) == dict.fromkeys(("r1", "r2", "r6", "r7"), "not-same-draw")


def test_an_insulin_that_may_be_pmol_and_a_haemolysed_sample_are_accepted_with_a_note() -> None:
    drawing = "analyte|value|unit|haemolysis\ninsulin_fasting|100.5|mU/L|trace"
    assert notes(drawing) == {"r1": "unit-doubtful;haemolysis"}
    assert notes("analyte|value|unit\ninsulin_fasting|100|mU/L") == {}


@pytest.mark.parametrize("unit", ["", "stone"])
def test_a_value_without_a_known_unit_is_set_aside_as_if_it_were_canonical(unit: str) -> None:
    aside = split(f"value|unit\n<22|{unit}\n31|U/L\nneg|{unit}").set_aside
    assert list(aside["row"]) == ["r1", "r3"]
    assert list(aside["low"].fillna(-1)) == [0, -1]
    assert aside["high"].iloc[0] == pytest.approx(22)


@pytest.mark.parametrize("edge", ["n.v.t.", "40 g/L", "> 40", "10-40", "zie opm."])
def test_an_interval_that_cannot_be_read_is_noted_on_the_row(edge: str) -> None:
    assert notes(f"ref_high\n{edge}") == {"r1": "interval-unreadable"}


@pytest.mark.parametrize("edge", ["", "40", "<40", "40 U/L", "<= 40 u/l", "40U/L"])
def test_an_interval_that_is_blank_or_repeats_the_unit_of_its_row_is_not_noted(edge: str) -> None:
    accepted = split(f"ref_high|lab\n{edge}|").accepted.iloc[0]
    assert accepted["notes"] == ""
    assert accepted["ref_high"] == 40 or not edge


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "interval"),
    [
        ("insulin_fasting", "60", "mU/L", "18|174"),
        ("insulin_fasting", "60", "mU/L", "|174"),
        ("glucose_fasting", "9", "mmol/L", "70|99"),
        ("hba1c", "6.4", "%", "20|42"),
    ],
)
def test_an_interval_in_another_unit_than_the_value_sets_it_aside(
    analyte: str, value: str, unit: str, interval: str
) -> None:
    drawing = f"analyte|value|unit|ref_low|ref_high\n{analyte}|{value}|{unit}|{interval}"
    assert reasons(drawing) == {"r1": "interval-conflicts"}


def test_an_interval_that_fits_no_unit_is_the_laboratorys_own_affair() -> None:
    assert reasons("analyte|value|unit|ref_high\ninsulin_fasting|60|mU/L|9000") == {}


@pytest.mark.parametrize("scale", [0.6, 0.8, 1.0, 1.25, 1.6])
def test_an_ordinary_interval_conflicts_with_no_unit(scale: float) -> None:
    limits = [limit for limit in RULES.limits if limit.set == LimitSet.REFERENCE]
    units = RULES.units.set_index(["marker", "unit"])
    rows = []
    for limit in limits:
        for unit, (factor, offset) in units.loc[limit.marker, ["factor", "offset"]].iterrows():
            edge = (limit.value * scale - offset) / factor
            own = f"|{edge:.9f}" if limit.op.startswith(">") else f"{edge:.9f}|"
            rows.append(f"{limit.marker}|1|{unit}|{own}|{len(rows)}")
    head = "analyte|value|unit|ref_low|ref_high|sample_id"
    found = reasons("\n".join([head, *rows]))
    assert not [row for row, words in found.items() if "interval-conflicts" in words]


@pytest.mark.parametrize(
    ("hours", "noted"),
    [
        *((readable, False) for readable in ("", "10", "0", "9,5")),
        *((unreadable, True) for unreadable in ("ja", ">8", "10 uur", "-1")),
    ],
)
def test_hours_of_fasting_that_cannot_be_read_are_unknown_and_not_blank(hours, noted) -> None:
    assert notes(f"fasting_hours|lab\n{hours}|") == ({"r1": "fasting-unreadable"} if noted else {})


def test_accepted_rows_have_the_columns_of_the_contract() -> None:
    assert list(split("value\n22").accepted.columns) == list(ACCEPTED_COLUMNS)


# The suite itself.


def test_the_suite_holds_no_number_and_says_a_reason_for_each_expectation() -> None:
    for expectation in json.loads(SUITE.read_text("utf-8"))["expectations"]:
        assert expectation["meta"]["reason"]
        assert expectation["meta"]["says"].endswith(".")
        assert expectation["severity"] in {"critical", "warning"}
        numbers = [value for value in expectation["kwargs"].values() if _is_number(value)]
        assert not numbers


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_reasons_come_in_the_order_of_the_suite_and_once() -> None:
    by_severity = reasons_by_severity()
    assert by_severity["critical"][0] == "row-width"
    assert len(set(by_severity["critical"])) == len(by_severity["critical"])
    assert set(by_severity["warning"]) == {
        "cross-check-failed",
        "not-same-draw",
        "unit-doubtful",
        "tyg-variant-b",
        "haemolysis",
        "interval-unreadable",
        "fasting-unreadable",
        "flag-differs",
        "corrected",
    }


def suite_of(tmp_path, **expectation: object):
    path = tmp_path / "suite.json"
    one = {"severity": "critical", "meta": {"reason": "some-reason"}} | expectation
    path.write_text(json.dumps({"name": "suite", "expectations": [one]}))
    return load_suite(path)


def test_an_expectation_that_raises_stops_the_file(tmp_path) -> None:
    suite = suite_of(
        tmp_path,
        type="expect_column_values_to_match_regex",
        kwargs={"column": "x", "regex": "("},
    )
    with pytest.raises(RulesError, match="some-reason"):
        failures_of(pd.DataFrame({"x": ["a"]}), suite)


def test_an_expectation_that_names_no_row_stops_the_file(tmp_path) -> None:
    suite = suite_of(
        tmp_path, type="expect_column_mean_to_be_between", kwargs={"column": "x", "min_value": 5}
    )
    with pytest.raises(RulesError, match="'some-reason' names none"):
        failures_of(pd.DataFrame({"x": [1.0]}), suite)


def test_an_absent_column_stops_the_file(tmp_path) -> None:
    suite = suite_of(
        tmp_path, type="expect_column_values_to_not_be_null", kwargs={"column": "absent"}
    )
    with pytest.raises(RulesError, match="'absent'"):
        failures_of(pd.DataFrame({"x": [1.0]}), suite)


@pytest.mark.parametrize(
    "fault",
    [
        {"type": "expect_nothing_at_all", "kwargs": {}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x"}, "meta": {}},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x", "wat": 1}},
    ],
)
def test_a_suite_that_cannot_be_is_refused(tmp_path, fault) -> None:
    with pytest.raises(RulesError):
        suite_of(tmp_path, **fault)


def test_a_failing_row_is_named_by_its_label(tmp_path) -> None:
    suite = suite_of(tmp_path, type="expect_column_values_to_not_be_null", kwargs={"column": "x"})
    (failure,) = failures_of(pd.DataFrame({"x": [1.0, None, 2.0, None]}), suite)
    assert list(failure.rows) == [1, 3]


def test_the_expectations_are_of_every_category_of_data_quality_and_say_what_they_ask() -> None:
    told = json.loads(SUITE.read_text("utf-8"))["expectations"]
    found = {one["meta"]["kahn"] for one in told}
    assert found == KAHN
    assert all(one["meta"]["says"].endswith(".") for one in told)
