"""How reports are made: a notebook runs alone, counts only when whole, and appears at once."""

import datetime as dt
import json
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from pipeline.errors import CommandError, OutputError, ReportError
from pipeline.model import ACCEPTED_COLUMNS, CaseInput
from pipeline.publish import case as publish_case
from pipeline.publish import notebook as publish_notebook
from pipeline.publish.bare import bare_notebook
from pipeline.publish.case import make_case
from pipeline.publish.engine import kill_kernels
from pipeline.publish.exporter import css_counters, css_string, render_html
from pipeline.publish.files import as_json, publish, work_folder
from pipeline.publish.ledger import Failure, Ledger, Made, Order
from pipeline.publish.notebook import CaseParameters, Executed, NotebookError, run_notebook
from pipeline.publish.pdf import render_pdf
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


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return what puts a notebook of these cells in the place of the case study."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(publish_notebook, "resource_path", lambda name: tmp_path / name)

    def put(*cells: str, parameters: str = PARAMETERS) -> None:
        first = new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})
        rest = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(cells, start=1)]
        spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        notebook = new_notebook(cells=[first, *rest], metadata={"kernelspec": spec})
        (folder / "case_study.ipynb").write_text(nbformat.writes(notebook), "utf-8")

    return put


@pytest.fixture
def run(tmp_path: Path) -> Callable[[], Executed]:
    """Return what runs the installed notebook in a folder whose name has braces."""
    folder = tmp_path / "work {x}"
    folder.mkdir()
    given = CaseParameters(case_input=str(folder / "input.json"), language="nl")
    return lambda: run_notebook("case_study", given, sha256="abc", folder=folder)


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
        (("import warnings\nwarnings.warn('x')", FINISH), "cell-1", "A cell printed a warning."),
        (("1",), "cell-1", "The last cell shows no result."),
        ((FINISH, "1"), "cell-2", "The last cell shows no result."),
        ((FINISH.replace("abc", "abd"),), "cell-1", "The result is that of another input."),
        (("input()", FINISH), "cell-1", "A cell stopped with StdinNotImplementedError."),
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
def test_a_cell_that_hangs_costs_its_time_and_no_more(install, run, monkeypatch) -> None:
    monkeypatch.setattr(publish_notebook, "CELL_SECONDS", 1)
    install("while True: pass", FINISH)
    with pytest.raises(NotebookError, match="longer than 1 seconds"):
        run()


@kernel
def test_kernels_end_when_the_run_is_stopped(install, run) -> None:
    install("import time\ntime.sleep(60)", FINISH)
    timer = threading.Timer(3, kill_kernels)
    timer.start()
    started = time.monotonic()
    with pytest.raises(NotebookError, match="died"):
        run()
    assert time.monotonic() - started < 20


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
    with pytest.raises(CommandError, match=r"Unrecognised KIND 'x': expected one of case_study\."):
        publish_notebook.notebook_of("x")


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


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="file:///etc/hostname" alt="">',
        '<img src="http://127.0.0.1:9/x.png" alt="">',
        '<link rel="stylesheet" href="file:///etc/hostname">',
        '<link rel="attachment" href="file:///etc/hostname">',
        '<style>@import "http://127.0.0.1:9/x.css";</style>',
        '<style>body { background: url("file:///etc/hostname") }</style>',
        '<style>@font-face { font-family: x; src: url("file:///etc/hostname") }</style>',
        '<object data="file:///etc/hostname"></object>',
        '<svg viewBox="0 0 9 9"><image href="file:///etc/hostname" width="9" height="9"/></svg>',
    ],
)
def test_the_print_opens_nothing_but_the_page(pango, markup: str) -> None:
    page = page_of(Fragment(html=markup))
    try:
        content = render_pdf(page)
    except ReportError:
        return
    assert b"EmbeddedFile" not in content
    assert Path("/etc/hostname").read_bytes().strip() not in content


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


def executed(case: dict[str, object]) -> Executed:
    return Executed(notebook=shown(*story(), finish(case, "abc")), case=case)


def test_a_case_becomes_files_that_are_whole_and_leaves_no_draft(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(publish_case, "run_notebook", lambda *a, **k: executed(dict(RESULT)))
    reports = make_case(order(tmp_path), case_input(), stopped=lambda: False)
    assert reports.failures == []
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"case-1/case.json", "case-1/case_study.nl.html"}
    assert set(reports.made[0].files) == names
    assert json.loads((tmp_path / "case-1/case.json").read_text("utf-8")) == RESULT


def test_reports_of_one_case_that_disagree_are_a_difference(tmp_path, monkeypatch) -> None:
    results = iter([RESULT, RESULT | {"as_of": "2025-10-02"}])
    monkeypatch.setattr(publish_case, "run_notebook", lambda *a, **k: executed(dict(next(results))))
    both = order(tmp_path, languages=("nl", "en"))
    reports = make_case(both, case_input(), stopped=lambda: False)
    assert [made.language for made in reports.made] == ["nl"]
    assert [(one.language, one.exit_code) for one in reports.failures] == [("en", 5)]


def test_a_report_that_fails_costs_only_itself_and_its_notebook_is_kept(
    tmp_path, monkeypatch
) -> None:
    def half(kind: str, given: CaseParameters, *, sha256: str, folder: Path) -> Executed:
        if given.language == "en":
            return executed(dict(RESULT))
        partial = folder / "partial.ipynb"
        partial.write_text("{}", "utf-8")
        raise NotebookError("A cell stopped with KeyError.", cell="summary", partial=partial)

    monkeypatch.setattr(publish_case, "run_notebook", half)
    both = order(tmp_path, languages=("nl", "en"))
    reports = make_case(both, case_input(), stopped=lambda: False)
    (failure,) = reports.failures
    assert (failure.cell, failure.exit_code) == ("summary", 4)
    assert (tmp_path / failure.partial).read_text("utf-8") == "{}"
    assert [made.language for made in reports.made] == ["en"]


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
        rows={"accepted": 1, "set_aside": 2},
        made=(made,),
        failures=(failure,),
    )
    command = (
        "casereport report case_study 'lab results.csv' --case case-1 --language en "
        "--format html,json --out out --as-of 2025-10-01"
    )
    assert ledger.exit_code == 4
    assert command in ledger.summary()
    assert "1 row accepted, 2 set aside" in ledger.summary()
    assert "case_study.ipynb, cell 'summary': A cell stopped with KeyError." in ledger.summary()


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
