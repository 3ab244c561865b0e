"""A cluster makes what this machine makes, to the byte; it is spoken to only where that is safe."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from sizes import sized

from pipeline.errors import CommandError
from pipeline.publish import cluster
from pipeline.publish.journal import JOURNAL
from pipeline.publish.kernels.provisioner import CAN_FORK
from pipeline.publish.task import Outcome, Stopped, outcome_of_bytes

pytestmark = pytest.mark.xdist_group("kernel")
PEOPLE = sized(3, full=20)
HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year\n"


@pytest.mark.parametrize(
    "address",
    [
        "tcp://192.0.2.7:8786",
        "tcp://scheduler:8786",
        "tcp://0.0.0.0:8786",
        "192.0.2.7:8786",
        "ws://127.0.0.1:8786",
        "inproc://x",
        "",
    ],
)
def test_a_connection_that_others_could_read_is_refused(address: str) -> None:
    with (
        pytest.raises(CommandError, match=r"expected tls://HOST:PORT"),
        cluster.cluster_of(address),
    ):
        pass


def test_without_certificates_of_both_sides_there_is_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = r"set distributed\.comm\.tls\.ca\.file, .*client\.cert, .*client\.key of Dask"
    with pytest.raises(CommandError, match=named), cluster.cluster_of("tls://192.0.2.7:8786"):
        pass


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", "1s")
    unreached = pytest.raises(CommandError, match="Unable to reach the cluster")
    with unreached, cluster.cluster_of("tcp://127.0.0.1:9"):
        pass


def test_a_worker_of_another_installation_refuses() -> None:
    outcome = outcome_of_bytes(cluster.answer(b"{}", "another"))
    assert isinstance(outcome, Stopped)
    assert (outcome.exit_code, "another installation" in outcome.cause) == (4, True)


def test_an_error_of_the_cluster_is_a_failure_of_that_report_that_quotes_nothing() -> None:
    class Away:
        def result(self) -> bytes:
            raise ValueError("insulin 52.8")

    mine: Future[Outcome] = Future()
    cluster._settle(mine, Away())
    outcome = mine.result()
    assert isinstance(outcome, Stopped)
    assert outcome.cause == "The cluster could not make it (ValueError)."


class Dask:
    """A scheduler and two workers on this machine, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workers = folder, []
        self.env = {**os.environ, "TMPDIR": str(folder / "tmp")}
        (folder / "tmp").mkdir()
        file = folder / "scheduler.json"
        words = ["--host=127.0.0.1", "--port=0", "--no-dashboard", f"--scheduler-file={file}"]
        self.scheduler = self._start("dask_scheduler", *words)
        while not file.exists():
            time.sleep(0.05)
        self.address = next(
            part for part in file.read_text().split('"') if part.startswith("tcp://")
        )
        self.workers = [self.worker() for _ in range(2)]

    def worker(self) -> subprocess.Popen[bytes]:
        words = [self.address, "--host=127.0.0.1", "--nthreads=1", "--no-dashboard"]
        return self._start("dask_worker", *words, "--no-nanny", "--death-timeout=60")

    def _start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *words],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.terminate()
        for process in (*self.workers, self.scheduler):
            process.wait(60)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="d-"))  # short: that of a socket may have 104 bytes
    rows = [
        f"p{n:02},s{n},2026-0{1 + n % 8}-06,{analyte},{value},{unit},F,{1950 + n}"
        for n in range(PEOPLE)
        for analyte, value, unit in (("glucose_fasting", "5.4", "mmol/L"), ("alt", "22", "U/L"))
    ]
    (folder / "lab.csv").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def dask(folder: Path) -> Iterator[Dask]:
    dask = Dask(folder)
    yield dask
    dask.end()


def command(folder: Path, out: str, *more: str) -> subprocess.Popen[str]:
    words = ["report", "client_report", "lab.csv", f"--out={out}", "--as-of=2026-09-30"]
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words, "--format=html,json", *more],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def published(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != JOURNAL
    }


def done(running: subprocess.Popen[str]) -> None:
    _, errors = running.communicate(timeout=500)
    assert running.returncode == 0, errors


@pytest.fixture(scope="module")
def here(folder: Path) -> dict[str, bytes]:
    done(command(folder, "here", "--jobs=2"))
    return published(folder / "here")


@pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")
def test_a_cluster_makes_the_same_bytes_also_when_it_loses_a_worker(
    folder: Path, dask: Dask, here: dict[str, bytes]
) -> None:
    running = command(folder, "there", f"--cluster={dask.address}")
    journal = folder / "there" / JOURNAL
    while not journal.exists() and running.poll() is None:
        time.sleep(0.05)
    dask.workers[0].send_signal(signal.SIGKILL)
    dask.workers[0].wait()
    dask.workers[0] = dask.worker()
    done(running)
    assert published(folder / "there") == here


@pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")
def test_workers_leave_nothing_behind(folder: Path, dask: Dask) -> None:
    done(command(folder, "again", f"--cluster={dask.address}"))
    dask.end()
    time.sleep(1)
    left = [path.name for path in (folder / "tmp").iterdir() if path.name.startswith("cr-")]
    assert left == []
