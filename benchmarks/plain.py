"""The sender beside the plain way in Python: for each reader one Jinja render, one EmailMessage, one call of smtplib.

The plain way uses the same templates, so that it sends the same digest; it keeps no database. It is slow, so it sends
few messages. A second pair of rows leaves out the making: one message that is ready, over and over, is all that smtplib
can do.
"""

from __future__ import annotations

import argparse
import smtplib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial

from sqlalchemy import select

from benchmarks import audience, relay, sending_process
from benchmarks.instance import Instance, instance
from benchmarks.splicing import render
from benchmarks.table import table
from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents, assemble
from newsletter.mail.pictures.illustrated import Illustrations, illustrate
from newsletter.mail.publication import Publication
from newsletter.mail.recipient import Recipient
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber

HEAD = ("way", "connections", "messages", "rate", "the newsletter is faster")
SENDER = "updates@example.org"
Send = Callable[[smtplib.SMTP, Recipient], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=20_000, help="for the newsletter")
    parser.add_argument("--messages", type=int, default=1_000, help="for the plain way")
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    messages, sessions = min(arguments.messages, arguments.readers), arguments.sessions
    with relay.smtp_sink() as sink, instance(sink.port, connections=str(sessions)) as made:
        found = audience.fill(made.database, made.settings, arguments.readers)
        recipients = _recipients(made, messages)
        plain = PlainWay(made.settings.publication)
        ready = plain.message(recipients[0]).as_bytes(policy=SMTP)
        ways: list[tuple[str, Send]] = [
            ("Jinja, EmailMessage, smtplib", plain.send),
            ("smtplib alone, one message that is ready", partial(_send_ready, ready)),
        ]
        rates = [
            (name, threads, send_all(sink.port, send, recipients, threads))
            for name, send in ways
            for threads in (1, sessions)
        ]
        audience.plan(made.database)
        ours = arguments.readers / sending_process.run(made, arguments.readers).seconds
    rows = [
        [name, f"{count}", f"{messages:,}", f"{rate:,.0f}/s", f"{ours / rate:.1f} times"] for name, count, rate in rates
    ]
    rows.append(["newsletter", f"{sessions}", f"{arguments.readers:,}", f"{ours:,.0f}/s", ""])
    print(f"{found.followed} of {audience.PLACES} places; {len(ready):,} bytes a message\n")
    print(table(HEAD, rows))


class PlainWay:
    """Renders the digest's templates for each reader."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._contents: Contents = assemble(audience.MONTH, audience.updates(), gazetteer())
        self._illustrations: Illustrations = illustrate(self._contents, publication.pictures)

    def message(self, reader: Recipient) -> EmailMessage:
        rendered = render(self._contents, self._publication, self._illustrations, reader)
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Country Updates <{SENDER}>"
        message["To"] = reader.address
        message["Subject"] = f"Country Updates, {audience.MONTH}"
        message["List-Unsubscribe"] = f"<{self._publication.links.unsubscribe(reader.subscriber_id)}>"
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        return message

    def send(self, connection: smtplib.SMTP, reader: Recipient) -> None:
        connection.send_message(self.message(reader))


def send_all(port: int, send: Send, recipients: Sequence[Recipient], threads: int) -> float:
    """The rate at which so many threads, each with a connection of its own, send to all of them; messages a second."""

    def send_share(number: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            for reader in recipients[number::threads]:
                send(connection, reader)

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send_share, range(threads)))
    return len(recipients) / (time.monotonic() - began)


def _send_ready(ready: bytes, connection: smtplib.SMTP, reader: Recipient) -> None:
    connection.sendmail(SENDER, [reader.address], ready)


def _recipients(made: Instance, count: int) -> list[Recipient]:
    with made.database.reading() as session:
        found = session.scalars(select(Subscriber).order_by(Subscriber.id).limit(count))
        return [Recipient(each.id, each.address, subjects_.split(each.follows)) for each in found]


if __name__ == "__main__":
    main()
