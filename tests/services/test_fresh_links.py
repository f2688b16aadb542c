"""A new link to one's own page: to who is subscribed, and not so often that it fills a mailbox."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind
from newsletter.services import fresh_links, leaving, preferences, signup
from newsletter.storage.tables import Notice
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS

MINUTE = timedelta(minutes=1)


def sent(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Notice.kind == NoticeKind.MANAGE_LINK.value))


def send(database, *minutes):
    for each in minutes:
        with database.writing() as session:
            fresh_links.send(session, preferences.subscriber_of_link(session, 1), now=NOW + each * MINUTE)


def test_one_in_a_quarter_of_an_hour_and_three_a_day_go_out_and_the_first_right_after_a_confirmation(sqlite):
    with sqlite.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)

    send(sqlite, 1, 2, 14)
    assert sent(sqlite) == 1
    send(sqlite, 20, 40, 60, 80, 1400)
    assert sent(sqlite) == 3
    send(sqlite, 1500)
    assert sent(sqlite) == 4


def test_who_is_not_subscribed_gets_none(sqlite):
    with sqlite.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
    send(sqlite, 1)
    with sqlite.writing() as session:
        ada = signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        leaving.leave(session, ada, origin=ORIGIN, tokens=TOKENS, now=NOW)
    send(sqlite, 30)

    assert sent(sqlite) == 0
