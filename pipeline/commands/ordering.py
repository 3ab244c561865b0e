"""Command floor. What both kinds of report share: the order, and its note in a store."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.publish.brand import Brand
    from pipeline.publish.ledger import Ledger, Order


def order_of(asked: Namespace) -> "Order":
    """Return what the command line asks for; what it asks twice counts once."""
    from pipeline.publish.again import failed_before
    from pipeline.publish.ledger import Order

    only = failed_before(asked.out, asked.kind) if asked.only else None
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
        reference=asked.reference,
        store=asked.store,
        jobs=asked.jobs,
        cluster=asked.cluster,
        fresh=asked.fresh,
        only=only,
    )


def brand_of(asked: Namespace) -> "Brand":
    """Return the practice's look, or that of no practice."""
    from pipeline.publish.brand import NO_BRAND
    from pipeline.publish.brand_file import read_brand

    return NO_BRAND if asked.brand is None else read_brand(asked.brand)


def hashes_beside(asked: Namespace, besides: Sequence[Path]) -> dict[str, str | None]:
    """Return the hashes of the files that a report out of a store reads besides."""
    from pipeline.publish.inputs import hashes_of

    files = [file for file in (asked.rules, *besides) if file is not None]
    return {str(file): hash for file, hash in hashes_of(files).items()}


def reports_of(ledger: "Ledger") -> Iterator[dict[str, Any]]:
    """Yield each file of a report that was made, as the store notes it for purge to list."""
    order = ledger.order
    for made in ledger.made:
        for name, sha256 in made.files.items():
            yield {
                "case_id": made.case_id,
                "kind": order.kind,
                "language": made.language,
                "as_of": order.as_of,
                "file": str((order.out / name).absolute()),
                "sha256": sha256,
            }
