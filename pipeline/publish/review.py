"""Publishing floor. Makes the review of a period in every ordered language, and its record."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.errors import OutputError
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.case import CaseReports
from pipeline.publish.files import as_json, work_folder
from pipeline.publish.journal import Journal
from pipeline.publish.ledger import Ledger, Order
from pipeline.publish.progress import Announce
from pipeline.publish.record import write_record
from pipeline.publish.report import make_all


def make_review(
    order: Order,
    review: Mapping[str, Any],
    *,
    read: Mapping[str, str | None],
    rows: Mapping[str, int],
    announce: Announce,
    brand: Brand = NO_BRAND,
) -> Ledger:
    """Make the review that was ordered of what ``review`` tells, and write the record.

    ``read`` names the files that the store came from, with their hashes; ``rows`` counts what was
    read. However the run ends, ``run.json`` and the run page are written where that is still
    possible. Raises OutputError where the output folder cannot be written to.
    """
    with work_folder(order.out, "run") as work:
        reports = CaseReports(
            order=order,
            case_id=order.period,
            work=work,
            journal=Journal(order.out, fresh=order.fresh),
            brand=brand,
        )
        inputs = [(reports, as_json(review))]
        try:
            make_all(order, inputs, cases=1, announce=announce, brand=brand)
        except BaseException as error:
            with suppress(OutputError):  # it may be what ended the run
                ended = type(error).__name__
                write_record(_ledger(reports, read, rows, ended=ended), work=work)
            raise
        ledger = _ledger(reports, read, rows)
        write_record(ledger, work=work)
        reports.journal.tidy(work=work)
    return ledger


def _ledger(
    reports: CaseReports,
    read: Mapping[str, str | None],
    rows: Mapping[str, int],
    *,
    ended: str = "",
) -> Ledger:
    return Ledger(
        order=reports.order,
        cases=(reports.case_id,),
        read=read,
        rows=rows,
        made=tuple(reports.made),
        unchanged=reports.unchanged,
        failures=tuple(reports.failures),
        ended=ended,
    )
