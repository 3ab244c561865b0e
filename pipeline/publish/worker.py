"""Publishing floor. A process that makes reports: ``pool`` starts it, feeds it, and ends it."""

import os
import signal
import sys
from pathlib import Path
from typing import IO

from pipeline.errors import OutputError
from pipeline.publish.job import receive, send
from pipeline.publish.kernels.fork_server import joined
from pipeline.publish.kernels.system import end_with_parent
from pipeline.publish.task import Outcome, Task, outcome_as_bytes
from pipeline.publish.work import make_report

_FOR_ITS_OWNER = 0o077


def main(home: Path, parent: int) -> None:
    """Answer tasks until there are no more; kernels come from the server of the run."""
    end_with_parent(parent)
    os.umask(_FOR_ITS_OWNER)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run ends its workers itself
    tasks, answers = sys.stdin.buffer, _answers()
    with joined(home):
        while (message := receive(tasks)) is not None:
            send(answers, outcome_as_bytes(_outcome(Task.of_bytes(message), home)))


def _outcome(task: Task, home: Path) -> Outcome | OutputError:
    try:
        return make_report(task, home=home)
    except OutputError as error:
        return error


def _answers() -> IO[bytes]:
    """Return where answers go; what anything else prints goes nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
