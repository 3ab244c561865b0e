"""A run of the command done over and over in forks of this process, with a fault at each write.

Notebooks are not run again: what they showed is kept. All else is the program as it is, from the
inputs that were read to the last file. It prints what became of each try as a line of JSON.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from apart import published
from faults import FAULTS, Writes
from notebooks_here import executed_here

from pipeline.__main__ import main
from pipeline.commands import shared
from pipeline.publish import work as publish_work
from pipeline.publish.files import WORK
from pipeline.publish.journal import JOURNAL
from pipeline.publish.kinds import CaseParameters
from pipeline.publish.notebook import Executed, NotebookError

HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year\n"
ROW = "{id},{id}-s,2026-03-06,glucose_fasting,{value},mmol/L,F,1971\n"
WORDS = "report client_report lab.csv --out=out --as-of=2026-09-30 --jobs=1 --quiet"
FORMATS = "html,json,ipynb"
REFUSED = "neg"  # is no glucose: no report comes of such a row
Files = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A run to be disturbed: whom it is of, whose notebook fails, and what ran before it."""

    people: Mapping[str, str]  # and the glucose of each
    languages: Sequence[str] = ("nl",)
    failing: str = ""
    before: "Scenario | None" = None


EARLIER = Scenario(people=dict.fromkeys("abcde", "5.4") | {"f": REFUSED}, failing="b")
NOW = Scenario(people=EARLIER.people | {"a": "6.9", "d": REFUSED}, failing="c", before=EARLIER)
SCENARIOS = {
    "the first run": Scenario(people={"a": "5.4", "b": REFUSED, "c": "6.9"}),
    "two languages": Scenario(people={"a": "5.4"}, languages=("nl", "en")),
    "a run over another": NOW,
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended, and what it printed on stderr."""

    code: int
    err: str
    points: Sequence[str] = ()
    unseen: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of a run with a fault, and of one after it without any."""

    point: str
    fault: str
    code: int
    err: str
    odd: Sequence[str] = ()  # files at a final name that are of neither run
    same: bool = False  # whether all is as after the undisturbed run
    again: int = 0  # the exit code of the run afterwards
    differs: Sequence[str] = ()  # files that are then not those of the undisturbed run
    left: Sequence[str] = field(default=())  # what is then left of temporary files


class Kept:
    """What the inputs and the notebooks came to, found once."""

    def __init__(self) -> None:
        self.failing = ""
        self._intakes: dict[bytes, Any] = {}
        self._notebooks: dict[tuple[str, str], Executed] = {}
        self._pages: dict[tuple[bytes, str], str] = {}
        self._read, self._render = shared.read_asked, publish_work.render_html

    def install(self) -> None:
        shared.read_asked = self.read
        publish_work.run_notebook = self.run
        publish_work.render_html = self.render

    def read(self, asked: Any, **known: Any) -> Any:
        content = Path("lab.csv").read_bytes()
        if content not in self._intakes:
            self._intakes[content] = self._read(asked, **known)
        return self._intakes[content]

    def run(
        self, kind: str, given: CaseParameters, *, sha256: str, folder: Path, home: Path
    ) -> Executed:
        key = (sha256, given.language)
        if key not in self._notebooks:
            self._notebooks[key] = executed_here(kind, given, sha256=sha256)
        found = deepcopy(self._notebooks[key])
        if found.case["case_id"] == self.failing:
            partial = folder / "partial.ipynb"
            nbformat.write(found.notebook, partial)
            raise NotebookError("A cell stopped with ValueError.", cell="plan", partial=partial)
        return found

    def render(self, notebook: Any, *, language: str, **rest: Any) -> str:
        key = (nbformat.writes(notebook).encode(), language)
        if key not in self._pages:
            self._pages[key] = self._render(notebook, language=language, **rest)
        return self._pages[key]


class Trial:
    """One scenario below a folder, of which each try begins alike."""

    def __init__(self, root: Path, scenario: Scenario, kept: Kept) -> None:
        self.out, self.start, self.temporary = root / "out", root / "start", root / "tmp"
        self.scenario, self.kept = scenario, kept
        tempfile.tempdir = str(self.temporary)
        self.start.mkdir(parents=True)
        os.chdir(root)
        if scenario.before is not None:
            self._reset()
            self._give(scenario.before)
            self._here(scenario.before)
            self.out.rename(self.start / "out")
        self._give(scenario)
        self._reset()
        self._here(scenario)  # what is kept of it is then known to every fork
        self.before = published(self.start / "out")
        self._reset()
        self.undisturbed = self.run()
        self.whole, self.entries = published(self.out), _entries(self.out)

    def tries(self, wanted: Callable[[int, str], bool]) -> Iterator[Tried]:
        """Yield what became of each fault at each write, of those that are wanted."""
        for at, point in enumerate(self.undisturbed.points):
            for fault in FAULTS:
                if wanted(at, fault) and (fault != "killed midway" or point.startswith("write")):
                    yield self._tried(at, point, fault)

    def run(self, at: int = -1, fault: str = "") -> Ended:
        """Run the command in a fork of this process."""
        told = Path("told.json")
        told.write_text("{}")
        pid = os.fork()
        if not pid:
            _be_quiet()
            writes = Writes([self.out, self.temporary], at=at, fault=fault)
            writes.install()
            code = self._main(self.scenario)
            told.write_text(json.dumps({"points": writes.points, "unseen": writes.unseen}))
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        err = Path("err").read_text("utf-8")
        return Ended(
            code=os.waitstatus_to_exitcode(status), err=err, **json.loads(told.read_text())
        )

    def _tried(self, at: int, point: str, fault: str) -> Tried:
        self._reset()
        ended = self.run(at, fault)
        found = published(self.out)
        same = found == self.whole
        odd = [name for name in found if not self._is_whole(name, found[name])]
        again = self.run()
        after = published(self.out)
        names = sorted({*after, *self.whole})
        differs = [name for name in names if after.get(name) != self.whole.get(name)]
        if _entries(self.out) != self.entries:
            differs.append(JOURNAL)
        left = [*self.temporary.iterdir(), *self.out.glob(WORK)]
        return Tried(
            point=point,
            fault=fault,
            code=ended.code,
            err=ended.err,
            odd=odd,
            same=same,
            again=again.code,
            differs=differs,
            left=[str(path) for path in left],
        )

    def _is_whole(self, name: str, content: bytes) -> bool:
        """Return whether a file is of this run or the one before; a record may be of its end."""
        if content in (self.whole.get(name), self.before.get(name)):
            return True
        if name == "run.json":
            return bool(json.loads(content)["ended"])
        return name == "index.html" and content.rstrip().endswith(b"</html>")

    def _reset(self) -> None:
        for folder in (self.out, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        self.temporary.mkdir()
        if (self.start / "out").exists():
            shutil.copytree(self.start / "out", self.out)  # with the times of the files

    def _give(self, scenario: Scenario) -> None:
        """Write the input of a scenario."""
        rows = [ROW.format(id=id, value=value) for id, value in scenario.people.items()]
        Path("lab.csv").write_text(HEAD + "".join(rows), "utf-8")

    def _here(self, scenario: Scenario) -> None:
        """Run the command in this very process."""
        assert self._main(scenario) == (4 if self._has_failures(scenario) else 0)

    def _main(self, scenario: Scenario) -> int:
        self.kept.failing = scenario.failing
        languages = [f"--language={language}" for language in scenario.languages]
        return main([*WORDS.split(), f"--format={FORMATS}", *languages])

    @staticmethod
    def _has_failures(scenario: Scenario) -> bool:
        return REFUSED in scenario.people.values() or bool(scenario.failing)


def _be_quiet() -> None:
    """Print into a file from now on."""
    handle = os.open("err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 2)
    os.umask(0o077)


def _entries(out: Path) -> list[Any]:
    """Return what the journal says, without the times of files."""
    lines = map(json.loads, (out / JOURNAL).read_bytes().splitlines())
    return [{name: line[name] for name in line if name != "lay"} for line in lines]


def _wanted(share: int) -> Callable[[int, str], bool]:
    """Return which faults to try at which writes: one of so many, an odd number, in turn."""
    return lambda at, fault: (at * len(FAULTS) + FAULTS.index(fault)) % share == 0


def _main(root: Path, share: int, *scenarios: str) -> None:
    os.umask(0o077)
    kept = Kept()
    kept.install()
    for number, name in enumerate(scenarios):
        trial = Trial(root / str(number), SCENARIOS[name], kept)
        tries = map(asdict, trial.tries(_wanted(share)))
        told = {"undisturbed": asdict(trial.undisturbed), "tried": list(tries)}
        print(json.dumps({"scenario": name} | told), flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), *sys.argv[3:])
