"""Cohort floor. The groups by which people are told apart, as words and as codes of columns."""

from typing import Any

import numpy as np

AGES = ((0, 29), (30, 44), (45, 59), (60, 74), (75, 150))
UNKNOWN = "unknown"
SEXES = ("F", "M", UNKNOWN)


def age_names() -> tuple[str, ...]:
    """Return the names of the age bands, youngest first: "0-29", … "75+"."""
    named = [f"{first}-{last}" for first, last in AGES[:-1]]
    return (*named, f"{AGES[-1][0]}+")


def names_of(by: str) -> tuple[str, ...]:
    """Return the words of the codes of a column: of ``sex`` or of ``ages``."""
    return SEXES if by == "sex" else (*age_names(), UNKNOWN)


def sex_codes(sexes: Any) -> np.ndarray[Any, Any]:
    """Return the place in ``SEXES`` of each "F", "M" or ""."""
    words = np.asarray(sexes, dtype=object)
    return np.select([words == "F", words == "M"], [0, 1], 2).astype(np.int8)


def age_codes(ages: Any) -> np.ndarray[Any, Any]:
    """Return the place in ``AGES`` of each age [years]; the next one where it is unknown."""
    years = np.asarray(ages, dtype=float)
    within = [(years >= first) & (years <= last) for first, last in AGES]
    return np.select(within, list(range(len(AGES))), len(AGES)).astype(np.int8)
