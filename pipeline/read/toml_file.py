"""Middle floor. Reads a settings file in TOML: small, shallow, or refused in one sentence."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import LabFileError, PipelineError
from pipeline.read.text_file import read_text

MOST_BYTES = 256_000
MOST_LEVELS = 20
# A key of more parts than levels are allowed, which takes a parser time as their square.
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_LONG_KEY = re.compile(rf"(?m)(?:^|[{{,])[ \t]*\[{{0,2}}[ \t]*(?:{_PART}\.[ \t]*){{{MOST_LEVELS}}}")
_PLACE = re.compile(r"\(at (?:line [0-9]+, column [0-9]+|end of document)\)")


def read_toml(path: Path, *, error: type[PipelineError] = LabFileError) -> dict[str, Any]:
    """Return what a TOML file states.

    Raises ``error``, with the file's name and the line where it is known but nothing of what is
    written there, where the file cannot be read, is over 256 kB, is no TOML, or has over 20 levels.
    """
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise error(f"Unable to read '{path.name}': it is over 256 kB.")
    text = read_text(path, error=error)
    if _LONG_KEY.search(text):
        raise _too_deep(path, error)
    try:
        told = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as fault:
        place = _PLACE.search(str(fault))
        at = f" {place.group()}" if place else ""
        raise error(f"Unable to read '{path.name}' as TOML{at}.") from None
    except RecursionError:
        raise _too_deep(path, error) from None
    if _levels(told) > MOST_LEVELS:
        raise _too_deep(path, error)
    return told


def _too_deep(path: Path, error: type[PipelineError]) -> PipelineError:
    return error(f"Unable to read '{path.name}': it is nested over {MOST_LEVELS} levels deep.")


def _levels(told: object) -> int:
    """Return how many tables and lists lie in one another; more than are allowed count alike."""
    levels, inside = 0, [told]
    while inside and levels <= MOST_LEVELS:
        holders = [one for one in inside if isinstance(one, dict | list)]
        levels += bool(holders)
        inside = [
            value for one in holders for value in (one.values() if isinstance(one, dict) else one)
        ]
    return levels
