"""What a run leaves that was killed together with its fork server, the next run removes.

It touches nothing else: no folder that a run holds, no other program's, no other user's.
"""

import errno
import fcntl
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from poisoned import Poisoned, poisoned_command
from sizes import FULL_SIZE, sized
from test_neighbours import ENDED, HANGS, given

from pipeline.errors import OutputError
from pipeline.publish.kernels.births import MARK, mark_of
from pipeline.publish.kernels.home import remove_forsaken, run_folder
from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")
ROOT = Path(__file__).resolve().parents[1]
STATES = list(HANGS) if FULL_SIZE else ["a subprocess that is stuck"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of temporary files, empty."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def forsaken(place: Path, name: str = "cr-abcdefgh.cr") -> Path:
    """Return a folder as a run leaves it that was killed."""
    home = place / name
    (home / "k-1").mkdir(parents=True)
    (home / "k-1" / "input.json").write_text("{}")
    home.chmod(0o700)
    return home


def test_a_folder_is_for_its_owner_and_gone_afterwards(place: Path) -> None:
    with run_folder() as home:
        assert (home.parent, home.stat().st_mode & 0o777) == (place, 0o700)
    assert list(place.iterdir()) == []


def test_a_new_run_removes_what_a_killed_one_left_and_nothing_that_is_held(place: Path) -> None:
    with run_folder() as living:
        left = forsaken(place)
        with run_folder() as home:
            assert set(place.iterdir()) == {living, home}
        assert not left.exists()
        assert list(place.iterdir()) == [living]


def test_what_is_of_another_program_or_user_or_is_a_link_stays(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aim = forsaken(place, "aim")
    (place / "cr-link.cr").symlink_to(aim)
    (place / "cr-file.cr").write_text("x")
    forsaken(place, "cr-abcdefgh")
    forsaken(place, "cr-open.cr").chmod(0o755)
    before = sorted(place.rglob("*"))
    remove_forsaken()
    assert sorted(place.rglob("*")) == before
    forsaken(place)
    monkeypatch.setattr(os, "getuid", lambda: -1)
    remove_forsaken()
    assert (place / "cr-abcdefgh.cr/k-1/input.json").exists()


def test_a_link_in_such_a_folder_is_not_followed(place: Path) -> None:
    aim = forsaken(place, "aim")
    (forsaken(place) / "k-2").symlink_to(aim)
    remove_forsaken()
    assert list(place.iterdir()) == [aim]
    assert (aim / "k-1/input.json").exists()


def test_processes_of_a_killed_run_end_and_those_of_others_live(place: Path) -> None:
    with run_folder() as living:
        homes = (forsaken(place), living)
        started = [
            subprocess.Popen(["sleep", "60"], env={MARK: mark_of(home, 7)}, start_new_session=True)
            for home in homes
        ]
        with started[0] as of_killed, started[1] as of_living:
            remove_forsaken()
            assert of_killed.wait(ENDED) == -signal.SIGKILL
            assert of_living.poll() is None
            of_living.kill()


def test_runs_that_start_at_once_take_nothing_from_one_another(place: Path) -> None:
    def work(_: int) -> bool:
        with run_folder() as home:
            (home / "x").write_text("x")
            remove_forsaken()
            return (home / "x").exists()

    count = sized(200, full=5000)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(count)))
    assert list(place.iterdir()) == []


def test_where_folders_have_no_locks_a_run_goes_on_and_removes_none(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    left = forsaken(place)
    with run_folder() as home:
        assert set(place.iterdir()) == {left, home}


def test_a_place_that_cannot_be_written_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    monkeypatch.setattr(tempfile, "tempdir", str(gone))
    with pytest.raises(OutputError, match=f"'{gone}': No such file"), run_folder():
        pass


# -- the command


@pytest.fixture(scope="module")
def command() -> Iterator[Poisoned]:
    with poisoned_command(ROOT) as command:
        yield command


def kill_with_server(command: Poisoned, running: "subprocess.Popen[str]") -> None:
    """Kill a run and its fork server, of which neither can tidy up after the other."""
    servers = command.alive("fork_server_process")
    assert servers
    for pid in servers:  # kernels are forks of it and look the same
        os.kill(pid, signal.SIGSTOP)
    running.kill()
    for pid in servers:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.xdist_group("kernel")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("jobs", [2, 1] if FULL_SIZE else [2])
def test_what_is_left_of_a_run_that_was_killed_with_its_server_goes_with_the_next(
    command: Poisoned, monkeypatch: pytest.MonkeyPatch, state: str, jobs: int
) -> None:
    temporary = command.root / "tmp"
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    command.poison({"m00": "import os\n" + HANGS[state]})
    given(command, "m00")
    with command.start("killed", f"--jobs={jobs}", "--fresh") as running:
        assert command.until(command.flag.exists, 60)
        kill_with_server(command, running)
    assert [path.name for path in (command.root / "killed/.casereport").iterdir()]
    assert list(temporary.glob("cr-*"))
    if "subprocess" in state or "children" in state:
        assert command.alive()
    command.poison({})
    with run_folder() as living:  # removes what is left as a new run does; it is held
        assert list(temporary.glob("cr-*")) == [living]
        assert command.until(lambda: not command.alive(), ENDED), command.alive()
        done = command.run("killed")
        assert (done.returncode, list(temporary.glob("cr-*"))) == (0, [living]), done.stderr
    assert not (command.root / "killed/.casereport").exists()
    assert command.is_clean()
