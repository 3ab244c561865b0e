"""Times the reports of many cases, beside the usual ways to make them from the same notebooks.

Each way runs as a program of its own, in turns. What it takes is told a case, once it is warm, and
held beside ours of the same cases in the same turn; of the turns the median counts. ``--write``
also writes docs/speed.md. The sizes are small; ``--cases 100 --turns 5`` says more, and takes long.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from measuring import ROOT, environment_of_scripts
from practice import Practice, Unchanged, time_unchanged
from profiling import profile
from reporting import browser
from speed_page import Found, Memory, Scale, Times, as_page, as_text
from stopwatch import Cost, Stamp, between, costs, run

STEPS = {"json": ("notebook",), "html": ("notebook", "html"), "pdf": ("notebook", "html", "pdf")}
FORMATS = {"json": "json", "html": "html,json", "pdf": "html,pdf,json"}
PAGE = ROOT / "docs" / "speed.md"
_PEOPLE_A_CASE = 2  # drawn: not everybody has results
_FIFTH = 5  # memory of the first fifth of the cases is held beside that of the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured, of what, and where."""

    kind: str
    practice: Practice
    cases: Sequence[str]
    warm: int  # cases first, which do not count
    usual: int  # cases that the usual ways make: these are slow
    work: Path

    def turn(self) -> list[Times]:
        """Return what each way takes a case, and ours of the same cases in the same turn."""
        own = {output: costs(self.ours(output))["made"] for output in FORMATS}
        found = []
        for way, cases in self._ways().items():
            taken = costs(self._beside(way, cases))
            counted = [case for case in cases if case in self.cases[self.warm :]]
            for output, steps in STEPS.items():
                if set(steps) <= set(taken):
                    theirs = _mean([taken[step] for step in steps], counted)
                    ours = _mean([own[output]], counted)
                    found.append(Times(way=way, output=output, theirs=theirs, ours=ours))
        return found

    def scale(self) -> Scale:
        """Return what a case takes in one process and in two, once both are warm."""
        first = 2 * self.warm
        one, two = (self.ours("pdf", jobs=jobs) for jobs in (1, 2))
        spans = (between(stamps[first], stamps[-1]) for stamps in (one, two))
        return Scale(*(cost.a(len(self.cases) - first) for cost in spans))

    def memory(self, jobs: int) -> Memory:
        """Return the most memory that so many processes take together, first and last."""
        stamps = self.ours("pdf", jobs=jobs, watched=True)[1:]
        fifth = max(1, len(stamps) // _FIFTH)
        whole, first, last = (_most(part) for part in (stamps, stamps[:fifth], stamps[-fifth:]))
        return Memory(jobs=jobs, cases=len(stamps), whole=whole, first=first, last=last)

    def ours(self, output: str, *, jobs: int = 1, watched: bool = False) -> list[Stamp]:
        """Return the stamps of a run of ours over all cases, in so many processes."""
        out = tempfile.mkdtemp(dir=self.work)
        words = ["report", self.kind, *self.practice.words, "--out", out, "--jobs", str(jobs)]
        words += ["--format", FORMATS[output], *(f"--case={case}" for case in self.cases)]
        command = [sys.executable, "-m", "pipeline", *words]
        return run(command, environment_of_scripts(), watched=watched)

    def _ways(self) -> Mapping[str, Sequence[str]]:
        """Return each way that can be had here, with the cases it makes."""
        few = self.cases[self.warm : self.warm + self.usual]
        ways = {"commands": few, "functions": self.cases[: self.warm + self.usual]}
        ways = ways if browser() else {}
        if find_spec("ploomber_engine"):
            ways["ploomber"] = self.cases
        return ways | {"bare": self.cases}

    def _beside(self, way: str, cases: Sequence[str]) -> list[Stamp]:
        script = str(ROOT / "scripts" / "reporting.py")
        inputs = [str(self.practice.input_of(case)) for case in cases]
        words = [script, way, self.kind, tempfile.mkdtemp(dir=self.work), *inputs]
        return run([sys.executable, *words], environment_of_scripts(), watched=False)


def _mean(steps: Sequence[Mapping[str, Cost]], cases: Sequence[str]) -> Cost:
    """Return what these steps together take a case."""
    return sum((step[case] for step in steps for case in cases), Cost.none()).a(len(cases))


def _most(stamps: Sequence[Stamp]) -> Mapping[str, float]:
    """Return the memory by part where their sum is the most."""
    return max((stamp.memory for stamp in stamps), key=lambda parts: sum(parts.values()))


def measure(asked: argparse.Namespace, work: Path) -> Found:
    """Return all that was asked for."""
    count = asked.warm + asked.cases
    practice = Practice.draw(_PEOPLE_A_CASE * count, work / "practice")
    cases = practice.intake.case_ids[:count]
    sizes = {"warm": asked.warm, "usual": asked.usual}
    bench = Bench(kind=asked.kind, practice=practice, cases=cases, work=work, **sizes)
    profiled = [practice.input_of(case) for case in cases[: asked.warm + asked.usual]]
    return Found(
        kind=asked.kind,
        cases=asked.cases,
        turns=[bench.turn() for _ in range(asked.turns)],
        scales=[bench.scale() for _ in range(asked.turns)] if asked.two else [],
        memory=[bench.memory(jobs) for jobs in (1, 2)] if asked.two else [],
        unchanged=unchanged(asked, work),
        profile=profile(asked.kind, profiled),
    )


def unchanged(asked: argparse.Namespace, work: Path) -> Unchanged | None:
    """Return what a run takes that has nothing to make, of so many people as asked for."""
    if not asked.unchanged:
        return None
    many = Practice.draw(asked.unchanged, work / "many")
    return time_unchanged(many, asked.kind, work / "unchanged")


def asked_for() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description="Times the reports of many cases.")
    parser.add_argument("--kind", default="client_report", choices=("client_report", "case_study"))
    parser.add_argument("--cases", type=int, default=12, help="that count")
    parser.add_argument("--usual", type=int, default=2, help="of these, in the usual ways")
    parser.add_argument("--warm", type=int, default=2, help="more, first, that do not count")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--unchanged", type=int, default=2_000, help="people; 0: not measured")
    parser.add_argument("--one", dest="two", action="store_false", help="no second process")
    parser.add_argument("--write", action="store_true", help="docs/speed.md too")
    return parser.parse_args()


def main() -> None:
    """Measure, print the tables, and write the page where that is asked for."""
    asked = asked_for()
    with tempfile.TemporaryDirectory() as work:
        found = measure(asked, Path(work))
    print(as_text(found))
    if asked.write:
        command = " ".join(["python scripts/bench_reports.py", *sys.argv[1:]])
        PAGE.write_text(as_page(found, command=command), encoding="utf-8")


if __name__ == "__main__":
    main()
