"""The page of a review, in a real browser and on paper."""

import io
from itertools import product
from pathlib import Path

import pypdfium2
import pytest
from accessibility import faults
from opened import Opened
from pages import review_page
from sizes import FULL_SIZE

from pipeline.publish.pdf import render_pdf

pytestmark = pytest.mark.xdist_group("report")

PHONE, DESK = {"width": 320, "height": 700}, {"width": 1280, "height": 900}
SEEN = [("nl", "dark", PHONE)]
if FULL_SIZE:
    SEEN = list(product(("nl", "en"), ("light", "dark"), (DESK, PHONE)))
languages = pytest.mark.parametrize("language", ["nl", "en"])


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("review")
    made = {}
    for language in ("nl", "en"):
        made[language] = folder / f"{language}.html"
        made[language].write_text(review_page(language), encoding="utf-8")
    return made


@pytest.mark.parametrize(("language", "scheme", "view"), SEEN)
def test_axe_finds_nothing(
    browser, pages: dict[str, Path], language: str, scheme: str, view: dict[str, int]
) -> None:
    with Opened(browser, pages[language], viewport=view, color_scheme=scheme) as opened:
        assert faults(opened.page) == []


@languages
def test_the_page_needs_no_sideways_scrolling_on_a_phone(
    browser, pages: dict[str, Path], language: str
) -> None:
    with Opened(browser, pages[language], viewport=PHONE) as opened:
        width = opened.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]


@languages
def test_on_paper_every_page_says_which_review_it_is_and_the_last_that_it_ends(
    pango: None, pages: dict[str, Path], language: str
) -> None:
    pdf = pypdfium2.PdfDocument(io.BytesIO(render_pdf(pages[language].read_text(encoding="utf-8"))))
    texts = [page.get_textpage().get_text_bounded() for page in pdf]
    assert len(texts) > 5
    assert all("2026-Q3" in text for text in texts)
    assert ("Einde rapport" if language == "nl" else "End of report") in texts[-1]
    assert len(texts[-1].split()) > 20  # it does not end alone on its page
