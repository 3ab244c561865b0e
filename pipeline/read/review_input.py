"""Middle floor. Reads what a cohort review is told from: counts of people, and nobody's row."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import CaseFileError
from pipeline.read.text_file import read_bytes
from pipeline.resources import resource_path

SCHEMA = "casereport/cohort/1"
BUILT_IN = "samples/made_review.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewInput:
    """A review as ``cohort.json`` has it, and the hash of the bytes it was read from."""

    review: Mapping[str, Any]
    sha256: str


def read_review(path: str | Path = "") -> ReviewInput:
    """Return the review of a file; of the empty path that of people who do not exist.

    Raises CaseFileError where the file cannot be read or is not of this schema.
    """
    file = Path(path) if str(path) else resource_path(BUILT_IN)
    content = read_bytes(file, error=CaseFileError)
    try:
        told = json.loads(content)
        if told["schema"] != SCHEMA:
            raise ValueError("another schema")
    except (KeyError, TypeError, ValueError, RecursionError):
        raise CaseFileError(f"Expected '{file.name}' to be of schema {SCHEMA}.") from None
    return ReviewInput(review=told, sha256=hashlib.sha256(content).hexdigest())
