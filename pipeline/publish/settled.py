"""Publishing floor. A folder that holds just what a run would leave there: it has nothing to do.

The last line of the journal says of the last run, where nothing of it failed, what it was made
from and how its files lay, each as one hash. A run that finds both the same ends at once: it reads
no row, and what it tells is what ``run.json`` tells.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.publish.files import DAMAGED, WORK, append_line, as_json
from pipeline.publish.journal import JOURNAL, lay_of
from pipeline.publish.keys import hash_of, installation_hash
from pipeline.publish.last_run import PAGE, QUARANTINE
from pipeline.publish.ledger import RECORD, Ledger, Made, Order
from pipeline.publish.run_page import RUN_PAGE

_LAST = 1_000  # bytes at the end of a journal, of which its last line is fewer


def run_key(order: Order, hashes: Mapping[Path, str], *, strict: bool) -> str:
    """Return the hash of all that the files of a run depend on; how it is run is no part of it."""
    asked = replace(order, jobs=1, cluster="", fresh=False, only=None)
    read = sorted((str(path), hash) for path, hash in hashes.items())
    words = (installation_hash(), repr(asked), str(strict), json.dumps(read), str(Path.cwd()))
    return hash_of(word.encode("utf-8", "surrogateescape") for word in words)


def note_settled(ledger: Ledger, key: str) -> None:
    """Note, behind all else in the journal, that a run left nothing to do.

    Raises OutputError where that cannot be written.
    """
    if not ledger.failures:
        line = json.dumps({"run": key, "lay": _lay(ledger)})
        append_line(f"{line}\n".encode(), ledger.order.out / JOURNAL)


def settled(order: Order, key: str) -> Ledger | None:
    """Return what became of each report where a run would change nothing; None where it might."""
    untidied = (order.out / WORK).exists()  # a run that works tidies it
    if order.fresh or order.only is not None or untidied:
        return None
    with suppress(*DAMAGED):
        noted = json.loads(_last_line(order.out / JOURNAL))
        ledger = _as_ledger(order, json.loads((order.out / RECORD).read_bytes()))
        if noted == {"run": key, "lay": _lay(ledger)}:
            return ledger
    return None


def _lay(ledger: Ledger) -> str:
    """Return the hash of the record of a run and of how its files lie: sizes, times of change."""
    names = [name for made in ledger.made for name in made.files]
    lying = lay_of(ledger.order.out, [*names, RECORD, RUN_PAGE, PAGE, QUARANTINE])
    return hash_of([as_json(ledger.as_record()), json.dumps(sorted(lying.items())).encode()])


def _as_ledger(order: Order, record: Mapping[str, Any]) -> Ledger:
    """Return the ledger whose record this is, of a run in which nothing failed."""
    made = tuple(Made(**report) for report in record["reports"])
    return Ledger(
        order=order,
        cases=tuple(record["cases"]),
        read={one["file"]: one["sha256"] for one in record["inputs"]},
        rows=record["rows"],
        made=made,
        failures=(),
        unchanged=len(made),
        without_rows=tuple(record["without_rows"]),
    )


def _last_line(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LAST))
        return file.read().rstrip(b"\n").rpartition(b"\n")[2]
