"""Publishing floor. The few calls of Linux that Python has no word for."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_SET_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)


def end_with_parent(parent: int) -> None:
    """Let the system kill this process when its parent ends; at once where it has ended already.

    What counts is the thread that started it. Where the system has no such thing, nothing happens.
    """
    if sys.platform != "linux":
        return
    _control(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every process below this one that loses its own."""
    _control(_SET_CHILD_SUBREAPER, 1)


def children_of(pid: int) -> list[int]:
    """Return the process ids of the children of a process."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found


def _control(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
