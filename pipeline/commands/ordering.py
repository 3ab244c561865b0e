"""Command floor. What both kinds of report share: the order, and its note in a store."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.publish.ledger import Ledger, Order


def order_of(asked: Namespace) -> "Order":
    """Return what the command line asks for; what it asks twice counts once."""
    from pipeline.publish.ledger import Order

    return Order(
        kind=asked.kind,
        inputs=tuple(asked.inputs),
        out=asked.out,
        as_of=asked.as_of,
        case_ids=tuple(dict.fromkeys(asked.case)),
        languages=tuple(dict.fromkeys(asked.language)) or ("nl",),
        formats=asked.format,
        pdf=asked.pdf,
        people=asked.people,
        rules=asked.rules,
        mapping=asked.mapping,
        suite=asked.suite,
        brand=asked.brand,
        store=asked.store,
        jobs=asked.jobs,
    )


def record_made(ledger: "Ledger", path: Path) -> None:
    """Note in the store which reports were made, so that purge can list them."""
    from pipeline.store import open_to_write, record_reports

    order = ledger.order
    with open_to_write(path) as store:
        record_reports(
            store,
            (
                {
                    "case_id": made.case_id,
                    "kind": order.kind,
                    "language": made.language,
                    "as_of": order.as_of,
                    "file": str((order.out / name).absolute()),
                    "sha256": sha256,
                }
                for made in ledger.made
                for name, sha256 in made.files.items()
            ),
        )
