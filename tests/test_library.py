"""Great Expectations is imported without what it does not use, and works as ever."""

import subprocess
import sys

import pytest

UNUSED = ("scipy.stats", "altair")
DIVERGENCE = (
    "great_expectations.expectations.core.expect_column_kl_divergence_to_be_less_than as module"
)


def said(*lines: str) -> list[str]:
    """Return the lines that a process of its own prints, which has the library."""
    before = ("import sys", "from pipeline.validate.library import library")
    code = "\n".join((*before, *lines))
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_what_no_row_asks_for_is_not_imported() -> None:
    show = "print(*(name for name in sys.modules if name.startswith(('scipy.stats', 'altair'))))"
    assert said("library()", show) == [""]


@pytest.mark.parametrize("name", UNUSED)
def test_who_imports_it_afterwards_gets_it(name: str) -> None:
    show = f"print({name}.__spec__.name, {name}.__file__ is not None)"
    assert said("library()", f"import {name}", show) == [f"{name} True"]


@pytest.mark.parametrize("name", UNUSED)
def test_who_has_it_already_keeps_it(name: str) -> None:
    keep = f"import {name}; before = {name}"
    show = f"print(sys.modules['{name}'] is before, before.__spec__.name)"
    assert said(keep, "library()", show) == [f"True {name}"]


def test_an_expectation_that_uses_it_finds_it() -> None:
    used = "print(module.stats.entropy([1], [1]), module.alt.Chart.__name__)"
    assert said("library()", f"import {DIVERGENCE}", used) == ["0.0 Chart"]
