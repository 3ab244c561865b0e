"""The page of a case as the command makes it, without a kernel: the notebook's cells, run here."""

import ast
import json
import tempfile
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from pipeline.model import CaseInput
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.exporter import render_html
from pipeline.read.case_input import write_case_input
from pipeline.resources import resource_path


def page_of(kind: str, person: CaseInput, language: str, brand: Brand = NO_BRAND) -> str:
    """Return the HTML of one report of a case."""
    return render_html(executed(kind, person, language), kind=kind, language=language, brand=brand)


def review_page(language: str, path: str = "") -> str:
    """Return the HTML of a review: of the file at ``path``, else of people who do not exist."""
    notebook = _notebook("cohort_review", f"review_input = {path!r}\nlanguage = {language!r}")
    return render_html(notebook, kind="cohort_review", language=language)


def executed(kind: str, person: CaseInput, language: str) -> NotebookNode:
    """Return a report notebook with what its cells showed for a case."""
    with tempfile.TemporaryDirectory() as folder:
        input = Path(folder) / "input.json"
        write_case_input(person, input)
        return _notebook(kind, f"case_input = {str(input)!r}\nlanguage = {language!r}")


def _notebook(kind: str, parameters: str) -> NotebookNode:
    names: dict[str, Any] = {}
    return new_notebook(cells=[_run(source, names) for source in _sources(kind, parameters)])


def _sources(kind: str, parameters: str) -> list[str]:
    told = json.loads(resource_path(f"notebooks/{kind}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in told["cells"] if cell["cell_type"] == "code"]
    return [
        parameters if "parameters" in cell["metadata"].get("tags", ()) else "".join(cell["source"])
        for cell in cells
    ]


def _run(source: str, names: dict[str, Any]) -> NotebookNode:
    """Run a cell, and keep what its last expression shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # a notebook of ours
    if not isinstance(last, ast.Expr):
        return new_code_cell(source)
    shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    data, metadata = shown._repr_mimebundle_()
    outputs = [new_output("display_data", data=data, metadata=metadata)] if data else []
    return new_code_cell(source, outputs=outputs)
