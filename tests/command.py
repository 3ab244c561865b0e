"""The command as a person gives it: in this process, which has all imported, or in its own."""

import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from pipeline.__main__ import main

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and all that it printed."""

    code: int
    out: str
    err: str


def casereport(*words: str | Path) -> Ended:
    """Run a command in this process, from the folder of the checkout."""
    out, err = StringIO(), StringIO()
    with chdir(ROOT), redirect_stdout(out), redirect_stderr(err):
        code = _code_of([str(word) for word in words])
    return Ended(code, out.getvalue(), err.getvalue())


def casereport_alone(*words: str | Path) -> Ended:
    """Run a command in a process of its own, as a shell does."""
    command = [sys.executable, "-m", "pipeline", *map(str, words)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _code_of(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as ended:  # argparse refuses a command line so
        return int(ended.code or 0)
