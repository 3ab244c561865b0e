"""What tests share: the real data, the system's programs, and how hard Hypothesis tries."""

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from sizes import FULL_SIZE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
# Modules whose tests share what takes long to make: one worker makes it, once.
TOGETHER = {
    *("test_cohort", "test_cohort_columns", "test_reference", "test_scale", "test_made_practice"),
    *("test_defects", "test_fhir_cases", "test_interpret", "test_same_people", "test_settled"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DETERMINISTIC = {"derandomize": True, "deadline": None, "database": None, "print_blob": False}

# What is kept for many tests, all golden cases, need not be looked through for garbage often.
gc.set_threshold(700, 10, 100)

hypothesis.settings.register_profile("ci", max_examples=20, **DETERMINISTIC)
hypothesis.settings.register_profile("fuzz", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("fuzz" if FULL_SIZE else "ci")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist then reads the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what asks for the browser and what stays together; leave out the full size's own."""
    left_out = [] if FULL_SIZE else [item for item in items if item.get_closest_marker("full_size")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.chromium)
        module = item.path.stem
        if module in TOGETHER and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(module))


def _absent(what: str) -> None:
    """Skip with the reason; fail where everything must be there."""
    give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    give_up(f"{what}: scripts/system-packages.sh installs it.")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of the real data and the specification; skip where it is absent."""
    folder = Path(os.environ.get("CASEREPORT_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is absent: CASEREPORT_SHARED names the folder of the real data.")
    return folder.resolve()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the system's Chromium, for Playwright's ``executable_path``."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        _absent("Chromium is not installed")
    return str(found)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator["Browser"]:
    """Return the one browser of a worker."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pango() -> None:
    """Let a test that makes a PDF run only where WeasyPrint finds Pango."""
    try:
        import weasyprint  # noqa: F401
    except OSError:
        _absent("Pango is not installed")


@pytest.fixture(scope="session")
def seed_report(tmp_path_factory: pytest.TempPathFactory, root: Path, pango: None) -> Path:
    """Return the output folder of a run that made the built-in case, in both languages."""
    out = tmp_path_factory.mktemp("report") / "out"
    return made(root, out, "case_study", "html,pdf,json,ipynb")


@pytest.fixture(scope="session")
def client_report(tmp_path_factory: pytest.TempPathFactory, root: Path, pango: None) -> Path:
    """Return the output folder of a run that made the client's report of the built-in case."""
    return made(root, tmp_path_factory.mktemp("client") / "out", "client_report", "html,pdf,json")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Run notebooks in the test's process, and give case and language of each that was run."""
    from notebooks_here import NotebooksHere

    from pipeline.publish import keys, work

    here = NotebooksHere()
    monkeypatch.setattr(work, "run_notebook", here)
    yield here.done
    keys._files_hash.cache_clear()
    keys.installation_hash.cache_clear()


def made(root: Path, out: Path, kind: str, formats: str) -> Path:
    """Make the reports of the built-in case by the real command, in both languages."""
    words = f"-m pipeline report {kind} samples/seed_case --language nl --language en"
    options = ["--format", formats, "--as-of", "2025-10-01", "--out", str(out)]
    run = [sys.executable, *words.split(), *options]
    subprocess.run(run, cwd=root, check=True, capture_output=True, timeout=600)
    return out
