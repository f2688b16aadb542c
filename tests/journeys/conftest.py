"""A browser, and for each test a demo of its own, which starts in half a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from newsletter.cli.demo import Demo
from tests import parts
from tests.journeys.stock import serving
from tests.journeys.visit import Visit
from tests.mail_checks import window

#: The last five keep it from calling home.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

EXPECT_MILLISECONDS = 15_000  #: a machine may have other things to do


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, without a window."""
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=parts.chromium(), args=CHROMIUM_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def page(browser: Browser) -> Iterator[Page]:
    """A window to show mails in, with mail_checks.window."""
    with window.opened(browser) as opened:
        yield opened


@pytest.fixture
def demo() -> Iterator[Demo]:
    """The demo, serving, as it is in the beginning."""
    with serving() as ready:
        yield ready


@pytest.fixture
def visit_with(browser: Browser, demo: Demo) -> Iterator[Callable[..., Visit]]:
    """Open a browser on the demo, of a width in px, with scripts or without; nothing may go wrong in it.

    `url` is where the demo's site stands once more (stock.serving_also).
    """
    visits: list[Visit] = []

    def enter(width: int = 1280, *, scripts: bool = True, url: str | None = None) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        visits.append(Visit(context, demo, url))
        return visits[-1]

    yield enter
    for visit in visits:
        visit.page.context.close()
    assert [fault for visit in visits for fault in visit.faults] == []


@pytest.fixture
def visit(visit_with: Callable[..., Visit]) -> Visit:
    """A browser of a usual width, with scripts."""
    return visit_with()
