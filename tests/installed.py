"""A notebook of a few cells in the place of the case study, run as a report is."""

import os
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from pipeline.publish import kinds
from pipeline.publish.kinds import CaseParameters
from pipeline.publish.notebook import Executed, NotebookError, run_notebook

PARAMETERS = 'case_input: str = ""\nlanguage: str = "nl"'
SPEC = {"name": "python3", "language": "python", "display_name": "Python 3"}
FINISH = (
    "from pipeline.show import finish\n"
    "finish({'case_id': 'case-1', 'as_of': '2025-10-01', 'visits': []}, 'abc')"
)


class Installed:
    """Runs cells as the case study, in a folder of its own, with kernels of one run."""

    def __init__(self, place: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self.home = place, home
        (place / "notebooks").mkdir()
        monkeypatch.setattr(kinds, "resource_path", lambda name: place / name)

    def run(self, *cells: str) -> Executed:
        """Return what the cells came to, behind the parameters."""
        os.environ.pop("PYTEST_CURRENT_TEST", None)  # ipykernel prints less where it sees it
        self._write([*cells, FINISH])
        (self.place / "work").mkdir(exist_ok=True)
        given = CaseParameters(case_input=str(self.place / "input.json"), language="nl")
        folder = self.place / "work"
        return run_notebook("case_study", given, sha256="abc", folder=folder, home=self.home)

    def why_not(self, *cells: str) -> str:
        """Return why a report of these cells was not made."""
        with pytest.raises(NotebookError) as caught:
            self.run(*cells)
        return str(caught.value)

    def _write(self, sources: Sequence[str]) -> None:
        first = new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]})
        rest = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources, start=1)]
        notebook = new_notebook(cells=[first, *rest], metadata={"kernelspec": SPEC})
        (self.place / "notebooks/case_study.ipynb").write_text(nbformat.writes(notebook), "utf-8")
