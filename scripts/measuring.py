"""Runs a script as a process of its own, and returns what it measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(script: str, *arguments: str) -> dict[str, float]:
    """Return the seconds and the peak of memory [bytes] of a script, in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    environment = environment_of_scripts()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def environment_of_scripts() -> dict[str, str]:
    """Return this environment, in which scripts find the package and what makes samples."""
    given = filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "samples"), *given])}
