"""Runs of the command as processes of their own, and what they leave and hold open."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from sizes import sized

from pipeline.publish.files import WORK
from pipeline.publish.journal import JOURNAL

PEOPLE = sized(4, full=24)
LATEST = 10  # seconds until what should end has ended, on a busy machine
HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year\n"
ROWS = (("glucose_fasting", "5.4", "mmol/L"), ("insulin_fasting", "14.1", "mU/L"))


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder with a short name: that of a socket in it may have 104 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def write_people(path: Path, people: int) -> None:
    """Write a table of so many people, of two results each."""
    rows = [
        f"p{n:02},s{n},2026-0{1 + n % 8}-06,{analyte},{value},{unit},F,{1950 + n % 50}"
        for n in range(people)
        for analyte, value, unit in ROWS
    ]
    path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")


class Command:
    """The command over a few people, in a folder of its own; all it starts carries a mark."""

    def __init__(self, root: Path) -> None:
        self.root, self.mark = root, uuid4().hex
        (root / "tmp").mkdir()
        write_people(root / "lab.csv", PEOPLE)

    def start(self, out: str, *more: str) -> subprocess.Popen[str]:
        words = ["report", "client_report", "lab.csv", f"--out={out}", "--as-of=2026-09-30"]
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *words, "--format=html,json", "--jobs=2", *more],
            cwd=self.root,
            env={**os.environ, "CASEREPORT_MARK": self.mark, "TMPDIR": str(self.root / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )

    def run(self, out: str, *more: str) -> subprocess.CompletedProcess[str]:
        with self.start(out, *more) as running:
            told, errors = running.communicate(timeout=500)
        return subprocess.CompletedProcess(running.args, running.returncode, told, errors)

    def alive(self, word: str = "") -> list[int]:
        """Return the processes that carry the mark, of those whose command line has a word."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_ours(folder, word):
                found.append(int(folder.name))
        return found

    def _is_ours(self, folder: Path, word: str) -> bool:
        try:
            marked = self.mark.encode() in (folder / "environ").read_bytes()
            dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            return marked and not dead and word.encode() in (folder / "cmdline").read_bytes()
        except OSError:
            return False

    def until(self, holds: Callable[[], bool], seconds: float = LATEST) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.02)
        return holds()

    def is_clean(self) -> bool:
        """Return whether nothing that was started is left, neither process nor folder."""
        left = [path for path in (self.root / "tmp").iterdir() if path.name.startswith("cr-")]
        return not self.alive() and not left


def hear_interrupts() -> None:
    """Let SIGINT end this process: what a shell starts in its background ignores it otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def published(out: Path) -> dict[str, bytes]:
    """Return the files that a run put in their place; its journal tells times of files."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != JOURNAL and WORK not in path.parts
    }


def entries_in(out: Path) -> list[dict[str, Any]]:
    """Return what the journal says of each report, as far as it is written."""
    lines = (out / JOURNAL).read_bytes().splitlines() if (out / JOURNAL).exists() else []
    told = [json.loads(line) for line in lines if line.endswith(b"}")]
    return [one for one in told if "case_id" in one]  # the last line is of the whole run


def made_in(out: Path) -> set[str]:
    """Return the cases that the journal knows to be made."""
    return {one["case_id"] for one in entries_in(out)}


def megabytes_of(pid: int, which: str) -> int:
    """Return the memory of a process [MB]: ``VmRSS`` what it has, ``VmHWM`` what it had at most."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(which)) // 1024


def listening_of(pid: int) -> set[str]:
    """Return the TCP ports on which a process listens."""
    lines = [
        line.split()
        for kind in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
    ]
    of_inode = {f"socket:[{line[9]}]": line[1] for line in lines if line[3] == "0A"}
    found = set()
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(of_inode.get(str(path.readlink()), ""))
    return found - {""}
