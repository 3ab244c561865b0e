"""Times what people wait for: a report, the check of a lab table, the judging of many people."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from math import log
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "seed_case"
PEOPLE = 1_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
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


# Judging, at scale.


def measured(what: str, people: int) -> dict[str, float]:
    """Return the seconds and the peak of memory [bytes] of one size, in a process of its own."""
    command = [sys.executable, str(ROOT / "scripts" / "scale.py"), what, str(people)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "samples")])
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


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
        taken, least = measured("judge", people), measured("pivot", people)
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
    time_commands()
    time_judging()
