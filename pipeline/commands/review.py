"""Command floor. ``casereport report cohort_review``: the review of a period, out of a store."""

from argparse import Namespace
from dataclasses import replace

from pipeline.commands.ordering import brand_of, hashes_beside, order_of, reports_of
from pipeline.commands.shared import print_result, rules_of
from pipeline.errors import CommandError


def review(asked: Namespace) -> int:
    """Make the review of a period out of a store; each count of people passes the gate first."""
    from pipeline.cohort import (
        LOWEST_LIMIT,
        Gate,
        Published,
        period_of,
        quarter_of,
        review_store,
    )
    from pipeline.intake.reference import take_in_reference
    from pipeline.publish.progress import shown_cases
    from pipeline.publish.record import withdraw_record
    from pipeline.publish.review import make_review
    from pipeline.store import (
        earlier_reviews,
        open_to_read,
        open_to_write,
        recall_files,
        record_reports,
        record_review,
        tally,
    )

    if asked.store is None or asked.inputs or asked.case:
        raise CommandError("Expected --store FILE: a review is of all people of a store.")
    if asked.explain:
        raise CommandError("Unable to use --explain with a review: it is of no case.")
    period = period_of(asked.period) if asked.period else quarter_of(asked.as_of)
    order = replace(order_of(asked), period=period.name, limit=asked.limit or LOWEST_LIMIT)
    withdraw_record(asked.out)
    brand, rules = brand_of(asked), rules_of(asked)
    besides = hashes_beside(asked, [*brand.files, *filter(None, [asked.reference])])
    reference = take_in_reference(asked.reference, rules) if asked.reference else ()
    with open_to_read(asked.store) as store:
        read: dict[str, str | None] = dict(recall_files(store))
        rows = tally(store)
        told_before = earlier_reviews(store, period.name)
    read |= besides
    earlier = [
        {name: Published.from_record(one) for name, one in tables.items()} for tables in told_before
    ]
    gate = Gate(limit=order.limit, earlier=earlier)
    review = review_store(
        asked.store, period, as_of=asked.as_of, rules=rules, gate=gate, reference=reference
    )
    with shown_cases(quiet=asked.quiet) as announce:
        ledger = make_review(order, review, read=read, rows=rows, announce=announce, brand=brand)
    with open_to_write(asked.store) as store:
        record_reports(store, reports_of(ledger))
        if ledger.made:
            tables = {name: one.as_record() for name, one in gate.passed.items()}
            record_review(store, period.name, as_of=asked.as_of, tables=tables)
    print_result(ledger.as_record(), ledger.summary(), asked)
    return ledger.exit_code
