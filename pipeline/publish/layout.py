"""Publishing floor. Lays a page out as PDF, from nothing but what the page itself holds."""

import datetime as dt
import logging
from functools import cache, lru_cache

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from pipeline.publish.job import Job

logging.getLogger("weasyprint").setLevel(logging.ERROR)  # warns of CSS that is for the screen


def lay_out(job: Job) -> bytes:
    """Return the page as a PDF; the same job gives the same bytes.

    Raises FatalURLFetchingError where the page asks for anything outside itself.
    """
    own, look = _apart(job.html)
    page = HTML(string=own, url_fetcher=_fetcher())
    sheets = [_sheet(look)] if look else []
    return bytes(
        page.write_pdf(
            pdf_variant=job.variant,
            attachments=_attachments(job),
            stylesheets=sheets,
            font_config=_fonts() if sheets else None,
        )
    )


def _apart(html: str) -> tuple[str, str]:
    """Return a page without its first style element, and what stood in that.

    It is the same for all reports, and reading it takes as long as laying out two pages.
    """
    before, start, rest = html.partition("<style>")
    look, end, after = rest.partition("</style>")
    return (before + after, look) if start and end else (html, "")


@lru_cache(maxsize=4)
def _sheet(look: str) -> CSS:
    """Return a style sheet that is read once; the page's own styles go before it."""
    return CSS(string=look, url_fetcher=_fetcher(), font_config=_fonts())


@cache
def _fonts() -> FontConfiguration:
    return FontConfiguration()


def _fetcher() -> URLFetcher:
    return URLFetcher(allowed_protocols=("data",), fail_on_errors=True)


def _attachments(job: Job) -> list[Attachment]:
    if not job.attached:
        return []
    day = dt.datetime.combine(dt.date.fromisoformat(job.day), dt.time(), dt.UTC)
    return [
        Attachment(
            string=job.attached.encode(),
            name="case.json",
            description=job.about,
            created=day,
            modified=day,
            relationship="Source",
        )
    ]
