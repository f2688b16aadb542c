"""Sending an edition, seen from the database: planned once, stopped and resumed, counted from rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.delivery.outcome import Outcome, Verdict
from newsletter.domain.states import DeliveryState, EditionState, SkipReason
from newsletter.errors import EditionStateError, NotFound
from newsletter.services import claims, deliveries, editions, results
from newsletter.services.deliveries import Audience, Terms
from newsletter.storage.tables import Delivery, Subscriber
from tests.conftest import NOW
from tests.readers import count_flagged, count_states
from tests.services.stock import (
    NOVEMBER,
    OK,
    add_readers,
    arm,
    at_once,
    begin,
    counted,
    deliveries_of,
    dump,
    everybody,
    readers_of,
    record,
    splicer,
    start_sending,
    store_updates,
    wait_until_it_waits,
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
    # However many readers there are; on PostgreSQL they are cut into shards and handed to workers too.
    assert len(statements) <= (3 if database.path else 8)
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
        counts = count_states(session, approved)
        assert counts == {state: {"pending": 4, "sent": 1}.get(state.value, 0) for state in DeliveryState}
        assert count_flagged(session, approved) == 1
        assert count_states(session, approved + 1) == dict.fromkeys(DeliveryState, 0)


@pytest.mark.parametrize(
    ("state", "due_at", "is_open"),
    [
        ("pending", None, True),
        ("armed", None, True),
        ("deferred", SECOND + 10**6, True),
        ("sent", None, False),
        ("failed", None, False),
        ("skipped", None, False),
        ("held", None, False),
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


def test_who_cancels_while_a_tick_records_skips_what_came_back_too(postgresql, settings):
    edition_id = start_sending(postgresql, settings, ["KZ"] * 2)
    with postgresql.writing() as session:
        arming, recording = begin(session)
        armed = arm(session, arming, edition_id, limit=1)
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
        for reader, until in {1: NOW + timedelta(days=30), 6: NOW, 9: NOW + timedelta(seconds=1)}.items():
            session.get_one(Subscriber, reader).paused_until = until
        session.flush()
        edition = editions.get(session, NOVEMBER)
        expected = deliveries.audience(session, editions.contents(session, edition), now=NOW)
        splicing = splicer(session, edition_id, settings)
        arming, _ = begin(session)
        arm(session, arming, edition_id, has_news=lambda subjects: splicing.chosen(subjects) != 0)
        counts = count_states(session, edition_id)

        skipped = [row.detail for row in deliveries_of(session, edition_id) if row.state == "skipped"]

    assert expected == Audience(readers=5, skipped=2, paused=2)
    assert counts[DeliveryState.ARMED] == expected.readers
    assert (skipped.count("nothing_to_tell"), skipped.count("paused")) == (expected.skipped, expected.paused)


@pytest.mark.parametrize(
    ("canary", "last"),
    [
        pytest.param(0.0, None, id="all at once"),
        pytest.param(1.0, 1, id="one reader at least"),
        pytest.param(20.0, 1, id="a fifth"),
        pytest.param(20.1, 2, id="rounded up"),
        pytest.param(50.0, 4, id="counted without who is not active"),
    ],
)
def test_the_first_wave_ends_with_a_share_of_the_readers(database, approved, canary, last):
    with database.writing() as session:
        deliveries.start(session, NOVEMBER, by="a test", now=NOW, terms=Terms(canary=canary))

    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.first_wave, edition.rest_at) == (last, None)


def test_without_readers_there_is_no_first_wave(sqlite, settings):
    start_sending(sqlite, settings, [], terms=Terms(canary=50.0))

    with sqlite.reading() as session:
        assert editions.get(session, NOVEMBER).first_wave is None


def test_the_deadline_counts_from_the_start_and_from_each_resuming(database, approved):
    day = timedelta(days=1)

    def deadline():
        with database.reading() as session:
            return editions.get(session, NOVEMBER).deadline_at

    start(database)
    assert deadline() == NOW + 4 * day
    with database.writing() as session:  # asked again while it is sent
        deliveries.start(session, NOVEMBER, by="a test", now=NOW + day, terms=Terms(9 * day))
        deliveries.resume(session, NOVEMBER, now=NOW + day, terms=Terms(9 * day))
    assert deadline() == NOW + 4 * day
    with database.writing() as session:
        deliveries.pause(session, NOVEMBER)
    with database.writing() as session:
        edition = deliveries.resume(session, NOVEMBER, now=NOW + 3 * day, terms=Terms(2 * day))
        assert edition.resumed_at == NOW + 3 * day
    assert deadline() == NOW + 5 * day


def test_what_came_too_late_is_skipped_for_that(database, approved):
    start(database)
    states = {1: "sent", 2: "armed", 4: "deferred", 5: "held"}
    with database.writing() as session:
        for reader, state in states.items():
            session.get_one(Delivery, (approved, reader)).state = state
        session.flush()
        deliveries.skip_the_rest(session, approved, now=NOW, reason=SkipReason.TOO_LATE)
        rows = deliveries_of(session, approved)

    assert [row.state for row in rows] == ["sent", "armed", "skipped", "held", "skipped"]
    assert {row.detail for row in rows if row.state == "skipped"} == {"too_late"}


@pytest.mark.parametrize(
    ("state", "is_under_way"),
    [("pending", True), ("armed", True), ("deferred", False), ("sent", False), ("failed", False), ("held", False)],
)
def test_the_first_wave_is_out_when_everybody_in_it_was_tried(database, approved, state, is_under_way):
    start(database)
    with database.writing() as session:
        session.execute(update(Delivery).where(Delivery.subscriber_id < 4).values(state="sent"))
        session.get_one(Delivery, (approved, 2)).state = state
        session.flush()

        assert deliveries.is_wave_under_way(session, approved, 2) is is_under_way
        assert not deliveries.is_wave_under_way(session, approved, 1)
        assert deliveries.is_wave_under_way(session, approved, 4)


@pytest.mark.parametrize("state", [state.value for state in EditionState if state is not EditionState.SENDING])
def test_only_an_edition_that_is_sent_is_stopped_and_told_why(sqlite, state):
    with sqlite.writing() as session:
        edition = editions.ensure(session, NOVEMBER, now=NOW)
        edition.state, edition.note = state, "what a person wrote"
        session.flush()
        deliveries.hold(session, edition.id, "too many refusals")
        assert (edition.state, edition.note) == (state, "what a person wrote")

        edition.state = "sending"
        session.flush()
        deliveries.hold(session, edition.id, "too many refusals")
        assert (edition.state, edition.note) == ("paused", "too many refusals")


@pytest.fixture
def held(database, approved):
    """The approved edition, sent to readers 1 and 6; what goes to 2, 4 and 5 is held."""
    start(database)
    with database.writing() as session:
        session.execute(update(Delivery).values(state="sent", attempt=1))
        is_held = Delivery.subscriber_id.in_([2, 4, 5])
        session.execute(update(Delivery).where(is_held).values(state="held", attempt=5, flagged=True, detail="why"))
        assert deliveries.finish(session, editions.get(session, NOVEMBER), now=NOW)
    return approved


LATER = NOW + timedelta(days=7)


def test_what_is_held_goes_out_when_an_admin_says_so_though_its_edition_was_sent(database, held):
    with database.writing() as session:
        assert deliveries.send_held_again(session, NOVEMBER, now=LATER, terms=Terms(timedelta(hours=1))) == 3
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        facts = (edition.state, edition.ended_at, edition.deadline_at)
        assert facts == ("sending", None, LATER + timedelta(hours=1))
        rows = deliveries_of(session, held)
        assert [row.state for row in rows] == ["sent", "pending", "pending", "pending", "sent"]
        assert {(row.attempt, row.flagged) for row in rows[1:4]} == {(0, True)}

    with database.writing() as session:
        assert deliveries.send_held_again(session, NOVEMBER, now=LATER) == 0
        arming, recording = begin(session, now=LATER)
        due = claims.arm_due(session, arming, held, has_news=everybody, limit=9)
        assert readers_of(due) == [2, 4, 5]
    record(database, recording, *[Outcome(each.claim, Verdict.SENT, OK) for each in due.deliveries])
    with database.writing() as session:
        assert deliveries.finish(session, editions.get(session, NOVEMBER), now=LATER)


def test_what_is_held_counts_as_failed_when_an_admin_says_so(database, held):
    with database.writing() as session:
        assert deliveries.give_up_held(session, NOVEMBER, now=LATER) == 3
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.ended_at) == ("sent", NOW)
        rows = deliveries_of(session, held)
        assert [row.state for row in rows] == ["sent", "failed", "failed", "failed", "sent"]
        assert {(row.detail, row.flagged, row.changed_at) for row in rows[1:4]} == {
            ("why", True, int(LATER.timestamp()))
        }

    with database.writing() as session:
        assert deliveries.give_up_held(session, NOVEMBER, now=LATER) == 0
        assert deliveries.send_held_again(session, NOVEMBER, now=LATER) == 0
    with database.reading() as session:
        assert editions.get(session, NOVEMBER).state == "sent"


@pytest.mark.parametrize("decide", [deliveries.send_held_again, deliveries.give_up_held])
@pytest.mark.parametrize("state", ["sending", "paused"])
def test_deciding_about_what_is_held_starts_and_stops_no_edition(database, held, decide, state):
    with database.writing() as session:
        editions.get(session, NOVEMBER).state = state
    with database.writing() as session:
        assert decide(session, NOVEMBER, now=LATER) == 3
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert (edition.state, edition.deadline_at) == (state, NOW + timedelta(days=4))


def test_what_is_held_of_a_cancelled_edition_can_only_be_given_up(database, held):
    with database.writing() as session:
        editions.get(session, NOVEMBER).state = "cancelled"
    with database.writing() as session, pytest.raises(EditionStateError, match="is cancelled; what is held can only"):
        deliveries.send_held_again(session, NOVEMBER, now=LATER)

    assert [state for _, state, *_ in planned(database)] == ["sent", "held", "held", "held", "sent"]
    with database.writing() as session:
        assert deliveries.give_up_held(session, NOVEMBER, now=LATER) == 3


@pytest.mark.parametrize("decide", [deliveries.send_held_again, deliveries.give_up_held])
def test_nothing_is_decided_about_an_edition_that_is_not_there(sqlite, decide):
    with sqlite.writing() as session, pytest.raises(NotFound):
        decide(session, NOVEMBER, now=NOW)
