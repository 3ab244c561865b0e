"""Publishing floor. Where reports are made: in this process, or in several that it starts.

Both have one method: ``submit`` returns the future of what becomes of a task. The work is the same.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from pipeline.errors import ReportError
from pipeline.publish.job import receive, send
from pipeline.publish.kernels.fork_server import ForkServer
from pipeline.publish.kernels.manager import kernel_home, kill_kernels
from pipeline.publish.task import Outcome, Stopped, Task, outcome_of_bytes

_PROGRAM = "pipeline.publish.worker"
_TRIES = 2  # of a task whose process ends: it may be what ends it
_REPORTS = 200  # after so many a process is replaced: none grows for ever


class Pool(Protocol):
    """Makes reports, some at the same time."""

    room: int  # tasks that it may hold at once, so that none waits for work

    def submit(self, task: Task) -> Future[Outcome]:
        """Return the future of a report; an OutputError of the work is the future's own."""


@contextmanager
def pool_of(*, jobs: int, reports: int, cluster: str = "") -> Iterator[Pool]:
    """Give a pool for so many reports; whatever happens, all that it started ends with it.

    ``cluster`` is the address of a scheduler whose workers make them; "" for this machine.
    """
    if cluster:
        from pipeline.publish.cluster import cluster_of

        with cluster_of(cluster) as pool:
            yield pool
        return
    with _pool_here(jobs=jobs, reports=reports) as pool:
        yield pool


@contextmanager
def _pool_here(*, jobs: int, reports: int) -> Iterator[Pool]:
    workers = min(jobs, reports)
    with kernel_home(reports=reports) as (home, server):
        pool: InThisProcess | Workers
        pool = Workers(workers, home, server) if workers > 1 else InThisProcess(home)
        try:
            yield pool
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.close()


class InThisProcess:
    """Makes a report when it is submitted."""

    room = 1

    def __init__(self, home: Path) -> None:
        self._home = home

    def submit(self, task: Task) -> Future[Outcome]:
        """Return a future that is done."""
        from pipeline.publish.work import make_report

        done: Future[Outcome] = Future()
        done.set_result(make_report(task, home=self._home))
        return done

    def stop(self) -> None:
        """End what still runs."""
        kill_kernels()

    def close(self) -> None:
        """Leave nothing: there is nothing to leave."""


class Workers:
    """Makes reports in processes, each fed by a thread of ours; kernels are forked for all."""

    def __init__(self, count: int, home: Path, server: ForkServer) -> None:
        self.room = 2 * count
        self._home, self._server = home, server
        self._own = threading.local()
        self._workers: list[_Worker] = []
        self._stopped = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=count)
        server.start()

    def submit(self, task: Task) -> Future[Outcome]:
        """Return the future of a report; its process is replaced where it ends."""
        return self._threads.submit(self._make, task)

    def stop(self) -> None:
        """End every process at once, whatever it is doing."""
        self._stopped.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in tuple(self._workers):
            worker.kill()

    def close(self) -> None:
        """End the processes once they have nothing to do."""
        self._threads.shutdown()
        for worker in self._workers:
            worker.close()

    def _make(self, task: Task) -> Outcome:
        for _ in range(_TRIES):
            self._server.expect_kernels()  # where it has ended, of another
            answer = self._worker().ask(task.as_bytes())
            if answer is not None:
                return outcome_of_bytes(answer)
            if self._stopped.is_set():
                break
        cause = f"The process that made it ended {_TRIES} times."
        return Stopped(cause=cause, exit_code=ReportError.exit_code)

    def _worker(self) -> "_Worker":
        """Return the worker of this thread."""
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = _Worker(self._home)
            self._workers.append(worker)
        return worker


class _Worker:
    """One process that makes a report at a time, and is replaced when it ends or has made many."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def ask(self, task: bytes) -> bytes | None:
        """Return what a task came to; None where the process did not live to say so."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, task)
            answer = receive(process.stdout)
        except (BrokenPipeError, ValueError):  # it ended, or was closed in the middle
            answer = None
        self._made += 1
        if answer is None:
            self.kill()
        if answer is None or self._made >= _REPORTS:
            self.close()
        return answer

    def kill(self) -> None:
        """End the process and the one that lays out pages for it; kernels end with it."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the process end: there is no more."""
        if self._process is not None:
            with suppress(BrokenPipeError):
                self._process.communicate()
            self._process, self._made = None, 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _PROGRAM, str(self._home), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a fault could quote a value
                process_group=0,
            )
        return self._process
