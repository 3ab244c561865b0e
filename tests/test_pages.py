"""The page of the built-in case in a real browser: found by everybody, from 320 px, and alone."""

import json
import re
from itertools import product
from pathlib import Path

import pypdfium2
import pytest
from accessibility import faults
from opened import Opened
from sizes import FULL_SIZE, sized

pytestmark = pytest.mark.xdist_group("report")
LANGUAGES = ("nl", "en")
KINDS = {"case_study": "seed_report", "client_report": "client_report"}  # each with its fixture
RUNNING = re.compile(
    r"^(?:(?:Casus|Case) seed_case|(?:Afname|Sampled) \d|(?:Uitgegeven|Issued) \d"
    r"|(?:Gemaakt met|Made with) casereport|(?:Pagina|Page) \d+ (?:van|of) \d).*$",
    re.MULTILINE,
)
LARGEST = 1_000_000  # bytes: a page is one file, to be sent
PHONE = {"width": 320, "height": 700}
DESK = {"width": 1280, "height": 900}
# A page takes axe half a minute: ``make test`` sees one kind light and wide, the other dark and
# narrow, in the other language.
SEEN = list(product(KINDS, LANGUAGES, ("light", "dark"), (DESK, PHONE)))
if not FULL_SIZE:
    SEEN = [
        ("case_study", "nl", "light", DESK),
        ("client_report", "en", "dark", PHONE),
    ]


def report(folder: Path, language: str, kind: str = "case_study") -> Path:
    return folder / "seed_case" / f"{kind}.{language}.html"


def of_kind(request: pytest.FixtureRequest, kind: str, language: str) -> Path:
    return report(request.getfixturevalue(KINDS[kind]), language, kind)


@pytest.mark.parametrize(("kind", "language", "scheme", "view"), SEEN)
def test_axe_finds_nothing(
    browser, request, kind: str, language: str, scheme: str, view: dict[str, int]
) -> None:
    file = of_kind(request, kind, language)
    with Opened(browser, file, viewport=view, color_scheme=scheme) as opened:
        assert faults(opened.page) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_for_nothing_outside_itself_and_complains_of_nothing(
    browser, request, kind: str, language: str
) -> None:
    file = of_kind(request, kind, language)
    with Opened(browser, file, offline=True) as opened:
        outside = [url for url in opened.requests if not url.startswith("data:")]
        assert outside == [file.as_uri()]
        assert opened.complaints == []
    assert file.stat().st_size < LARGEST


@pytest.mark.parametrize("width", [320, 360, 640, 768])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_reflows_without_sideways_scrolling(browser, request, kind: str, width: int) -> None:
    view = {"width": width, "height": 700}
    with Opened(browser, of_kind(request, kind, "nl"), viewport=view) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("kind", KINDS)
def test_letters_of_twice_the_size_need_no_sideways_scrolling(browser, request, kind: str) -> None:
    with Opened(browser, of_kind(request, kind, "nl"), viewport=DESK) as opened:
        opened.page.add_style_tag(content="html { font-size: 200% }")
        assert opened.page.evaluate("document.documentElement.scrollWidth") == DESK["width"]


# What a Tab leads to: where it stands in the page, and whether it is seen to have the focus.
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect();
  const stops = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
    .filter(one => one.checkVisibility({contentVisibilityAuto: true}));
  return {
    place: stops.indexOf(e), stops: stops.length,
    outline: getComputedStyle(e).outlineStyle,
    seen: box.bottom > 0 && box.top < innerHeight && box.width > 0,
  };
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_keyboard_walks_the_page_in_its_order_and_the_focus_is_seen(
    browser, request, kind: str
) -> None:
    with Opened(
        browser, of_kind(request, kind, "en"), viewport=DESK, reduced_motion="reduce"
    ) as opened:
        places = []
        for _ in range(sized(60, full=2_000)):
            opened.page.keyboard.press("Tab")
            found = opened.page.evaluate(FOCUSED)
            if found["place"] < 0:
                break
            assert found["outline"] != "none"
            assert found["seen"]
            places.append(found["place"])
        assert places == list(range(len(places)))
        assert len(places) == min(sized(60, full=2_000), found["stops"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_page_pdf_and_the_print_of_the_browser_hold_the_same_sentences_and_numbers(
    browser, request, kind: str, language: str
) -> None:
    file = of_kind(request, kind, language)
    with Opened(browser, file) as opened:
        told = opened.page.evaluate(
            "[...document.querySelectorAll('main [data-key], main td, main h2, main h3, main h4')]"
            ".filter(e => !e.closest('.why')).map(e => e.textContent)"
        )
        printed = opened.page.pdf(format="A4")
    assert len(told) > 300
    for content in (file.with_suffix(".pdf").read_bytes(), printed):
        letters = letters_of(content)
        missing = [one for one in dict.fromkeys(told) if bare(one) not in letters]
        assert missing == []


def letters_of(content: bytes) -> str:
    """Return the text of a PDF without white space and without what runs above and below it."""
    with pypdfium2.PdfDocument(content) as pdf:
        pages = [page.get_textpage().get_text_range() for page in pdf]
    return "".join(bare(RUNNING.sub("", one)) for one in pages)


def bare(text: str) -> str:
    """Return text without white space, and without what a reader of PDF drops or moves."""
    return re.sub(r"[-•\s\ufffe\u00ad\x02]", "", text)


def test_what_scrolls_inside_the_page_is_reached_by_keyboard(browser, seed_report) -> None:
    with Opened(browser, report(seed_report, "nl"), viewport=PHONE) as opened:
        unreached = opened.page.evaluate(
            "[...document.querySelectorAll('.scroll')]"
            ".filter(e => e.scrollWidth > e.clientWidth && e.tabIndex !== 0).length"
        )
        assert unreached == 0
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.className") == "skip"
        opened.page.keyboard.press("Enter")
        assert opened.page.evaluate("location.hash") == "#content"


def test_a_page_has_its_landmarks_and_one_first_heading(browser, seed_report) -> None:
    with Opened(browser, report(seed_report, "nl")) as opened:
        count = opened.page.locator
        assert [count(name).count() for name in ("header", "nav", "main", "footer", "h1")] == [
            1
        ] * 5
        assert count("html").get_attribute("lang") == "nl"
        assert count("script, iframe, object, embed, form, base").count() == 0


def test_the_contents_list_leads_to_every_section(browser, seed_report) -> None:
    with Opened(browser, report(seed_report, "nl")) as opened:
        linked = opened.page.evaluate(
            "[...document.querySelectorAll('.contents a')].map(a => a.hash.slice(1))"
        )
        sections = opened.page.evaluate(
            "[...document.querySelectorAll('main > section:not(.sign-off)')].map(s => s.id)"
        )
    assert linked == sections
    assert linked[0] == "summary"


def test_figures_are_described_and_their_numbers_open_without_a_script(
    browser, seed_report
) -> None:
    with Opened(browser, report(seed_report, "nl")) as opened:
        pictures = opened.page.locator("figure svg")
        assert pictures.count() >= 3
        for index in range(pictures.count()):
            assert len(pictures.nth(index).get_attribute("aria-label") or "") > 20
        details = opened.page.locator("details.numbers").first
        details.locator("summary").click()
        assert details.locator("table").is_visible()


def test_the_print_of_the_browser_holds_the_numbers_of_the_figures(browser, seed_report) -> None:
    with Opened(browser, report(seed_report, "nl")) as opened:
        opened.page.emulate_media(media="print")
        table = opened.page.locator("details table").first
        assert table.evaluate("e => e.checkVisibility({contentVisibilityAuto: true})")
        assert not opened.page.locator(".contents").is_visible()


def test_both_kinds_of_report_end_with_the_same_case(
    seed_report: Path, client_report: Path
) -> None:
    results = [(out / "seed_case/case.json").read_bytes() for out in (seed_report, client_report)]
    assert results[0] == results[1]
    assert json.loads(results[0])["case_id"] == "seed_case"
    page = (client_report / "seed_case/client_report.nl.html").read_text("utf-8")
    assert "<script" not in page
    assert "Uw uitslagen" in page
