"""Floor 8. Makes the reports of one case: run, lay out, print, and put in their place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ReadBackError, ReportError
from pipeline.model import CaseInput
from pipeline.publish.bare import INPUT_NAME, bare_notebook
from pipeline.publish.exporter import render_html
from pipeline.publish.files import as_json, publish, work_folder
from pipeline.publish.ledger import Failure, Made, Order
from pipeline.publish.notebook import REPORTS, Executed, NotebookError, run_notebook
from pipeline.publish.pdf import render_pdf
from pipeline.read.case_input import case_input_bytes

FAILED = ".failed"  # in the output folder: notebooks of reports that were not made


@dataclass(slots=True, kw_only=True)
class CaseReports:
    """The reports of one case, and the one result that all of them must end with."""

    order: Order
    case_id: str
    work: Path
    stopped: Callable[[], bool]  # whether the person at the keyboard ended the run
    made: list[Made] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    result: bytes | None = None

    def make(self, language: str, *, sha256: str) -> None:
        """Make the report in one language; one that fails is noted and costs only itself."""
        try:
            executed = self._run(language, sha256)
            self._agree(as_json(executed.case))
            self.made.append(self._publish(executed, language))
        except (ReportError, ReadBackError) as error:
            if not self.stopped():  # a kernel that we ended ourselves is no failure
                self.failures.append(self._failure(error, language))

    def _run(self, language: str, sha256: str) -> Executed:
        """Run the notebook on the input that lies in the work folder."""
        given = REPORTS[self.order.kind](case_input=str(self.work / INPUT_NAME), language=language)
        return run_notebook(self.order.kind, given, sha256=sha256, folder=self.work)

    def _agree(self, result: bytes) -> None:
        """Hold the result against that of the other reports of this case."""
        if self.result not in (None, result):
            raise ReadBackError("The reports of this case disagree about its result.")
        self.result = result

    def _publish(self, executed: Executed, language: str) -> Made:
        """Put every ordered file in its place; all are made before the first appears."""
        contents = dict(self._contents(executed, language))
        hashes = {
            name: publish(content, self.order.out / name, work=self.work)
            for name, content in contents.items()
        }
        return Made(case_id=self.case_id, language=language, files=hashes)

    def _contents(self, executed: Executed, language: str) -> Iterator[tuple[str, bytes]]:
        """Yield name and bytes of each ordered file of one report; the result comes last."""
        stem = f"{self.case_id}/{self.order.kind}.{language}"
        html = render_html(executed.notebook, kind=self.order.kind, language=language)
        if "html" in self.order.formats:
            yield f"{stem}.html", html.encode()
        if "pdf" in self.order.formats:
            yield f"{stem}.pdf", render_pdf(html)
        if "ipynb" in self.order.formats:
            yield f"{stem}.ipynb", bare_notebook(executed.notebook)
        if "json" in self.order.formats:
            yield f"{self.case_id}/case.json", as_json(executed.case)

    def _failure(self, error: ReportError | ReadBackError, language: str) -> Failure:
        """Return what is to be known of a report that was not made."""
        stopped = error if isinstance(error, NotebookError) else None
        return Failure(
            case_id=self.case_id,
            language=language,
            notebook=f"{self.order.kind}.ipynb",
            cell=stopped.cell if stopped else "",
            cause=str(error),
            partial=self._keep(stopped.partial, language) if stopped else "",
            exit_code=error.exit_code,
        )

    def _keep(self, partial: Path | None, language: str) -> str:
        """Put a notebook that did not reach its end aside, and return where."""
        if partial is None or not partial.exists():
            return ""
        name = f"{FAILED}/{self.case_id}/{self.order.kind}.{language}.ipynb"
        publish(partial.read_bytes(), self.order.out / name, work=self.work)
        return name


def make_case(order: Order, case: CaseInput, *, stopped: Callable[[], bool]) -> CaseReports:
    """Return the reports of a case in every ordered language; ``stopped`` ends it between two.

    Raises OutputError where the output folder cannot be written to.
    """
    with work_folder(order.out, case.case_id) as work:
        sha256 = publish(case_input_bytes(case), work / INPUT_NAME, work=work)
        reports = CaseReports(order=order, case_id=case.case_id, work=work, stopped=stopped)
        for language in order.languages:
            if not stopped():
                reports.make(language, sha256=sha256)
    return reports
