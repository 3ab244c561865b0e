"""A third language is one folder of texts: no code knows which languages there are."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("kernel")
PARTS = ("pipeline", "notebooks", "templates", "expectations", "samples")
TITLE = "Deine Werte, und was du tun kannst"


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the project with one folder more: texts of a made-up German."""
    folder = tmp_path / "checkout"
    left_out = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        shutil.copytree(root / part, folder / part, ignore=left_out)
    texts = folder / "pipeline/rules/texts"
    shutil.copytree(texts / "en", texts / "de")
    change(texts / "de/report.toml", r'^locale = "en\w*"', 'locale = "de_DE"')
    change(texts / "de/client.toml", r'^title = ".*"', f'title = "{TITLE}"')
    return folder


def change(file: Path, old: str, new: str) -> None:
    text, count = re.subn(old, new, file.read_text("utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1, file
    file.write_text(text, "utf-8")


def test_a_folder_of_texts_is_a_language_of_the_command_and_of_its_pages(checkout: Path) -> None:
    words = "-m pipeline report client_report samples/seed_case --language de"
    options = "--format html,json --as-of 2025-10-01 --out out --quiet"
    run = [sys.executable, *f"{words} {options}".split()]
    done = subprocess.run(run, cwd=checkout, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    page = (checkout / "out/seed_case/client_report.de.html").read_text("utf-8")
    assert '<html lang="de">' in page
    assert f"<h1>{TITLE}</h1>" in page
    assert "8 September 2025" in page
    assert "Insulin" in page
    assert "5,6\N{NO-BREAK SPACE}mU/L" in page  # the language's own decimal mark
    validation = (checkout / "out/validation.html").read_text("utf-8")
    assert '<html lang="de">' in validation
