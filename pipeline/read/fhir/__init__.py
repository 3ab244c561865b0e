"""Middle floor. Reads laboratory results from FHIR R4, in JSON or XML."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from pipeline.errors import LabFileError
from pipeline.read.fhir.document import is_fhir_json, is_fhir_xml, parse_json, parse_xml
from pipeline.read.fhir.node import MalformedError
from pipeline.read.fhir.observations import Outcome, outcomes_of
from pipeline.read.fhir.resources import Document
from pipeline.read.reading import Known, Reading, as_rows

__all__ = ["is_fhir_json", "is_fhir_xml", "read_fhir_json", "read_fhir_xml"]


def read_fhir_json(text: str, *, name: str, known: Known, case_id: str | None = None) -> Reading:
    """Return the results of a FHIR document in JSON, and how many of its entries are none.

    Each Observation, wherever it stands, and each of its components is a row or is counted; other
    resources but Bundles are counted by their type. ``line`` is the path: "entry[3].resource".
    With ``case_id`` all rows are of that case; else of the pseudonym of their subject.

    Raises LabFileError where the text is no FHIR, breaks a rule of its syntax or of the shape of
    what is read, or is of several people though ``case_id`` says one.
    """
    return _read(text, parse_json, name=name, known=known, case_id=case_id)


def read_fhir_xml(text: str, *, name: str, known: Known, case_id: str | None = None) -> Reading:
    """Return the results of a FHIR document in XML as ``read_fhir_json`` does of the same in JSON.

    Raises LabFileError as it does, and for any DTD: no entity is expanded and no file opened.
    """
    return _read(text, parse_xml, name=name, known=known, case_id=case_id)


def _read(
    text: str,
    parse: Callable[[str], dict[str, Any]],
    *,
    name: str,
    known: Known,
    case_id: str | None,
) -> Reading:
    try:
        outcomes = list(outcomes_of(Document(parse(text)), known=known))
    except MalformedError as fault:
        raise LabFileError(f"Unable to read '{name}' as FHIR: {fault}.") from None
    rows = [one for one in outcomes if isinstance(one, dict)]
    if case_id is not None:
        rows = _of_case(rows, case_id, name=name)
    return Reading(rows=as_rows(rows), ignored=_counted(outcomes))


def _of_case(rows: list[dict[str, str]], case_id: str, *, name: str) -> list[dict[str, str]]:
    """Return the rows as one case's; the results of two people never become one person's."""
    if len({row["case_id"] for row in rows} - {""}) > 1:
        raise LabFileError(f"Expected exactly 1 patient in '{name}': its results are of several.")
    return [{**row, "case_id": case_id} for row in rows]


def _counted(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(one for one in outcomes if isinstance(one, str)))
