"""Publishing floor. What a practice's own brand makes of a page: its name, its logo, its colours.

Colours of numbers, limits and warnings are not a brand's: they mean the same in every report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.publish.contrast import lightened, mixed

PAPER, DARK = "#ffffff", "#10181f"
TEXT, LINE = 4.5, 3.0  # the least contrast of what is read, and of what is only seen
WASH = 0.09  # of the colour in the paper behind a box


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What a page shows of a practice; the logo is a data URI, the colours are ``#rrggbb``."""

    name: str = ""
    address: tuple[str, ...] = ()
    contact: tuple[str, ...] = ()
    logo: str = ""
    colours: Mapping[str, str] = field(default_factory=dict)
    footer: Mapping[str, str] = field(default_factory=dict)
    disclaimer: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = field(default=(), repr=False)  # it was read from these

    def tokens(self) -> Mapping[str, Mapping[str, str]]:
        """Return the custom properties of the style sheet that differ, for light and for dark."""
        light: dict[str, str] = {}
        dark: dict[str, str] = {}
        if primary := self.colours.get("primary"):
            wash, night = (mixed(primary, into=paper, share=WASH) for paper in (PAPER, DARK))
            light |= {"--accent": primary, "--accent-wash": wash}
            dark |= {
                "--accent": _readable(primary, DARK, night),
                "--accent-wash": night,
            }
        if secondary := self.colours.get("secondary"):
            light["--masthead"] = secondary
            dark["--masthead"] = lightened(secondary, on=DARK, least=LINE)
        return {"light": light, "dark": dark}


NO_BRAND = Brand()  # a page that says nothing of a practice


def _readable(colour: str, *papers: str) -> str:
    """Return the colour, lighter where it must be to be read on each of these papers."""
    for paper in papers:
        colour = lightened(colour, on=paper, least=TEXT)
    return colour
