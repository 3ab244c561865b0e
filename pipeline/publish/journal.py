"""Publishing floor. Which report in a folder was made from what: one that would be the same stays.

``.made.jsonl`` in the output folder has a line for each report that was made, written when its
files were in place: a run that was killed goes on where it was. It holds what the run page does,
names of files and hashes, never a value. It may be deleted: then every report is made again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock

from pipeline.errors import OutputError
from pipeline.publish.files import DAMAGED, append_line, publish
from pipeline.publish.in_short import CaseInShort
from pipeline.publish.keys import BEFORE_THE_TELLING, Parts, changed_parts
from pipeline.publish.ledger import Made

JOURNAL = ".made.jsonl"
Key = tuple[str, str, str]  # kind, case and language of a report


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One report that was made: from what, how its case ended, and its files as they then lay."""

    kind: str
    case_id: str
    language: str
    parts: Parts
    result: str  # the hash of case.json
    told: str  # the hash of what the notebook told
    files: Mapping[str, str]  # below the output folder, each with its hash
    in_short: CaseInShort | None = None  # the case, as the run page tells it; of a review none
    # size [bytes] and time of the last change [ns] of each, when it was noted
    lay: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Return which report it is."""
        return self.kind, self.case_id, self.language

    def as_made(self) -> Made:
        """Return it as the ledger lists it."""
        return Made(case_id=self.case_id, language=self.language, files=self.files)


class Journal:
    """The entries of an output folder. Several threads may note theirs at the same time."""

    def __init__(self, out: Path, *, fresh: bool = False) -> None:
        """Read what is there; of a ``fresh`` run nothing that was made before counts."""
        self._out = out
        self._lock = Lock()
        self._entries = {entry.key: entry for entry in _entries(out / JOURNAL)}
        self._counted = {} if fresh else dict(self._entries)

    def before(self, key: Key) -> Entry | None:
        """Return the last entry of a report, whether or not its files are still the same."""
        return self._entries.get(key)

    def unchanged(self, key: Key, parts: Parts) -> Entry | None:
        """Return the entry of a report made from just these parts, if its files still lie so."""
        entry = self._counted.get(key)
        if entry is None or changed_parts(entry.parts, parts) or not self.lies(entry):
            return None
        return entry

    def alike(self, key: Key, parts: Parts) -> Entry | None:
        """Return the entry of a report that is as it would be, if its notebook tells the same."""
        entry = self._counted.get(key)
        if entry is None or not self.lies(entry):
            return None
        return entry if changed_parts(entry.parts, parts) <= BEFORE_THE_TELLING else None

    def note(self, entry: Entry) -> None:
        """Note a report whose files are in place. Raises OutputError where that cannot be done."""
        lying = replace(entry, lay=lay_of(self._out, entry.files))
        with self._lock:
            self._entries[entry.key] = lying
            append_line(b"\n" + _line(lying), self._out / JOURNAL)  # after a cut line too

    def tidy(self, *, work: Path) -> None:
        """Write each report's last entry alone, in their order, where its files still lie so."""
        with self._lock:
            kept = [entry for _, entry in sorted(self._entries.items()) if self.lies(entry)]
            publish(b"".join(map(_line, kept)), self._out / JOURNAL, work=work)

    def lies(self, entry: Entry) -> bool:
        """Return whether the files of a report lie as they did when it was noted."""
        return lay_of(self._out, entry.files) == dict(entry.lay)


def lay_of(out: Path, files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return size and time of the last change of each file; one that is not there is left out."""
    found = {}
    for name in files:
        with suppress(OSError):
            stat = (out / name).stat()
            found[name] = (stat.st_size, stat.st_mtime_ns)
    return found


def _line(entry: Entry) -> bytes:
    return f"{json.dumps(asdict(entry), sort_keys=True)}\n".encode()


def _entries(path: Path) -> Iterator[Entry]:
    """Yield the entries of a journal; the last line of a killed run may be cut, and is passed."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"Unable to read '{path}': {error.strerror}.") from None
    for line in lines:
        with suppress(*DAMAGED):
            told = json.loads(line)
            lay = {str(name): (int(size), int(when)) for name, (size, when) in told["lay"].items()}
            short = told["in_short"] and CaseInShort.from_record(told["in_short"])
            yield Entry(**{**told, "lay": lay, "in_short": short})
