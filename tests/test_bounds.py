"""A notebook may print so much and take so long; what does not keep to it costs its own report."""

import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import Installed
from sizes import FULL_SIZE, sized

from pipeline.publish import notebook
from pipeline.publish.kernels.bounded_client import BoundedClient
from pipeline.publish.kernels.bounds import Bounds
from pipeline.publish.kernels.client import PromptClient
from pipeline.publish.kernels.manager import (
    ReportKernelManager,
    WarmKernelManager,
    at_home,
    kernel_home,
)

pytestmark = pytest.mark.xdist_group("kernel")
MEGABYTES = sized(2, full=notebook.OUTPUT_MEGABYTES)
MOST_OF_THE_RUNNER = 1024  # MB of memory, whatever a notebook prints
TOO_MUCH = f"The notebook printed more than {MEGABYTES} MB."
FLOODS = {
    "lines": "for i in range(10_000_000): print(i)",
    "one message": "from IPython.display import HTML, display\nimport time\n"
    f"display(HTML('x' * ({MEGABYTES + 1} << 20)))\ntime.sleep(2)",
    "ten million lines at once": "print('\\n'.join(map(str, range(10_000_000))))",
    "long messages": "from IPython.display import HTML, display\n"
    f"while True: display(HTML('x' * ({MEGABYTES} << 18)))",
    "short messages": "while True: display(1)",
    "updates": "shown = display(1, display_id=True)\nwhile True: shown.update(2)",
    "what is cleared": "from IPython.display import clear_output\n"
    "while True:\n    print('x' * 10000)\n    clear_output()",
    "a thread": "import threading, time\n"
    "def tell():\n    while True: print('x' * 100_000)\n"
    "threading.Thread(target=tell, daemon=True).start()\ntime.sleep(300)",
    "a subprocess": "import subprocess\nsubprocess.run('yes')",
    "a file descriptor": "import os\nwhile True: os.write(1, b'x' * 100_000)",
    "an error": f"raise ValueError('x' * ({MEGABYTES + 1} << 20))",
    "stderr": "import sys\nwhile True: print('x' * 100, file=sys.stderr)",
}
AT_CI = ("lines", "one message")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with kernel_home() as (home, _):
        yield home


@pytest.fixture
def installed(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.setattr(notebook, "OUTPUT_MEGABYTES", MEGABYTES)
    return Installed(tmp_path, home, monkeypatch)


def megabytes_at_most() -> int:
    """Return how much memory this process has had at once, since that was last forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024


@pytest.mark.parametrize("flood", FLOODS if FULL_SIZE else AT_CI)
def test_a_notebook_that_prints_too_much_is_ended_and_that_is_said(
    installed: Installed, flood: str
) -> None:
    before = megabytes_at_most()
    assert installed.why_not(FLOODS[flood]) == TOO_MUCH
    assert megabytes_at_most() - before < MOST_OF_THE_RUNNER / 2
    assert megabytes_at_most() < MOST_OF_THE_RUNNER or before >= MOST_OF_THE_RUNNER / 2


def test_what_may_be_printed_is_printed_whole(installed: Installed) -> None:
    made = installed.run(f"print('x' * ({MEGABYTES} << 19))", "for i in range(1000): print(i)")
    long, short = ("".join(one.text for one in cell.outputs) for cell in made.notebook.cells[2:4])
    assert long == "x" * (MEGABYTES << 19) + "\n"
    assert short.split() == [str(i) for i in range(1000)]


def test_a_kernel_that_dies_is_not_taken_for_one_that_printed_too_much(
    installed: Installed,
) -> None:
    assert installed.why_not("import os\nprint(1)\nos._exit(0)") == "The kernel died."


def test_a_report_has_a_time_for_all_its_cells_together(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "REPORT_SECONDS", 4)
    began = time.monotonic()
    cells = ["import time\ntime.sleep(1)"] * 20
    assert installed.why_not(*cells) == "The report took longer than 4 seconds."
    assert time.monotonic() - began < 4 + 10


def test_bounds_count_for_a_whole_notebook_and_stay_one_object_when_settings_are_copied() -> None:
    bounds = Bounds(cell_seconds=5, seconds=60, megabytes=1)
    manager = ReportKernelManager(config=at_home(Path("/tmp"), copy.deepcopy(bounds)))
    manager.folder.rmdir()
    assert manager.bounds is bounds
    assert bounds.seconds_for(None) == 5
    assert bounds.allow(1 << 20)
    assert bounds.too_much() == ""
    assert not bounds.allow(1)
    assert bounds.too_much() == "The notebook printed more than 1 MB."


def test_a_bound_of_time_that_has_passed_is_no_time_without_bound() -> None:
    bounds = Bounds(cell_seconds=5, seconds=0, megabytes=1)
    assert 0 < bounds.seconds_for(None) < 0.1
    assert not bounds.allow()
    assert bounds.printed == math.inf


def test_kernels_have_the_clients_that_are_written_for_them(tmp_path: Path) -> None:
    for manager, client in (
        (WarmKernelManager(config=at_home(tmp_path)), PromptClient),
        (ReportKernelManager(config=at_home(tmp_path)), BoundedClient),
    ):
        assert type(manager.client()) is client
