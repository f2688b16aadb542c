"""A demo that serves, and steps behind its pages, for journeys that begin later than at the form."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from threading import Thread

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
    thread.join()


@contextmanager
def serving() -> Iterator[Demo]:
    """A demo that serves, on a port of its own; it starts in half a second."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with ExitStack() as stack, prepared(port) as ready:
        stack.enter_context(at_work(ready.server))
        yield ready


def ask(demo: Demo, address: str, *subjects: str) -> int:
    """Somebody asks for mail, and has not confirmed yet; their id."""
    tokens, parsed = demo.settings.tokens, Address.parse(address)
    with demo.database.writing() as session:
        signup.request(session, parsed, subjects, origin=ORIGIN, tokens=tokens, now=utc_now())
        return session.scalars(select(Subscriber.id).where(Subscriber.address_key == parsed.key)).one()


def confirm(demo: Demo, subscriber_id: int) -> None:
    with demo.database.writing() as session:
        signup.confirm(session, subscriber_id, origin=ORIGIN, now=utc_now())


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
    return message_from_bytes(demo.catcher.messages()[-1].data, policy=policy.default)


def own_links(demo: Demo, mail: EmailMessage) -> Iterator[str]:
    """Every address of the demo that a mail holds, in its parts and its headers, each once."""
    parts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    texts = [unescape(part) for part in parts] + [str(value) for value in mail.values()]
    found = re.findall(rf"{re.escape(demo.settings.base_url)}[^\s\"'<>)]*", "\n".join(texts))
    yield from dict.fromkeys(address.rstrip(".,;") for address in found)
