"""The sender's loop, on a real database and a real relay: what it does when something around it changes."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.errors import SenderRunning
from newsletter.jobs.sender import Sender, utc_now
from newsletter.services import deliveries, editions, runs
from newsletter.storage.tables import Subscriber
from tests.conftest import NOW
from tests.readers import MONTH, add_readers, approve_sample, count_states
from tests.relay import Relay

READERS = 200


@pytest.fixture
def relay():
    with Relay(delay=0.005) as running:
        yield running


def state_of(database, edition_id):
    with database.reading() as session:
        return editions.get(session, MONTH).state, count_states(session, edition_id)


def test_an_edition_is_sent_to_everybody_once(database, make_settings, relay):
    settings = make_settings(smtp_url=relay.url)
    add_readers(database, READERS, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)

    Sender(database, settings).run(lambda: state_of(database, edition_id)[0] == EditionState.SENT)

    assert len({taken.rcpt_to for taken in relay.taken()}) == len(relay.taken()) == READERS
    assert state_of(database, edition_id)[1][DeliveryState.SENT] == READERS


def test_with_a_tick_s_worth_in_hand_it_waits_for_no_more(sqlite, make_settings):
    with Relay() as relay:
        settings = make_settings(smtp_url=relay.url, connections="20")
        add_readers(sqlite, READERS, now=NOW)
        edition_id = approve_sample(sqlite, settings, now=NOW)
        sender = Sender(sqlite, settings)
        engine, poll, idle = sender._engine, sender._engine.poll, []

        def watched(timeout, *, at_least=1):
            in_hand = len(sender._outcomes)
            if in_hand >= sender._allowance.batch and timeout:
                idle.append(in_hand)
            return poll(timeout, at_least=at_least)

        engine.poll = watched
        sender.run(lambda: state_of(sqlite, edition_id)[0] == EditionState.SENT)

        assert len(relay.taken()) == READERS
    assert idle == []


def test_who_has_left_in_mid_send_gets_no_copy(database, make_settings, relay):
    settings = make_settings(smtp_url=relay.url, connections="1")
    add_readers(database, READERS, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)
    left = False

    def is_over() -> bool:
        nonlocal left
        if not left and len(relay.taken()) >= 5:
            left = True
            with database.writing() as session:
                session.execute(update(Subscriber).where(Subscriber.id > READERS // 2).values(state="ended"))
        return state_of(database, edition_id)[0] == EditionState.SENT

    Sender(database, settings).run(is_over)

    counts = state_of(database, edition_id)[1]
    assert counts[DeliveryState.SENT] == len(relay.taken()) == READERS // 2
    assert counts[DeliveryState.SKIPPED] == READERS // 2


@pytest.mark.parametrize("times", [20])
def test_paused_and_resumed_again_and_again_nobody_gets_two(database, make_settings, relay, times):
    settings = make_settings(smtp_url=relay.url)
    readers = 4 * READERS
    add_readers(database, readers, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)
    turns = iter(range(times))

    def is_over() -> bool:
        if next(turns, None) is not None:
            with database.writing() as session:
                deliveries.pause(session, MONTH)
            with database.writing() as session:
                deliveries.resume(session, MONTH, now=utc_now())
        return state_of(database, edition_id)[0] == EditionState.SENT

    Sender(database, settings).run(is_over)

    assert len({taken.rcpt_to for taken in relay.taken()}) == len(relay.taken()) == readers


def test_a_sender_that_was_replaced_sends_nothing_more(postgresql, make_settings, relay):
    settings = make_settings(smtp_url=relay.url)
    add_readers(postgresql, READERS, now=NOW)
    edition_id = approve_sample(postgresql, settings, now=NOW)
    taken_when_replaced = 0

    def is_over() -> bool:
        nonlocal taken_when_replaced
        if not taken_when_replaced and len(relay.taken()) >= 20:
            with postgresql.writing() as session:
                runs.begin(session, runs.EVERYTHING, now=NOW)
            taken_when_replaced = len(relay.taken())
        return False

    with pytest.raises(SenderRunning):
        Sender(postgresql, settings).run(is_over)

    in_flight = 2 * settings.connections
    assert taken_when_replaced <= len(relay.taken()) <= taken_when_replaced + in_flight
    assert state_of(postgresql, edition_id)[1][DeliveryState.ARMED] == 0


def test_a_relay_that_refuses_the_login_pauses_the_edition_and_says_why(sqlite, make_settings, relay):
    settings = make_settings(smtp_url=relay.url.replace("smtp://", "smtp://user:wrong@"))
    add_readers(sqlite, 3, now=NOW)
    edition_id = approve_sample(sqlite, settings, now=NOW)

    Sender(sqlite, settings).run(lambda: state_of(sqlite, edition_id)[0] == EditionState.PAUSED)

    with sqlite.reading() as session:
        note = editions.get(session, MONTH).note
    assert note
    assert "wrong" not in note
    assert state_of(sqlite, edition_id)[1][DeliveryState.PENDING] == 3
    assert relay.taken() == []
