"""Publishing floor. What a forked process does before it is a kernel: forget its parent.

Nothing that could tell two kernels apart, or let one reach another, is kept: not its parent's
files, environment, folder, signals or random numbers.
"""

import os
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

from pipeline.publish.kernels.births import MARK, Birth, mark_of
from pipeline.publish.kernels.system import end_with_parent

_STANDARD = (0, 1, 2)
_MEGABYTE = 1 << 20


def begin_life(birth: Birth, *, parent: int, home: Path) -> None:
    """Make this process, just forked, what a newly started one would be."""
    os.setpgid(0, 0)
    end_with_parent(parent)
    _forget_signals()
    _forget_files()
    _take_environment(birth, home)
    os.chdir(birth.cwd)
    _limit_memory(birth.megabytes)
    _forget_chance()
    sys.argv = ["ipykernel_launcher", *birth.argv]


def live(birth: Birth) -> None:
    """Be a kernel, until it is told to end."""
    from ipykernel import kernelapp
    from ipykernel.iostream import IOPubThread

    class Portless(IOPubThread):
        def _setup_pipe_in(self) -> None:
            self._pipe_flag = False

    if birth.portless:
        vars(kernelapp)[IOPubThread.__name__] = Portless
    kernelapp.launch_new_instance(list(birth.argv))


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _forget_files() -> None:
    """Close every file but the standard ones, and let those lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in _STANDARD:
        os.dup2(nowhere, number)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.closerange(max(_STANDARD) + 1, min(most, 1 << 16))


def _take_environment(birth: Birth, home: Path) -> None:
    os.environ.clear()
    os.environ.update(birth.env)
    os.environ[MARK] = mark_of(home, os.getpid())
    time.tzset()
    _take_backend(os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline"))


def _take_backend(name: str) -> None:
    """Let matplotlib draw by the backend of this environment: it read another one at its import."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        matplotlib.rcParams["backend"] = name


def _limit_memory(megabytes: int) -> None:
    if megabytes:
        most = megabytes * _MEGABYTE
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _forget_chance() -> None:
    """Begin new random numbers, and new names of temporary files."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
    tempfile.tempdir = None
