"""Publishing floor. What the folder tells of the run before, and how this one differs from it.

A finding is a row set aside for one reason. It is the same finding where the cells of the row are,
whatever its line. The cells are those of the last quarantine.csv; what else must be known is kept
in the page that stood beside it: counts, words and line numbers, never a value or a file's name.
"""

import datetime as dt
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import OutputError, PipelineError
from pipeline.intake import Intake
from pipeline.publish.files import DAMAGED
from pipeline.read.quarantine import quarantine_of
from pipeline.read.text_file import read_text

QUARANTINE, PAGE = "quarantine.csv", "validation.html"
_KEPT = re.compile(r'<meta name="casereport-run" content="([^"]*)">')
_CELLS = ["case_id", "sample_id", "collected_at", "analyte", "value", "unit"]
_FEW_LINES = 20  # of one reason in one file; the rest is counted
_COUNTS = ("read", "accepted", "set_aside", "no_result")
_OTHER_FILE = 0  # the number of a file that is none of this run's, or that cannot be told apart

Places = Mapping[str, Mapping[int, Sequence[str]]]  # reason -> number of the file -> lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the findings of a run differ from those of the run before it."""

    as_of: str  # of the run before
    counts: Mapping[str, int]  # of the run before: read, accepted, set_aside, no_result
    new: Mapping[str, int]  # by reason
    persisting: Mapping[str, int]
    resolved: Mapping[str, int]
    new_at: Places
    resolved_at: Places  # lines of the run before


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a page keeps of its run for the next: its counts, and what it said of the one before."""

    as_of: str
    counts: Mapping[str, int]
    comparison: Comparison | None
    unreadable: bool = False  # there was a page or a quarantine, but it could not be understood

    def as_text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Findings:
    """The findings of one run: for each reason and row of cells, where it stands."""

    at: Mapping[tuple[str, ...], Sequence[tuple[int, str]]] = field(default_factory=dict)

    def counted(self) -> Counter[tuple[str, ...]]:
        return Counter({finding: len(places) for finding, places in self.at.items()})


def require_no_corrections(out: Path) -> None:
    """Raise OutputError where the quarantine in ``out`` holds corrections, which are a person's."""
    if not (out / QUARANTINE).is_file():
        return
    try:
        rows = _quarantine(out)
    except PipelineError:
        return  # a file that is no quarantine, or a damaged one, holds none to be used
    if (rows["correction"].str.strip() != "").any():
        raise OutputError(
            f"'{QUARANTINE}' in '{out.name}' holds corrections, which this run would write over:"
            " move it elsewhere and give it as an INPUT from there."
        )


def kept_of(intake: Intake, out: Path) -> Kept:
    """Return what to keep of this run, compared with the one whose files stand in ``out``.

    Where this run found just what the last one did, the comparison is the one that was shown then:
    the same command says the same a second time. It does so too where the last one was killed
    between the page and the quarantine, which is still that of the run before it, or not there yet.
    """
    as_of, counts = intake.as_of.isoformat(), {name: intake.counts[name] for name in _COUNTS}
    now = _findings(intake.set_aside, intake.set_aside["source"])
    if not ((out / PAGE).exists() or (out / QUARANTINE).exists()):
        return Kept(as_of=as_of, counts=counts, comparison=None)
    unreadable = Kept(as_of=as_of, counts=counts, comparison=None, unreadable=True)
    try:
        last = _kept(out / PAGE)
    except DAMAGED:
        return unreadable
    as_now = (last.as_of, last.counts) == (as_of, counts)
    try:
        rows = _quarantine(out)
    except (PipelineError, *DAMAGED):
        alone = last.unreadable or not (out / QUARANTINE).exists()
        return last if as_now and alone and last.comparison is None else unreadable
    then = _findings(rows, rows["file"].map(_numbers_of(intake.files)).fillna(_OTHER_FILE))
    if as_now and (now.counted() == then.counted() or _is_ahead(last, then, now)):
        return last
    return Kept(as_of=as_of, counts=counts, comparison=_compared(last, then, now))


def _is_ahead(last: Kept, then: _Findings, now: _Findings) -> bool:
    """Return whether a page is already of this run, beside the quarantine of the one before."""
    shown = last.comparison
    return shown is not None and shown == _compared(shown, then, now)


def _quarantine(out: Path) -> pd.DataFrame:
    return quarantine_of(read_text(out / QUARANTINE), name=QUARANTINE)


def _kept(page: Path) -> Kept:
    """Return what a page keeps; raises where it is not ours, or damaged."""
    found = _KEPT.search(page.read_text("utf-8"))
    if found is None:
        raise ValueError
    told = json.loads(unescape(found[1]))
    comparison = told["comparison"]
    return Kept(
        as_of=_day(told["as_of"]),
        counts=_counts(told["counts"]),
        comparison=None if comparison is None else _comparison(comparison),
        unreadable=told["unreadable"] is True,
    )


def _comparison(told: Mapping[str, Any]) -> Comparison:
    return Comparison(
        as_of=_day(told["as_of"]),
        counts=_counts(told["counts"]),
        new=_numbers(told["new"]),
        persisting=_numbers(told["persisting"]),
        resolved=_numbers(told["resolved"]),
        new_at=_places(told["new_at"]),
        resolved_at=_places(told["resolved_at"]),
    )


def _day(told: str) -> str:
    return dt.date.fromisoformat(told).isoformat()


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(told[name]) for name in _COUNTS}


def _numbers(told: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(number) for name, number in told.items()}


def _places(told: Mapping[str, Any]) -> Places:
    return {
        str(reason): {int(file): [_line(line) for line in lines] for file, lines in files.items()}
        for reason, files in told.items()
    }


def _line(told: str) -> str:
    return f"+{int(told)}" if told.startswith("+") else told


def _numbers_of(files: Sequence[str]) -> dict[str, int]:
    """Return the number of each file whose name no other has: of two, nobody can say which."""
    once = Counter(files)
    return {file: number for number, file in enumerate(files, start=1) if once[file] == 1}


def _findings(rows: pd.DataFrame, files: pd.Series) -> _Findings:
    """Return the findings of rows of a quarantine; ``files`` are the numbers of their files."""
    at: defaultdict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    lines = rows["row"].str.rpartition(":")[2] if len(rows) else rows["row"]
    cells = rows[_CELLS].astype(str).itertuples(index=False, name=None)
    for reasons, own, file, line in zip(
        rows["reasons"], cells, files.astype(int), lines, strict=True
    ):
        for reason in str(reasons).split(";"):
            at[reason, *own].append((file, line))
    return _Findings(at)


def _compared(last: Kept | Comparison, then: _Findings, now: _Findings) -> Comparison:
    before, after = then.counted(), now.counted()
    new, resolved = after - before, before - after
    return Comparison(
        as_of=last.as_of,
        counts=last.counts,
        new=_by_reason(new),
        persisting=_by_reason(before & after),
        resolved=_by_reason(resolved),
        new_at=_places_of(new, now),
        resolved_at=_places_of(resolved, then),
    )


def _by_reason(findings: Counter[tuple[str, ...]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for (reason, *_), count in findings.items():
        counts[reason] += count
    return dict(sorted(counts.items()))


def _places_of(findings: Counter[tuple[str, ...]], where: _Findings) -> Places:
    """Return where findings stand: of one that stands there more often than counts, the last."""
    found: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for finding, count in findings.items():
        for file, line in where.at[finding][-count:]:
            found[finding[0]][file].append(line)
    return {
        reason: {file: few_lines(_in_order(lines)) for file, lines in sorted(files.items())}
        for reason, files in sorted(found.items())
    }


def _in_order(lines: Iterable[str]) -> list[str]:
    return sorted(lines, key=lambda line: (len(line), line))


def few_lines(lines: Sequence[str]) -> list[str]:
    """Return the first lines and, where there are more, "+" and how many more."""
    more = len(lines) - _FEW_LINES
    return [*lines[:_FEW_LINES], *([f"+{more}"] if more > 0 else [])]
