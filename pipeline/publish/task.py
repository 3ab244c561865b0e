"""Publishing floor. A report to be made, and what became of it, as they travel to whoever works.

Bytes of JSON, so that nothing that comes back is ever run as code.
"""

import datetime as dt
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pipeline.errors import OutputError
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.in_short import CaseInShort

_BYTES = "base64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One report to be made: all that it depends on but what is installed."""

    kind: str
    name: str  # of the case, for a folder of its own
    language: str
    content: bytes  # of the input file
    formats: tuple[str, ...]
    pdf: Literal["ua", "a3"]
    as_of: dt.date
    brand: Brand = NO_BRAND
    known: str = ""  # the hash of what the notebook told before: if it is that, nothing is made
    place: str = ""  # the folder to work in; "" where each has one of its own

    def as_bytes(self) -> bytes:
        """Return the task as it travels."""
        return _packed(asdict(replace(self, brand=replace(self.brand, files=()))))

    @classmethod
    def of_bytes(cls, travelled: bytes) -> "Task":
        """Return the task that travelled."""
        told = _unpacked(travelled)
        brand = told["brand"]
        lines = {name: tuple(brand[name]) for name in ("address", "contact", "files")}
        told |= {"formats": tuple(told["formats"]), "as_of": dt.date.fromisoformat(told["as_of"])}
        return cls(**told | {"brand": Brand(**brand | lines)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A report that was made: its files by their endings; none where it told what was known."""

    told: str  # the hash of what the notebook told
    result: bytes  # case.json
    files: Mapping[str, bytes] = field(default_factory=dict)
    in_short: CaseInShort | None = None  # of a review there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A report that was not made: where its notebook stopped, why, and how far it came."""

    cause: str
    exit_code: int
    cell: str = ""
    partial: bytes = b""
    in_short: CaseInShort | None = None  # where there was a result, but no page of it


Outcome = Product | Stopped


def outcome_as_bytes(outcome: Outcome | OutputError) -> bytes:
    """Return what became of a task as it travels back; an error that ends the run does so too."""
    if isinstance(outcome, OutputError):
        return _packed({"is": "error", "told": str(outcome)})
    return _packed({"is": type(outcome).__name__, "told": asdict(outcome)})


def outcome_of_bytes(travelled: bytes) -> Outcome:
    """Return what became of a task. Raises OutputError where that is what came back."""
    found = _unpacked(travelled)
    told = found["told"]
    if found["is"] == "error":
        raise OutputError(told)
    short = told["in_short"] and CaseInShort.from_record(told["in_short"])
    made = Product if found["is"] == Product.__name__ else Stopped
    return made(**told | {"in_short": short})


def _packed(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return {_BYTES: b64encode(value).decode()}
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"Unable to send a {type(value).__name__}.")


def _unpacked(travelled: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(travelled, object_hook=_restored)
    return told


def _restored(found: dict[str, Any]) -> Any:
    return b64decode(found[_BYTES]) if found.keys() == {_BYTES} else found
