"""Publishing floor. What a run made and what it could not make: ``run.json`` and the summary."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pipeline import __version__
from pipeline.errors import ReportError
from pipeline.publish.in_short import CaseInShort

RECORD = "run.json"
_TOLD_PACKAGES = (
    "great-expectations",
    "matplotlib",
    "nbconvert",
    "pandas",
    "papermill",
    "seaborn",
    "weasyprint",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for: which reports, of what, made when, and where they go."""

    kind: str
    inputs: tuple[Path, ...]
    out: Path
    as_of: date
    case_ids: tuple[str, ...] = ()  # none: every case
    languages: tuple[str, ...] = ("nl",)
    formats: tuple[str, ...] = ("html", "pdf", "json")
    pdf: Literal["ua", "a3"] = "ua"  # for the screen reader, or for the archive
    people: Path | None = None
    rules: Path | None = None  # the practice's own targets
    mapping: Path | None = None
    suite: Path | None = None  # the practice's own expectations
    brand: Path | None = None  # the practice's name, logo and colours
    reference: Path | None = None  # a population to hold a review beside
    store: Path | None = None  # where the rows come from, in place of inputs
    period: str = ""  # of a review of many
    limit: int = 0  # below which a review tells no count of people
    jobs: int = 1
    cluster: str = ""  # the address of a scheduler; "" for this machine
    fresh: bool = False  # what was made before does not count
    only: frozenset[tuple[str, str]] | None = None  # of these cases and languages; None: of all

    @property
    def is_review(self) -> bool:
        """Return whether it is of many at once, and of nobody."""
        return bool(self.period)

    def again(self, failure: "Failure") -> str:
        """Return the command that makes just one failed report again."""
        words = ["casereport", "report", self.kind, *map(_as_argument, self.inputs)]
        words += (
            [f"--period={self.period}", f"--limit={self.limit}"]
            if self.is_review
            else [f"--case={failure.case_id}"]
        )
        words += [f"--language={failure.language}"]
        words += [f"--format={','.join(self.formats)}", f"--out={self.out}"]
        words += [f"--as-of={self.as_of.isoformat()}"]
        words += [] if self.pdf == "ua" else [f"--pdf={self.pdf}"]
        names = ("people", "rules", "mapping", "suite", "brand", "reference", "store")
        files = {name: getattr(self, name) for name in names}
        words += [f"--{name}={file}" for name, file in files.items() if file]
        words += [f"--cluster={self.cluster}"] if self.cluster else []
        return shlex.join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One report that was made: its files below the output folder, and their hashes."""

    case_id: str
    language: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One report that was not made: where its notebook stopped, and why."""

    case_id: str
    language: str
    notebook: str
    cell: str
    cause: str
    partial: str  # the notebook as far as it came, below the output folder
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All reports of one run, made and not made, in the order of the cases."""

    order: Order
    cases: tuple[str, ...]
    read: Mapping[str, str | None]  # each file that was read, and the hash of what was in it
    rows: Mapping[str, int]  # read, accepted, set_aside
    made: tuple[Made, ...]
    failures: tuple[Failure, ...]
    unchanged: int = 0  # of those made: as an earlier run had left them
    without_rows: tuple[str, ...] = ()  # cases of which no row was accepted: no report either
    in_short: Mapping[str, CaseInShort] = field(default_factory=dict)  # of each case with a result
    set_aside: Mapping[str, int] = field(default_factory=dict)  # rows of each case
    ended: str = ""  # the error that ended the run before its end

    @property
    def exit_code(self) -> int:
        """Return 0 where all is well, else the code of the gravest failure."""
        codes = [failure.exit_code for failure in self.failures]
        codes += [ReportError.exit_code] * bool(self.without_rows)
        return max(codes, default=0)

    def as_record(self) -> dict[str, object]:
        """Return ``run.json``: enough to see what was made from what, and to make it again."""
        order = self.order
        return {
            "schema": "casereport/run/1",
            "kind": order.kind,
            "as_of": order.as_of.isoformat(),
            "inputs": [{"file": file, "sha256": hash} for file, hash in self.read.items()],
            "people": str(order.people) if order.people else None,
            "store": str(order.store) if order.store else None,
            "period": order.period or None,
            "rules": self._hashed(order.rules),
            "reference": self._hashed(order.reference),
            "cases": list(self.cases),
            "languages": list(order.languages),
            "formats": list(order.formats),
            "pdf": order.pdf,
            "rows": dict(self.rows),
            "without_rows": list(self.without_rows),
            "versions": versions(),
            "reports": [asdict(made) for made in self.made],
            "failures": [
                asdict(failure) | {"command": order.again(failure)} for failure in self.failures
            ],
            "ended": self.ended or None,
        }

    def _hashed(self, path: Path | None) -> dict[str, str | None] | None:
        """Return a file that was read besides and its hash; None where there is none."""
        return None if path is None else {"file": str(path), "sha256": self.read.get(str(path))}

    def summary(self) -> str:
        """Return the last lines of a run: what there is, where it is, what is missing and why."""
        page = f"All of it, what was not made first: {self.order.out / 'index.html'}"
        return "\n".join([*self._rows(), *self._written(), *self._missing(), page])

    def _rows(self) -> Iterator[str]:
        accepted, aside = self.rows["accepted"], self.rows["set_aside"]
        if self.order.is_review:  # which rows, the run that took them in has said
            yield f"Of a store with {_count(accepted, 'row')} accepted and {aside} set aside."
            return
        yield f"{_count(accepted, 'row')} accepted, {aside} set aside:"
        yield f"  {self.order.out / 'validation.html'}"
        yield f"  {self.order.out / 'quarantine.csv'}"

    def _written(self) -> Iterator[str]:
        made = f"{_count(len(self.made) - self.unchanged, 'report')} made"
        kept = f", {self.unchanged} unchanged," if self.unchanged else ""
        yield f"{made}{kept} in {self.order.out}:"
        for name in sorted({name for made in self.made for name in made.files}):
            yield f"  {self.order.out / name}"

    def _missing(self) -> Iterator[str]:
        if self.without_rows:
            yield f"No row accepted, so no report: {', '.join(self.without_rows)}"
        if self.failures:
            yield f"{_count(len(self.failures), 'report')} not made:"
        for failure in self.failures:
            cell = f", cell '{failure.cell}'" if failure.cell else ""
            where = f"{failure.case_id} ({failure.language}), {failure.notebook}{cell}"
            yield f"  {where}: {failure.cause}"
            if failure.partial:
                yield f"    as far as it came: {self.order.out / failure.partial}"
            yield f"    again: {self.order.again(failure)}"


def versions() -> dict[str, str]:
    """Return the versions of what makes a report look as it does."""
    packages = {name: version(name) for name in _TOLD_PACKAGES}
    return packages | {"casereport": __version__, "python": platform.python_version()}


def _as_argument(path: Path) -> str:
    """Return a path as an argument, which no parser takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _count(number: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
