"""A run that would change nothing ends at once, reads no row, and tells what it would tell."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import Ended, casereport
from notebooks_here import NotebooksHere

from pipeline import intake
from pipeline.errors import LabFileError
from pipeline.publish import settled, work
from pipeline.publish.files import WORK
from pipeline.publish.journal import JOURNAL
from pipeline.publish.notebook import NotebookError

pytestmark = pytest.mark.usefixtures("runs")
HEAD = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year\n"
ROW = "{id},{id}-s,2026-05-06,{analyte},{value},{unit},F,1971\n"
GOOD = "".join(
    ROW.format(id=id, analyte=analyte, value=value, unit=unit)
    for id in ("p1", "p2")
    for analyte, value, unit in (("glucose_fasting", "5.4", "mmol/L"), ("alt", "22", "U/L"))
)
ODD = ROW.format(id="p3", analyte="alt", value="", unit="U/L")  # of a case without a good row


class Folder:
    """A table, the folder of its reports, and the command that makes them."""

    def __init__(self, place: Path) -> None:
        self.kept = place.with_name("kept")
        self.lab, self.out = place / "lab.csv", place / "out"
        self.lab.write_text(HEAD + GOOD + ODD, "utf-8")

    def run(self, *more: str) -> Ended:
        words = ("report", "client_report", self.lab, "--out", self.out, "--jobs", "1", "--json")
        return casereport(*words, "--as-of=2026-09-30", "--format=html,json", *more)

    def lying(self) -> dict[str, tuple[bytes, int]]:
        """Return what each file holds, and when it was changed."""
        files = sorted(path for path in self.out.rglob("*") if path.is_file())
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Ended]:
    """Return a folder that holds the reports of its table, and how the command ended."""
    folder = Folder(tmp_path_factory.mktemp("settled"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "run_notebook", NotebooksHere())
        ended = folder.run()
    shutil.copytree(folder.lab.parent, folder.kept)
    return folder, ended


@pytest.fixture
def folder(made: tuple[Folder, Ended]) -> Folder:
    """Return that folder as it lay."""
    shutil.rmtree(made[0].lab.parent)
    shutil.copytree(made[0].kept, made[0].lab.parent)
    return made[0]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return what is told of each time that rows would be read; that run then ends."""
    done: list[object] = []

    def noted(*given: object, **rest: object) -> object:
        done.append(given)
        raise LabFileError("read")

    monkeypatch.setattr(intake, "take_in", noted)
    return done


def test_the_same_command_reads_nothing_a_second_time_and_tells_the_same(
    folder: Folder, made: tuple[Folder, Ended], reads: list, runs: list
) -> None:
    before = folder.lying()
    assert made[1].code == 4  # a case has no row that is good
    assert folder.run() == Ended(4, made[1].out, "")
    assert (folder.lying(), reads, runs) == (before, [], [])


@pytest.mark.skipif(sys.platform == "win32", reason="it has no locks of folders")
def test_what_a_run_before_could_not_remove_goes_even_with_one_that_has_nothing_to_do(
    folder: Folder, runs: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "cr-abcdefgh.cr").mkdir(mode=0o700)
    folder.run()
    assert (list(tmp_path.iterdir()), runs) == ([], [])


@pytest.mark.skipif(sys.platform == "win32", reason="it has no locks of folders")
@pytest.mark.parametrize(
    ("words", "left"),
    [(("cohort_review", "--store", "absent"), 0), (("client_report", "x", "--explain", "p1"), 1)],
)
def test_a_review_removes_it_too_and_what_only_explains_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], left: int
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "cr-abcdefgh.cr").mkdir(mode=0o700)
    assert casereport("report", *words, "--out", tmp_path / "out").code != 0
    assert len(list(tmp_path.glob("*.cr"))) == left


def test_it_tells_what_a_run_tells_that_reads_all_of_it(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, runs: list
) -> None:
    before, short = folder.lying(), folder.run()
    monkeypatch.setattr(settled, "_last_line", lambda path: b"")
    whole = folder.run()
    assert (whole.code, whole.out, runs) == (short.code, short.out, [])
    assert folder.lying().keys() == before.keys()
    for path, (content, changed) in folder.lying().items():
        if not path.endswith(JOURNAL):
            assert content == before[path][0]
        if "/p1/" in path:
            assert changed == before[path][1]


def test_how_it_is_run_does_not_matter(folder: Folder, reads: list) -> None:
    folder.run("--jobs=2")
    folder.run("--quiet")
    assert reads == []


def test_what_a_run_could_not_tidy_the_next_one_does(folder: Folder) -> None:
    before = folder.run().code
    (folder.out / WORK).mkdir()
    assert folder.run().code == before
    assert not (folder.out / WORK).exists()


def spoil_input(folder: Folder) -> None:
    folder.lab.write_text(HEAD + GOOD.replace("5.4", "5.5", 1) + ODD, "utf-8")


def spoil_report(folder: Folder) -> None:
    (folder.out / "p1/client_report.nl.html").write_text("other", "utf-8")


def lose(name: str) -> Callable[[Folder], None]:
    return lambda folder: (folder.out / name).unlink()


def touch_page(folder: Folder) -> None:
    os.utime(folder.out / "index.html", (0, 0))


def spoil_record(folder: Folder) -> None:
    """Change the record, and leave its size and time."""
    path = folder.out / "run.json"
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"p1"', b'"p9"', 1))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def cut_journal(folder: Folder) -> None:
    path = folder.out / JOURNAL
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_input,
        spoil_report,
        touch_page,
        spoil_record,
        cut_journal,
        *map(lose, ("run.json", "index.html", "validation.html", "quarantine.csv", JOURNAL)),
        lose("p2/case.json"),
    ],
)
def test_whatever_differs_is_seen(
    folder: Folder, reads: list, spoil: Callable[[Folder], None]
) -> None:
    spoil(folder)
    folder.run()
    assert len(reads) == 1


@pytest.mark.parametrize(
    "more",
    [
        ["--fresh"],
        ["--as-of=2026-09-29"],
        ["--language=en"],
        ["--case=p1"],
        ["--format=html"],
        ["--format=html,json,ipynb"],
    ],
)
def test_what_is_asked_otherwise_is_read(folder: Folder, reads: list, more: list[str]) -> None:
    folder.run(*more)
    assert len(reads) == 1


def test_a_changed_installation_is_seen(
    folder: Folder, reads: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "installation_hash", lambda: "another")
    folder.run()
    assert len(reads) == 1


def test_a_run_whose_input_changed_meanwhile_is_not_settled_though_it_changes_back(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, here = folder.lab.read_bytes(), work.run_notebook

    def changing(*args: Any, **rest: Any) -> Any:
        spoil_input(folder)
        return here(*args, **rest)

    monkeypatch.setattr(work, "run_notebook", changing)
    assert folder.run("--fresh").code == 4
    folder.lab.write_bytes(given)
    before = (folder.out / "run.json").stat().st_mtime_ns
    folder.run()
    assert (folder.out / "run.json").stat().st_mtime_ns != before


def test_a_run_in_which_a_report_failed_is_not_settled(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object, **rest: object) -> None:
        raise NotebookError("A cell stopped with ValueError.", cell="plan")

    monkeypatch.setattr(work, "run_notebook", fails)
    assert folder.run("--fresh").code == 4
    before = (folder.out / "run.json").stat().st_mtime_ns
    folder.run()
    assert (folder.out / "run.json").stat().st_mtime_ns != before
