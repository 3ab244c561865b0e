"""Publishing floor. Prints a report page on A4, from nothing but what the page itself holds."""

import datetime as dt
import logging
from threading import Lock

from weasyprint import HTML, Attachment
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from pipeline.errors import ReportError

logging.getLogger("weasyprint").setLevel(logging.ERROR)  # warns of CSS that is for the screen
_PANGO = Lock()  # the text layout underneath is not made for threads


def render_pdf(html: str) -> bytes:
    """Return the page as a tagged PDF (PDF/UA-1); the same page gives the same bytes.

    Raises ReportError where the page asks for anything outside itself.
    """
    return _render(html, "pdf/ua-1", [])


def render_archive(html: str, result: bytes, *, as_of: dt.date, about: str) -> bytes:
    """Return the page as PDF/A-3 with its ``case.json`` attached, said to be its source.

    ``about`` describes the attachment to a reader; the day of the report dates it, no clock.

    Raises ReportError where the page asks for anything outside itself.
    """
    day = dt.datetime.combine(as_of, dt.time(), dt.UTC)
    attached = Attachment(
        string=result,
        name="case.json",
        description=about,
        created=day,
        modified=day,
        relationship="Source",
    )
    return _render(html, "pdf/a-3a", [attached])


def _render(html: str, variant: str, attachments: list[Attachment]) -> bytes:
    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    try:
        with _PANGO:
            page = HTML(string=html, url_fetcher=fetcher)
            return bytes(page.write_pdf(pdf_variant=variant, attachments=attachments))
    except FatalURLFetchingError:  # a BaseException, so that WeasyPrint itself lets it pass
        raise ReportError("The page asks for a file outside itself; no PDF was made.") from None
