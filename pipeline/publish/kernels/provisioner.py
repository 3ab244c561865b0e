"""Publishing floor. A kernel provisioner of jupyter_client: kernels are forked, not started."""

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from pipeline.publish.kernels.births import Birth
from pipeline.publish.kernels.fork_server import server_of

PROVISIONER = "casereport-warm"
MEGABYTES = 3072  # of its own that a kernel may have
CAN_FORK = sys.platform == "linux"
_OURS = ["-m", "ipykernel_launcher"]  # the command line of IPython's kernel, after the interpreter


class ForkedProvisioner(LocalProvisioner):
    """jupyter_client's own, but that the process is forked from one that has imported already.

    A kernel of another language or interpreter, or on a system where forking is not safe, is
    started as ever, which is said in the log.
    """

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Return the connection of a new kernel."""
        server = server_of(self.parent)
        if server is None or not may_fork(self.kernel_spec):
            self.log.warning("This kernel cannot be forked, and is started anew.")
            return await super().launch_kernel(cmd, **options)
        birth = Birth(
            argv=cmd[1 + len(_OURS) :],
            env=options["env"],
            cwd=str(Path(options.get("cwd") or Path.cwd()).absolute()),
            megabytes=MEGABYTES,
            portless=bool(getattr(self.parent, "portless", False)),
        )
        forked: Any = server.fork(birth)  # has what LocalProvisioner uses of a Popen
        self.process = forked
        self.pid = self.pgid = forked.pid
        self.cwd = birth.cwd
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and wait for its end, which takes a moment: no polling afterwards."""
        process = self.process
        await super().kill(restart)
        if CAN_FORK and process is not None:
            process.wait(timeout=None)


def may_fork(spec: KernelSpec) -> bool:
    """Return whether a kernel is this interpreter's own IPython, on a system that forks safely."""
    argv = list(spec.argv)
    names = {"python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"}
    mine = bool(argv) and (argv[0] in names or Path(argv[0]) == Path(sys.executable))
    return CAN_FORK and mine and argv[1:3] == _OURS
