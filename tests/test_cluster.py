"""A cluster makes what this machine makes, to the byte; it is spoken to only where that is safe."""

import asyncio
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from apart import listening_of, published, short_folder
from dask_cluster import Authority, Command, Dask, done
from sizes import sized

from pipeline.errors import CommandError
from pipeline.publish import cluster, work
from pipeline.publish.kernels.provisioner import CAN_FORK
from pipeline.publish.task import Stopped, outcome_of_bytes

pytestmark = pytest.mark.xdist_group("kernel")
PEOPLE = sized(6, full=100)
KILLS = sized((0,), full=(10, 25, 60, 80))  # a worker, once so many reports are made
RESTART = sized(1, full=45)  # of the scheduler


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
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    unreached = pytest.raises(CommandError, match="Unable to reach the cluster")
    with unreached, cluster.cluster_of("tcp://127.0.0.1:9"):
        pass


def test_a_worker_of_another_installation_refuses() -> None:
    outcome = outcome_of_bytes(cluster.answer(b"{}", "another"))
    assert isinstance(outcome, Stopped)
    assert (outcome.exit_code, "another installation" in outcome.cause) == (4, True)


def test_an_error_of_the_cluster_is_a_failure_of_that_report_that_quotes_nothing() -> None:
    def lost(*_: object, **__: object) -> None:
        raise ValueError("insulin 52.8")

    pool = cluster.Cluster.__new__(cluster.Cluster)
    pool._client = SimpleNamespace(submit=lost, status="running")
    pool._installation = ""
    with ThreadPoolExecutor(1) as thread:  # a browser's loop may be running in this one
        outcome = thread.submit(lambda: asyncio.run(pool._ask(b""))).result()
    assert isinstance(outcome, Stopped)
    assert outcome.cause == "The cluster could not make it (ValueError)."


def test_a_task_raises_nothing_since_dask_would_log_what_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("insulin 52.8")

    monkeypatch.setattr(work, "make_report", full)
    monkeypatch.setattr(cluster, "_home", lambda: None)
    outcome = outcome_of_bytes(cluster.answer(b"{", cluster.installation_hash()))
    assert isinstance(outcome, Stopped)
    assert outcome.cause == "The worker could not make it (JSONDecodeError)."


class Watch(threading.Thread):
    """Notes where a run listens, and how often it put each report in its place."""

    def __init__(self, command: Command, pid: int, out: str) -> None:
        super().__init__(daemon=True)
        self.command, self.pid, self.out = command, pid, out
        self.ports: set[str] = set()
        self.made: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.1):
            self.ports |= listening_of(self.pid)
            self.made |= Counter(self.command.made(self.out))


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with short_folder() as folder:
        yield Command(folder, PEOPLE)


@pytest.fixture(scope="module")
def authority(command: Command) -> Authority | None:
    """Return certificates; without openssl to make them, the cluster is spoken to in plain text."""
    return Authority(command.folder / "ca") if shutil.which("openssl") else None


@pytest.fixture(scope="module")
def dask(command: Command, authority: Authority | None) -> Iterator[Dask]:
    dask = Dask(command.folder, authority=authority)
    yield dask
    dask.end()


@pytest.fixture(scope="module")
def here(command: Command) -> dict[str, bytes]:
    return command.run("here", "--jobs=2")


@pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")
def test_a_cluster_makes_the_same_bytes_also_when_it_loses_workers_and_its_scheduler(
    command: Command, authority: Authority | None, dask: Dask, here: dict[str, bytes]
) -> None:
    env = authority.settings("client") if authority else {}
    running = command.start("there", f"--cluster={dask.address}", env=env)
    watch = Watch(command, running.pid, "there")
    watch.start()
    for number, reports in enumerate(sorted([*KILLS, RESTART])):
        command.until_made(running, "there", reports)
        if reports == RESTART:
            dask.kill_scheduler()
            dask.come_back()
        else:
            dask.kill_worker(number % 2)
    told = done(running)
    watch.over.set()
    assert published(command.folder / "there") == here
    assert Counter(line.split()[3] for line in told.splitlines() if line.endswith(" made")) == {
        f"p{n:02}": 1 for n in range(PEOPLE)
    }
    assert max(watch.made.values()) == 1
    assert watch.ports == set()
    assert "glucose" not in dask.log()


@pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")
def test_workers_leave_nothing_behind(
    command: Command, authority: Authority | None, dask: Dask
) -> None:
    env = authority.settings("client") if authority else {}
    command.run("again", f"--cluster={dask.address}", "--case=p00", "--case=p01", env=env)
    dask.end()
    time.sleep(1)
    left = [path for path in (command.folder / "tmp").iterdir() if path.name.startswith("cr-")]
    assert left == []
