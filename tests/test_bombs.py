"""A page made to hang or to eat all memory costs itself alone, within a time and a memory."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest
from sizes import sized

from pipeline.errors import ReportError
from pipeline.publish.job import Job
from pipeline.publish.pdf import MEGABYTES, SECONDS, Printer

pytestmark = pytest.mark.xdist_group("report")
PAGE = Job(html="<html lang=en><title>t</title><p>Well.</p></html>", variant="pdf/ua-1")
CELLS = "".join(f"<td>{n}</td>" for n in range(150))
BOMBS = {
    "nested": "<div>" * 2_000 + "x" + "</div>" * 2_000,
    "spanning": "<table><tr><td colspan=100000>x</td></tr></table>",
    "cells": f"<table>{f'<tr>{CELLS}</tr>' * 300}</table>",
    "letters": "x" * 10_000_000,
    "picture": (
        "<svg width=100 height=100><defs><g id=a><path d='M0 0'/></g>"
        + "".join(
            f"<g id={chr(98 + n)}>{f'<use href=#{chr(97 + n)} />' * 10}</g>" for n in range(9)
        )
        + "</defs><use href=#j /></svg>"
    ),
}


@pytest.fixture(scope="module")
def printer(pango: None) -> Iterator[Printer]:
    """Return a printer with the limits of a run; in ``make test`` with less patience."""
    with Printer(seconds=sized(2, full=SECONDS), megabytes=MEGABYTES) as printer:
        yield printer


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_within_its_limits_and_the_next_page_is_made(printer, name: str) -> None:
    bomb = Job(html=f"<html lang=en><title>t</title>{BOMBS[name]}</html>", variant="pdf/ua-1")
    started = time.monotonic()
    with suppress(ReportError):
        assert printer.answer(bomb).startswith(b"%PDF")
    assert time.monotonic() - started < 2 * printer.seconds + 5  # others work beside it
    assert printer.answer(PAGE).startswith(b"%PDF")


def test_a_page_beyond_its_time_or_memory_is_said_to_be(pango: None) -> None:
    slow = Job(html=f"<html>{BOMBS['cells']}</html>", variant="pdf/ua-1")
    with (
        Printer(seconds=0.2) as hasty,
        pytest.raises(ReportError, match=r"more than 0\.2 s or 1024 MB"),
    ):
        hasty.answer(slow)
    large = Job(html=f"<html><!--{'x' * 200_000_000}--></html>", variant="pdf/ua-1")
    with (
        Printer(megabytes=500) as small,
        pytest.raises(ReportError, match="60 s or 500 MB"),
    ):
        small.answer(large)


def test_a_page_does_not_fail_because_the_machine_had_more_to_do(pango: None) -> None:
    with Printer(seconds=2) as printer:
        printer.answer(PAGE)  # it is warm
        process = printer._process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        goes_on = Timer(3, process.send_signal, [signal.SIGCONT])
        goes_on.start()
        assert printer.answer(PAGE).startswith(b"%PDF")
        goes_on.join()


def test_a_printer_gives_the_same_bytes_again_and_ends_when_it_is_closed(pango: None) -> None:
    printer = Printer()
    first = printer.answer(PAGE)
    process = printer._process
    assert process is not None
    assert printer.answer(PAGE) == first
    assert printer._process is process
    printer.close()
    assert process.poll() is not None


def test_without_pango_a_run_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('no pango')", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Printer() as printer, pytest.raises(ReportError, match="Unable to find Pango"):
        printer.answer(PAGE)


def test_no_module_of_the_folder_one_works_in_takes_part(
    pango, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('no pango')", "utf-8")
    monkeypatch.chdir(tmp_path)
    with Printer() as printer:
        assert printer.answer(PAGE).startswith(b"%PDF")


def test_a_run_without_a_pdf_does_not_load_what_draws_one(root: Path) -> None:
    asked = "import sys, pipeline.publish.report; print('weasyprint' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", asked], cwd=root, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"
