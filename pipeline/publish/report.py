"""Floor 8. The main job: the reports of many cases side by side, and the record of the run."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from threading import Event

from pipeline.intake import Intake
from pipeline.publish.case import CaseReports, make_case
from pipeline.publish.engine import kill_kernels
from pipeline.publish.files import as_json, publish, work_folder
from pipeline.publish.ledger import Ledger, Order

Announce = Callable[[str], None]


def make_reports(order: Order, intake: Intake, *, announce: Announce) -> Ledger:
    """Make every report that was ordered, write ``run.json``, and return what became of each.

    A report appears whole or not at all; one that fails costs only itself. ``announce`` gets a
    line for each case that is done. Raises NothingUsableError where an ordered case has no row,
    and OutputError where the output folder cannot be written to.
    """
    case_ids = order.case_ids or intake.case_ids
    for case_id in order.case_ids:
        intake.case(case_id)  # a name that is not there is refused before any kernel starts
    reports = _make_cases(order, intake, case_ids=case_ids, announce=announce)
    ledger = Ledger(
        order=order,
        rows=intake.counts,
        made=tuple(made for case_id in case_ids for made in reports[case_id].made),
        failures=tuple(failure for case_id in case_ids for failure in reports[case_id].failures),
    )
    with work_folder(order.out, "run") as work:
        publish(as_json(ledger.as_record()), order.out / "run.json", work=work)
    return ledger


def _make_cases(
    order: Order, intake: Intake, *, case_ids: tuple[str, ...], announce: Announce
) -> dict[str, CaseReports]:
    """Make the cases in threads, since the work is in the kernels, and return them by id.

    When the person at the keyboard stops the run, the kernels end and what is finished stays.
    """
    stop = Event()
    pool = ThreadPoolExecutor(max_workers=max(1, min(order.jobs, len(case_ids))))
    try:
        futures = {
            pool.submit(_make_one, order, intake, case_id, stop): case_id for case_id in case_ids
        }
        return dict(_finished(futures, announce))
    except BaseException:
        stop.set()
        kill_kernels()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _make_one(order: Order, intake: Intake, case_id: str, stop: Event) -> CaseReports:
    """Make the reports of one case; its rows are taken out only now, to hold few at a time."""
    return make_case(order, intake.case(case_id), stopped=stop.is_set)


def _finished(
    futures: Mapping[Future[CaseReports], str], announce: Announce
) -> Iterator[tuple[str, CaseReports]]:
    """Yield each case when it is done, and say so."""
    for number, future in enumerate(as_completed(futures), start=1):
        reports, case_id = future.result(), futures[future]
        word = "not made" if reports.failures else "made"
        announce(f"{number} of {len(futures)}: {case_id} {word}")
        yield case_id, reports
