"""Command floor. What concerns a store: ``ingest``, ``purge``, ``store export`` and ``import``."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.shared import print_result, rules_of, take_in_asked
from pipeline.errors import RulesError

if TYPE_CHECKING:
    from pipeline.store import Added


def ingest(asked: Namespace) -> int:
    """Read and judge as check does, and add what is new to the store."""
    from pipeline.intake.stated import known_people
    from pipeline.intake.stored import keep
    from pipeline.publish.inputs import hashes_of
    from pipeline.read.text_file import read_text
    from pipeline.store import open_to_write

    own = [file for file in (asked.rules, asked.mapping, asked.suite) if file is not None]
    hashes = hashes_of([*asked.inputs, *own])
    with open_to_write(asked.store) as store:
        intake = take_in_asked(
            asked, language=asked.language, known=lambda cases: known_people(store, cases)
        )
        added = keep(
            intake,
            store,
            hashes=hashes,
            rules=rules_of(asked),
            judged_by=own,
            suite="" if asked.suite is None else read_text(asked.suite, error=RulesError),
        )
    told = {"rows": asdict(added), "reasons": intake.reasons, "store": str(asked.store)}
    print_result(told, _ingest_lines(added, asked), asked)
    return 0


def _ingest_lines(added: "Added", asked: Namespace) -> str:
    """Return what became of the entries that were read."""
    ends = f"{added.accepted} accepted, {added.set_aside} set aside, {added.known} known already"
    none = f", {added.no_result} no laboratory result" if added.no_result else ""
    changed = "Added to" if added.changed else "Nothing new for"
    lines = [f"New rows: {ends}{none}.", f"{changed} {asked.store}."]
    lines += [f"Written: {asked.out / name}" for name in ("validation.html", "quarantine.csv")]
    return "\n".join(lines)


def purge(asked: Namespace) -> int:
    """Forget a person: everything the store has of one case; list the reports to be deleted."""
    from pipeline.store import forget_person

    forgotten = forget_person(asked.store, asked.case_id, on=asked.as_of)
    lines = [f"Forgotten in {asked.store}: {forgotten.rows} rows of '{asked.case_id}'."]
    lines += ["Reports that were made, to be deleted where they still lie:"] * bool(
        forgotten.reports
    )
    lines += [f"  {file}" for file in forgotten.reports]
    records = _records_beside(forgotten.reports)
    lines += ["What else of those runs names the case:"] * bool(records)
    lines += [f"  {file}" for file in records]
    print_result(asdict(forgotten) | {"records": records}, "\n".join(lines), asked)
    return 0


def _records_beside(reports: Sequence[str]) -> list[str]:
    """Return the records of the runs that made these reports, where they still lie."""
    from pipeline.publish.journal import JOURNAL
    from pipeline.publish.last_run import QUARANTINE
    from pipeline.publish.ledger import RECORD
    from pipeline.publish.run_page import RUN_PAGE

    folders = dict.fromkeys(Path(report).parent.parent for report in reports)
    names = (RUN_PAGE, RECORD, JOURNAL, QUARANTINE)
    return [str(folder / name) for folder in folders for name in names if (folder / name).is_file()]


def store(asked: Namespace) -> int:
    """Write a store as Parquet, or fill a new one from it: nobody is locked in."""
    from pipeline.store import export_store, import_store

    if asked.action == "export":
        names = export_store(asked.store, asked.folder)
        told: dict[str, Any] = {"files": [str(asked.folder / name) for name in names]}
        print_result(told, "\n".join(f"Written: {file}" for file in told["files"]), asked)
    else:
        rows = import_store(asked.folder, asked.store)
        print_result({"rows": rows}, f"{rows} rows now in {asked.store}.", asked)
    return 0
