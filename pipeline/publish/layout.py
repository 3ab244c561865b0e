"""Publishing floor. Lays pages out as PDF: in a process of its own, which ``pdf`` starts and ends.

A job comes in on standard input and its answer goes out on standard output, each after its length.
"""

import datetime as dt
import json
import logging
import signal
import struct
import sys
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import IO

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

MADE, OUTSIDE, FAILED = b"+", b"outside", b"failed"  # what an answer begins with
_LENGTH = struct.Struct(">Q")
logging.getLogger("weasyprint").setLevel(logging.ERROR)  # warns of CSS that is for the screen


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


def lay_out(job: Job) -> bytes:
    """Return the page as a PDF; the same job gives the same bytes.

    Raises FatalURLFetchingError where the page asks for anything outside itself.
    """
    own, look = _apart(job.html)
    page = HTML(string=own, url_fetcher=_fetcher())
    sheets = [_sheet(look)] if look else []
    return bytes(
        page.write_pdf(
            pdf_variant=job.variant,
            attachments=_attachments(job),
            stylesheets=sheets,
            font_config=_fonts() if sheets else None,
        )
    )


def _apart(html: str) -> tuple[str, str]:
    """Return a page without its first style element, and what stood in that.

    It is the same for all reports, and reading it takes as long as laying out two pages.
    """
    before, start, rest = html.partition("<style>")
    look, end, after = rest.partition("</style>")
    return (before + after, look) if start and end else (html, "")


@lru_cache(maxsize=4)
def _sheet(look: str) -> CSS:
    """Return a style sheet that is read once; the page's own styles go before it."""
    return CSS(string=look, url_fetcher=_fetcher(), font_config=_fonts())


@cache
def _fonts() -> FontConfiguration:
    return FontConfiguration()


def _fetcher() -> URLFetcher:
    return URLFetcher(allowed_protocols=("data",), fail_on_errors=True)


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


def _attachments(job: Job) -> list[Attachment]:
    if not job.attached:
        return []
    day = dt.datetime.combine(dt.date.fromisoformat(job.day), dt.time(), dt.UTC)
    return [
        Attachment(
            string=job.attached.encode(),
            name="case.json",
            description=job.about,
            created=day,
            modified=day,
            relationship="Source",
        )
    ]


def _serve(seconds: int, megabytes: int) -> None:
    """Answer jobs until there are no more; a job that goes beyond its limits ends the process."""
    _limit_memory(megabytes)
    while (message := receive(sys.stdin.buffer)) is not None:
        _limit_time(seconds)
        send(sys.stdout.buffer, _answer(Job(**json.loads(message))))
        _limit_time(0)


def _answer(job: Job) -> bytes:
    try:
        return MADE + lay_out(job)
    except FatalURLFetchingError:  # a BaseException, so that WeasyPrint itself lets it pass
        return OUTSIDE
    except Exception:
        return FAILED


def _limit_memory(megabytes: int) -> None:
    """Let the process have so much memory, where the system can say so."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))


def _limit_time(seconds: int) -> None:
    """End the process after these seconds, should its parent be gone by then; 0: no more."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
