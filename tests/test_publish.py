"""How reports are made: a notebook runs alone, counts only when whole, and appears at once."""

import datetime as dt
import errno
import json
import logging
import os
import shlex
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import nbformat
import pandas as pd
import papermill.engines
import pikepdf
import pypdfium2
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from weasyprint.urls import FatalURLFetchingError

from pipeline.__main__ import _parser
from pipeline.errors import CommandError, OutputError, ReportError
from pipeline.model import ACCEPTED_COLUMNS, CaseInput
from pipeline.publish import kinds, layout
from pipeline.publish import notebook as publish_notebook
from pipeline.publish import work as publish_work
from pipeline.publish.bare import bare_notebook
from pipeline.publish.brand import NO_BRAND
from pipeline.publish.case import CaseReports
from pipeline.publish.exporter import render_html
from pipeline.publish.files import as_json, publish, work_folder
from pipeline.publish.job import Job
from pipeline.publish.journal import Journal
from pipeline.publish.kernels.manager import kernel_environment, kernel_home, kill_kernels
from pipeline.publish.kinds import CaseParameters
from pipeline.publish.ledger import Failure, Ledger, Made, Order
from pipeline.publish.notebook import Executed, NotebookError, run_notebook
from pipeline.publish.pdf import render_archive, render_pdf
from pipeline.publish.report import make_all, make_reports
from pipeline.publish.style import css_counters, css_string
from pipeline.read.case_input import case_input_bytes
from pipeline.show import Fragment, finish, show, show_title
from pipeline.story import Facts, Paragraph, Section, Sentence, Story

kernel = pytest.mark.xdist_group("kernel")
RESULT = {
    "case_id": "case-1",
    "as_of": "2025-10-01",
    "visits": [{"date": "2023-09-04"}, {"date": "2025-09-08"}],
}
FINISH = f"from pipeline.show import finish\nfinish({RESULT}, 'abc')"
PARAMETERS = 'case_input: str = ""\nlanguage: str = "nl"'
Install = Callable[..., None]
TYPING = "A cell asked for something to be typed in."
STOP = "raise SystemExit"
SILENT = "class Silent(Exception):\n    def _render_traceback_(self):\n        return []"
SHOWN = FINISH.replace("\nfinish", "\ndisplay(finish") + ")"
HIDDEN = (  # an error whose output is gone
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "from IPython.display import clear_output\n"
    "shell = InteractiveShell.instance()\n"
    "shell.events.register('post_run_cell', lambda told: clear_output())"
)
CLEAR = "from IPython.display import clear_output\nclear_output()"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what puts a notebook of these cells in the place of the case study."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(kinds, "resource_path", lambda name: tmp_path / name)

    def put(*cells: str, parameters: str = PARAMETERS, tags: Sequence[str] = ()) -> None:
        first = new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})
        rest = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(cells, start=1)]
        rest[0].metadata["tags"] = list(tags)
        spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        notebook = new_notebook(cells=[first, *rest], metadata={"kernelspec": spec})
        (folder / "case_study.ipynb").write_text(nbformat.writes(notebook), "utf-8")

    return put


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """Return a folder for kernels, whose name leaves room for that of a socket."""
    with kernel_home() as (home, _):
        yield home


@pytest.fixture
def run(tmp_path: Path, short_folder: Path) -> Callable[[], Executed]:
    """Return what runs the installed notebook in a folder whose name has braces."""
    folder = tmp_path / "work {x}"
    home = short_folder
    folder.mkdir()
    given = CaseParameters(case_input=str(folder / "input.json"), language="nl")
    return lambda: run_notebook("case_study", given, sha256="abc", folder=folder, home=home)


# -- running


@kernel
def test_a_notebook_that_reaches_its_end_gives_its_result(install, run) -> None:
    install("seen = language", FINISH)
    assert run().case == RESULT


@kernel
@pytest.mark.parametrize(
    ("cells", "cell", "cause"),
    [
        (("raise ValueError('insulin 52.8')", FINISH), "cell-1", "A cell stopped with ValueError."),
        (
            ("from pipeline.errors import RulesError\nraise RulesError('a.csv, row 2')", FINISH),
            "cell-1",
            "RulesError: a.csv, row 2",
        ),
        (("import sys\nsys.exit(0)", FINISH), "cell-1", "A cell ended the notebook early."),
        (("import os\nos._exit(0)", FINISH), "cell-1", "The kernel died."),
        (("import warnings\nwarnings.warn('x')", FINISH), "cell-1", "A cell wrote on stderr."),
        (("1",), "cell-1", "The last cell shows no result."),
        ((FINISH, "1"), "cell-2", "The last cell shows no result."),
        ((FINISH.replace("abc", "abd"),), "cell-1", "The result is that of another input."),
        (("import sys\nprint(1, file=sys.stderr)", FINISH), "cell-1", "A cell wrote on stderr."),
        ((FINISH, ""), "cell-2", "The last cell shows no result."),
        (("input()", FINISH), "cell-1", TYPING),
        (("import getpass\ngetpass.getpass()", FINISH), "cell-1", TYPING),
        (
            (f"def stop():\n    {STOP}\nstop()", FINISH),
            "cell-1",
            "A cell ended the notebook early.",
        ),
        ((f"{SILENT}\nraise Silent", FINISH), "cell-1", "A cell stopped with Silent."),
        (
            (f"{HIDDEN}\nraise ValueError", FINISH),
            "cell-1",
            "A cell stopped with CellExecutionError.",
        ),
        ((f"{SHOWN}\n{CLEAR}",), "cell-1", "The last cell shows no result."),
        ((FINISH, f"{CLEAR}"), "cell-2", "The last cell shows no result."),
    ],
)
def test_a_notebook_that_does_not_reach_its_end_is_a_failure_that_says_where(
    install, run, cells: tuple[str, ...], cell: str, cause: str
) -> None:
    install(*cells)
    with pytest.raises(NotebookError) as caught:
        run()
    assert (caught.value.cell, str(caught.value)) == (cell, cause)
    assert caught.value.partial is not None
    assert caught.value.partial.exists()


@kernel
def test_an_error_that_is_allowed_to_happen_is_a_failure_still(install, run, monkeypatch) -> None:
    monkeypatch.setattr(NotebookClient.allow_errors, "default_value", True)
    install("1 / 0", FINISH)
    with pytest.raises(NotebookError, match="ZeroDivisionError") as caught:
        run()
    assert caught.value.cell == "cell-1"


@pytest.mark.parametrize(
    ("source", "tag", "cause"),
    [
        ("!false", "", "A cell is not plain Python."),
        ("%%bash\nfalse", "", "A cell is not plain Python."),
        ("x = %sx false", "", "A cell is not plain Python."),
        ("get_ipython().system('false')", "", "A cell uses 'get_ipython'."),
        ("quit()", "", "A cell uses 'quit'."),
        ("exit()", "", "A cell uses 'exit'."),
        ("1 / 0", "raises-exception", "A cell has the tag 'raises-exception'."),
        ("1 / 0", "skip-execution", "A cell has the tag 'skip-execution'."),
    ],
)
def test_a_notebook_that_could_pass_without_being_whole_is_refused_before_a_kernel_starts(
    install, run, monkeypatch, source: str, tag: str, cause: str
) -> None:
    started: list[object] = []
    monkeypatch.setattr(publish_notebook, "_execute", lambda *a, **k: started.append(a))
    install(source, FINISH, tags=[tag] if tag else [])
    with pytest.raises(NotebookError) as caught:
        run()
    assert (caught.value.cell, str(caught.value), started) == ("cell-1", cause, [])


@kernel
def test_a_cell_that_hangs_costs_its_time_and_no_more(install, run, monkeypatch) -> None:
    monkeypatch.setattr(publish_notebook, "CELL_SECONDS", 1)
    install("while True: pass", FINISH)
    with pytest.raises(NotebookError, match="longer than 1 seconds") as caught:
        run()
    assert caught.value.cell == "cell-1"
    assert caught.value.partial is not None
    assert caught.value.partial.exists()


@kernel
def test_a_notebook_is_not_written_anew_for_each_of_its_cells(install, run, monkeypatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(papermill.engines, "write_ipynb", lambda *given: written.append(given))
    install("seen = language", FINISH)
    assert run().case == RESULT
    assert written == []


@kernel
def test_kernels_end_when_the_run_is_stopped(install, run) -> None:
    install("import time\ntime.sleep(60)", FINISH)
    ended = threading.Event()

    def kill() -> None:
        while not ended.wait(1):  # the kernel may not be there yet
            kill_kernels()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(NotebookError, match=r"died|could not run"):
        run()
    ended.set()
    killer.join()


@kernel
def test_a_kernel_talks_over_sockets_of_its_owner_alone_and_leaves_none(install, run) -> None:
    install(
        "import os, json, ipykernel.connect as connect\n"
        "said = json.loads(connect.get_connection_info())\n"
        "folder = os.path.dirname(said['ip'])\n"
        "print(json.dumps([said['transport'], folder, os.stat(folder).st_mode]))",
        FINISH,
    )
    transport, folder, mode = json.loads(run().notebook.cells[2].outputs[0].text)
    assert transport == "ipc"
    assert stat.S_IMODE(mode) & 0o077 == 0
    assert not Path(folder).exists()


@kernel
def test_the_settings_of_the_user_and_an_absent_home_change_nothing(
    install, run, tmp_path, monkeypatch
) -> None:
    startup = tmp_path / "startup.py"
    startup.write_text("ours = 1", "utf-8")
    (tmp_path / "matplotlibrc").write_text("figure.dpi: 7", "utf-8")
    monkeypatch.setenv("HOME", "/proc/nohome")
    monkeypatch.setenv("PYTHONSTARTUP", str(startup))
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    install(
        "import matplotlib.pyplot, warnings\n"
        "assert 'ours' not in vars()\n"
        "assert matplotlib.rcParams['figure.dpi'] == 100\n"
        "assert matplotlib.get_backend() == 'agg'\n"
        "assert ('error', None, Warning, None, 0) not in warnings.filters",
        FINISH,
    )
    assert run().case == RESULT


def test_kernels_of_one_run_share_what_matplotlib_knows_of_fonts(tmp_path) -> None:
    fonts = tmp_path / "matplotlib"
    first, second = (kernel_environment(tmp_path / name, fonts=fonts) for name in ("a", "b"))
    assert first["MPLCONFIGDIR"] == second["MPLCONFIGDIR"] == str(fonts)
    assert first["IPYTHONDIR"] != second["IPYTHONDIR"]


def test_papermill_speaks_as_before_when_a_run_is_over() -> None:
    logger = logging.getLogger("papermill")
    level = logger.level  # another run may be open
    try:
        logger.setLevel(logging.INFO)
        with kernel_home() as (home, _):
            assert not logger.isEnabledFor(logging.ERROR)
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(level)
    assert not home.exists()


@pytest.mark.parametrize(
    "parameters",
    [
        'case_input: str = ""',
        'case_input: str = ""\nlanguage: str = "nl"\nmore: int = 1',
        'case_input: str = ""\nlanguage: int = 1',
    ],
)
def test_a_notebook_that_declares_other_parameters_is_refused_before_a_kernel_starts(
    install, run, parameters: str
) -> None:
    install(FINISH, parameters=parameters)
    started = time.monotonic()
    with pytest.raises(ReportError, match=r"'case_study\.ipynb' declares"):
        run()
    assert time.monotonic() - started < 0.5


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    known = r"expected one of case_study, client_report, cohort_review\."
    with pytest.raises(CommandError, match=rf"Unrecognised KIND 'x': {known}"):
        kinds.notebook_of("x")


# -- laying out


def shown(*objects: object) -> NotebookNode:
    """Return a notebook whose cells showed these objects."""
    cells = []
    for thing in objects:
        bundle, metadata = thing._repr_mimebundle_()  # type: ignore[attr-defined]
        output = new_output("display_data", data=bundle, metadata=metadata)
        cells.append(new_code_cell("secret_code()", outputs=[output]))
    return new_notebook(cells=[new_markdown_cell("secret words"), *cells])


def story(text: str = "Insuline stijgt.") -> list[object]:
    told = Story(title=f"Titel {text}", language="nl", facts=Facts(pairs=()), sections=())
    said = Paragraph(sentences=(Sentence(text=text),))
    return [show_title(told), show(Section(id="summary", title="Kern", blocks=(said,)))]


def page_of(*objects: object, result: dict[str, object] = RESULT, language: str = "nl") -> str:
    whole = shown(*objects, finish(result, "abc"))
    return render_html(whole, kind="case_study", language=language)


def test_a_page_holds_what_was_shown_and_no_code_and_no_words_of_the_notebook() -> None:
    page = page_of(*story())
    assert "Insuline stijgt." in page
    assert '<a href="#summary">Kern</a>' in page
    assert "secret" not in page
    assert "vnd.casereport" not in page


def test_only_outputs_of_ours_are_printed() -> None:
    notebook = shown(*story(), finish(RESULT, "abc"))
    foreign = [
        new_output("display_data", data={"text/html": "<b>foreign</b>"}),
        new_output(
            "display_data", data={"text/markdown": "foreign", "text/vnd.mermaid": "foreign"}
        ),
        new_output("display_data", data={"image/svg+xml": "<svg>foreign</svg>"}),
        new_output("stream", name="stdout", text="foreign"),
    ]
    notebook.cells.insert(1, new_code_cell("x", outputs=foreign))
    assert "foreign" not in render_html(notebook, kind="case_study", language="nl")


def test_a_page_allows_no_script_and_no_address_outside_itself() -> None:
    page = page_of(*story())
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert f'content="{policy}"' in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_what_stands_in_the_running_header_can_not_leave_its_string() -> None:
    assert (
        css_string('a"; } </style><b>\\') == '"a\\22 ; \\7d  \\3c \\2f style\\3e \\3c b\\3e \\5c "'
    )
    assert css_counters("Page {page} of {pages}") == ('"Page " counter(page) " of " counter(pages)')


def test_the_words_of_the_page_are_those_of_its_language() -> None:
    dutch, english = page_of(*story()), page_of(*story(), language="en")
    assert '<html lang="nl">' in dutch
    assert "Casusbeschrijving" in dutch
    assert '<html lang="en">' in english
    assert "Case study" in english
    assert "Casusbeschrijving" not in english


def test_a_case_study_without_consent_says_on_every_page_that_it_stays_inside() -> None:
    given = RESULT | {"consent": {"given": True, "date": "2025-09-08"}}
    refused = RESULT | {"consent": {"given": False, "date": None}}
    inside = "Alleen voor intern gebruik: er is geen toestemming vastgelegd."
    running = '"Concept" " · " "intern gebruik"'
    for page in (page_of(*story()), page_of(*story(), result=refused)):
        assert inside in page
        assert running in page
    page = page_of(*story(), result=given)
    assert inside not in page
    assert "intern gebruik" not in page
    assert '"Concept"' in page


def test_the_note_of_a_case_stands_at_its_foot_as_text() -> None:
    page = page_of(*story(), result=RESULT | {"note": {"nl": "<b>verzonnen</b>", "en": "made up"}})
    assert "<p>&lt;b&gt;verzonnen&lt;/b&gt;</p>" in page
    assert "made up" not in page


def test_a_notebook_without_a_result_has_no_page() -> None:
    with pytest.raises(ReportError, match="Unable to find a result"):
        render_html(shown(*story()), kind="case_study", language="nl")


def test_a_page_and_its_print_are_the_same_twice(pango) -> None:
    page = page_of(*story())
    assert page_of(*story()) == page
    assert render_pdf(page) == render_pdf(page)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Return what the printing of pages asks for: each address, and whether it was given."""
    told: list[tuple[str, bool]] = []

    class Recording(layout.URLFetcher):
        def fetch(self, url: str, headers: object = None) -> object:
            told.append((url, False))
            answer = super().fetch(url, headers)
            told[-1] = (url, True)
            return answer

    monkeypatch.setattr(layout, "URLFetcher", Recording)
    return told


def everything_in(content: bytes) -> bytes:
    """Return all that a PDF holds, unpacked: its streams, its strings and its printed text."""
    with pikepdf.open(BytesIO(content)) as pdf:
        streams = [one.read_bytes() for one in pdf.objects if isinstance(one, pikepdf.Stream)]
        names = [repr(one).encode() for one in pdf.objects if not isinstance(one, pikepdf.Stream)]
    with pypdfium2.PdfDocument(content) as document:
        texts = [page.get_textpage().get_text_bounded().encode() for page in document]
    return b"\n".join([*streams, *names, *texts])


OUTSIDE = [
    '<img src="{file}" alt="">',
    '<img src="http://127.0.0.1:9/x.png" alt="">',
    '<link rel="stylesheet" href="{file}">',
    '<link rel="attachment" href="{file}">',
    '<style>@import "http://127.0.0.1:9/x.css";</style>',
    '<style>body {{ background: url("{file}") }}</style>',
    '<style>@font-face {{ font-family: x; src: url("{file}") }} p {{ font-family: x }}</style>',
    '<object data="{file}"></object>',
    '<svg viewBox="0 0 9 9"><image href="{file}" width="9" height="9"/></svg>',
]


@pytest.mark.parametrize("markup", OUTSIDE)
def test_the_print_opens_nothing_but_the_page(pango, tmp_path, asked, markup: str) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text("<svg xmlns='http://www.w3.org/2000/svg'><text>9b7e41</text></svg>", "utf-8")
    page = page_of(*story(), Fragment(html=markup.format(file=secret.as_uri())))
    try:
        content = everything_in(layout.lay_out(Job(html=page, variant="pdf/ua-1")))
    except FatalURLFetchingError:
        content = b""
    outside = [(url, given) for url, given in asked if not url.startswith("data:")]
    assert outside
    assert not any(given for _, given in outside)
    assert b"9b7e41" not in content


def test_a_page_that_asks_for_a_file_is_refused_in_a_sentence(pango, tmp_path) -> None:
    page = page_of(*story(), Fragment(html=f'<img src="{tmp_path.as_uri()}/x.png" alt="">'))
    with pytest.raises(ReportError, match="asks for a file outside itself"):
        render_pdf(page)


def test_a_print_that_is_made_holds_the_text_of_its_page(pango) -> None:
    assert b"Insuline stijgt." in everything_in(render_pdf(page_of(*story())))


# WeasyPrint 70 leaves its colour profile to the collector to close.
@pytest.mark.filterwarnings("ignore:.*sRGB2014:pytest.PytestUnraisableExceptionWarning")
def test_an_archive_copy_is_pdf_a_3_with_its_result_attached_and_the_same_twice(pango) -> None:
    page, result = page_of(*story()), b'{"case_id": "case-1"}\n'
    told = {"as_of": dt.date(2025, 10, 1), "about": "For a computer"}
    content = render_archive(page, result, **told)
    assert render_archive(page, result, **told) == content
    with pikepdf.open(BytesIO(content)) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        attached = pdf.attachments["case.json"]
        assert attached.get_file().read_bytes() == result
        assert (attached.description, str(attached.relationship)) == ("For a computer", "/Source")
        assert attached.get_file().mime_type == "application/json"
        assert bool(pdf.Root.MarkInfo.Marked)
        assert len(pdf.Root.OutputIntents) == 1


def test_a_published_notebook_has_no_path_no_time_and_no_trace_of_papermill() -> None:
    notebook = shown(*story(), finish(RESULT, "abc"))
    notebook.metadata["papermill"] = {"input_path": "/home/x", "start_time": "2026"}
    cell = notebook.cells[1]
    cell.metadata = nbformat.from_dict({"execution": {"iopub.status": "2026"}, "tags": ["a"]})
    given = new_code_cell('case_input = "/home/x/input.json"\nlanguage = "nl"')
    given.metadata["tags"] = ["injected-parameters"]
    notebook.cells.insert(1, given)
    bare = nbformat.reads(bare_notebook(notebook).decode(), as_version=4)
    nbformat.validate(bare)
    assert bare.cells[1].source == 'case_input = "input.json"\nlanguage = "nl"'
    assert bare.cells[2].metadata == {"tags": ["a"]}
    assert "/home/x" not in str(bare)
    assert "2026" not in str(bare)


# -- publishing


def order(out: Path, **changes: object) -> Order:
    given = {
        "kind": "case_study",
        "inputs": (Path("lab results.csv"),),
        "out": out,
        "as_of": dt.date(2025, 10, 1),
        "formats": ("html", "json"),
    }
    return Order(**(given | changes))  # type: ignore[arg-type]


def case_input() -> CaseInput:
    rows = pd.DataFrame(columns=list(ACCEPTED_COLUMNS))
    return CaseInput(
        case_id="case-1", as_of=dt.date(2025, 10, 1), sex="F", birth_year=1987, rows=rows
    )


def made(one: Order, case: CaseInput | None = None) -> CaseReports:
    """Return what became of the reports of one case."""
    content = case_input_bytes(case or case_input())
    with work_folder(one.out, "run") as work:
        reports = CaseReports(order=one, case_id="case-1", work=work, journal=Journal(one.out))
        make_all(one, [(reports, content)], cases=1, announce=lambda _: None, brand=NO_BRAND)
    return reports


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def executed(case: dict[str, object]) -> Executed:
    return Executed(notebook=shown(*story(), finish(case, "abc")), case=case)


def test_a_case_becomes_files_that_are_whole_and_leaves_no_draft(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    reports = made(order(tmp_path))
    assert reports.failures == []
    names = files_below(tmp_path)
    assert names == {"case-1/case.json", "case-1/case_study.nl.html", ".made.jsonl"}
    assert set(reports.made[0].files) == names - {".made.jsonl"}
    assert json.loads((tmp_path / "case-1/case.json").read_text("utf-8")) == RESULT


def test_reports_of_one_case_that_disagree_are_a_difference(tmp_path, monkeypatch) -> None:
    results = iter([RESULT, RESULT | {"as_of": "2025-10-02"}])
    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(next(results))))
    both = order(tmp_path, languages=("nl", "en"))
    reports = made(both)
    assert [made.language for made in reports.made] == ["nl"]
    assert [(one.language, one.exit_code) for one in reports.failures] == [("en", 5)]


def fails_in_dutch(kind: str, given: CaseParameters, *, folder: Path, **rest: object) -> Executed:
    """Run nothing: the Dutch report stops in a cell with an error that quotes a value."""
    if given.language == "en":
        return executed(dict(RESULT))
    error = new_output("error", ename="KeyError", evalue="52.8", traceback=["/home/x: 52.8"])
    warned = new_output("stream", name="stderr", text="/home/x/cell.py:1: 52.8")
    cell = new_code_cell("stop()", id="summary", outputs=[warned, error])
    cell.metadata["papermill"] = {"start_time": "2026"}
    partial = folder / "partial.ipynb"
    partial.write_text(nbformat.writes(new_notebook(cells=[cell])), "utf-8")
    raise NotebookError("A cell stopped with KeyError.", cell="summary", partial=partial)


def test_a_report_that_fails_costs_only_itself_and_its_notebook_is_kept(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", fails_in_dutch)
    reports = made(order(tmp_path, languages=("nl", "en")))
    (failure,) = reports.failures
    assert (failure.cell, failure.exit_code) == ("summary", 4)
    assert [made.language for made in reports.made] == ["en"]
    kept = nbformat.read(tmp_path / failure.partial, as_version=4)
    assert kept.cells[0].id == "summary"
    assert kept.cells[0].outputs[1].ename == "KeyError"
    assert not [word for word in ("52.8", "/home/x", "2026") if word in str(kept)]


def test_a_report_that_fails_takes_its_files_of_an_earlier_run_with_it(
    tmp_path, monkeypatch
) -> None:
    all_formats = ("html", "pdf", "json", "ipynb")
    for name in ("nl.html", "nl.pdf", "nl.ipynb", "en.html"):
        publish(b"old", tmp_path / "case-1" / f"case_study.{name}", work=tmp_path / "w")
    publish(b"old", tmp_path / "case-1" / "case.json", work=tmp_path / "w")
    monkeypatch.setattr(publish_work, "run_notebook", fails_in_dutch)
    made(order(tmp_path, formats=all_formats[:1]))
    assert files_below(tmp_path / "case-1") == {
        f"case_study.{name}" for name in ("nl.pdf", "nl.ipynb", "en.html")
    } | {"case.json"}
    made(order(tmp_path, formats=all_formats))
    assert files_below(tmp_path / "case-1") == {"case_study.en.html"}


def test_a_report_that_is_made_removes_what_was_kept_of_its_failure(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", fails_in_dutch)
    made(order(tmp_path))
    assert ".failed/case-1/case_study.nl.ipynb" in files_below(tmp_path)
    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    made(order(tmp_path))
    assert not any(name.startswith(".failed") for name in files_below(tmp_path))


@pytest.mark.parametrize("step", ["render_html", "render_pdf", "bare_notebook"])
def test_an_error_of_the_lay_out_costs_one_report_and_tells_no_value(
    tmp_path, monkeypatch, step: str
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise IndexError("insulin 52.8")

    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    monkeypatch.setattr(publish_work, step, broken)
    reports = made(order(tmp_path, formats=("html", "pdf", "ipynb")))
    (failure,) = reports.failures
    assert (failure.cause, failure.exit_code) == ("The report stopped with IndexError.", 4)


@pytest.mark.parametrize("only", ["json", "ipynb"])
def test_a_page_is_laid_out_only_where_one_was_ordered(tmp_path, monkeypatch, only: str) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    monkeypatch.delattr(publish_work, "render_html")
    reports = made(order(tmp_path, formats=(only,)))
    assert reports.failures == []
    assert [Path(name).suffix for name in reports.made[0].files] == [f".{only}"]


class Intake:
    """What making reports needs of the rows: two cases, and one of which no row was accepted."""

    case_ids = ("case-1", "case-2")
    cases_without_rows = ("case-3",)
    counts: ClassVar = {"read": 3, "accepted": 2, "set_aside": 1}
    set_aside_by_case: ClassVar = {"case-3": 1}

    def case(self, case_id: str) -> CaseInput:
        return replace(case_input(), case_id=case_id)


def recorded(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "run.json").read_text("utf-8")))


def test_the_record_says_what_was_asked_read_made_and_not_made(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    publish(b"old", tmp_path / "case-3" / "case_study.nl.html", work=tmp_path / "w")
    one = order(tmp_path, people=Path("people.csv"))
    ledger = make_reports(one, Intake(), read={"lab.csv": "aa"}, announce=lambda _: None)
    record = recorded(tmp_path)
    assert record["inputs"] == [{"file": "lab.csv", "sha256": "aa"}]
    assert (record["people"], record["cases"]) == ("people.csv", ["case-1", "case-2"])
    assert (record["languages"], record["formats"]) == (["nl"], ["html", "json"])
    assert (record["without_rows"], record["ended"]) == (["case-3"], None)
    assert [made["case_id"] for made in record["reports"]] == ["case-1", "case-2"]
    assert not (tmp_path / "case-3" / "case_study.nl.html").exists()
    assert ledger.exit_code == 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutputError])
def test_a_run_that_is_ended_leaves_a_record_of_what_was_finished_and_no_draft(
    tmp_path, monkeypatch, error: type[BaseException]
) -> None:
    def ends_at_the_second(kind: str, given: CaseParameters, **rest: object) -> Executed:
        if "case-2" in given.case_input:
            raise error
        return executed(dict(RESULT))

    monkeypatch.setattr(publish_work, "run_notebook", ends_at_the_second)
    with pytest.raises(error):
        make_reports(order(tmp_path), Intake(), read={}, announce=lambda _: None)
    record = recorded(tmp_path)
    assert record["ended"] == error.__name__
    assert [made["case_id"] for made in record["reports"]] == ["case-1"]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"run.json", "index.html", ".made.jsonl", "case-1"}


def test_what_a_killed_run_left_is_gone_when_the_next_begins(tmp_path) -> None:
    publish(b"a person", tmp_path / ".casereport" / "run-x" / "input.json", work=tmp_path / "w")
    with work_folder(tmp_path, "run") as work:
        assert [path.name for path in (tmp_path / ".casereport").iterdir()] == [work.name]
    assert not (tmp_path / ".casereport").exists()


def test_what_is_published_is_for_its_owner_alone_whatever_the_umask(tmp_path) -> None:
    before = os.umask(0)
    try:
        with work_folder(tmp_path / "out", "x") as work:
            publish(b"a person", tmp_path / "out" / "a" / "b" / "report.html", work=work)
    finally:
        os.umask(before)
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(paths) == 4
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def test_the_ledger_names_the_command_that_makes_just_a_failed_report_again(tmp_path) -> None:
    failure = Failure(
        case_id="case-1",
        language="en",
        notebook="case_study.ipynb",
        cell="summary",
        cause="A cell stopped with KeyError.",
        partial=".failed/case-1/case_study.en.ipynb",
        exit_code=4,
    )
    made = Made(case_id="case-1", language="nl", files={"case-1/case_study.nl.html": "0"})
    ledger = Ledger(
        order=order(Path("out")),
        cases=("case-1",),
        read={},
        rows={"accepted": 1, "set_aside": 2},
        made=(made,),
        failures=(failure,),
    )
    command = (
        "casereport report case_study 'lab results.csv' --case=case-1 --language=en "
        "--format=html,json --out=out --as-of=2025-10-01"
    )
    assert ledger.exit_code == 4
    assert command in ledger.summary()
    assert "1 row accepted, 2 set aside" in ledger.summary()
    assert "case_study.ipynb, cell 'summary': A cell stopped with KeyError." in ledger.summary()


@pytest.mark.parametrize("case_id", ["case-1", "-1", "--out", "-h"])
def test_the_command_that_makes_a_report_again_is_one_that_the_parser_takes(
    tmp_path, case_id: str
) -> None:
    files = {"people": "-people.csv", "rules": "r.toml", "mapping": "m.toml", "suite": "s.json"}
    paths = {name: Path(file) for name, file in files.items()}
    one = order(Path("-out"), inputs=(Path("-lab.csv"), Path("a b.csv")), **paths)
    failure = Failure(
        case_id=case_id, language="en", notebook="", cell="", cause="", partial="", exit_code=4
    )
    asked = _parser().parse_args(shlex.split(one.again(failure))[1:])
    assert (asked.kind, asked.case, asked.language) == ("case_study", [case_id], ["en"])
    assert asked.inputs == list(one.inputs)
    assert {name: getattr(asked, name) for name in paths} == paths
    assert (asked.out, asked.as_of, asked.format) == (one.out, one.as_of, one.formats)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_without_room_for_a_kernel_ends_the_run_and_is_named(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[], Executed], number: int
) -> None:
    def execute(*given: object, **rest: object) -> NotebookNode:
        raise OSError(number, os.strerror(number), "/a/place")

    monkeypatch.setattr(publish_notebook, "_execute", execute)
    with pytest.raises(OutputError, match=f"'/a/place': {os.strerror(number)}"):
        run()


def test_a_file_is_replaced_at_once_or_stays_as_it_was(tmp_path, monkeypatch) -> None:
    target = tmp_path / "a" / "report.html"
    with work_folder(tmp_path, "x") as work:
        publish(b"old", target, work=work)
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space")))
        with pytest.raises(OutputError, match="No space"):
            publish(b"new", target, work=work)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_output_folder_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "out").write_text("", "utf-8")
    with pytest.raises(OutputError, match="Unable to write to"), work_folder(tmp_path / "out", "x"):
        pass


def test_json_is_the_same_whatever_the_order_of_its_keys() -> None:
    assert as_json({"b": 1, "a": "µ"}) == as_json({"a": "µ", "b": 1})
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("inf")})
