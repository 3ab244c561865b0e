"""Floor 8. What a run made and what it could not make: ``run.json`` and the summary."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from pipeline import __version__

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
    people: Path | None = None
    jobs: int = 1

    def again(self, failure: "Failure") -> str:
        """Return the command that makes just one failed report again."""
        words = ["casereport", "report", self.kind, *map(str, self.inputs)]
        words += ["--case", failure.case_id, "--language", failure.language]
        words += ["--format", ",".join(self.formats), "--out", str(self.out)]
        words += ["--as-of", self.as_of.isoformat()]
        words += ["--people", str(self.people)] if self.people else []
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
    rows: Mapping[str, int]  # accepted, set_aside
    made: tuple[Made, ...]
    failures: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 where all is well, else the code of the gravest failure."""
        return max((failure.exit_code for failure in self.failures), default=0)

    def as_record(self) -> dict[str, object]:
        """Return ``run.json``: enough to see what was made from what, and to make it again."""
        return {
            "schema": "casereport/run/1",
            "kind": self.order.kind,
            "as_of": self.order.as_of.isoformat(),
            "inputs": [_described(path) for path in files_of(self.order.inputs)],
            "rows": dict(self.rows),
            "versions": versions(),
            "reports": [asdict(made) for made in self.made],
            "failures": [
                asdict(failure) | {"command": self.order.again(failure)}
                for failure in self.failures
            ],
        }

    def summary(self) -> str:
        """Return the last lines of a run: what there is, where it is, what is missing and why."""
        return "\n".join([*self._rows(), *self._written(), *self._missing()])

    def _rows(self) -> Iterator[str]:
        accepted, aside = self.rows["accepted"], self.rows["set_aside"]
        yield f"{_count(accepted, 'row')} accepted, {aside} set aside:"
        yield f"  {self.order.out / 'validation.html'}"
        yield f"  {self.order.out / 'quarantine.csv'}"

    def _written(self) -> Iterator[str]:
        yield f"{_count(len(self.made), 'report')} made in {self.order.out}:"
        for name in sorted({name for made in self.made for name in made.files}):
            yield f"  {self.order.out / name}"

    def _missing(self) -> Iterator[str]:
        if self.failures:
            yield f"{_count(len(self.failures), 'report')} not made:"
        for failure in self.failures:
            cell = f", cell '{failure.cell}'" if failure.cell else ""
            where = f"{failure.case_id} ({failure.language}), {failure.notebook}{cell}"
            yield f"  {where}: {failure.cause}"
            if failure.partial:
                yield f"    as far as it came: {self.order.out / failure.partial}"
            yield f"    again: {self.order.again(failure)}"


def files_of(inputs: tuple[Path, ...]) -> list[Path]:
    """Return the files that were given: of a folder those directly in it."""
    found = [path for given in inputs for path in ([given] if given.is_file() else given.iterdir())]
    return sorted(path for path in found if path.is_file())


def versions() -> dict[str, str]:
    """Return the versions of what makes a report look as it does."""
    packages = {name: version(name) for name in _TOLD_PACKAGES}
    return packages | {"casereport": __version__, "python": platform.python_version()}


def _described(path: Path) -> dict[str, str]:
    """Return the address and the hash of an input."""
    return {"file": str(path), "sha256": sha256(path.read_bytes()).hexdigest()}


def _count(number: int, noun: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
