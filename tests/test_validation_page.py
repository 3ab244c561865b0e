"""The data-quality page: what it says, what it never says, and how it meets a browser."""

import datetime as dt
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from pipeline.intake import Intake, take_in
from pipeline.language import Language
from pipeline.publish.validation_page import render_validation, write_validation
from pipeline.rules import load_rules

LANGUAGES = ("nl", "en")
HEADER = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year"
GOOD = "a,s1,2024-01-01,alt,22,U/L,F,1987"


def taken_in(folder: Path, *rows: str) -> Intake:
    path = folder / "lab.csv"
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return take_in([path], as_of=dt.date(2025, 1, 1), rules=load_rules())


@pytest.fixture
def secret_intake(tmp_path: Path) -> Intake:
    """Read rows whose every cell is a token that may stand on no page."""
    return taken_in(
        tmp_path,
        GOOD,
        "token_case,token_sample,2024-01-01,alt,77.125,U/L,F,1961",
        "token case,token_sample,token_day,token_analyte,token_value,token_unit,F,1961",
        "a,s9,2024-01-01,insulin_fasting,120,mU/L,,",
        "a,s8",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_counts_rules_and_lines_and_nothing_of_a_person(
    secret_intake: Intake, language: str
) -> None:
    page = render_validation(secret_intake, Language.load(language))
    body = page[page.index("<body") :]
    assert f'<html lang="{language}"' in page
    for word in ("analyte-unknown", "row-width", "unit-doubtful", "cross-check-failed"):
        assert word in body
    for token in ("token", "77.125", "1961", "lab.csv", "s9", "120"):
        assert token not in body
    assert "http" not in body
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "<script" not in page


def test_the_page_and_the_quarantine_appear_together(secret_intake, tmp_path: Path) -> None:
    write_validation(secret_intake, tmp_path / "out", language="nl")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["quarantine.csv", "validation.html"]


def test_the_page_of_a_clean_intake_says_so(tmp_path: Path) -> None:
    page = render_validation(taken_in(tmp_path, GOOD), Language.load("en"))
    assert "All rows that were read are accepted." in page


def test_both_languages_have_the_same_texts_for_the_page() -> None:
    def keys(code: str, prefix: str = "validation") -> set[str]:
        texts = Language.load(code)
        below = texts.keys(prefix)
        return {prefix} if not below else set().union(*(keys(code, f"{prefix}.{k}") for k in below))

    assert keys("nl") == keys("en")


def test_the_lines_of_one_reason_are_few_and_the_rest_is_counted(tmp_path: Path) -> None:
    intake = taken_in(tmp_path, GOOD, *["a,s2,2024-01-01,alt,neg,U/L,F,1987"] * 30)
    page = render_validation(intake, Language.load("en"))
    assert "File 1: line 3, 4, 5" in page
    assert "and 10 more" in page


def test_nothing_of_a_person_is_logged_or_printed(tmp_path: Path, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    intake = taken_in(tmp_path, "token_case,token_sample,token_day,token_analyte,token_value,x,F,")
    write_validation(intake, tmp_path / "out", language="nl")
    printed = capfd.readouterr()
    assert "token" not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_the_page_asks_for_nothing(
    secret_intake: Intake, chromium: str, tmp_path: Path, language: str
) -> None:
    write_validation(taken_in(tmp_path, GOOD, "a,s8,,,,,,"), tmp_path / "out", language=language)
    swapped = replace(secret_intake, ignored={"title": 2, "patient": 1})
    write_validation(swapped, tmp_path / "out", language=language)
    address = (tmp_path / "out/validation.html").as_uri()
    requests: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        found = Axe().run(page).response["violations"]
        browser.close()
    assert [f"{one['id']} ({one['impact']})" for one in found] == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
