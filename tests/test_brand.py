"""A brand changes the look of a page and nothing else; one that cannot be used is refused."""

import re
import struct
import zlib
from base64 import b64decode
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from pipeline.__main__ import main
from pipeline.errors import BrandError
from pipeline.publish.brand import DARK, PAPER, Brand
from pipeline.publish.brand_file import read_brand
from pipeline.publish.contrast import contrast, lightened, mixed
from pipeline.publish.exporter import render_html
from pipeline.show import finish

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
DRAWING = SVG.format('<defs><g id="a"><path d="M0 0h9"/></g></defs><use href="#a"/>')
WHOLE = """
name = "Praktijk De Linde"
address = ["Lindelaan 1", "1234 AB Utrecht"]
contact = ["030 123 45 67"]
logo = "logo.svg"
[colours]
primary = "#5B2A6E"
secondary = "#c05a00"
[footer]
nl = "Onder elk verslag."
[disclaimer]
nl = "Met zorg gemaakt."
en = "Made with care."
"""


def brand_of(
    folder: Path, text: str, logo: str | bytes | None = None, name: str = "logo.svg"
) -> Brand:
    if logo is not None:
        (folder / name).write_bytes(logo if isinstance(logo, bytes) else logo.encode())
    file = folder / "brand.toml"
    file.write_text(text, "utf-8")
    return read_brand(file)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        told = kind + content
        return struct.pack(">I", len(content)) + told + struct.pack(">I", zlib.crc32(told))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress((b"\0" + b"\0" * ((width + 7) // 8)) * height))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def test_a_brand_is_read_whole(tmp_path: Path) -> None:
    brand = brand_of(tmp_path, WHOLE, DRAWING)
    assert (brand.name, brand.address) == (
        "Praktijk De Linde",
        ("Lindelaan 1", "1234 AB Utrecht"),
    )
    assert brand.colours == {"primary": "#5b2a6e", "secondary": "#c05a00"}
    assert brand.disclaimer["en"] == "Made with care."
    kind, _, content = brand.logo.partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = ElementTree.fromstring(b64decode(content))
    assert [element.tag.rpartition("}")[2] for element in drawn.iter()] == [
        *("svg", "defs", "g", "path", "use")
    ]


def test_a_logo_may_be_a_png(tmp_path: Path) -> None:
    brand = brand_of(tmp_path, 'logo = "l.png"', png(40, 20), "l.png")
    assert brand.logo.startswith("data:image/png;base64,")


def test_comments_and_instructions_of_a_logo_do_not_reach_the_page(tmp_path: Path) -> None:
    told = '<?xml version="1.0"?><?xml-stylesheet href="http://x/y.css"?><!-- secret -->' + DRAWING
    content = b64decode(brand_of(tmp_path, 'logo = "logo.svg"', told).logo.partition(",")[2])
    assert b"stylesheet" not in content
    assert b"secret" not in content


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<script>alert(1)</script>", "an element 'script'"),
        ("<style>@import 'http://x'</style>", "an element 'style'"),
        ("<foreignObject/>", "an element 'foreignObject'"),
        ('<image href="http://x/y.png"/>', "an element 'image'"),
        ('<a href="#x"><path d=""/></a>', "an element 'a'"),
        ('<animate attributeName="href"/>', "an element 'animate'"),
        ('<script xmlns="http://www.w3.org/1999/xhtml"/>', "an element of another language"),
        ('<path onload="alert(1)" d=""/>', "an event"),
        ('<path ONCLICK="alert(1)" d=""/>', "an event"),
        ('<use href="http://x/y.svg#a"/>', "a link to something outside itself"),
        ('<use href="//x/y.svg#a"/>', "a link to something outside itself"),
        ('<use xlink:href="data:x" xmlns:xlink="http://www.w3.org/1999/xlink"/>', "a link to"),
        ('<rect fill="url(http://x/y)"/>', "a link to something outside itself"),
        ("<rect style=\"background: url( '//x' )\"/>", "a link to something outside itself"),
        ('<rect style="fill: javascript:alert(1)"/>', "a link to something outside itself"),
    ],
)
def test_a_logo_that_does_more_than_draw_is_refused_with_the_reason(
    tmp_path: Path, inside: str, fault: str
) -> None:
    with pytest.raises(BrandError, match=re.escape(f"'logo.svg': it has {fault}")):
        brand_of(tmp_path, 'logo = "logo.svg"', SVG.format(inside))


@pytest.mark.parametrize("named", ["url(#a)", "url('#a')", 'url( "#a" )'])
def test_a_logo_may_name_a_part_of_itself_however_it_is_quoted(tmp_path: Path, named: str) -> None:
    drawing = SVG.format(f"<rect fill={quoteattr(named)}/>")
    assert brand_of(tmp_path, 'logo = "logo.svg"', drawing).logo


@pytest.mark.parametrize(
    ("logo", "told"),
    [
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + DRAWING, "it has a DTD"),
        ("<html/>", "as SVG"),
        ("<svg", "as SVG"),
        ("", "as SVG"),
        (SVG.format("<path/>" * 2001), "over 2,000 elements"),
        (SVG.format(" " * 200_000), "over 200 kB"),
        (None, "Unable to find the logo 'logo.svg' beside the brand file"),
    ],
)
def test_a_logo_that_is_none_is_refused(tmp_path: Path, logo: str | None, told: str) -> None:
    with pytest.raises(BrandError, match=re.escape(told)):
        brand_of(tmp_path, 'logo = "logo.svg"', logo)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"GIF89a", "as PNG"),
        (png(9, 9)[:40], "as PNG"),
        (png(2_001, 2_000), "over 4 million pixels"),
        (png(30_000, 30_000)[:9_000], "over 4 million pixels"),
    ],
)
def test_a_picture_that_is_none_or_unpacks_to_too_much_is_refused(
    tmp_path: Path, content: bytes, told: str
) -> None:
    with pytest.raises(BrandError, match=re.escape(told)):
        brand_of(tmp_path, 'logo = "l.png"', content, "l.png")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[colours]\nprimary = "#8fb9c9"', "its contrast with the page is 2.0 : 1, expected at"),
        ('[colours]\nsecondary = "#ffd54f"', "expected at least 3 : 1"),
        ('[colours]\nprimary = "red"', "expected a colour such as #1b5e78"),
        ('[colours]\nprimary = "#000;}*{x"', "expected a colour such as #1b5e78"),
        ("[colours]\nprimary = 3", "expected a colour such as #1b5e78"),
        ('[colours]\ntertiary = "#000000"', "expected one of primary, secondary"),
        ('colours = "#000000"', "Unable to use 'colours'"),
        ('colors = "x"', "Unrecognised key in 'brand.toml': expected one of name, address"),
        ('[footer]\nxx = "a"', "expected one of en, nl"),
        (f'name = "{"a" * 601}"', "Unable to use 'name'"),
        ('name = "a\\nb"', "Unable to use 'name'"),
        ('address = "one line"', "expected a list of at most 8 lines"),
        ("address = [" + '"a",' * 9 + "]", "expected a list of at most 8 lines"),
        ('logo = "../logo.svg"', "expected the name of a file"),
        ('logo = "/etc/logo.svg"', "expected the name of a file"),
        ('logo = "logo.jpg"', "Unable to find the logo"),
        ("name = ", "Unable to read 'brand.toml' as TOML"),
    ],
)
def test_what_a_brand_file_may_not_say_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BrandError, match=re.escape(told)):
        brand_of(tmp_path, text)


def test_a_logo_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrandError, match=r"expected a file \.svg or \.png"):
        brand_of(tmp_path, 'logo = "logo.jpg"', b"x", "logo.jpg")


def test_a_brand_that_cannot_be_used_ends_the_command_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["report", "client_report", "samples/seed_case", "--out", str(out)]
    assert main([*words, "--brand", str(tmp_path / "absent.toml")]) == 2
    assert capsys.readouterr().err.startswith("BrandError: Unable to")
    assert not list(out.glob("**/*.html"))


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#123456", "#123456") == 1


COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colour=COLOURS)
def test_on_dark_paper_every_colour_that_is_allowed_can_be_read(colour: str) -> None:
    tokens = Brand(colours={"primary": colour, "secondary": colour}).tokens()["dark"]
    for paper in (DARK, tokens["--accent-wash"]):
        assert contrast(tokens["--accent"], paper) >= min(4.5, contrast("#ffffff", paper))
    assert contrast(tokens["--masthead"], DARK) >= 3


@given(colour=COLOURS)
def test_a_colour_with_contrast_enough_stays_itself(colour: str) -> None:
    if contrast(colour, DARK) >= 4.5:
        assert lightened(colour, on=DARK, least=4.5) == colour
    assert mixed(colour, into=PAPER, share=0) == PAPER
    assert mixed(colour, into=PAPER, share=1) == colour


EVIL = "<script>alert(1)</script>\"'}</style>"


def test_what_a_practice_says_of_itself_is_shown_as_text_and_its_colours_are_tokens() -> None:
    brand = Brand(
        name=EVIL,
        address=(EVIL,),
        contact=("030 123 45 67",),
        colours={"primary": "#5b2a6e", "secondary": "#c05a00"},
        footer={"nl": EVIL},
        disclaimer={"en": "only in English"},
    )
    html = page_with(brand)
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert "only in English" not in html
    assert "--accent: #5b2a6e;" in html
    assert "--masthead: #c05a00;" in html


def test_without_a_brand_a_page_is_what_it_was() -> None:
    html = page_with(Brand())
    assert 'class="practice"' not in html
    assert html.count(":root {") == 2  # light and dark, of the style sheet itself


def page_with(brand: Brand) -> str:
    case = {"case_id": "p1", "as_of": "2025-10-01", "visits": [{"date": "2025-09-08"}]}
    data, metadata = finish(case, "abc")._repr_mimebundle_()
    output = new_output("display_data", data=data, metadata=metadata)
    notebook = new_notebook(cells=[new_code_cell("", outputs=[output])])
    return render_html(notebook, kind="client_report", language="nl", brand=brand)
