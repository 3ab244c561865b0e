"""Publishing floor. Shows on a terminal how far a long reading is, and nothing anywhere else."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from pipeline.intake import Step, Watch, unwatched

if TYPE_CHECKING:  # it is imported when there is a bar to show
    from rich.progress import Progress

_LONG = 500_000  # bytes: less is read before a bar could be seen
_TASKS = {"read": "Reading the files", "judge": "Judging the rows"}


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
    """Return a bar on stderr that leaves no line behind."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    disable = not console.is_terminal or console.is_dumb_terminal
    return Progress(
        *columns, console=console, transient=True, redirect_stdout=False, disable=disable
    )
