"""Many reports at once: workers that die, cases that kill them, runs that are stopped or killed."""

import os
import random
import shutil
import signal
from collections.abc import Iterator

import pytest
from apart import PEOPLE, Command, made_in, published, short_folder
from sizes import sized

from pipeline.publish import pool as publish_pool
from pipeline.publish.kernels.manager import kernel_home
from pipeline.publish.kernels.provisioner import CAN_FORK
from pipeline.publish.task import Stopped, Task

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
MOMENTS = sized(1, full=5)  # of each signal
SIGNALS = [signal.SIGINT, signal.SIGTERM][: sized(1, full=2)]  # test_long_runs kills


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with short_folder() as root:
        yield Command(root)


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
@pytest.mark.parametrize("moment", range(MOMENTS))
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
