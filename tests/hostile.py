"""How the reading of a hostile file ends, and what it takes."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.read import read_lab_file

SECONDS, MEGABYTES = 10, 512  # of the processor and of memory, within which a hostile file must end


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a reading ends: "7 rows", or the sentence of a refusal; and what it took."""

    told: str
    seconds: float
    megabytes: float

    @property
    def is_within_limits(self) -> bool:
        return self.seconds < SECONDS and self.megabytes < MEGABYTES and "\n" not in self.told


def end_of(path: Path) -> End:
    """Read a file. The memory is what the process has grown by, to more than it ever had."""
    started, before = time.process_time(), _most_memory()
    try:
        told = f"{len(read_lab_file(path, rules=RULES, case_id='x').rows)} rows"
    except LabFileError as refused:
        told = str(refused)
    seconds = time.process_time() - started
    return End(told=told, seconds=seconds, megabytes=_most_memory() - before)


def end_in_a_process(path: Path, root: Path) -> End:
    """Read a file in a process of its own, which is ended where it hangs."""
    run = subprocess.run(
        [sys.executable, str(root / "tests" / "hostile.py"), str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return End(**json.loads(run.stdout))


def _most_memory() -> float:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


if __name__ == "__main__":
    end = end_of(Path(sys.argv[1]))
    print(json.dumps({"told": end.told, "seconds": end.seconds, "megabytes": end.megabytes}))
