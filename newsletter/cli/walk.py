"""demo --check: the whole job once, over HTTP and SMTP, as a reader and an admin go through it."""

from __future__ import annotations

import email
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from threading import Thread

import click

from newsletter.cli.serving import Server
from newsletter.config import Settings
from newsletter.domain.month import Month
from newsletter.errors import NewsletterError
from newsletter.jobs.catcher import Catcher
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions, editorial
from newsletter.storage.database import Database

READER = "reader@example.org"
FOLLOWS = {"KZ": "Kazakhstan", "SD": "Sudan"}
NOT_FOLLOWED = ("HT", "Haiti")
PATIENCE_SECONDS = 30.0


class CheckFailed(NewsletterError):
    """A step of the walk did not do what it should."""


def check(settings: Settings, database: Database, catcher: Catcher, server: Server, month: Month) -> None:
    """Walk the whole job, a line a step. Raises CheckFailed."""
    thread = Thread(target=server.run_in_thread, name="web", daemon=True)
    thread.start()
    _Walk(settings, database, catcher, month).all_steps()
    click.echo("all is well")


class _Walk:
    def __init__(self, settings: Settings, database: Database, catcher: Catcher, month: Month) -> None:
        self._url = settings.base_url
        self._publication = settings.publication
        self._database = database
        self._catcher = catcher
        self._month = month

    def all_steps(self) -> None:
        self._sign_up()
        confirmation = self._mail(1, "the confirmation")
        self._confirm(self._link(confirmation, "confirm"))
        self._mail(2, "the welcome")
        self._send(self._month)
        digest = self._mail(3, "the digest")
        self._read(digest)
        self._unsubscribe(digest)
        self._mail(4, "the goodbye")
        self._send(self._month)
        self._expect(len(self._catcher.messages()) == 4, "sent again: nobody gets a second copy")
        self._next_month()
        self._expect(len(self._catcher.messages()) == 4, "the next month's edition: no mail to who has left")

    def _sign_up(self) -> None:
        page = self._http("/places/KZ")
        self._expect("Subscribe to Email Updates" in page, "the page of Kazakhstan has the form")
        form = [("email", READER), *(("follow", code) for code in FOLLOWS)]
        self._http("/subscribe", form)
        self._expect(True, "the form was sent")

    def _confirm(self, link: str) -> None:
        page = self._http(link)
        self._expect("Confirm my subscription" in page, "the link opens a page with a button")
        self._expect(len(self._catcher.messages()) == 1, "opening it confirms nothing")
        self._http(link, [])
        self._http(link, [])
        self._expect(True, "the button was pressed, twice")

    def _send(self, month: Month) -> None:
        now = utc_now()
        with self._database.writing() as session:
            edition = editions.ensure(session, month, now=now)
            if edition.approved_at is None:
                editions.approve(session, month, self._publication, by="demo --check", now=now)
            edition_id = deliveries.start(session, month, by="demo --check", now=now).id

        def is_sent() -> bool:
            with self._database.reading() as session:
                return not deliveries.has_open(session, edition_id)

        self._wait(is_sent, f"the edition of {month} is sent")

    def _read(self, digest: EmailMessage) -> None:
        text, html = (_body(digest, subtype) for subtype in ("plain", "html"))
        for name in FOLLOWS.values():
            self._expect(name.upper() in text and name in html, f"it tells about {name}")
        code, name = NOT_FOLLOWED  # the map and the overview may name it, but nothing leads to it
        self._expect(f"/places/{code}" not in text + html, f"and not about {name}")

    def _unsubscribe(self, digest: EmailMessage) -> None:
        link = re.search(r"<(https?://[^>]+)>", str(digest["List-Unsubscribe"]))
        self._expect(link is not None, "it can be left with one click (RFC 8058)")
        if link is not None:
            self._http(link[1], [("List-Unsubscribe", "One-Click")])
        self._expect(True, "unsubscribed")

    def _next_month(self) -> None:
        with self._database.writing() as session:
            for code in FOLLOWS:
                latest = editorial.get(session, code, self._month)
                editorial.store(session, replace(latest, month=self._month.next), now=utc_now())
        self._send(self._month.next)

    def _http(self, address: str, form: list[tuple[str, str]] | None = None) -> str:
        """GET, or POST of a form; only to the demo itself."""
        url = urllib.parse.urljoin(f"{self._url}/", address)
        if not url.startswith(f"{self._url}/"):
            raise CheckFailed(f"a link leads away from {self._url}")
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with urllib.request.urlopen(url, data, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - checked above
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            raise CheckFailed(f"{address} can't be opened: {error}") from error

    def _mail(self, number: int, what: str) -> EmailMessage:
        self._wait(lambda: len(self._catcher.messages()) >= number, f"{what} arrived")
        data = self._catcher.messages()[number - 1].data
        message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.SMTP)
        self._expect(message["To"] == READER and not message.defects, f"{what} is well made: {message['Subject']}")
        return message

    def _link(self, message: EmailMessage, kind: str) -> str:
        found = re.search(rf"{re.escape(self._url)}/{kind}/\S+", _body(message, "plain"))
        if found is None:
            raise CheckFailed(f"the mail has no {kind} link")
        return found[0]

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_so() and time.monotonic() < until:
            time.sleep(0.05)
        self._expect(is_so(), what)

    def _expect(self, is_so: bool, what: str) -> None:
        if not is_so:
            raise CheckFailed(f"the check failed at: {what}")
        click.echo(f"ok  {what}")


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()) if part is not None else ""
