"""Publishing floor. Reports made on the machines of a Dask cluster that is running.

A worker needs this package and nothing else: what a report is made of comes with its task, and what
it came to goes back. A task may be done more than once; its report is put in its place once.
"""

import atexit
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import CommandError, ReportError
from pipeline.publish.keys import installation_hash
from pipeline.publish.task import Outcome, Stopped, Task, outcome_as_bytes, outcome_of_bytes

_PATIENCE = "30s"  # until a scheduler that does not answer is given up
_MANY = 1_000  # reports that a worker of a cluster may be asked for
_SAFE = "expected tls://HOST:PORT, or tcp:// on this machine alone"


@contextmanager
def cluster_of(address: str) -> Iterator["Cluster"]:
    """Give a pool whose reports are made by the workers of a scheduler.

    Certificates are those of Dask's own settings (``distributed.comm.tls``). Raises CommandError
    where the connection would not be safe, or where there is no scheduler or no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CommandError("Expected Dask for --cluster: install 'casereport[cluster]'.") from None
    security = _security(address)
    try:
        client = Client(address, security=security, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        kind = type(error).__name__
        raise CommandError(f"Unable to reach the cluster at '{address}' ({kind}).") from None
    with client:
        yield Cluster(client)


class Cluster:
    """Makes reports on other machines."""

    def __init__(self, client: Any) -> None:
        self.room = 2 * max(1, sum(client.nthreads().values()))
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._installation = installation_hash()

    def submit(self, task: Task) -> Future[Outcome]:
        """Return the future of a report; one that ends its workers again and again is a failure."""
        mine: Future[Outcome] = Future()
        away = self._executor.submit(answer, task.as_bytes(), self._installation)
        away.add_done_callback(partial(_settle, mine))
        return mine


def answer(message: bytes, installation: str) -> bytes:
    """Make a report, in a worker; one of another version refuses, since it would tell otherwise."""
    if installation != installation_hash():
        cause = "The worker that was to make it has another installation of casereport."
        return outcome_as_bytes(Stopped(cause=cause, exit_code=ReportError.exit_code))
    from pipeline.publish.work import make_report

    return outcome_as_bytes(make_report(Task.of_bytes(message), home=_home()))


@cache
def _home() -> Path:
    """Return the folder of this worker's kernels, which is gone when it ends."""
    from pipeline.publish.kernels.manager import kernel_home

    stack = ExitStack()
    atexit.register(stack.close)
    home, _ = stack.enter_context(kernel_home(reports=_MANY))
    return home


def _settle(mine: Future[Outcome], away: Any) -> None:
    """Pass on what a task came to; of an error its kind, since the rest may quote values."""
    try:
        mine.set_result(outcome_of_bytes(away.result()))
    except BaseException as error:
        cause = f"The cluster could not make it ({type(error).__name__})."
        mine.set_result(Stopped(cause=cause, exit_code=ReportError.exit_code))


def _security(address: str) -> Any:
    """Return the certificates of a connection; None where it does not leave this machine."""
    found = urlsplit(address)
    if found.scheme == "tcp" and _is_here(found.hostname or ""):
        return None
    if found.scheme != "tls":
        raise CommandError(f"Unable to use the cluster at '{address}': {_SAFE}.")
    from distributed.security import Security

    security = Security(require_encryption=True)
    needed = {"tls_ca_file", "tls_client_cert", "tls_client_key"}
    if lacking := sorted(name for name in needed if not getattr(security, name)):
        named = ", ".join(f"distributed.comm.{name.replace('_', '.')}" for name in lacking)
        raise CommandError(f"Unable to find the certificates of '{address}': set {named} of Dask.")
    return security


def _is_here(host: str) -> bool:
    """Return whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
