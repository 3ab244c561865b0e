"""Middle floor. One object of a FHIR document, and what stands in it under a name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}")
_OF_AN_EMPTY_TEXT = frozenset(
    {"id", "extension"}
)  # what an element of XML without a value may hold
# Words by which a message may tell a path; any other may be a person's.
_TOLD = """
    Bundle DiagnosticReport Observation Organization Parameters Patient Specimen
    accessionIdentifier age appliesTo birthDate category code coding collectedDateTime
    collectedPeriod collection comment comparator component contained dataAbsentReason denominator
    display effectiveDateTime effectiveInstant effectivePeriod entry fullUrl gender hasMember high
    id identifier interpretation issued low meta method name note numerator outcome parameter part
    performer reference referenceRange related resource response result specimen start status
    subject system target text type unit value valueCodeableConcept valueInteger valueQuantity
    valueRange valueRatio valueString versionId
"""
_WORDS = frozenset(_TOLD.split())


class MalformedError(Exception):
    """A document breaks a rule; it never leaves this package: a LabFileError repeats its text."""

    def __init__(self, rule: str, path: str = "") -> None:
        super().__init__(f"{rule} at {told(path)}" if told(path) else rule)


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


def told(path: str) -> str:
    """Return a path for a message: up to the first word that is not FHIR's of what is read."""
    known = takewhile(lambda part: part.split("[")[0] in _WORDS, path.split("."))
    return ".".join(known)


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
