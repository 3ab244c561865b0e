"""What a warm kernel gives is what papermill's own gives, but for times: outputs, errors, causes.

``CASEREPORT_PAPERMILL`` names the folder of papermill's source distribution, for its notebooks.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from installed import SPEC
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from sizes import FULL_SIZE

from pipeline.publish.kernels.engine import ANYBODYS_ENGINE
from pipeline.publish.kernels.provisioner import CAN_FORK
from pipeline.publish.kinds import REPORTS, notebook_of

pytestmark = [
    pytest.mark.xdist_group("kernel"),
    pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only"),
]
TIMES = ("start_time", "end_time", "duration")
# what differs between two runs of one engine: addresses, process ids, folders of a kernel, ids
OF_A_RUN = (
    (re.compile(r"0x[0-9a-f]{6,}"), "0x"),
    (re.compile(r"ipykernel_\d+(/|%2F)\d+"), "ipykernel"),
    (re.compile(r"(pid|PID)[ =]?\d+"), "pid"),
    (re.compile(r"[\d.e+-]+ (ns|[µμm]s|s|min)\b"), "time"),
    (re.compile(r"\bThread-\d+"), "Thread"),  # of the kernel's own there is one less
)
CELLS = {
    "a value": "{'b': [1, 2.5, None], 'a': {3}}",
    "several values": "from IPython.core.interactiveshell import InteractiveShell\n"
    "InteractiveShell.ast_node_interactivity = 'all'\n1\n2",
    "one value again": "InteractiveShell.ast_node_interactivity = 'last_expr'\n1\n2",
    "nothing": "None",
    "a semicolon": "'hidden';",
    "the last ones": "_, __, Out[1], In[1], _i",
    "displays": "from IPython.display import *\n"
    "display(HTML('<b>x</b>'), Markdown('*x*'), Latex('$x$'), JSON({'a': 1}), SVG('<svg></svg>'))",
    "a MIME bundle": "display({'text/plain': 'x', 'application/vnd.x+json': {'a': 1}}, raw=True)",
    "an update": "h = display('before', display_id='one')\nh.update('after')",
    "an update from a later cell": "h.update('later')",
    "an unknown id": "update_display('x', display_id='nowhere')",
    "what is cleared": "print('x')\nclear_output()\nprint('y')",
    "what is cleared later": "print('x')\nclear_output(wait=True)\nprint('y')",
    "both streams": "import sys\nprint('out')\nprint('err', file=sys.stderr)",
    "no end of line": "sys.stdout.write('no end')",
    "characters": "print('é 中 \\U0001f600 \\x1b[31mred\\x1b[0m \\r over \\b \\t')",
    "bytes": "sys.stdout.buffer.write(b'bytes')",
    "an error": "def f(n):\n    return 1 / n\nf(0)",
    "an error in an error": "try:\n    f(0)\nexcept ZeroDivisionError as e:\n"
    "    raise KeyError('é') from e",
    "a syntax error": "def",
    "an indentation error": "if True:\nx = 1",
    "a name error": "undefined_name",
    "an error in a library": "import json\njson.loads('{')",
    "an error of a group": "raise ExceptionGroup('two', [ValueError(1), TypeError(2)])",
    "an error with notes": "e = ValueError('v')\ne.add_note('a note')\nraise e",
    "a deep error": "def deep(n):\n    return deep(n - 1) if n else 1 / n\ndeep(9)",
    "an assertion": "assert 1 == 2, 'not equal'",
    "an error without a traceback": "class Silent(Exception):\n"
    "    def _render_traceback_(self):\n        return ['silent']\nraise Silent",
    "an interrupt": "raise KeyboardInterrupt",
    "an exit": "sys.exit()",
    "an exit with a word": "sys.exit('a word')",
    "an error of a representation": "class Bad:\n"
    "    def _repr_html_(self):\n        raise ValueError('bad')\nBad()",
    "a typed word": "input('?')",
    "a password": "import getpass\ngetpass.getpass()",
    "top-level await": "import asyncio\nawait asyncio.sleep(0.01)\n"
    "await asyncio.gather(asyncio.sleep(0, 1))",
    "an async for": "async def numbers():\n    yield 1\nasync for n in numbers():\n    print(n)",
    "a task": "async def later():\n    print('later')\nt = asyncio.create_task(later())\nawait t",
    "a magic": "%time 1 + 1",
    "a magic of a cell": "%%capture told\nprint('x')",
    "what it caught": "told.stdout",
    "an unknown magic": "%no_such_magic",
    "an unknown cell magic": "%%no_such_magic\nx",
    "variables": "%who_ls str",
    "the folder": "%pwd",
    "a shell": "!echo out; echo err >&2; exit 3",
    "its exit code": "_exit_code",
    "a shell's lines": "lines = !printf 'a\\nb'\nlines",
    "bash": "%%bash\necho out\necho err >&2",
    "bash that fails": "%%bash\nexit 4",
    "python in a cell": "%%python\nprint('other')",
    "a script": "%%script cat\ntext",
    "a file": "%%writefile /dev/null\ntext",
    "html in a cell": "%%html\n<b>x</b>",
    "a subprocess": "import subprocess\nsubprocess.run('echo direct; echo err >&2', shell=True)",
    "its output": "subprocess.run(['echo', 'x'], capture_output=True, text=True)",
    "another process": "import multiprocessing\n"
    "p = multiprocessing.get_context('fork').Process(target=print, args=('from a fork',))\n"
    "p.start()\np.join()\np.exitcode",
    "a pool of processes": "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
    "    print(pool.map(abs, [-1, -2]))",
    "a thread": "import threading\n"
    "t = threading.Thread(target=print, args=('from a thread',))\nt.start()\nt.join()",
    "an error in a thread": "t = threading.Thread(target=f, args=(0,))\nt.start()\nt.join()",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\n"
    "list(ThreadPoolExecutor(2).map(abs, [-1]))",
    "a warning": "import warnings\nwarnings.warn('careful')",
    "the same warning": "for _ in range(2):\n    warnings.warn('twice')",
    "a deprecation": "warnings.warn('old', DeprecationWarning)",
    "a log": "import logging\nlogging.warning('logged')\nlogging.info('not')",
    "pandas": "import pandas as pd\ntable = pd.DataFrame({'a': [1, None], 'é': ['x', 'y']})\ntable",
    "a column": "table['a']",
    "a long table": "pd.DataFrame({'n': range(100)})",
    "a style": "table.style.set_uuid('u').highlight_null()",
    "numpy": "import numpy as np\nnp.arange(2000).reshape(2, -1)",
    "a warning of numpy": "np.array([1.0]) / 0",
    "an error of numpy": "np.zeros(2) @ np.zeros(3)",
    "a figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "two figures": "for _ in range(2):\n    plt.figure(figsize=(1, 1))",
    "a figure that is shown": "plt.bar(['a'], [1])\nplt.show()\nprint('after')",
    "a figure that is a value": "figure, _ = plt.subplots(figsize=(1, 1))\nplt.close()\nfigure",
    "an SVG": "%config InlineBackend.figure_formats = ['png', 'retina']\nplt.plot([1]);",
    "a backend": "plt.get_backend(), plt.isinteractive()",
    "magic of matplotlib": "%matplotlib inline\nplt.figure(figsize=(1, 1));",
    "a comm": "from comm import create_comm\nc = create_comm(target_name='t', data={'a': 1})\n"
    "c.send({'b': 2})\nc.close()",
    "a bar": "print('\\r10 %', end='')\nprint('\\r100 %')",
    "help": "len?",
    "its own name": "__name__, __doc__, sys.argv[1:][:0], '__file__' in dir()",
    "a class": "class Thing:\n    pass\nThing.__module__, type(Thing()).__qualname__",
    "source of a cell": "import inspect\nprint(inspect.getsource(f))",
    "a pickle": "import pickle\npickle.loads(pickle.dumps(Thing)) is Thing",
    "a locale": "import locale\nlocale.setlocale(locale.LC_ALL), locale.getpreferredencoding()",
    "a time zone": "import time\ntime.tzname, time.daylight",
    "a hash": "import os\nos.environ.get('PYTHONHASHSEED'), os.environ.get('MPLBACKEND')",
    "limits": "sys.getrecursionlimit(), sys.flags[:16], sys.dont_write_bytecode",
    "signals": "import signal\nsignal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)",
    "standard streams": "sys.stdout.encoding, sys.stdin.isatty(), sys.stdout.fileno() > 0",
    "what atexit does": "import atexit\natexit.register(print, 'at the end');",
    "the shell": "get_ipython().__class__.__name__, get_ipython().kernel.__class__.__name__",
    "an alias": "%alias_magic t timeit",
    "a reload": "%load_ext autoreload\n%autoreload 2",
    "history": "%history -n 1-2",
    "precision": "%precision 3\n3.14159",
    "tracebacks": "%xmode Minimal\n1 / 0",
    "tracebacks with all": "%xmode Verbose\nf(0)",
    "environment": "%env CASEREPORT_X=1\nos.environ['CASEREPORT_X']",
    "a folder": "%cd /\nos.getcwd()",
}  # fmt: skip
ALONE = {  # what ends a kernel, a moment later: what it sent at the very end may not arrive
    "a quit": "quit()",
    "an end": "import os, time\nprint('x', flush=True)\ntime.sleep(1)\nos._exit(3)",
    "a kill": "import os, signal, time\ntime.sleep(1)\nos.kill(os.getpid(), signal.SIGKILL)",
    "a fault": "import ctypes, time\ntime.sleep(1)\nctypes.string_at(0)",
    "an exit in a thread": "import sys, threading\nthreading.Thread(target=sys.exit).start()",
}


def papermills_own() -> list[Path]:
    """Return the notebooks of papermill's tests; none where it is not said where they are."""
    folder = os.environ.get("CASEREPORT_PAPERMILL")
    return sorted((Path(folder) / "papermill/tests/notebooks").rglob("*.ipynb")) if folder else []


def cells_to_run() -> list[NotebookNode]:
    return [new_code_cell(source, metadata={"name": name}) for name, source in CELLS.items()]


def given(path: Path, engine: str | None, **options: Any) -> list[Any]:
    """Return what a run of a notebook gave that two runs have in common."""
    out = path.with_name(f"{path.stem}.out.ipynb")
    place = {"resources": {"metadata": {"path": str(path.parent)}}, "progress_bar": False}
    raised = ""
    try:
        papermill.execute_notebook(str(path), str(out), engine_name=engine, **place, **options)
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    told = [raised, *parts_of(nbformat.read(out, as_version=4))] if out.exists() else [raised]
    out.unlink(missing_ok=True)
    return json.loads(without_run(json.dumps(told, ensure_ascii=False)))


def parts_of(notebook: NotebookNode) -> list[Any]:
    """Return the cells of a notebook that ran, without times; a stream is one piece."""
    for metadata in (notebook.metadata, *(cell.metadata for cell in notebook.cells)):
        metadata.pop("execution", None)  # times too
        for name in TIMES:
            metadata.get("papermill", {}).pop(name, None)
    for cell in notebook.cells:
        cell.pop("id", None)
        cell["outputs"] = joined(cell.get("outputs", []))
    return [*notebook.cells, notebook.metadata]


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs whose streams do not depend on when they were flushed."""
    found: list[NotebookNode] = []
    for name in ("stdout", "stderr"):
        text = "".join(one.text for one in outputs if one.get("name") == name)
        found += [NotebookNode(output_type="stream", name=name, text=text)] if text else []
    return [*found, *(one for one in outputs if one.output_type != "stream")]


def without_run(told: str) -> str:
    for pattern, word in OF_A_RUN:
        told = pattern.sub(word, told)
    return told


def both(path: Path, **options: Any) -> tuple[list[Any], list[Any]]:
    os.environ.pop("PYTEST_CURRENT_TEST", None)  # ipykernel prints less where it sees it
    return given(path, None, **options), given(path, ANYBODYS_ENGINE, **options)


def test_a_warm_kernel_tells_of_everything_what_papermills_own_tells(tmp_path: Path) -> None:
    notebook = new_notebook(cells=cells_to_run(), metadata={"kernelspec": SPEC})
    nbformat.write(notebook, tmp_path / "all.ipynb")
    own, warm = both(tmp_path / "all.ipynb", allow_errors=True)
    assert len(own) == len(warm) > len(CELLS)
    for one, other in zip(own, warm, strict=True):
        assert one == other


@pytest.mark.full_size
@pytest.mark.parametrize("name", ALONE)
def test_a_warm_kernel_ends_as_papermills_own_ends(tmp_path: Path, name: str) -> None:
    cells = [new_code_cell("print('before')"), new_code_cell(ALONE[name]), new_code_cell("2")]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": SPEC})
    nbformat.write(notebook, tmp_path / "alone.ipynb")
    own, warm = both(tmp_path / "alone.ipynb")
    assert own == warm


@pytest.mark.parametrize("kind", REPORTS if FULL_SIZE else ["client_report"])
def test_a_report_in_a_warm_kernel_tells_what_it_tells_in_papermills_own(
    tmp_path: Path, kind: str
) -> None:
    shutil.copy(notebook_of(kind), tmp_path)
    own, warm = both(tmp_path / f"{kind}.ipynb")
    assert own == warm
    assert own[0] == ""


@pytest.mark.skipif(not papermills_own(), reason="CASEREPORT_PAPERMILL names no folder of them")
@pytest.mark.parametrize("path", papermills_own(), ids=lambda path: path.stem)
def test_papermills_own_notebooks_give_the_same(tmp_path: Path, path: Path) -> None:
    folder = Path("papermill/tests/notebooks")
    root = path.parents[[parent.name for parent in path.parents].index("notebooks")]
    shutil.copytree(root, tmp_path / folder)
    place = tmp_path / folder / path.relative_to(root)
    own, warm = both(place, parameters={"msg": "Hello"})
    assert own == warm
