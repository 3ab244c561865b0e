"""Many reports at once: workers that die, cases that kill them, runs that are stopped or killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sizes import sized

from pipeline.publish import pool as publish_pool
from pipeline.publish.journal import JOURNAL
from pipeline.publish.kernels.manager import kernel_home
from pipeline.publish.kernels.provisioner import CAN_FORK
from pipeline.publish.task import Stopped, Task

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
PEOPLE = sized(4, full=24)
KILLS = sized(1, full=17)  # of each signal
SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM][: sized(1, full=3)]
LATEST = 10  # seconds until what should end has ended, on a busy machine
HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year\n"
ROWS = (("glucose_fasting", "5.4", "mmol/L"), ("insulin_fasting", "14.1", "mU/L"))


class Command:
    """The command over a few people, in a folder of its own; all it starts carries a mark."""

    def __init__(self, root: Path) -> None:
        self.root, self.mark = root, uuid4().hex
        (root / "tmp").mkdir()
        rows = [
            f"p{n:02},s{n},2026-0{1 + n % 8}-06,{analyte},{value},{unit},F,{1950 + n}"
            for n in range(PEOPLE)
            for analyte, value, unit in ROWS
        ]
        (root / "lab.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")

    def start(self, out: str, *more: str) -> subprocess.Popen[str]:
        words = ["report", "client_report", "lab.csv", f"--out={out}", "--as-of=2026-09-30"]
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *words, "--format=html,json", "--jobs=2", *more],
            cwd=self.root,
            env={**os.environ, "CASEREPORT_MARK": self.mark, "TMPDIR": str(self.root / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, out: str, *more: str) -> subprocess.CompletedProcess[str]:
        with self.start(out, *more) as running:
            told, errors = running.communicate(timeout=500)
        return subprocess.CompletedProcess(running.args, running.returncode, told, errors)

    def alive(self, word: str = "") -> list[int]:
        """Return the processes that carry the mark, of those whose command line has a word."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_ours(folder, word):
                found.append(int(folder.name))
        return found

    def _is_ours(self, folder: Path, word: str) -> bool:
        try:
            marked = self.mark.encode() in (folder / "environ").read_bytes()
            dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            return marked and not dead and word.encode() in (folder / "cmdline").read_bytes()
        except OSError:
            return False

    def until(self, holds: Callable[[], bool], seconds: float = LATEST) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.02)
        return holds()

    def is_clean(self) -> bool:
        """Return whether nothing that was started is left, neither process nor folder."""
        left = [path for path in (self.root / "tmp").iterdir() if path.name.startswith("cr-")]
        return not self.alive() and not left


def published(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != JOURNAL and ".casereport" not in path.parts
    }


def made_in(out: Path) -> set[str]:
    """Return the cases that the journal knows to be made."""
    lines = (out / JOURNAL).read_bytes().splitlines() if (out / JOURNAL).exists() else []
    told = (json.loads(line) for line in lines if line.endswith(b"}"))
    return {one["case_id"] for one in told if "case_id" in one}


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    root = Path(tempfile.mkdtemp(prefix="b-"))  # short: that of a socket may have 104 bytes
    yield Command(root)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def undisturbed(command: Command) -> dict[str, bytes]:
    done = command.run("undisturbed")
    assert done.returncode == 0, done.stderr
    assert command.is_clean()
    return published(command.root / "undisturbed")


def test_a_worker_that_is_killed_costs_a_try_and_no_report(
    command: Command, undisturbed: dict[str, bytes]
) -> None:
    with command.start("killed-worker") as running:
        assert command.until(lambda: len(command.alive("publish.worker")) == 2, 60)
        os.kill(command.alive("publish.worker")[0], signal.SIGKILL)
        _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors
    assert published(command.root / "killed-worker") == undisturbed
    assert command.is_clean()


@pytest.mark.full_size
def test_a_killed_fork_server_costs_at_most_the_reports_that_it_was_at(
    command: Command, undisturbed: dict[str, bytes]
) -> None:
    with command.start("killed-server") as running:
        assert command.until(lambda: bool(made_in(command.root / "killed-server")), 90)
        servers = command.alive("fork_server_process")
        os.kill(min(servers), signal.SIGKILL)
        running.communicate(timeout=300)
    assert running.returncode in (0, 4)
    again = command.run("killed-server", "--only=failed")
    assert again.returncode == 0, again.stderr
    assert published(command.root / "killed-server") == undisturbed
    assert command.until(command.is_clean)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("moment", range(KILLS))
def test_a_run_that_is_stopped_leaves_nothing_behind_and_goes_on_where_it_was(
    command: Command, undisturbed: dict[str, bytes], number: signal.Signals, moment: int
) -> None:
    out = command.root / f"stopped-{number}-{moment}"
    with command.start(out.name) as running:
        wanted = random.Random(f"{number}{moment}").randrange(PEOPLE)
        command.until(lambda: len(made_in(out)) >= wanted or running.poll() is not None, 90)
        running.send_signal(number)
        running.communicate(timeout=60)
    assert running.returncode in (130, -number, 0)  # before it began, it is ended as any program
    assert command.until(command.is_clean), command.alive()
    before = {name: (out / name).stat().st_mtime_ns for name in published(out)}
    whole = published(out)
    assert all(whole[name] == undisturbed[name] for name in whole if "/" in name)
    finished = made_in(out)
    done = command.run(out.name)
    assert done.returncode == 0, done.stderr
    assert published(out) == undisturbed
    kept = {name for name in before if name.partition("/")[0] in finished}
    assert all((out / name).stat().st_mtime_ns == before[name] for name in kept)
    assert not (out / ".casereport").exists()
    shutil.rmtree(out)


def test_a_case_that_ends_its_worker_is_tried_twice_and_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(publish_pool._Worker, "ask", lambda self, task: asked.append(task))
    monkeypatch.setattr(publish_pool.ForkServer, "start", lambda self: None)
    task = Task(
        kind="client_report",
        name="p1",
        language="nl",
        content=b"{}",
        formats=("json",),
        pdf="ua",
        as_of=__import__("datetime").date(2026, 9, 30),
    )
    with kernel_home() as (home, server):
        workers = publish_pool.Workers(2, home, server)
        outcome = workers.submit(task).result()
        workers.close()
    assert len(asked) == 2
    assert isinstance(outcome, Stopped)
    assert (outcome.exit_code, "ended 2 times" in outcome.cause) == (4, True)
    assert Task.of_bytes(asked[0]) == task
