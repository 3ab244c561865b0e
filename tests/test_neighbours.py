"""What happens in one case stays there: harm costs that case alone, and no value gets to another.

A run may be stopped while a case hangs in any way: nothing of it is left.
"""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from apart import listening_of, megabytes_of, published
from poisoned import CELL_SECONDS, IN_IT, Poisoned, poisoned_command
from sizes import FULL_SIZE, sized

from pipeline.publish.kernels.provisioner import CAN_FORK

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
ROOT = Path(__file__).resolve().parents[1]
CANARY = "canary"
OWN = {"a-canary": 17.77, "z-canary": 16.66}  # insulin: a number that nobody else has
PLAIN = [f"m{n:02}" for n in range(sized(2, full=20))]
ROW = "{id},{id}-s{n},2026-0{n}-06,{analyte},{value},{unit},F,1971,{lab},{comment}\n"
HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year,lab,comment\n"
ENDED = 5  # seconds until nothing of a run that was stopped is left
MOST_OF_THE_RUNNER = 1024  # MB
SECRET = "canary-of-the-harm"
SPOIL = """
import atexit, builtins, gc, locale, os, random, sys, tempfile, threading, time, warnings
import matplotlib.pyplot, numpy, pandas
import pipeline.language, pipeline.rules
SECRET = "canary-of-the-harm"
builtins.SECRET = os.environ["SECRET"] = pipeline.rules.SECRET = SECRET
matplotlib.rcParams["figure.dpi"] = 7
matplotlib.pyplot.figure(SECRET)
pandas.options.display.max_rows = 3
locale.setlocale(locale.LC_ALL, "C")
warnings.simplefilter("error")
random.seed(1)
numpy.random.seed(1)
os.umask(0)
open(SECRET, "w").write(SECRET)
open(os.path.join(tempfile.gettempdir(), SECRET), "w").write(SECRET)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
sys.path.insert(0, SECRET)
gc.disable()
"""
AT_ONCE = {
    "a kill": ("os.kill(os.getpid(), 9)", "The kernel died."),
    "an end": ("os._exit(0)", "The kernel died."),
    "a fault": ("import ctypes\nctypes.string_at(0)", "The kernel died."),
    "memory": ("x = bytearray(4 << 30)", "A cell stopped with MemoryError."),
    "lines": (
        "for i in range(10_000_000): print(i)",
        "The notebook printed more than 20 MB.",
    ),
    "a gigabyte": (
        "from IPython.display import HTML\nfor _ in range(50): display(HTML('x' * (20 << 20)))",
        "The notebook printed more than 20 MB.",
    ),
}
TOO_LONG = f"A cell took longer than {CELL_SECONDS} seconds."
HANGS = {
    "a loop": IN_IT + "while True: pass",
    "a sleep that nothing interrupts": "import signal, time\n"
    "for one in (signal.SIGINT, signal.SIGTERM): signal.signal(one, signal.SIG_IGN)\n"
    + IN_IT
    + "time.sleep(600)",
    "a search that lets no other thread run": "import re\n"
    + IN_IT
    + "re.match('(a+)+$', 'a' * 64 + 'b')",
    "a subprocess that is stuck": "import subprocess\n"
    "word = 'trap \"\" INT TERM HUP; sleep 600 & wait'\n"
    "stuck = subprocess.Popen(['sh', '-c', word], start_new_session=True)\n"
    + IN_IT
    + "stuck.wait()",
    "a flood that is cleared": "from IPython.display import clear_output\n"
    + IN_IT
    + "import time\nwhile True:\n    print('x')\n    clear_output()\n    time.sleep(0.001)",
    "an end that hangs": "import atexit, time\n"
    "from ipykernel.kernelapp import IPKernelApp\n"
    "def hang():\n    " + IN_IT + "    time.sleep(600)\n"
    "atexit.register(hang)\n"
    "loop = IPKernelApp.instance().io_loop\n"
    "loop.add_callback(loop.stop)",
    "500 children": "import subprocess\n"
    "children = [subprocess.Popen(['sleep', '600']) for _ in range(500)]\n"
    + IN_IT
    + "children[0].wait()",
}
STOPPED_IN = list(HANGS) if FULL_SIZE else ["a subprocess that is stuck"]
SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM][: sized(1, full=3)]


def rows_of(id: str) -> str:
    mark = id if CANARY in id else ""
    return "".join(
        ROW.format(id=id, n=n, analyte=analyte, value=value, unit=unit, lab=mark, comment=mark)
        for n in (1, 2)
        for analyte, value, unit in (
            ("glucose_fasting", "5.4", "mmol/L"),
            ("insulin_fasting", OWN.get(id, 14.1), "mU/L"),
        )
    )


@pytest.fixture(scope="module")
def command() -> Iterator[Poisoned]:
    with poisoned_command(ROOT) as command:
        yield command


def given(command: Poisoned, *ids: str) -> None:
    (command.root / "lab.csv").write_text(HEAD + "".join(map(rows_of, ids)), "utf-8")


def made(command: Poisoned, out: str, *ids: str, jobs: int = 2) -> dict[str, bytes]:
    """Return what a run made of these people of the table; of everybody, where none is named."""
    chosen = [f"--case={id}" for id in ids]
    done = command.run(out, f"--jobs={jobs}", "--format=html,json,ipynb", *chosen)
    assert done.returncode in (0, 4), done.stderr
    assert "Traceback" not in done.stderr
    assert all(" made" in line or " not made" in line for line in done.stderr.splitlines())
    assert command.until(command.is_clean), command.alive()
    return published(command.root / out)


def of(files: Mapping[str, bytes], id: str) -> dict[str, bytes]:
    """Return the files of a case."""
    return {name: content for name, content in files.items() if name.startswith(f"{id}/")}


def failures(command: Poisoned, out: str) -> dict[str, str]:
    """Return why reports were not made, by case."""
    told = json.loads((command.root / out / "run.json").read_text("utf-8"))
    return {failure["case_id"]: failure["cause"] for failure in told["failures"]}


# -- beside one another


class Watch(threading.Thread):
    """Notes how much memory the run and its workers have had at most, in MB, and their ports."""

    def __init__(self, command: Poisoned) -> None:
        super().__init__(daemon=True)
        self.command, self.most, self.over = command, 0, threading.Event()
        self.ports: set[str] = set()  # on which a process of the run listens, kernels too

    def run(self) -> None:
        while not self.over.wait(0.5):
            for word in ("publish.worker", "report"):
                taken = (megabytes_of(pid, "VmHWM") for pid in self.command.alive(word))
                self.most = max(self.most, *taken, 0)
            self.ports.update(*map(listening_of, self.command.alive("pipeline")))


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A run in which cases do harm beside others."""

    files: Mapping[str, bytes]
    failures: Mapping[str, str]
    causes: Mapping[str, str]  # of the cases that do harm, those they should have
    megabytes: int
    ports: frozenset[str]
    left: Sequence[str]  # in the folder of temporary files


@pytest.fixture(scope="module")
def beside(command: Poisoned) -> Beside:
    harm = list(AT_ONCE.values())
    harm += [(HANGS[name], TOO_LONG) for name in HANGS if FULL_SIZE or name == "500 children"]
    does = {f"h{n:02}": what for n, what in enumerate(harm)}
    command.poison({id: "import os\n" + code for id, (code, _) in does.items()} | {"s": SPOIL})
    given(command, *does, "s", *PLAIN, *OWN)
    watch = Watch(command)
    watch.start()
    files = made(command, "beside")
    watch.over.set()
    watch.join()
    return Beside(
        files=files,
        failures=failures(command, "beside"),
        causes={id: cause for id, (_, cause) in does.items()},
        megabytes=watch.most,
        ports=frozenset(watch.ports),
        left=[path.name for path in (command.root / "tmp").iterdir()],
    )


def test_cases_that_do_harm_fail_alone_each_with_its_cause(beside: Beside) -> None:
    assert {id: cause for id, cause in beside.failures.items() if id != "s"} == beside.causes
    assert all(of(beside.files, id) for id in (*PLAIN, *OWN))


def test_the_runner_does_not_take_up_what_cases_print_or_hold(beside: Beside) -> None:
    assert 0 < beside.megabytes < MOST_OF_THE_RUNNER


def test_no_process_of_a_run_listens_on_a_port(beside: Beside) -> None:
    assert beside.ports == frozenset()


def test_what_listens_on_a_port_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = f"{listener.getsockname()[1]:04X}"
        assert port in {one.rpartition(":")[2] for one in listening_of(os.getpid())}


def test_no_value_of_a_case_is_in_the_report_of_another(beside: Beside) -> None:
    for id in (*PLAIN, *OWN):
        words = [word for own in OWN if own != id for word in (own, str(OWN[own]))]
        told = b"".join(of(beside.files, id).values())
        assert [word for word in (*words, SECRET) if word.encode() in told] == []
    assert beside.left == [SECRET]  # that was put there, not into a folder of a kernel


@pytest.mark.parametrize("jobs", [1, 2] if FULL_SIZE else [1])
def test_a_report_beside_others_is_that_of_a_run_without_them(
    command: Poisoned, beside: Beside, jobs: int
) -> None:
    command.poison({})
    alone = [["a-canary"], ["z-canary"], PLAIN] if FULL_SIZE else [["z-canary", PLAIN[0]]]
    for ids in alone:
        files = made(command, f"alone-{jobs}-{ids[0]}", *ids, jobs=jobs)
        for id in ids:
            assert of(files, id) == of(beside.files, id) != {}


# -- time, and the end


@pytest.mark.full_size
@pytest.mark.parametrize("state", HANGS)
def test_a_case_that_hangs_ends_in_time(command: Poisoned, state: str) -> None:
    command.poison({"m00": "import os\n" + HANGS[state]})
    given(command, "m00")
    with command.start("in-time", "--jobs=1", "--fresh") as running:
        assert command.until(command.flag.exists, 60)
        began = time.monotonic()
        running.communicate(timeout=CELL_SECONDS + 30)
    assert time.monotonic() - began < CELL_SECONDS + 10
    assert failures(command, "in-time") == {"m00": TOO_LONG}
    assert command.until(command.is_clean, ENDED)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("state", STOPPED_IN)
@pytest.mark.parametrize("jobs", [2, 1] if FULL_SIZE else [2])
def test_a_run_that_is_stopped_while_a_case_hangs_leaves_no_process(
    command: Poisoned, state: str, number: signal.Signals, jobs: int
) -> None:
    command.poison({"m00": "import os\n" + HANGS[state]})
    given(command, "m00", "m01")
    with command.start("stopped", f"--jobs={jobs}", "--fresh") as running:
        assert command.until(command.flag.exists, 60)
        running.send_signal(number)
        assert command.until(lambda: not command.alive(), ENDED), command.alive()
        running.communicate(timeout=ENDED)
    assert command.until(command.is_clean, ENDED)
