"""Hostile text in every field that a report prints is shown as text; nothing runs or loads."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import pandas as pd
import pytest
from clinic import RULES
from opened import Opened
from pages import page_of
from playwright.sync_api import Browser
from sizes import sized

from pipeline.model import Band, CaseInput, Event, LimitSet, StatedGenotype
from pipeline.publish.brand import Brand
from pipeline.read import read_case_input

pytestmark = pytest.mark.xdist_group("report")
KINDS = ("case_study", "client_report")
LANGUAGES = ("nl", "en")
BATCH = 50
TOLD = (
    "title", "keywords", "introduction", "patient", "intervention", "outcome", "discussion",
    "perspective",
)  # fmt: skip
OWN = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</title><svg/onload=alert(1)>",
    "<!-- <details open ontoggle=alert(1)>",
    "<iframe src=https://example.org></iframe>",
    "javascript:alert(1)",
    "<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
    "@import 'https://example.org/a.css';",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    r"$\undefined{x}$ $\sqrt[$",
    "&lt;b&gt;bold&lt;/b&gt; &amp;",
    "]]> <base href=https://example.org>",
)
# What a page must not hold outside its own contents list.
AUDIT = """() => {
  const found = [];
  for (const e of document.querySelectorAll('*')) {
    if (['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'FORM', 'LINK'].includes(e.tagName))
      found.push(e.tagName);
    for (const a of e.attributes) {
      if (/^on/i.test(a.name)) found.push(e.tagName + ' ' + a.name);
      if (['href', 'src', 'action', 'xlink:href', 'data', 'formaction'].includes(a.name)
          && !/^(#|data:(image|font)\\/)/.test(a.value)) found.push(a.name + '=' + a.value);
    }
  }
  return found;
}"""


def person_with(texts: Sequence[str]) -> CaseInput:
    """Return the built-in case with each of the texts in every field that holds free text."""
    person = read_case_input("")
    rows = person.rows.copy()
    for shift, column in enumerate(("lab", "method", "comment", "sample_id")):
        rows[column] = list(islice(cycle(texts[shift:] + texts[:shift]), len(rows)))
    rows["lab"] = rows["lab"].astype(object)
    both = {code: "\n".join(texts) for code in LANGUAGES}
    return replace(
        person,
        rows=pd.DataFrame(rows),
        told=dict.fromkeys(TOLD, both),
        note=both,
        timeline=tuple(
            Event(when="2024-01", kind="intervention", text=dict.fromkeys(LANGUAGES, text))
            for text in texts
        ),
        genotypes=tuple(
            StatedGenotype(rsid="rs1801133", call=text, strand="plus", build="", assay=text)
            for text in texts
        ),
        rules=_targets(texts),
    )


def _targets(texts: Sequence[str]) -> tuple[dict[str, object], ...]:
    """Return targets of a practice, whose words are the texts that such a file may hold."""
    allowed = [text for text in texts if text.isprintable() and len(text) <= 200]
    sources = [text for text in allowed if ";" not in text] or ["own"]
    limits = {
        limit.marker: limit
        for limit in RULES.limits
        if limit.set is LimitSet.FUNCTIONAL and limit.side is Band.HIGH
    }
    words = zip(limits.values(), cycle(sources), cycle(allowed or ["own"]), strict=False)
    return tuple(
        {
            "marker": limit.marker,
            "high": limit.value,
            "unit": limit.unit,
            "source": source,
            "author": text,
            "note": text,
        }
        for limit, source, text in words
    )


def brand_with(texts: Sequence[str]) -> Brand:
    both = {code: " ".join(texts) for code in LANGUAGES}
    lines = tuple(texts)
    return Brand(name=texts[0], address=lines, contact=lines, footer=both, disclaimer=both)


def in_one_line(text: str) -> str:
    """Return text as a browser reads it out: white space is one space."""
    return re.sub(r"\s+", " ", text).strip()


def require_harmless(browser: Browser, page: str, file: Path, texts: Sequence[str]) -> None:
    """Open a page, and assert that nothing runs, nothing is asked for, and all texts are shown."""
    file.write_text(page, encoding="utf-8")
    with Opened(browser, file) as opened:
        opened.page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
        asked = [one for one in opened.requests if not one.startswith("data:")]
        assert asked == [file.as_uri()]
        assert opened.complaints == []
        assert opened.page.evaluate(AUDIT) == []
        shown = in_one_line(opened.page.evaluate("document.body.textContent"))
    assert [text for text in texts if in_one_line(text) not in shown] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_in_every_field_is_shown_and_does_nothing(
    browser, tmp_path, kind: str, language: str
) -> None:
    page = page_of(kind, person_with(OWN), language, brand_with(OWN))
    require_harmless(browser, page, tmp_path / "page.html", OWN)


@pytest.fixture(scope="module")
def strings(shared: Path) -> list[str]:
    """Return the attacks on pages, and the strings that trouble everything."""
    told = json.loads((shared / "attack/strings.json").read_text("utf-8"))
    texts = [one["s"] for one in told if one["src"] in ("patt-xss", "blns") and one["s"].strip()]
    assert len(texts) > 2_000
    return texts[:: sized(22, full=1)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_collected_is_shown_and_does_nothing(
    browser, tmp_path, strings: list[str], kind: str
) -> None:
    for start in range(0, len(strings), BATCH):
        texts = tuple(strings[start : start + BATCH])
        for language in LANGUAGES[: sized(1, full=2)]:
            page = page_of(kind, person_with(texts), language, brand_with(texts))
            require_harmless(browser, page, tmp_path / "page.html", texts)
