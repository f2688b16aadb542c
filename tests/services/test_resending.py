"""An edition once more to those who failed to get it: to all of them, to nobody else, to nobody twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter.domain.states import DeliveryState, EditionState, SuppressionReason
from newsletter.errors import EditionStateError
from newsletter.services import editions, resending, suppressions
from newsletter.storage.tables import Delivery, Edition, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, TOKENS, at_once, deliveries_of, start_sending

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def over(database, settings):
    """November was sent to nine; the deliveries of 2 to 8 failed, that of 8 flagged."""
    edition_id = start_sending(database, settings, ["KZ"] * 9)
    with database.writing() as session:
        session.execute(update(Delivery).values(state="sent"))
        failed = Delivery.subscriber_id.between(2, 8)
        session.execute(update(Delivery).where(failed).values(state="failed", attempt=4, detail="451 4.4.1 no answer"))
        session.execute(update(Delivery).where(Delivery.subscriber_id == 8).values(flagged=True))
        session.execute(update(Edition).values(state="sent", ended_at=NOW))
    return edition_id


def states(database, edition_id):
    with database.reading() as session:
        return {each.subscriber_id: each.state for each in deliveries_of(session, edition_id)}


def resend(database):
    with database.writing() as session:
        return resending.resend(session, NOVEMBER, tokens=TOKENS, now=LATER)


def test_only_who_failed_and_can_be_written_to_gets_it_once_more(database, over):
    with database.writing() as session:
        session.get_one(Subscriber, 4).state = "ended"
        session.get_one(Subscriber, 5).paused_until = LATER + timedelta(days=9)
        session.delete(session.get_one(Subscriber, 6))
        suppressions.suppress(session, "reader7@example.org", SuppressionReason.HARD_BOUNCE, tokens=TOKENS, now=NOW)
        assert resending.count(session, editions.get(session, NOVEMBER), tokens=TOKENS, now=LATER) == 2

    assert resend(database) == 2

    found = states(database, over)
    assert {each for each, state in found.items() if state == DeliveryState.PENDING} == {2, 3}
    assert {each for each, state in found.items() if state == DeliveryState.FAILED} == {4, 5, 6, 7, 8}
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.ended_at) == (EditionState.SENDING, None)
        assert edition.deadline_at > LATER
        assert {each.attempt for each in deliveries_of(session, over) if each.state == "pending"} == {0}


def test_who_presses_twice_sends_once(database, over):
    def press():
        try:
            return resend(database)
        except EditionStateError as error:
            return str(error)

    found = at_once(3, press)

    assert [each for each in found if each == 6] == [6]
    assert all("is sending" in each for each in found if each != 6)


def test_where_nobody_failed_the_edition_stays_as_it_is(database, over):
    with database.writing() as session:
        session.execute(update(Delivery).values(state="sent"))

    assert resend(database) == 0
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).state == EditionState.SENT


def test_an_edition_that_was_corrected_since_is_not_sent_any_more(database, settings, over):
    with database.writing() as session:
        session.execute(update(Edition).values(revision=2))

    with pytest.raises(EditionStateError, match="corrected since"):
        resend(database)


def test_more_than_a_chunk_is_looked_at_to_its_end(database, over, monkeypatch):
    monkeypatch.setattr(resending, "_CHUNK", 2)

    assert resend(database) == 6
