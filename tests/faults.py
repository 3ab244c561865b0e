"""Every write of a process, counted; at one of them it is killed, or the system refuses.

What is a write: whatever changes a folder or a file below certain folders, or forces it to disk.
The program does not know of it: the functions of ``os`` are wrapped. Copied as sitecustomize.py to
where Python finds it, this also works in processes that a command starts: see ``GIVEN``.
"""

import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

KILLS = ("killed before", "killed midway", "killed after")
REFUSALS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}
# from there on: a full disk takes nothing more but lets go; a disk that broke is only read
LASTING = {"full from there": errno.ENOSPC, "read-only from there": errno.EROFS}
FAULTS = (*KILLS, *REFUSALS, *LASTING)
FREES = ("unlink", "rmdir")  # what a full disk still does
CHANGES = ("mkdir", "rename", "replace", "unlink", "remove", "rmdir")
AUDITED = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")
GIVEN = "CASEREPORT_FAULT"  # JSON: a word of the command line, which fault, at which write
ANY_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Writes:
    """The writes of this process below some folders; the one with the number ``at`` goes wrong."""

    def __init__(self, below: Sequence[Path], *, at: int = -1, fault: str = "") -> None:
        self.below = [str(folder) for folder in below]
        self.at, self.fault = at, fault
        self.once = ""  # a file, where only one of several processes goes wrong; they count all
        self.told = ""  # a file, where what is counted is wanted even of a process that is killed
        self.points: list[str] = []
        self.unseen: list[str] = []  # writes by another way, which are not counted
        self._inside = False

    def install(self) -> None:
        """Wrap the functions of ``os``, for the rest of this process."""
        for name in CHANGES:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.open, os.fsync = self._opening(os.open), self._syncing(os.fsync)  # type: ignore
        os.fdopen = self._writing(os.fdopen)  # type: ignore
        sys.addaudithook(self._look)

    def reach(self, name: str, path: str, act: Callable[[], Any], half: Any = None) -> Any:
        """Do one write, unless it is the one that goes wrong."""
        if not self._counts(path):
            return act()
        number = len(self.points)
        self.points.append(f"{name} {path}")
        if self.told:
            with open(self.told, "a") as file:  # noqa: PTH123
                file.write(f"{name} {path}\n")
        if number == self.at and self._is_first():
            self._go_wrong(name, path, act, half)
        elif 0 <= self.at < number and not self.once:
            self._refuse(LASTING.get(self.fault), name, path)
        self._inside = True
        try:
            return act()
        finally:
            self._inside = False

    def _go_wrong(self, name: str, path: str, act: Callable[[], Any], half: Any) -> None:
        self._inside = True
        if half and self.fault in ("killed midway", "ENOSPC"):
            half()
        elif self.fault == "killed after":
            with suppress(OSError):  # as ever: what is not there cannot be removed
                act()
        if self.fault in KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        self._inside = False
        self._refuse((REFUSALS | LASTING)[self.fault], name, path)

    def _is_first(self) -> bool:
        if self.once:
            with suppress(FileExistsError), open(self.once, "x"):  # noqa: PTH123
                return True
        return not self.once

    def _refuse(self, number: int | None, name: str, path: str) -> None:
        if number is None or (self.fault == "full from there" and name in FREES):
            return
        raise OSError(number, os.strerror(number), path)

    def _counts(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in self.below)

    # the functions

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **options: Any) -> Any:
            found = _full(path, options.get("dir_fd"))
            if name in ("rename", "replace"):
                found = _full(rest[0], options.get("dst_dir_fd"))
            return self.reach(name, found, lambda: real(path, *rest, **options))

        return call

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *rest: Any, **options: Any) -> int:
            if not flags & ANY_WRITE:
                return real(path, flags, *rest, **options)
            found = _full(path, options.get("dir_fd"))
            return int(self.reach("open", found, lambda: real(path, flags, *rest, **options)))

        return call

    def _syncing(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(handle: int) -> None:
            self.reach("fsync", _of_handle(handle), lambda: real(handle))

        return call

    def _writing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        reach = self.reach

        class Counted(io.FileIO):
            def write(self, content: Any) -> int:
                part = memoryview(content)[: len(content) // 2]
                do, half = super().write, super().write
                path = _of_handle(self.fileno())
                return int(reach("write", path, lambda: do(content), lambda: half(part)))

        def call(handle: int, mode: str = "r", *rest: Any, **options: Any) -> Any:
            if mode not in ("wb", "ab") or not self._counts(_of_handle(handle)):
                return real(handle, mode, *rest, **options)
            return io.BufferedWriter(Counted(handle, mode))

        return call

    def _look(self, event: str, given: tuple[Any, ...]) -> None:
        """Note a write that came by another way; those by ours are seen here too."""
        if self._inside or event not in AUDITED or isinstance(given[0], int):
            return
        if event == "open" and not (given[2] or 0) & ANY_WRITE:
            return
        path = _full(given[1 if event == "os.rename" else 0], None)
        if self._counts(path):
            self.unseen.append(f"{event} {path}")
            if self.once:
                self.reach(event, path, lambda: None)


def _full(path: Any, folder: int | None) -> str:
    """Return a path in full, of one below an opened folder too."""
    above = Path.cwd() if folder is None else Path(_of_handle(folder))
    return str(above / os.fsdecode(path))


def _of_handle(handle: int) -> str:
    return str(Path(f"/proc/self/fd/{handle}").readlink())


def _begin(given: dict[str, Any]) -> None:
    """Let a process have the fault that its environment names."""
    writes = Writes([Path(one) for one in given["below"]], at=given["at"], fault=given["fault"])
    writes.once, writes.told = given["once"], f"{given['points']}.{os.getpid()}"
    writes.install()


if GIVEN in os.environ and json.loads(os.environ[GIVEN])["word"] in sys.orig_argv:
    _begin(json.loads(os.environ[GIVEN]))
