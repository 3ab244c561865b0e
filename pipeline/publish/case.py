"""Publishing floor. Makes the reports of one case or one review: run, lay out, print, place."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import nbformat
from nbformat.reader import NotJSONError

from pipeline.errors import OutputError, PipelineError, ReadBackError, ReportError
from pipeline.language import Language
from pipeline.model import CaseInput
from pipeline.publish.bare import INPUT_NAME, bare_notebook
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.exporter import render_html
from pipeline.publish.files import as_json, publish, withdraw
from pipeline.publish.in_short import CaseInShort, case_in_short
from pipeline.publish.journal import Entry, Journal, Key
from pipeline.publish.keys import Keys, Parts, told_hash
from pipeline.publish.ledger import Failure, Made, Order
from pipeline.publish.notebook import (
    CaseParameters,
    Executed,
    NotebookError,
    Parameters,
    ReviewParameters,
    run_notebook,
)
from pipeline.publish.pdf import render_archive, render_pdf
from pipeline.read.case_input import case_input_bytes

FAILED = ".failed"  # in the output folder: notebooks of reports that were not made
_OF_A_REPORT = ("html", "pdf", "ipynb")  # case.json is of all reports of a case


@dataclass(slots=True, kw_only=True)
class CaseReports:
    """The reports of one case, and the one result that all of them must end with.

    A review of many is such a case too: its ``case_id`` is its period.
    """

    order: Order
    case_id: str
    work: Path  # a folder of this case alone
    home: Path  # where kernels get their folders
    stopped: Callable[[], bool]  # whether the run is being ended
    journal: Journal
    brand: Brand = NO_BRAND
    made: list[Made] = field(default_factory=list)
    unchanged: int = 0  # of those made: as they lay there already
    failures: list[Failure] = field(default_factory=list)
    result: str = ""  # the hash of case.json
    in_short: CaseInShort | None = None  # of the first result; of a review there is none

    def is_new(self) -> bool:
        """Return whether any report was made now."""
        return len(self.made) > self.unchanged

    def take_unchanged(self, language: str, parts: Parts) -> bool:
        """Take a report as it lies there, where it was made from just these parts.

        Where only some are asked for, any other is taken as it lies there, if it does.
        """
        key = self._key(language)
        left_alone = self.order.only is not None and key[1:] not in self.order.only
        before = self.journal.before(key) if left_alone else self.journal.unchanged(key, parts)
        fits = before is not None and self.result in ("", before.result)
        if before is not None and fits and self.journal.lies(before):
            self._take(before)
            return True
        return left_alone

    def make(self, language: str, *, sha256: str, parts: Parts) -> None:
        """Make the report in one language; one that fails is noted and costs only itself.

        Raises OutputError where the output folder cannot be written to.
        """
        try:
            executed = self._run(language, sha256)
            named = "ipynb" in self.order.formats
            told = told_hash(executed.notebook, sha256=sha256, named=named)
            entry = self.journal.same_told(self._key(language), parts, told)
            if entry is None:
                self._make(executed, language, parts=parts, told=told)
            else:
                self._take(replace(entry, parts=parts))
            withdraw(self.order.out / self._partial_name(language))
        except OutputError:
            raise
        except Exception as error:
            if not self.stopped():  # a kernel that we ended ourselves is no failure
                self.fail(_told(error), language)

    def _make(self, executed: Executed, language: str, *, parts: Parts, told: str) -> None:
        """Publish a report, and note what it was made from."""
        made = self._publish(executed, language)
        self.made.append(made)
        kind, case_id, _ = self._key(language)
        entry = Entry(
            kind=kind,
            case_id=case_id,
            language=language,
            parts=parts,
            result=self.result,
            told=told,
            files=made.files,
            in_short=self.in_short,
        )
        self.journal.note(entry)

    def _take(self, entry: Entry) -> None:
        """Take a report as it lies there; it may be noted anew what it would be made from."""
        self._agree(entry.result)
        self.in_short = entry.in_short
        self.made.append(entry.as_made())
        self.unchanged += 1
        if entry != self.journal.before(entry.key):
            self.journal.note(entry)

    def fail(self, error: PipelineError, language: str) -> None:
        """Note a report that was not made, and remove its files of an earlier run."""
        self.failures.append(self._failure(error, language))
        self.withdraw_report(language)

    def withdraw_report(self, language: str) -> None:
        """Remove the files of a report that an earlier run made, of the ordered formats."""
        for ending in set(self.order.formats).intersection(_OF_A_REPORT):
            withdraw(self.order.out / f"{self._stem(language)}.{ending}")

    def withdraw_result(self) -> None:
        """Remove the result of an earlier run, where no report of this one ended with any."""
        if not self.made and "json" in self.order.formats:
            withdraw(self.order.out / self._result_name())

    def _run(self, language: str, sha256: str) -> Executed:
        """Run the notebook on the input that lies in the work folder."""
        path = str(self.work / INPUT_NAME)
        given: Parameters = CaseParameters(case_input=path, language=language)
        if self.order.is_review:
            given = ReviewParameters(review_input=path, language=language)
        return run_notebook(self.order.kind, given, sha256=sha256, folder=self.work, home=self.home)

    def _publish(self, executed: Executed, language: str) -> Made:
        """Put every ordered file in its place; all are made before the first appears."""
        result = as_json(executed.case)
        self._agree(sha256(result).hexdigest())
        if not self.order.is_review:  # also where the lay-out fails: its flags must be seen
            self.in_short = case_in_short(executed.case)
        contents = dict(self._contents(executed, language, result))
        if "json" in self.order.formats:
            contents[self._result_name()] = result
        hashes = {
            name: publish(content, self.order.out / name, work=self.work)
            for name, content in contents.items()
        }
        return Made(case_id=self.case_id, language=language, files=hashes)

    def _agree(self, result: str) -> None:
        """Hold the result against that of the other reports of this case."""
        if self.result not in ("", result):
            raise ReadBackError("The reports of this case disagree about its result.")
        self.result = result

    def _contents(
        self, executed: Executed, language: str, result: bytes
    ) -> Iterator[tuple[str, bytes]]:
        """Yield name and bytes of each ordered file of one report, except the result itself."""
        stem, formats = self._stem(language), self.order.formats
        if "html" in formats or "pdf" in formats:
            html = render_html(
                executed.notebook, kind=self.order.kind, language=language, brand=self.brand
            )
        if "html" in formats:
            yield f"{stem}.html", html.encode()
        if "pdf" in formats:
            yield f"{stem}.pdf", self._pdf(html, result, language)
        if "ipynb" in formats:
            yield f"{stem}.ipynb", bare_notebook(executed.notebook)

    def _pdf(self, html: str, result: bytes, language: str) -> bytes:
        """Return the page as the PDF that was ordered; one for the archive holds the result."""
        if self.order.pdf == "ua":
            return render_pdf(html)
        about = Language.load(language).text("page.document.attached")
        return render_archive(html, result, as_of=self.order.as_of, about=about)

    def _failure(self, error: PipelineError, language: str) -> Failure:
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
        """Put a notebook that did not reach its end aside, stripped, and return where."""
        if partial is None:
            return ""
        name = self._partial_name(language)
        with suppress(FileNotFoundError, NotJSONError):
            content = bare_notebook(nbformat.read(partial, as_version=4))
            publish(content, self.order.out / name, work=self.work)
            return name
        return ""

    def _key(self, language: str) -> Key:
        return self.order.kind, self.case_id, language

    def _stem(self, language: str) -> str:
        """Return the name of a report's files below the output folder, without their ending."""
        return f"{self._folder()}{self.order.kind}.{language}"

    def _result_name(self) -> str:
        """Return the name of the result below the output folder."""
        return "cohort.json" if self.order.is_review else f"{self.case_id}/case.json"

    def _folder(self) -> str:
        """Return what the names of a case's files begin with; those of a review stand alone."""
        return "" if self.order.is_review else f"{self.case_id}/"

    def _partial_name(self, language: str) -> str:
        return f"{FAILED}/{self._stem(language)}.ipynb"


def make_case(reports: CaseReports, case: CaseInput, keys: Keys) -> None:
    """Make the reports of a case in every ordered language; what became of them is in ``reports``.

    Raises OutputError where the output folder cannot be written to.
    """
    make_all(reports, case_input_bytes(case), keys)


def make_all(reports: CaseReports, content: bytes, keys: Keys) -> None:
    """Make the reports of what an input file holds, in every ordered language.

    One that was made from just the same stays as it is. Raises OutputError where the output folder
    cannot be written to.
    """
    wanted = {language: keys.parts(content, language) for language in reports.order.languages}
    changed = {name: one for name, one in wanted.items() if not reports.take_unchanged(name, one)}
    if not changed:
        return
    sha256 = publish(content, reports.work / INPUT_NAME, work=reports.work)
    for language, parts in changed.items():
        if not reports.stopped():
            reports.make(language, sha256=sha256, parts=parts)
    if reports.failures:
        reports.withdraw_result()
    rmtree(reports.work, ignore_errors=True)


def _told(error: Exception) -> PipelineError:
    """Return an error that may be told; of a foreign one the class: its text may quote values."""
    if isinstance(error, PipelineError):
        return error
    return ReportError(f"The report stopped with {type(error).__name__}.")
