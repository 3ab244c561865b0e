"""Publishing floor. Shows on a terminal how far a long run is; elsewhere a line a case at most."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.intake import Step, Watch, unwatched

if TYPE_CHECKING:  # it is imported when there is a bar to show
    from rich.progress import Progress, ProgressColumn

NOT_MADE = "not made"
_FEW = 4  # cases: fewer are told by a line each, on a terminal too
_LONG = 500_000  # bytes: less is read before a bar could be seen
_TASKS = {"read": "Reading the files", "judge": "Judging the rows"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A case that is done: the how many-eth of how many, and what became of it in a word."""

    number: int
    cases: int
    case_id: str
    word: str  # made, unchanged, not made


Announce = Callable[[Done], None]


@contextmanager
def shown_cases(*, quiet: bool) -> Iterator[Announce]:
    """Give what is told of each case that is done.

    On a terminal it shows a bar with rate, remaining time and failures, which is gone afterwards;
    elsewhere a line a case on stderr; nothing where ``quiet``.
    """
    with ExitStack() as stack:
        bar = _CaseBar(stack)
        on_terminal = sys.stderr.isatty()

        def tell(done: Done) -> None:
            if on_terminal and done.cases >= _FEW and not quiet:
                bar.follow(done)
            elif not quiet:
                line = f"{done.number} of {done.cases}: {done.case_id} {done.word}"
                print(line, file=sys.stderr, flush=True)

        yield tell


class _CaseBar:
    """A bar of the cases of a run, which begins with the first that is done."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._progress: Progress | None = None
        self._failed = 0

    def follow(self, done: Done) -> None:
        """Show how far the run is."""
        if self._progress is None:
            self._progress = self._stack.enter_context(_case_progress())
            self._progress.add_task("", total=done.cases, rate="", failed="")
        self._failed += done.word == NOT_MADE
        task = self._progress.tasks[0]
        rate = f"{done.number / task.elapsed:.1f}/s" if task.elapsed else ""
        failed = f"[bold]{self._failed} {NOT_MADE}[/bold]" if self._failed else ""
        self._progress.update(task.id, completed=done.number, rate=rate, failed=failed)


def _case_progress() -> "Progress":
    """Return a bar of cases on stderr that leaves no line behind."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    rate, failed = TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[failed]}")
    return _bar_of(BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn(), failed)


@contextmanager
def shown_progress(*, quiet: bool) -> Iterator[Watch]:
    """Give what is told of each step of the taking in, and shows a bar on stderr where it is long.

    The bar is gone afterwards, whatever happens. Without a terminal there is none, nor where
    ``quiet``; with NO_COLOR it has no colour.
    """
    with ExitStack() as stack:
        bar = None if quiet or not sys.stderr.isatty() else _Bar(stack)
        yield bar.follow if bar else unwatched


class _Bar:
    """A bar that begins at the first step of long files, one task after another.

    A task has no length, and its bar just moves, until it is known how much of it is done: the
    rows are judged in one call.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._progress: Progress | None = None
        self._task = ""

    def follow(self, step: Step) -> None:
        """Show a step."""
        if self._progress is None:
            if step.total < _LONG or step.task != "read":
                return
            self._progress = self._stack.enter_context(_progress())
        if self._task != step.task:
            self._begin(self._progress, step.task)
        if step.done:
            task = self._progress.task_ids[0]
            self._progress.update(task, total=step.total, completed=step.done)

    def _begin(self, progress: "Progress", task: str) -> None:
        """Put a task in place of the one before."""
        for earlier in progress.task_ids:
            progress.remove_task(earlier)
        progress.add_task(_TASKS[task], total=None)
        self._task = task


def _progress() -> "Progress":
    """Return a bar of tasks on stderr that leaves no line behind."""
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}")
    return _bar_of(SpinnerColumn(), text, BarColumn(), TimeElapsedColumn())


def _bar_of(*columns: "ProgressColumn") -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    disable = not console.is_terminal or console.is_dumb_terminal
    return Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=disable
    )
