"""What is lost with a cluster is a failure that says so: no run waits for ever, nothing twice."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from apart import published, short_folder
from dask_cluster import AT_MOST, Command, Dask, done
from poisoned import Poisoned
from sizes import sized

from pipeline.errors import CommandError
from pipeline.publish import cluster
from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
ROOT = Path(__file__).resolve().parents[1]
PEOPLE = sized(6, full=20)
GONE = "The cluster had no scheduler or no worker for 15 seconds."
IMPATIENT = (
    "import sys\n"
    "from pipeline.__main__ import main\n"
    "from pipeline.publish import cluster\n"
    "cluster._PATIENCE = 15\n"
    "sys.exit(main())"
)
# the worker is above the process that kernels are forked from
KILL_WORKER = """
import signal
one = os.getppid()
while b"fork_server" in Path(f"/proc/{one}/cmdline").read_bytes():
    one = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
os.kill(one, signal.SIGKILL)
"""


def failures(out: Path) -> dict[str, str]:
    """Return the cause of each case that failed."""
    run = json.loads((out / "run.json").read_text())
    return {one["case_id"]: one["cause"] for one in run["failures"]}


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with short_folder() as folder:
        yield Command(folder, PEOPLE)


@pytest.fixture(scope="module")
def here(command: Command) -> dict[str, bytes]:
    return command.run("here", "--jobs=2")


@pytest.fixture(scope="module")
def dask(command: Command) -> Iterator[Dask]:
    dask = Dask(command.folder)
    yield dask
    dask.end()


@pytest.mark.full_size
@pytest.mark.parametrize("loss", ["scheduler", "workers"])
def test_a_cluster_that_stays_away_costs_what_it_had_not_made_and_the_rest_can_be_made_later(
    command: Command, dask: Dask, here: Mapping[str, bytes], loss: str
) -> None:
    out = command.folder / loss
    running = command.start(loss, f"--cluster={dask.address}", program=("-c", IMPATIENT))
    command.until_made(running, loss, 1)
    if loss == "scheduler":
        dask.kill_scheduler()
    else:
        for worker in dask.workers:
            worker.kill()
    told = done(running, code=4)
    assert all(line.endswith(" made") for line in told.splitlines())
    made = {one.split()[0] for one in command.made(loss)}
    assert made
    assert failures(out) == dict.fromkeys(
        {f"p{n:02}" for n in range(PEOPLE)} - made,
        GONE,
    )
    before = {name: (out / name).stat().st_mtime_ns for name in published(out) if "/" in name}
    dask.end()
    dask.come_back()
    assert command.run(loss, f"--cluster={dask.address}", "--only=failed") == here
    assert all((out / name).stat().st_mtime_ns == when for name, when in before.items())


def test_a_cluster_without_workers_is_told(dask: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    for worker in dask.workers:
        worker.terminate()
        worker.wait(AT_MOST)
    monkeypatch.setattr(cluster, "_PATIENCE", 2)
    none = pytest.raises(CommandError, match="Unable to find a worker of the cluster")
    with none, cluster.cluster_of(dask.address):
        pass


@pytest.mark.full_size
def test_a_case_that_ends_its_workers_is_a_failure_and_the_others_are_made() -> None:
    with short_folder() as folder:
        program = Poisoned(folder, ROOT)
        command = Command(folder, 20)
        program.poison({"p01": KILL_WORKER})
        dask = Dask(folder, env=program.env, nanny=True)
        began = time.monotonic()
        done(command.start("out", f"--cluster={dask.address}", env=program.env), code=4)
        assert time.monotonic() - began < 500
        dask.end()
        assert failures(folder / "out") == {"p01": cluster._KILLED}
        assert len(command.made("out")) == command.people - 1
