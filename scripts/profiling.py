"""Says where the processor time of a report goes, by package: around the notebook, in it, layout.

What is measured runs in one process and one thread; shares are of processor time, which a profiler
makes a little longer where functions are small. ``profiling.py PART KIND input.json …``.
"""

import cProfile
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from pstats import Stats

from measuring import measured
from reporting import LANGUAGE, told_of

WARM = 2  # inputs first, which are not profiled
_LIBRARIES = "site-packages/"
Each = Callable[[Path], object]
Shares = Mapping[str, float]


def profile(kind: str, inputs: Sequence[Path]) -> dict[str, Shares]:
    """Return of each part the share of each package [1], the greatest first."""
    given = map(str, inputs)
    asked = [kind, *given]
    return {part: measured("profiling", part, *asked) for part in PARTS}


def around(kind: str, stack: ExitStack) -> Each:
    """Prepare what the process of a run does for a report without PDF; its kernels are others'."""
    from practice import AS_OF

    from pipeline.publish.kernels.manager import kernel_home
    from pipeline.publish.task import Task
    from pipeline.publish.work import make_report

    home, _ = stack.enter_context(kernel_home(reports=4))
    same = {"kind": kind, "language": LANGUAGE, "pdf": "ua", "as_of": AS_OF}

    def make(given: Path) -> object:
        content, name = given.read_bytes(), given.parent.name
        task = Task(**same, content=content, name=name, formats=("html", "json"))
        return make_report(task, home=home)

    return make


def cells(kind: str, stack: ExitStack) -> Each:
    """Prepare what the cells of the notebook call."""
    return lambda given: told_of(kind, given)


def layout(kind: str, stack: ExitStack) -> Each:
    """Prepare the layout of a page, which is made before it is profiled."""
    from reporting import as_notebook

    from pipeline.publish.exporter import render_html
    from pipeline.publish.job import Job
    from pipeline.publish.layout import lay_out

    pages: dict[Path, Job] = {}

    def lay(given: Path) -> object:
        return lay_out(pages[given])

    for given in map(Path, sys.argv[3:]):
        page = render_html(as_notebook(told_of(kind, given)), kind=kind, language=LANGUAGE)
        pages[given] = Job(html=page, variant="pdf/ua-1")
    return lay


PARTS: Mapping[str, Callable[[str, ExitStack], Each]] = {
    "around": around,
    "cells": cells,
    "layout": layout,
}


def main(part: str, kind: str, *inputs: str) -> None:
    """Profile one part, and print its shares as JSON."""
    profiler = cProfile.Profile(time.process_time)
    with ExitStack() as stack:
        each = PARTS[part](kind, stack)
        for number, given in enumerate(map(Path, inputs)):
            if number == WARM:
                profiler.enable()
            each(given)
        profiler.disable()
    print(json.dumps(dict(_shares(profiler))))


def _shares(profiler: cProfile.Profile) -> Iterator[tuple[str, float]]:
    """Yield each package and its share; what is built in counts for who called it."""
    taken: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if not file.startswith("~"):
            taken[_package(file)] += own
        for (caller, _, _), (_, _, of_it, _) in callers.items() if file.startswith("~") else ():
            taken[_package(caller)] += of_it
    whole = sum(taken.values())
    yield from ((name, seconds / whole) for name, seconds in taken.most_common())


def _package(file: str) -> str:
    """Return the package of a file: of ours with its room, of Python's own the module."""
    behind = file.rpartition(_LIBRARIES)[2]
    words = behind.removesuffix(".py").split("/")
    if _LIBRARIES in file:
        return words[0]
    if "pipeline" in words:
        return ".".join(words[words.index("pipeline") :][:2])
    return "Python"


if __name__ == "__main__":
    main(*sys.argv[1:])
