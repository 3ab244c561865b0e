"""Middle floor. Reads the genotypes that a case.toml states; what they mean is judged elsewhere."""

import re
from collections.abc import Mapping, Sequence

from pipeline.errors import CaseFileError
from pipeline.model import StatedGenotype

_KEYS = ("rsid", "call", "strand", "build", "assay")
_RSID = re.compile(r"rs[1-9][0-9]{0,11}")
_WORDS = {"strand": ("plus", "minus"), "build": ("GRCh37", "GRCh38")}
_LONGEST = 60  # characters of an assay's name


def read_genotypes(
    tables: Sequence[Mapping[str, object]], *, where: str
) -> tuple[StatedGenotype, ...]:
    """Return the genotypes of the tables [[genotypes]], each call as it was written.

    Raises CaseFileError where a table has an unknown key or word, or lacks its rsid or call; a call
    is a person's, so no message holds one.
    """
    return tuple(_read(table, number, where) for number, table in enumerate(tables, start=1))


def _read(table: Mapping[str, object], number: int, where: str) -> StatedGenotype:
    place = f"table {number} of [[genotypes]] in {where}"
    for key in table:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise CaseFileError(f"Unrecognised key '{key}' of {place}: expected one of {known}.")
    if not all(isinstance(value, str) for value in table.values()) or "call" not in table:
        raise CaseFileError(f"Expected {place} to state 'rsid' and 'call' as text.")
    told = {key: str(value).strip() for key, value in table.items()}
    if not _RSID.fullmatch(told.get("rsid", "")):
        raise CaseFileError(f"Expected 'rsid' of {place} to be written as rs and a number.")
    for key, words in _WORDS.items():
        if told.get(key, words[0]) not in words:
            known = ", ".join(words)
            raise CaseFileError(f"Unrecognised {key} of {place}: expected one of {known}.")
    if max(len(told["call"]), len(told.get("assay", ""))) > _LONGEST:
        raise CaseFileError(
            f"Expected the texts of {place} to be of {_LONGEST} characters or less."
        )
    return StatedGenotype(
        rsid=told["rsid"],
        call=told["call"],
        strand=told.get("strand", ""),
        build=told.get("build", ""),
        assay=told.get("assay", ""),
        row=f"case.toml:genotypes:{number}",
    )
