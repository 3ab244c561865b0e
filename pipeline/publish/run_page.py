"""Publishing floor. The run page, ``index.html``: what was made, and first what was not."""

import shlex
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from pipeline.language import Language
from pipeline.publish.last_run import PAGE, QUARANTINE
from pipeline.publish.ledger import RECORD, Failure, Ledger, versions
from pipeline.publish.run_cases import case_lines, choices_of, files_by_language
from pipeline.publish.style import css_string, page_style
from pipeline.resources import resource_path
from pipeline.show import show_title
from pipeline.story import Facts, Story

RUN_PAGE = "index.html"
_TEMPLATES = "templates/run"
_COLUMNS = ("case", "state", "phase", "flags", "visits", "set_aside", "reports")
_FEW = 20  # of what was not made: the rest opens
_ROWS_OF_A_GROUP = 50  # which a browser lays out at once


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """A report that failed, as the page prints it."""

    failure: Failure
    command: tuple[str, ...]  # the words that make just this one again, quoted for a shell
    partial: str  # address of the notebook as far as it came, or ""


def render_run_page(ledger: Ledger) -> str:
    """Return the page of a run, in its first language: one file that works without a server.

    It depends on the ledger alone, no clock enters. A review of many has links in place of the
    table of cases, and no script.
    """
    texts = Language.load(ledger.order.languages[0])
    return _template().render(
        _words(ledger, texts)
        | _outcome(ledger)
        | (_review(ledger) if ledger.order.is_review else _cases(ledger, texts))
    )


def _words(ledger: Ledger, texts: Language) -> dict[str, object]:
    """Return what every page has: language, look, title."""
    return {
        "language": texts.code,
        "say": partial(_say, texts),
        "count": lambda key, n: texts.count(f"run.{key}", n),
        "kind": texts.text(f"page.kinds.{ledger.order.kind}"),
        "about": {key: texts.text(f"page.document.{key}") for key in ("skip", "scope")},
        "masthead": Markup(show_title(_story(ledger, texts)).html),
        "style": page_style() + Markup((resource_path(_TEMPLATES) / "run.css").read_text("utf-8")),
        "versions": sorted(versions().items()),
    }


def _outcome(ledger: Ledger) -> dict[str, object]:
    """Return what became of the run as a whole, and each report that was not made."""
    return {
        "ledger": ledger,
        "order": ledger.order,
        "not_made": [_not_made(ledger, failure) for failure in ledger.failures],
        "few": _FEW,
    }


def _review(ledger: Ledger) -> dict[str, object]:
    """Return the links of a review; which rows it rests on, the run that took them in has told."""
    review = tuple(files_by_language(ledger.made))
    return {"review": review, "beside": (RECORD,), "script": "", "columns": ()}


def _cases(ledger: Ledger, texts: Language) -> dict[str, object]:
    """Return the table of cases, what its filters offer, and the script that makes them work."""
    lines = case_lines(ledger, texts)
    return {
        "lines": lines,
        "columns": _COLUMNS,
        "rows_of_a_group": _ROWS_OF_A_GROUP,
        "states": {line.state: texts.text(f"run.states.{line.state}") for line in lines},
        "choices": choices_of(lines, texts),
        "script": filter_script(),
        "allowed": allowed_by_hash(filter_script()),
        "beside": (PAGE, QUARANTINE, RECORD),
    }


@lru_cache
def filter_script() -> str:
    """Return the one script of the page, as it stands in the page."""
    return (resource_path(_TEMPLATES) / "filter.js").read_text("utf-8")


def allowed_by_hash(script: str) -> str:
    """Return the name by which a Content-Security-Policy allows just this script."""
    digest = b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"sha256-{digest}"


@lru_cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(resource_path(_TEMPLATES)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["css_string"] = css_string
    return environment.get_template("page.html.j2")


def _say(texts: Language, key: str, **fields: str | int) -> str:
    return texts.text(f"run.{key}", **fields)


def _story(ledger: Ledger, texts: Language) -> Story:
    """Return what stands in the masthead: title, and the run in numbers."""
    kind = texts.text(f"page.kinds.{ledger.order.kind}")
    pairs = ((_say(texts, f"facts.{name}"), said) for name, said in _facts(ledger, texts))
    return Story(
        title=_say(texts, "title", kind=kind),
        language=texts.code,
        facts=Facts(pairs=tuple(pairs)),
        sections=(),
    )


def _facts(ledger: Ledger, texts: Language) -> Iterator[tuple[str, str]]:
    """Yield the run in numbers. What is counted only now and then is left out where it is 0."""
    order = ledger.order
    yield "as_of", texts.date(order.as_of)
    if order.is_review:
        yield "period", order.period
        yield "limit", str(order.limit)
    else:
        yield "cases", str(len(ledger.cases) + len(ledger.without_rows))
    yield "made", str(len(ledger.made))
    yield "not_made", str(len(ledger.failures))
    if ledger.without_rows:
        yield "refused", str(len(ledger.without_rows))
    for name in ("read", "accepted", "set_aside"):
        if name in ledger.rows:
            yield name, str(ledger.rows[name])


def _not_made(ledger: Ledger, failure: Failure) -> NotMade:
    return NotMade(
        failure=failure,
        command=tuple(map(shlex.quote, shlex.split(ledger.order.again(failure)))),
        partial=quote(failure.partial),
    )
