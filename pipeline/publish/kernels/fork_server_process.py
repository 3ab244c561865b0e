"""Publishing floor. The process that kernels are forked from. It never runs a notebook itself.

It has imported and read once what every report needs, holds nothing of any case, and has neither a
thread nor a socket of ZeroMQ when it forks. A kernel leads a process group of its own; when it
ends, whatever it started ends with it. When whoever started this process ends, it does too.
"""

import gc
import os
import select
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from types import FrameType

from pipeline.publish.kernels.births import REHEARSED, Birth, kernel_in, line_of
from pipeline.publish.kernels.newborn import begin_life, live
from pipeline.publish.kernels.system import adopt_orphans, children_of


@dataclass(slots=True)
class Server:
    """The kernels that live, each by its process id, with the socket that is told of its end."""

    listener: socket.socket
    home: Path  # where kernels have their folders; it goes with this process
    kernels: dict[int, socket.socket] = field(default_factory=dict)
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    alarms: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def serve(self) -> Birth | None:
        """Fork kernels until the one who asks has gone; in a kernel, return what it was given."""
        wakes, woken = self.alarms
        for end in self.alarms:
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _noticed)
        self.selector.register(wakes, selectors.EVENT_READ)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self.selector.register(self.listener, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj == sys.stdin.fileno():
                    return None
                if key.fileobj is wakes:
                    with suppress(BlockingIOError):
                        wakes.recv(1 << 12)
                    self._bury()
                elif key.fileobj is not self.listener:
                    self._forsake(key.data)
                elif birth := self._fork():
                    return birth

    def end(self) -> None:
        """End every kernel and all that they started, and remove their folders."""
        for kernel in self.kernels:
            _kill_group(kernel)
        while self._bury() or self.kernels:
            with suppress(ChildProcessError):
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        rmtree(self.home, ignore_errors=True)

    def _fork(self) -> Birth | None:
        """Fork one kernel and tell its process id; in the kernel, return what it was given."""
        connection, _ = self.listener.accept()
        line = line_of(connection)
        if not line:
            connection.close()
            return None
        birth = Birth.of_line(line)
        server = os.getpid()
        kernel = os.fork()
        if not kernel:
            self._let_go(connection)
            begin_life(birth, parent=server, home=self.home)
            return birth
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(kernel, kernel)  # the kernel does so too: whoever comes first
        self.kernels[kernel] = connection
        self.selector.register(connection, selectors.EVENT_READ, data=kernel)
        _tell(connection, kernel)
        return None

    def _forsake(self, kernel: int) -> None:
        """End a kernel whose asker has gone: nothing else is ever said on its socket."""
        if connection := self.kernels.get(kernel):
            self.selector.unregister(connection)
            _kill_group(kernel)

    def _let_go(self, connection: socket.socket) -> None:
        """Part with every socket, in the kernel: the number of one may soon be another file's."""
        self.selector.close()
        for each in (self.listener, connection, *self.alarms, *self.kernels.values()):
            each.detach()
        self.kernels.clear()

    def _bury(self) -> int:
        """Take leave of the processes that have ended, and end what a kernel left; how many."""
        buried = 0
        while (gone := _next_dead()) is not None:
            pid, status = gone
            connection = self.kernels.pop(pid, None)
            if connection is not None:
                _kill_group(pid)  # while its process id is still its own
            os.waitpid(pid, 0)
            if connection is not None:
                _tell(connection, status)
                with suppress(KeyError):
                    self.selector.unregister(connection)
                connection.close()
            buried += 1
        if buried:
            self._end_orphans()  # once: there may be hundreds
        return buried

    def _end_orphans(self) -> None:
        """End processes that left their kernel's group and outlived it."""
        for pid in children_of(os.getpid()):
            if pid not in self.kernels and _kernel_of(pid) not in self.kernels:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _next_dead() -> tuple[int, int] | None:
    """Return a child that has ended and how (as subprocess counts it); it is not yet reaped."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return None
    if found is None:
        return None
    status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
    return found.si_pid, status


def _kernel_of(pid: int) -> int:
    """Return the kernel that a process comes from, by its mark; 0 where it has none."""
    with suppress(OSError):
        return kernel_in(Path(f"/proc/{pid}/environ").read_bytes())
    return 0


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _tell(connection: socket.socket, number: int) -> None:
    with suppress(OSError):  # the one who asked may have gone
        connection.sendall(f"{number}\n".encode())


def _noticed(number: int, frame: FrameType | None) -> None:
    """Let the selector wake up: the signal itself wrote to its socket."""


def _is_forsaken() -> bool:
    """Return whether whoever started this process has gone: its end of our stdin is closed."""
    return bool(select.select([sys.stdin.fileno()], [], [], 0)[0])


def _modules() -> Iterator[str]:
    """Yield what every report imports, in small steps; a kernel needs ipykernel's own too."""
    yield from ("numpy", "pandas", "matplotlib.pyplot", "seaborn", "zmq", "IPython")
    yield from ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell")
    # what a kernel imports only once it is made
    yield from ("ipykernel.debugger", "tornado.platform.asyncio", "tornado.locks")
    yield from ("tornado.queues", "IPython.core.completerlib", "IPython.core.oinspect")
    yield from ("IPython.core.debugger", "IPython.core.logger", "IPython.extensions.storemagic")
    yield from ("faulthandler", "runpy", "sqlite3")
    yield from ("pipeline.export", "pipeline.interpret", "pipeline.narrate", "pipeline.plot")
    yield from ("pipeline.read", "pipeline.show")


def main(listener: int, home: str, rehearsed: bool) -> None:
    """Serve on a listening socket that came with this process; a kernel lives on from here."""
    adopt_orphans()
    server = Server(socket.socket(fileno=listener), Path(home))
    for name in _modules():
        if _is_forsaken():  # nobody waits any more: there is no kernel yet
            rmtree(home, ignore_errors=True)
            return
        import_module(name)
    if rehearsed:
        from pipeline.publish.kernels.rehearsal import rehearse

        rehearse()
    gc.collect()
    gc.freeze()  # what is here stays: no kernel need look through it, which would copy it
    birth = server.serve()
    if birth is None:
        server.end()
        return
    live(birth)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3] == REHEARSED)
