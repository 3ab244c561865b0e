"""Publishing floor. Reports made on the machines of a Dask cluster that is running.

A worker needs this package and nothing else: what a report is made of comes with its task, and what
it came to goes back. A task may be done more than once; its report is put in its place once.
"""

import asyncio
import atexit
import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import CommandError, ReportError
from pipeline.publish.keys import installation_hash
from pipeline.publish.task import Outcome, Stopped, Task, outcome_as_bytes, outcome_of_bytes

_PATIENCE = 60  # seconds without a scheduler or a worker until the cluster is given up
_PAUSE = 1  # seconds until it is asked again whether it is there
_TRIES = 5  # of a report that is lost with a scheduler, a worker or a connection
_MANY = 1_000  # reports that a worker of a cluster may be asked for
_SAFE = "expected tls://HOST:PORT, or tcp:// on this machine alone"
_KILLED = "Each of the workers of the cluster that made it ended."


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
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL)  # the ledger says what became of it; this may quote
    try:
        client = Client(address, security=security, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        kind = type(error).__name__
        raise CommandError(f"Unable to reach the cluster at '{address}' ({kind}).") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, TimeoutError):
            raise CommandError(f"Unable to find a worker of the cluster at '{address}'.") from None
        cluster = Cluster(client)
        try:
            yield cluster
        finally:
            cluster.close()


class Cluster:
    """Makes reports on other machines; all that waits for them runs in the loop of the client."""

    def __init__(self, client: Any) -> None:
        self.room = 2 * max(1, sum(client.nthreads().values()))
        self._client = client
        self._loop: asyncio.AbstractEventLoop = client.loop.asyncio_loop
        self._installation = installation_hash()
        self._given_up = asyncio.Event()
        self._watching = asyncio.run_coroutine_threadsafe(self._watch(), self._loop)

    def submit(self, task: Task) -> Future[Outcome]:
        """Return the future of a report; it is done in any case, also where the cluster is gone."""
        return asyncio.run_coroutine_threadsafe(self._make(task.as_bytes()), self._loop)

    def close(self) -> None:
        """Wait for nothing more."""
        self._watching.cancel()
        self._loop.call_soon_threadsafe(self._given_up.set)

    async def _make(self, message: bytes) -> Outcome:
        """Return what a task came to, or that the cluster was given up."""
        made = asyncio.ensure_future(self._ask(message))
        gone = asyncio.ensure_future(self._given_up.wait())
        await asyncio.wait({made, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if made.done():
            return made.result()
        made.cancel()
        return _gone()

    async def _ask(self, message: bytes) -> Outcome:
        """Return what a task came to; one that was lost is given again, to a new scheduler too.

        Of an error its kind, since the rest may quote values.
        """
        from distributed import KilledWorker

        kind = ""
        for _ in range(_TRIES):
            try:
                away = self._client.submit(answer, message, self._installation, pure=False)
                return outcome_of_bytes(await away)
            except KilledWorker:
                return _not_made(_KILLED)
            except Exception as error:
                kind = type(error).__name__
            if self._client.status in ("closing", "closed"):
                await self._given_up.wait()  # it has waited for a scheduler for too long
                return _gone()
        return _not_made(f"The cluster could not make it ({kind}).")

    async def _watch(self) -> None:
        """Give the cluster up once it has been away for too long."""
        heard = time.monotonic()
        while time.monotonic() - heard < _PATIENCE:
            if await self._has_workers():
                heard = time.monotonic()
            await asyncio.sleep(_PAUSE)
        self._given_up.set()

    async def _has_workers(self) -> bool:
        try:
            found = await asyncio.wait_for(self._client.scheduler.identity(n_workers=0), _PATIENCE)
        except Exception:  # whatever it is: there is no answer
            return False
        return bool(found["n_workers"])


def answer(message: bytes, installation: str) -> bytes:
    """Make a report, in a worker; one of another version refuses, since it would tell otherwise.

    It raises nothing: Dask writes what a task that fails was given into the log of the worker.
    """
    try:
        return outcome_as_bytes(_answer(message, installation))
    except Exception as error:
        kind = type(error).__name__
        return outcome_as_bytes(_not_made(f"The worker could not make it ({kind})."))


def _answer(message: bytes, installation: str) -> Outcome:
    if installation != installation_hash():
        return _not_made("The worker that was to make it has another installation of casereport.")
    from pipeline.publish.work import make_report

    return make_report(Task.of_bytes(message), home=_home())


def _gone() -> Stopped:
    return _not_made(f"The cluster had no scheduler or no worker for {_PATIENCE} seconds.")


def _not_made(cause: str) -> Stopped:
    return Stopped(cause=cause, exit_code=ReportError.exit_code)


@cache
def _home() -> Path:
    """Return the folder of this worker's kernels, which is gone when it ends."""
    from pipeline.publish.kernels.manager import kernel_home

    stack = ExitStack()
    atexit.register(stack.close)
    home, _ = stack.enter_context(kernel_home(reports=_MANY))
    return home


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
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise CommandError(f"Unable to read the certificates of '{address}' ({kind}).") from None
    return security


def _is_here(host: str) -> bool:
    """Return whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
