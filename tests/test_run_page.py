"""The run page: what was not made comes first, and ten thousand cases are filtered offline."""

import html
import json
import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import ClassVar

import pypdfium2
import pytest
from accessibility import faults
from ledgers import failure, ledger_of, order_of
from nbformat import writes
from nbformat.v4 import new_notebook
from opened import Opened
from sizes import FULL_SIZE, sized

from pipeline.language import Language
from pipeline.model import CaseInput, Urgency
from pipeline.publish import work as publish_work
from pipeline.publish.kinds import CaseParameters
from pipeline.publish.ledger import Ledger, Made
from pipeline.publish.notebook import Executed, NotebookError
from pipeline.publish.record import withdraw_record, write_record
from pipeline.publish.report import make_reports
from pipeline.publish.run_cases import STATES, case_lines
from pipeline.publish.run_page import allowed_by_hash, filter_script, render_run_page
from pipeline.read import read_case_input

in_browser = pytest.mark.xdist_group("report")  # one worker has the one browser
LANGUAGES = ("nl", "en")
PHONE, DESK = {"width": 320, "height": 700}, {"width": 1280, "height": 900}
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "</style><svg onload=alert(1)>",
    "'-alert(1)-'",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "</td></tr></table><iframe src=https://example.org>",
    "<!-- --!> ]]> &lt;b&gt; \u202e",
)


# The order of the lines, and what each says.


def test_what_was_not_made_comes_first_then_what_presses_then_by_case() -> None:
    lines = case_lines(ledger_of(60, failed=3, refused=2), Language.load("en"))
    states = [line.state for line in lines]
    assert states == sorted(states, key=STATES.index)
    made = [line for line in lines if line.state == "made"]
    highest = [line.urgencies[0] for line in made]
    pressing = [{"emergency": 0, "urgent": 1}.get(word, 2) for word in highest]
    assert pressing == sorted(pressing)
    for level in range(3):
        ids = [line.case_id for line, own in zip(made, pressing, strict=True) if own == level]
        assert ids == sorted(ids)


def test_one_report_that_failed_makes_a_case_not_made_and_its_flags_are_still_told() -> None:
    order = order_of(languages=LANGUAGES)
    whole = ledger_of(5, order=order)
    lost = replace(whole, failures=(failure("case-5", "en"),), made=whole.made[:-1])
    first = case_lines(lost, Language.load("en"))[0]
    assert (first.case_id, first.state, first.not_made) == ("case-5", "not_made", ("en",))
    assert [language for language, _ in first.files] == ["nl", ""]
    assert first.urgencies == ("emergency", "urgent", "routine")


def test_a_run_that_was_ended_says_so_and_names_what_was_not_reached() -> None:
    whole = ledger_of(4)
    ended = replace(whole, made=whole.made[:2], in_short={}, ended="KeyboardInterrupt")
    page = render_run_page(ended)
    assert re.findall('data-state="([^"]+)"', page) == ["unfinished"] * 2 + ["made"] * 2
    assert "KeyboardInterrupt" in page
    assert "Alles wat is gevraagd, is gemaakt." not in page


def test_a_failure_is_told_whole_with_the_command_that_makes_it_again() -> None:
    ledger = ledger_of(3, failed=1, order=order_of(inputs=(Path("it's a b.csv"),)))
    (one,) = ledger.failures
    (block,) = re.findall('<li class="callout urgent".*?</li>', render_run_page(ledger), re.DOTALL)
    (command,) = re.findall(r"<code>(.*?)</code>", block)
    assert text_of(command) == ledger.order.again(one)
    for said in (one.case_id, one.language, one.notebook, one.cell, one.cause, one.partial):
        assert said in text_of(block)
    assert f'href="{one.partial}"' in block


def test_of_many_failures_the_first_stand_open_and_the_rest_opens() -> None:
    page = render_run_page(ledger_of(100, failed=50, refused=60))
    assert page.count('<li class="callout urgent"') == 50
    first, _, rest = page.partition("<details><summary>En nog 30</summary>")
    assert (first.count("<li class="), rest.count("<li class=")) == (20, 30)
    assert "En nog 40" in rest


def test_both_languages_say_the_same_of_every_case() -> None:
    ledger = ledger_of(40, failed=2, refused=1, order=order_of(languages=LANGUAGES))
    pages = [
        render_run_page(replace(ledger, order=replace(ledger.order, languages=languages)))
        for languages in (LANGUAGES, LANGUAGES[::-1])
    ]
    for found in (
        r"<dd>(\d+)</dd>",
        r'(<tr role="row" data-[^>]+>)',
        r'<td role="cell">(\d+)</td>',
        r"\b(SF-\d\d)\b",
        r'href="([^"]+)"',
    ):
        first, second = (re.findall(found, page) for page in pages)
        assert first == second, found
        assert len(first) > 3, found


def test_a_page_depends_on_the_run_alone() -> None:
    ledger = ledger_of(30, failed=1, order=order_of(jobs=1))
    again = replace(ledger, order=replace(ledger.order, jobs=8))
    assert render_run_page(ledger) == render_run_page(again)


def test_a_review_has_links_in_place_of_a_table_and_no_script() -> None:
    order = order_of(kind="cohort_review", period="2026-Q3", limit=5, languages=LANGUAGES)
    made = tuple(
        Made(
            case_id="2026-Q3",
            language=code,
            files={f"cohort_review.{code}.html": "0", "cohort.json": "0"},
        )
        for code in LANGUAGES
    )
    rows = {"read": 9, "accepted": 8, "set_aside": 1}
    page = render_run_page(
        Ledger(order=order, cases=("2026-Q3",), read={}, rows=rows, made=made, failures=())
    )
    links = re.findall('<a href="([^#"]+)"', page)
    assert links == ["run.json", "cohort_review.nl.html", "cohort_review.en.html", "cohort.json"]
    assert not re.search("<script|<table|script-src|validation.html", page)
    assert ">2026-Q3</dd>" in page


# Nothing but the one script.


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_one_script_is_allowed_by_its_hash_and_shown_in_full(language: str) -> None:
    page = render_run_page(ledger_of(3, order=order_of(languages=(language,))))
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith(f"default-src 'none'; script-src '{allowed_by_hash(script)}'; style")
    assert policy.count("script-src") == 1
    (shown,) = re.findall(r'<pre lang="en"><code>(.*?)</code></pre>', page, re.DOTALL)
    assert html.unescape(shown) == script == filter_script()
    assert script.startswith('"use strict";')
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval",
        "fetch",
        "<",
    ):
        assert word not in script.replace("=> row", "").replace("left < ", "")


def test_the_page_asks_for_nothing_outside_itself() -> None:
    page = render_run_page(ledger_of(40, failed=2, refused=2))
    body = page[page.index("<body") :]
    assert not re.search(r"(?i)https?:|//[a-z]|<(script|link|img|iframe|base|object)\s", body)
    assert not re.search(r"(?i)<[^>]*\son[a-z]+\s*=", body)


def hostile_ledger() -> Ledger:
    """Return a run in which everything that comes from outside would be code."""
    ids = [f"{number}{payload}" for number, payload in enumerate(PAYLOADS)]
    order = order_of(inputs=tuple(map(Path, PAYLOADS)), out=Path(PAYLOADS[0]))
    whole = ledger_of(len(ids), order=order)
    files = {f"{ids[0]}/{PAYLOADS[6]}.html": "0", PAYLOADS[6]: "0"}
    short = replace(whole.in_short["case-5"], phase=PAYLOADS[0], qualifiers=PAYLOADS, last_visit="")
    return replace(
        whole,
        cases=tuple(ids),
        without_rows=PAYLOADS,
        made=tuple(Made(case_id=one, language=PAYLOADS[1], files=files) for one in ids),
        failures=tuple(
            failure(one, PAYLOADS[1], notebook=one, cell=one, cause=one, partial=PAYLOADS[6])
            for one in ids
        ),
        in_short=dict.fromkeys(ids, short),
        ended=PAYLOADS[0],
    )


@in_browser
def test_what_comes_from_outside_is_text_and_never_code(browser, tmp_path: Path) -> None:
    ledger = hostile_ledger()
    with Opened(browser, written(tmp_path, ledger)) as opened:
        page = opened.page
        assert opened.complaints == []
        assert len(opened.requests) == 1
        found = page.evaluate(
            "() => [document.scripts.length, document.querySelectorAll('iframe, img, svg').length,"
            " [...document.links].filter(link => link.protocol !== 'file:').length]"
        )
        assert found == [1, 0, 0]
        shown = page.evaluate(
            "() => [...document.querySelectorAll('#cases tbody th')].map(one => one.textContent)"
        )
        assert set(shown) == {*ledger.cases, *PAYLOADS}
        page.fill("#filter-id", "<script>")
        assert page.inner_text("#shown") == "4 van 18 casussen getoond"
        assert opened.complaints == []


# The files of a run.


def test_a_run_in_which_one_of_two_fails_leaves_a_page_that_says_so_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish_work, "run_notebook", fails_for_the_second)
    out = tmp_path / "out"
    order = order_of(out=out, formats=("json",))
    make_reports(order, TwoCases(), read={}, announce=lambda _: None)  # type: ignore[arg-type]
    page = (out / "index.html").read_text("utf-8")
    lines = re.findall(r'data-state="([^"]+)".*?<th[^>]*>([^<]+)<', page)
    assert lines == [("not_made", "case-2"), ("refused", "case-3"), ("made", "case-1")]
    links = {link for link in re.findall('<a href="([^#"]+)"', page) if (out / link).is_file()}
    assert links == {".failed/case-2/case_study.nl.ipynb", "case-1/case.json", "run.json"}
    (row,) = re.findall("<tr.*?>case-1<.*?</tr>", page, re.DOTALL)
    assert "SF-06 Glucose of HbA1c in het diabetesgebied" in row
    assert "Decompensatiefase, diabetes" in row


@pytest.mark.parametrize("step", ["render_html", "render_pdf"])
def test_the_flags_of_a_case_whose_lay_out_failed_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(publish_work, "run_notebook", lambda *_, **__: executed())
    monkeypatch.setattr(publish_work, "render_html", lambda *_, **__: "")
    monkeypatch.setattr(publish_work, step, broken)
    order = order_of(out=tmp_path / "out", case_ids=("case-1",))
    make_reports(order, TwoCases(), read={}, announce=lambda _: None)  # type: ignore[arg-type]
    page = (tmp_path / "out/index.html").read_text("utf-8")
    assert 'data-state="not_made" data-phase="decompensation_t2d" data-urgency="urgent"' in page


class TwoCases:
    """What making reports needs of the rows: two cases, and one of which no row was accepted."""

    case_ids = ("case-1", "case-2")
    cases_without_rows = ("case-3",)
    counts: ClassVar = {"read": 3, "accepted": 2, "set_aside": 1}
    set_aside_by_case: ClassVar = {"case-3": 1}

    def case(self, case_id: str) -> CaseInput:
        return replace(read_case_input(), case_id=case_id)


def executed() -> Executed:
    """Return what a notebook ended with that ran for a case with one open flag."""
    flag = {"id": "SF-06", "urgency": "U", "if_correct": False, "bases": []}
    visit = {"date": "2025-09-08", "phase": {"id": "decompensation_t2d", "qualifiers": []}}
    case = {"case_id": "case-1", "visits": [visit], "open_flags": [flag]}
    return Executed(notebook=new_notebook(), case=case)


def fails_for_the_second(
    kind: str, given: CaseParameters, *, folder: Path, **rest: object
) -> Executed:
    """Run nothing: the first case has a result, the second stops in a cell."""
    if folder.name.startswith("case-1-"):
        return executed()
    partial = folder / "partial.ipynb"
    partial.write_text(writes(new_notebook()), "utf-8")
    raise NotebookError("A cell stopped with KeyError.", cell="summary", partial=partial)


def test_page_and_record_appear_together_for_their_owner_and_go_together(tmp_path: Path) -> None:
    ledger = ledger_of(2, order=order_of(out=tmp_path / "out"))
    write_record(ledger, work=tmp_path / "work")
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == ["index.html", "run.json"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in written] == [0o600, 0o600]
    withdraw_record(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    withdraw_record(tmp_path / "nowhere")


@in_browser
def test_the_command_leaves_a_page_of_what_it_made(seed_report: Path) -> None:
    page = (seed_report / "index.html").read_text("utf-8")
    links = re.findall('<a href="([^#"]+)"', page)
    missing = [link for link in links if not (seed_report / link).is_file()]
    assert missing == []
    made = {str(path.relative_to(seed_report)) for path in (seed_report / "seed_case").iterdir()}
    assert made | {"validation.html", "quarantine.csv", "run.json"} == set(links)
    case = json.loads((seed_report / "seed_case/case.json").read_text("utf-8"))
    (row,) = re.findall(r'<tr role="row" data-state.*?</tr>', page, re.DOTALL)
    assert re.findall(r"\b(SF-\d\d)\b", row) == sorted(flag["id"] for flag in case["open_flags"])
    assert f'data-phase="{case["visits"][-1]["phase"]["id"]}"' in row
    assert f'data-aside="{len(case["quarantined"])}"' in row
    assert f'<td role="cell">{len(case["visits"])}</td>' in row


# In a browser, from file://.


def written(folder: Path, ledger: Ledger) -> Path:
    file = folder / "index.html"
    file.write_text(render_run_page(ledger), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ledger = ledger_of(40, failed=2, refused=2, order=order_of(languages=LANGUAGES))
    return written(tmp_path_factory.mktemp("forty"), ledger)


@pytest.fixture
def opened(browser, forty: Path) -> Iterator[Opened]:
    with Opened(browser, forty, viewport=DESK, reduced_motion="reduce") as one:
        yield one


SHOWN = "() => [...document.querySelectorAll('#cases tr[data-state]')].filter(row =>" + (
    " !row.hidden && !row.parentElement.hidden).map(row => row.cells[0].textContent)"
)


@in_browser
def test_search_and_filters_narrow_the_table_and_clear_gives_all_back(opened: Opened) -> None:
    page = opened.page
    assert page.inner_text("#shown") == "42 van 42 casussen getoond"
    page.fill("#filter-id", " CASE-1 ")
    assert page.evaluate(SHOWN) == sorted(page.evaluate(SHOWN), key=place_of)
    assert page.inner_text("#shown") == "10 van 42 casussen getoond"
    page.select_option("#filter-urgency", "urgent")
    assert set(page.evaluate(SHOWN)) == {"case-15", "case-16"}
    page.fill("#filter-id", "nobody")
    assert page.locator("#nothing").is_visible()
    assert page.inner_text("#shown") == "0 van 42 casussen getoond"
    page.click("#clear")
    assert page.inner_text("#shown") == "42 van 42 casussen getoond"
    assert not page.locator("#nothing").is_visible()
    assert page.evaluate("document.activeElement.id") == "filter-id"
    page.keyboard.press("Enter")  # a form that is sent would open another page
    assert opened.complaints == []
    assert len(opened.requests) == 1


def place_of(case_id: str) -> tuple[int, str]:
    """Return where a case of ``forty`` stands: flags come by turns of eleven."""
    turn = (int(case_id.removeprefix("case-")) - 1) % 11
    return {4: 0, 3: 1}.get(turn, 2), case_id


FILTERED = """asked => asked.map(([id, state, phase, urgency, aside]) => {
  const form = document.getElementById("filters").elements;
  form.id.value = id; form.state.value = state; form.phase.value = phase;
  form.urgency.value = urgency; form.aside.checked = aside;
  form.id.dispatchEvent(new Event("input", {bubbles: true}));
  const rows = [...document.querySelectorAll("#cases tr[data-state]")];
  const isHidden = row => row.hidden || row.parentElement.hidden;
  return [rows.filter(row => !isHidden(row)).map(row => row.cells[0].textContent),
    rows.filter(isHidden).length, document.getElementById("shown").textContent,
    document.getElementById("nothing").hidden];
})"""


@in_browser
def test_whatever_is_asked_for_shown_and_hidden_are_all_and_shown_is_what_fits(
    browser, tmp_path
) -> None:
    ledger = ledger_of(130, failed=3, refused=2)
    lines = case_lines(ledger, Language.load("nl"))
    asked = list(
        product(
            ("", "case-1", "00", "NONE", ".*", "é<&"),
            ("", *(state for state in STATES if state != "unfinished")),
            ("", "compensation", "indeterminate"),
            ("", "none", *(urgency.name.lower() for urgency in Urgency)),
            (False, True),
        )
    )
    with Opened(browser, written(tmp_path, ledger)) as opened:
        answers = opened.page.evaluate(FILTERED, [list(one) for one in asked])
    for (id, state, phase, urgency, aside), answer in zip(asked, answers, strict=True):
        fits = [
            line.case_id
            for line in lines
            if id.lower() in line.case_id
            and state in ("", line.state)
            and phase in ("", line.phase)
            and (urgency == "" or urgency in line.urgencies)
            and (line.set_aside or not aside)
        ]
        said = f"{len(fits)} van {len(lines)} casussen getoond"
        assert answer == [fits, len(lines) - len(fits), said, bool(fits)]


@in_browser
def test_without_a_script_every_case_can_be_read_and_no_form_is_shown(browser, forty: Path) -> None:
    with Opened(browser, forty, java_script_enabled=False) as opened:
        assert not opened.page.locator("#filters").is_visible()
        assert opened.page.locator("#cases tr[data-state]").count() == 42
        printed = opened.page.pdf(format="A4", prefer_css_page_size=True)
    text = text_of_pdf(printed)
    ids = [f"case-{n:02}" for n in range(1, 41)] + ["none-0", "none-1"]
    assert [id for id in ids if id not in text] == []


@in_browser
def test_paper_shows_what_the_filters_left_under_a_head_that_returns(opened: Opened) -> None:
    opened.page.select_option("#filter-state", "made")
    text = text_of_pdf(opened.page.pdf(format="A4", prefer_css_page_size=True))
    assert "Geweigerd: geen bruikbare rij" in text  # told above the table
    table = text[text.rindex("Elke casus van deze keer") :]
    assert "case-38" in table
    assert "none-1" not in table
    assert table.count("Open signalen") > 1


def text_of_pdf(printed: bytes) -> str:
    with pypdfium2.PdfDocument(printed) as pdf:
        return "".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)


SEEN = [("light", DESK), ("dark", PHONE)]
if FULL_SIZE:
    SEEN = list(product(("light", "dark"), (DESK, PHONE)))
SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter(one => one.checkVisibility() && !one.closest("p, .skip") && !one.matches(".skip"))
  .map(one => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([_, box]) => Math.min(box.width, box.height) < 24).map(([text]) => text)"""


CELLS = """() => [...new Set([...document.querySelectorAll("#cases tr[data-state]")].map(row =>
  [...row.cells].filter(cell => getComputedStyle(cell).display !== "none").length))]"""


@in_browser
@pytest.mark.parametrize(("scheme", "view"), SEEN)
def test_axe_finds_nothing_and_every_target_can_be_hit(
    browser, forty: Path, scheme: str, view: dict[str, int]
) -> None:
    with Opened(browser, forty, viewport=view, color_scheme=scheme) as opened:
        opened.page.evaluate("document.querySelector('.script').open = true")
        assert faults(opened.page) == []
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= view["width"]
        assert opened.page.evaluate(SMALL) == []
        assert opened.page.evaluate(CELLS) == [7]  # a card is a row of the table, to who hears it


TIMED = """async keys => {
  const search = document.getElementById("filter-id");
  const times = [];
  for (const key of keys) {
    const began = performance.now();
    search.value = key;
    search.dispatchEvent(new Event("input", {bubbles: true}));
    await new Promise(painted => requestAnimationFrame(() => setTimeout(painted)));
    times.push(performance.now() - began);
  }
  return times;
}"""
KEYS = ["c", "ca", "case-0", "case-00", "case-001", "nobody", "", "9", "99", "999", ""]
BLINK = 200  # milliseconds


@in_browser
def test_of_ten_thousand_cases_a_key_shows_what_fits_within_a_blink(
    browser, tmp_path: Path
) -> None:
    people = sized(1000, full=10_000)
    file = written(tmp_path, ledger_of(people, failed=10, refused=5))
    with Opened(browser, file, viewport=DESK) as opened:
        times: list[list[float]] = [opened.page.evaluate(TIMED, KEYS) for _ in range(3)]
        assert opened.page.inner_text("#shown") == f"{people + 5} van {people + 5} casussen getoond"
        behaviour = opened.page.evaluate(
            "getComputedStyle(document.documentElement).scrollBehavior"
        )
    assert max(map(min, zip(*times, strict=True))) < BLINK
    assert behaviour == "auto"  # gliding after a table that grows and shrinks takes seconds


def text_of(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", markup))
