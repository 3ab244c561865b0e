"""Publishing floor. Runs one report notebook, and judges whether it was finished."""

import ast
import errno
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors
from papermill.iorw import load_notebook_node, write_ipynb
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from pipeline import errors
from pipeline.errors import OutputError, ReportError
from pipeline.publish.files import told_as_output_error
from pipeline.publish.kernels.bounds import Bounds
from pipeline.publish.kernels.engine import ENGINE, ReportEngine
from pipeline.publish.kernels.manager import at_home
from pipeline.publish.kinds import Parameters, notebook_of
from pipeline.show import RESULT_TYPE

START_SECONDS = 120
CELL_SECONDS = 300
REPORT_SECONDS = 600  # all cells together
OUTPUT_MEGABYTES = 20  # all cells together; a case study has 1
_LEAVING_TAGS = {"raises-exception", "skip-execution"}  # tags by which a notebook could pass
_LEAVING_NAMES = {"exit", "quit", "get_ipython"}  # and words; magic and shell lines are no Python
papermill_engines.register(ENGINE, ReportEngine)  # also where the package is not installed
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # with which no other report could be made
_OUR_ERRORS = {name for name, it in vars(errors).items() if isinstance(it, type)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A notebook of which every cell ran, and the result it ended with."""

    notebook: NotebookNode
    case: dict[str, Any]


class NotebookError(ReportError):
    """A report notebook did not reach its end: which cell, why, and what there is of it."""

    def __init__(self, cause: str, *, cell: str = "", partial: Path | None = None) -> None:
        """Say the cause in a sentence; ``partial`` is the notebook as far as it came."""
        super().__init__(cause)
        self.cell = cell
        self.partial = partial


def check_parameters(path: Path, wanted: type[Parameters]) -> None:
    """Compare the parameters a notebook declares with those it will be given.

    papermill runs the name of a parameter as code and lets an unknown one pass: we do not.
    Raises ReportError where a name or a type differs.
    """
    declared = {
        name: parameter["inferred_type_name"]
        for name, parameter in papermill.inspect_notebook(str(path)).items()
    }
    given = {field.name: getattr(field.type, "__name__", field.type) for field in fields(wanted)}
    if declared != given:
        raise ReportError(f"'{path.name}' declares {declared}, but is given {given}.")


def check_cells(path: Path) -> None:
    """Hold the cells of a notebook against what could make one that failed look finished.

    Raises NotebookError where a cell is no plain Python, is tagged to be left out or to be allowed
    to fail, or could end the notebook.
    """
    for cell in filter(_is_code, nbformat.read(path, as_version=4).cells):
        tags = _LEAVING_TAGS.intersection(cell.metadata.get("tags", ()))
        if tags:
            raise NotebookError(f"A cell has the tag '{min(tags)}'.", cell=cell.id)
        names = _LEAVING_NAMES.intersection(_names(cell))
        if names:
            raise NotebookError(f"A cell uses '{min(names)}'.", cell=cell.id)


def run_notebook(
    kind: str, parameters: Parameters, *, sha256: str, folder: Path, home: Path
) -> Executed:
    """Return the notebook of a kind, run with these parameters, and its result.

    ``folder`` is the notebook's working folder, ``home`` where kernels get theirs, ``sha256`` the
    hash of the input it reads. Raises ReportError where the parameters differ, NotebookError where
    the report is not whole, and OutputError where a folder has no room for any.
    """
    path = notebook_of(kind)
    check_parameters(path, type(parameters))
    check_cells(path)
    partial = folder / f"{kind}.{parameters.language}.partial.ipynb"
    bounds = _bounds()
    try:
        notebook = _execute(path, partial, parameters, config=at_home(home, bounds))
    except OutputError:
        raise
    except Exception as error:  # whatever a notebook does, it costs this one report
        _require_room(error, folder)
        cause = bounds.too_much() or _cause(error, bounds)
        raise NotebookError(cause, cell=_stopped_at(partial), partial=partial) from None
    return _judged(notebook, sha256=sha256, partial=partial)


def _bounds() -> Bounds:
    """Return what a report may take, from now on."""
    return Bounds(cell_seconds=CELL_SECONDS, seconds=REPORT_SECONDS, megabytes=OUTPUT_MEGABYTES)


def _execute(path: Path, partial: Path, parameters: Parameters, *, config: Config) -> NotebookNode:
    """Run the notebook by papermill's steps; what there is of one that failed is written.

    papermill's ``execute_notebook`` is these steps, and writes the notebook before and after each
    cell and at the end: that takes as long as all else that this process does for a report.
    """
    kernel = {"kernel_name": "python3", "engine_name": ENGINE}
    prepared = parameterize_notebook(load_notebook_node(str(path)), asdict(parameters), **kernel)
    notebook = papermill_engines.execute_notebook_with_engine(
        nb=prepare_notebook_metadata(prepared, str(path), str(partial)),
        progress_bar=False,
        start_timeout=START_SECONDS,
        execution_timeout=CELL_SECONDS,
        timeout_func=config.ReportKernelManager.bounds.seconds_for,
        config=config,
        resources={"metadata": {"path": str(partial.parent)}},  # papermill's cwd= moves all threads
        **kernel,
    )
    raise_for_execution_errors(notebook, str(partial))  # which writes what failed
    return notebook


def _require_room(error: Exception, folder: Path) -> None:
    """Raise OutputError where the disk stopped a notebook: it would stop the next one too."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        with told_as_output_error(Path(error.filename or folder)):
            raise error


def _cause(error: Exception, bounds: Bounds) -> str:
    """Return in a sentence why a notebook stopped, without any value of a person.

    Of a foreign error only the kind is told: its text may quote what a cell was working on.
    """
    match error:
        case PapermillExecutionError() if error.ename in _OUR_ERRORS:
            return f"{error.ename}: {error.evalue}"
        case PapermillExecutionError() if error.ename == "StdinNotImplementedError":
            return "A cell asked for something to be typed in."
        case PapermillExecutionError():
            return f"A cell stopped with {error.ename}."
        case CellTimeoutError():
            return bounds.too_long()
        case DeadKernelError():
            return "The kernel died."
    return f"The kernel could not run the notebook ({type(error).__name__})."


def _stopped_at(partial: Path) -> str:
    """Return the id of the cell at which a run stopped; "" where not even one began."""
    if not partial.exists():
        return ""
    cells = [cell for cell in nbformat.read(partial, as_version=4).cells if _is_code(cell)]
    failed = [cell for cell in cells if any(_errors(cell))]
    begun = [cell for cell in cells if cell.metadata.get("papermill", {}).get("start_time")]
    return str((failed[:1] or begun[-1:] or [{"id": ""}])[0]["id"])


def _judged(notebook: NotebookNode, *, sha256: str, partial: Path) -> Executed:
    """Return what ran to its end; refuse, and write, what papermill alone would let pass."""
    try:
        _require_every_cell(notebook, partial)
        return Executed(notebook=notebook, case=_result(notebook, sha256=sha256, partial=partial))
    except NotebookError:
        try:
            write_ipynb(notebook, str(partial))
        except OSError as error:
            _require_room(error, partial.parent)
        raise


def _require_every_cell(notebook: NotebookNode, partial: Path) -> None:
    """Refuse a run that papermill calls a success: a cell left out, an error, a word on stderr."""
    for cell in filter(_is_code, notebook.cells):
        if cell.source.strip() and cell.execution_count is None:
            raise NotebookError("A cell was not run.", cell=cell.id, partial=partial)
        if any(_errors(cell)):
            raise NotebookError("A cell ended the notebook early.", cell=cell.id, partial=partial)
        if any(output.get("name") == "stderr" for output in cell.outputs):
            raise NotebookError("A cell wrote on stderr.", cell=cell.id, partial=partial)


def _result(notebook: NotebookNode, *, sha256: str, partial: Path) -> dict[str, Any]:
    """Return the result in the last code cell: the proof that the report is whole, and of whom."""
    last = [cell for cell in notebook.cells if _is_code(cell)][-1]
    results = [output.data[RESULT_TYPE] for output in last.outputs if RESULT_TYPE in _of(output)]
    if len(results) != 1:
        raise NotebookError("The last cell shows no result.", cell=last.id, partial=partial)
    if results[0].get("input_sha256") != sha256:
        cause = "The result is that of another input."
        raise NotebookError(cause, cell=last.id, partial=partial)
    return dict(results[0]["case"])


def _names(cell: NotebookNode) -> Iterator[str]:
    """Return the names that a cell's code uses."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        raise NotebookError("A cell is not plain Python.", cell=cell.id) from None
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _is_code(cell: NotebookNode) -> bool:
    """Return whether a cell is one that runs."""
    return bool(cell.cell_type == "code")


def _errors(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the errors a cell ended with."""
    return (output for output in cell.outputs if output.output_type == "error")


def _of(output: NotebookNode) -> NotebookNode:
    """Return the MIME bundle of an output; of a stream an empty one."""
    return output.get("data", {})
