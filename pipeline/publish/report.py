"""Publishing floor. The main job: the reports of many cases side by side, and their record."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from pipeline.errors import OutputError
from pipeline.intake import Intake
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.case import CaseReports, make_case
from pipeline.publish.files import work_folder
from pipeline.publish.journal import Journal
from pipeline.publish.kernels.manager import kernel_home, kill_kernels
from pipeline.publish.keys import Keys
from pipeline.publish.ledger import Ledger, Order
from pipeline.publish.record import write_record

Announce = Callable[[str], None]
_PATIENCE = 0.5  # seconds between two looks at who still works


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: what was ordered, of what, where it works, and what became of each case so far."""

    order: Order
    intake: Intake
    read: Mapping[str, str | None]  # the files that were read, and their hashes
    work: Path
    home: Path
    keys: Keys
    journal: Journal
    brand: Brand = NO_BRAND
    stop: Event = field(default_factory=Event)
    cases: dict[str, CaseReports] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the cases that get reports."""
        return self.order.case_ids or self.intake.case_ids

    @property
    def refused(self) -> tuple[str, ...]:
        """Return the cases that get none, as no row of theirs was accepted."""
        return () if self.order.case_ids else self.intake.cases_without_rows

    def make(self, case_id: str) -> CaseReports:
        """Make the reports of one case; its rows are taken out only now, to hold few at a time."""
        reports = self._reports_of(case_id)
        make_case(reports, self.intake.case(case_id), self.keys)
        return reports

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
            work=self.work / case_id,
            home=self.home,
            stopped=self.stop.is_set,
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
    files that were read, with their hashes; ``announce`` gets a line for each case that is done.
    However the run ends, ``run.json`` and the run page are written where that is still possible.

    Raises NothingUsableError where an ordered case has no row, and OutputError where the output
    folder cannot be written to.
    """
    for case_id in order.case_ids:
        intake.case(case_id)  # a name that is not there is refused before any kernel starts
    reports = len(order.languages) * len(order.case_ids or intake.case_ids)
    with work_folder(order.out, "run") as work, kernel_home(reports=reports) as home:
        run = Run(
            order=order,
            intake=intake,
            read=read,
            work=work,
            home=home,
            keys=Keys(order, brand=brand),
            journal=Journal(order.out, fresh=order.fresh),
            brand=brand,
        )
        try:
            _make_all(run, announce)
        except BaseException as error:
            with suppress(OutputError):  # it may be what ended the run
                write_record(run.ledger(ended=type(error).__name__), work=work)
            raise
        ledger = run.ledger()
        write_record(ledger, work=work)
        run.journal.tidy(work=work)
    return ledger


def _make_all(run: Run, announce: Announce) -> None:
    """Make the cases in threads, since the work is in the kernels.

    When the run is stopped, the kernels end and what is finished stays.
    """
    run.withdraw_refused()
    pool = ThreadPoolExecutor(max_workers=max(1, min(run.order.jobs, len(run.asked))))
    futures = [pool.submit(run.make, case_id) for case_id in run.asked]
    try:
        _announce_each(futures, announce)
    except BaseException:
        run.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        _end_kernels(futures)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _announce_each(futures: list[Future[CaseReports]], announce: Announce) -> None:
    """Say of each case when it is done."""
    for number, future in enumerate(as_completed(futures), start=1):
        reports = future.result()
        word = "not made" if reports.failures else "made" if reports.is_new() else "unchanged"
        announce(f"{number} of {len(futures)}: {reports.case_id} {word}")


def _end_kernels(futures: list[Future[CaseReports]]) -> None:
    """End the kernels until nobody works: one may just have been starting."""
    while working := [future for future in futures if future.running()]:
        kill_kernels()
        wait(working, timeout=_PATIENCE)
