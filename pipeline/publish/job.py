"""Publishing floor. A page to lay out, and how it goes to the process that does so and comes back.

Each message stands after its length.
"""

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO

MADE, OUTSIDE, FAILED, ABSENT = b"+", b"outside", b"failed", b"absent"  # how an answer begins
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A page to lay out; ``attached``: the text of ``case.json``, "" where none goes with it."""

    html: str
    variant: str  # a PDF variant of WeasyPrint, "pdf/ua-1"
    attached: str = ""
    about: str = ""  # describes the attachment to a reader
    day: str = ""  # ISO 8601: dates the attachment, no clock

    def as_bytes(self) -> bytes:
        """Return the job as it goes to the other process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of_bytes(cls, content: bytes) -> "Job":
        """Return the job of such bytes."""
        return cls(**json.loads(content))


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message after its length."""
    stream.write(_LENGTH.pack(len(content)))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Return the next message; None where the other process ended before it was whole."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    return content if len(content) == length else None
