"""What the project says it needs, in four places, is one and the same thing."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from fontTools.ttLib import TTFont
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
FONTS = ROOT / "templates" / "report" / "static" / "fonts"

RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
NEEDED = RUNTIME + EXTRAS["cluster"] + EXTRAS["dev"]

# conda's name of what PyPI calls otherwise
CONDA_NAMES = {"matplotlib-base": "matplotlib", "nbconvert-core": "nbconvert"}
# what only conda has to be told: the rest brings it along, or the system has it
ONLY_CONDA = {"python", "pip", "pango", "brotli-python"}
# where they differ
IMPORT_NAMES = {"PIL": "pillow", "rattler": "py-rattler", "yaml": "pyyaml", "zmq": "pyzmq"}

pythons = pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
faces = pytest.mark.parametrize("font", sorted(FONTS.glob("Inter-*")), ids=lambda font: font.name)


def conda_lines() -> list[str]:
    return [line for line in CONDA if isinstance(line, str)]


def pip_lines() -> list[str]:
    return next(line["pip"] for line in CONDA if isinstance(line, dict))


def bounds_in_conda() -> dict[str, str]:
    bounds = {}
    for line in conda_lines() + pip_lines():
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        bounds[CONDA_NAMES.get(name, name)] = str(requirement.specifier)
    return bounds


def locked_for(python: str) -> dict[str, Version]:
    environment = default_environment() | {
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    pins = [Requirement(line.rstrip(" \\")) for line in re.findall(r"^\w.*==.*$", LOCK, re.M)]
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def imported_by(folder: str) -> set[str]:
    modules: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module)
    return {module.partition(".")[0] for module in modules}


def third_party(folder: str) -> set[str]:
    folders = (folder, "samples", "scripts")  # the generator of made people, the bench
    own = {"pipeline", *(path.stem for name in folders for path in (ROOT / name).glob("*.py"))}
    foreign = imported_by(folder) - set(sys.stdlib_module_names) - own
    return {canonicalize_name(IMPORT_NAMES.get(module, module)) for module in foreign}


def test_the_conda_environment_names_what_the_package_needs_with_the_same_bounds() -> None:
    conda = {name: bounds for name, bounds in bounds_in_conda().items() if name not in ONLY_CONDA}
    assert conda == {canonicalize_name(need.name): str(need.specifier) for need in NEEDED}


def test_the_conda_environment_has_the_pythons_that_the_package_has() -> None:
    allowed = str(Requirement(f"python{PROJECT['requires-python']}").specifier)
    assert bounds_in_conda()["python"] == allowed


@pytest.mark.parametrize("line", conda_lines())
def test_conda_can_read_the_line(line: str) -> None:
    assert MatchSpec(line, strict=True).name is not None


@pythons
def test_the_lock_satisfies_what_the_package_needs(python: str) -> None:
    locked = locked_for(python)
    for need in NEEDED:
        assert need.specifier.contains(locked[canonicalize_name(need.name)]), need


def test_the_lock_names_no_address_and_has_a_hash_for_every_package() -> None:
    assert "://" not in LOCK
    assert " @ " not in LOCK
    entries = re.split(r"^(?=\w)", LOCK, flags=re.M)[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_whatever_the_package_imports_is_declared() -> None:
    declared = RUNTIME + EXTRAS["cluster"]
    assert third_party("pipeline") <= {canonicalize_name(need.name) for need in declared}


def test_what_only_a_cluster_needs_is_asked_for_where_one_is_named() -> None:
    told = "import sys, pipeline.publish.pool; print('distributed' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_whatever_the_tests_import_is_declared() -> None:
    assert third_party("tests") <= {canonicalize_name(need.name) for need in NEEDED}


def printed_characters() -> dict[str, str]:
    """Return each character that a page may print, with one file that has it."""
    sources = [*(ROOT / "pipeline" / "rules" / "texts").rglob("*.toml")]
    sources += [*(ROOT / "samples").rglob("*.toml"), *(ROOT / "templates").rglob("*.j2")]
    return {
        character: path.name
        for path in sources
        for character in path.read_text(encoding="utf-8")
        if character.isprintable()
    }


@faces
def test_the_font_holds_every_character_of_the_texts(font: Path) -> None:
    held = set(map(chr, TTFont(font).getBestCmap()))
    printed = printed_characters()
    assert {character: printed[character] for character in printed.keys() - held} == {}


@faces
def test_the_font_holds_the_signs_that_reports_are_made_of(font: Path) -> None:
    signs = "µμ²³≥≤±×÷−–—…•◆▲▼●■△▽○□↑↓→€°½√≈≠Σσαβγ∞✓⚠Ĳĳ\N{NO-BREAK SPACE}\N{THIN SPACE}"
    assert set(signs) <= set(map(chr, TTFont(font).getBestCmap()))


def files_of(folder: str) -> set[str]:
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if path.suffix != ".pyc"}


def test_the_wheel_carries_what_the_package_looks_for(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(
        [*build, "--directory", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    resources = {name.removeprefix("pipeline/_resources/") for name in carried}
    for folder in ("notebooks", "templates", "expectations", "samples"):
        assert files_of(folder) <= resources
    assert files_of("pipeline") <= carried


@pytest.mark.xdist_group("golden")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="all tests are in one process")
def test_workers_keep_groups_of_tests_together(request: pytest.FixtureRequest) -> None:
    # pytest-xdist reads groups here; with a pytest that it does not fit, it silently does not
    assert request.node.nodeid.endswith("@golden")
