"""Times the two things people wait for: one report, and the check of a lab table of many people."""

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "seed_case"
PEOPLE = 1_000


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


def main() -> None:
    """Time both in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "lab.csv"
        rows = write_lab_table(table, people=PEOPLE)
        timed(
            "case study of the built-in case", "report", "case_study", str(SAMPLE), "--out", folder
        )
        timed(f"check of {rows:,} rows of {PEOPLE:,} people", "check", str(table), "--out", folder)


if __name__ == "__main__":
    main()
