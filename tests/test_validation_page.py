"""The data-quality page: what it says, what it never says, and how it meets a browser."""

import datetime as dt
import logging
import re
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from accessibility import faults
from opened import Opened

from pipeline.intake import Intake, take_in
from pipeline.language import Language
from pipeline.publish.validation_page import (
    render_validation,
    tell_validation,
    write_validation,
)
from pipeline.rules import load_rules
from pipeline.validate import reasons_by_severity

LANGUAGES = ("nl", "en")
HEADER = "case_id,sample_id,collected_at,analyte,value,unit,sex,birth_year"
GOOD = "a,s1,2024-01-01,alt,22,U/L,F,1987"
in_browser = pytest.mark.xdist_group("report")  # one worker has the one browser


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


def test_of_each_file_and_analyte_it_is_said_why_rows_were_set_aside(tmp_path: Path) -> None:
    rows = ["a,s2,2024-01-01,alt,neg,U/L,F,1987", "a,s3,2024-01-01,ast,24,foo,F,1987"]
    intake = taken_in(tmp_path, GOOD, *rows, rows[0].replace("s2", "s4"))
    page = render_validation(intake, Language.load("en"))
    cells = [re.sub(r"<[^>]+>", "|", row) for row in page.split("<tr")]
    told = [" ".join(re.split(r"[|>\s]+", row)) for row in cells]
    assert any("File 1 4 1 3 value-qualitative 2 · unit-unknown 1" in row for row in told)
    assert any("ALT 3 1 2 value-qualitative 2" in row for row in told)
    assert any("AST 1 0 1 unit-unknown 1" in row for row in told)


def test_a_file_without_a_result_is_a_line_of_the_page_too(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("lab.csv", "patient.json")]
    paths[0].write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    paths[1].write_text('{"resourceType": "Patient", "id": "a"}', encoding="utf-8")
    intake = take_in(paths, as_of=dt.date(2025, 1, 1), rules=load_rules())
    table = tell_validation(intake, Language.load("en")).section("files").blocks[0]
    assert [row.cells for group in table.groups for row in group.rows] == [
        ("File 1", "1", "1", "0", "–"),
        ("File 2", "0", "0", "0", "–"),
    ]


@pytest.fixture(scope="module")
def full_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a page with everything in it in each language: files, kinds, notes, reasons, a trend.

    Every case, sample, analyte, value, unit and file has "token" in it, where it may stand nowhere.
    """
    folder = tmp_path_factory.mktemp("full")
    before = written(folder, 0)
    now = written(folder, 1)
    outs = {}
    for language in LANGUAGES:
        outs[language] = folder / language
        for intake in (before, now):
            write_validation(intake, outs[language], language=language)
    return {language: out / "validation.html" for language, out in outs.items()}


def written(folder: Path, turn: int) -> Intake:
    """Read three files as they are at one turn: some rows are mended, others are new."""
    many = [f"token{n},token,2024-01-01,alt,token{n},U/L,F,1961" for n in range(40 + 10 * turn)]
    rows = [
        GOOD,
        "token_case,token_sample,2024-01-01,ast,24,token_unit,F,1961",
        "token case,token_sample,token_day,token_analyte,token_value,token_unit,F,1961",
        "a,s9,2024-01-01,insulin_fasting,120,mU/L,,",
        "a,s8",
        *[f"token{n},s{n},2024-01-01,glucose_fasting,{88 + n},mmol/L,F,1961" for n in range(12)],
        *many[10 * turn :],
        *["token_mended,token_sample,2024-01-01,potassium,token,mmol/L,F,1961"][turn:],
    ]
    observation = (
        '{"resourceType": "Observation", "id": "token", "status": "final", "code": '
        '{"coding": [{"system": "http://loinc.org", "code": "1742-6"}]}, "valueQuantity": '
        '{"value": 77.125, "unit": "token"}}'
    )
    bundle = (
        '{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": '
        '{"resourceType": "Patient", "id": "token"}}, {"resource": ' + observation + "}]}"
    )
    files = {
        "token_lab.csv": "\n".join([HEADER, *rows]),
        "token_bundle.json": bundle,
        "token_other.csv": f"{HEADER}\n,,,,,,,\n{GOOD.replace('s1', 's3')}\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [folder / name for name in files]
    return take_in(paths, as_of=dt.date(2025, 1, 1 + turn), rules=load_rules())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_page_has_every_section_and_nothing_of_a_person(
    full_pages: dict[str, Path], language: str
) -> None:
    page = full_pages[language].read_text("utf-8")
    sections = ("summary", "trend", "columns", "rules", "rows", "files", "analytes", "ignored")
    assert re.findall('<section id="([a-z]+)">', page) == list(sections)
    body = page[page.index("<body") :]
    for word in ("token", "77.125", "1961", ".csv:", "s9"):
        assert word not in body
    texts = Language.load(language)
    for key in ("new", "resolved", "persisting", "new_at", "resolved_at"):
        assert texts.text(f"validation.trend.{key}") in body


@in_browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_page_fits_a_telephone_and_axe_finds_nothing(
    full_pages: dict[str, Path], browser, language: str
) -> None:
    for width in (1280, 360):
        view = {"width": width, "height": 800}
        with Opened(browser, full_pages[language], viewport=view) as opened:
            assert faults(opened.page) == []
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


@in_browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_page_is_printed_whole(
    full_pages: dict[str, Path], browser, language: str
) -> None:
    with Opened(browser, full_pages[language]) as opened:
        page = opened.page
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 680, "height": 900})  # what A4 has between its margins
        wide = page.evaluate(
            "[...document.querySelectorAll('table')].filter(table => "
            "table.scrollWidth > table.parentElement.clientWidth + 1)"
            ".map(table => table.caption.textContent)"
        )
        printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert wide == []
    with pypdfium2.PdfDocument(printed) as pdf:
        text = "".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)
    texts = Language.load(language)
    for key in ("summary", "trend", "columns", "rules", "rows", "files", "analytes", "ignored"):
        assert texts.text(f"validation.{key}.title") in text
    for word in (*reasons_by_severity()["critical"], *reasons_by_severity()["warning"]):
        assert re.sub(r"\W", "", word) in re.sub(r"\W", "", text)  # its hyphen may end a line


@in_browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_the_page_asks_for_nothing(
    secret_intake: Intake, browser, tmp_path: Path, language: str
) -> None:
    write_validation(taken_in(tmp_path, GOOD, "a,s8,,,,,,"), tmp_path / "out", language=language)
    first, *others = secret_intake.sources
    titled = replace(first, ignored={"title": 2, "patient": 1})
    swapped = replace(secret_intake, sources=(titled, *others))
    write_validation(swapped, tmp_path / "out", language=language)
    file = tmp_path / "out/validation.html"
    with Opened(browser, file) as opened:
        assert faults(opened.page) == []
        assert [url for url in opened.requests if not url.startswith("data:")] == [file.as_uri()]
