"""Addresses that get nothing; and the ledger of consent."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.errors import NotFound
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


def test_a_suppression_is_lifted_and_told_why_it_was(database):
    with database.writing() as session:
        for reason in (SuppressionReason.HARD_BOUNCE, SuppressionReason.BY_ADMIN):
            suppressions.suppress(session, "ada@example.org", reason, tokens=TOKENS, now=NOW)
        suppressions.suppress(session, "eve@example.org", SuppressionReason.BY_ADMIN, tokens=TOKENS, now=NOW)

        lifted = suppressions.lift(session, "ada@example.org", tokens=TOKENS)

        assert lifted is SuppressionReason.HARD_BOUNCE
        assert not suppressions.is_suppressed(session, "ada@example.org", tokens=TOKENS)
        assert [each.reason for each in suppressions.listed(session)] == ["by_admin"]
        with pytest.raises(NotFound, match="this address is not suppressed; look whether it is written right"):
            suppressions.lift(session, "ada@example.org", tokens=TOKENS)


def test_the_oldest_suppression_is_listed_first(database):
    with database.writing() as session:
        for days, reason in enumerate(SuppressionReason):
            at = NOW - timedelta(days=days)
            suppressions.suppress(session, f"reader{days}@example.org", reason, tokens=TOKENS, now=at)
    with database.reading() as session:
        assert [each.reason for each in suppressions.listed(session)] == list(reversed(SuppressionReason))


def test_what_stands_in_place_of_an_address_is_told_from_one_that_only_looks_like_it(database):
    with database.writing() as session:
        for key in ("forgotten:x@example.org", f"forgotten:{'0' * 64}"):
            suppressions.suppress(session, key, SuppressionReason.BY_ADMIN, tokens=TOKENS, now=NOW)
        hashes = {each.address_hash for each in suppressions.listed(session)}
    assert hashes == {TOKENS.digest("suppression", "forgotten:x@example.org"), "0" * 64}


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
    assert {row[0] for row in dump(database)} - {"sending_guard"} == {"region", "place", "suppression"}


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
