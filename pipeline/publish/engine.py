"""Floor 8. A papermill engine whose kernels talk over sockets in a private folder, not over TCP."""

import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from subprocess import DEVNULL
from tempfile import mkdtemp
from typing import Any
from weakref import WeakSet

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

import pipeline

ENGINE = "casereport"
_HAS_SOCKET_FILES = sys.platform != "win32"

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # failures are told by the ledger

_running: "WeakSet[PrivateKernelManager]" = WeakSet()


class PrivateKernelManager(AsyncKernelManager):
    """Starts the kernel of this very interpreter, in an environment that nothing else touches.

    Sockets, connection file and IPython's own files lie in a folder that only the user can open;
    its name is short, since the name of a socket may not be longer than 104 bytes.
    """

    def __init__(self, **options: Any) -> None:
        """Make the folder; no kernel is started yet."""
        super().__init__(**options)
        self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])  # no kernel of the user's
        self.folder = Path(mkdtemp(prefix="cr-"))
        self.connection_file = str(self.folder / "kernel.json")
        if _HAS_SOCKET_FILES:
            self.transport = "ipc"
            self.ip = str(self.folder / "s")
        _running.add(self)

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Give the kernel its environment; what it prints outside its cells goes nowhere."""
        options |= {"env": kernel_environment(self.folder), "stdout": DEVNULL, "stderr": DEVNULL}
        command, rest = await super()._async_pre_start_kernel(**options)
        return command, rest

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        """Remove the folder once the kernel has ended."""
        await super()._async_cleanup_resources(restart=restart)
        rmtree(self.folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources

    def kill(self) -> None:
        """End the kernel and its children at once, from whatever thread."""
        group = getattr(self.provisioner, "pgid", None)
        if group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


class PrivateEngine:
    """papermill's own engine with our kernels.

    It is no child of papermill's class: papermill imports this module while it is being imported
    itself, by the entry point ``papermill.engine``, so nothing of it can be used at the top here.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *places: Any, **options: Any) -> Any:
        """Run every cell; the arguments are those of papermill's engine."""
        from papermill.engines import NBClientEngine

        options["kernel_manager_class"] = PrivateKernelManager
        return NBClientEngine.execute_notebook(nb, kernel_name, *places, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Return the name of the notebook's kernel, as papermill finds it."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Return the language of the notebook's kernel, as papermill finds it."""
        from papermill.utils import nb_language

        return nb_language(nb, language)


def kernel_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a kernel: ours, without what could make two runs differ."""
    root = str(Path(pipeline.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    fixed = {
        "IPYTHONDIR": str(folder / "ipython"),  # no start-up files, no history of the user's
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **fixed}


def kill_kernels() -> None:
    """End every kernel that still runs: the person at the keyboard wants to stop."""
    for manager in tuple(_running):
        manager.kill()
