"""Subscribers taken in one by one, and given out as a table."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import SuppressionReason
from newsletter.errors import InvalidInput, NotFound
from newsletter.services import forgotten, preferences, signup, subscribers, suppressions
from newsletter.services.import_rows import Reader
from newsletter.services.subscribers import COLUMNS, Row
from newsletter.storage.tables import Consent, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, dump

CONFIRMED = datetime(2022, 11, 30, tzinfo=UTC)


def take(database, row, at=NOW):
    with database.writing() as session:
        subscribers.take_in(session, row, tokens=TOKENS, source="readers.csv", now=at)


def row_of(email="ada@example.org", follows=("SD", "KZ"), confirmed_at=CONFIRMED, consent="by letter"):
    return Row(Address.parse(email), follows, "en", confirmed_at, consent)


def test_a_row_makes_an_active_subscriber_with_its_consent_and_without_any_mail(database):
    take(database, row_of())

    with database.reading() as session:
        found = subscribers.by_address(session, "ada@example.org")
        assert (found.state, found.follows, found.language) == ("active", "SD;KZ", "en")
        assert (found.created_at, found.confirmed_at) == (NOW, CONFIRMED)
        live = preferences.live_subscriptions(session, found.id)
        assert [(each.subject, each.requested_at, each.confirmed_at) for each in live] == [
            ("SD", CONFIRMED, CONFIRMED),
            ("KZ", CONFIRMED, CONFIRMED),
        ]
        consent = session.scalars(select(Consent)).one()
        assert (consent.act, consent.source, consent.text) == ("confirmed", "readers.csv", "by letter")
        assert session.scalars(select(Notice)).all() == []


@pytest.mark.parametrize("state", ["pending", "active", "ended"])
def test_who_is_here_already_is_left_alone(database, state):
    with database.writing() as session:
        signup.request(session, Address.parse("ADA@example.org"), ("ET",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        session.get_one(Subscriber, 1).state = state
    before = dump(database)

    with pytest.raises(InvalidInput, match="here already"):
        take(database, row_of(), at=NOW + timedelta(days=1))
    assert dump(database) == before


def test_who_is_suppressed_is_not_taken_in(database):
    with database.writing() as session:
        suppressions.suppress(session, "ada@example.org", SuppressionReason.ERASED, tokens=TOKENS, now=NOW)
    before = dump(database)

    with pytest.raises(InvalidInput, match="suppressed"):
        take(database, row_of())
    assert dump(database) == before


def test_who_left_and_is_forgotten_is_not_taken_in_by_an_old_list_nor_given_out(database):
    take(database, row_of())
    with database.writing() as session:
        ada = subscribers.by_address(session, "ada@example.org")
        preferences.end(session, ada, "unsubscribed", origin=ORIGIN, now=NOW)
    later = NOW + timedelta(days=30)
    with database.writing() as session:
        assert forgotten.forget(session, tokens=TOKENS, now=later, most=10) == 1

    with pytest.raises(InvalidInput, match="this address has left"):
        take(database, row_of(), at=later)
    with database.reading() as session:
        assert list(subscribers.export_rows(session)) == []


def test_an_address_that_nobody_has_is_not_found(sqlite):
    with sqlite.reading() as session, pytest.raises(NotFound):
        subscribers.by_address(session, "ada@example.org")


def exported(database):
    text = io.StringIO()
    with database.reading() as session:
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(subscribers.export_rows(session))
    return text.getvalue()


def test_what_goes_out_can_be_taken_in_again(database):
    take(database, row_of())
    take(database, row_of("+eve@example.org", ("all",), CONFIRMED - timedelta(hours=15), "=HYPERLINK(1)"))
    take(database, row_of("-o'neil@example.org", ("KZ",), NOW, "=quoted"))
    with database.writing() as session:
        preferences.end(session, session.get_one(Subscriber, 1), "unsubscribed", origin=ORIGIN, now=NOW)

    assert exported(database) == (
        "email,follows,language,status,confirmed_at,consent\n"
        "ada@example.org,,en,ended,2022-11-30T00:00:00+00:00,readers.csv: by letter\n"
        "'+eve@example.org,all,en,active,2022-11-29T09:00:00+00:00,readers.csv: =HYPERLINK(1)\n"
        "'-o'neil@example.org,KZ,en,active,2022-12-01T09:00:00+00:00,readers.csv: =quoted\n"
    )
    found = list(Reader(io.BytesIO(exported(database).encode()), now=NOW).rows())
    assert [row.outcome for row in found] == ["rejected", "new", "new"]
    assert [row.address_key for row in found[1:]] == ["+eve@example.org", "-o'neil@example.org"]


def test_more_than_fit_in_memory_at_once_go_out_one_by_one(database, monkeypatch):
    monkeypatch.setattr(subscribers, "_BATCH", 2)
    for number in range(5):
        take(database, row_of(f"r{number}@example.org"))

    assert [line.split(",")[0] for line in exported(database).splitlines()[1:]] == [
        f"r{number}@example.org" for number in range(5)
    ]


def test_the_consent_that_goes_out_is_the_last_one(database):
    with database.writing() as session:
        signup.request(session, Address.parse("a@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.request(session, Address.parse("b@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)

    lines = exported(database).splitlines()
    assert lines[1].endswith("active,2022-12-01T09:00:00+00:00,/subscribe: Send me updates.")
    assert lines[2] == "b@example.org,,en,pending,,"


@given(st.text(alphabet="'=+-@\t\r ab,\"", max_size=8).map(str.strip))
def test_no_cell_can_be_taken_for_a_formula_and_each_is_read_back(cell):
    written = subscribers.harmless(cell)

    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert subscribers.plain(written) == cell
