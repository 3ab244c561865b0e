"""Reports as somebody has read them: their structure and text, not their bytes.

``snapshots`` holds the outline of a handful of reports, written by ``make snapshots`` and reviewed.
"""

import re
from collections import Counter
from difflib import unified_diff
from html import unescape

import pytest
from outline import BUILT_IN, FOLDER, SNAPSHOTS, VERSION, Snapshot, outline, page

from pipeline import __version__

pytestmark = pytest.mark.xdist_group("golden")  # one worker reads all of them, once
each_snapshot = pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=str)
CLIENT = Snapshot(BUILT_IN, "client_report", "nl")
SHOWN = 80  # lines of a difference
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
PICTURE = re.compile(r"<svg(?:(?!<svg).)*?</svg>", re.DOTALL)
INLINE = re.compile(r"</?(?:span|sup|strong|em)\b[^>]*>")
WHY = re.compile(r'(<details class="why">).*?(</details>)', re.DOTALL)
APPENDIX = re.compile(
    r'(<section id="provenance">\s*<h2>[^<]*</h2>).*(</section>\s*<section class="sign-off")',
    re.DOTALL,
)


@each_snapshot
def test_a_report_reads_as_it_was_reviewed(snapshot: Snapshot) -> None:
    reviewed = snapshot.path.read_text(encoding="utf-8") if snapshot.path.is_file() else ""
    now = snapshot.now()
    if now != reviewed:
        pytest.fail(f"{snapshot}: {difference(reviewed, now)}", pytrace=False)


def test_each_snapshot_is_of_a_report_that_is_compared() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.txt")) == sorted(
        snapshot.path.name for snapshot in SNAPSHOTS
    )


@each_snapshot
def test_an_outline_holds_every_word_of_its_page(snapshot: Snapshot) -> None:
    shown = page(snapshot).replace(__version__, VERSION)
    for left_out in (STYLE, PICTURE, PICTURE, WHY):  # a picture may stand in a picture
        shown = left_out.sub(" ", shown)
    blocks = INLINE.sub("", APPENDIX.sub(r"\1\2", shown))
    text = unescape(re.sub(r"<[^>]*>", " ", blocks))
    assert Counter(words(text)) <= Counter(words(snapshot.now()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("5,6\xa0mU/L", "5,7\xa0mU/L"),
        ("binnen de grenzen</span>", "hoger</span>"),
        ("Dit verslag stelt geen diagnose.", "Dit verslag stelt een diagnose."),
        ("Gebruikelijke grens:", "Grens:"),
        ('aria-label="Lijntje van HOMA-IR', 'aria-label="Beeld van HOMA-IR'),
        ('class="callout phase"', 'class="callout urgent"'),
        ('class="result within"', 'class="result outside"'),
        ('<p class="label">let op</p>', ""),
        ('<sup class="unverified">†</sup>', ""),
        ("<caption>Van wie elke grens komt", "<caption>Wie elke grens koos"),
        ('"Pagina "', '"Blad "'),
        ('lang="nl"', 'lang="en"'),
    ],
)
def test_a_change_of_a_page_is_a_change_of_its_outline(before: str, after: str) -> None:
    assert before in page(CLIENT)
    assert outline(page(CLIENT).replace(before, after)) != outline(page(CLIENT))


def test_a_heading_of_another_level_is_a_change() -> None:
    lower = re.sub(r"<(/?)h3>", r"<\1h4>", page(CLIENT))
    assert difference(outline(page(CLIENT)), outline(lower)).count("\n+#### ") > 1


def test_what_a_sentence_rests_on_is_left_out_and_so_is_the_appendix() -> None:
    told = outline(page(CLIENT))
    for place in (WHY, APPENDIX):
        changed, count = place.subn(r"\1changed\2", page(CLIENT))
        assert count
        assert outline(changed) == told
    assert told.count("## Herkomst van elke uitspraak\n") == 1


def test_the_version_of_the_program_changes_nothing() -> None:
    for snapshot in (CLIENT, Snapshot(BUILT_IN, "case_study", "nl")):
        now = page(snapshot)
        assert __version__ in now
        assert outline(now.replace(__version__, "12.0.1rc1")) == outline(now)


def test_an_outline_has_a_line_a_block_and_plain_spaces() -> None:
    html = """<html lang="en"><head><title>5\xa0mU/L</title></head><body>
      <h2>5\xa0to\n6</h2><ul><li>one <strong>here</strong></li></ul>
      <table><caption>Told</caption><tr><th>A</th><th>B</th></tr>
      <tr class="outside"><th>1</th><td></td></tr></table></body></html>"""
    assert outline(html).splitlines() == [
        *("[language] en", "[title] 5 mU/L", "", "## 5 to 6", "- one *here*", ""),
        *("[table] Told", "A | B", "1 |  [outside]"),
    ]


@pytest.mark.parametrize(
    "stray", ["<div>stray</div>", "<ul>stray<li>one</li></ul>", "<b>stray</b>"]
)
def test_text_outside_a_block_that_is_known_is_refused(stray: str) -> None:
    with pytest.raises(ValueError, match="stray"):
        outline(f"<html><body>{stray}</body></html>")


def test_a_difference_is_cut_short_and_says_what_to_do() -> None:
    told = difference("a\n" * 3, "b\n" * 500)
    assert "-a\n+b" in told
    assert len(told.splitlines()) < SHOWN + 5
    assert "make snapshots" in told


def difference(reviewed: str, now: str) -> str:
    """Return what became different, for whoever reads the failure."""
    old, new = reviewed.splitlines(), now.splitlines()
    lines = list(unified_diff(old, new, "reviewed", "now", n=1, lineterm=""))
    more = [f"and {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    meant = "Where this is meant: make snapshots, and review what git shows."
    return "\n".join(["it reads otherwise.", *lines[:SHOWN], *more, meant])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)
