"""Publishing floor. What is said between the fork server and whoever asks it for a kernel.

Each message is a line of JSON over a socket of its own, which lives as long as the kernel.
"""

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

REHEARSED, PLAIN = "rehearsed", "plain"  # what a fork server is told at its start
MARK = "CASEREPORT_KERNEL"  # in the environment of a kernel and of all that it starts
_LONGEST = 4 << 20  # bytes of a message: an environment and a command line
_END = b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """A kernel to be forked: what its process is given."""

    argv: Sequence[str]  # as of ``python -m ipykernel_launcher``, without these three words
    env: Mapping[str, str]
    cwd: str
    megabytes: int = 0  # of memory of its own; 0: as much as there is
    portless: bool = False  # without the TCP port by which forks of a kernel print

    def as_line(self) -> bytes:
        """Return it as it goes over the socket."""
        return json.dumps(asdict(self)).encode() + _END

    @classmethod
    def of_line(cls, line: bytes) -> "Birth":
        """Return the birth that a line asks for."""
        return cls(**json.loads(line))


def line_of(connection: socket.socket) -> bytes:
    """Return the next line, without its end; b"" where the other side has gone."""
    found = bytearray()
    while not found.endswith(_END):
        part = connection.recv(1 << 16)
        if not part or len(found) > _LONGEST:
            return b""
        found += part
    return bytes(found[:-1])


def mark_of(home: Path, kernel: int = 0) -> str:
    """Return what ``MARK`` says: a kernel, 0 for its server, and the folder of their run."""
    return f"{kernel} {home}"


def kernel_in(environ: bytes) -> int:
    """Return the kernel that an environment is of; 0 where it is of none."""
    kernel, _, _ = _marked(environ).partition(" ")
    return int(kernel) if kernel.isdecimal() else 0


def home_in(environ: bytes) -> str:
    """Return the folder of the run that an environment is of; "" where it is of none."""
    return _marked(environ).partition(" ")[2]


def _marked(environ: bytes) -> str:
    """Return what the mark says in an environment as /proc has it."""
    for pair in environ.split(b"\0"):
        name, _, value = pair.partition(b"=")
        if name == MARK.encode():
            return os.fsdecode(value)
    return ""
