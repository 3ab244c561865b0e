"""Publishing floor. How far two colours stand apart, as WCAG 2.2 reckons it; and lighter ones."""

import colorsys
import re

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_STEP = 0.01  # of lightness
Rgb = tuple[float, float, float]  # each 0 to 1


def is_colour(text: object) -> bool:
    """Return whether a text is a colour as ``#rrggbb``."""
    return isinstance(text, str) and _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lightened(colour: str, *, on: str, least: float) -> str:
    """Return the colour, lighter by as little as gives it a contrast of ``least`` on another."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    found = colour
    while contrast(found, on) < least and lightness < 1:
        lightness = min(1.0, lightness + _STEP)
        found = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return found


def mixed(colour: str, *, into: str, share: float) -> str:
    """Return another colour with a share of this one in it."""
    pairs = zip(_rgb(colour), _rgb(into), strict=True)
    red, green, blue = (share * own + (1 - share) * other for own, other in pairs)
    return _hex((red, green, blue))


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
