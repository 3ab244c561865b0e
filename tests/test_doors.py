"""What comes in through the doors: only regular local files, small settings, no code."""

import ast
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clinic import AS_OF, RULES

from pipeline.errors import CaseFileError, LabFileError, PipelineError, RulesError
from pipeline.intake import take_in
from pipeline.read.mapping import read_mapping
from pipeline.read.overlay import read_overlay
from pipeline.read.toml_file import MOST_BYTES, MOST_LEVELS, read_toml

GOOD = "case_id,sample_id,collected_at,analyte,value,unit\na,s1,2024-01-01,alt,22,U/L\n"

# Settings files: case.toml, --mapping and --rules.


def nested(levels: int) -> str:
    """Return a key whose value makes ``levels`` with the table that the file itself is."""
    return f"x = {'[' * (levels - 1)}{']' * (levels - 1)}\n"


BOMBS = {
    "20,000 brackets": "x = " + "[" * 20_000,
    "20,000 brackets that are closed": nested(20_000),
    "20,000 braces": "x = " + "{a=" * 20_000,
    "a key of 20,000 parts": ".".join("a" * 20_000) + " = 1",
    "one level too many": nested(MOST_LEVELS + 1),
    "a table one level too deep": "[" + ".".join("a" * MOST_LEVELS) + "]",
    "too many bytes": "#" * (MOST_BYTES + 1),
    "a number of a million digits": "x = " + "1" * 200_000,
    "no TOML": "a = 1\nb = = secret",
}


def case_file(path: Path) -> object:
    folder = path.parent / "case"
    folder.mkdir(exist_ok=True)
    path.replace(folder / "case.toml")
    return take_in([folder], as_of=AS_OF, rules=RULES)


READERS: dict[str, tuple[Callable[[Path], object], type[PipelineError]]] = {
    "case": (case_file, CaseFileError),
    "mapping": (lambda path: read_mapping(path, RULES), LabFileError),
    "rules": (lambda path: read_overlay(path, RULES), RulesError),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_in_a_settings_file_is_refused_in_one_sentence(
    tmp_path: Path, bomb: str, reader: str
) -> None:
    read, error = READERS[reader]
    (tmp_path / "s.toml").write_text(BOMBS[bomb])
    started = time.monotonic()
    with pytest.raises(error) as refused:
        read(tmp_path / "s.toml")
    assert time.monotonic() - started < 5
    assert "\n" not in str(refused.value)
    assert "toml" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(BOMBS["no TOML"])
    with pytest.raises(LabFileError, match="line 2, column 5"):
        read_toml(tmp_path / "s.toml")


def test_a_settings_file_of_the_most_that_is_allowed_is_read(tmp_path: Path) -> None:
    text = nested(MOST_LEVELS)
    (tmp_path / "s.toml").write_text(text + "#" * (MOST_BYTES - len(text)))
    assert list(read_toml(tmp_path / "s.toml")) == ["x"]


def test_only_one_function_reads_toml_that_people_wrote(root: Path) -> None:
    users = {
        path.relative_to(root).as_posix()
        for path in (root / "pipeline").rglob("*.py")
        if "tomllib" in path.read_text("utf-8")
    }
    assert users == {"pipeline/read/toml_file.py", "pipeline/language.py"}


@pytest.mark.parametrize(("option", "code"), [("--mapping", 3), ("--rules", 6), ("--people", 3)])
def test_the_command_ends_on_20_000_brackets_with_one_line(
    root: Path, tmp_path: Path, option: str, code: int
) -> None:
    (tmp_path / "lab.csv").write_text(GOOD)
    (tmp_path / "s.toml").write_text("x = " + "[" * 20_000)
    done = command(root, tmp_path, str(tmp_path / "lab.csv"), option, str(tmp_path / "s.toml"))
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1


def command(root: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "pipeline", "check", *words, "--out", str(out / "out")]
    return subprocess.run(run, cwd=root, capture_output=True, text=True, timeout=120, check=False)


# Files: only a regular local one.


def symlink_out(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere/lab.csv").write_text(GOOD)
    (folder / "lab.csv").symlink_to(folder.parent / "elsewhere/lab.csv")


def unix_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket is short
        try:
            one.bind("lab.csv")
        finally:
            os.chdir(here)


IN_A_FOLDER: dict[str, Callable[[Path], None]] = {
    "a link out of the folder": symlink_out,
    "a link to a device": lambda folder: (folder / "lab.csv").symlink_to("/dev/zero"),
    "a link to nothing": lambda folder: (folder / "lab.csv").symlink_to(folder / "none.csv"),
    "a link to itself": lambda folder: (folder / "lab.csv").symlink_to(folder / "lab.csv"),
    "a pipe": lambda folder: os.mkfifo(folder / "lab.csv"),
    "a socket": unix_socket,
    "a folder": lambda folder: (folder / "lab.csv").mkdir(),
    "gzip": lambda folder: write_bytes(folder, b"\x1f\x8b\x08\x00" + b"\0" * 20),
    "a pickle": lambda folder: write_bytes(folder, b"\x80\x04\x95\x00\x00\x00\x00N."),
    "a zip": lambda folder: write_bytes(folder, b"PK\x05\x06" + b"\0" * 18),
    "nothing": lambda folder: write_bytes(folder, b""),
}
OUTSIDE = (
    "http://localhost/lab.csv",
    "https://localhost/lab.csv",
    "s3://bucket/lab.csv",
    "file:///etc/passwd",
    "file:lab.csv",
    "data:text/csv,a",
    "/dev/zero",
    "/dev/stdin",
    "-",
)


def write_bytes(folder: Path, content: bytes) -> None:
    (folder / "lab.csv").write_bytes(content)


def case_with(tmp_path: Path, make: Callable[[Path], None]) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text('case_id = "a"\n')
    make(folder)
    return folder


def require_refused(path: Path) -> None:
    started = time.monotonic()
    with pytest.raises((LabFileError, CaseFileError)) as refused:
        take_in([path], as_of=AS_OF, rules=RULES)
    assert time.monotonic() - started < 1
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("what", IN_A_FOLDER)
def test_what_is_no_regular_file_of_its_folder_is_refused(tmp_path: Path, what: str) -> None:
    folder = case_with(tmp_path, IN_A_FOLDER[what])
    require_refused(folder)
    require_refused(folder / "lab.csv")


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_address_or_a_device_is_no_file(name: str) -> None:
    require_refused(Path(name))


def test_a_case_file_that_is_a_link_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    folder = case_with(tmp_path, lambda folder: write_bytes(folder, GOOD.encode()))
    (folder / "case.toml").rename(tmp_path / "other.toml")
    (folder / "case.toml").symlink_to(tmp_path / "other.toml")
    require_refused(folder)


def test_a_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    require_refused(tmp_path)


@pytest.mark.parametrize("name", ["a pipe", "a socket", "gzip", "a link out of the folder"])
def test_the_command_refuses_what_is_no_regular_file(root: Path, tmp_path: Path, name: str) -> None:
    done = command(root, tmp_path, str(case_with(tmp_path, IN_A_FOLDER[name])))
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_command_refuses_an_address(root: Path, tmp_path: Path) -> None:
    done = command(root, tmp_path, "http://localhost/lab.csv")
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1


# Code: nothing that people send is ever run.

FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "yaml"}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {"eval", "query", "read_pickle", "to_pickle", "system", "popen", "unsafe_load"}


def dangers(source: str) -> set[str]:
    """Return what of a module could run what it is given."""
    return set(filter(None, map(_danger, ast.walk(ast.parse(source)))))


def _danger(node: ast.AST) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        named = [getattr(node, "module", None) or ""] + [one.name for one in node.names]
        return next((name for name in named if name.split(".")[0] in FORBIDDEN_MODULES), "")
    if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        return node.id
    if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS:
        return node.attr
    is_shell = isinstance(node, ast.keyword) and node.arg == "shell"
    return "shell" if is_shell and not _is_false(node.value) else ""


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def modules(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and source of each module, script and notebook."""
    for folder in ("pipeline", "scripts", "samples"):
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path.read_text("utf-8")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        yield path.name, "\n".join(code)


def test_no_module_script_or_notebook_can_run_what_it_is_given(root: Path) -> None:
    found = {name: dangers(source) for name, source in modules(root)}
    assert len(found) > 80
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import os, shelve as s",
        "from dill.source import x",
        "import yaml",
        "eval(text)",
        "run = exec",
        "compile(text, '', 'exec')",
        "table.query(text)",
        "pd.eval(text)",
        "pd.read_pickle(path)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "subprocess.run(text, shell=is_shell)",
    ],
)
def test_a_module_that_could_run_what_it_is_given_is_found(source: str) -> None:
    assert dangers(source)


def test_what_only_looks_like_it_is_not_found() -> None:
    assert dangers("re.search(x)\nquery = 1\nsubprocess.run(x, shell=False)") == set()
