"""Publishing floor. The process that lays pages out: ``pdf`` starts it, feeds it, and ends it.

Only here WeasyPrint is loaded, with what it draws with: a run without a PDF needs neither.
"""

import os
import signal
import sys

from pipeline.publish.job import ABSENT, FAILED, MADE, OUTSIDE, Job, receive, send
from pipeline.publish.kernels.system import end_with_parent


def _serve(seconds: float, waited: int, megabytes: int) -> None:
    """Answer jobs until there are no more; a job that goes beyond its limits ends the process.

    ``seconds`` of a processor, ``waited`` of a clock: for these the parent waits, if it lives.
    """
    end_with_parent(os.getppid())
    _limit_memory(megabytes)
    while (message := receive(sys.stdin.buffer)) is not None:
        _limit_time(seconds, waited)
        send(sys.stdout.buffer, _answer(Job.of_bytes(message)))
        _limit_time(0, 0)


def _answer(job: Job) -> bytes:
    try:
        from weasyprint.urls import FatalURLFetchingError

        from pipeline.publish.layout import lay_out
    except OSError:  # WeasyPrint finds no Pango
        return ABSENT
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


def _limit_time(seconds: float, waited: int) -> None:
    """End the process after these seconds of a processor or of a clock; 0: not any more."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.alarm(waited)


if __name__ == "__main__":
    _serve(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
