"""Rules floor. Hashes of all that judges: the facts and the program, by which its work is known."""

from functools import cache
from hashlib import sha256

from pipeline.resources import resource_path


@cache
def facts_hash(*, apart: str = "") -> str:
    """Return the hash (SHA-256) of every CSV of the rules, in the order of their paths.

    ``apart`` is the name of one that does not count.
    """
    files = sorted(resource_path("pipeline/rules").rglob("*.csv"))
    return sha256(b"".join(file.read_bytes() for file in files if file.name != apart)).hexdigest()


@cache
def program_hash() -> str:
    """Return the hash (SHA-256) of every module of the program, in the order of their paths."""
    files = sorted(resource_path("pipeline").rglob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
