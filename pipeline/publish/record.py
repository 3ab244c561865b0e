"""Publishing floor. What a run leaves of itself: ``run.json`` to compute with, a page to read."""

from pathlib import Path

from pipeline.publish.files import as_json, publish, withdraw
from pipeline.publish.ledger import RECORD, Ledger
from pipeline.publish.run_page import RUN_PAGE, render_run_page


def withdraw_record(out: Path) -> None:
    """Remove both, so that those of an earlier run do not pass for this one's.

    Raises OutputError where one is there and cannot be removed.
    """
    for name in (RECORD, RUN_PAGE):
        withdraw(out / name)


def write_record(ledger: Ledger, *, work: Path) -> None:
    """Write both, each whole or not at all; ``work`` is a folder on the same disk.

    Raises OutputError where the place cannot be written to.
    """
    out = ledger.order.out
    publish(as_json(ledger.as_record()), out / RECORD, work=work)
    publish(render_run_page(ledger).encode("utf-8"), out / RUN_PAGE, work=work)
