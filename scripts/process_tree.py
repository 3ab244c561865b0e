"""Reads what a process and all below it have used: processor time and memory. Linux only.

Processor time says more than a clock where a machine is shared: others make a run wait, not work.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE, _KIB = 1e6, 1024
_PARENT, _TIMES = 1, slice(11, 15)  # fields of /proc/PID/stat behind the name of the program
_PARTS = {"kernels.fork_server_process": "kernels", "print_process": "layout"}


def seconds_of(root: int) -> Counter[str]:
    """Return processor seconds of a process and all below it, those that have ended too, by part.

    Parts are the kernels, the layout of pages, and "rest".
    """
    used: Counter[str] = Counter()
    for pid, times in _tree(root).items():
        used[_part(pid)] += times
    return used


def megabytes_of(root: int) -> Counter[str]:
    """Return memory [MB] of a process and all below it, by part; what is shared counts once."""
    held: Counter[str] = Counter()
    for pid in _tree(root):
        held[_part(pid)] += _share(pid)
    return held


def seconds_of_machine() -> float:
    """Return the seconds that all processors have worked, for whomever; stolen ones count too."""
    line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    user, nice, system, _, _, interrupts, soft, stolen, *_ = map(int, line.split()[1:])
    return (user + nice + system + interrupts + soft + stolen) / _TICKS


def _tree(root: int) -> dict[int, float]:
    """Return the processes from ``root`` down, each with its seconds and those of its dead."""
    known = dict(_processes())
    below: dict[int, list[int]] = {}
    for pid, (parent, _) in known.items():
        below.setdefault(parent, []).append(pid)
    found, waiting = {}, [root] if root in known else []
    while waiting:
        pid = waiting.pop()
        found[pid] = known[pid][1]
        waiting += below.get(pid, [])
    return found


def _processes() -> Iterator[tuple[int, tuple[int, float]]]:
    """Yield each process that lives, its parent and its seconds."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                seconds = sum(map(int, fields[_TIMES])) / _TICKS
                yield int(folder.name), (int(fields[_PARENT]), seconds)


def _part(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        return next((part for word, part in _PARTS.items() if word in words), "rest")
    return "rest"


def _share(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB / _MEGABYTE
    return 0.0
