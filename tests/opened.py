"""A page in the real browser, with all that it asks for and complains of."""

from pathlib import Path

from playwright.sync_api import Browser, Dialog, Page


class Opened:
    """A page that was opened, with all it asked for and complained of."""

    def __init__(self, browser: Browser, file: Path, **settings: object) -> None:
        self.context = browser.new_context(**settings)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._complain_of)
        self.page.goto(file.as_uri())

    def _complain_of(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
