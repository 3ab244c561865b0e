"""Runs what notebooks run in the test's own process, in place of kernels."""

import json

import pages

from pipeline.publish.kinds import CaseParameters
from pipeline.publish.notebook import Executed
from pipeline.read.case_input import read_case_input
from pipeline.show import RESULT_TYPE

Done = list[tuple[str, str]]  # case and language of each notebook that was run


def executed_here(kind: str, given: CaseParameters, *, sha256: str) -> Executed:
    """Return what the notebook of a kind comes to, whose cells' code is called here."""
    notebook = pages.executed(kind, read_case_input(given.case_input), given.language)
    notebook.cells[0].source = ""  # where the input lay
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    result = notebook.cells[-1].outputs[0].data[RESULT_TYPE]
    assert result["input_sha256"] == sha256
    return Executed(notebook=notebook, case=json.loads(json.dumps(result["case"])))


class NotebooksHere:
    """Stands for ``run_notebook``, and notes what it was asked for."""

    def __init__(self) -> None:
        self.done: Done = []

    def __call__(
        self, kind: str, given: CaseParameters, *, sha256: str, **rest: object
    ) -> Executed:
        """Run the notebook of a kind here."""
        self.done.append((read_case_input(given.case_input).case_id, given.language))
        return executed_here(kind, given, sha256=sha256)
