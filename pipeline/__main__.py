"""Top floor. Parses a command line, calls one function, turns an error into an exit code."""

import argparse
import datetime as dt
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.commands.check import check
from pipeline.commands.report import report
from pipeline.commands.rules import rules
from pipeline.commands.store import ingest, purge, store
from pipeline.errors import PipelineError
from pipeline.resources import languages

FORMATS = ("html", "pdf", "json", "ipynb")
INTERRUPTED = 130
LOWEST_LIMIT = 5  # that of ``cohort``, whose import would make --help slow


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
            "Interrupted. What is finished stays; the same command goes on.",
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
    _add_ingest(commands)
    _add_purge(commands)
    _add_store(commands)
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
    parser.set_defaults(refuse=parser.error)
    parser.add_argument("kind", metavar="KIND", help="case_study, client_report or cohort_review")
    _add_inputs(parser, nargs="*")
    _add_store_file(parser, required=False)
    parser.add_argument("--period", metavar="2026-Q3", help="of a cohort_review; the last quarter")
    parser.add_argument(
        "--limit", type=_limit, metavar="N", help="tell no count of people below N; 5 or more"
    )
    parser.add_argument(
        "--reference", type=Path, metavar="FILE", help="a population beside a cohort_review (CSV)"
    )
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
    parser.add_argument(
        "--cluster", default="", metavar="ADDRESS", help="of a Dask scheduler, tls://"
    )
    parser.add_argument("--fresh", action="store_true", help="ignore what is already made")
    parser.add_argument("--explain", metavar="CASE", help="say why it would be made; make nothing")
    parser.add_argument("--only", choices=("failed",), help="those that the last run failed at")
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


def _add_ingest(commands: Any) -> None:
    parser = _add(commands, ingest, "add what is new to a store")
    _add_inputs(parser)
    _add_store_file(parser)
    parser.add_argument("--language", choices=languages(), default="nl", help="of validation.html")


def _add_purge(commands: Any) -> None:
    parser = _add(commands, purge, "forget a person")
    parser.add_argument("case_id", metavar="CASE", help="the pseudonym")
    _add_store_file(parser)
    parser.add_argument("--as-of", type=_day, default=dt.date.today(), metavar="DATE", help="today")
    _add_summary(parser)


def _add_store(commands: Any) -> None:
    parser = _add(commands, store, "write a store as Parquet, or fill one from it")
    parser.add_argument("action", choices=("export", "import"))
    parser.add_argument("folder", metavar="DIR", type=Path, help="a Parquet file a table")
    _add_store_file(parser)
    _add_summary(parser)


def _add_store_file(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add where the store is."""
    parser.add_argument(
        "--store", type=Path, metavar="FILE", required=required, help="one DuckDB file"
    )


def _add_inputs(parser: ArgumentParser, *, nargs: str = "+") -> None:
    """Add what all commands that read files take."""
    parser.add_argument(
        "inputs", metavar="INPUT", type=Path, nargs=nargs, help="case folder or file"
    )
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="build")
    parser.add_argument("--as-of", type=_day, default=dt.date.today(), metavar="DATE", help="today")
    parser.add_argument("--people", type=Path, metavar="FILE", help="the context of many (CSV)")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="how the laboratory writes")
    parser.add_argument("--rules", type=Path, metavar="FILE", help="the practice's targets (TOML)")
    parser.add_argument("--suite", type=Path, metavar="FILE", help="its expectations of a row")
    parser.add_argument("--strict", action="store_true", help="a row set aside is a failure")
    _add_summary(parser)


def _add_summary(parser: ArgumentParser) -> None:
    """Add how the outcome is told."""
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


def _limit(text: str) -> int:
    """Return a limit of disclosure, which may only be raised."""
    if not text.isdecimal() or int(text) < LOWEST_LIMIT:
        raise argparse.ArgumentTypeError(f"expected a number of at least {LOWEST_LIMIT}")
    return int(text)


def _jobs(text: str) -> int:
    """Return a number of workers."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number of at least 1")
    return int(text)


if __name__ == "__main__":
    entry_point()
