"""What axe finds against a page in the browser; the library is bundled, nothing is fetched."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# What passes is counted, not described: describing it takes longer than all the rest.
_OPTIONS = {"resultTypes": ["violations"]}


def faults(page: Page) -> list[str]:
    """Return each rule that a page breaks, with the first element that does."""
    found = Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]
