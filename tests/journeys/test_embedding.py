"""The form on a partner's site, in a browser that holds to who may frame it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from re import DOTALL, findall
from threading import Thread

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from newsletter.cli.demo import HOST
from newsletter.storage.tables import Subscriber
from tests.journeys.stock import serving, serving_also
from tests.mail_checks import window

READER = "reader@example.org"


@dataclass
class Foreign:
    """Another site, of one page: a browser lets no made-up one near this machine."""

    origin: str = ""
    page: list[str] = field(default_factory=lambda: [""])

    def show(self, snippet):
        self.page[0] = f"<!doctype html><html lang='en'><title>Partner</title><h1>Partner</h1>{snippet}"


@contextmanager
def foreign():
    site = Foreign()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(site.page[0].encode())

        def log_message(self, *_args):
            """Keeps what a test prints to itself."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        site.origin = f"http://localhost:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def partner():
    """A site that may show the frame."""
    with foreign() as site:
        yield site


@pytest.fixture(scope="module")
def stranger():
    """A site that may not."""
    with foreign() as site:
        yield site


@pytest.fixture(scope="module")
def demo():
    """One for all of these: each looks only for its own reader."""
    with serving() as ready:
        yield ready


@pytest.fixture(scope="module")
def site(demo, partner):
    """The demo's site once more, for partners."""
    # A form is sent here faster than a person can.
    with serving_also(demo, embed_origins=(partner.origin,), time_trap=0.0) as address:
        yield address


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def paste(browser, site, request):
    """Put a snippet of our page that has them into a page of another site, and look at that."""
    with browser.new_context(viewport={"width": 375, "height": 900}, java_script_enabled=request.param) as context:

        def act(number, foreign_site):
            page = context.new_page()
            page.goto(f"{site}/embed/code?follow=KZ")
            foreign_site.show(unescape(findall(r"<code>(.*?)</code>", page.content(), DOTALL)[number]))
            page.goto(f"{foreign_site.origin}/")
            return page

        yield act


def number_of(request):
    """Tells the readers of a test's runs apart."""
    return request.node.callspec.indices["paste"]


def asked(demo, address):
    with demo.database.reading() as session:
        return session.scalars(select(Subscriber.state).where(Subscriber.address == address)).all()


def test_a_plain_form_leads_from_anywhere_to_ours_which_the_reader_sends(paste, stranger, demo, site, request):
    address = f"plain.{number_of(request)}.{READER}"
    page = paste(0, stranger)
    page.get_by_label("Your e-mail address").fill(address)
    page.get_by_role("button", name="Go on to subscribe").click()

    expect(page.get_by_text("One more step")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value(address)
    expect(page.get_by_label("Kazakhstan", exact=True)).to_be_checked()
    assert asked(demo, address) == []

    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Check your mail")).to_be_visible()
    assert page.url.startswith(site)
    assert asked(demo, address) == ["pending"]


def test_the_frame_keeps_its_answers(paste, partner, demo, request):
    address = f"frame.{number_of(request)}.{READER}"
    page = paste(1, partner)
    form = page.frame_locator("iframe")
    expect(form.get_by_label("Kazakhstan", exact=True)).to_be_checked()
    form.get_by_label("E-mail address").fill("reader@localhost")
    form.get_by_role("button", name="Subscribe", exact=True).click()
    expect(form.locator("#email-error")).to_be_visible()

    form.get_by_label("E-mail address").fill(address)
    form.get_by_role("button", name="Subscribe", exact=True).click()

    expect(form.get_by_role("heading", level=1, name="Check your mail")).to_be_visible()
    assert page.url == f"{partner.origin}/"
    assert asked(demo, address) == ["pending"]


def test_another_site_can_not_show_the_frame(paste, stranger):
    page = paste(1, stranger)

    frame = page.locator("iframe").element_handle().content_frame()
    frame.wait_for_load_state()
    expect(page.frame_locator("iframe").get_by_label("E-mail address")).to_have_count(0)
    assert frame.url.startswith("chrome-error:")


@pytest.mark.parametrize("path", ["/embed?follow=KZ", "/embed", "/embed/check-your-mail"])
def test_axe_finds_no_barrier_in_what_the_frame_shows(browser, site, path):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(site + path)
        for scheme in window.SCHEMES:
            window.set_to(page, scheme, 320)
            assert window.barriers(page) == "", scheme
            assert window.outside(page) == "", scheme
