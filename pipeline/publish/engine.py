"""Publishing floor. A papermill engine whose kernels talk over private sockets, not over TCP."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from subprocess import DEVNULL
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from weakref import WeakSet

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import Unicode
from traitlets.config import Config

import pipeline

ENGINE = "casereport"
_HAS_SOCKET_FILES = sys.platform != "win32"
_OF_THE_USER = ("PYTHONSTARTUP", "PYTHONWARNINGS", "MATPLOTLIBRC")  # could change a report
# matplotlib tells on stderr that a first search for fonts is slow, and stderr is a failure
_QUIET_FONTS = '__import__("logging").getLogger("matplotlib.font_manager").setLevel("ERROR")'

_running: "WeakSet[PrivateKernelManager]" = WeakSet()


class PrivateKernelManager(AsyncKernelManager):
    """Starts a kernel of this very interpreter, without the settings that a user may have made.

    Sockets, connection file and IPython's own files lie in a folder that only the user can open;
    its name is short, since the name of a socket may not be longer than 104 bytes.
    """

    home = Unicode(help="The folder of the run; left out, of no run at all.").tag(config=True)

    def __init__(self, **options: Any) -> None:
        """Make the folder; no kernel is started yet."""
        super().__init__(**options)
        self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])  # no kernel of the user's
        self.folder = Path(mkdtemp(prefix="k-", dir=self.home or None))
        self.fonts = Path(self.home or self.folder) / "matplotlib"  # once found, for all of a run
        self.connection_file = str(self.folder / "kernel.json")
        if _HAS_SOCKET_FILES:
            self.transport = "ipc"
            self.ip = str(self.folder / "s")
        _running.add(self)

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Give the kernel its environment; what it prints outside its cells goes nowhere."""
        environment = kernel_environment(self.folder, fonts=self.fonts)
        options |= {"env": environment, "stdout": DEVNULL, "stderr": DEVNULL}
        options["extra_arguments"] = [f"--IPKernelApp.exec_lines={_QUIET_FONTS}"]
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


@contextmanager
def kernel_home() -> Iterator[Path]:
    """Give a folder for the kernels of one run, which is gone afterwards; papermill is silent.

    Why a notebook stopped is told by the ledger, without the values that papermill would quote.
    """
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with TemporaryDirectory(prefix="cr-", ignore_cleanup_errors=True) as home:
            yield Path(home)
    finally:
        logger.setLevel(level)


def at_home(home: Path) -> Config:
    """Return the setting by which kernels get their folders below ``home``."""
    return Config(PrivateKernelManager={"home": str(home)})


def kernel_environment(folder: Path, *, fonts: Path) -> dict[str, str]:
    """Return the environment of a kernel: ours, without what could make two runs differ.

    ``folder`` is the kernel's own, ``fonts`` where matplotlib notes which fonts there are.
    """
    root = str(Path(pipeline.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    fixed = {
        "IPYTHONDIR": str(folder / "ipython"),  # no start-up files, no history of the user's
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(fonts),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_USER}
    return kept | fixed


def kill_kernels() -> None:
    """End every kernel that still runs: the run is being stopped."""
    for manager in tuple(_running):
        manager.kill()
