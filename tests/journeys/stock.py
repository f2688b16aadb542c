"""A demo that serves, and steps behind its pages, for journeys that begin later than at the form."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from threading import Thread
from typing import Any

from sqlalchemy import select

from newsletter.cli.demo import ADMIN, HOST, Demo, prepared
from newsletter.cli.serving import Server
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.domain.states import OPEN_STATES, EditionState
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions, signup
from newsletter.services.consents import Origin
from newsletter.storage.tables import Edition, Notice, Subscriber
from newsletter.web import create_app
from newsletter.web.database import db
from tests.journeys.visit import PATIENCE_SECONDS

ORIGIN = Origin("/subscribe", "Send me updates.")


@contextmanager
def at_work(server: Server) -> Iterator[None]:
    """Let a server answer while it is open; it has to be closed within."""
    # waitress looks for what others did to it, such as to close it, once a second by itself.
    server._server.adj.asyncore_loop_timeout = 0.02
    thread = Thread(target=server.run_in_thread, name="web", daemon=True)
    thread.start()
    yield
    # A browser keeps its connections, and the server would wait for that to end.
    for channel in list(server._server.active_channels.values()):
        channel.will_close = True
    thread.join()


@contextmanager
def serving() -> Iterator[Demo]:
    """A demo that serves, on a port of its own; it starts in half a second."""
    with ExitStack() as stack, prepared(_free_port()) as ready:
        stack.enter_context(at_work(ready.server))
        yield ready


@contextmanager
def serving_also(demo: Demo, *, clock: Callable[[], datetime] = utc_now, **settings: Any) -> Iterator[str]:
    """The demo's site once more, with other settings and on another port; its address."""
    port = _free_port()
    changed = replace(demo.settings, base_url=f"http://{HOST}:{port}", **settings)
    app = create_app(changed, clock=clock)
    server = Server(app, HOST, port)
    with at_work(server):
        yield changed.base_url
        server.close()
    with app.app_context():
        db.engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def ask(demo: Demo, address: str, *subjects: str, at: datetime | None = None) -> int:
    """Somebody asks for mail, now or at a time before, and has not confirmed yet; their id."""
    tokens, parsed = demo.settings.tokens, Address.parse(address)
    with demo.database.writing() as session:
        signup.request(session, parsed, subjects, origin=ORIGIN, tokens=tokens, now=at or utc_now())
        return session.scalars(select(Subscriber.id).where(Subscriber.address_key == parsed.key)).one()


def confirm(demo: Demo, subscriber_id: int, *, at: datetime | None = None) -> None:
    with demo.database.writing() as session:
        signup.confirm(session, subscriber_id, origin=ORIGIN, tokens=demo.settings.tokens, now=at or utc_now())


def send(demo: Demo, month: Month) -> None:
    """Approve a month's edition, send it, and wait until it is sent."""
    with demo.database.writing() as session:
        editions.ensure(session, month, now=utc_now())
        editions.approve(session, month, demo.settings.publication, by=ADMIN, now=utc_now())
        deliveries.start(session, month, by=ADMIN, now=utc_now())
    settle(demo)


def settle(demo: Demo) -> None:
    """Wait until the sender has nothing left to do or to write down."""
    notices = select(Notice.id).where(Notice.state.in_([state.value for state in OPEN_STATES]))
    sending = select(Edition.id).where(Edition.state == EditionState.SENDING.value)

    def is_settled() -> bool:
        with demo.database.reading() as session:
            return session.scalars(notices).first() is None and session.scalars(sending).first() is None

    until(is_settled)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what no page shows; only so long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def newest_mail(demo: Demo) -> EmailMessage:
    """Once the sender has sent what waits."""
    settle(demo)
    return _read(demo.catcher.messages()[-1].data)


def mails_to(demo: Demo, address: str) -> list[EmailMessage]:
    """All that has come to an address, the newest last, once the sender has sent what waits."""
    settle(demo)
    return [_read(caught.data) for caught in demo.catcher.messages() if address in caught.rcpt_to]


def _read(data: bytes) -> EmailMessage:
    return message_from_bytes(data, _class=EmailMessage, policy=policy.default)


def shown_text(mail: EmailMessage) -> str:
    """The text part, its lines joined."""
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def link_of(mail: EmailMessage, words: str) -> str:
    """Where the link or button of these words leads, as the HTML has it; the text part must have it too."""
    part = mail.get_body(("html",))
    assert part is not None
    found = [address for address, told in _LinkReader(str(part.get_content())).links if told == words]
    assert len(set(found)) == 1, f"{words!r} leads to {found}"
    assert found[0] in shown_text(mail)
    return found[0]


class _LinkReader(HTMLParser):
    """The links of a mail's HTML: where each leads, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self._inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address is not None:
            self._inside = True
            self.links.append((address, ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside:
            address, told = self.links[-1]
            self.links[-1] = (address, told + data)


def own_links(demo: Demo, mail: EmailMessage) -> Iterator[str]:
    """Every address of the demo that a mail holds, in its parts and its headers, each once."""
    parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    texts = [unescape(part) for part in parts] + [str(value) for value in mail.values()]
    found = re.findall(rf"{re.escape(demo.settings.base_url)}[^\s\"'<>)]*", "\n".join(texts))
    yield from dict.fromkeys(address.rstrip(".,;") for address in found)
