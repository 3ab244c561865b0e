"""Writes the snapshots of reports again, of all cases or those named, and tells what is different.

A person runs it and reviews the difference; no test ever writes.
"""

import sys
from difflib import unified_diff
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from outline import FOLDER, SNAPSHOTS, Snapshot


def write_snapshots(names: list[str]) -> None:
    """Write the snapshots of the cases named, else of all; then what is of no case is removed."""
    cases = sorted({snapshot.case for snapshot in SNAPSHOTS})
    unknown = set(names) - set(cases)
    if unknown:
        raise SystemExit(f"Unrecognised case '{min(unknown)}': expected one of {', '.join(cases)}.")
    FOLDER.mkdir(exist_ok=True)
    for snapshot in SNAPSHOTS:
        if not names or snapshot.case in names:
            _write(snapshot)
    if not names:
        for path in sorted(set(FOLDER.glob("*.txt")) - {snapshot.path for snapshot in SNAPSHOTS}):
            path.unlink()
            print(f"{path.name}: removed")


def _write(snapshot: Snapshot) -> None:
    path, now = snapshot.path, snapshot.now()
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if before != now:
        path.write_text(now, encoding="utf-8", newline="\n")
        print(f"{path.name}: {'new' if before is None else _difference(before, now)}")


def _difference(before: str, now: str) -> str:
    lines = list(unified_diff(before.splitlines(), now.splitlines(), n=0, lineterm=""))[2:]
    marks = [line[0] for line in lines]
    return f"lines +{marks.count('+')} −{marks.count('-')}"


if __name__ == "__main__":
    write_snapshots(sys.argv[1:])
