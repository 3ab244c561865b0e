"""Golden cases: a folder of ``tests/data`` is a case, its comment says why, ``expected.json`` what.

A person writes ``expected.json`` (by ``casereport report … --format json``) and reads the diff.
"""

import datetime as dt
import json
from pathlib import Path

import pytest

from pipeline.export import case_json
from pipeline.intake import take_in
from pipeline.interpret import interpret
from pipeline.rules import load_rules

CASES = sorted(path for path in (Path(__file__).parent / "data").iterdir() if path.is_dir())
AS_OF = dt.date(2025, 10, 1)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_case_is_interpreted_as_expected(folder: Path) -> None:
    intake = take_in([folder], as_of=AS_OF, rules=load_rules())
    told = case_json(interpret(intake.case(folder.name)))
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    told["versions"] = expected["versions"]  # the version of the program is no part of a case
    assert json.loads(json.dumps(told)) == expected


def test_there_are_cases() -> None:
    assert len(CASES) >= 6
