"""Command floor. ``casereport report``: the main job, from files or from a store."""

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.ordering import brand_of, hashes_beside, order_of, reports_of
from pipeline.commands.review import review
from pipeline.commands.shared import (
    print_result,
    read_asked,
    rules_of,
    take_in_asked,
)
from pipeline.errors import BrandError, CommandError

if TYPE_CHECKING:
    from pipeline.intake import Intake
    from pipeline.publish.brand import Brand
    from pipeline.publish.inputs import Hashes
    from pipeline.publish.ledger import Ledger, Order

    Read = tuple[Intake, dict[str, str | None]]  # and the hash of each file it came from


def report(asked: Namespace) -> int:
    """Make the reports of a kind, from files or from a store; DIR/index.html lists them.

    The exit code is 4 or 5 where one of them failed.
    """
    from pipeline.publish.kernels.home import remove_forsaken
    from pipeline.publish.kinds import REVIEW, notebook_of

    notebook_of(asked.kind)  # a wrong KIND is refused before a file is read
    if not asked.explain:  # which changes nothing
        remove_forsaken()  # here, since a run or a review with nothing to make starts no kernel
    if asked.kind == REVIEW:
        return review(asked)
    if asked.period or asked.limit is not None:
        raise CommandError(f"Unable to use --period and --limit with {asked.kind}.")
    if asked.reference is not None:
        raise CommandError(f"Unable to use --reference with {asked.kind}: it is of many people.")
    if bool(asked.inputs) == (asked.store is not None):
        asked.refuse("expected either an INPUT or --store FILE")
    order = order_of(asked)
    if asked.explain:
        return _explain(asked, order)
    ledger = _of_files(asked, order) if asked.store is None else _of_store(asked, order)
    print_result(ledger.as_record(), ledger.summary(), asked)
    return ledger.exit_code


def _of_files(asked: Namespace, order: "Order") -> "Ledger":
    """Make the reports of files, unless all lies as the last run left it and would be the same."""
    from pipeline.publish.settled import note_settled, run_key, settled

    hashes = _hashes(asked)
    key = run_key(order, hashes, strict=asked.strict)
    if ledger := settled(order, key):
        return ledger
    brand = _begin(asked)
    ledger = _made(asked, order, _from_files(asked, order, hashes, brand.files), brand)
    if _hashes(asked) == hashes:  # else it may be made from neither
        note_settled(ledger, key)
    return ledger


def _of_store(asked: Namespace, order: "Order") -> "Ledger":
    """Make the reports of a store, and note their files in it, for purge to list."""
    from pipeline.store import open_to_write, record_reports

    brand = _begin(asked)
    ledger = _made(asked, order, _from_store(asked, order, brand.files), brand)
    with open_to_write(asked.store) as store:
        record_reports(store, reports_of(ledger))
    return ledger


def _begin(asked: Namespace) -> "Brand":
    """Withdraw the record of the run before: whatever happens, it does not pass for this one's."""
    from pipeline.publish.record import withdraw_record

    withdraw_record(asked.out)
    return brand_of(asked)


def _made(asked: Namespace, order: "Order", given: "Read", brand: "Brand") -> "Ledger":
    """Make the reports of what was read, and return what became of each."""
    from pipeline.publish.progress import shown_cases
    from pipeline.publish.report import make_reports

    intake, read = given
    with shown_cases(quiet=asked.quiet) as announce:
        return make_reports(order, intake, read=read, announce=announce, brand=brand)


def _hashes(asked: Namespace) -> "Hashes":
    """Return the hash of each file that a run from files reads."""
    from pipeline.publish.inputs import hashes_of

    others = (asked.people, asked.rules, asked.mapping, asked.suite)
    brand: Sequence[Path] = ()
    with suppress(BrandError):  # it is told when the reports are to be made
        brand = brand_of(asked).files
    return hashes_of([*asked.inputs, *filter(None, others), *brand])


def _explain(asked: Namespace, order: "Order") -> int:
    """Say why the reports of a case would be made again; nothing is written."""
    from pipeline.publish.again import explain_case

    intake = read_asked(asked) if asked.store is None else _out_of_store(asked, [asked.explain])[0]
    print(explain_case(order, intake.case(asked.explain), brand_of(asked)))
    return 0


def _from_files(
    asked: Namespace, order: "Order", hashes: "Hashes", besides: Sequence[Path]
) -> "Read":
    """Return what came in from files, and the hash of each file that was read."""
    from pipeline.publish.inputs import read_files

    others = (asked.people, asked.rules, asked.mapping, asked.suite, *besides)
    intake = take_in_asked(asked, language=order.languages[0])
    files = read_files(intake, asked.inputs, besides=others)
    return intake, {str(file): hashes.get(file) for file in files}


def _from_store(asked: Namespace, order: "Order", besides: Sequence[Path]) -> "Read":
    """Return what a store holds, and the hash of each file it was made from."""
    from pipeline.intake import require_rows
    from pipeline.publish.validation_page import write_validation

    intake, read = _out_of_store(asked, order.case_ids)
    write_validation(intake, asked.out, language=order.languages[0])
    require_rows(intake, strict=asked.strict)
    return intake, read | hashes_beside(asked, besides)


def _out_of_store(asked: Namespace, case_ids: Sequence[str]) -> "Read":
    """Return what a store holds of these cases, of all where none is named; nothing is written."""
    from pipeline.intake.stored import take_out
    from pipeline.store import open_to_read, recall_files

    given = {"--people": asked.people, "--mapping": asked.mapping, "--suite": asked.suite}
    if said := [option for option, file in given.items() if file is not None]:
        raise CommandError(f"Unable to use {said[0]} with --store: it belongs to ingest.")
    with open_to_read(asked.store) as store:
        intake = take_out(
            store, as_of=asked.as_of, rules=rules_of(asked), case_ids=case_ids or None
        )
        return intake, dict(recall_files(store))
