"""Order floor. Which keys of the texts the program can ask for, read from its own source.

A key is written in full, or put together: an f-string leaves open what stands between its braces,
and a word that begins with "_" is an ending that is put behind a key.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache

from pipeline.resources import resource_path

_QUOTED = re.compile(r"""["']([A-Za-z0-9_.-]+)["']""")
_WORD = re.compile(r"[A-Za-z]{3}")
_OPEN = "[^ ]+?"  # what an f-string fills in


def is_sayable(key: str) -> bool:
    """Return whether a literal or a pattern of the program's source gives this key.

    Page and data-quality page name their texts without the file's name.
    """
    singular = key.removesuffix(".one").removesuffix(".other")  # a count chooses between them
    whole, patterns = _asked()
    return any(
        name in whole or any(pattern.fullmatch(name) for pattern in patterns)
        for name in (key, singular, key.partition(".")[2])
    )


@cache
def _asked() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Return the keys that stand in the source as they are, and the patterns of all others."""
    literals = {*_of_templates()}
    patterns: set[str] = set()
    for path in sorted(resource_path("pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns.add(_pattern(node))
    endings = {word for word in literals if re.fullmatch(r"_[a-z_]{3,}", word)}
    patterns |= {f"{_OPEN}{re.escape(ending)}" for ending in endings}
    telling = sorted(pattern for pattern in patterns if _WORD.search(pattern.replace(_OPEN, "")))
    return frozenset(literals), tuple(re.compile(pattern) for pattern in telling)


def _of_templates() -> Iterator[str]:
    for path in resource_path("templates").rglob("*.j2"):
        yield from _QUOTED.findall(path.read_text("utf-8"))


def _pattern(node: ast.JoinedStr) -> str:
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else _OPEN
        for part in node.values
    )
