"""Command floor. ``casereport report``: the main job, from files or from a store."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.shared import announcer, print_result, rules_of, take_in_asked
from pipeline.errors import CommandError

if TYPE_CHECKING:
    from pipeline.intake import Intake
    from pipeline.publish.ledger import Ledger, Order

    Read = tuple[Intake, dict[str, str | None]]  # and the hash of each file it came from


def report(asked: Namespace) -> int:
    """Make the reports of a kind, from files or from a store; 4 or 5 where one of them failed."""
    from pipeline.publish.brand import NO_BRAND, read_brand
    from pipeline.publish.files import withdraw
    from pipeline.publish.notebook import REVIEW, notebook_of
    from pipeline.publish.report import RECORD, make_reports

    notebook_of(asked.kind)  # a wrong KIND is refused before a file is read
    if asked.kind == REVIEW:
        return _review(asked)
    if asked.period or asked.limit is not None:
        raise CommandError(f"Unable to use --period and --limit with {asked.kind}.")
    if bool(asked.inputs) == (asked.store is not None):
        raise CommandError("Expected either an INPUT or --store FILE.")
    order = _order(asked)
    withdraw(asked.out / RECORD)  # whatever happens, no earlier record passes for that of this run
    brand = NO_BRAND if asked.brand is None else read_brand(asked.brand)
    reading = _from_files if asked.store is None else _from_store
    intake, read = reading(asked, order, brand.files)
    announce = announcer(asked.quiet)
    ledger = make_reports(order, intake, read=read, announce=announce, brand=brand)
    if asked.store is not None:
        _record_reports(ledger, asked.store)
    print_result(ledger.as_record(), ledger.summary(), asked)
    return ledger.exit_code


def _review(asked: Namespace) -> int:
    """Make the review of a period out of a store; each count of people passes the gate first."""
    from pipeline.cohort import (
        LOWEST_LIMIT,
        Gate,
        Published,
        period_of,
        quarter_of,
        review_store,
    )
    from pipeline.publish.brand import NO_BRAND, read_brand
    from pipeline.publish.files import withdraw
    from pipeline.publish.inputs import hashes_of
    from pipeline.publish.report import RECORD
    from pipeline.publish.review import make_review
    from pipeline.store import (
        last_review,
        open_to_read,
        open_to_write,
        recall_files,
        record_review,
        tally,
    )

    if asked.store is None or asked.inputs or asked.case:
        raise CommandError("Expected --store FILE: a review is of all people of a store.")
    period = period_of(asked.period) if asked.period else quarter_of(asked.as_of)
    order = replace(_order(asked), period=period.name, limit=asked.limit or LOWEST_LIMIT)
    withdraw(asked.out / RECORD)
    brand = NO_BRAND if asked.brand is None else read_brand(asked.brand)
    with open_to_read(asked.store) as store:
        read: dict[str, str | None] = dict(recall_files(store))
        rows = tally(store)
        told_before = last_review(store, period.name)
    others = [file for file in (asked.rules, *brand.files) if file is not None]
    read |= {str(file): hash for file, hash in hashes_of(others).items()}
    earlier = {name: Published.from_record(one) for name, one in told_before.items()}
    gate = Gate(limit=order.limit, earlier=earlier)
    review = review_store(asked.store, period, as_of=asked.as_of, rules=rules_of(asked), gate=gate)
    announce = announcer(asked.quiet)
    ledger = make_review(order, review, read=read, rows=rows, announce=announce, brand=brand)
    _record_reports(ledger, asked.store)
    if ledger.made:
        with open_to_write(asked.store) as store:
            tables = {name: one.as_record() for name, one in gate.passed.items()}
            record_review(store, period.name, as_of=asked.as_of, tables=tables)
    print_result(ledger.as_record(), ledger.summary(), asked)
    return ledger.exit_code


def _order(asked: Namespace) -> "Order":
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


def _from_files(asked: Namespace, order: "Order", besides: Sequence[Path]) -> "Read":
    """Return what came in from files, and the hash of each file that was read."""
    from pipeline.publish.inputs import hashes_of, read_files

    others = (asked.people, asked.rules, asked.mapping, asked.suite, *besides)
    hashes = hashes_of([*asked.inputs, *filter(None, others)])
    intake = take_in_asked(asked, language=order.languages[0])
    files = read_files(intake, asked.inputs, besides=others)
    return intake, {str(file): hashes.get(file) for file in files}


def _from_store(asked: Namespace, order: "Order", besides: Sequence[Path]) -> "Read":
    """Return what a store holds, and the hash of each file it was made from."""
    from pipeline.intake import require_rows
    from pipeline.intake.stored import take_out
    from pipeline.publish.inputs import hashes_of
    from pipeline.publish.validation_page import write_validation
    from pipeline.store import open_to_read, recall_files

    given = {"--people": asked.people, "--mapping": asked.mapping, "--suite": asked.suite}
    if said := [option for option, file in given.items() if file is not None]:
        raise CommandError(f"Unable to use {said[0]} with --store: it belongs to ingest.")
    with open_to_read(asked.store) as store:
        intake = take_out(
            store, as_of=asked.as_of, rules=rules_of(asked), case_ids=order.case_ids or None
        )
        read: dict[str, str | None] = dict(recall_files(store))
    write_validation(intake, asked.out, language=order.languages[0])
    require_rows(intake, strict=asked.strict)
    others = [file for file in (asked.rules, *besides) if file is not None]
    return intake, read | {str(file): hash for file, hash in hashes_of(others).items()}


def _record_reports(ledger: "Ledger", path: Path) -> None:
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
