"""A copy of the program in which a case may do harm, and the command over some people there.

Its client's report first does what a file says of the case; all else is the program as it is.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from apart import Command, short_folder
from nbformat.v4 import new_code_cell

KIND = "client_report"
POISON = (
    "import json, os\n"
    "from pathlib import Path\n"
    "poison = json.loads(Path(os.environ['CASEREPORT_POISON']).read_text())\n"
    "exec(poison.get(json.loads(Path(case_input).read_text())['case_id'], ''))"
)
# what says that a case is in the state that its poison leads to
IN_IT = "open(os.environ['CASEREPORT_POISON'] + '.in-it', 'w').close()\n"
CELL_SECONDS = 12
COPIED = ("notebooks", "templates", "expectations", "samples")


class Poisoned(Command):
    """The command, run from a copy of the program; ``env`` is what it needs to find it."""

    def __init__(self, root: Path, program: Path) -> None:
        super().__init__(root)
        for name in ("pipeline", *COPIED):
            shutil.copytree(program / name, root / name)
        self._let_notebook_do_harm()
        source = (root / "pipeline/publish/notebook.py").read_text("utf-8")
        shorter = source.replace("CELL_SECONDS = 300", f"CELL_SECONDS = {CELL_SECONDS}")
        assert shorter != source
        (root / "pipeline/publish/notebook.py").write_text(shorter, "utf-8")
        self.env = {
            "PYTHONPATH": str(root),
            "CASEREPORT_POISON": str(root / "poison.json"),
            "MPLCONFIGDIR": str(root / "matplotlib"),
        }
        self.poison({})

    def poison(self, does: Mapping[str, str]) -> None:
        """Say what the notebook of each case does first."""
        (self.root / "poison.json").write_text(json.dumps(does))
        self.flag.unlink(missing_ok=True)

    @property
    def flag(self) -> Path:
        """Return the file that is there once a case has got into its state."""
        return self.root / "poison.json.in-it"

    def _let_notebook_do_harm(self) -> None:
        path = self.root / f"notebooks/{KIND}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        ids = [cell.id for cell in notebook.cells]
        notebook.cells.insert(ids.index("imports"), new_code_cell(POISON, id="poison"))
        nbformat.write(notebook, path)


@contextmanager
def poisoned_command(program: Path) -> Iterator[Poisoned]:
    """Give the command from such a copy, with what it needs in the environment."""
    with short_folder() as root, pytest.MonkeyPatch.context() as patch:
        command = Poisoned(root, program)
        for name, value in command.env.items():
            patch.setenv(name, value)
        yield command
