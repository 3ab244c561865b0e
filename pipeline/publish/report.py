"""Publishing floor. The main job: the reports of many cases side by side, and their record."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import OutputError
from pipeline.intake import Intake
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.case import CaseReports
from pipeline.publish.files import work_folder
from pipeline.publish.journal import Journal
from pipeline.publish.keys import Keys
from pipeline.publish.ledger import Ledger, Order
from pipeline.publish.pool import Pool, pool_of
from pipeline.publish.progress import NOT_MADE, Announce, Done
from pipeline.publish.record import write_record
from pipeline.publish.task import Outcome
from pipeline.read.case_input import case_input_bytes

Inputs = Iterable[tuple[CaseReports, bytes]]  # what is to be made, each with its input file
_Doing = dict[Future[Outcome], tuple[CaseReports, str]]


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: what was ordered, of what, where it works, and what became of each case so far."""

    order: Order
    intake: Intake
    read: Mapping[str, str | None]  # the files that were read, and their hashes
    work: Path
    journal: Journal
    brand: Brand = NO_BRAND
    cases: dict[str, CaseReports] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the cases that get reports."""
        return self.order.case_ids or self.intake.case_ids

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the cases that get none, as no row of theirs was accepted."""
        return () if self.order.case_ids else self.intake.cases_without_rows

    def inputs(self) -> Iterator[tuple[CaseReports, bytes]]:
        """Yield each case with its input; its rows are taken out only now, to hold few at once."""
        for case_id in self.asked:
            yield self._reports_of(case_id), case_input_bytes(self.intake.case(case_id))

    def withdraw_refused(self) -> None:
        """Remove what an earlier run made of cases that now get no report."""
        for case_id in self.refused:
            reports = self._reports_of(case_id)
            for language in self.order.languages:
                reports.withdraw_report(language)
            reports.withdraw_result()

    def ledger(self, *, ended: str = "") -> Ledger:
        """Return what became of every report; ``ended`` is the error that ended the run."""
        cases = [reports for _, reports in sorted(self.cases.items())]
        return Ledger(
            order=self.order,
            cases=self.asked,
            read=self.read,
            rows=self.intake.counts,
            without_rows=self.refused,
            made=tuple(made for reports in cases for made in reports.made),
            unchanged=sum(reports.unchanged for reports in cases),
            failures=tuple(failure for reports in cases for failure in reports.failures),
            in_short={one.case_id: one.in_short for one in cases if one.in_short},
            set_aside=self.intake.set_aside_by_case,
            ended=ended,
        )

    def _reports_of(self, case_id: str) -> CaseReports:
        reports = CaseReports(
            order=self.order,
            case_id=case_id,
            work=self.work,
            journal=self.journal,
            brand=self.brand,
        )
        self.cases[case_id] = reports
        return reports


def make_reports(
    order: Order,
    intake: Intake,
    *,
    read: Mapping[str, str | None],
    announce: Announce,
    brand: Brand = NO_BRAND,
) -> Ledger:
    """Make every report that was ordered, write the record, and return what became of each.

    A report appears whole or not at all; one that fails costs only itself, and takes its files of
    an earlier run with it; one that would be as it lies there already stays. ``read`` names the
    files that were read, with their hashes; ``announce`` is told of each case that is done.
    However the run ends, ``run.json`` and the run page are written where that is still possible.

    Raises NothingUsableError where an ordered case has no row, and OutputError where the output
    folder cannot be written to.
    """
    for case_id in order.case_ids:
        intake.case(case_id)  # a name that is not there is refused before any kernel starts
    with work_folder(order.out, "run") as work:
        journal = Journal(order.out, fresh=order.fresh)
        run = Run(order=order, intake=intake, read=read, work=work, journal=journal, brand=brand)
        try:
            run.withdraw_refused()
            make_all(order, run.inputs(), cases=len(run.asked), announce=announce, brand=brand)
        except BaseException as error:
            with suppress(OutputError):  # it may be what ended the run
                write_record(run.ledger(ended=type(error).__name__), work=work)
            raise
        ledger = run.ledger()
        write_record(ledger, work=work)
        journal.tidy(work=work)
    return ledger


def make_all(order: Order, inputs: Inputs, *, cases: int, announce: Announce, brand: Brand) -> None:
    """Make what was ordered of each input; what became of it is in its ``CaseReports``.

    Raises OutputError where the output folder cannot be written to.
    """
    keys, counted = Keys(order, brand=brand), _Counted(cases, announce)
    doing: _Doing = {}
    reports_in_all = cases * len(order.languages)
    with pool_of(jobs=order.jobs, reports=reports_in_all, cluster=order.cluster) as pool:
        for reports, content in inputs:
            for task in reports.tasks(content, keys):
                _make_room(pool, doing, counted)
                doing[pool.submit(task)] = (reports, task.language)
            if not reports.wanted:
                counted.tell(reports)
        while doing:
            _settle(doing, counted)


@dataclass(slots=True)
class _Counted:
    """Says of each case when it is done, and how many are."""

    cases: int
    announce: Announce
    done: int = 0

    def tell(self, reports: CaseReports) -> None:
        self.done += 1
        word = NOT_MADE if reports.failures else "made" if reports.is_new() else "unchanged"
        done = Done(number=self.done, cases=self.cases, case_id=reports.case_id, word=word)
        self.announce(done)


def _make_room(pool: Pool, doing: _Doing, counted: _Counted) -> None:
    while len(doing) >= pool.room:
        _settle(doing, counted)


def _settle(doing: _Doing, counted: _Counted) -> None:
    """Wait until something is done, and put it in its place."""
    done, _ = wait(doing, return_when=FIRST_COMPLETED)
    for future in done:
        reports, language = doing.pop(future)
        reports.settle(language, future.result())
        if not reports.wanted:
            counted.tell(reports)
