"""Addresses that get nothing; and the ledger of consent."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.mail.links import Tokens
from newsletter.services import consents, signup, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.tables import Consent, Subscriber, Suppression
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, dump


def test_an_address_is_suppressed_once_and_the_first_reason_stays(database):
    with database.writing() as session:
        for reason in (SuppressionReason.COMPLAINT, SuppressionReason.ERASED):
            suppressions.suppress(session, "ada@example.org", reason, tokens=TOKENS, now=NOW)

        assert suppressions.is_suppressed(session, "ada@example.org", tokens=TOKENS)
        assert not suppressions.is_suppressed(session, "eve@example.org", tokens=TOKENS)
    with database.reading() as session:
        assert [(row.reason, row.at) for row in session.scalars(select(Suppression))] == [("complaint", NOW)]


def test_what_is_kept_holds_no_address_and_needs_the_key(database):
    with database.writing() as session:
        suppressions.suppress(session, "ada@example.org", SuppressionReason.ERASED, tokens=TOKENS, now=NOW)

        other = Tokens("another secret key, of another site")
        assert not suppressions.is_suppressed(session, "ada@example.org", tokens=other)
    assert "ada" not in str([row for row in dump(database) if row[0] == "suppression"])
    assert suppressions.address_hash("ada@example.org", TOKENS) != hashlib.sha256(b"ada@example.org").hexdigest()


def test_a_suppression_outlives_its_subscriber(database):
    with database.writing() as session:
        signup.request(session, Address.parse("ada@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        suppressions.suppress(session, "ada@example.org", SuppressionReason.ERASED, tokens=TOKENS, now=NOW)
    with database.writing() as session:
        session.delete(session.get_one(Subscriber, 1))
    with database.reading() as session:
        assert suppressions.is_suppressed(session, "ada@example.org", tokens=TOKENS)
    assert {row[0] for row in dump(database)} == {"region", "place", "suppression"}


def test_the_ledger_keeps_the_words_and_their_hash(database):
    with database.writing() as session:
        signup.request(session, Address.parse("ada@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        shown = Origin(source="/manage", text="Ünïcode words")
        consents.record(session, 1, ConsentAct.CHANGED, shown, now=NOW)
    with database.reading() as session:
        row = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert row is not None
        assert (row.act, row.source, row.ip, row.text, row.at) == ("changed", "/manage", None, "Ünïcode words", NOW)
        assert row.text_sha256 == hashlib.sha256("Ünïcode words".encode()).hexdigest()
