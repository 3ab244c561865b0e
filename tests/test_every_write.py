"""Whatever goes wrong at whichever write of a run: it is said, nothing is half there, and it mends.

Each write is found by counting, not by luck. ``every_write`` does the tries; here they are judged.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from every_write import SCENARIOS
from faults import KILLS
from sizes import FULL_SIZE

from pipeline.errors import OutputError
from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("writes"),
    pytest.mark.skipif(not CAN_FORK, reason="what a process opens is seen on Linux only"),
]
ROOT = Path(__file__).resolve().parents[1]
ONE_OF = 1 if FULL_SIZE else 97  # of the faults at all writes
KILLED = -9
REASONS = (
    *("No space left on device", "Input/output error", "Permission denied"),
    "Read-only file system",
)
CLEAR = re.compile(rf"OutputError: Unable to write to '([^']+)': ({'|'.join(REASONS)})\.\n")
WORDS = ("mkdir", "open", "write", "fsync", "replace", "unlink", "rmdir")
PLACES = (
    *("quarantine.csv", "validation.html", ".made.jsonl", "run.json", "index.html"),
    *("client_report.nl.html", "client_report.nl.ipynb", "case.json"),
)

Told = dict[str, Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Return what became of all tries, by scenario."""
    root = tmp_path_factory.mktemp("writes")
    paths = [str(ROOT), *(str(ROOT / name) for name in ("tests", "samples"))]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    words = ["-m", "every_write", str(root), str(ONE_OF), *SCENARIOS]
    done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return {one.pop("scenario"): one for one in found}


@pytest.fixture(params=SCENARIOS)
def scenario(told: dict[str, Told], request: pytest.FixtureRequest) -> Told:
    return told[request.param]


def tries(scenario: Told, *, killed: bool) -> list[Told]:
    """Return the tries that were killed, or those at which the system refused."""
    return [tried for tried in scenario["tried"] if (tried["fault"] in KILLS) is killed]


def test_every_write_of_a_run_is_counted(scenario: Told) -> None:
    undisturbed = scenario["undisturbed"]
    assert undisturbed["unseen"] == []
    points = undisturbed["points"]
    assert {point.partition(" ")[0] for point in points} == set(WORDS)
    for name in PLACES:
        assert any(point.startswith("replace") and point.endswith(f"/{name}") for point in points)
    assert len(scenario["tried"]) >= 7 * len(points) // ONE_OF


def test_a_run_that_was_killed_at_a_write_was_killed(scenario: Told) -> None:
    assert [tried for tried in tries(scenario, killed=True) if tried["code"] != KILLED] == []


def test_a_refusal_is_told_in_a_line_that_names_the_place_or_changes_nothing(
    scenario: Told,
) -> None:
    usual = scenario["undisturbed"]["code"]
    for tried in tries(scenario, killed=False):
        if tried["code"] == OutputError.exit_code:
            assert CLEAR.fullmatch(tried["err"]), tried
        else:  # what cannot be tidied up is left for the next run
            assert (tried["code"], tried["same"], tried["err"]) == (usual, True, ""), tried


def test_no_file_is_half_there(scenario: Told) -> None:
    assert [tried for tried in scenario["tried"] if tried["odd"]] == []


def test_the_next_run_ends_as_one_that_was_not_disturbed(scenario: Told) -> None:
    usual = scenario["undisturbed"]["code"]
    wrong = [tried for tried in scenario["tried"] if tried["again"] != usual or tried["differs"]]
    assert wrong == []


def test_the_next_run_leaves_no_temporary_file(scenario: Told) -> None:
    assert [tried for tried in scenario["tried"] if tried["left"]] == []
