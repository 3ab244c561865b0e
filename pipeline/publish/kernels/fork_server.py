"""Publishing floor. Starts the process that kernels are forked from, and asks it for kernels."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from pipeline.publish.files import told_as_output_error
from pipeline.publish.kernels.births import MARK, PLAIN, REHEARSED, Birth, line_of, mark_of

_NAME = "forks"  # of the socket in the folder of a run
_WAITING = 64  # kernels asked for at once, before one that asks is refused
_KILLED = -9


class ForkServer:
    """The process that kernels of one run are forked from; it is started when the first is asked.

    ``home`` is the folder of the run, which only the user can open; ``env`` the environment in
    which the process imports what kernels need; ``rehearsed``: whether it also tells the sample,
    which many kernels gain by and a few do not.
    """

    def __init__(self, home: Path, *, env: Mapping[str, str], rehearsed: bool = False) -> None:
        self._home, self._env, self._rehearsed = home, env, rehearsed
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False  # for a kernel, by anybody

    def start(self) -> None:
        """Start the process, if it does not run: it imports while others work."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._process.communicate()
                self._process = None
            if self._process is None:
                self._process = self._started()

    def fork(self, birth: Birth) -> "Forked":
        """Return a new kernel. Raises OSError where there is no process to fork it from."""
        self.expect_kernels()
        return fork_at(self._home, birth)

    def expect_kernels(self) -> None:
        """Let the process run: somebody is about to ask it for kernels."""
        self.start()
        self._asked = True

    def close(self) -> None:
        """End the process, and with it all kernels; the folder is gone afterwards."""
        with self._lock:
            if self._process is not None:
                if not self._asked:  # it may still be importing, and has nothing to end
                    self._process.kill()
                self._process.communicate()  # closes its stdin, which is the word to end
                self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        with socket.socket(socket.AF_UNIX) as listener:
            self._listen(listener)
            handle = listener.fileno()
            module = "pipeline.publish.kernels.fork_server_process"
            word = REHEARSED if self._rehearsed else PLAIN
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(handle), str(self._home), word],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**self._env, MARK: mark_of(self._home)},
                pass_fds=[handle],
                start_new_session=True,  # Ctrl-C is for the run, which ends its kernels itself
            )

    def _listen(self, listener: socket.socket) -> None:
        """Listen in the folder of the run. Raises OutputError where that cannot be done."""
        path = self._home / _NAME
        with told_as_output_error(path):
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            listener.listen(_WAITING)


class JoinedServer:
    """The fork server of a run, for a worker of that run, which did not start it."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def fork(self, birth: Birth) -> "Forked":
        """Return a new kernel. Raises OSError where there is no process to fork it from."""
        return fork_at(self._home, birth)


def fork_at(home: Path, birth: Birth) -> "Forked":
    """Return a new kernel of the server whose socket is in a folder."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(home / _NAME))
        connection.sendall(birth.as_line())
        told = line_of(connection)
        if not told:
            raise ChildProcessError("The process that kernels are forked from has ended.")
    except BaseException:
        connection.close()
        raise
    return Forked(int(told), connection)


class Forked:
    """A kernel that a fork server made, with what of ``subprocess.Popen`` jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """Return how the kernel ended; None where it lives."""
        return self._told(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return how the kernel ended, once it has. Raises TimeoutExpired as Popen's does."""
        told = self._told(timeout)
        if told is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return told

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel and to what it started, if it lives."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End the kernel and what it started."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def _told(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], timeout)[0]:
            line = line_of(self._connection)
            self._connection.close()
            self.returncode = int(line) if line else self._orphaned()
        return self.returncode

    def _orphaned(self) -> int:
        """Return how a kernel ended whose server is gone: killed, and so is what it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        return _KILLED


_servers: dict[str, ForkServer | JoinedServer] = {}


def server_of(manager: object) -> ForkServer | JoinedServer | None:
    """Return the server of the run that a kernel manager works for; None where there is none."""
    return _servers.get(str(getattr(manager, "home", "")))


@contextmanager
def serving(home: Path, *, env: Mapping[str, str], rehearsed: bool = False) -> Iterator[ForkServer]:
    """Give the server of a run, whose folder is ``home``; it ends afterwards."""
    server = _servers[str(home)] = ForkServer(home, env=env, rehearsed=rehearsed)
    try:
        yield server
    finally:
        del _servers[str(home)]
        server.close()


@contextmanager
def joined(home: Path) -> Iterator[None]:
    """Let kernels below ``home`` be forked by the server of the run, which another process has."""
    _servers[str(home)] = JoinedServer(home)
    try:
        yield
    finally:
        del _servers[str(home)]
