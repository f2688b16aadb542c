"""Make the pictures of this folder anew, from the demo, with Debian's chromium.

Run by hand, after the look has changed, and look at each picture before it is committed:

    .venv/bin/python docs/screenshots/make.py

It takes some ten seconds, needs /usr/bin/chromium (apt-get install chromium), and writes one PNG for each name below.
Readers sign up, and the edition is approved and sent, by the demo's own services and sender, so that the pictures show
what a visitor of the demo sees.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from newsletter.cli.demo import ADMIN, DRAFT_MONTH, HOST, Demo, prepared
from newsletter.domain.address import Address
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions, signup
from newsletter.services.consents import Origin
from newsletter.storage.tables import Subscriber

FOLDER = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
LARGEST_BYTES = 250_000
PATIENCE_SECONDS = 30.0

DESKTOP, PHONE = 1280, 375  #: px
READERS = {
    "ada@example.org": ("KZ", "SD"),
    "ben@example.org": ("all",),
    "chandra@example.org": ("central-asia", "east-africa"),
    "dilnoza@example.org": ("KG", "KZ"),
    "emeka@example.org": ("west-africa",),
    "fatima@example.org": ("SD", "ET", "SO"),
}
READER = "ada@example.org"  #: whose digest is shown


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture."""

    path: str  #: of the page; {mail} stands for the digest's number in the inbox
    height: int = 1000  #: px
    width: int = DESKTOP
    scheme: Literal["light", "dark"] = "light"


#: By file name: taken while the edition is a draft, when it is approved, when it is sent.
DRAFT = {
    "home": Shot("/"),
    "country": Shot("/places/KZ", height=1200),
    "subscribe": Shot("/subscribe?follow=central-asia&follow=SD"),
    "desk-edition": Shot(f"/admin/editions/{DRAFT_MONTH}"),
}
APPROVED = {"desk-send": Shot(f"/admin/editions/{DRAFT_MONTH}/send", height=800)}
SENT = {
    "inbox": Shot("/inbox/", height=900),
    "digest": Shot("/inbox/{mail}/html", height=1200),
    "digest-phone-dark": Shot("/inbox/{mail}/html", height=1000, width=PHONE, scheme="dark"),
}


def main() -> None:
    """Walk through the demo, and take the pictures on the way."""
    with serving() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        sign_up(demo)
        take(browser, demo, DRAFT)
        with demo.database.writing() as session:
            editions.approve(session, DRAFT_MONTH, demo.settings.publication, by=ADMIN, now=utc_now())
        take(browser, demo, APPROVED)
        send(demo)
        take(browser, demo, SENT, mail=digest_number(demo))
        browser.close()


@contextmanager
def serving() -> Iterator[Demo]:
    """The demo, on a port that is free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    with prepared(port) as demo:
        Thread(target=demo.server.run_in_thread, daemon=True).start()
        yield demo


def sign_up(demo: Demo) -> None:
    """All READERS ask, have the question in their inbox, confirm, and have the welcome."""
    origin, tokens = Origin("/subscribe", "Send me updates."), demo.settings.tokens
    for address, subjects in READERS.items():
        with demo.database.writing() as session:
            signup.request(session, Address.parse(address), subjects, origin=origin, tokens=tokens, now=utc_now())
        wait(demo, mails=1, addresses=[address])
        with demo.database.writing() as session:
            found = session.scalars(select(Subscriber.id).where(Subscriber.address == address)).one()
            signup.confirm(session, found, origin=origin, now=utc_now())
        wait(demo, mails=2, addresses=[address])


def send(demo: Demo) -> None:
    """To all READERS."""
    with demo.database.writing() as session:
        deliveries.start(session, DRAFT_MONTH, by=ADMIN, now=utc_now())
    wait(demo, mails=3, addresses=READERS)


def wait(demo: Demo, *, mails: int, addresses: Iterable[str]) -> None:
    """Until so many mails have come to each address."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(sum(address in mail.rcpt_to for mail in demo.catcher.messages()) < mails for address in addresses):
        if time.monotonic() > deadline:
            sys.exit("the demo's sender does not send")
        time.sleep(0.05)


def digest_number(demo: Demo) -> int:
    return max(mail.number for mail in demo.catcher.messages() if READER in mail.rcpt_to)


def take(browser: Browser, demo: Demo, shots: dict[str, Shot], **values: int) -> None:
    """Write a PNG for each."""
    for name, shot in shots.items():
        context = browser.new_context(
            viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme, locale="en-GB"
        )
        page = context.new_page()
        if shot.path.startswith("/admin/"):
            log_in(page, demo)
        page.goto(demo.settings.base_url + shot.path.format(**values))
        target = FOLDER / f"{name}.png"
        size = len(page.screenshot(path=target))
        print(f"{target.name}: {shot.width} x {shot.height} px, {size / 1000:.0f} kB")
        if size > LARGEST_BYTES:
            sys.exit(f"{target.name} is too large; make the picture lower")
        context.close()


def log_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.settings.base_url}/admin/login")
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Editions").wait_for()


if __name__ == "__main__":
    main()
