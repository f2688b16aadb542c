"""The sender against Debian's Postfix: what it takes, what it refuses, and what then lies in the readers' mailboxes."""

from __future__ import annotations

import email
import shutil
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter import config
from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Verdict
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.jobs.sender import Sender, utc_now
from newsletter.mail.dkim import Algorithm
from newsletter.services import editions, suppressions
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.delivery.authority import Authority
from tests.delivery.conftest import collect
from tests.delivery.postfix import PATIENCE, Postfix
from tests.mail.test_dkim import key, verdicts
from tests.readers import MONTH, add_readers, approve_sample

READERS = 30
UNKNOWN = 3  #: this reader's mailbox is gone
GREYLISTED = 5  #: mail for this one is taken at the second try
FIRST_RETRY = timedelta(minutes=12)  #: 10 minutes, and the jitter


def address(number: int) -> str:
    return f"reader{number}@example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("tls"), "localhost", hosts=["localhost"]).file


@pytest.fixture(scope="module")
def postfix(certificate: Path) -> Iterator[Postfix]:
    known = [address(number) for number in range(1, READERS + 1) if number != UNKNOWN]
    others = ["plain@example.org", "octets@example.org"]
    with Postfix([*known, *others], certificate=certificate, greylisted=[address(GREYLISTED)]) as running:
        yield running


@dataclass(frozen=True)
class Sent:
    """An edition after it was sent."""

    rows: dict[int, Delivery]  #: by the number of the reader
    states: dict[int, str]  #: of the subscribers
    deferred: dict[int, str]  #: what Postfix said of those who had to wait
    is_suppressed: dict[int, bool]
    trouble: str | None


@pytest.fixture(scope="module")
def sent(
    postfix: Postfix, certificate: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sent]:
    """The sample month, signed with two keys and sent over TLS; the clock is put forward for who has to wait."""
    folder = tmp_path_factory.mktemp("instance")
    for algorithm in Algorithm:
        (folder / f"{algorithm}.pem").write_bytes(key(algorithm).pem())
    settings = config.load(
        {},
        instance=str(folder),
        smtp_url=postfix.url("required"),
        smtp_ca_file=str(certificate),
        mx_lookup="off",
        connections="2",
        sender="Country Updates <updates@example.org>",
        base_url="https://updates.example.org",
        postal_address="Example Foundation, 1 Sample Street",
        dkim_selector=key(Algorithm.RSA).selector,
        dkim_key="rsa.pem",
        dkim_ed25519_selector=key(Algorithm.ED25519).selector,
        dkim_ed25519_key="ed25519.pem",
    )
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, folder / 'newsletter.db')}")
    add_readers(database, READERS, now=NOW)
    approve_sample(database, settings, now=NOW)
    ahead = timedelta()
    deferred: dict[int, str] = {}

    def is_over() -> bool:
        nonlocal ahead
        assert time.monotonic() < patience, postfix.log()
        with database.reading() as session:
            rows = session.scalars(select(Delivery)).all()
            state = editions.get(session, MONTH).state
        if all(row.state not in (DeliveryState.PENDING, DeliveryState.ARMED) for row in rows) and not ahead:
            deferred.update((row.subscriber_id, row.detail or "") for row in rows if row.state == "deferred")
            ahead = FIRST_RETRY
        return state == EditionState.SENT

    patience = time.monotonic() + PATIENCE
    sender = Sender(database, settings, clock=lambda: utc_now() + ahead)
    sender.run(is_over)
    with database.reading() as session:
        readers = session.scalars(select(Subscriber)).all()
        yield Sent(
            {row.subscriber_id: row for row in session.scalars(select(Delivery))},
            {reader.id: reader.state for reader in readers},
            deferred,
            {
                reader.id: suppressions.is_suppressed(session, reader.address_key, tokens=settings.tokens)
                for reader in readers
            },
            sender.trouble,
        )
    database.close()


def test_postfix_offers_what_we_rely_on_and_more(postfix):
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.ehlo()
        assert client.esmtp_features.keys() >= {"pipelining", "size", "8bitmime", "smtputf8", "starttls", "chunking"}


def test_everybody_with_a_mailbox_finds_one_digest_in_it(sent, postfix):
    for number, row in sent.rows.items():
        if number == UNKNOWN:
            continue
        [mail] = postfix.mailbox(address(number), holds=1)
        message = email.message_from_bytes(mail, policy=policy.default)
        assert row.state == DeliveryState.SENT
        assert message["Delivered-To"] == message["To"] == address(number)
        assert "Country Updates" in message["From"]
    assert sent.trouble is None


def test_both_signatures_hold_in_the_mailbox(sent, postfix):
    assert sent.rows
    [mail] = postfix.mailbox(address(1), holds=1)
    as_received = mail.replace(b"\n", b"\r\n")

    assert verdicts(as_received) == [True, True]
    assert verdicts(as_received.replace(b"Unsubscribe", b"Subscribe", 1)) != [True, True]


def test_mail_went_over_tls(sent, postfix):
    assert sent.rows
    [mail] = postfix.mailbox(address(1), holds=1)
    received = email.message_from_bytes(mail, policy=policy.default)["Received"]

    assert "ESMTPS" in received
    assert "TLSv1.3" in received


def test_a_mailbox_that_is_gone_ends_that_subscription_only(sent):
    assert sent.rows[UNKNOWN].state == DeliveryState.FAILED
    assert sent.rows[UNKNOWN].detail.startswith("550 5.1.1 ")
    assert "User unknown" in sent.rows[UNKNOWN].detail
    assert "reader3" not in sent.rows[UNKNOWN].detail
    assert [number for number, state in sent.states.items() if state != "active"] == [UNKNOWN]
    assert [number for number, suppressed in sent.is_suppressed.items() if suppressed] == [UNKNOWN]


def test_who_is_greylisted_gets_it_at_the_second_try(sent, postfix):
    assert sent.deferred.keys() == {GREYLISTED}
    assert sent.deferred[GREYLISTED].startswith("450 4.7.1 ")
    assert "greylisted" in sent.deferred[GREYLISTED]
    assert sent.rows[GREYLISTED].state == DeliveryState.SENT
    assert sent.rows[GREYLISTED].attempt == 2
    assert len(postfix.mailbox(address(GREYLISTED), holds=1)) == 1


def submit(postfix: Postfix, recipient: str, data: bytes) -> Verdict:
    relay = RelaySettings(host="localhost", port=postfix.port, tls=TlsMode.NONE)
    with Engine([relay]) as engine:
        engine.submit([OutgoingMessage(1, "bounce@example.org", recipient, data)])
        [outcome] = collect(engine, 1)
        assert engine.close(5) == []
    return outcome.verdict


def test_dots_and_empty_lines_arrive_as_they_were(postfix):
    body = b".\r\n..\r\n.hidden\r\n\r\n\r\n. \r\nend.\r\n.\r\n"

    assert submit(postfix, "plain@example.org", b"From: a@example.org\r\nSubject: x\r\n\r\n" + body) is Verdict.SENT

    [mail] = postfix.mailbox("plain@example.org", holds=1)
    assert mail.partition(b"\n\n")[2].replace(b"\n", b"\r\n") == body


def test_octets_beyond_ascii_arrive_as_they_were(postfix):
    body = "Außenpolitik, внешняя политика\r\n".encode()

    assert submit(postfix, "octets@example.org", b"From: a@example.org\r\nSubject: x\r\n\r\n" + body) is Verdict.SENT

    [mail] = postfix.mailbox("octets@example.org", holds=1)
    assert mail.partition(b"\n\n")[2].replace(b"\n", b"\r\n") == body


def test_what_is_larger_than_postfix_takes_is_not_even_begun(postfix):
    too_large = b"From: a@example.org\r\nSubject: x\r\n\r\n" + b"x" * 900 * 12_000 + b"\r\n"

    assert submit(postfix, "plain@example.org", too_large) is Verdict.NEVER
    assert "exceeds" not in postfix.log()


def test_a_domain_that_postfix_does_not_relay_for_is_our_own_trouble(postfix):
    assert submit(postfix, "reader@example.com", b"Subject: x\r\n\r\nx\r\n") is Verdict.REFUSED
