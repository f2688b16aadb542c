"""Pause, resume and cancel while the sender goes as fast as it can: they take effect at once, and double nobody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from threading import Event

import pytest
from sqlalchemy import update

from newsletter.config import Settings
from newsletter.domain.states import DeliveryState, EditionState, SuppressionReason
from newsletter.jobs.sender import utc_now
from newsletter.mail.links import Purpose
from newsletter.services import deliveries, editions, suppressions
from newsletter.storage.database import Database
from newsletter.storage.tables import Subscriber
from newsletter.web import create_app
from newsletter.web.database import db
from tests.conftest import NOW
from tests.jobs.running import sending, wait_until
from tests.readers import MONTH, add_readers, approve_sample, count_states
from tests.relay import Relay

READERS = 1_000
AT_ONCE = 1.0  #: seconds within which a command takes effect
ALLOWED = 2.0  #: seconds after the answer to who leaves, in which a copy may still come
ARMED_AT_MOST = 50
BEGUN_AT_MOST = 4  #: messages that a relay with 2 connections has begun to take: one each, and the commands of one more


class Arrivals:
    """A relay that takes everything at once, and when it took the last message."""

    def __init__(self) -> None:
        self.relay = Relay(answer_dot=self._note)
        self.last_at = 0.0
        self.at: dict[str, float] = {}  #: by address

    def _note(self, address: str) -> str:
        self.at[address] = self.last_at = time.monotonic()
        return "250 2.0.0 taken"

    def copies(self) -> Counter[str]:
        return Counter(taken.rcpt_to for taken in self.relay.taken())


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    made = Arrivals()
    with made.relay:
        yield made


@pytest.fixture
def settings(database: Database, make_settings: Callable[..., Settings], arrivals: Arrivals) -> Settings:
    """Of an instance whose edition is on its way to READERS."""
    made = make_settings(database_url=database.url, smtp_url=arrivals.relay.url, mx_lookup="off")
    add_readers(database, READERS, now=NOW)
    approve_sample(database, made, now=NOW)
    return made


def standing(database: Database) -> tuple[str, dict[DeliveryState, int]]:
    with database.reading() as session:
        edition = editions.get(session, MONTH)
        return edition.state, count_states(session, edition.id)


def wait_for_rest(database: Database) -> dict[DeliveryState, int]:
    """Until the sender has nothing in hand any more; it can't begin with anything that it has not armed."""
    wait_until(lambda: standing(database)[1][DeliveryState.ARMED] == 0, "the sender is at rest")
    return standing(database)[1]


def test_paused_at_full_speed_nothing_goes_out_a_second_later_and_resumed_nobody_gets_two(database, settings, arrivals):
    with sending(settings):
        for taken in (READERS // 6, READERS // 2):
            arrivals.relay.wait_for(taken)
            with database.writing() as session:
                deliveries.pause(session, MONTH)
            paused_at = time.monotonic()

            counts = wait_for_rest(database)
            assert arrivals.last_at - paused_at < AT_ONCE
            assert counts[DeliveryState.SENT] == len(arrivals.relay.taken()) < READERS
            assert counts[DeliveryState.PENDING] == READERS - counts[DeliveryState.SENT]

            with database.writing() as session:
                deliveries.resume(session, MONTH, now=utc_now())
        wait_until(lambda: standing(database)[0] == EditionState.SENT, "the edition is sent")

    assert set(arrivals.copies().values()) == {1}
    assert len(arrivals.copies()) == standing(database)[1][DeliveryState.SENT] == READERS


def test_cancelled_at_full_speed_nothing_goes_out_a_second_later(database, settings, arrivals):
    with sending(settings):
        arrivals.relay.wait_for(READERS // 6)
        with database.writing() as session:
            deliveries.cancel(session, MONTH, now=utc_now())
        cancelled_at = time.monotonic()

        counts = wait_for_rest(database)
        assert arrivals.last_at - cancelled_at < AT_ONCE

    assert set(arrivals.copies().values()) == {1}
    assert counts[DeliveryState.SENT] == len(arrivals.copies()) < READERS
    assert counts[DeliveryState.SKIPPED] == READERS - counts[DeliveryState.SENT]
    assert standing(database)[0] == EditionState.CANCELLED


def test_who_leaves_in_mid_send_gets_no_copy_two_seconds_later(database, make_settings, arrivals):
    settings = make_settings(
        database_url=database.url, smtp_url=arrivals.relay.url, mx_lookup="off", rate="250", connections="2"
    )
    add_readers(database, READERS, now=NOW)
    approve_sample(database, settings, now=NOW)
    app = create_app(settings)
    client = app.test_client()
    left: dict[str, float] = {}
    with sending(settings):
        arrivals.relay.wait_for(READERS // 10)
        for reader in range(READERS // 5, READERS, 20):  # the first of them may be on their way by now
            token = settings.tokens.make(Purpose.UNSUBSCRIBE, reader)
            answer = client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            left[f"reader{reader}@example.org"] = time.monotonic()
        wait_until(lambda: standing(database)[0] == EditionState.SENT, "the edition is through")

    with app.app_context():
        db.engine.dispose()
    took = arrivals.last_at - max(left.values())
    assert took > ALLOWED, "the send ended too early to tell"
    late = [address for address, at in left.items() if arrivals.at.get(address, 0.0) > at + ALLOWED]
    assert late == []
    assert standing(database)[1][DeliveryState.SKIPPED] >= len(left) - ARMED_AT_MOST
    assert set(arrivals.copies().values()) == {1}


def test_who_leaves_while_the_relay_stalls_gets_no_copy(sqlite, make_settings):
    readers, stalls_after = READERS // 2, READERS // 3
    goes_on = Event()

    def stall(_address: str) -> str:
        if len(relay.taken()) >= stalls_after:
            goes_on.wait(20)
        return "250 2.0.0 taken"

    with Relay(answer_dot=stall) as relay:
        settings = make_settings(smtp_url=relay.url, connections="2")
        add_readers(sqlite, readers, now=NOW)
        approve_sample(sqlite, settings, now=NOW)
        with sending(settings):
            relay.wait_for(stalls_after)
            wait_until(lambda: standing(sqlite)[1][DeliveryState.ARMED] > BEGUN_AT_MOST, "more are armed than begun")
            with sqlite.writing() as session:
                session.execute(update(Subscriber).values(state="ended"))
            wait_until(
                lambda: standing(sqlite)[1][DeliveryState.ARMED] <= BEGUN_AT_MOST, "the others go back", within=10
            )
            goes_on.set()
            wait_until(lambda: standing(sqlite)[0] == EditionState.SENT, "the edition is through")

    counts = standing(sqlite)[1]
    assert counts[DeliveryState.SENT] == len(relay.taken()) <= stalls_after + BEGUN_AT_MOST
    assert counts[DeliveryState.SKIPPED] == readers - counts[DeliveryState.SENT]


def test_a_suppression_holds_however_the_address_was_typed(database, make_settings, arrivals):
    settings = make_settings(database_url=database.url, smtp_url=arrivals.relay.url)
    add_readers(database, 3, now=NOW)
    with database.writing() as session:
        session.get_one(Subscriber, 2).address = "Reader2@example.org"
        reason = SuppressionReason.COMPLAINT
        suppressions.suppress(session, "reader2@example.org", reason, tokens=settings.tokens, now=NOW)
    approve_sample(database, settings, now=NOW)

    with sending(settings):
        wait_until(lambda: standing(database)[0] == EditionState.SENT, "the edition is sent")

    assert arrivals.copies() == {"reader1@example.org": 1, "reader3@example.org": 1}
