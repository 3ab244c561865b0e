"""Times what people wait for: a report and its pages, a check, reading, judging.

The reports of many: ``bench_reports.py``.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from math import log
from pathlib import Path
from statistics import median

from measuring import ROOT, measured
from openpyxl import Workbook
from pypdfium2 import PdfDocument

SAMPLE = ROOT / "samples" / "seed_case"
PEOPLE = 1_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESULTS, OBSERVATIONS = 1_000_000, 10_000
_NAMES = ("case_id", "sample_id", "collected_at", "analyte", "value", "unit")
_READ_HEADS = "{:12} {:>9} {:>7} {:>9} {:>6}  | {:>8} {:>6} {:>6}"
_READ_CELLS = "{:12} {:9,} {:7.1f} {:9,.0f} {:6.2f}  | {:8.1f} {:6.2f} {:6.1f}"
_HEADS = "{:>10} {:>8} {:>10} {:>9} {:>6}  | {:>8} {:>6} {:>6}"
_CELLS = "{:10,} {:8.2f} {:10.1f} {:>9} {:6.2f}  | {:8.2f} {:6.2f} {:6.1f}"


def timed(what: str, *arguments: str) -> None:
    """Run ``casereport`` once, and print how long it took [s]."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "pipeline", *arguments, "--as-of", "2025-10-01", "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    print(f"{time.perf_counter() - start:7.1f} s  {what}")


def write_lab_table(path: Path, *, people: int) -> int:
    """Write the sample's rows once for each of ``people`` made ids; return how many that is."""
    with (SAMPLE / "lab.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, fieldnames=["case_id", *rows[0]], extrasaction="ignore")
        writer.writeheader()
        for person in range(people):
            writer.writerows(row | {"case_id": f"person_{person}"} for row in rows)
    return people * len(rows)


def time_commands() -> None:
    """Time a report and a check, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "lab.csv"
        rows = write_lab_table(table, people=PEOPLE)
        timed(
            "case study of the built-in case", "report", "case_study", str(SAMPLE), "--out", folder
        )
        timed(f"check of {rows:,} rows of {PEOPLE:,} people", "check", str(table), "--out", folder)


# The layout of pages.


def time_layout() -> None:
    """Print the seconds of one core to lay out a client's report of few pages, once warm."""
    with tempfile.TemporaryDirectory() as folder:
        person = Path(folder) / "somebody"
        person.mkdir()
        about = (
            'case_id = "somebody"\nsex = "F"\nbirth_year = 1984\n[context]\nfasting_hours = 10\n'
        )
        (person / "case.toml").write_text(about, encoding="utf-8")
        out = Path(folder) / "out"
        for results in ({"tsh": "1.6"}, {"tsh": "1.6", "ldl": "3.9", "hba1c": "40"}):
            _write_results(person / "lab.csv", results)
            words = ("report", "client_report", str(person), "--format", "html", "--out", str(out))
            timed(f"page of {len(results)} results", *words)
            page = (out / "somebody/client_report.nl.html").read_text(encoding="utf-8")
            seconds, pages = laid_out(page)
            print(f"{seconds:7.2f} s  layout of its {pages} pages, warm, on one core")


def laid_out(page: str) -> tuple[float, int]:
    """Return the median of processor time [s] to lay a page out as PDF, and how many it fills."""
    from pipeline.publish.job import Job
    from pipeline.publish.layout import lay_out

    job = Job(html=page, variant="pdf/ua-1")
    pages = len(PdfDocument(lay_out(job)))
    taken = []
    for _ in range(9):
        start = time.process_time()
        lay_out(job)
        taken.append(time.process_time() - start)
    return median(taken), pages


def _write_results(path: Path, results: dict[str, str]) -> None:
    units = {"tsh": "mU/L", "ldl": "mmol/L", "hba1c": "mmol/mol"}
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(("sample_id", "collected_at", "analyte", "value", "unit"))
        writer.writerows(
            ("s1", "2025-06-02T08:00", name, value, units[name]) for name, value in results.items()
        )


# Reading, beside plain libraries.


def write_table(path: Path) -> int:
    """Write a long table of made results; return how many."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_NAMES)
        writer.writerows(_made_rows(RESULTS))
    return RESULTS


def write_workbook(path: Path) -> int:
    """Write the same table as a workbook, whose numbers are numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Uitslagen")
    sheet.append(_NAMES)
    for *rest, value, unit in _made_rows(RESULTS):
        sheet.append([*rest, float(value), unit])
    book.save(path)
    return RESULTS


def write_bundle(path: Path) -> int:
    """Write a Bundle of made Observations."""
    entries = [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "1742-6"}]},
                "subject": {"identifier": {"system": "casereport", "value": case_id}},
                "effectiveDateTime": date,
                "valueQuantity": {"value": float(value), "unit": unit, "code": unit},
            }
        }
        for case_id, _, date, _, value, unit in _made_rows(OBSERVATIONS)
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    return OBSERVATIONS


def _made_rows(count: int) -> Iterator[tuple[str, ...]]:
    for n in range(count):
        day = f"2024-{1 + n % 12:02}-{1 + n % 28:02}"
        yield f"p{n // 20}", f"s{n // 20}", day, "alt", f"{10 + n % 700 / 10:.1f}", "U/L"


def time_reading() -> None:
    """Print rows a second and memory of each kind of file, beside those of a plain library."""
    print("\nFrom a file to rows as text, numbers and dates read; beside it a plain library.\n")
    print(_READ_HEADS.format("file", "rows", "s", "rows/s", "GB", "plain s", "GB", "times"))
    writers = {"table": write_table, "workbook": write_workbook, "bundle": write_bundle}
    names = {"table": "lab.csv", "workbook": "lab.xlsx", "bundle": "bundle.json"}
    with tempfile.TemporaryDirectory() as folder:
        for kind, write in writers.items():
            path = Path(folder) / names[kind]
            rows = write(path)
            own, plain = (
                measured("reading", who, kind, str(path)) for who in ("casereport", "plain")
            )
            seconds = own["seconds"]
            cells = (path.name, rows, seconds, rows / seconds, own["peak"] / 1e9)
            beside = (plain["seconds"], plain["peak"] / 1e9, seconds / plain["seconds"])
            print(_READ_CELLS.format(*cells, *beside))


# Judging, at scale.


def time_judging() -> None:
    """Print time and memory of each size, beside those of a pivot in plain pandas.

    The exponent says how time grew since the size above: at 1, in proportion to the people. Memory
    is all that the process ever took, the drawing of the people included.
    """
    print(
        "\nFrom accepted rows to all that is judged, 20 markers; beside it the rows pivoted only,"
    )
    print("with HOMA-IR and a handful of limits, in plain pandas.\n")
    print(_HEADS.format("people", "s", "µs/person", "exponent", "GB", "pivot s", "GB", "times"))
    before = None
    for people in SIZES:
        taken, least = (measured("scale", what, str(people)) for what in ("judge", "pivot"))
        print(_line(people, taken, least, before))
        before = people, taken["seconds"]


def _line(
    people: int,
    taken: dict[str, float],
    least: dict[str, float],
    before: tuple[int, float] | None,
) -> str:
    seconds = taken["seconds"]
    exponent = "" if before is None else f"{growth(before, (people, seconds)):.2f}"
    judging = (seconds, 1e6 * seconds / people, exponent, taken["peak"] / 1e9)
    pivoting = (least["seconds"], least["peak"] / 1e9, seconds / least["seconds"])
    return _CELLS.format(people, *judging, *pivoting)


def growth(few: tuple[int, float], many: tuple[int, float]) -> float:
    """Return the power of the number of people with which the seconds grew."""
    return log(many[1] / few[1]) / log(many[0] / few[0])


if __name__ == "__main__":
    from bench_reviews import time_reviews

    time_commands()
    time_layout()
    time_reading()
    time_judging()
    time_reviews()
