"""The bar of a long reading: on a terminal only, gone at the end; steps are told to any watcher."""

import datetime as dt
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clinic import RULES

from pipeline.errors import LabFileError
from pipeline.intake import Step, take_in

ROOT = Path(__file__).resolve().parents[1]
HEADER = "case_id,sample_id,collected_at,analyte,value,unit"
COLOUR = re.compile(rb"\x1b\[[\d;]*(?<![\d])(?:3[0-7]|38|9[0-7])(?:;[\d;]*)?m")
ERASED = b"\x1b[2K"  # the line that the bar was on
ON_A_TERMINAL = {"TERM": "xterm-256color", "COLUMNS": "80"}
TOLD_BY_RICH = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM")


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table so long that it has a bar."""
    path = tmp_path_factory.mktemp("long") / "lab.csv"
    rows = [f"case-{n},sample-{n},2024-01-01,alt,22,U/L" for n in range(16_000)]
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return path


def command(path: Path, out: Path, *options: str) -> list[str]:
    words = ["check", str(path), "--as-of", "2025-10-01", "--out", str(out)]
    return [sys.executable, "-m", "pipeline", *words, *options]


def environment(changes: dict[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in TOLD_BY_RICH}
    return plain | ON_A_TERMINAL | changes


def on_a_terminal(words: list[str], **changes: str) -> tuple[int, bytes, bytes]:
    """Run a command whose stderr is a terminal; return its code, its stdout and what was shown."""
    ours, its = pty.openpty()
    run = subprocess.Popen(
        words, cwd=ROOT, env=environment(changes), stdout=subprocess.PIPE, stderr=its
    )
    os.close(its)
    shown, end = b"", time.monotonic() + 300
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                shown += os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    out, _ = run.communicate(timeout=60)
    return run.returncode, out, shown


def test_without_a_terminal_nothing_is_shown(long_file, tmp_path) -> None:
    ended = subprocess.run(
        command(long_file, tmp_path / "out"),
        cwd=ROOT,
        env=environment({"FORCE_COLOR": "1"}),
        capture_output=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\x1b" not in ended.stdout


def test_on_a_terminal_a_long_reading_shows_a_bar_that_is_gone_at_the_end(
    long_file, tmp_path
) -> None:
    code, out, shown = on_a_terminal(command(long_file, tmp_path / "out"))
    assert code == 0
    assert b"Reading the files" in shown
    assert b"Judging the rows" in shown
    assert "━".encode() in shown
    assert COLOUR.search(shown)
    after = shown[shown.rindex("━".encode()) :]
    assert ERASED in after
    assert not re.sub(rb"\x1b\[[\d;?]*[A-Za-z]", b"", after[after.rindex(ERASED) :]).strip()
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")  # the cursor is back
    assert b"\x1b" not in out


def test_no_color_takes_the_colour_and_leaves_the_bar(long_file, tmp_path) -> None:
    _, _, shown = on_a_terminal(command(long_file, tmp_path / "out"), NO_COLOR="1")
    assert "━".encode() in shown
    assert not COLOUR.search(shown)


@pytest.mark.parametrize("why", ["quiet", "a terminal that cannot", "a short file"])
def test_there_is_no_bar(long_file, tmp_path, why: str) -> None:
    short = tmp_path / "lab.csv"
    short.write_text(f"{HEADER}\ncase-1,s,2024-01-01,alt,22,U/L\n", encoding="utf-8")
    path = short if why == "a short file" else long_file
    options = ("--quiet",) if why == "quiet" else ()
    changes = {"TERM": "dumb"} if why == "a terminal that cannot" else {}
    code, _, shown = on_a_terminal(command(path, tmp_path / "out", *options), **changes)
    assert (code, shown) == (0, b"")


def test_a_reading_that_fails_leaves_its_error_and_no_bar(long_file, tmp_path) -> None:
    broken = tmp_path / "lab.csv"
    broken.write_text("x" * 600_000, encoding="utf-8")
    code, _, shown = on_a_terminal(command(broken, tmp_path / "out"))
    assert code == LabFileError.exit_code
    last = re.sub(rb"\x1b\[[\d;?]*[A-Za-z]", b"", shown.rstrip().splitlines()[-1])
    assert last.startswith(b"LabFileError: ")
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1


def test_whoever_watches_is_told_of_every_file_and_of_the_judging(tmp_path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for number, path in enumerate(paths):
        row = f"case-1,s{number},2024-01-01,alt,22,U/L\n"
        path.write_text(f"{HEADER}\n{row}", encoding="utf-8")
    size = paths[0].stat().st_size
    steps: list[Step] = []
    take_in(paths, as_of=dt.date(2025, 1, 1), rules=RULES, watch=steps.append)
    assert [(step.task, step.done, step.total) for step in steps] == [
        ("read", 0, 2 * size),
        ("read", size, 2 * size),
        ("judge", 0, 2),
        ("judge", 2, 2),
    ]


def test_the_bar_is_not_imported_where_none_is_shown() -> None:
    asked = "import sys, pipeline.__main__, pipeline.publish.progress; print('rich' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "False\n"


# -- the cases of a run


def test_a_run_of_many_cases_has_a_bar_with_what_failed_on_a_terminal_and_lines_elsewhere(
    tmp_path: Path,
) -> None:
    script = (
        "from pipeline.publish.progress import Done, shown_cases\n"
        "with shown_cases(quiet=False) as tell:\n"
        "    for n in range(1, 7):\n"
        "        word = 'not made' if n == 2 else 'made'\n"
        "        tell(Done(number=n, cases=6, case_id=f'p{n}', word=word))\n"
        "        __import__('time').sleep(0.15)\n"
    )
    words = [sys.executable, "-c", script]
    code, _, shown = on_a_terminal(words)
    assert (code, b"p1" in shown) == (0, False)
    assert b"1 not made" in shown
    assert re.search(rb"[3-6]/6", shown)
    assert ERASED in shown
    plain = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert plain.stderr.splitlines()[1:3] == ["2 of 6: p2 not made", "3 of 6: p3 made"]
