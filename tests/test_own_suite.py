"""A practice's own expectations are asked beside ours, and a bad file of them is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clinic import AS_OF, RULES, lab

from pipeline.errors import RulesError
from pipeline.intake import Intake, quarantine_of, take_in
from pipeline.interpret import interpret
from pipeline.language import Language
from pipeline.publish.validation_page import render_validation

SAYS = {"nl": "Onze grens: vraag het na.", "en": "Our own limit: ask."}


def expectation(
    type: str = "expect_column_values_to_be_between",
    reason: str = "own-vitamin-d-high",
    severity: str = "critical",
    says: Any = SAYS,
    marker: str = "vitamin_d",
    **kwargs: Any,
) -> dict[str, Any]:
    asked = kwargs or {"column": "low", "max_value": 200}
    meta = {"reason": reason, "says": says, "marker": marker}
    return {"type": type, "kwargs": asked, "severity": severity, "meta": meta}


def suite_file(folder: Path, *expectations: dict[str, Any], name: str = "practice") -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": name, "expectations": expectations}), "utf-8")
    return path


def taken_in(folder: Path, *expectations: dict[str, Any]) -> Intake:
    path = folder / "lab.csv"
    lab({"vitamin_d": 250, "ferritin": 250, "alt": 30}, lab="A").to_csv(path, index=False)
    suite = suite_file(folder, *expectations)
    return take_in([path], as_of=AS_OF, rules=RULES, suite=suite)


def test_an_own_expectation_of_one_marker_sets_aside_just_its_rows(tmp_path) -> None:
    intake = taken_in(tmp_path, expectation())
    assert list(intake.set_aside["marker"]) == ["vitamin_d"]
    assert intake.reasons == {"own-vitamin-d-high": 1}


def test_an_own_expectation_of_all_markers_and_of_two_columns_is_asked_of_every_row(
    tmp_path,
) -> None:
    other_lab = expectation(
        "expect_column_values_to_be_in_set", "own-lab", marker="", column="lab", value_set=["B"]
    )
    same = expectation(
        "expect_column_pair_values_a_to_be_greater_than_b",
        "own-after",
        marker="",
        column_A="date",
        column_B="as_of",
    )
    assert taken_in(tmp_path, other_lab, same).reasons == {"own-lab": 3, "own-after": 3}


def test_an_own_warning_is_a_note_of_the_row_and_told_in_the_report(tmp_path) -> None:
    intake = taken_in(tmp_path, expectation(severity="warning"))
    assert intake.reasons == {}
    assert intake.notes == {"own-vitamin-d-high": 1}
    (visit,) = interpret(intake.case("p1")).visits
    notes = {finding.marker: finding.notes for finding in visit.findings}
    assert "own-check" in notes["vitamin_d"]
    assert "own-check" not in notes["ferritin"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_quarantine_and_the_page_say_it_in_the_practices_own_sentence(
    tmp_path, language: str
) -> None:
    intake, texts = taken_in(tmp_path, expectation()), Language.load(language)
    assert SAYS[language] in quarantine_of(intake, texts).decode("utf-8-sig")
    assert SAYS[language] in render_validation(intake, texts)


def test_one_reason_may_set_some_rows_aside_and_note_others(tmp_path) -> None:
    noted = expectation(severity="warning", marker="ferritin")
    intake = taken_in(tmp_path, expectation(), noted)
    assert (intake.reasons, intake.notes) == ({"own-vitamin-d-high": 1},) * 2
    page = render_validation(intake, Language.load("en"))
    rows = re.findall(r"own-vitamin-d-high</th>.*?>(\d+)<", page)
    assert rows == ["1", "1"]


def test_our_own_reasons_come_first(tmp_path) -> None:
    rows = lab({"vitamin_d": 250}, case_id="a b")
    rows.to_csv(tmp_path / "lab.csv", index=False)
    suite = suite_file(tmp_path, expectation())
    intake = take_in([tmp_path / "lab.csv"], as_of=AS_OF, rules=RULES, suite=suite)
    assert list(intake.set_aside["reasons"]) == ["case-id-malformed;own-vitamin-d-high"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"type": "expect_no_such_thing"}, "Unrecognised expectation|Unable to load"),
        ({"type": "expect_table_row_count_to_be_between", "min_value": 1}, "names rows"),
        ({"column": "low", "max_value": 1, "mostly": 0.5}, "'mostly' would leave rows unjudged"),
        (
            {"column": "low", "max_value": 1, "row_condition": "1", "condition_parser": "pandas"},
            "'row_condition' would leave rows unjudged",
        ),
        ({"column": "case_id", "max_value": 1}, "unrecognised column 'case_id'"),
        ({"column": "low", "max_value": 1, "bogus": 1}, "bogus"),
        ({"reason": "implausible"}, "expected a reason as 'own-ferritin-high'"),
        ({"reason": "own-Ferritin;x"}, "expected a reason"),
        ({"reason": ""}, "to have a reason and a severity"),
        ({"severity": "info"}, "to have a reason and a severity"),
        ({"says": "ask"}, "a sentence in nl and one in en"),
        ({"says": {"nl": "vraag"}}, "a sentence in nl and one in en"),
        ({"marker": "ferritine"}, "unrecognised marker 'ferritine'"),
    ],
)
def test_an_expectation_that_cannot_be_asked_of_rows_is_refused(
    tmp_path, bad: dict[str, Any], said: str
) -> None:
    with pytest.raises(RulesError, match=said) as refused:
        taken_in(tmp_path, expectation(**bad))
    assert "suite.json" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"name": "x"}', "[" * 100_000, '{"expectations": 3}']
)
def test_a_file_that_is_no_suite_is_refused(tmp_path, text: str) -> None:
    lab({"alt": 30}).to_csv(tmp_path / "lab.csv", index=False)
    (tmp_path / "suite.json").write_text(text, "utf-8")
    with pytest.raises(RulesError, match=r"suite\.json"):
        take_in([tmp_path / "lab.csv"], as_of=AS_OF, rules=RULES, suite=tmp_path / "suite.json")


def test_an_expectation_that_raises_on_the_rows_stops_the_run_with_6(tmp_path) -> None:
    lab({"alt": 30}).to_csv(tmp_path / "lab.csv", index=False)
    number_of_a_text = expectation(marker="", column="lab", max_value=3)
    suite = suite_file(tmp_path, number_of_a_text)
    words = ["check", "lab.csv", "--suite", str(suite), "--as-of", "2025-10-01"]
    ended = subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""},
    )  # fmt: skip
    assert ended.returncode == 6
    assert "own-vitamin-d-high" in ended.stderr
    assert "Traceback" not in ended.stderr
