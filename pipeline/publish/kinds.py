"""Publishing floor. The kinds of report: the notebook of each, and what it is given."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CommandError
from pipeline.resources import resource_path


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseParameters:
    """What a report of one case is given: a file and a language, nothing of the person."""

    case_input: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewParameters:
    """What a review of many is given: the file of what may be told of them, and a language."""

    review_input: str
    language: str


Parameters = CaseParameters | ReviewParameters
REVIEW = "cohort_review"
REPORTS: dict[str, type[Parameters]] = {
    "case_study": CaseParameters,
    "client_report": CaseParameters,
    REVIEW: ReviewParameters,
}


def notebook_of(kind: str) -> Path:
    """Return the notebook of a kind of report.

    Raises CommandError where there is no such kind.
    """
    if kind not in REPORTS:
        raise CommandError(f"Unrecognised KIND '{kind}': expected one of {', '.join(REPORTS)}.")
    return resource_path("notebooks") / f"{kind}.ipynb"
