"""Top floor. Parses a command line, calls one function, turns an error into an exit code."""

import argparse
import datetime as dt
import json
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.errors import CommandError, PipelineError, RulesError
from pipeline.resources import languages

if TYPE_CHECKING:  # what a command needs is imported when it runs: --help answers at once
    from pipeline.intake import Intake
    from pipeline.publish.ledger import Order

FORMATS = ("html", "pdf", "json", "ipynb")
INTERRUPTED = 130
Announce = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; only a bug lets an error through."""
    asked = _parser().parse_args(argv)
    try:
        return int(asked.run(asked))
    except PipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(
            "Interrupted. What is finished stays; the same command makes all of it.",
            file=sys.stderr,
        )
        return INTERRUPTED


def entry_point() -> None:
    """Run the command line of this process; what it writes only its owner can read.

    A request to end (SIGTERM) is an interruption like Ctrl-C: kernels end, drafts are removed.
    """
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())


def _interrupt(number: int, frame: object) -> None:
    """Interrupt the run, once: the tidying up is not interrupted."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


# -- commands


def check(asked: Namespace) -> int:
    """Read, normalise and validate; write which rows were set aside, and render nothing."""
    if asked.suggest_mapping is not None:
        return _suggest(asked)
    intake = _take_in(asked, language=asked.language)
    told = {
        "rows": intake.counts,
        "reasons": intake.reasons,
        "columns_in_doubt": intake.columns_in_doubt.to_dict("records"),
        "without_rows": list(intake.cases_without_rows),
        "files": [str(asked.out / name) for name in ("validation.html", "quarantine.csv")],
    }
    _print_result(told, _check_lines(intake, asked.out), asked)
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
    _print_result(
        {"mapping": str(path), "to_decide": decide},
        f"Written: {path}, with {decide} things to decide.",
        asked,
    )
    return 0


def report(asked: Namespace) -> int:
    """Make the reports of a kind; 4 or 5 where one of them failed."""
    from pipeline.publish.brand import NO_BRAND, read_brand
    from pipeline.publish.files import withdraw
    from pipeline.publish.inputs import hashes_of, read_files
    from pipeline.publish.notebook import notebook_of
    from pipeline.publish.report import RECORD, make_reports

    notebook_of(asked.kind)  # a wrong KIND is refused before a file is read
    order = _order(asked)
    withdraw(asked.out / RECORD)  # whatever happens, no earlier record passes for that of this run
    brand = NO_BRAND if asked.brand is None else read_brand(asked.brand)
    besides = (asked.people, asked.rules, asked.mapping, asked.suite, *brand.files)
    hashes = hashes_of([*asked.inputs, *filter(None, besides)])
    intake = _take_in(asked, language=order.languages[0])
    files = read_files(intake, asked.inputs, besides=besides)
    read = {str(file): hashes.get(file) for file in files}
    announce = _announcer(asked.quiet)
    ledger = make_reports(order, intake, read=read, announce=announce, brand=brand)
    _print_result(ledger.as_record(), ledger.summary(), asked)
    return ledger.exit_code


def _order(asked: Namespace) -> "Order":
    """Return what the command line asks for; what it asks twice counts once."""
    from pipeline.publish.ledger import Order

    return Order(
        kind=asked.kind,
        inputs=tuple(asked.inputs),
        out=asked.out,
        as_of=asked.as_of,
        case_ids=tuple(dict.fromkeys(asked.case)),
        languages=tuple(dict.fromkeys(asked.language)) or ("nl",),
        formats=asked.format,
        pdf=asked.pdf,
        people=asked.people,
        rules=asked.rules,
        mapping=asked.mapping,
        suite=asked.suite,
        brand=asked.brand,
        jobs=asked.jobs,
    )


def rules(asked: Namespace) -> int:
    """Print what is known, or whether the rules agree with themselves (6 where they do not)."""
    from pipeline.rulebook import check_rules, explain, list_rules

    if asked.action == "check":
        faults = check_rules()
        print("\n".join(faults) or "The rules agree with themselves.")
        return RulesError.exit_code if faults else 0
    if asked.action == "list":
        print(list_rules())
    elif asked.id is None:
        raise CommandError("Unable to explain without an ID: casereport rules explain ID.")
    else:
        print(explain(asked.id))
    return 0


# -- what the commands share


def _take_in(asked: Namespace, *, language: str) -> "Intake":
    """Return the rows of the inputs, after writing which were set aside and why."""
    from pipeline.intake import require_rows, take_in
    from pipeline.publish.inputs import require_inputs
    from pipeline.publish.last_run import require_no_corrections
    from pipeline.publish.progress import shown_progress
    from pipeline.publish.validation_page import write_validation
    from pipeline.read import read_mapping
    from pipeline.read.overlay import read_overlay
    from pipeline.rules import load_rules

    require_no_corrections(asked.out)
    require_inputs([*asked.inputs, *filter(None, [asked.people, asked.mapping, asked.suite])])
    rules = load_rules() if asked.rules is None else read_overlay(asked.rules, load_rules())
    mapping = None if asked.mapping is None else read_mapping(asked.mapping, rules)
    with shown_progress(quiet=asked.quiet) as watch:
        intake = take_in(
            asked.inputs,
            as_of=asked.as_of,
            people=asked.people,
            rules=rules,
            mapping=mapping,
            suite=asked.suite,
            watch=watch,
        )
    write_validation(intake, asked.out, language=language)
    require_rows(intake, strict=asked.strict)
    return intake


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


def _print_result(told: dict[str, Any], lines: str, asked: Namespace) -> None:
    """Print the outcome on stdout: as JSON where that was asked for, nothing where quiet."""
    if asked.json:
        print(json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True))
    elif not asked.quiet:
        print(lines)


def _announcer(quiet: bool) -> Announce:
    """Return what tells of progress, on stderr."""
    return lambda line: None if quiet else print(line, file=sys.stderr, flush=True)


# -- the command line


def _parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = ArgumentParser(
        prog="casereport", description="Lab results in; reports out.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"casereport {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands)
    _add_report(commands)
    _add_rules(commands)
    return parser


def _add_check(commands: Any) -> None:
    parser = _add(commands, check, "read and judge the rows; render nothing")
    _add_inputs(parser)
    parser.add_argument("--language", choices=languages(), default="nl", help="of validation.html")
    parser.add_argument(
        "--suggest-mapping", type=Path, metavar="FILE", help="write a first mapping of INPUT"
    )


def _add_report(commands: Any) -> None:
    parser = _add(commands, report, "make reports")
    parser.add_argument("kind", metavar="KIND", help="case_study or client_report")
    _add_inputs(parser)
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--case", metavar="ID", help="again for more; all if left out", **several)
    parser.add_argument("--language", choices=languages(), help="again for more", **several)
    parser.add_argument(
        "--format", type=_formats, default=FORMATS[:3], help="of html,pdf,json,ipynb"
    )
    parser.add_argument(
        "--pdf", choices=("ua", "a3"), default="ua", help="ua: PDF/UA; a3: PDF/A-3 with case.json"
    )
    parser.add_argument("--brand", type=Path, metavar="FILE", help="the practice's look (TOML)")
    parser.add_argument("--jobs", type=_jobs, default=os.cpu_count() or 1, help="all cores")


def _add_rules(commands: Any) -> None:
    parser = _add(commands, rules, "what is known, and whether it agrees with itself")
    parser.add_argument("action", choices=("list", "check", "explain"), nargs="?", default="list")
    parser.add_argument("id", metavar="ID", nargs="?", help="a marker, limit, flag or phase")


def _add(commands: Any, run: Callable[[Namespace], int], help: str) -> ArgumentParser:
    """Return the parser of a command that is named for the function it runs."""
    parser: ArgumentParser = commands.add_parser(
        run.__name__, help=help, description=run.__doc__, allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_inputs(parser: ArgumentParser) -> None:
    """Add what both commands that read files take."""
    parser.add_argument("inputs", metavar="INPUT", type=Path, nargs="+", help="case folder or file")
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="build")
    parser.add_argument("--as-of", type=_day, default=dt.date.today(), metavar="DATE", help="today")
    parser.add_argument("--people", type=Path, metavar="FILE", help="the context of many (CSV)")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="how the laboratory writes")
    parser.add_argument("--rules", type=Path, metavar="FILE", help="the practice's targets (TOML)")
    parser.add_argument("--suite", type=Path, metavar="FILE", help="its expectations of a row")
    parser.add_argument("--strict", action="store_true", help="a row set aside is a failure")
    parser.add_argument("--json", action="store_true", help="summary as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _day(text: str) -> dt.date:
    """Return a date of the command line."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a date such as 2025-10-01") from None


def _formats(text: str) -> tuple[str, ...]:
    """Return the formats of a list between commas."""
    asked = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in asked if name not in FORMATS]
    if unknown:
        known = ", ".join(FORMATS)
        raise argparse.ArgumentTypeError(f"unrecognised '{unknown[0]}': expected some of {known}")
    return asked


def _jobs(text: str) -> int:
    """Return a number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number of at least 1")
    return int(text)


if __name__ == "__main__":
    entry_point()
