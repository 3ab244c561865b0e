"""Publishing floor. Reads a brand file; ``--brand`` names it.

::

    name = "Praktijk De Linde"
    address = ["Lindelaan 1", "1234 AB Utrecht"]
    contact = ["030 123 45 67", "info@example.org"]
    logo = "logo.svg"           # beside this file: SVG or PNG, at most 200 kB
    [colours]
    primary = "#1b5e78"         # headings, links and lines
    secondary = "#8a4200"       # the line under the head of a page
    [footer]                    # below every report, by language
    nl = "…"
    [disclaimer]
    nl = "…"
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import BrandError
from pipeline.publish.brand import LINE, PAPER, TEXT, WASH, Brand
from pipeline.publish.contrast import contrast, is_colour, mixed
from pipeline.publish.logo import logo_of
from pipeline.read.toml_file import read_toml
from pipeline.resources import languages

_MOST_LETTERS = 600
_MOST_LINES = 8
_KEYS = ("name", "address", "contact", "logo", "colours", "footer", "disclaimer")
_COLOURS = {"primary": TEXT, "secondary": LINE}


def read_brand(path: Path) -> Brand:
    """Return what a brand file states.

    Raises BrandError, with the file and the key, where the file is no TOML or has an unknown key,
    where a text is too long or a language unknown, where a colour is none or stands out too little
    from white (4.5 : 1 for the first, 3 : 1 for the second), or where the logo cannot be used.
    """
    told = read_toml(path, error=BrandError)
    _require_keys(told, _KEYS, path.name)
    named = _line(told, "logo", path.name)
    logo = _beside(path, named) if named else None
    return Brand(
        name=_line(told, "name", path.name),
        address=_lines(told, "address", path.name),
        contact=_lines(told, "contact", path.name),
        logo=logo_of(logo) if logo else "",
        colours=_colours(told, path.name),
        footer=_by_language(told, "footer", path.name),
        disclaimer=_by_language(told, "disclaimer", path.name),
        files=(path, logo) if logo else (path,),
    )


def _beside(path: Path, name: str) -> Path:
    """Return the file of a name in the folder of the brand file; a path leads elsewhere."""
    if Path(name).name != name:
        raise BrandError(f"Unable to use 'logo' in '{path.name}': expected the name of a file.")
    return path.parent / name


def _require_keys(told: Mapping[str, Any], known: tuple[str, ...], file: str) -> None:
    unknown = [key for key in told if key not in known]
    if unknown:
        expected = ", ".join(known)
        raise BrandError(f"Unrecognised key in '{file}': expected one of {expected}.")


def _line(told: Mapping[str, Any], key: str, file: str) -> str:
    """Return the text of a key; "" where it is not there."""
    return _text(told.get(key, ""), key, file)


def _text(value: object, key: str, file: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_LETTERS or not value.isprintable():
        expected = f"expected a line of at most {_MOST_LETTERS} letters"
        raise BrandError(f"Unable to use '{key}' in '{file}': {expected}.")
    return value.strip()


def _lines(told: Mapping[str, Any], key: str, file: str) -> tuple[str, ...]:
    value = told.get(key, [])
    if not isinstance(value, list) or len(value) > _MOST_LINES:
        raise BrandError(
            f"Unable to use '{key}' in '{file}': expected a list of at most {_MOST_LINES} lines."
        )
    return tuple(_text(line, key, file) for line in value)


def _by_language(told: Mapping[str, Any], key: str, file: str) -> Mapping[str, str]:
    value = _table(told, key, file)
    _require_keys(value, languages(), file)
    return {code: _text(text, f"{key}.{code}", file) for code, text in value.items()}


def _colours(told: Mapping[str, Any], file: str) -> Mapping[str, str]:
    value = _table(told, "colours", file)
    _require_keys(value, tuple(_COLOURS), file)
    for key, colour in value.items():
        if not is_colour(colour):
            raise BrandError(
                f"Unable to use 'colours.{key}' in '{file}': expected a colour such as #1b5e78."
            )
        found, least = contrast(colour, PAPER), _COLOURS[key]
        if key == "primary":  # it is read on its own wash as well
            found = min(found, contrast(colour, mixed(colour, into=PAPER, share=WASH)))
        if found < least:
            raise BrandError(
                f"Unable to use 'colours.{key}' in '{file}': its contrast with the page is"
                f" {found:.1f} : 1, expected at least {least:g} : 1."
            )
    return {key: colour.lower() for key, colour in value.items()}


def _table(told: Mapping[str, Any], key: str, file: str) -> Mapping[str, Any]:
    value = told.get(key, {})
    if not isinstance(value, dict):
        raise BrandError(f"Unable to use '{key}' in '{file}': expected a table.")
    return value
