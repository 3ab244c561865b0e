"""What a notebook is given stays a text: no string runs as code, be it a value or a name."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import nbformat
import papermill
import pytest
from installed import SPEC
from nbformat.v4 import new_code_cell, new_notebook
from sizes import sized

from pipeline.errors import ReportError
from pipeline.publish.kernels.engine import ENGINE
from pipeline.publish.kernels.manager import at_home, kernel_home
from pipeline.publish.kinds import REPORTS, CaseParameters
from pipeline.publish.notebook import check_parameters

OWN = (
    "\"; import os; os.system('id') #",
    "'''\nimport os\n'''",
    "\\\"+str(__import__('os').system('id'))+\\\"",
    "{__import__('os')}",
    "%system id",
    "!id",
    "$(id)",
    "\\",
    "\\N{BULLET}",
    "a\0b",
    "\u2028import os",
    "\r\nimport os\r\n",
)
# what a string that ran would come to; ``watch`` is told of all that Python does
WATCH = """
import sys
import zmq.utils.garbage  # ZeroMQ imports it when first something long is sent
seen, watching = [], [True]
DOES = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.mkdir", "os.rename",
        "subprocess.Popen", "socket.connect", "webbrowser.open")
def watch(event, arguments):
    if not watching:
        return
    names = (getattr(one, "co_filename", one) for one in arguments)
    if event in DOES or (event in ("exec", "compile") and "<string>" in names):
        seen.append(event)
sys.addaudithook(watch)
"""
SEEN = """
import hashlib, json
print(hashlib.sha256(json.dumps(texts).encode()).hexdigest(), seen)
"""


@pytest.fixture(scope="module")
def strings() -> list[str]:
    """Return our own strings and, where they are, those of the attack; no lone surrogates."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("CASEREPORT_SHARED", root.parent / "shared"))
    path, told = folder / "attack/strings.json", []
    if path.exists():
        told = [one["s"] for one in json.loads(path.read_text("utf-8"))][:: sized(40, full=1)]
    return [*OWN, *(one for one in told if one == one.encode("utf-8", "replace").decode())]


@contextmanager
def watched() -> Iterator[None]:
    """Hold that Python does nothing meanwhile that a text should not bring about."""
    names: dict[str, list[object]] = {}
    exec(compile(WATCH, __file__, "exec"), names)
    try:
        yield
    finally:
        names["watching"].clear()  # what watches cannot be taken away again
    assert names["seen"] == []


@pytest.mark.xdist_group("kernel")
def test_no_string_that_is_given_as_a_value_does_anything(
    tmp_path: Path, strings: list[str]
) -> None:
    first = new_code_cell("texts: list = []", metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[new_code_cell(WATCH), first, new_code_cell(SEEN)])
    notebook.metadata["kernelspec"] = SPEC
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with kernel_home() as (home, _):
        ran = papermill.execute_notebook(
            str(tmp_path / "in.ipynb"),
            str(tmp_path / "out.ipynb"),
            parameters={"texts": strings},
            engine_name=ENGINE,
            progress_bar=False,
            config=at_home(home),
        )
    given = hashlib.sha256(json.dumps(strings).encode()).hexdigest()
    assert ran.cells[-1].outputs[0].text.split() == [given, "[]"]


def test_no_string_that_a_notebook_declares_as_a_name_does_anything_or_is_let_pass(
    tmp_path: Path, strings: list[str]
) -> None:
    path = tmp_path / "case_study.ipynb"
    with watched():
        for text in strings[:: sized(5, full=1)]:
            declared = f'case_input: str = ""\nlanguage: str = "nl"\n{text}: str = ""'
            cell = new_code_cell(declared, metadata={"tags": ["parameters"]})
            nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": SPEC}), path)
            try:
                check_parameters(path, CaseParameters)
            except ReportError:
                continue
            declared = papermill.inspect_notebook(str(path))
            assert list(declared) == ["case_input", "language"], text


def test_every_notebook_is_given_texts_under_names_that_are_written_in_the_program() -> None:
    for parameters in REPORTS.values():
        assert {field.type for field in fields(parameters)} == {str}
        assert all(field.name.isidentifier() for field in fields(parameters))


def test_the_watch_sees_a_string_that_runs() -> None:
    with pytest.raises(AssertionError), watched():
        eval("1 + 1")
