"""The real command, with its kernels and its workers, whose writes fail or which is killed at one.

At full size: ``test_every_write`` tries every write, here a few show that the rest holds too.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import faults
import pytest
from apart import Command, published, short_folder
from faults import FAULTS, GIVEN, KILLS
from test_every_write import CLEAR, KILLED

from pipeline.errors import OutputError
from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
    pytest.mark.full_size,
]
TRIES = 8  # of each process
RUN, WORKER = "report", "pipeline.publish.worker"


class Faulty(Command):
    """The command, whose processes can be given a fault."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shutil.copy(faults.__file__, root / "sitecustomize.py")

    def give(self, patch: pytest.MonkeyPatch, word: str, out: str, at: int, fault: str) -> None:
        below = [str(self.root / name) for name in (out, "tmp")]
        (self.root / "once").unlink(missing_ok=True)
        told = {"word": word, "at": at, "fault": fault, "below": below}
        told |= {"points": str(self.root / "points"), "once": str(self.root / "once")}
        patch.setenv("PYTHONPATH", os.pathsep.join([str(self.root), str(Path.cwd())]))
        patch.setenv(GIVEN, json.dumps(told))

    def points(self) -> list[Sequence[str]]:
        """Return the writes of each process."""
        files = list(self.root.glob("points.*"))
        found = [path.read_text().splitlines() for path in files]
        for path in files:
            path.unlink()
        return found


@pytest.fixture(scope="module")
def command() -> Iterator[Faulty]:
    with short_folder() as root:
        yield Faulty(root)


@pytest.fixture(scope="module")
def undisturbed(command: Faulty) -> dict[str, bytes]:
    done = command.run("out")
    assert done.returncode == 0, done.stderr
    whole = published(command.root / "out")
    shutil.rmtree(command.root / "out")
    return whole


@pytest.mark.parametrize("word", [RUN, WORKER])
def test_the_real_command_mends_too(
    command: Faulty,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    word: str,
) -> None:
    shutil.rmtree(command.root / "out", ignore_errors=True)  # of the other process's tries
    with monkeypatch.context() as patch:
        command.give(patch, word, "out", -1, "")
        assert command.run("out").returncode == 0
    count = min(map(len, command.points()), default=0)
    assert count > 0
    for number in range(TRIES):
        shutil.rmtree(command.root / "out")
        at, fault = number * count // TRIES, FAULTS[number % len(FAULTS)]
        with monkeypatch.context() as patch:
            command.give(patch, word, "out", at, fault)
            ended = command.run("out")
        told = (word, at, fault, ended.returncode, ended.stderr)
        last = "".join(ended.stderr.splitlines(keepends=True)[-1:])
        if ended.returncode == OutputError.exit_code:
            assert CLEAR.fullmatch(last), told
        elif word == RUN and fault in KILLS:
            assert ended.returncode == KILLED, told
        else:
            assert ended.returncode in (0, 4), told
        assert "Traceback" not in ended.stderr
        again = command.run("out")
        assert again.returncode == 0, told
        assert published(command.root / "out") == undisturbed, told
        assert command.until(command.is_clean), told
        command.points()
