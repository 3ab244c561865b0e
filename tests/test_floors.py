"""Every module says on which floor it stands; pyproject.toml says which rooms a floor has."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYER = re.compile(r'^    "(?P<rooms>[^"]+)", +# (?P<floor>.+ floor)$', re.MULTILINE)
FLOORS = {
    room: found["floor"].capitalize()
    for found in LAYER.finditer((ROOT / "pyproject.toml").read_text("utf-8"))
    for room in re.findall(r"\w+", found["rooms"])
}
MODULES = sorted(set((ROOT / "pipeline").rglob("*.py")) - {ROOT / "pipeline" / "__init__.py"})


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_begins_with_the_floor_of_its_room(path: Path) -> None:
    room = path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert said.startswith(f"{FLOORS[room]}. "), said.splitlines()[:1]
