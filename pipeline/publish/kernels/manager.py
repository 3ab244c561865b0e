"""Publishing floor. Kernels with sockets and files that only the user can open; forked ones."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from shutil import rmtree
from subprocess import DEVNULL
from tempfile import mkdtemp
from typing import Any
from weakref import WeakSet

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from traitlets import Instance, Unicode
from traitlets.config import Config

import pipeline
from pipeline.publish.kernels.bounded_client import BoundedClient
from pipeline.publish.kernels.bounds import Bounds
from pipeline.publish.kernels.client import PromptClient
from pipeline.publish.kernels.fork_server import ForkServer, serving
from pipeline.publish.kernels.home import run_folder
from pipeline.publish.kernels.provisioner import PROVISIONER, ForkedProvisioner

_HAS_SOCKET_FILES = sys.platform != "win32"
_OF_THE_USER = ("PYTHONSTARTUP", "PYTHONWARNINGS", "MATPLOTLIBRC")  # could change a report
# matplotlib tells on stderr that a first search for fonts is slow, and stderr is a failure
_QUIET_FONTS = '__import__("logging").getLogger("matplotlib.font_manager").setLevel("ERROR")'
# more threads than one would be there when the process is forked
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

_MANY = 4  # reports: for fewer a rehearsal takes longer than it saves

_running: "WeakSet[WarmKernelManager]" = WeakSet()


class WarmKernelManager(AsyncKernelManager):
    """Starts a kernel with sockets and a connection file in a folder that only the user can open.

    The name of the folder is short, since that of a socket may not be longer than 104 bytes.
    """

    home = Unicode(help="The folder of the run; left out, of no run at all.").tag(config=True)
    client_factory: Any = PromptClient  # jupyter_client does not look at client_class here

    def __init__(self, **options: Any) -> None:
        """Make the folder; no kernel is started yet."""
        super().__init__(**options)
        self.folder = Path(mkdtemp(prefix="k-", dir=self.home or None))
        self.connection_file = str(self.folder / "kernel.json")
        if _HAS_SOCKET_FILES:
            self.transport = "ipc"
            self.ip = str(self.folder / "s")
        _running.add(self)

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Have the kernel forked; it is known how also where this package is not installed."""
        known = KernelProvisionerFactory.provisioners
        group, value = KernelProvisionerFactory.GROUP_NAME, ForkedProvisioner.__module__
        value = f"{value}:{ForkedProvisioner.__name__}"
        known.setdefault(PROVISIONER, EntryPoint(name=PROVISIONER, value=value, group=group))
        if self.kernel_spec is not None:
            self.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}
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


class ReportKernelManager(WarmKernelManager):
    """Starts a kernel of this very interpreter, without the settings that a user may have made."""

    portless = True
    client_factory: Any = BoundedClient
    bounds = Instance(Bounds, allow_none=True, help="Left out, a notebook has none.")
    bounds.tag(config=True)

    def __init__(self, **options: Any) -> None:
        """Make the folder; IPython's own files lie in it too."""
        super().__init__(**options)
        self.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])  # no kernel of the user's
        self.fonts = Path(self.home or self.folder) / "matplotlib"  # once found, for all of a run

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Give the kernel its environment; what it prints outside its cells goes nowhere."""
        environment = kernel_environment(self.folder, fonts=self.fonts)
        options |= {"env": environment, "stdout": DEVNULL, "stderr": DEVNULL}
        quiet = f"--IPKernelApp.exec_lines={_QUIET_FONTS}"
        options["extra_arguments"] = [*options.get("extra_arguments", ()), quiet]
        command, rest = await super()._async_pre_start_kernel(**options)
        return command, rest


@contextmanager
def kernel_home(*, reports: int = 1) -> Iterator[tuple[Path, ForkServer]]:
    """Give a folder for the kernels of so many reports, gone afterwards, and who forks them.

    papermill is silent meanwhile.

    Why a notebook stopped is told by the ledger, without the values that papermill would quote.
    """
    with ExitStack() as stack:
        stack.enter_context(_silent("papermill"))
        stack.enter_context(_silent("asyncio"))  # tells of what nbclient left where a cell hung
        home = stack.enter_context(run_folder())
        environment = kernel_environment(home, fonts=home / "matplotlib")
        many = reports >= _MANY
        yield home, stack.enter_context(serving(home, env=environment, rehearsed=many))


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a logger from telling anything but what ends the program."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def anybodys_home() -> Iterator[Path]:
    """Give such a folder for kernels that keep the environment of this process."""
    with ExitStack() as stack:
        home = stack.enter_context(run_folder())
        stack.enter_context(serving(home, env=os.environ | ONE_THREAD))
        yield home


def at_home(home: Path, bounds: Bounds | None = None) -> Config:
    """Return the setting by which kernels get their folders below ``home``, and keep to bounds."""
    config = Config(WarmKernelManager={"home": str(home)})
    if bounds is not None:
        config.ReportKernelManager.bounds = bounds
    return config


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
    }
    kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_USER}
    return kept | fixed | ONE_THREAD


def kill_kernels() -> None:
    """End every kernel that still runs: the run is being stopped."""
    for manager in tuple(_running):
        manager.kill()
