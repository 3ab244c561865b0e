"""Kernels are forked from a process that has imported, and are as fresh as any that is started."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import papermill
import pytest
from jupyter_client.kernelspec import KernelSpec
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from sizes import sized

from pipeline.errors import OutputError
from pipeline.publish.kernels import provisioner
from pipeline.publish.kernels.births import Birth
from pipeline.publish.kernels.client import PromptClient
from pipeline.publish.kernels.engine import ANYBODYS_ENGINE, ENGINE
from pipeline.publish.kernels.fork_server import ForkServer
from pipeline.publish.kernels.manager import WarmKernelManager, at_home, kernel_home
from pipeline.publish.kernels.system import children_of

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not provisioner.CAN_FORK, reason="kernels are forked on Linux only"),
]
LATEST = 5  # seconds until what should end has ended
SPEC = {"name": "python3", "language": "python", "display_name": "Python 3"}


@pytest.fixture(scope="module")
def run() -> Iterator[tuple[Path, ForkServer]]:
    with kernel_home(reports=100) as run:
        yield run


@pytest.fixture
def home(run: tuple[Path, ForkServer]) -> Path:
    return run[0]


def ran(cells: list[str], tmp_path: Path, home: Path | None, **options: object) -> NotebookNode:
    """Return a notebook of these cells, run by the engine of reports, or by anybody's."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = SPEC
    path = tmp_path / "in.ipynb"
    nbformat.write(notebook, path)
    options |= {"engine_name": ANYBODYS_ENGINE} if home is None else {"config": at_home(home)}
    given = {"engine_name": ENGINE, "progress_bar": False, "cwd": None, **options}
    return papermill.execute_notebook(str(path), str(tmp_path / "out.ipynb"), **given)


def printed(notebook: NotebookNode) -> str:
    return "".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    )


def gone(pid: int) -> bool:
    """Return whether a process ends in time; one that nobody reaps yet has ended too."""
    until = time.monotonic() + LATEST
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


STATE = """
import gc, json, locale, os, random, signal, sys, threading, time, warnings
import matplotlib, numpy, pandas
def files():
    names = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
    links = [os.readlink(name) for name in names if os.path.exists(name)]
    return sorted(os.path.basename(link).split(":")[0] for link in links)
seen = None
while seen != (seen := files()):
    time.sleep(0.5)  # a client may still be connecting: each channel is a socket more
print(json.dumps({
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "environment": {k: v for k, v in sorted(os.environ.items()) if k not in APART},
    "folder": sorted(os.listdir()),
    "rc": {k: str(v) for k, v in matplotlib.rcParams.items()},
    "pandas": pandas.options.display.max_rows,
    "locale": locale.setlocale(locale.LC_ALL),
    "filters": [str(one) for one in warnings.filters],
    "threads": threading.active_count(),
    "files": seen,
    "umask": os.umask(0o077),
    "recursion": sys.getrecursionlimit(),
    "signals": [str(signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE)],
    "path": sys.path,
    "argv": [os.path.basename(sys.argv[0]), len(sys.argv)],
    "figures": matplotlib.pyplot.get_fignums() if hasattr(matplotlib, "pyplot") else [],
}, sort_keys=True))
"""
# of each kernel its own: where its files are, who it is
APART = "APART = {'IPYTHONDIR', 'CASEREPORT_KERNEL', 'JPY_PARENT_PID', 'JPY_SESSION_NAME'}"
SPOIL = """
import atexit, locale, os, random, sys, threading, time, warnings, subprocess
import matplotlib, matplotlib.pyplot, numpy, pandas
SECRET = "canary-52.8"
os.environ["SECRET"] = SECRET
matplotlib.rcParams["figure.dpi"] = 7
matplotlib.pyplot.figure()
pandas.options.display.max_rows = 3
locale.setlocale(locale.LC_ALL, "C")
warnings.simplefilter("error")
random.seed(1); numpy.random.seed(1)
sys.setrecursionlimit(321)
os.umask(0)
kept = open("left.txt", "w"); kept.write(SECRET); kept.flush()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
import pipeline.rules, pipeline.language
pipeline.rules.SECRET = SECRET
sys.path.insert(0, SECRET)
os.chdir("/")
"""


def test_a_case_leaves_nothing_to_the_next(home: Path, tmp_path: Path) -> None:
    (folders := [tmp_path / name for name in "abc"])[0].mkdir()
    [folder.mkdir() for folder in folders[1:]]
    resources = [{"resources": {"metadata": {"path": str(folder)}}} for folder in folders]
    first = printed(ran([APART, STATE], tmp_path, home, **resources[0]))
    ran([SPOIL], tmp_path, home, **resources[1])
    second = printed(ran([APART, STATE], tmp_path, home, **resources[2]))
    assert json.loads(first) == json.loads(second)
    assert "canary" not in second


def test_chance_is_another_in_each_kernel(home: Path, tmp_path: Path) -> None:
    asked = (
        "import random, numpy, uuid, tempfile\n"
        "print([random.random(), numpy.random.rand(), uuid.uuid4(), tempfile.mktemp()])"
    )
    assert len({printed(ran([asked], tmp_path, home)) for _ in range(3)}) == 3


def test_a_forked_kernel_is_as_one_that_papermill_starts(tmp_path: Path) -> None:
    cells = [f"{APART}; APART |= {{'OPENBLAS_NUM_THREADS'}}", STATE, "len(globals())", "1 / 0"]
    told = []
    for engine in (None, ANYBODYS_ENGINE):
        with pytest.raises(papermill.PapermillExecutionError):
            ran(cells, tmp_path, None, engine_name=engine)
        notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
        state = json.loads(printed(notebook))
        ours = {"files", "threads"}  # papermill's own talks over TCP, and watches its parent
        told.append({name: value for name, value in state.items() if name not in ours})
        told[-1]["outputs"] = [
            [dict(output) for output in cell.outputs if output.output_type != "stream"]
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.Popen(['sleep', '60'])",
        "subprocess.Popen(['sleep', '60'], start_new_session=True)",
        "subprocess.Popen('setsid sh -c \"sleep 60 & echo $! > inner\" & sleep 60', shell=True)",
        "subprocess.Popen(['env', '-i', 'setsid', 'sleep', '60'])",
        "multiprocessing.Process(target=time.sleep, args=(60,)).start() or None",
    ],
)
def test_what_a_kernel_started_ends_with_it(
    run: tuple[Path, ForkServer], tmp_path: Path, start: str
) -> None:
    home, server = run
    server.start()
    assert server._process is not None
    cells = [
        "import multiprocessing, subprocess, time, os",
        start,
        "time.sleep(0.3)\n"
        "children = open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read().split()\n"
        "print(*children)",
    ]
    started = [int(pid) for pid in printed(ran(cells, tmp_path, home)).split()]
    assert started
    assert all(gone(pid) for pid in started)
    assert all(gone(pid) for pid in children_of(server._process.pid))


def test_a_run_listens_on_no_port(home: Path, tmp_path: Path) -> None:
    asked = (
        "import os\n"
        "mine = {os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')"
        " if os.path.exists(f'/proc/self/fd/{n}')}\n"
        "lines = [line.split() for kind in ('tcp', 'tcp6')"
        " for line in open(f'/proc/net/{kind}').readlines()[1:]]\n"
        "print([line[1] for line in lines if f'socket:[{line[9]}]' in mine])"
    )
    assert printed(ran([asked], tmp_path, home)).strip() == "[]"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_kernels_and_folders_end_with_the_process_that_asked_for_them(
    tmp_path: Path, number: signal.Signals
) -> None:
    script = (
        "import time\n"
        "from pathlib import Path\n"
        "from pipeline.publish.kernels.births import Birth\n"
        "from pipeline.publish.kernels.manager import kernel_home\n"
        "with kernel_home() as (home, server):\n"
        "    file = home / 'kernel.json'\n"
        "    birth = Birth(argv=['-f', str(file)], env={'PATH': '/bin'}, cwd='/')\n"
        "    kernel = server.fork(birth)\n"
        "    print(home, server._process.pid, kernel.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        home, *pids = runner.stdout.readline().split()
        runner.send_signal(number)
    assert all(gone(int(pid)) for pid in pids)
    until = time.monotonic() + LATEST
    while Path(home).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(home).exists()


def test_a_killed_fork_server_costs_its_kernels_and_is_replaced(tmp_path: Path) -> None:
    with kernel_home() as (home, server):
        file = str(home / "kernel.json")
        birth = Birth(argv=["-f", file], env=dict(os.environ), cwd="/")
        kernel = server.fork(birth)
        assert server._process is not None
        os.kill(server._process.pid, signal.SIGKILL)
        assert kernel.wait(LATEST) == -signal.SIGKILL
        assert gone(kernel.pid)
        server._process.wait(LATEST)
        assert printed(ran(["print(6 * 7)"], tmp_path, home)) == "42\n"


def test_a_folder_in_which_nothing_can_listen_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"Unable to write to '.*forks': No such file"):
        ForkServer(tmp_path / "gone", env={}).start()


def test_a_kernel_has_only_so_much_memory(home: Path, tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError, match="MemoryError"):
        ran(["x = bytearray(4 << 30)"], tmp_path, home)
    assert printed(ran(["print(6 * 7)"], tmp_path, home)) == "42\n"


@pytest.mark.parametrize(
    ("argv", "forked"),
    [
        (["python", "-m", "ipykernel_launcher", "-f", "x"], True),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x"], True),
        (["/another/python", "-m", "ipykernel_launcher", "-f", "x"], False),
        (["python", "-m", "another_kernel", "-f", "x"], False),
        (["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"], False),
        (["R", "--slave"], False),
        ([], False),
    ],
)
def test_only_the_kernel_of_this_interpreter_is_forked(argv: list[str], forked: bool) -> None:
    assert provisioner.may_fork(KernelSpec(argv=argv)) is forked


def test_a_kernel_that_cannot_be_forked_is_started_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(provisioner, "CAN_FORK", False)
    notebook = ran(["import os\nprint(os.environ.get('CASEREPORT_KERNEL'))"], tmp_path, None)
    assert printed(notebook) == "None\n"
    assert "cannot be forked" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # loops of threads
def test_many_kernels_at_once_all_come_and_go(home: Path, tmp_path: Path) -> None:
    count = sized(6, full=60)
    folders = [tmp_path / str(number) for number in range(count)]
    [folder.mkdir() for folder in folders]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda folder: printed(ran(["print(1)"], folder, home)), folders))
    assert told == ["1\n"] * count
    gc.collect()
    assert not [path for path in home.iterdir() if path.name.startswith("k-")]


def test_a_manager_without_a_run_still_has_a_folder_of_its_own() -> None:
    manager = WarmKernelManager(kernel_name="python3")
    assert manager.folder.stat().st_mode & 0o077 == 0
    manager.folder.rmdir()


# -- when a kernel is ready

WELCOME = {"header": {"msg_type": "iopub_welcome"}, "content": {}}


def _status(state: str, asked: str) -> dict[str, Any]:
    return {
        "header": {"msg_type": "status"},
        "parent_header": {"msg_id": asked},
        "content": {"execution_state": state},
    }


class Told:
    """A channel on which a kernel says these messages, and then nothing more."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)

    async def get_msg(self, timeout: float) -> dict[str, Any]:
        if not self.messages:
            raise Empty
        return self.messages.pop(0)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([WELCOME], True),
        ([_status("busy", "ours"), _status("idle", "ours")], True),  # kernels that do not welcome
        ([_status("idle", "another's"), _status("busy", "ours")], False),
        ([], False),
    ],
)
def test_a_kernel_is_heard_once_it_welcomed_or_was_idle_after_being_asked(
    said: list[dict[str, Any]], heard: bool
) -> None:
    client = PromptClient()
    client._iopub_channel = Told(*said)
    if heard:
        assert asyncio.run(client._is_heard("ours"))
    else:
        with pytest.raises(Empty):
            asyncio.run(client._is_heard("ours"))
