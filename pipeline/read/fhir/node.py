"""Middle floor. One object of a FHIR document, and what stands in it under a name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}")
_OF_AN_EMPTY_TEXT = frozenset(
    {"id", "extension"}
)  # what an element of XML without a value may hold


class MalformedError(Exception):
    """A document breaks a rule at a path; it never leaves this package: a LabFileError says it."""

    def __init__(self, rule: str, path: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.path = path


@dataclass(frozen=True, slots=True)
class Node:
    """One object, with its path from the root: "entry[3].resource"; the root Bundle's is ""."""

    content: Mapping[str, Any]
    path: str

    def __bool__(self) -> bool:
        return bool(self.content)

    def text(self, key: str) -> str:
        """Return the text under ``key`` without blanks around it, "" where there is none.

        Raises MalformedError where something else stands there.
        """
        found = self.content.get(key)
        if isinstance(found, str):
            return found.strip()
        if found is None or (isinstance(found, dict) and found.keys() <= _OF_AN_EMPTY_TEXT):
            return ""
        raise MalformedError("Expected exactly 1 text", step(self.path, key))

    def one(self, key: str) -> "Node":
        """Return the object under ``key``, an empty one where there is none.

        Raises MalformedError where something else stands there.
        """
        return _as_node(self.content.get(key, {}), step(self.path, key))

    def all(self, key: str) -> list["Node"]:
        """Return the objects under ``key``; one that stands there without a list is a list of one.

        Raises MalformedError where one of them is no object.
        """
        found = self.content.get(key, [])
        items = found if isinstance(found, list) else [found]
        return [_as_node(item, step(self.path, key, at)) for at, item in enumerate(items)]


def step(path: str, key: str, at: int | None = None) -> str:
    """Return the path one step down; ``at`` is the place in a list."""
    down = f"{path}.{key}" if path else key
    return down if at is None else f"{down}[{at}]"


def key_in_path(key: str, position: int) -> str:
    """Return how a path calls a key: a name of FHIR's shape, else only the key's position."""
    return key if _NAME.fullmatch(key) else f"#{position}"


def _as_node(found: Any, path: str) -> Node:
    if not isinstance(found, dict):
        raise MalformedError("Expected exactly 1 object", path)
    return Node(found, path)
