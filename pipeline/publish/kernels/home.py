"""Publishing floor. The folder of a run for its kernels: held while the run lives, then gone.

A run that is killed leaves its folder to its fork server. Where both are killed at once, the next
run finds a folder that nobody holds: it ends what the kernels there had started, and removes it.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from stat import S_IMODE, S_ISDIR
from tempfile import TemporaryDirectory, gettempdir

from pipeline.publish.files import told_as_output_error
from pipeline.publish.kernels.births import home_in

if sys.platform != "win32":
    import fcntl

# Together a name of ours alone, and short: that of a socket in it may not exceed 104 bytes.
_FIRST, _LAST = "cr-", ".cr"
_FOR_ITS_OWNER = 0o700
_LOOKS, _PAUSE = 100, 0.01  # for processes that end, and seconds between two


@contextmanager
def run_folder() -> Iterator[Path]:
    """Give a folder that only the user can open, after removing those whose run was killed.

    It is held by a lock that the system lets go of when this process ends, however it ends.
    Raises OutputError where it cannot be made.
    """
    with ExitStack() as stack:
        with told_as_output_error(Path(gettempdir())):
            remove_forsaken()
            while (home := _held(stack)) is None:
                pass  # another run that began took it for one that nobody holds
        yield home


def remove_forsaken() -> None:
    """Remove the folders of runs that were killed, and end the processes that are left of them."""
    if sys.platform == "win32":
        return  # it has no locks of folders
    with suppress(OSError):  # there is no place for temporary files, and so nothing in it
        for home in Path(gettempdir()).glob(f"{_FIRST}*{_LAST}"):
            _remove_if_ours(home)


def _held(stack: ExitStack) -> Path | None:
    """Return a new folder, held until the stack closes; None where it was taken meanwhile."""
    made = TemporaryDirectory(prefix=_FIRST, suffix=_LAST, ignore_cleanup_errors=True)
    home = Path(stack.enter_context(made))
    if sys.platform == "win32":
        return home
    with suppress(FileNotFoundError):
        handle = _opened(home)
        stack.callback(os.close, handle)
        if _hold(handle, unknown=True) and home.exists():
            return home
    return None


def _remove_if_ours(home: Path) -> None:
    with suppress(OSError):  # it is another's, or another run removes it
        if _is_ours(home):
            _remove(home)


def _remove(home: Path) -> None:
    """Remove a folder and end its processes, unless a run holds it."""
    handle = _opened(home)
    try:
        if _hold(handle, unknown=False):
            _end_processes(home)
            rmtree(home, ignore_errors=True)
    finally:
        os.close(handle)


def _is_ours(home: Path) -> bool:
    """Return whether a path is a folder as this user's runs make them; a link is none."""
    found = home.lstat()
    private = S_IMODE(found.st_mode) == _FOR_ITS_OWNER
    return S_ISDIR(found.st_mode) and private and found.st_uid == os.getuid()


def _opened(folder: Path) -> int:
    """Return a handle of a folder, which no process that is started inherits."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _hold(handle: int, *, unknown: bool) -> bool:
    """Hold a folder, and return whether nobody else does.

    ``unknown`` is the answer where the file system has no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return unknown
    return True


def _end_processes(home: Path) -> None:
    """End every process that carries the mark of a run, and those it starts meanwhile."""
    for _ in range(_LOOKS):
        left = list(_processes_of(home))
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        time.sleep(_PAUSE)


def _processes_of(home: Path) -> Iterator[int]:
    """Yield the processes of a run by the mark in the environment they were started with.

    Of another user's process it cannot be read; where there is no /proc, of none.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(home_in((folder / "environ").read_bytes())).name == home.name:
                yield int(folder.name)
