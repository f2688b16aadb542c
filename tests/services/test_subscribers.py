"""Subscribers as a file: what is taken, what is turned away and why, and what comes out again."""

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
from newsletter.services.subscribers import COLUMNS, LONGEST_FIELD, Reject, Row
from newsletter.storage.tables import Consent, Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, dump

HEAD = "email,follows,language,status,confirmed_at,consent\n"
GOOD = "ada@example.org,KZ;SD,en,active,2022-11-30,by letter\n"


def read(text):
    return list(subscribers.read_rows(io.StringIO(text, newline=""), now=NOW))


def take(database, row, at=NOW):
    with database.writing() as session:
        subscribers.take_in(session, row, tokens=TOKENS, source="readers.csv", now=at)


def row_of(text=GOOD):
    ((_, row),) = read(HEAD + text)
    assert isinstance(row, Row)
    return row


def test_a_row_is_read_with_its_line_number():
    found = read(HEAD + "\n" + GOOD + '"eve@example.org","all",,"","","by\nletter"\n')

    first = Row(
        Address("ada@example.org", "ada@example.org"),
        ("SD", "KZ"),
        "en",
        datetime(2022, 11, 30, tzinfo=UTC),
        "by letter",
    )
    second = Row(Address("eve@example.org", "eve@example.org"), ("all",), "en", NOW, "by\nletter")
    assert found == [(3, first), (5, second)]


def test_columns_may_come_in_any_order_with_spaces_and_without_those_not_needed():
    ((_, row),) = read(" consent , email,follows\n by letter , ada@example.org ,\tKZ \n")

    assert isinstance(row, Row)
    assert (row.address.key, row.subjects, row.confirmed_at) == ("ada@example.org", ("KZ",), NOW)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("no address,KZ,,,,by letter", "Enter an e-mail address in the form", id="no address"),
        pytest.param(",KZ,,,,by letter", "Enter an e-mail address", id="an empty address"),
        pytest.param("a@example.org,XX,,,,by letter", "'XX' is neither", id="an unknown place"),
        pytest.param("a@example.org,,,,,by letter", "choose all updates", id="follows nothing"),
        pytest.param("a@example.org,KZ,,,,", "consent is empty", id="no consent"),
        pytest.param("a@example.org,KZ,,,", "consent is empty", id="too short a line"),
        pytest.param("a@example.org,KZ,,,,x,y", "more fields than columns", id="too long a line"),
        pytest.param("a@example.org,KZ,,pending,,x", "the status is 'pending'", id="not active"),
        pytest.param("a@example.org,KZ,klingonish,,,x", "the language is 'klingonish'", id="no language"),
        pytest.param("a@example.org,KZ,,,yesterday,x", "confirmed_at is 'yesterday'", id="no time"),
        pytest.param("a@example.org,KZ,,,2022-12-02,x", "lies in the future", id="a time to come"),
        pytest.param("a@example.org,KZ,,,0001-01-01T00:00+14:00,x", "confirmed_at is '0001", id="before all time"),
        pytest.param(f"a@example.org,KZ,,,,{'x' * (LONGEST_FIELD + 1)}", "a field is longer than", id="a long field"),
    ],
)
def test_a_row_that_can_not_be_taken_is_turned_away_alone(line, reason):
    found = read(f"{HEAD}{GOOD}{line}\n{GOOD}")

    assert [number for number, _ in found] == [2, 3, 4]
    reject = found[1][1]
    assert isinstance(reject, Reject)
    assert reason in reject.reason
    assert (reject.line, set(reject.values)) == (3, set(COLUMNS))
    assert "\n" not in reject.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "lacks consent, email, follows", id="nothing"),
        pytest.param("email,follows\n", "lacks consent", id="a column is missing"),
        pytest.param("email;follows;consent\n", "lacks consent, email, follows", id="semicolons"),
        pytest.param("email,follows,consent,name\n", "an unknown column 'name'", id="a column too many"),
        pytest.param("email,follows,consent,email\n", "the column 'email' twice", id="a column twice"),
        pytest.param('"email,follows,consent\n', "line 1 is no CSV", id="an open quote in the first line"),
        pytest.param(f'{HEAD}{GOOD}"a" b,c,d\n', "line 3 is no CSV", id="text after a quote"),
        pytest.param(f'{HEAD}"a@example.org\n', "line 2 is no CSV", id="an open quote"),
        pytest.param(f"{HEAD}{'x' * 200_000}\n", "line 2 is no CSV", id="a field of 200 kB"),
    ],
)
def test_a_file_that_is_no_table_of_subscribers_is_refused(text, reason):
    with pytest.raises(InvalidInput, match=reason):
        read(text)


def test_nul_bytes_are_left_out():
    assert row_of(GOOD.replace("ada", "a\0da")).address.key == "ada@example.org"


def test_a_row_makes_an_active_subscriber_with_its_consent_and_without_any_mail(database):
    take(database, row_of())

    with database.reading() as session:
        found = subscribers.by_address(session, "ada@example.org")
        confirmed = datetime(2022, 11, 30, tzinfo=UTC)
        assert (found.state, found.follows, found.language) == ("active", "SD;KZ", "en")
        assert (found.created_at, found.confirmed_at) == (NOW, confirmed)
        live = preferences.live_subscriptions(session, found.id)
        assert [(each.subject, each.requested_at, each.confirmed_at) for each in live] == [
            ("SD", confirmed, confirmed),
            ("KZ", confirmed, confirmed),
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
    take(database, row_of("+eve@example.org,all,,,2022-11-29T10:00:00+01:00,=HYPERLINK(1)\n"))
    take(database, row_of("-o'neil@example.org,KZ,,,,'=quoted\n"))
    with database.writing() as session:
        preferences.end(session, session.get_one(Subscriber, 1), "unsubscribed", origin=ORIGIN, now=NOW)

    assert exported(database) == (
        "email,follows,language,status,confirmed_at,consent\n"
        "ada@example.org,,en,ended,2022-11-30T00:00:00+00:00,readers.csv: by letter\n"
        "'+eve@example.org,all,en,active,2022-11-29T09:00:00+00:00,readers.csv: =HYPERLINK(1)\n"
        "'-o'neil@example.org,KZ,en,active,2022-12-01T09:00:00+00:00,readers.csv: =quoted\n"
    )
    found = [row for _, row in read(exported(database))]
    assert isinstance(found[0], Reject)
    assert [row.address.key for row in found[1:]] == ["+eve@example.org", "-o'neil@example.org"]


def test_the_consent_that_goes_out_is_the_last_one(database):
    with database.writing() as session:
        signup.request(session, Address.parse("a@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.confirm(session, 1, origin=ORIGIN, now=NOW)
        signup.request(session, Address.parse("b@example.org"), ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)

    lines = exported(database).splitlines()
    assert lines[1].endswith("active,2022-12-01T09:00:00+00:00,/subscribe: Send me updates.")
    assert lines[2] == "b@example.org,,en,pending,,"


@given(st.text(alphabet="'=+-@\t\r ab,\"", max_size=8).map(str.strip))
def test_no_cell_can_be_taken_for_a_formula_and_each_is_read_back(cell):
    written = subscribers.harmless(cell)

    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert subscribers.plain(written) == cell
