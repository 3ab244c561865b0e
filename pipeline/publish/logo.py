"""Publishing floor. A practice's logo: a PNG, or an SVG that only draws."""

import re
import warnings
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException, ElementTree
from PIL import Image

from pipeline.errors import BrandError

MOST_BYTES = 200_000  # a page stays under 1 MB
MOST_PIXELS = 4_000_000
_MOST_ELEMENTS = 2_000
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = "path rect circle ellipse line polyline polygon text tspan"
_HOLDERS = "svg g defs title desc use symbol clipPath mask linearGradient radialGradient stop"
_DRAWS = frozenset(f"{_SHAPES} {_HOLDERS}".split())
_ELSEWHERE = re.compile(r"url\s*+\(\s*+['\"]?+\s*+(?!#)|@import|expression\s*\(|javascript:", re.I)


def logo_of(path: Path) -> str:
    """Return a logo as a data URI, which a page can hold.

    Raises BrandError where it is not there, no PNG and no SVG, over 200 kB or 4 million pixels, or
    an SVG that does anything but draw: a script, an event, a style sheet, a picture, a link to
    anything outside itself, a DTD.
    """
    content = _content(path)
    if path.suffix.lower() == ".png":
        _require_png(content, path.name)
        kind = "image/png"
    elif path.suffix.lower() == ".svg":
        content = _drawing(content, path.name)
        kind = "image/svg+xml"
    else:
        raise BrandError(f"Unrecognised logo '{path.name}': expected a file .svg or .png.")
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def _content(path: Path) -> bytes:
    """Return what is in a regular file that is not too big."""
    if not path.is_file():
        raise BrandError(f"Unable to find the logo '{path.name}' beside the brand file.")
    if path.stat().st_size > MOST_BYTES:
        raise BrandError(f"Unable to use the logo '{path.name}': it is over 200 kB.")
    try:
        return path.read_bytes()
    except OSError:
        raise BrandError(f"Unable to read the logo '{path.name}'.") from None


def _require_png(content: bytes, name: str) -> None:
    """Raise BrandError where a file is no PNG, or one that unpacks to too much."""
    too_big = BrandError(f"Unable to use the logo '{name}': it has over 4 million pixels.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=("PNG",)) as picture:
                width, height = picture.size
                picture.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise too_big from None
    except (OSError, ValueError, SyntaxError):  # UnidentifiedImageError is an OSError
        raise BrandError(f"Unable to read the logo '{name}' as PNG.") from None
    if width * height > MOST_PIXELS:
        raise too_big


def _drawing(content: bytes, name: str) -> bytes:
    """Return an SVG as its elements alone, without comments and instructions.

    Raises BrandError with the first thing in it that does not draw.
    """
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise BrandError(f"Unable to use the logo '{name}': it has a DTD.") from None
    except (ParseError, ValueError, LookupError):
        raise BrandError(f"Unable to read the logo '{name}' as SVG.") from None
    if root.tag != f"{_SVG}svg":
        raise BrandError(f"Unable to read the logo '{name}' as SVG.")
    elements = list(root.iter())
    if len(elements) > _MOST_ELEMENTS:
        raise BrandError(f"Unable to use the logo '{name}': it has over 2,000 elements.")
    for element in elements:
        if fault := _fault(element):
            raise BrandError(f"Unable to use the logo '{name}': it has {fault}.")
    return tostring(root, encoding="utf-8")


def _fault(element: Element) -> str:
    """Return what of an element does more than draw; "" where nothing does."""
    tag = str(element.tag).removeprefix(_SVG)
    if tag not in _DRAWS:
        return f"an element '{tag}'" if tag.isalnum() else "an element of another language"
    for key, value in element.attrib.items():
        attribute = key.rpartition("}")[2].casefold()
        if attribute.startswith("on"):
            return "an event"
        if attribute == "href" and not value.strip().startswith("#"):
            return "a link to something outside itself"
        if _ELSEWHERE.search(value):
            return "a link to something outside itself"
    return ""
