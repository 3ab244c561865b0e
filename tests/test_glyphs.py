"""A PDF holds our fonts alone: what they cannot draw is a code that can be looked up."""

import os
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from clinic import case, lab
from pages import page_of

from pipeline.publish.brand import Brand
from pipeline.publish.glyphs import lacking, with_codes
from pipeline.publish.pdf import render_pdf

pytestmark = pytest.mark.xdist_group("report")
SMALL = case(lab({"hba1c": 33}))
FOREIGN = "中文 😀 العربية"
PRINT = "import sys; from pipeline.publish.pdf import render_pdf; " + (
    "sys.stdout.buffer.write(render_pdf(sys.stdin.read()))"
)


def test_a_character_outside_the_fonts_is_a_code_and_every_other_stays() -> None:
    assert with_codes("5,6 µmol/L ≥ é") == "5,6 µmol/L ≥ é"
    assert with_codes("a中b\n") == "a[U+4E2D]b\n"
    assert with_codes("😀") == "[U+1F600]"
    assert lacking("\u200b\t\nœ") == frozenset()


def test_a_report_with_foreign_script_prints_codes_in_our_fonts_and_says_so(pango) -> None:
    person = replace(SMALL, told={"title": {"nl": FOREIGN, "en": FOREIGN}})
    page = page_of("case_study", person, "nl")
    assert "als een code" in page
    assert FOREIGN in page
    content = render_pdf(page)
    with pypdfium2.PdfDocument(content) as pdf:
        first = pdf[0].get_textpage().get_text_range()
    assert "[U+4E2D]" in first
    with pikepdf.open(BytesIO(content)) as pdf:
        fonts = {
            str(one.BaseFont).rpartition("+")[2]
            for one in pdf.objects
            if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/Font"
        }
    assert all(name.startswith("Inter") for name in fonts)
    assert "als een code" not in page_of("case_study", SMALL, "nl")
    assert "als een code" in page_of("case_study", SMALL, "nl", Brand(name="中文"))


def test_fonts_of_the_machine_change_nothing(pango, tmp_path: Path) -> None:
    page = page_of("client_report", SMALL, "en")
    none = tmp_path / "fonts.conf"
    none.write_text(
        f"<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>"
        f"<cachedir>{tmp_path}</cachedir></fontconfig>",
        "utf-8",
    )
    bare = subprocess.run(
        [sys.executable, "-c", PRINT],
        input=page.encode(),
        env={**os.environ, "FONTCONFIG_FILE": str(none)},
        capture_output=True,
        check=True,
    )
    assert bare.stdout == render_pdf(page)
