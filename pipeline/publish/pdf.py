"""Publishing floor. Prints a report page on A4, from nothing but what the page itself holds."""

import atexit
import datetime as dt
import subprocess
import sys
from threading import Lock, Timer
from typing import Self

from pipeline.errors import ReportError
from pipeline.publish.glyphs import with_codes
from pipeline.publish.job import ABSENT, MADE, OUTSIDE, Job, receive, send

SECONDS, MEGABYTES = 60, 1024  # of a processor and of memory, within which a page is laid out
_PATIENCE = 5  # so many times the seconds may pass on a clock: the machine may have more to do
_PAGES = 200  # after so many a process is replaced: none grows for ever
_GRACE = 10  # seconds more before a process that outlived its parent ends itself


def render_pdf(html: str) -> bytes:
    """Return the page as a tagged PDF (PDF/UA-1); the same page gives the same bytes.

    Raises ReportError where the page asks for anything outside itself, cannot be laid out, or takes
    more time or memory than a page may.
    """
    return _PRINTER.answer(Job(html=with_codes(html), variant="pdf/ua-1"))


def render_archive(html: str, result: bytes, *, as_of: dt.date, about: str) -> bytes:
    """Return the page as PDF/A-3 with its ``case.json`` attached, said to be its source.

    ``about`` describes the attachment to a reader; the day of the report dates it, no clock.

    Raises ReportError as ``render_pdf`` does.
    """
    attached = {"attached": result.decode(), "about": about, "day": as_of.isoformat()}
    return _PRINTER.answer(Job(html=with_codes(html), variant="pdf/a-3a", **attached))


class Printer:
    """One process that lays out a page at a time, and is replaced when it goes beyond its limits.

    A page that cannot be laid out costs only itself; the text layout is not made for threads.
    """

    def __init__(self, *, seconds: float = SECONDS, megabytes: int = MEGABYTES) -> None:
        self.seconds, self.megabytes = seconds, megabytes
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._printed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def answer(self, job: Job) -> bytes:
        """Return the PDF of a job; raises ReportError where there is none."""
        with self._lock:
            told = self._ask(job)
        if told is None:
            raise ReportError(
                f"The page takes more than {self.seconds:g} s or {self.megabytes} MB to lay out;"
                " no PDF was made."
            )
        if told == ABSENT:
            raise ReportError(
                "Unable to find Pango, with which a PDF is drawn: scripts/system-packages.sh"
                " installs it; no PDF was made."
            )
        if told == OUTSIDE:
            raise ReportError("The page asks for a file outside itself; no PDF was made.")
        if not told.startswith(MADE):
            raise ReportError("The page could not be laid out; no PDF was made.")
        return told.removeprefix(MADE)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process, self._printed = None, 0

    def _ask(self, job: Job) -> bytes | None:
        """Return the answer to a job; None where the process did not live to give one."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = Timer(self.seconds * _PATIENCE, process.kill)
        timer.start()
        try:
            send(process.stdin, job.as_bytes())
            told = receive(process.stdout)
        except BrokenPipeError:
            told = None
        except BaseException:  # an interrupt leaves half an answer behind
            self.close()
            raise
        finally:
            timer.cancel()
        self._printed += 1
        if told is None or self._printed >= _PAGES:
            self.close()
        return told

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            waited = int(self.seconds * _PATIENCE) + _GRACE
            limits = (str(self.seconds), str(waited), str(self.megabytes))
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipeline.publish.print_process", *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a fault of a page could quote it
            )
        return self._process


_PRINTER = Printer()
atexit.register(_PRINTER.close)
