"""Command floor. ``casereport check``: reads and judges, renders nothing."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.commands.shared import print_result, take_in_asked

if TYPE_CHECKING:
    from pipeline.intake import Intake


def check(asked: Namespace) -> int:
    """Read, normalise and validate; write which rows were set aside, and render nothing."""
    if asked.suggest_mapping is not None:
        return _suggest(asked)
    intake = take_in_asked(asked, language=asked.language)
    told = {
        "rows": intake.counts,
        "reasons": intake.reasons,
        "columns_in_doubt": intake.columns_in_doubt.to_dict("records"),
        "without_rows": list(intake.cases_without_rows),
        "files": [str(asked.out / name) for name in ("validation.html", "quarantine.csv")],
    }
    print_result(told, _check_lines(intake, asked.out), asked)
    return 0


def _suggest(asked: Namespace) -> int:
    """Write a first mapping of the first input, and read nothing else."""
    from pipeline.publish.files import publish, work_folder
    from pipeline.read.suggest import suggest_mapping
    from pipeline.rules import load_rules

    path: Path = asked.suggest_mapping
    text = suggest_mapping(asked.inputs[0], load_rules())
    with work_folder(path.parent, "mapping") as work:
        publish(text.encode("utf-8"), path, work=work)
    decide = text.count("# DECIDE:")
    print_result(
        {"mapping": str(path), "to_decide": decide},
        f"Written: {path}, with {decide} things to decide.",
        asked,
    )
    return 0


def _check_lines(intake: "Intake", out: Path) -> str:
    """Return how many rows were accepted and set aside, why, and where to read it."""
    counts = intake.counts
    none = f", {counts['no_result']} no laboratory result" if counts["no_result"] else ""
    ends = f"{counts['accepted']} accepted, {counts['set_aside']} set aside{none}"
    lines = [f"{counts['read']} rows: {ends}."]
    words = (*intake.reasons.items(), *intake.ignored.items())
    lines += [f"  {count} {word}" for word, count in words]
    lines += [
        f"File {one.source}: {one.marker} as a whole says {one.unit}, and fits {one.likely_unit}"
        f" ({one.evidence}): ask the laboratory ({one.rows} rows)."
        for one in intake.columns_in_doubt.itertuples()
    ]
    if intake.cases_without_rows:
        lines.append(f"No row accepted: {', '.join(intake.cases_without_rows)}")
    lines += [f"Written: {out / 'validation.html'}", f"         {out / 'quarantine.csv'}"]
    return "\n".join(lines)
