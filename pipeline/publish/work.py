"""Publishing floor. The work of one report: its notebook is run, laid out and printed.

It knows no output folder: what it needs comes with the task, and what it makes goes back as bytes,
so that it can be done in this process, in another, or on another machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import nbformat
from nbformat.reader import NotJSONError

from pipeline.errors import OutputError, PipelineError, ReportError
from pipeline.language import Language
from pipeline.publish.bare import INPUT_NAME, bare_notebook, told_hash
from pipeline.publish.exporter import render_html
from pipeline.publish.files import as_json, publish, told_as_output_error
from pipeline.publish.in_short import CaseInShort, case_in_short
from pipeline.publish.kinds import REVIEW, CaseParameters, Parameters, ReviewParameters
from pipeline.publish.notebook import Executed, NotebookError, run_notebook
from pipeline.publish.pdf import render_archive, render_pdf
from pipeline.publish.task import Outcome, Product, Stopped, Task


def make_report(task: Task, *, home: Path) -> Outcome:
    """Make one report; one that fails costs only itself. ``home`` is where kernels get folders.

    Raises OutputError where the folder to work in cannot be written to.
    """
    with _folder_of(task, home) as folder:
        try:
            executed, told = _run(task, folder, home=home)
        except OutputError:
            raise
        except Exception as error:
            return _stopped(error)
        return _made(task, executed, told)


@contextmanager
def _folder_of(task: Task, home: Path) -> Iterator[Path]:
    """Give a folder of this task alone, which is gone afterwards; it is one that a run tidies."""
    place = Path(task.place or home)
    with told_as_output_error(place):
        folder = Path(mkdtemp(prefix=f"{task.name}-", dir=place))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def _run(task: Task, folder: Path, *, home: Path) -> tuple[Executed, str]:
    """Run the notebook on the input, and return with it the hash of what it told."""
    sha256 = publish(task.content, folder / INPUT_NAME, work=folder)
    path = str(folder / INPUT_NAME)
    given: Parameters = CaseParameters(case_input=path, language=task.language)
    if task.kind == REVIEW:
        given = ReviewParameters(review_input=path, language=task.language)
    executed = run_notebook(task.kind, given, sha256=sha256, folder=folder, home=home)
    return executed, told_hash(executed.notebook, sha256=sha256, named="ipynb" in task.formats)


def _made(task: Task, executed: Executed, told: str) -> Outcome:
    """Return the report of an executed notebook; the case in short also where it has no page."""
    short = None if task.kind == REVIEW else case_in_short(executed.case)
    result = as_json(executed.case)
    try:
        files = {} if told == task.known else dict(_files(task, executed, result))
    except Exception as error:
        return _stopped(error, in_short=short)
    return Product(told=told, result=result, files=files, in_short=short)


def _files(task: Task, executed: Executed, result: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield ending and bytes of each ordered file of a report, except the result itself."""
    formats = task.formats
    if "html" in formats or "pdf" in formats:
        html = render_html(
            executed.notebook, kind=task.kind, language=task.language, brand=task.brand
        )
    if "html" in formats:
        yield "html", html.encode()
    if "pdf" in formats:
        yield "pdf", _pdf(task, html, result)
    if "ipynb" in formats:
        yield "ipynb", bare_notebook(executed.notebook)


def _pdf(task: Task, html: str, result: bytes) -> bytes:
    """Return the page as the PDF that was ordered; one for the archive holds the result."""
    if task.pdf == "ua":
        return render_pdf(html)
    about = Language.load(task.language).text("page.document.attached")
    return render_archive(html, result, as_of=task.as_of, about=about)


def _stopped(error: Exception, *, in_short: CaseInShort | None = None) -> Stopped:
    """Return why a report was not made; of a foreign error the class: its text may quote values."""
    told = error
    if not isinstance(error, PipelineError):
        told = ReportError(f"The report stopped with {type(error).__name__}.")
    assert isinstance(told, PipelineError)
    return Stopped(
        cause=str(told),
        exit_code=told.exit_code,
        cell=error.cell if isinstance(error, NotebookError) else "",
        partial=_as_far(error.partial) if isinstance(error, NotebookError) else b"",
        in_short=in_short,
    )


def _as_far(partial: Path | None) -> bytes:
    """Return a notebook that did not reach its end, stripped; b"" where there is none."""
    if partial is not None:
        with suppress(FileNotFoundError, NotJSONError):
            return bare_notebook(nbformat.read(partial, as_version=4))
    return b""
