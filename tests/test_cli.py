"""The command line as a person meets it: one clear line, the right code, nothing half-written."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pypdfium2
import pytest
from apart import hear_interrupts
from command import ROOT, casereport, casereport_alone

pytestmark = pytest.mark.xdist_group("report")
HEAD = "case_id,sample_id,collected_at,analyte,value,unit\n"
GOOD = HEAD + "case-1,s1,2025-09-08,glucose_fasting,4.8,mmol/L\n"
BAD = HEAD + "case-1,s1,2025-09-08,unheard_of,4.8,mmol/L\n"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def files_below(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    """Return one input of each kind that cannot become a report, by what is wrong with it."""
    (tmp_path / "folder").mkdir()
    return {
        "empty": write(tmp_path / "empty.csv", ""),
        "picture": write(tmp_path / "picture.csv", PICTURE),
        "column": write(tmp_path / "column.csv", GOOD.replace(",unit", "").replace(",mmol/L", "")),
        "absent": tmp_path / "absent.csv",
        "mistyped": tmp_path / "fodler",
        "folder": tmp_path / "folder",
    }


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("empty", "LabFileError: Unable to find any row in 'empty.csv': the file is empty."),
        ("picture", "LabFileError: Unable to read 'picture.csv' as text: it is a picture."),
        ("column", "LabFileError: Unable to find column 'unit' in 'column.csv'."),
        ("absent", "LabFileError: Unable to read 'absent.csv': no such file or directory."),
        ("mistyped", "LabFileError: Unable to read 'fodler': no such file or directory."),
        ("folder", "CaseFileError: Unable to find 'case.toml' in folder 'folder'."),
    ],
)
def test_an_input_that_can_not_be_read_is_one_line_and_writes_nothing(
    inputs, tmp_path, what: str, line: str
) -> None:
    ended = casereport("report", "case_study", inputs[what], "--out", tmp_path / "out")
    assert (ended.code, ended.err.splitlines(), ended.out) == (3, [line], "")
    assert not (tmp_path / "out").exists()


def test_a_file_with_only_bad_rows_makes_no_report_but_says_which_rows_and_why(tmp_path) -> None:
    file = write(tmp_path / "bad.csv", BAD)
    ended = casereport("report", "case_study", file, "--out", tmp_path / "out")
    assert ended.code == 3
    assert ended.err.splitlines() == ["NothingUsableError: None of the 1 rows could be accepted."]
    assert files_below(tmp_path / "out") == {"quarantine.csv", "validation.html"}


@pytest.mark.parametrize("options", [("--json",), ("--strict",), ("--case", "case-1")])
def test_a_process_of_its_own_ends_as_the_command_does(tmp_path, options: Sequence[str]) -> None:
    file = write(tmp_path / "lab.csv", GOOD + BAD.removeprefix(HEAD))
    words = ("check", file, "--as-of", "2025-10-01", "--out", tmp_path / "out", *options)
    alone, here = casereport_alone(*words), casereport(*words)
    assert (alone.code, alone.out) == (here.code, here.out)
    assert alone.err.splitlines()[-1:] == here.err.splitlines()[-1:]  # a usage fits its terminal
    assert alone.code == {"--json": 0, "--strict": 3, "--case": 2}[options[0]]


def test_an_unknown_kind_is_refused_before_a_file_is_read(tmp_path) -> None:
    ended = casereport("report", "opera", tmp_path / "absent.csv", "--out", tmp_path / "out")
    known = "case_study, client_report, cohort_review"
    line = f"CommandError: Unrecognised KIND 'opera': expected one of {known}."
    assert (ended.code, ended.err.splitlines()) == (2, [line])


@pytest.mark.parametrize(
    "words",
    [
        ("report", "case_study", "x.csv", "--colour"),
        ("report", "case_study"),
        ("report", "case_study", "x.csv", "--as-of", "yesterday"),
        ("report", "case_study", "x.csv", "--format", "docx"),
        ("report", "case_study", "x.csv", "--language", "xx"),
        ("report", "case_study", "x.csv", "--jobs", "0"),
        ("sing",),
        (),
    ],
)
def test_a_wrong_command_line_is_told_with_how_it_should_be(words: Sequence[str]) -> None:
    ended = casereport(*words)
    assert ended.code == 2
    assert "usage: casereport" in ended.err
    assert "Traceback" not in ended.err


def test_a_case_that_is_not_there_is_refused(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD)
    options = ("--case", "case-2", "--as-of", "2025-10-01", "--out", tmp_path / "out")
    ended = casereport("report", "case_study", file, *options)
    line = "NothingUsableError: Unable to find an accepted row of case 'case-2'."
    assert (ended.code, ended.err.splitlines()) == (3, [line])


def test_a_place_that_can_not_be_written_to_is_told(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD)
    place = write(tmp_path / "out", "")
    ended = casereport("check", file, "--as-of", "2025-10-01", "--out", place)
    assert ended.code == 7
    assert ended.err.startswith("OutputError: Unable to write to")
    assert len(ended.err.splitlines()) == 1


def test_check_counts_the_rows_and_says_where_to_read_why(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD + BAD.removeprefix(HEAD))
    out = tmp_path / "out"
    ended = casereport("check", file, "--as-of", "2025-10-01", "--out", out)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "2 rows: 1 accepted, 1 set aside.",
        "  1 analyte-unknown",
        f"Written: {out / 'validation.html'}",
        f"         {out / 'quarantine.csv'}",
    ]
    assert files_below(out) == {"quarantine.csv", "validation.html"}


def test_a_person_without_a_row_that_could_be_accepted_is_named_and_counts_as_not_made(
    tmp_path,
) -> None:
    file = write(tmp_path / "lab.csv", GOOD + BAD.removeprefix(HEAD).replace("case-1", "case-2"))
    common = (file, "--as-of", "2025-10-01", "--out", tmp_path / "out")
    assert "No row accepted: case-2" in casereport("check", *common).out.splitlines()
    ended = casereport("report", "case_study", *common, "--format", "json")
    assert (ended.code, ended.err) == (4, "1 of 1: case-1 made\n")
    assert "No row accepted, so no report: case-2" in ended.out.splitlines()
    run = json.loads((tmp_path / "out/run.json").read_bytes())
    assert run["without_rows"] == ["case-2"]
    page = (tmp_path / "out/index.html").read_text("utf-8")
    assert re.findall(r'<tr role="row" data-state="([^"]+)".*?<th[^>]*>([^<]+)', page) == [
        ("refused", "case-2"),
        ("made", "case-1"),
    ]
    one = casereport("report", "case_study", *common, "--format", "json", "--case", "case-1")
    assert one.code == 0


def test_a_person_of_whom_the_only_value_is_in_doubt_gets_a_report(tmp_path) -> None:
    doubtful = HEAD + "case-1,s1,2025-09-08,glucose_fasting,480,mmol/L\n"
    file = write(tmp_path / "lab.csv", doubtful)
    options = ("--as-of", "2025-10-01", "--out", tmp_path / "out", "--format", "json")
    ended = casereport("report", "case_study", file, *options)
    assert ended.code == 0, ended.err + ended.out
    assert (tmp_path / "out/case-1/case.json").exists()


def test_strict_makes_a_row_set_aside_a_failure(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD + BAD.removeprefix(HEAD))
    ended = casereport(
        "check", file, "--strict", "--as-of", "2025-10-01", "--out", tmp_path / "out"
    )
    assert ended.code == 3
    assert ended.err == "NothingUsableError: 1 of 2 rows are set aside.\n"


def test_quiet_prints_nothing_and_json_prints_json(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD)
    common = ("check", file, "--as-of", "2025-10-01", "--out", tmp_path / "out")
    quiet, told = casereport(*common, "--quiet"), casereport(*common, "--json")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert json.loads(told.out)["rows"] == {
        "read": 1,
        "accepted": 1,
        "set_aside": 0,
        "no_result": 0,
    }


def test_help_answers_at_once() -> None:
    times = []
    for _ in range(3):
        started = time.monotonic()
        assert "report" in casereport_alone("--help").out
        times.append(time.monotonic() - started)
    assert min(times) < 1


def test_a_lab_table_of_two_people_becomes_a_report_each_the_same_twice(tmp_path, pango) -> None:
    second = GOOD.removeprefix(HEAD).replace("case-1", "case-2").replace("4.8", "6.4")
    file = write(tmp_path / "lab.csv", GOOD + second)
    words = ("report", "case_study", file, "--as-of", "2025-10-01", "--language", "en")
    first, again = tmp_path / "first", tmp_path / "again"
    ended = casereport_alone(*words, "--format", "html,pdf,json,ipynb", "--out", first)
    assert (ended.code, ended.err.count(" made\n")) == (0, 2), ended.err
    endings = ("html", "pdf", "ipynb")
    reports = {f"case-{n}/case_study.en.{ending}" for n in (1, 2) for ending in endings}
    results = {f"case-{n}/case.json" for n in (1, 2)}
    common = {"quarantine.csv", "validation.html", "run.json", "index.html", ".made.jsonl"}
    assert files_below(first) == reports | results | common
    casereport_alone(*words, "--format", "html,pdf,json,ipynb", "--jobs", "1", "--out", again)
    for name in reports | results | {"quarantine.csv", "validation.html", "index.html"}:
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


def test_what_is_written_is_for_its_owner_alone(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", GOOD)
    casereport_alone("check", file, "--as-of", "2025-10-01", "--out", tmp_path / "out")
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_ends_with_130_and_leaves_no_draft_and_no_kernel(
    tmp_path, ending: signal.Signals
) -> None:
    file = write(tmp_path / "lab.csv", GOOD)
    out, temporary = tmp_path / "out", tmp_path / "t"
    temporary.mkdir()
    words = ["report", "case_study", file, "--as-of", "2025-10-01", "--format", "html"]
    command = [sys.executable, "-m", "pipeline", *map(str, words), "--out", str(out)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=hear_interrupts,
    )
    while not list(temporary.glob("cr-*/k-*/s-*")):
        assert run.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(run.pid, ending)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.splitlines()[-1].startswith("Interrupted.")
    assert files_below(out) == {"quarantine.csv", "validation.html", "run.json", "index.html"}
    assert json.loads((out / "run.json").read_text("utf-8"))["ended"] == "KeyboardInterrupt"
    assert not (out / ".casereport").exists()
    assert list(temporary.glob("cr-*")) == []


def test_a_run_that_can_not_begin_leaves_no_record_of_an_earlier_one(tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("run.json", "index.html"):
        write(out / name, "{}")
    ended = casereport("report", "case_study", write(tmp_path / "lab.csv", ""), "--out", out)
    assert ended.code == 3
    assert files_below(out) == set()


def test_the_record_names_the_files_that_were_read_and_no_others(tmp_path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    write(folder / "case.toml", 'case_id = "case-1"\nfiles = ["lab.csv"]\n')
    write(folder / "other.csv", GOOD)
    write(folder / "lab.csv", GOOD)
    people = write(tmp_path / "people.csv", "case_id,date,pregnant\ncase-1,,no\n")
    brand = write(tmp_path / "brand.toml", 'logo = "logo.svg"\n')
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9"/></svg>'
    logo = write(tmp_path / "logo.svg", drawing)
    words = ("--as-of", "2025-10-01", "--format", "json", "--out", tmp_path / "out")
    besides = ("--people", people, "--brand", brand)
    ended = casereport("report", "case_study", folder, *besides, *words)
    assert ended.code == 0, ended.err
    record = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    read = (folder / "case.toml", folder / "lab.csv", people, brand, logo)
    assert record["inputs"] == [
        {"file": str(file), "sha256": sha256(file.read_bytes()).hexdigest()} for file in read
    ]
    assert (record["people"], record["cases"]) == (str(people), ["case-1"])


def test_a_report_names_no_file_since_its_name_may_be_a_persons(tmp_path, pango) -> None:
    values = {"glucose_fasting": "4.8,mmol/L", "insulin_fasting": "12,mU/L", "alt": "30,U/L"}
    lines = [
        f"case-1,s{year},{year}-09-08,{marker},{value}"
        for year in (2023, 2024, 2025)
        for marker, value in values.items()
    ]
    text = HEAD + "\n".join([*lines, "case-1,s9,2025-09-08,potassium,52,mmol/L\n"])
    file = write(tmp_path / "token_name.csv", text)
    words = ("--as-of", "2025-10-01", "--format", "html,pdf,ipynb", "--out", tmp_path / "out")
    ended = casereport("report", "case_study", file, *words)
    assert ended.code == 0, ended.err
    report = tmp_path / "out" / "case-1" / "case_study.nl"
    page = report.with_suffix(".nl.html").read_text("utf-8")
    assert 'data-rows="1:' in page
    assert "<figure" in page
    assert "token_name" not in page
    with pypdfium2.PdfDocument(report.with_suffix(".nl.pdf")) as pdf:
        assert not [page for page in pdf if "token_name" in page.get_textpage().get_text_bounded()]
    executed = json.loads(report.with_suffix(".nl.ipynb").read_text("utf-8"))
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", ())]
    marked = [output for output in outputs if "text/html" in output.get("metadata", {})]
    assert len(marked) > 5
    assert "token_name" not in json.dumps(marked)


def test_the_targets_of_a_practice_are_used_and_named_in_the_record(tmp_path) -> None:
    file = write(tmp_path / "lab.csv", HEAD + "case-1,s1,2025-09-08,vitamin_d,60,nmol/L\n")
    text = '[targets.vitamin_d]\nlow = 75\nunit = "nmol/L"\nsource = "Own protocol"\n'
    rules = write(tmp_path / "rules.toml", text)
    words = ("--as-of", "2025-10-01", "--format", "json", "--out", tmp_path / "out")
    ended = casereport("report", "case_study", file, "--rules", rules, *words)
    assert ended.code == 0, ended.err
    record = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    hash = sha256(rules.read_bytes()).hexdigest()
    assert record["rules"] == {"file": str(rules), "sha256": hash}
    assert {"file": str(rules), "sha256": hash} in record["inputs"]
    case = json.loads((tmp_path / "out" / "case-1" / "case.json").read_text("utf-8"))
    (finding,) = case["visits"][0]["findings"]
    assert finding["functional"] == "low"
    assert finding["limits"]["functional"]["source"] == "Own protocol"


@pytest.mark.parametrize("command", [("check",), ("report", "case_study")])
@pytest.mark.parametrize("text", ['[flags."SF-01"]\nurgency = "-"\n', None, "= 1"])
def test_rules_that_ask_for_more_than_targets_are_refused_before_any_report(
    command, text, tmp_path
) -> None:
    rules = tmp_path / "rules.toml"
    if text is not None:
        write(rules, text)
    file = write(tmp_path / "lab.csv", GOOD)
    ended = casereport(*command, file, "--rules", rules, "--out", tmp_path / "out")
    assert ended.code == 6
    assert ended.err.startswith("RulesError: ")
    assert "rules.toml" in ended.err
    assert files_below(tmp_path / "out") == set()
