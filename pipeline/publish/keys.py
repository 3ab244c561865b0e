"""Publishing floor. What a report is made from, part by part, by hashes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from pipeline.publish.brand import Brand
from pipeline.publish.kinds import notebook_of
from pipeline.publish.ledger import Order, versions
from pipeline.resources import resource_path
from pipeline.rules import facts_hash, program_hash

Parts = Mapping[str, str]  # of what a report is made from, each by its hash or its word
# What reaches a page only through what its notebook told: where that is the same, so is the page.
BEFORE_THE_TELLING = frozenset({"input", "limits", "facts"})
_LIMITS = "limits.csv"


class Keys:
    """Of each report of a run what it is made from; what all share is read once."""

    def __init__(self, order: Order, *, brand: Brand) -> None:
        packages = (f"{name} {number}" for name, number in sorted(versions().items()))
        self._common = {
            "notebook": hash_of([notebook_of(order.kind).read_bytes()]),
            "template": _files_hash(*(Path("templates") / name for name in ("report", order.kind))),
            "limits": hash_of([(resource_path("pipeline/rules") / _LIMITS).read_bytes()]),
            "facts": facts_hash(apart=_LIMITS),
            "program": program_hash(),
            "packages": hash_of(word.encode() for word in packages),
            "brand": hash_of([repr(replace(brand, files=())).encode()]),
            "formats": ",".join(sorted(order.formats)),
            "pdf": order.pdf,
            "as_of": order.as_of.isoformat(),
        }

    def parts(self, content: bytes, language: str) -> Parts:
        """Return what the report of an input file in a language is made from."""
        texts = _files_hash(Path("pipeline/rules/texts") / language)
        own = {"input": hash_of([content]), "texts": texts, "language": language}
        return own | self._common


@cache
def installation_hash() -> str:
    """Return the hash of all that is installed and that a report depends on."""
    folders = ("notebooks", "templates", "pipeline/rules/texts")
    packages = [f"{name} {number}".encode() for name, number in sorted(versions().items())]
    hashes = [program_hash(), facts_hash(), _files_hash(*map(Path, folders))]
    return hash_of([*(one.encode() for one in hashes), *packages])


def changed_parts(before: Parts, after: Parts) -> frozenset[str]:
    """Return the names of the parts that differ."""
    names = {*before, *after}
    return frozenset(name for name in names if before.get(name) != after.get(name))


@cache
def _files_hash(*folders: Path) -> str:
    """Return the hash of every file in folders of the installation, and of their names."""
    found = [resource_path(str(folder)) for folder in folders]
    files = sorted(path for folder in found for path in folder.rglob("*") if path.is_file())
    return hash_of(part for file in files for part in (file.name.encode(), file.read_bytes()))


def hash_of(parts: Iterable[bytes]) -> str:
    """Return one hash of parts that cannot run into one another."""
    found = sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
