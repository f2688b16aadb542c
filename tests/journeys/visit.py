"""A browser window that goes through the demo as a person does, and notes what no page may do."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Error,
    Frame,
    Locator,
    Page,
    Request,
    WebError,
    expect,
)

from newsletter.cli.demo import ADMIN, Demo

PATIENCE_SECONDS = 30.0  #: for a mail to come, or an edition to go
LOOKS = 120  #: as often is a page loaded again in that time
OWN_SCHEMES = {"about", "data", "blob"}  #: of addresses that are fetched from nowhere


class Visit:
    """One person's browser; `faults` holds what no page may do."""

    def __init__(self, context: BrowserContext, demo: Demo, url: str | None = None) -> None:
        self.demo = demo
        self.url = url or demo.settings.base_url
        self.faults: list[str] = []
        context.on("request", self._on_request)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("dialog", self._on_dialog)
        self.page = context.new_page()

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in OWN_SCHEMES and not request.url.startswith(f"{self.url}/"):
            self.faults.append(f"a request to {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"on the console: {message.text}")

    def _on_error(self, error: WebError) -> None:
        self.faults.append(f"a script failed: {error.error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def forgive(self, status: int) -> None:
        """Forget that answers had this status, where that is as it should be: the browser itself notes it."""
        self.faults[:] = [fault for fault in self.faults if f"status of {status}" not in fault]

    def open(self, path: str) -> Page:
        """Go to a page of the demo."""
        self.page.goto(self.url + path)
        return self.page

    def see(self, heading: str) -> None:
        """Be on the page of this heading, which must not scroll sideways."""
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        assert self.overflow() == 0, f"{heading} scrolls sideways"

    def overflow(self) -> int:
        """By how many px the page is wider than the window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider

    def reload_until_visible(self, sign: Locator) -> None:
        """Load the page again until something has come."""
        for _ in range(LOOKS):
            try:
                expect(sign).to_be_visible(timeout=PATIENCE_SECONDS / LOOKS * 1000)
            except AssertionError:
                with suppress(Error):  # a page that keeps up with a send may just be loading itself
                    self.page.reload()
            else:
                return
        expect(sign).to_be_visible()

    def open_mail(self, subject: str, to: str) -> Frame:
        """Wait for the newest mail whose subject holds this in the inbox, open it, and look into its HTML."""
        self.open(f"/inbox/?to={to}")
        link = self.page.locator(".mails a").filter(has_text=subject).first
        self.reload_until_visible(link)
        link.click()
        expect(self.page.locator("h1.mail-subject")).to_contain_text(subject)
        return self.frame("iframe.mail")

    def frame(self, selector: str) -> Frame:
        """What a frame of the page shows, once it is there."""
        found = self.page.locator(selector).element_handle().content_frame()
        assert found is not None
        found.wait_for_load_state()
        return found

    def follow(self, link: Locator) -> None:
        """Click a link in a mail: it opens a window of its own, where the visit goes on."""
        with self.page.expect_popup() as popup:
            link.click()
        before, self.page = self.page, popup.value
        before.close()

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def click(self, link: str) -> None:
        self.page.get_by_role("link", name=link, exact=True).first.click()

    def log_in(self) -> None:
        """At the desk, as its owner."""
        self.open("/admin/")
        self.page.get_by_label("E-mail address").fill(ADMIN)
        self.page.get_by_label("Password").fill(self.demo.password)
        self.press("Log in")
        self.see("Editions")
