"""The print of the built-in case: tagged, our fonts alone, nothing cut, whose on every page."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pdfua
import pikepdf
import pypdfium2
import pytest

pytestmark = pytest.mark.xdist_group("report")
PAGE = {"nl": r"Pagina (\d+) van (\d+)", "en": r"Page (\d+) of (\d+)"}
MARGIN = 14 * 72 / 25.4  # a millimetre less than the style sheet's, for the shape of letters


KINDS = {"case_study": "seed_report", "client_report": "client_report"}  # each with its fixture


@pytest.fixture(params=["nl", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def file(request: pytest.FixtureRequest, kind: str, language: str) -> Path:
    folder: Path = request.getfixturevalue(KINDS[kind])
    return folder / "seed_case" / f"{kind}.{language}.pdf"


@pytest.fixture
def pdf(file: Path) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(file) as opened:
        yield opened


@pytest.fixture
def texts(file: Path) -> list[str]:
    with pypdfium2.PdfDocument(file) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def tags(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """Yield every element of the structure tree."""
    children = node.get("/K", [])
    for child in children if isinstance(children, pikepdf.Array) else [children]:
        if isinstance(child, pikepdf.Dictionary) and "/S" in child:
            yield child
            yield from tags(child)


def test_a_pdf_says_its_title_and_language(pdf, language: str) -> None:
    assert str(pdf.Root.Lang) == language
    assert "seed_case" in str(pdf.docinfo["/Title"])
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)


def test_a_pdf_is_tagged_and_every_figure_is_described(pdf) -> None:
    assert bool(pdf.Root.MarkInfo.Marked)
    found = list(tags(pdf.Root.StructTreeRoot))
    kinds = {str(tag.S) for tag in found}
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/Figure", "/P", "/L"} <= kinds
    figures = [tag for tag in found if str(tag.S) == "/Figure"]
    assert len(figures) >= 3
    assert all(len(str(figure.get("/Alt", ""))) > 20 for figure in figures)


def test_headings_go_down_one_level_at_a_time(pdf) -> None:
    kinds = [str(tag.S) for tag in tags(pdf.Root.StructTreeRoot)]
    levels = [int(kind[2]) for kind in kinds if re.fullmatch(r"/H\d", kind)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_pdfua_finds_no_failure(file) -> None:
    """UA-15-003 only warns: WeasyPrint ties cells to headings by /Headers, not by /Scope."""
    findings = pdfua.validate(str(file)).findings
    assert {one.severity.name for one in findings} <= {"WARNING"}
    assert {one.rule_id for one in findings} <= {"UA-15-003"}


def test_a_pdf_holds_our_fonts_and_no_others(pdf) -> None:
    names = set()
    for page in pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            (descendant,) = font.DescendantFonts
            names.add(str(descendant.BaseFont).split("+")[1])
            assert any(f"/FontFile{n}" in descendant.FontDescriptor for n in ("", "2", "3"))
    assert names
    assert {name for name in names if not name.startswith("Inter")} == set()


def test_every_page_says_whose_it_is_of_when_and_which_of_how_many(texts, language: str) -> None:
    dates = {"nl": ("08-09-2025", "01-10-2025"), "en": ("2025", "1 Oct 2025")}[language]
    for number, text in enumerate(texts, start=1):
        assert "seed_case" in text
        assert {"nl": "Concept", "en": "Draft"}[language] in text
        assert all(date in text for date in dates)
        assert re.search(PAGE[language], text).groups() == (str(number), str(len(texts)))  # type: ignore[union-attr]


def test_a_pdf_says_where_it_ends(texts, language: str) -> None:
    end = {"nl": "Einde rapport", "en": "End of report"}[language]
    assert end in texts[-1]
    assert not any(end in text for text in texts[:-1])


def test_nothing_is_cut_at_the_edge_of_the_paper(file) -> None:
    with pypdfium2.PdfDocument(file) as document:
        for number, page in enumerate(document, start=1):
            text, width = page.get_textpage(), page.get_width()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            assert min(box[0] for box in boxes) >= MARGIN, number
            assert max(box[2] for box in boxes) <= width - MARGIN, number


def test_a_page_does_not_end_with_a_heading(file) -> None:
    with pikepdf.open(file) as pdf:
        outline = [item.title for item in _outline(pdf)]
    with pypdfium2.PdfDocument(file) as document:
        for page in document:
            lines = page.get_textpage().get_text_bounded().splitlines()
            running = ("Gemaakt", "Made", "Pagina", "Page")
            body = [line.strip() for line in lines if not line.strip().startswith(running)]
            assert body[-1] not in outline


MARKS = ("Gebruikelijke grens", "Streefwaarde van", "Een arts kijkt", "Vorige keer", "Usual limit")
MARKS += ("This practice's target", "A doctor looks", "Last time")


def test_no_number_line_is_parted_from_its_words(client_report, language: str) -> None:
    file = client_report / "seed_case" / f"client_report.{language}.pdf"
    running = ("Casus", "Case", "Afname", "Samples", "Uitgegeven", "Issued")
    with pypdfium2.PdfDocument(file) as document:
        texts = [page.get_textpage().get_text_bounded() for page in document]
    assert sum(text.count(mark) for text in texts for mark in MARKS) > 100
    for text in texts:
        lines = (line.strip() for line in text.splitlines())
        first = next(line for line in lines if line and not line.startswith(running))
        assert not first.startswith(MARKS), first


def _outline(pdf: pikepdf.Pdf) -> Iterator[pikepdf.OutlineItem]:
    with pdf.open_outline() as outline:
        waiting = list(outline.root)
        while waiting:
            item = waiting.pop()
            waiting.extend(item.children)
            yield item


def test_a_pdf_carries_no_attachment_and_runs_nothing(pdf) -> None:
    assert len(pdf.attachments) == 0
    assert "/OpenAction" not in pdf.Root or "/JS" not in pdf.Root.OpenAction
    assert "/AA" not in pdf.Root
    assert "/JavaScript" not in pdf.Root.get("/Names", {})


def test_a_pdf_has_bookmarks_for_its_sections(pdf) -> None:
    assert len(list(_outline(pdf))) > 10
