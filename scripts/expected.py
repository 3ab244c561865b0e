"""Writes expected.json of the golden cases, all or those named, and tells what became different.

A person runs it and reviews the difference against why.md; no test ever writes.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from claims import claims_of, disagreements
from golden import EXPECTED, FOLDERS, WHY, told

_SHOWN = 8  # differences of a case that are printed


def write_expected(names: list[str]) -> int:
    """Write expected.json of the cases named, else of all; return how many claims do not hold."""
    unknown = set(names) - {folder.name for folder in FOLDERS}
    if unknown:
        raise SystemExit(f"Unrecognised case '{min(unknown)}': expected a folder of tests/data.")
    chosen = [folder for folder in FOLDERS if not names or folder.name in names]
    return sum(_write(folder) for folder in chosen)


def _write(folder: Path) -> int:
    path, now = folder / EXPECTED, told(folder)
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    if before != now:
        path.write_text(_json(now) + "\n", encoding="utf-8")
        _tell(folder.name, [] if before is None else list(_differences("", before, now)))
    wrong = disagreements(claims_of((folder / WHY).read_text(encoding="utf-8")), now)
    for problem in wrong:
        print(f"{folder.name}: NOT AS CLAIMED: {problem}")
    return len(wrong)


def _json(case: dict[str, Any]) -> str:
    """Return case.json with a line a finding, a flag, an item of the plan."""
    entries = (f"{_line(key)}: {_entry(key, case[key])}" for key in sorted(case))
    return "{\n" + ",\n".join(entries) + "\n}"


def _entry(key: str, value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    lines = (_json(one) if key == "visits" else _line(one) for one in value)
    return "[\n" + ",\n".join(lines) + "\n]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _tell(name: str, found: list[str]) -> None:
    print(f"{name}: {f'{len(found)} differences' if found else 'new'}")
    for line in found[:_SHOWN]:
        print(f"  {line}")
    if len(found) > _SHOWN:
        print(f"  and {len(found) - _SHOWN} more")


def _differences(place: str, before: Any, now: Any) -> Iterator[str]:
    """Yield where two values differ: the path, what it was and what it is."""
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = {key: (before.get(key), now.get(key)) for key in sorted({*before, *now})}
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = dict(enumerate(zip(before, now, strict=True)))
    elif before != now:
        yield f"{place}: {_short(before)} → {_short(now)}"
        return
    else:
        return
    for key, pair in pairs.items():
        yield from _differences(f"{place}/{key}", *pair)


def _short(value: Any) -> str:
    text = _line(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


if __name__ == "__main__":
    sys.exit(1 if write_expected(sys.argv[1:]) else 0)
