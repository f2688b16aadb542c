"""Sending an edition, seen from the database: planned once, stopped and resumed, counted from rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.errors import EditionStateError, NotFound
from newsletter.mail.splicing import Splicer
from newsletter.services import claims, deliveries, editions, results
from newsletter.services.deliveries import Audience
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.services.stock import (
    NOVEMBER,
    add_readers,
    at_once,
    begin,
    counted,
    deliveries_of,
    dump,
    start_sending,
    store_updates,
)

SECOND = int(NOW.timestamp())


@pytest.fixture
def approved(database, publication):
    """November's edition, approved, with five active readers and one who is not; its id."""
    store_updates(database)
    ids = add_readers(database, ["KZ"] * 6)
    with database.writing() as session:
        session.get_one(Subscriber, ids[2]).state = "ended"
        editions.ensure(session, NOVEMBER, now=NOW)
        return editions.approve(session, NOVEMBER, publication, by="owner@example.org", now=NOW).id


def start(database, by="owner@example.org"):
    with database.writing() as session:
        deliveries.start(session, NOVEMBER, by=by, now=NOW)


def planned(database):
    with database.reading() as session:
        columns = (Delivery.subscriber_id, Delivery.state, Delivery.attempt, Delivery.flagged, Delivery.due_at)
        return [tuple(row) for row in session.execute(select(*columns).order_by(Delivery.subscriber_id))]


def test_starting_plans_one_delivery_for_each_active_reader(database, approved):
    with counted(database) as statements:
        start(database)

    assert planned(database) == [(reader, "pending", 0, False, None) for reader in (1, 2, 4, 5, 6)]
    assert len(statements) <= 3  # however many readers there are
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.send_started_at) == ("sending", NOW)
        assert edition.send_started_by == "owner@example.org"


def test_started_50_times_at_once_it_is_sent_once(database, approved):
    senders = iter(range(50))

    at_once(50, lambda: start(database, by=f"sender {next(senders)}"))

    assert [reader for reader, *_ in planned(database)] == [1, 2, 4, 5, 6]
    before = dump(database)
    start(database, by="somebody late")
    assert dump(database) == before


def test_planning_again_adds_who_is_new_and_nobody_twice(database, approved):
    start(database)
    with database.writing() as session:
        session.get_one(Subscriber, 3).state = "active"
        session.get_one(Subscriber, 1).state = "ended"
        session.get_one(Delivery, (approved, 2)).state = "sent"
        deliveries.plan(session, editions.get(session, NOVEMBER))
        deliveries.plan(session, editions.get(session, NOVEMBER))

    states = [(reader, state) for reader, state, *_ in planned(database)]
    assert states == [(reader, "sent" if reader == 2 else "pending") for reader in range(1, 7)]


def test_pausing_and_resuming_20_times_changes_no_delivery(database, approved):
    start(database)
    before = planned(database)
    for turn in range(20):
        with database.writing() as session:
            assert deliveries.pause(session, NOVEMBER, note=f"turn {turn}").state == "paused"
        with database.writing() as session:
            assert deliveries.resume(session, NOVEMBER, now=NOW).note is None

    assert planned(database) == before


_ACTS = {
    "start": lambda session: deliveries.start(session, NOVEMBER, by="a test", now=NOW),
    "pause": lambda session: deliveries.pause(session, NOVEMBER),
    "resume": lambda session: deliveries.resume(session, NOVEMBER, now=NOW),
    "cancel": lambda session: deliveries.cancel(session, NOVEMBER, now=NOW),
}
#: What becomes of an edition in each state by each act; None: it is refused.
_BECOMES = {
    "draft": {"start": None, "pause": None, "resume": None, "cancel": "cancelled"},
    "approved": {"start": "sending", "pause": None, "resume": None, "cancel": "cancelled"},
    "sending": {"start": "sending", "pause": "paused", "resume": "sending", "cancel": "cancelled"},
    "paused": {"start": None, "pause": "paused", "resume": "sending", "cancel": "cancelled"},
    "sent": {"start": "sent", "pause": None, "resume": None, "cancel": None},
    "cancelled": {"start": None, "pause": None, "resume": None, "cancel": "cancelled"},
}


def test_the_table_of_states_is_whole():
    assert set(_BECOMES) == {state.value for state in EditionState}


@pytest.mark.parametrize(
    ("state", "act", "becomes"),
    [
        pytest.param(state, act, becomes, id=f"{act} one that is {state}")
        for state, acts in _BECOMES.items()
        for act, becomes in acts.items()
    ],
)
def test_each_act_in_each_state(sqlite, state, act, becomes):
    with sqlite.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW).state = state
    before = dump(sqlite)

    if becomes is None:
        with sqlite.writing() as session, pytest.raises(EditionStateError, match=f"2022-11 is (a )?{state}"):
            _ACTS[act](session)
        assert dump(sqlite) == before
        return
    with sqlite.writing() as session:
        assert _ACTS[act](session).state == becomes
    if state == becomes:
        assert dump(sqlite) == before


@pytest.mark.parametrize("act", _ACTS)
def test_no_act_makes_an_edition(sqlite, act):
    with sqlite.writing() as session, pytest.raises(NotFound):
        _ACTS[act](session)


def test_cancelling_skips_what_is_not_sent_and_leaves_what_is(database, approved):
    start(database)
    states = {1: "sent", 2: "armed", 4: "deferred", 5: "failed"}
    with database.writing() as session:
        for reader, state in states.items():
            session.get_one(Delivery, (approved, reader)).state = state
        session.get_one(Delivery, (approved, 4)).due_at = SECOND
    with database.writing() as session:
        deliveries.cancel(session, NOVEMBER, now=NOW + timedelta(hours=1))

    with database.reading() as session:
        rows = deliveries_of(session, approved)
        assert [row.state for row in rows] == ["sent", "armed", "skipped", "failed", "skipped"]
        assert {row.detail for row in rows if row.state == "skipped"} == {SkipReason.CANCELLED.value}
        assert {row.changed_at for row in rows if row.state == "skipped"} == {SECOND + 3600}
        assert all(row.due_at is None for row in rows)
        assert editions.get(session, NOVEMBER).ended_at == NOW + timedelta(hours=1)


def test_counts_are_counted_from_the_rows(database, approved):
    start(database)
    with database.writing() as session:
        session.get_one(Delivery, (approved, 1)).state = "sent"
        session.get_one(Delivery, (approved, 2)).flagged = True

    with database.reading() as session:
        counts = deliveries.counts(session, approved)
        assert counts == {state: {"pending": 4, "sent": 1}.get(state.value, 0) for state in DeliveryState}
        assert deliveries.flagged(session, approved) == 1
        assert deliveries.counts(session, approved + 1) == dict.fromkeys(DeliveryState, 0)


@pytest.mark.parametrize(
    ("state", "due_at", "is_open"),
    [
        ("pending", None, True),
        ("armed", None, True),
        ("deferred", SECOND + 10**6, True),
        ("sent", None, False),
        ("failed", None, False),
        ("skipped", None, False),
    ],
)
def test_an_edition_is_sent_when_no_row_is_open(sqlite, settings, state, due_at, is_open):
    edition_id = start_sending(sqlite, settings, ["KZ", "KZ"])
    with sqlite.writing() as session:
        session.get_one(Delivery, (edition_id, 1)).state = "sent"
        row = session.get_one(Delivery, (edition_id, 2))
        row.state, row.due_at = state, due_at
    with sqlite.writing() as session:
        edition = editions.get(session, NOVEMBER)
        assert deliveries.has_open(session, edition_id) is is_open
        assert deliveries.finish(session, edition, now=NOW) is not is_open
        assert (edition.state, edition.ended_at) == (("sending", None) if is_open else ("sent", NOW))
        assert not deliveries.finish(session, edition, now=NOW)
        assert deliveries.sending(session) == ([edition_id] if is_open else [])


def wait_until_it_waits(database, act):
    """Until `act`, in a thread of its own, waits for a lock, or is done."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not act.done() and not connection.scalar(waiting):
            pass


def test_who_cancels_while_a_tick_records_skips_what_came_back_too(postgresql, settings):
    edition_id = start_sending(postgresql, settings, ["KZ"] * 2)
    with postgresql.writing() as session:
        arming, recording = begin(session)
        armed = claims.arm_pending(session, arming, edition_id, after=0, has_news=lambda _: True, limit=1)
    later = Outcome(armed.deliveries[0].claim, Verdict.LATER)

    def cancel():
        with postgresql.writing() as session:
            deliveries.cancel(session, NOVEMBER, now=NOW)

    with ThreadPoolExecutor(1) as thread:
        with postgresql.writing() as session:
            results.record(session, [(armed.deliveries[0].claim, later)], recording)
            cancelling = thread.submit(cancel)
            wait_until_it_waits(postgresql, cancelling)
        cancelling.result()

    with postgresql.reading() as session:
        assert [row.state for row in deliveries_of(session, edition_id)] == ["skipped", "skipped"]
        assert editions.get(session, NOVEMBER).state == "cancelled"


def test_who_pauses_while_a_tick_finishes_is_not_overruled(postgresql, settings):
    start_sending(postgresql, settings, [])
    with postgresql.writing() as session:
        edition = editions.get(session, NOVEMBER)
        with postgresql.writing() as other:
            deliveries.pause(other, NOVEMBER, note="by a person")
        assert not deliveries.finish(session, edition, now=NOW)

    with postgresql.reading() as session:
        assert editions.get(session, NOVEMBER).state == "paused"


def test_the_audience_is_who_gets_the_edition_and_who_is_skipped(database, settings):
    follows = ["all", "KZ", "SD;KZ", "central-asia", "FR", "FR;central-asia", "east-africa", "FR;DE", "ML"]
    edition_id = start_sending(database, settings, follows)
    with database.writing() as session:
        edition = editions.get(session, NOVEMBER)
        expected = deliveries.audience(session, editions.contents(session, edition))
        splicer = Splicer(editions.compiled(edition, settings.publication), settings.publication, gazetteer())
        arming, _ = begin(session)

        def has_news(subjects):
            return splicer.chosen(subjects) != 0

        claims.arm_pending(session, arming, edition_id, after=0, has_news=has_news, limit=100)
        counts = deliveries.counts(session, edition_id)

    assert expected == Audience(readers=6, skipped=3)
    assert (counts[DeliveryState.ARMED], counts[DeliveryState.SKIPPED]) == (expected.readers, expected.skipped)
