"""Notebooks in git are source: typed parameters, named cells, a call and what it shows in each."""

import ast
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode

from pipeline.publish.kinds import REPORTS
from pipeline.publish.notebook import check_cells, check_parameters

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
MOST_LINES = 60


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_of(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_every_kind_of_report_has_a_notebook_and_a_template_of_its_name() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(REPORTS)
    for kind in REPORTS:
        assert (ROOT / "templates" / kind / "conf.json").is_file()
        assert (ROOT / "templates" / kind / "index.html.j2").is_file()


@each_notebook
def test_a_notebook_declares_the_parameters_that_publish_gives(path: Path) -> None:
    declared = {
        name: one["inferred_type_name"] for name, one in papermill.inspect_notebook(path).items()
    }
    assert declared == {field.name: field.type.__name__ for field in fields(REPORTS[path.stem])}
    check_parameters(path, REPORTS[path.stem])


@each_notebook
def test_a_notebook_has_no_outputs_counts_or_metadata_of_a_run(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in code_of(path):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert set(cell.metadata) <= {"tags"}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}


@each_notebook
def test_the_cells_of_a_notebook_are_named_for_what_they_do(path: Path) -> None:
    for cell in read(path).cells:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id)


@each_notebook
def test_a_notebook_defines_nothing_and_leaves_the_kernel_alone(path: Path) -> None:
    banned = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.If, ast.Try)
    for cell in code_of(path):
        tree = ast.parse(cell.source)  # a magic or a shell line is no Python
        assert not [node for node in ast.walk(tree) if isinstance(node, banned)], cell.id
    check_cells(path)
    assert sum(len(cell.source.splitlines()) for cell in code_of(path)) <= MOST_LINES


@each_notebook
def test_a_notebook_imports_only_the_pipeline_and_shows_only_what_escapes(path: Path) -> None:
    ours: set[str] = set()
    for cell in code_of(path):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.Import), cell.id
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").startswith("pipeline."), cell.id
                ours |= {name.name for name in node.names if node.module == "pipeline.show"}
        last = ast.parse(cell.source).body[-1]
        if isinstance(last, ast.Expr):
            assert isinstance(last.value, ast.Call), cell.id
            assert isinstance(last.value.func, ast.Name), cell.id
            assert last.value.func.id in ours, cell.id
    assert ours


@each_notebook
def test_a_notebook_ends_with_its_result(path: Path) -> None:
    assert read(path).cells[-1].id == "finish"
    assert code_of(path)[-1].source.startswith("finish(")


@pytest.mark.xdist_group("kernel")
def test_the_case_study_opens_with_the_built_in_case_from_any_folder(
    tmp_path: Path, run_in: Callable[[Path, Path], NotebookNode]
) -> None:
    executed = run_in(ROOT / "notebooks" / "case_study.ipynb", tmp_path)
    shown = "".join(str(cell.get("outputs", "")) for cell in executed.cells)
    assert "seed_case" in shown
    assert "vnd.casereport" in shown


@pytest.fixture
def run_in() -> Callable[[Path, Path], NotebookNode]:
    """Return what runs a notebook with its own parameters, as a person in Jupyter would."""
    from nbclient import NotebookClient

    from pipeline.publish.kernels.manager import ReportKernelManager

    def run(path: Path, folder: Path) -> NotebookNode:
        place = {"metadata": {"path": str(folder)}}
        client = NotebookClient(
            read(path),
            kernel_name="python3",
            kernel_manager_class=ReportKernelManager,
            resources=place,
            timeout=300,
            startup_timeout=120,
        )
        return client.execute()

    return run
