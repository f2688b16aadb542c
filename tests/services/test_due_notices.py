"""What is due, looked at again before it is sent: a goodbye goes to who has left by it, an alert to who takes any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SuppressionReason
from newsletter.domain.update import Alert, Trend
from newsletter.services import (
    address_changes,
    claims,
    editorial,
    leaving,
    notices,
    preferences,
    signup,
    suppressions,
)
from newsletter.storage.tables import Notice, Subscriber
from tests.conftest import NOW
from tests.services.stock import ORIGIN, TOKENS, an_update, begin

HOUR = timedelta(hours=1)
LEFT = NOW + HOUR


@pytest.fixture
def left(database):
    """Somebody who has left after a welcome that was never sent; their goodbye waits."""
    with database.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("east-africa", "KZ"), origin=ORIGIN, tokens=TOKENS, now=NOW)
        ada = signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
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


@pytest.fixture
def alerted(database):
    """A reader who wants alerts at once; one of Sudan waits for them. It was published at LEFT."""
    with database.writing() as session:
        address = Address.parse("ada@example.org")
        signup.request(session, address, ("SD",), origin=ORIGIN, tokens=TOKENS, now=NOW)
        ada = signup.confirm(session, 1, origin=ORIGIN, tokens=TOKENS, now=NOW)
        preferences.change(session, ada, ("SD", "KZ"), alerts_at_once=True, origin=ORIGIN, now=NOW)
        session.execute(delete(Notice))
        update = an_update("SD", trend=Trend.DETERIORATED, alerts=(Alert.CONFLICT_RISK,))
        editorial.store(session, update, now=LEFT)
        assert session.scalars(select(Notice).where(Notice.kind == "alert")).one()


@pytest.mark.parametrize(
    ("paused_at", "resumed_at", "goes_out"),
    [
        pytest.param(None, None, True, id="not paused"),
        pytest.param(NOW, None, False, id="published in a pause"),
        pytest.param(LEFT + HOUR, None, False, id="paused before it went out"),
        pytest.param(NOW, NOW + HOUR / 2, True, id="published after a pause was ended"),
        pytest.param(NOW - timedelta(days=31), None, True, id="published after a pause"),
    ],
)
def test_an_alert_that_is_published_in_a_pause_goes_to_nobody(database, alerted, paused_at, resumed_at, goes_out):
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        if paused_at is not None:
            preferences.pause(session, ada, 1, zone=ZoneInfo("UTC"), origin=ORIGIN, now=paused_at)
        if resumed_at is not None:
            preferences.resume(session, ada, origin=ORIGIN, now=resumed_at)

    assert [each.kind.value for each in arm(database, at=LEFT + 2 * HOUR)] == (["alert"] if goes_out else [])
    assert (("alert", "paused") in skipped(database)) is not goes_out


def test_other_notices_do_not_mind_a_pause(database, alerted):
    with database.writing() as session:
        ada = session.get_one(Subscriber, 1)
        preferences.pause(session, ada, 6, zone=ZoneInfo("UTC"), origin=ORIGIN, now=NOW)
        session.execute(delete(Notice))
        notices.enqueue(session, NoticeKind.MANAGE_LINK, 1, now=LEFT)

    assert [each.kind.value for each in arm(database)] == ["manage_link"]


@pytest.fixture
def asked(database, alerted):
    """They have asked for a new address; nothing else waits. The question's id."""
    with database.writing() as session:
        session.execute(delete(Notice))
        ada = session.get_one(Subscriber, 1)
        new = Address.parse("ada@new.example.org")
        address_changes.request(session, ada, new, origin=ORIGIN, tokens=TOKENS, now=LEFT)
        return session.scalars(select(Notice.id).where(Notice.kind == "address_change")).one()


def test_a_question_goes_to_the_new_address_and_the_word_to_the_old_one_also_when_they_have_left(database, asked):
    (question,) = arm(database)
    assert (question.kind, question.recipient.address) == (NoticeKind.ADDRESS_CHANGE, "ada@new.example.org")

    with database.writing() as session:
        address_changes.confirm(session, asked, origin=ORIGIN, tokens=TOKENS, now=LEFT + HOUR)
        ada = session.get_one(Subscriber, 1)
        leaving.leave(session, ada, origin=ORIGIN, tokens=TOKENS, now=LEFT + HOUR)

    sent = {each.kind.value: each.recipient.address for each in arm(database, at=LEFT + HOUR)}
    assert sent == {"address_changed": "ada@example.org", "goodbye": "ada@new.example.org"}


def test_no_question_goes_to_an_address_that_somebody_has_by_then(database, asked):
    with database.writing() as session:
        new = Address.parse("ada@new.example.org")
        signup.request(session, new, ("KZ",), origin=ORIGIN, tokens=TOKENS, now=LEFT)
        signup.confirm(session, 2, origin=ORIGIN, tokens=TOKENS, now=LEFT)

    assert "address_change" not in [each.kind.value for each in arm(database)]
    assert ("address_change", "ended") in skipped(database)


def test_no_question_goes_to_an_address_that_gets_nothing(database, asked):
    with database.writing() as session:
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, "ada@new.example.org", reason, tokens=TOKENS, now=LEFT)

    assert arm(database) == []
    assert ("address_change", "suppressed") in skipped(database)
