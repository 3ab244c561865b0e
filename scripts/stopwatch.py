"""Times a program that says each step of each case, and watches what it takes meanwhile."""

import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from process_tree import megabytes_of, seconds_of, seconds_of_machine

_STEP = re.compile(r"\d+ of \d+: (?P<case>\S+) (?P<step>\w+)")
_TOLD = 20  # last lines of a program that failed
_LOOKS = 0.25  # seconds between two looks at memory, which itself takes time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a program had used when it said a step."""

    case: str
    step: str
    clock: float
    work: Counter[str]  # processor seconds by part
    machine: float  # processor seconds of all that ran, whosever
    memory: Counter[str] = field(default_factory=Counter)  # the most [MB] since the stamp before


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What lies between two stamps [s]: on a clock, of processors by part, and of others' work."""

    clock: float
    work: Counter[str]
    others: float

    @classmethod
    def none(cls) -> "Cost":
        """Return what nothing takes."""
        return cls(clock=0.0, work=Counter(), others=0.0)

    def __add__(self, other: "Cost") -> "Cost":
        work = Counter(self.work)
        work.update(other.work)
        clock, others = self.clock + other.clock, self.others + other.others
        return Cost(clock=clock, work=work, others=others)

    @property
    def seconds(self) -> float:
        """Return processor seconds of all parts."""
        return sum(self.work.values())

    def a(self, cases: int) -> "Cost":
        """Return what one of so many takes."""
        work = Counter({part: seconds / cases for part, seconds in self.work.items()})
        return Cost(clock=self.clock / cases, work=work, others=self.others / cases)


def run(command: Sequence[str], environment: Mapping[str, str], *, watched: bool) -> list[Stamp]:
    """Run a program to its end, and return a stamp of each step it said; the first is its start.

    Where it is ``watched``, stamps tell its memory too, and its seconds are a little too many.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    program = subprocess.Popen(command, env=environment, text=True, **pipes)
    memory: Counter[str] = Counter()
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(program.pid, memory, ended))
    if watched:
        watcher.start()
    try:
        stamps, lines = _stamps(program, memory)
    finally:
        ended.set()
    if program.wait():
        print(*lines[-_TOLD:], sep="\n", file=sys.stderr)
        raise SystemExit(f"This ended with {program.returncode}: {' '.join(command[:4])} …")
    return stamps


def costs(stamps: Sequence[Stamp]) -> dict[str, dict[str, Cost]]:
    """Return what each step of each case took since the step before: by step, then by case."""
    found: dict[str, dict[str, Cost]] = {}
    for before, after in pairwise(stamps):
        found.setdefault(after.step, {})[after.case] = between(before, after)
    return found


def between(before: Stamp, after: Stamp) -> Cost:
    """Return what lies between two stamps."""
    work = Counter({part: after.work[part] - before.work[part] for part in after.work})
    others = after.machine - before.machine - sum(work.values())
    return Cost(clock=after.clock - before.clock, work=work, others=max(others, 0.0))


def _stamps(
    program: subprocess.Popen[str], memory: Counter[str]
) -> tuple[list[Stamp], Sequence[str]]:
    """Return the stamps of a program that runs, and all its lines."""
    stamps, lines = [_stamp(program.pid, "", "start", memory)], []
    for line in _lines(program):
        lines.append(line)
        if found := _STEP.match(line):
            stamps.append(_stamp(program.pid, found["case"], found["step"], memory))
    return stamps, lines


def _lines(program: subprocess.Popen[str]) -> Iterator[str]:
    assert program.stdout is not None
    for line in program.stdout:
        yield line.rstrip()


def _stamp(pid: int, case: str, step: str, memory: Counter[str]) -> Stamp:
    most = Counter(memory)
    memory.clear()
    clock, machine = time.perf_counter(), seconds_of_machine()
    work = seconds_of(pid)
    return Stamp(case=case, step=step, clock=clock, work=work, machine=machine, memory=most)


def _watch(pid: int, memory: Counter[str], ended: threading.Event) -> None:
    """Note the most memory of the whole, and of each part then, until the program ends."""
    while not ended.wait(_LOOKS):
        held = megabytes_of(pid)
        if sum(held.values()) > sum(memory.values()):
            memory.clear()
            memory.update(held)
