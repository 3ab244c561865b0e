"""Rules floor. One hash of all facts, by which what they judged is known."""

from functools import cache
from hashlib import sha256

from pipeline.resources import resource_path


@cache
def facts_hash() -> str:
    """Return the hash (SHA-256) of every CSV of the rules, in the order of their names."""
    files = sorted(resource_path("pipeline/rules").glob("*.csv"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
