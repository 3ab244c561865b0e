"""Publishing floor. A kernel client that ends a kernel which prints more than it may.

What is too much is not received: it would be in the memory of the runner, beside other cases.
"""

import asyncio
import socket
from collections.abc import Awaitable
from queue import Empty
from typing import Any, cast

import zmq
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel

from pipeline.publish.kernels.client import PromptClient

_AHEAD = 10  # messages that ZeroMQ receives before we ask for them
_LINE = 64  # bytes that a line costs: papermill writes each as a text of its own
_DEATH = 1.0  # seconds in which the end of a kernel becomes known, once its sockets are closed


class CountedChannel(AsyncZMQSocketChannel):
    """jupyter_client's own, which counts what it receives.

    Of a message longer than all that may be printed, ZeroMQ reads the length and then hangs up,
    silently: the outputs in it would be missing, and nobody would know. So that is listened for.
    """

    manager: Any = None  # of the kernel; it holds the bounds

    async def get_msg(  # type: ignore[override]  # as jupyter_client's own
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message; raises Empty where none comes in time."""
        if self.manager is not None and not await self._has_message(timeout):
            await self._hung_up()
        try:
            return await super().get_msg(timeout)
        except Empty:
            if timeout is None:  # closed meanwhile; nbclient leaves who waits here behind
                raise asyncio.CancelledError from None
            raise

    async def _has_message(self, timeout: float | None) -> bool:
        """Return whether a message came first, or the time passed; else ZeroMQ hung up."""
        poller = zmq.asyncio.Poller()
        monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        for one in (self.socket, monitor):
            poller.register(one, zmq.POLLIN)
        waiting = cast(Awaitable[Any], poller.poll(None if timeout is None else timeout * 1000))
        ready = dict(await waiting)
        return self.socket in ready or monitor not in ready

    async def _hung_up(self) -> None:
        """Wait until the kernel is known to have ended; one that still listens sent too much."""
        await asyncio.sleep(_DEATH)
        if await self.manager.is_alive() and _listens(
            cast(bytes, self.socket.last_endpoint).decode()
        ):
            self.manager.bounds.allow()
            self.manager.kill()
        await _never()

    async def _recv(self, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        assert self.socket is not None
        frames = await self.socket.recv_multipart(**options)
        if self.manager is not None and not self.manager.bounds.allow(sum(map(_cost, frames))):
            self.manager.kill()
            await _never()
        _, message = self.session.feed_identities(frames)
        return self.session.deserialize(message)


class BoundedClient(PromptClient):
    """The client of a kernel whose manager has bounds."""

    iopub_channel_class: Any = CountedChannel

    def start_channels(self, *which: bool, **named: bool) -> None:
        """Open the sockets, which receive nothing longer than all that may be printed."""
        manager: Any = self.parent
        if manager.bounds is not None:
            self.context.setsockopt(zmq.MAXMSGSIZE, manager.bounds.bytes)
            self.context.setsockopt(zmq.RCVHWM, _AHEAD)
        super().start_channels(*which, **named)
        if manager.bounds is not None:
            self.iopub_channel.manager = manager


def _cost(frame: bytes) -> int:
    """Return how much of what may be printed a part of a message, in JSON, takes."""
    return len(frame) + _LINE * frame.count(rb"\n")


def _listens(endpoint: str) -> bool:
    """Return whether somebody listens; a kernel that is ending may live long and does not."""
    kind, _, path = endpoint.partition("://")
    if kind != "ipc":
        return True
    with socket.socket(socket.AF_UNIX) as ours:
        return ours.connect_ex(path) == 0


async def _never() -> None:
    """Wait for what does not come: whoever runs the notebook learns that the kernel has ended."""
    await asyncio.get_running_loop().create_future()
