"""Says what the benchmark of reports found: as text, and as the page docs/speed.md."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from practice import Spent, Unchanged
from stopwatch import Cost

WAYS = {
    "commands": "papermill, nbconvert and Chromium as programs, a case at a time",
    "functions": "the same through their functions, in one process",
    "ploomber": "ploomber-engine: the notebook in one process, without a kernel",
    "bare": "the functions that the notebook calls, without a notebook",
}
OUTPUTS = {"pdf": "HTML + PDF + JSON", "html": "HTML + JSON", "json": "the notebook alone"}
PARTS = {
    "around": "Around the notebook: papermill, the client of the kernel, the page as HTML",
    "cells": "In the notebook: what its cells call",
    "layout": "Layout: from the page to PDF",
}
_SHOWN = 0.03  # share of a package that is worth a line
_ALL, _PAGES, _NOTEBOOK = OUTPUTS
_HEAD = """# The speed of many reports

Written by `{command}`: numbers of one machine, to be read as ratios. On it: {machine}.
Other work took {others:.1f} of {cores} cores of it, on average; seconds are those of
processors, of a process and all that it starts; a clock is beside them where waiting counts.
Each number is the median of {turns} turns over {cases} cases of a made practice (`{kind}`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What one way takes a case in one turn, and ours of the same cases."""

    way: str
    output: str
    theirs: Cost
    ours: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What was to be reached, at least (or at most), and what was found."""

    what: str
    bound: float
    found: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Return whether it was."""
        return self.found <= self.bound if self.at_most else self.found >= self.bound


@dataclass(frozen=True, slots=True)
class Scale:
    """What a case takes in one process, and in two."""

    one: Cost
    two: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The most memory [MB] that so many processes take, by part; of the first and last fifth."""

    jobs: int
    cases: int
    whole: Mapping[str, float]
    first: Mapping[str, float]
    last: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that was measured."""

    kind: str
    cases: int
    turns: Sequence[Sequence[Times]]
    scales: Sequence[Scale]
    memory: Sequence[Memory]
    unchanged: Unchanged | None
    profile: Mapping[str, Mapping[str, float]]

    def of(self, way: str, output: str) -> list[Times]:
        """Return the times of a way, one a turn; none where it was not at hand."""
        return [
            one for turn in self.turns for one in turn if (one.way, one.output) == (way, output)
        ]


def as_page(found: Found, *, command: str) -> str:
    """Return the page."""
    costs = [one.ours for turn in found.turns for one in turn]
    others = sum(cost.others for cost in costs) / sum(cost.clock for cost in costs)
    about = {"machine": machine(), "others": others, "cores": os.cpu_count(), "command": command}
    sizes = {"turns": len(found.turns), "cases": found.cases, "kind": found.kind}
    return _HEAD.format(**about, **sizes) + "\n" + as_text(found)


def as_text(found: Found) -> str:
    """Return the tables, in Markdown."""
    parts = (_aims, _ways, _own, _scale, _memory, _unchanged, _profile)
    return "\n".join(line for part in parts for line in (*part(found), ""))


def machine() -> str:
    """Return what machine this is."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(": ")[2] for line in lines if "model name" in line), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} × {model}, {memory:.0f} GiB, Linux, Python {python}"


def _aims(found: Found) -> Iterator[str]:
    """Yield each aim with what was found, and where the time goes that keeps one from it."""
    yield "## Against the aims\n"
    yield from _head("what", "aim", "found", "")
    for aim in _asked(found):
        bound = f"{'≤' if aim.at_most else '≥'} {aim.bound:g}"
        yield _row(aim.what, bound, f"{aim.found:.3g}", "" if aim.reached else "not reached")
    costs = [one.ours for one in found.of("bare", _ALL)]
    whole, layout = (median(values) for values in zip(*map(_with_layout, costs), strict=True))
    yield f"\nOf the {whole:.1f} s of a report its layout takes {layout:.1f} s, in Python;"
    yield "no page is laid out twice. The last section tells the rest by package."


def _with_layout(cost: Cost) -> tuple[float, float]:
    return cost.seconds, cost.work["layout"]


def _asked(found: Found) -> Iterator[Aim]:
    """Yield the aims of which something was measured."""
    for output, bound in ((_ALL, 6), (_PAGES, 12)):
        if times := found.of("commands", output):
            what = f"{OUTPUTS[output]}: times the programs, by processor time"
            yield Aim(what=what, bound=bound, found=_median_ratio(times))
    over = _over(found)
    yield Aim(what="the notebook over its functions [s]", bound=0.25, found=over, at_most=True)
    if times := found.of("ploomber", _NOTEBOOK):
        what = "the notebook: times ploomber-engine, which has no kernel"
        yield Aim(what=what, bound=1.25, found=1 / _median_ratio(times), at_most=True)
    if found.scales:
        faster = _faster(found)
        yield Aim(what="two processes: times the cases of one", bound=1.8, found=faster)
    for one, more in zip(found.memory, found.memory[1:], strict=False):
        added = sum(more.whole.values()) - sum(one.whole.values())
        what = "memory of a further process [MB]"
        yield Aim(what=what, bound=300, found=added / (more.jobs - one.jobs), at_most=True)
    if found.unchanged is not None:
        what = f"{found.unchanged.cases:,} unchanged cases [s on a clock]"
        yield Aim(what=what, bound=5, found=found.unchanged.again[0], at_most=True)


def _ways(found: Found) -> Iterator[str]:
    """Yield how many times ours each way takes."""
    yield "## Beside other ways\n"
    yield "How many times the processor time of ours (in brackets: the time on a clock)."
    yield from _head("way", *OUTPUTS.values())
    for way, name in WAYS.items():
        cells = [_times(found.of(way, output)) for output in OUTPUTS]
        yield _row(name, *(cells if any(cells) else ["was not installed", "", ""]))


def _times(times: Sequence[Times]) -> str:
    if not times:
        return ""
    work = _median_ratio(times)
    clock = median(one.theirs.clock / one.ours.clock for one in times)
    return f"{work:.2f} ({clock:.2f})"


def _median_ratio(times: Sequence[Times]) -> float:
    return median(one.theirs.seconds / one.ours.seconds for one in times)


def _over(found: Found) -> float:
    """Return by how much a notebook takes longer than the functions that it calls [s]."""
    return median(one.ours.seconds - one.theirs.seconds for one in found.of("bare", _NOTEBOOK))


def _own(found: Found) -> Iterator[str]:
    """Yield what ours takes a case, by part."""
    yield "## A report of ours, warm, in one process [processor seconds a case]\n"
    yield from _head("what", "all", "the run", "kernels", "layout", "on a clock")
    for output, name in OUTPUTS.items():
        costs = [one.ours for one in found.of("bare", output)]
        parts = [
            median(cost.work[part] for cost in costs) for part in ("rest", "kernels", "layout")
        ]
        numbers = (median(cost.seconds for cost in costs), *parts)
        yield _row(name, *map(_two, numbers), _two(median(cost.clock for cost in costs)))
    yield f"\nThe notebook takes {_over(found):.2f} s more than the functions that it calls."


def _scale(found: Found) -> Iterator[str]:
    """Yield what a second process brings."""
    if not found.scales:
        return
    faster = _faster(found)
    dearer = median(one.two.seconds / one.one.seconds for one in found.scales)
    cores = [median(cost.seconds / cost.clock for cost in pair) for pair in _pairs(found.scales)]
    yield "## Two processes\n"
    yield f"{faster:.2f} times the cases a second of one, at {dearer:.2f} times the processor time"
    yield f"a case. One had {cores[0]:.2f} cores to itself, two had {cores[1]:.2f}."


def _faster(found: Found) -> float:
    return median(one.one.clock / one.two.clock for one in found.scales)


def _pairs(scales: Sequence[Scale]) -> tuple[list[Cost], list[Cost]]:
    return [scale.one for scale in scales], [scale.two for scale in scales]


def _memory(found: Found) -> Iterator[str]:
    """Yield the memory of all processes; what they share counts once."""
    if not found.memory:
        return
    yield "## Memory [MB], what processes share counted once\n"
    yield from _head("processes", "cases", "most", "first fifth", "last fifth", "of the most")
    for one in found.memory:
        sums = [_whole(sum(part.values())) for part in (one.whole, one.first, one.last)]
        parts = ", ".join(f"{name} {_whole(held)}" for name, held in sorted(one.whole.items()))
        yield _row(str(one.jobs), str(one.cases), *sums, parts)


def _unchanged(found: Found) -> Iterator[str]:
    """Yield what a run takes that has nothing to make."""
    if found.unchanged is None:
        return
    one = found.unchanged
    yield f"## {one.cases:,} cases of which nothing changed\n"
    yield f"The same command once more takes {_spent(one.again)}. Where all rows must be read, as"
    yield f"when a file was added, finding every report made takes {_spent(one.run)}; reading and"
    yield f"checking the same files alone, `casereport check`, {_spent(one.check)}."


def _spent(spent: Spent) -> str:
    clock, seconds = spent
    return f"{seconds:.1f} s of processors ({clock:.1f} s on a clock)"


def _profile(found: Found) -> Iterator[str]:
    """Yield where the time goes, by package."""
    yield "## Where the time goes [% of processor time of each part, by package]\n"
    for part, shares in found.profile.items():
        named = (f"{name} {share:.0%}" for name, share in shares.items() if share >= _SHOWN)
        yield f"- {PARTS[part]}: {', '.join(named)}."


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield _row("---", *["---:"] * (len(names) - 1))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _two(number: float) -> str:
    return f"{number:.2f}"


def _whole(number: float) -> str:
    return f"{number:.0f}"
