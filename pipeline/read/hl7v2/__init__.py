"""Middle floor. Reads laboratory messages of HL7 v2 (ORU^R01 and its kin, v2.1 to v2.8)."""

from collections import Counter

from pipeline.read.hl7v2.groups import observations_of
from pipeline.read.hl7v2.results import results_of
from pipeline.read.hl7v2.segments import is_hl7v2, segments_of
from pipeline.read.hl7v2.text import decode_hl7v2
from pipeline.read.reading import Known, Reading, as_rows

__all__ = ["decode_hl7v2", "is_hl7v2", "read_hl7v2"]


def read_hl7v2(text: str, *, name: str, known: Known, case_id: str | None = None) -> Reading:
    """Return the results of a file of messages, and how many of its entries are none.

    An entry is one repetition of OBX-5, and is a row or is counted in ``ignored``: "text", "coded"
    or "document" (what it says is no number and no word of a result), "administrative" (a date, a
    name), "pending", "heading" (OBX-3 is empty), or "not-a-laboratory-message". What is of a
    numeric type and holds something is a row, unless its message is none of a laboratory's.
    ``line`` is the line its segment begins on, whatever the line ends, with ".2" for a second
    repetition. ``text`` has its line ends as they are; frames of MLLP and batches are accepted.

    Raises LabFileError where the file is empty, does not begin with a header, names separators that
    cannot be told apart, or has a result outside any message.
    """
    rows: list[dict[str, str]] = []
    ignored: Counter[str] = Counter()
    for observation in observations_of(segments_of(text, name=name), name=name):
        for result in results_of(observation, known=known, case_id=case_id):
            if isinstance(result, str):
                ignored[result] += 1
            else:
                rows.append(result)
    return Reading(rows=as_rows(rows), ignored=dict(ignored))
