"""What is known of destinations is kept, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from newsletter.delivery.destinations.destination import DestinationState
from newsletter.errors import Conflict, NotFound
from newsletter.services import destinations
from newsletter.storage.tables import Delivery
from tests.conftest import NOW
from tests.services.stock import start_sending

SECOND = int(NOW.timestamp())
SLOW = DestinationState("gmail", rate=0.1 + 0.2)
PAUSED = DestinationState("ngo.org", paused_until=SECOND + 3600, pauses=2, note="ngo.org refuses this sender: 550.")


def save(database, *states, now=NOW):
    with database.writing() as session:
        destinations.save(session, states, now=now)


def load(database):
    with database.reading() as session:
        return destinations.load(session)


def resume(database, name):
    with database.writing() as session:
        return destinations.resume(session, name, now=NOW)


def test_what_is_saved_comes_back_as_it_was(database):
    save(database, PAUSED, SLOW)
    assert load(database) == [SLOW, PAUSED]

    slower = replace(SLOW, rate=0.1)
    save(database, slower)
    assert load(database) == [slower, PAUSED]


def test_what_says_nothing_any_more_is_forgotten(database):
    save(database, PAUSED, SLOW)
    save(database, DestinationState("ngo.org"), DestinationState("yahoo"))

    assert load(database) == [SLOW]


def test_what_did_not_change_for_long_is_forgotten(database):
    save(database, SLOW)
    save(database, PAUSED, now=NOW + timedelta(days=45))
    assert load(database) == [SLOW, PAUSED]

    save(database, PAUSED, now=NOW + timedelta(days=45, seconds=1))
    assert load(database) == [PAUSED]


def test_a_pause_ends_at_once_and_a_limit_stays(database):
    both = replace(SLOW, paused_until=SECOND + 60, pauses=1, note="refuses")
    save(database, both, PAUSED)

    assert resume(database, "GoogleMail.com") == "gmail"
    assert resume(database, " NGO.org ") == "ngo.org"
    assert load(database) == [SLOW]


def test_what_is_not_paused_can_not_be_resumed(database):
    save(database, SLOW)

    with pytest.raises(Conflict, match="gmail is not paused"):
        resume(database, "gmail")
    with pytest.raises(NotFound, match="nothing is known of a destination 'yahoo'; 'newsletter destination list'"):
        resume(database, "yahoo")


def test_who_waits_for_the_end_of_a_pause_is_looked_at_at_once(database, settings):
    edition_id = start_sending(database, settings, ["KZ"] * 4)
    due = {1: SECOND + 3600, 2: None, 3: SECOND - 5, 4: SECOND + 600}
    with database.writing() as session:
        for reader, at in due.items():
            state = "deferred" if reader == 4 else "pending"
            session.execute(update(Delivery).where(Delivery.subscriber_id == reader).values(due_at=at, state=state))
    save(database, PAUSED)

    resume(database, "ngo.org")

    with database.reading() as session:
        rows = session.execute(select(Delivery.subscriber_id, Delivery.due_at).where(Delivery.edition_id == edition_id))
        found = dict(rows.all())
    assert found == due | {1: SECOND}, "a try that was deferred keeps its time"


def test_messages_are_counted_by_day(database):
    today, tomorrow = date(2026, 12, 1), date(2026, 12, 2)
    for count in (3, 4):
        with database.writing() as session:
            destinations.add_sent(session, today, count)

    with database.reading() as session:
        assert [destinations.sent_on(session, day) for day in (today, tomorrow)] == [7, 0]
