"""What is due, looked at again before it is sent: a goodbye goes to who has left by it, and to nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.services import claims, leaving, notices, signup, suppressions
from newsletter.storage.tables import Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, begin

HOUR = timedelta(hours=1)
LEFT = NOW + HOUR


@pytest.fixture
def left(database):
    """Somebody who has left after a welcome that was never sent; their goodbye waits."""
    with database.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("east-africa", "KZ"), origin=ORIGIN, tokens=TOKENS, now=NOW)
        ada = signup.confirm(session, 1, origin=ORIGIN, now=NOW)
        leaving.leave(session, ada, origin=ORIGIN, tokens=TOKENS, now=LEFT)


def arm(database, *, at=LEFT):
    with database.writing() as session:
        arming, _ = begin(session)
        return claims.arm_notices(session, replace(arming, now=at), limit=9)


def skipped(database):
    with database.reading() as session:
        query = select(Notice.kind, Notice.detail).where(Notice.state == "skipped").order_by(Notice.id)
        return [tuple(row) for row in session.execute(query)]


def test_who_has_left_gets_the_goodbye_and_nothing_else_and_reads_what_they_gave_up(database, left):
    (armed,) = arm(database)

    assert (armed.kind, armed.created_at) == (NoticeKind.GOODBYE, LEFT)
    assert armed.recipient.follows == ("east-africa", "KZ")
    assert skipped(database) == [("confirmation", "ended"), ("welcome", "ended")]


def test_who_is_back_by_the_time_gets_no_goodbye(database, left):
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        leaving.undo(session, ada, LEFT, origin=ORIGIN, tokens=TOKENS, now=LEFT)

    assert [each.kind for each in arm(database)] == [NoticeKind.WELCOME]
    assert ("goodbye", "ended") in skipped(database)


def test_a_goodbye_of_an_earlier_leaving_is_not_sent(database, left):
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        leaving.undo(session, ada, LEFT, origin=ORIGIN, tokens=TOKENS, now=LEFT)
        leaving.leave(session, ada, origin=ORIGIN, tokens=TOKENS, now=LEFT + HOUR)

    assert [(each.kind, each.created_at) for each in arm(database, at=LEFT + HOUR)] == [
        (NoticeKind.GOODBYE, LEFT + HOUR)
    ]


def test_who_is_suppressed_by_the_time_gets_no_goodbye(database, left):
    with database.writing() as session:
        suppressions.suppress(session, "ada@example.org", SuppressionReason.ERASED, tokens=TOKENS, now=LEFT)

    assert arm(database) == []
    assert ("goodbye", "suppressed") in skipped(database)


def test_nothing_waits_for_the_alerts_before_and_after_it(database, left):
    waiting = {"kind": "alert", "state": "pending", "created_at": NOW, "place_code": "KZ"}
    with database.writing() as session:
        for number in range(60):
            due_at = int(LEFT.timestamp()) + (-90 if number < 30 else 90)
            session.add(Notice(subscriber_id=1, month=f"{1990 + number}-01", due_at=due_at, **waiting))

    assert [each.kind.value for each in arm(database, at=LEFT + HOUR)] == ["goodbye"]


def test_the_longest_due_go_first_when_there_are_more_than_the_limit(sqlite):
    with sqlite.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        for minutes in range(20):
            notices.enqueue(session, NoticeKind.CONFIRMATION, 1, now=NOW + timedelta(minutes=minutes))

    rows = [each.claim.row_id for each in arm(sqlite, at=LEFT)]

    assert rows == list(range(1, 10))
