"""Test copies, from the desk's wish to a real relay: a digest that is marked, and that nobody leaves by."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.role import Role
from newsletter.jobs.sender import Sender
from newsletter.mail.compiled import Compiled
from newsletter.mail.pictures.picture import PictureMode
from newsletter.mail.recipient import Recipient
from newsletter.mail.splicing import Splicer
from newsletter.services import admins, approval, editions, test_copies
from newsletter.services.test_copies import Order
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Edition, Notice
from tests.conftest import NOW
from tests.readers import MONTH, approve_sample
from tests.relay import Relay

#: With the column that Outlook needs around it.
BANNER = re.compile(
    r"<!--\[if mso\]><table[^>]*><tr><td><!\[endif\]-->\s*<div role=\"note\".*?</div>\s*<!--.*?-->", re.DOTALL
)


@pytest.fixture
def relay():
    with Relay() as running:
        yield running


@pytest.fixture
def settings(make_settings, relay):
    return make_settings(smtp_url=relay.url)


def copies(database, settings, relay, order, *addresses):
    """Ask for copies and send them; the mails that the relay took."""
    with database.writing() as session:
        asked_by = admins.add(session, Address.parse("ada@example.org"), Role.SENDER, None, now=NOW)
        test_copies.ask(session, MONTH, addresses, order, asked_by=asked_by, now=NOW)

    def is_over():
        waiting = select(Notice.id).where(Notice.state.in_(["pending", "armed", "deferred"])).limit(1)
        with database.reading() as session:
            return session.scalar(waiting) is None

    Sender(database, settings, clock=lambda: NOW).run(is_over)
    return [message_from_bytes(taken.data, _class=EmailMessage, policy=policy.default) for taken in relay.taken()]


def words(mail, kind):
    return mail.get_body((kind,)).get_content()


def test_of_an_approved_edition_it_is_what_a_reader_gets_under_a_mark(database, settings, relay):
    edition_id = approve_sample(database, settings, now=NOW, start=False)

    mails = copies(database, settings, relay, Order(("KZ", "SD")), "eve@example.org", "bob@example.org")

    assert [mail["To"] for mail in mails] == ["eve@example.org", "bob@example.org"]
    assert len({mail["Message-ID"] for mail in mails}) == 2
    with database.reading() as session:
        pieces = Compiled.load(session.get_one(Edition, edition_id).compiled.pieces)
    digest = Splicer(pieces, settings.publication, gazetteer()).splice(Recipient(0, "eve@example.org", ("KZ", "SD")))
    real = message_from_bytes(digest.data, _class=EmailMessage, policy=policy.default)
    mail = mails[0]
    assert mail["Subject"] == f"[Test copy] {real['Subject']}"
    assert words(mail, "plain").endswith(words(real, "plain"))
    assert "TEST COPY" in words(mail, "plain")[:200]
    assert "Kazakhstan, Sudan" in words(mail, "plain")[:500]
    html = words(mail, "html")
    assert html.index("<b>Test copy</b>, made at the desk by ada@example.org") < html.index("<h1")
    assert (BANNER.sub("", html, count=1)).split() == words(real, "html").split()


def test_nobody_leaves_by_it(database, settings, relay):
    approve_sample(database, settings, now=NOW, start=False)

    (mail,) = copies(database, settings, relay, Order(("all",)), "eve@example.org")

    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None
    assert settings.publication.links.unsubscribe(0) in words(mail, "plain")


def test_of_a_draft_it_carries_its_pictures_which_are_on_no_page_yet(database, settings, relay):
    assert settings.publication.pictures is PictureMode.HOSTED
    approve_sample(database, settings, now=NOW, start=False)
    with database.writing() as session:
        approval.take_back(session, MONTH, now=NOW)

    (mail,) = copies(database, settings, relay, Order(("KZ",)), "eve@example.org")

    assert mail["Subject"].startswith("[Test copy] Country Updates, November 2022")
    assert any(part.get_content_maintype() == "image" for part in mail.walk())
    with database.reading() as session:
        assert editions.get(session, MONTH).compiled is None


def test_for_who_wants_text_alone_it_is_text_alone(sqlite, settings, relay):
    approve_sample(sqlite, settings, now=NOW, start=False)

    (mail,) = copies(sqlite, settings, relay, Order(("KZ",), text_only=True), "eve@example.org")

    assert mail.get_content_type() == "text/plain"
    assert "TEST COPY" in mail.get_content()[:200]
