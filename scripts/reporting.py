"""Makes reports of input files in one of the ways that are held beside ours; says each step.

``reporting.py WAY KIND OUT input.json …``; a line is "1 of 3: CASE notebook", then html, then pdf.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import which
from typing import Any

import nbformat

from pipeline.export import case_json
from pipeline.interpret import interpret, with_numbered_files
from pipeline.model import Audience
from pipeline.narrate import narrate
from pipeline.plot import plot_ogtt, plot_road, plot_trend
from pipeline.publish.exporter import render_html
from pipeline.publish.job import Job
from pipeline.publish.kernels.system import adopt_orphans
from pipeline.publish.kinds import notebook_of
from pipeline.read import read_case_input
from pipeline.show import finish, show, show_title

LANGUAGE = "nl"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; nothing is fetched, so that no network makes a way slow or fast.
_ALONE = ("--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND")
Steps = Iterator[str]
Way = Callable[[str, Path, Path], Steps]  # kind, input, folder of this case


def browser() -> str:
    """Return the path of the system's Chromium; "" where there is none."""
    return next(filter(None, map(which, BROWSERS)), "")


# The usual way: three programs a case.


def commands(kind: str, given: Path, folder: Path) -> Steps:
    """Run papermill, nbconvert and Chromium as programs."""
    executed, page = folder / f"{kind}.ipynb", folder / f"{kind}.html"
    values = ("-p", "case_input", str(given), "-p", "language", LANGUAGE)
    _run("papermill", str(notebook_of(kind)), str(executed), *values, "--no-progress-bar")
    yield "notebook"
    _run("jupyter", "nbconvert", "--to", "html", str(executed))
    yield "html"
    printed = f"--print-to-pdf={page.with_suffix('.pdf')}"
    _run(browser(), "--headless", "--disable-gpu", *_ALONE, printed, page.as_uri())
    yield "pdf"


def _run(program: str, *words: str) -> None:
    path = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    found = which(program, path=path) or program
    subprocess.run([found, *words], check=True, env=os.environ | {"PATH": path}, **quiet)
    _take_leave()


def _take_leave() -> None:
    """Count the time of what a program left behind as this process's own."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


# The same in one process.

_open = ExitStack()
_pages: list[Any] = []  # of the one browser, once it is open


def functions(kind: str, given: Path, folder: Path) -> Steps:
    """Call papermill, nbconvert and one Chromium through their own interfaces."""
    import papermill
    from nbconvert import HTMLExporter

    executed, values = folder / f"{kind}.ipynb", _values(given)
    options = {"parameters": values, "progress_bar": False, "kernel_name": "python3"}
    notebook = papermill.execute_notebook(str(notebook_of(kind)), str(executed), **options)
    yield "notebook"
    page = folder / f"{kind}.html"
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    yield "html"
    opened = _page()
    opened.goto(page.as_uri())
    opened.pdf(path=str(page.with_suffix(".pdf")))
    yield "pdf"


def _page() -> Any:
    if not _pages:
        from playwright.sync_api import sync_playwright

        chromium = _open.enter_context(sync_playwright()).chromium
        _pages.append(chromium.launch(executable_path=browser(), args=list(_ALONE)).new_page())
    return _pages[0]


def _values(given: Path) -> dict[str, str]:
    return {"case_input": str(given), "language": LANGUAGE}


def ploomber(kind: str, given: Path, folder: Path) -> Steps:
    """Run the notebook by ploomber-engine: in this process, without a kernel."""
    from ploomber_engine import execute_notebook

    places = (str(notebook_of(kind)), str(folder / f"{kind}.ipynb"))
    execute_notebook(*places, parameters=_values(given), progress_bar=False)
    yield "notebook"


# The floor: what the cells call, called.


def bare(kind: str, given: Path, folder: Path) -> Steps:
    """Call what the notebook calls, and lay its pages out; there is no notebook."""
    from pipeline.publish.layout import lay_out

    told = told_of(kind, given)
    yield "notebook"
    page = render_html(as_notebook(told), kind=kind, language=LANGUAGE)
    (folder / f"{kind}.html").write_text(page, encoding="utf-8")
    yield "html"
    (folder / f"{kind}.pdf").write_bytes(lay_out(Job(html=page, variant="pdf/ua-1")))
    yield "pdf"


def told_of(kind: str, given: Path) -> list[Any]:
    """Return what the cells of a notebook show, as Jupyter would store it."""
    interpretation = interpret(read_case_input(str(given)))
    shown = with_numbered_files(interpretation)
    is_client = kind == "client_report"
    audience = Audience.CLIENT if is_client else Audience.CLINICIAN
    story = narrate(shown, LANGUAGE, audience)
    figures = [plot_trend(shown, LANGUAGE, audience), plot_ogtt(shown, LANGUAGE, audience)]
    figures += [] if is_client else [plot_road(shown, LANGUAGE)]
    parts = [show_title(story), *map(show, story.sections), *map(show, figures)]
    ending = finish(case_json(interpretation), interpretation.case.sha256)
    return [part._repr_mimebundle_() for part in (*parts, ending)]


def as_notebook(told: list[Any]) -> nbformat.NotebookNode:
    """Return a notebook of one cell with these outputs."""
    new = nbformat.v4.new_output
    outputs = [new("display_data", data, metadata=about) for data, about in told if data]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])


WAYS: Mapping[str, Way] = {
    "commands": commands,
    "functions": functions,
    "ploomber": ploomber,
    "bare": bare,
}


def main(way: str, kind: str, out: str, *inputs: str) -> None:
    """Make the reports one after another."""
    adopt_orphans()
    print(f"0 of {len(inputs)}: nobody begun", flush=True)
    with _open:
        for number, given in enumerate(map(Path, inputs), start=1):
            folder = Path(out) / given.parent.name
            folder.mkdir(parents=True)
            for step in WAYS[way](kind, given, folder):
                print(f"{number} of {len(inputs)}: {given.parent.name} {step}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
