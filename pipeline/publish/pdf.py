"""Publishing floor. Prints a report page on A4, from nothing but what the page itself holds."""

import logging
from threading import Lock

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from pipeline.errors import ReportError

logging.getLogger("weasyprint").setLevel(logging.ERROR)  # warns of CSS that is for the screen
_PANGO = Lock()  # the text layout underneath is not made for threads


def render_pdf(html: str) -> bytes:
    """Return the page as a tagged PDF (PDF/UA-1); the same page gives the same bytes.

    Raises ReportError where the page asks for anything outside itself.
    """
    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    try:
        with _PANGO:
            return bytes(HTML(string=html, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1"))
    except FatalURLFetchingError:  # a BaseException, so that WeasyPrint itself lets it pass
        raise ReportError("The page asks for a file outside itself; no PDF was made.") from None
