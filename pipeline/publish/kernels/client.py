"""Publishing floor. A kernel client that waits for what it must hear, and not a moment longer."""

import time
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient

_TRY = 0.5  # seconds until the kernel is asked again
_KNOCK = 5  # milliseconds until ZeroMQ tries again a socket that the kernel has not opened yet


class PromptClient(AsyncKernelClient):
    """jupyter_client's own, which after the kernel is ready waits 0.2 s for what may still come."""

    def start_channels(self, *which: bool, **named: bool) -> None:
        """Open the sockets, which look often for those of the kernel."""
        self.context.setsockopt(zmq.RECONNECT_IVL, _KNOCK)
        super().start_channels(*which, **named)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return once the kernel answers and its outputs reach us.

        Raises RuntimeError where it ends before, or needs more than ``timeout`` seconds.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            asked = self.kernel_info()
            try:
                if await self._answered(asked) and await self._is_heard(asked):
                    return
            except Empty:
                pass
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answered(self, asked: str) -> bool:
        """Return whether the kernel answered this request; an earlier answer is passed over."""
        message: dict[str, Any] = {}
        while message.get("parent_header", {}).get("msg_id") != asked:
            message = await self.shell_channel.get_msg(timeout=_TRY)
        self._handle_kernel_info_reply(message)
        return True

    async def _is_heard(self, asked: str) -> bool:
        """Return once the kernel's outputs reach us: it welcomed us, or was idle after a request.

        What it said before it knew of us is lost. Not every kernel welcomes.
        """
        while True:
            message = await self.iopub_channel.get_msg(timeout=_TRY)
            if message["header"]["msg_type"] == "iopub_welcome":
                return True
            state = message["content"].get("execution_state")
            if message.get("parent_header", {}).get("msg_id") == asked and state == "idle":
                return True
