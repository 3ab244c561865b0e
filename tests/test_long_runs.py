"""A long run: what dies in it, and however often, its reports are those of an undisturbed one.

It grows neither in memory nor in open files, and harm in some cases costs these alone.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from apart import Command, made_in, megabytes_of, published, short_folder, write_people
from poisoned import Poisoned, poisoned_command
from sizes import sized
from test_neighbours import AT_ONCE, ENDED

from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
ROOT = Path(__file__).resolve().parents[1]
CASES, MOMENTS = sized(10, full=200), sized(3, full=50)
MOST_PAUSE = 0.3  # seconds, about as long as a case takes: in any part of one something may die
VICTIMS = ("run", "kernel", "worker", "fork server")
MANY = 2000
JOBS = 2
PARTIAL = ".failed/"  # notebooks as far as they came
MOST_GROWTH, MOST_FILES = 100, 256  # MB, and files that a process of the run holds open
ENDS = [AT_ONCE[name] for name in ("a kill", "an end", "a fault")]
FAILS = ("raise ValueError('harm')", "A cell stopped with ValueError.")


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with short_folder() as root:
        command = Command(root)
        write_people(root / "lab.csv", CASES)
        yield command


@pytest.fixture(scope="module")
def undisturbed(command: Command) -> Mapping[str, bytes]:
    done = command.run("undisturbed")
    assert done.returncode == 0, done.stderr
    return published(command.root / "undisturbed")


# -- killed again and again


class Killed:
    """A run of which something is killed at random moments; a run that ended so goes on."""

    def __init__(self, command: Command, undisturbed: Mapping[str, bytes]) -> None:
        self.command, self.undisturbed = command, undisturbed
        self.out = command.root / "killed"
        self.chance = random.Random(MOMENTS)
        self.running = command.start(self.out.name)
        self.times: dict[str, int] = {}  # when each file of a finished case was written
        self.victims: list[str] = []

    def kill(self, victim: str, made: int) -> None:
        """Kill one once so many cases are made, if the run gets there, or where it ended."""
        self.command.until(lambda: self._has(made), 60)
        time.sleep(self.chance.random() * MOST_PAUSE)
        self.command.until(lambda: self._ended or bool(self._of(victim)), 60)
        found = self._of(victim)
        if not self._ended and found:
            self.victims.append(victim)
            _kill(self.chance.choice(found))
        if victim == "run" or self._ended:
            self.go_on()

    def go_on(self) -> None:
        """Judge what a run left, and start it again."""
        self.running.kill()
        self.running.communicate(timeout=60)
        assert self.command.until(lambda: not self.command.alive(), ENDED)
        self.judge()
        self.running = self.command.start(self.out.name)

    def judge(self) -> None:
        """Hold what has its final name against the undisturbed run, and against what was there."""
        found = published(self.out)
        reports = [name for name in found if "/" in name and not name.startswith(PARTIAL)]
        assert all(found[name] == self.undisturbed[name] for name in reports)
        assert all(self._written(name) == written for name, written in self.times.items())
        finished = made_in(self.out)
        self.times |= {
            name: self._written(name) for name in found if name.partition("/")[0] in finished
        }

    def _written(self, name: str) -> int:
        return (self.out / name).stat().st_mtime_ns

    @property
    def _ended(self) -> bool:
        return self.running.poll() is not None

    def _has(self, made: int) -> bool:
        return len(made_in(self.out)) >= made or self._ended

    def _of(self, victim: str) -> list[int]:
        """Return the processes that a victim may be; kernels are forks of their server."""
        if victim == "run":
            return [self.running.pid]
        if victim == "worker":
            return self.command.alive("publish.worker")
        server, *kernels = sorted(self.command.alive("fork_server_process")) or [0]
        return kernels if victim == "kernel" else [server] * bool(server)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        assert not Path(f"/proc/{pid}").exists()  # it ended by itself, just now


def test_a_run_of_which_something_is_killed_again_and_again_ends_as_an_undisturbed_one(
    command: Command, undisturbed: Mapping[str, bytes]
) -> None:
    killed = Killed(command, undisturbed)
    for moment in range(MOMENTS):
        killed.kill(VICTIMS[moment % len(VICTIMS)], made=moment * CASES // (MOMENTS + 1))
    killed.running.communicate(timeout=500)
    assert killed.running.returncode in (0, 4)
    assert command.run(killed.out.name).returncode == 0
    killed.judge()
    assert published(killed.out) == undisturbed
    assert set(killed.victims) >= set(VICTIMS[:MOMENTS])
    assert len(killed.victims) >= MOMENTS * 0.9  # some end by themselves just before
    assert command.until(command.is_clean)
    assert not (killed.out / ".casereport").exists()


# -- some cases do harm


@pytest.fixture
def poisoned() -> Iterator[Poisoned]:  # of one test: other runs must not find it
    with poisoned_command(ROOT) as command:
        write_people(command.root / "lab.csv", CASES)
        yield command


@pytest.mark.full_size
def test_cases_that_end_their_kernel_or_fail_cost_themselves_of_hundreds(
    poisoned: Poisoned, undisturbed: Mapping[str, bytes]
) -> None:
    chosen = random.Random(CASES).sample(range(CASES), 35)
    does = {f"p{n:02}": ENDS[at % len(ENDS)] for at, n in enumerate(chosen[5:])}
    does |= {f"p{n:02}": FAILS for n in chosen[:5]}
    poisoned.poison({id: "import os\n" + code for id, (code, _) in does.items()})
    done = poisoned.run("harmed")
    assert done.returncode == 4
    told = json.loads((poisoned.root / "harmed/run.json").read_text("utf-8"))
    assert {one["case_id"]: one["cause"] for one in told["failures"]} == {
        id: cause for id, (_, cause) in does.items()
    }
    rest = {name: it for name, it in undisturbed.items() if name.partition("/")[0] not in does}
    found = published(poisoned.root / "harmed")
    assert {name for name in found if "/" in name and not name.startswith(PARTIAL)} == {
        name for name in rest if "/" in name
    }
    assert all(found[name] == rest[name] for name in rest if "/" in name)


# -- thousands


class Watch(threading.Thread):
    """Notes what a run takes while it makes its cases."""

    def __init__(self, command: Command, run: "subprocess.Popen[str]", out: Path) -> None:
        super().__init__(daemon=True)
        self.command, self.process, self.out = command, run, out
        self.megabytes: dict[int, int] = {}  # of the run itself, by cases made
        self.files = self.kernels = 0

    def run(self) -> None:
        while self.process.poll() is None:
            made = len(made_in(self.out)) if self.out.exists() else 0
            self.megabytes[made] = megabytes_of(self.process.pid, "VmRSS")
            held = [self.process.pid, *self.command.alive("publish.worker")]
            self.files = max(self.files, *map(_open_files, held))
            forked = len(self.command.alive("fork_server_process")) - 1  # itself
            self.kernels = max(self.kernels, forked)
            time.sleep(0.5 if made < MANY / 10 else 2)


def _open_files(pid: int) -> int:
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


@pytest.mark.full_size
def test_thousands_of_cases_in_one_go_take_no_more_than_hundreds(command: Command) -> None:
    write_people(command.root / "lab.csv", MANY)
    with command.start("many", "--quiet") as running:
        watch = Watch(command, running, command.root / "many")
        watch.start()
        _, errors = running.communicate(timeout=4 * 3600)
        watch.join()
    write_people(command.root / "lab.csv", CASES)
    assert running.returncode == 0, errors
    told = json.loads((command.root / "many/run.json").read_text("utf-8"))
    assert (told["failures"], len(told["cases"])) == ([], MANY)
    late = [size for made, size in watch.megabytes.items() if made > MANY / 10]
    first = max(size for made, size in watch.megabytes.items() if made <= MANY / 10)
    print(
        f"run: {first} MB at most until case {MANY // 10}, {max(late)} MB after;"
        f" {watch.files} open files, {watch.kernels} kernels at most"
    )
    assert max(late) - first <= MOST_GROWTH
    assert 0 < watch.files <= MOST_FILES
    assert 0 < watch.kernels <= JOBS
