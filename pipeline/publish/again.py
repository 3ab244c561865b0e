"""Publishing floor. What of an earlier run is to be made again, and why."""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CommandError
from pipeline.model import CaseInput
from pipeline.publish.brand import Brand
from pipeline.publish.files import DAMAGED
from pipeline.publish.journal import Entry, Journal
from pipeline.publish.keys import Keys, Parts, changed_parts
from pipeline.publish.ledger import RECORD, Order
from pipeline.read.case_input import case_input_bytes


def failed_before(out: Path, kind: str) -> frozenset[tuple[str, str]]:
    """Return case and language of each report of a kind that the last run into a folder failed at.

    Raises CommandError where the folder has no record of such a run.
    """
    try:
        record = json.loads((out / RECORD).read_bytes())
        if record["kind"] != kind:
            raise ValueError
        return frozenset((str(one["case_id"]), str(one["language"])) for one in record["failures"])
    except DAMAGED:
        raise CommandError(f"Unable to find the {RECORD} of a {kind} in '{out}'.") from None


def explain_case(order: Order, case: CaseInput, brand: Brand) -> str:
    """Return whether and why each ordered report of a case would be made, a line a language."""
    journal, keys = Journal(order.out, fresh=order.fresh), Keys(order, brand=brand)
    return "\n".join(_lines(order, case, journal, keys))


def _lines(order: Order, case: CaseInput, journal: Journal, keys: Keys) -> Iterator[str]:
    content = case_input_bytes(case)
    for language in order.languages:
        before = journal.before((order.kind, case.case_id, language))
        why = _why(journal, before, keys.parts(content, language))
        yield f"{order.kind} of {case.case_id} ({language}): {why}"


def _why(journal: Journal, before: Entry | None, parts: Parts) -> str:
    if before is None:
        return "to be made, it is not here yet."
    if changed := changed_parts(before.parts, parts):
        return f"to be made again, changed: {', '.join(sorted(changed))}."
    if not journal.lies(before):
        return "to be made again, its files were changed or removed."
    if journal.unchanged(before.key, parts) is None:
        return "to be made again, as --fresh asks."
    return "unchanged."
