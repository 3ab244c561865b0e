"""A practice that is made up, as the benchmark of reports needs it: its files, cases and inputs."""

import datetime as dt
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from measuring import ROOT, environment_of_scripts

from pipeline.intake import Intake, take_in
from pipeline.publish.bare import INPUT_NAME
from pipeline.publish.brand import NO_BRAND
from pipeline.publish.journal import Journal
from pipeline.publish.keys import Keys
from pipeline.publish.ledger import Order
from pipeline.read.case_input import case_input_bytes
from pipeline.rules import load_rules

AS_OF, LANGUAGE, SEED = dt.date(2026, 9, 30), "nl", "7"

Spent = tuple[float, float]  # seconds on a clock, and of processors


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """What a run takes that finds every report of so many cases made.

    ``run`` reads all rows, as where one file was added; ``again`` is the same command once more,
    of which nothing changed; ``check`` reads and checks the same files and makes nothing.
    """

    cases: int
    run: Spent
    again: Spent
    check: Spent


@dataclass(frozen=True, kw_only=True)
class Practice:
    """The files of so many made people."""

    people: int
    folder: Path

    @classmethod
    def draw(cls, people: int, folder: Path) -> "Practice":
        """Draw people and write their files."""
        script = str(ROOT / "samples" / "made_practice.py")
        words = ("--people", str(people), "--seed", SEED, "--out", str(folder))
        command = [sys.executable, script, *words]
        subprocess.run(command, env=environment_of_scripts(), check=True)
        return cls(people=people, folder=folder)

    @property
    def words(self) -> list[str]:
        """Return what the command line says of it: files, people and the day."""
        files = [*map(str, self.files), "--people", str(self.folder / "people.csv")]
        return [*files, "--as-of", AS_OF.isoformat()]

    @property
    def files(self) -> list[Path]:
        """Return its lab files."""
        return sorted(self.folder.glob("lab_*.csv"))

    @cached_property
    def intake(self) -> Intake:
        """Return all that its files hold."""
        people = self.folder / "people.csv"
        return take_in(self.files, as_of=AS_OF, people=people, rules=load_rules())

    def input_of(self, case_id: str) -> Path:
        """Return the input file of a case, which is written the first time."""
        path = self.folder / "inputs" / case_id / INPUT_NAME
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.write_bytes(case_input_bytes(self.intake.case(case_id)))
        return path


def time_unchanged(practice: Practice, kind: str, out: Path) -> Unchanged:
    """Return what a run takes that finds every report made, and a check of the same files.

    One report is made; the journal then says of all others what a run would have noted of them.
    """
    one = practice.intake.case_ids[0]
    _casereport("report", kind, *practice.words, "--out", str(out), "--case", one)
    _note_all(practice, kind, out)
    run, again = (_casereport("report", kind, *practice.words, "--out", str(out)) for _ in range(2))
    check = _casereport("check", *practice.words, "--out", str(out.with_name("check")))
    return Unchanged(cases=len(practice.intake.case_ids), run=run, again=again, check=check)


def _note_all(practice: Practice, kind: str, out: Path) -> None:
    """Note of each case what a run notes; its files are there, and empty."""
    order = Order(kind=kind, inputs=(), out=out, as_of=AS_OF)
    keys, journal = Keys(order, brand=NO_BRAND), Journal(out)
    first, *others = practice.intake.case_ids
    made = journal.before((kind, first, LANGUAGE))
    assert made is not None
    for case_id in others:
        content = case_input_bytes(practice.intake.case(case_id))
        files = {name.replace(first, case_id): hash for name, hash in made.files.items()}
        for name in files:
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).touch()
        parts = keys.parts(content, LANGUAGE)
        journal.note(replace(made, case_id=case_id, files=files, parts=parts))


def _casereport(*words: str) -> Spent:
    """Run ``casereport`` once; return how long it took [s], on a clock and of processors."""
    command = [sys.executable, "-m", "pipeline", *words, "--quiet"]
    start, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=environment_of_scripts(), capture_output=True, check=False)
    if done.returncode not in (0, 5):  # 5: some cases of a made practice have no usable row
        raise SystemExit(done.stderr.decode())
    after = os.times()
    seconds = sum(after[2:4]) - sum(before[2:4])  # of children that have ended
    return time.perf_counter() - start, seconds
