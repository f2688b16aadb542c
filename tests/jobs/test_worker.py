"""Workers, in threads of this process, on a real server and a real relay; and what is made up for by the upkeep."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import select, text, update

from newsletter.domain.states import DeliveryState, EditionState, NoticeKind
from newsletter.errors import SettingsError
from newsletter.jobs.checkup import running
from newsletter.jobs.checkup.finding import State
from newsletter.jobs.errands import Errands
from newsletter.jobs.sender import utc_now
from newsletter.jobs.upkeep import Occupancy, Upkeep, life_sign, occupancy, scope_of
from newsletter.jobs.worker import Worker
from newsletter.services import notices, runs
from newsletter.storage.database import Database
from newsletter.storage.lock import SenderLock
from newsletter.storage.tables import Delivery, Edition, SenderRun
from tests.conftest import NOW
from tests.jobs.cluster import at_work, cut_anew, is_sent, look_until, start_in_shards
from tests.readers import add_readers, count_flagged, count_states
from tests.relay import Relay, Taken
from tests.services.stock import start_sending

LAST = runs.LAST
READERS = 40


@pytest.fixture
def relay():
    with Relay(delay=0.005) as running_relay:
        yield running_relay


@pytest.fixture
def settings(make_settings, relay):
    return make_settings(smtp_url=relay.url, mx_lookup="off")


@pytest.fixture
def edition_id(postgresql, settings):
    """An edition on its way to readers 1 to 40, in shards of ten."""
    add_readers(postgresql, READERS, now=NOW)
    return start_in_shards(postgresql, settings, now=NOW, readers=10)


@pytest.fixture
def planned(postgresql, settings):
    """The same, only that it would be too late to send it: quicker to make."""
    edition_id = start_sending(postgresql, settings, ["KZ"] * READERS)
    with postgresql.writing() as session:
        cut_anew(session, edition_id, readers=10)
    return edition_id


def jobs(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.scalars(text("SELECT queueing_lock FROM procrastinate.procrastinate_jobs")))


def forget_jobs(database: Database) -> None:
    with database.writing() as session:
        session.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))


def settle(database: Database, *, first: int = 0, last: int = LAST, **values: object) -> None:
    """Write to the deliveries of some readers."""
    with database.writing() as session:
        of_readers = Delivery.subscriber_id.between(first, last)
        session.execute(update(Delivery).where(of_readers).values({"state": "sent", "due_at": None} | values))


def is_notice(taken: Taken) -> bool:
    return b"Auto-Submitted" in taken.data


def missing(database: Database) -> list[str]:
    """The jobs that the upkeep makes, as if it looked for the first time."""
    return [job.key for job in Upkeep(database).ensure(now=utc_now())]


def test_two_workers_send_an_edition_to_everybody_once_and_leave_nothing_behind(
    postgresql, settings, relay, edition_id
):
    with at_work(postgresql, settings, 2):
        look_until(postgresql, is_sent)

    assert len({taken.rcpt_to for taken in relay.taken()}) == len(relay.taken()) == READERS
    with postgresql.reading() as session:
        assert count_states(session, edition_id)[DeliveryState.SENT] == READERS
        assert count_flagged(session, edition_id) == 0
        assert session.scalars(select(SenderRun).where(SenderRun.ended_at.is_(None))).all() == []
        assert session.scalar(text("SELECT count(*) FROM procrastinate.procrastinate_workers")) == 0
    assert [job for job in jobs(postgresql) if job.startswith("send_shard")] == []


def test_a_notice_goes_out_while_digests_do(postgresql, make_settings, relay):
    add_readers(postgresql, READERS, now=NOW)
    slow = make_settings(smtp_url=relay.url, mx_lookup="off", rate="10", connections="1")
    start_in_shards(postgresql, slow, now=NOW, readers=10)
    with at_work(postgresql, slow):
        relay.wait_for(3)
        with postgresql.writing() as session:
            notices.enqueue(session, NoticeKind.MANAGE_LINK, 1, now=utc_now())
        look_until(postgresql, lambda _: any(is_notice(taken) for taken in relay.taken()))
        taken = relay.taken()

    assert len(taken) < READERS


def test_a_worker_makes_the_jobs_that_are_missing(postgresql, settings, relay, edition_id):
    forget_jobs(postgresql)

    with at_work(postgresql, settings):
        look_until(postgresql, is_sent)

    assert len(relay.taken()) == READERS


def test_what_a_worker_that_stops_was_at_is_left_to_others_at_once(postgresql, make_settings, relay):
    add_readers(postgresql, READERS, now=NOW)
    slow = make_settings(smtp_url=relay.url, mx_lookup="off", rate="5", connections="1")
    edition_id = start_in_shards(postgresql, slow, now=NOW, readers=READERS)
    stop = Event()
    errands = Errands(postgresql, slow, stop.is_set)
    forget_jobs(postgresql)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(errands.send_shard, edition_id, 0, LAST)
        relay.wait_for(2)
        stop.set()
        sending.result()

    assert jobs(postgresql) == [f"send_shard {edition_id} 0 {LAST}"]


def test_workers_are_for_postgresql(sqlite, settings):
    with pytest.raises(SettingsError, match="run 'newsletter serve'"):
        Worker(sqlite, settings)


def test_the_doctor_counts_workers(postgresql, settings):
    with at_work(postgresql, settings):
        look_until(postgresql, lambda database: running.sender(database, now=utc_now()).state is State.OK)
        assert running.sender(postgresql, now=utc_now()).words == "1 worker runs."

    assert running.sender(postgresql, now=utc_now()).state is State.WARN


def test_nobody_is_at_a_shard_until_a_sender_begins_and_after_it_ends(postgresql, planned):
    scope = scope_of(planned, 0, 10)
    now = utc_now()
    assert occupancy(postgresql, scope, now=now) is Occupancy.FREE

    with SenderLock(postgresql, scope.name):
        with postgresql.writing() as session:
            owner = runs.begin(session, scope, now=now)
        assert occupancy(postgresql, scope, now=now) is Occupancy.TAKEN
        assert occupancy(postgresql, scope, now=now + timedelta(seconds=9)) is Occupancy.LEFT

        with postgresql.writing() as session:
            runs.end(session, owner, now=now)
        assert occupancy(postgresql, scope, now=now) is Occupancy.FREE


def test_whose_lock_is_gone_may_be_dead_and_is_not_if_it_ticks(postgresql, settings, planned):
    scope = scope_of(planned, 0, 10)
    with postgresql.writing() as session:
        owner = runs.begin(session, scope, now=utc_now())
    assert occupancy(postgresql, scope, now=utc_now()) is Occupancy.LEFT

    before = life_sign(postgresql, scope)
    assert life_sign(postgresql, scope) == before
    with postgresql.writing() as session:
        runs.tick(session, owner, seen=0, now=utc_now())
    assert life_sign(postgresql, scope) != before


def test_a_sender_that_lost_its_connections_and_goes_on_is_left_alone(postgresql, make_settings, relay):
    add_readers(postgresql, READERS, now=NOW)
    slow = make_settings(smtp_url=relay.url, mx_lookup="off", rate="10", connections="1")
    edition_id = start_in_shards(postgresql, slow, now=NOW, readers=READERS)
    errands = Errands(postgresql, slow, Event().is_set)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(errands.send_shard, edition_id, 0, LAST)
        relay.wait_for(5)
        with postgresql.engine.connect() as connection:
            connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        assert occupancy(postgresql, scope_of(edition_id, 0, LAST), now=utc_now()) is Occupancy.LEFT
        errands.send_shard(edition_id, 0, LAST)
        sending.result()

    assert len({taken.rcpt_to for taken in relay.taken()}) == len(relay.taken()) == READERS
    with postgresql.reading() as session:
        assert count_flagged(session, edition_id) == 0


def test_a_job_is_made_for_each_shard_with_work_that_waits_in_none_and_nobody_is_at(postgresql, planned):
    assert missing(postgresql) == []

    forget_jobs(postgresql)
    settle(postgresql, first=11, last=20)
    scope = scope_of(planned, 0, 10)
    with SenderLock(postgresql, scope.name):
        with postgresql.writing() as session:
            runs.begin(session, scope, now=utc_now())
        made = missing(postgresql)

    assert made == [f"send_shard {planned} 21 30", f"send_shard {planned} 31 {LAST}"]
    assert jobs(postgresql) == made


@pytest.mark.parametrize("state", [EditionState.PAUSED, EditionState.CANCELLED])
def test_what_a_dead_sender_left_is_taken_back_whatever_became_of_its_edition(postgresql, planned, state):
    forget_jobs(postgresql)
    with postgresql.writing() as session:
        runs.begin(session, scope_of(planned, 11, 20), now=utc_now())
        session.get_one(Edition, planned).state = state.value

    assert missing(postgresql) == [f"send_shard {planned} 11 20"]


def test_a_notice_that_is_due_gets_a_job(postgresql, planned):
    with postgresql.writing() as session:
        notices.enqueue(session, NoticeKind.WELCOME, 1, now=NOW)
        settle(postgresql)
    forget_jobs(postgresql)

    assert "send_notices" in missing(postgresql)


@pytest.mark.parametrize(
    ("first_wave", "rest_in", "is_needed"),
    [
        pytest.param(None, None, True, id="all are sent to, and nobody has said so"),
        pytest.param(20, None, True, id="the first wave is out, and nobody has said so"),
        pytest.param(20, timedelta(minutes=5), False, id="it is out, and the rest is to come"),
        pytest.param(20, timedelta(minutes=-5), True, id="the rest may go"),
    ],
)
def test_the_end_of_a_wave_or_an_edition_is_seen(postgresql, planned, first_wave, rest_in, is_needed):
    forget_jobs(postgresql)
    settle(postgresql, last=first_wave or LAST)
    with postgresql.writing() as session:
        edition = session.get_one(Edition, planned)
        edition.first_wave = first_wave
        edition.rest_at = utc_now() + rest_in if rest_in is not None else None

    assert missing(postgresql) == ([f"send_shard {planned} 0 10"] if is_needed else [])


@pytest.mark.parametrize("first_wave", [None, 20])
def test_as_long_as_somebody_waits_for_a_time_nothing_is_over(postgresql, planned, first_wave):
    forget_jobs(postgresql)
    settle(postgresql)
    settle(postgresql, first=5, last=5, state="pending", due_at=int(utc_now().timestamp()) + 600)
    with postgresql.writing() as session:
        session.get_one(Edition, planned).first_wave = first_wave

    assert missing(postgresql) == []


def test_an_edition_is_not_looked_through_all_the_time(postgresql, planned):
    forget_jobs(postgresql)
    settle(postgresql, state="deferred", due_at=int(utc_now().timestamp()) + 600)
    upkeep = Upkeep(postgresql)
    assert upkeep.ensure(now=utc_now()) == []
    settle(postgresql, state="pending")

    assert upkeep.ensure(now=utc_now()) == []
    look_until(postgresql, lambda _: bool(upkeep.ensure(now=utc_now())))
