"""Publishing floor. Turns an executed report notebook into one self-contained HTML page."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from jinja2 import BytecodeCache, Environment, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from traitlets import Instance, Unicode, default

from pipeline import __version__
from pipeline.errors import ReportError
from pipeline.language import Language
from pipeline.publish.brand import NO_BRAND, Brand
from pipeline.publish.glyphs import lacking
from pipeline.publish.style import css_counters, css_string, page_style
from pipeline.resources import resource_path
from pipeline.show import MARK, RESULT_TYPE, Heading

_FEW_VISITS = 3  # as many dates as fit in the running header


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template prints: plain text, and the fragments that ``show`` escaped."""

    language: str
    kind: str
    title: str
    case_id: str
    consent: bool  # to let the report leave the house
    note: str  # what the case's own file wants said at the foot
    running: Mapping[str, str]
    style: Markup
    masthead: Markup
    fragments: tuple[Markup, ...]
    headings: tuple[Heading, ...]
    brand: Brand
    has_codes: bool  # in print, for characters that our fonts lack


class _Compiled(BytecodeCache):
    """Templates that this process has compiled; each exporter has an environment of its own."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was compiled, unless the template has changed since."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class ReportExporter(TemplateExporter):
    """Keep of a notebook only what ``show`` made, and lay it out by a template of ours.

    nbconvert's own HTMLExporter is not used: its templates call other hosts, and it parses and
    writes every page again to find pictures without a description.
    """

    file_extension = ".html"
    output_mimetype = "text/html"
    language = Unicode("nl", help="Language of the page's own words").tag(config=True)
    brand = Instance(Brand, args=(), help="What the page shows of a practice")

    @default("template_name")
    def _case_study(self) -> str:
        return "case_study"

    @default("extra_template_basedirs")
    def _our_templates(self) -> list[str]:
        return [str(resource_path("templates"))]

    @default("default_preprocessors")
    def _no_preprocessors(self) -> list[str]:
        return []

    def _create_environment(self) -> Environment:
        """Return nbconvert's environment with escaping on and nothing undefined printed."""
        environment = super()._create_environment()
        environment.bytecode_cache = _COMPILED
        environment.autoescape = True
        environment.undefined = StrictUndefined
        environment.filters.update(css_string=css_string, css_counters=css_counters)
        return environment

    def from_notebook_node(  # type: ignore[override]  # as TemplateExporter's own
        self, nb: NotebookNode, resources: Any = None, **options: Any
    ) -> tuple[str, Any]:
        """Return the page of an executed report notebook, which ends with the result of its case.

        Raises ReportError where it does not.
        """
        texts = Language.load(self.language)
        page = _page(
            _shown(nb), _result(nb), kind=self.template_name, texts=texts, brand=self.brand
        )
        self.environment.globals.update(page=page, say=partial(_say, texts))
        # the page has taken from the notebook what it prints; nbconvert would copy all of it twice
        return super().from_notebook_node(new_notebook(), resources, **options)


def render_html(
    notebook: NotebookNode, *, kind: str, language: str, brand: Brand = NO_BRAND
) -> str:
    """Return an executed notebook as one HTML page that asks for nothing outside itself.

    Only marked outputs of ``show`` are printed; code, Markdown and every other output are not.
    """
    exporter = ReportExporter(template_name=kind, language=language, brand=brand)
    page, _ = exporter.from_notebook_node(notebook)
    return str(page)


# -- from notebook and case to what is printed


def _shown(notebook: NotebookNode) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the HTML and the mark of every output of ours, in order."""
    outputs = _outputs(notebook)
    marked = [(output, output.get("metadata", {}).get("text/html", {})) for output in outputs]
    return [(output.data["text/html"], mark) for output, mark in marked if mark.get(MARK) is True]


def _outputs(notebook: NotebookNode) -> list[NotebookNode]:
    """Return every output of every cell."""
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def _result(notebook: NotebookNode) -> Mapping[str, Any]:
    """Return the machine-readable case that the notebook ended with."""
    bundles = [output.get("data", {}) for output in _outputs(notebook)]
    results = [bundle[RESULT_TYPE] for bundle in bundles if RESULT_TYPE in bundle]
    if not results:
        raise ReportError("Unable to find a result in the notebook: run all its cells first.")
    return dict(results[-1]["case"])


def _page(
    shown: Sequence[tuple[str, Mapping[str, Any]]],
    case: Mapping[str, Any],
    *,
    kind: str,
    texts: Language,
    brand: Brand,
) -> Page:
    """Return what the template prints of these fragments and this case."""
    kind_name = _say(texts, f"kinds.{kind}")
    name, dates = _about(case, texts)
    main = [(html, mark) for html, mark in shown if mark["place"] == "main"]
    return Page(
        language=texts.code,
        kind=kind_name,
        title=_say(texts, "document.title", kind=kind_name, case_id=name, dates=dates),
        case_id=name,
        consent=bool((case.get("consent") or {}).get("given")),
        note=case.get("note", {}).get(texts.code, ""),
        running=_running(case, dates, texts),
        style=page_style(),
        masthead=Markup("").join(
            Markup(html) for html, mark in shown if mark["place"] == "masthead"
        ),
        fragments=tuple(Markup(html) for html, _ in main),
        headings=tuple((id, title) for _, mark in main for id, title in mark["headings"]),
        brand=brand,
        has_codes=bool(lacking("".join(html for html, _ in shown) + f"{case.get('note')}{brand}")),
    )


def _about(case: Mapping[str, Any], texts: Language) -> tuple[str, str]:
    """Return of whom or what a report is, and its dates: of a case those of the visits."""
    if "period" in case:
        ends = (dt.date.fromisoformat(case["period"][name]) for name in ("start", "end"))
        return str(case["period"]["name"]), " – ".join(map(texts.short_date, ends))
    days = [dt.date.fromisoformat(visit["date"]) for visit in case["visits"]]
    return str(case["case_id"]), _dates(days, texts)


def _running(case: Mapping[str, Any], dates: str, texts: Language) -> dict[str, str]:
    """Return what stands above and below every printed page."""
    issued = texts.short_date(dt.date.fromisoformat(case["as_of"]))
    is_review = "period" in case
    return {
        "case": _say(texts, "running.review", period=case["period"]["name"])
        if is_review
        else _say(texts, "running.case", case_id=case["case_id"]),
        "samples": dates if is_review else _say(texts, "running.samples", dates=dates),
        "issued": _say(texts, "running.issued", date=issued),
        "version": _say(texts, "document.made_with", version=__version__),
        "page": _say(texts, "running.page", page="{page}", pages="{pages}"),
    }


def _dates(days: Sequence[dt.date], texts: Language) -> str:
    """Return the dates of the visits; of many the first, the last and their number."""
    short = [texts.short_date(day) for day in days]
    if len(days) <= _FEW_VISITS:
        return " · ".join(short)
    return _say(texts, "running.range", first=short[0], last=short[-1], count=len(days))


def _say(texts: Language, key: str, **fields: str | int) -> str:
    """Return a text of ``page.toml``."""
    return texts.text(f"page.{key}", **fields)
