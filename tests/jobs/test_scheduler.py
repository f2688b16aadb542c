"""The ticker: four processes make one edition, a clock that jumps fires nothing twice."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Event

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import func, select

from newsletter.config import Release, Settings
from newsletter.domain.address import Address
from newsletter.domain.month import Month
from newsletter.errors import StorageUnavailable
from newsletter.jobs import scheduler
from newsletter.services import editions, editorial, erasure, signup
from newsletter.storage.database import Database
from newsletter.storage.tables import Consent, Delivery, Edition, Subscriber
from tests.conftest import NOW
from tests.services.stock import NOVEMBER, ORIGIN, TOKENS, add_readers, an_update, counted, dump, store_updates

PROCESSES = 4
PATIENCE = 30.0  #: seconds
MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=31)


@pytest.fixture
def automatic(settings: Settings) -> Settings:
    return replace(settings, release=Release.AUTOMATIC)


def months_made(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(select(Edition.month, Edition.state).order_by(Edition.month))]


def deliveries_planned(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


def test_a_tick_makes_the_edition_when_it_is_due_and_a_person_sends_it(database, settings):
    store_updates(database)
    add_readers(database, ["KZ"])

    scheduler.tick(database, settings, now=NOW - MINUTE)
    assert months_made(database) == []
    scheduler.tick(database, settings, now=NOW)
    assert months_made(database) == [("2022-11", "draft")]
    before = dump(database)
    scheduler.tick(database, settings, now=NOW + MINUTE)
    assert dump(database) == before


def test_with_automatic_release_the_same_tick_sends_it(database, automatic):
    store_updates(database)
    add_readers(database, ["KZ"] * 3)

    for minutes in range(3):
        scheduler.tick(database, automatic, now=NOW + minutes * MINUTE)

    assert months_made(database) == [("2022-11", "sending")]
    assert deliveries_planned(database) == 3


def test_a_draft_that_a_person_made_early_is_released_when_it_is_due(sqlite, automatic):
    store_updates(sqlite)
    with sqlite.writing() as session:
        editions.ensure(session, NOVEMBER, now=NOW - timedelta(days=1))

    scheduler.tick(sqlite, automatic, now=NOW - MINUTE)
    assert months_made(sqlite) == [("2022-11", "draft")]
    scheduler.tick(sqlite, automatic, now=NOW)
    assert months_made(sqlite) == [("2022-11", "sending")]


def test_a_release_that_would_be_too_late_waits_for_a_person(sqlite, automatic):
    store_updates(sqlite)

    scheduler.tick(sqlite, automatic, now=NOW + timedelta(hours=73))

    assert months_made(sqlite) == [("2022-11", "draft")]


def test_what_is_in_the_way_is_told_with_the_edition(sqlite, automatic):
    store_updates(sqlite)

    scheduler.tick(sqlite, replace(automatic, postal_address=""), now=NOW)

    with sqlite.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.state == "draft"
        assert "POSTAL_ADDRESS" in (edition.note or "")


def test_a_tick_that_finds_nothing_to_do_only_reads(database, automatic):
    store_updates(database)
    scheduler.tick(database, automatic, now=NOW)

    with counted(database) as statements:
        scheduler.tick(database, automatic, now=NOW + MINUTE)

    assert len(statements) <= 5
    assert all(statement.startswith("SELECT") for statement in statements)


def test_updates_that_come_after_the_due_time_go_out_together(database, automatic):
    add_readers(database, ["all"])
    for minutes, place in ((60, "KZ"), (110, "SD")):
        with database.writing() as session:
            editorial.store(session, an_update(place), now=NOW + minutes * MINUTE)
        scheduler.tick(database, automatic, now=NOW + minutes * MINUTE)

    scheduler.tick(database, automatic, now=NOW + 169 * MINUTE)
    assert months_made(database) == [("2022-11", "draft")]
    scheduler.tick(database, automatic, now=NOW + 170 * MINUTE)
    assert months_made(database) == [("2022-11", "sending")]


def test_a_tick_forgets_who_did_not_confirm_in_time(database, settings):
    with database.writing() as session:
        signup.request(session, Address.parse("ada@example.org"), ["KZ"], origin=ORIGIN, tokens=TOKENS, now=NOW)

    scheduler.tick(database, settings, now=NOW + timedelta(days=6))
    with counted(database) as statements:
        scheduler.tick(database, settings, now=NOW + timedelta(days=7))
    assert all(statement.startswith("SELECT") for statement in statements)
    scheduler.tick(database, settings, now=NOW + timedelta(days=7, seconds=1))

    with database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_a_tick_cuts_the_log_that_could_not_be_cut_when_somebody_was_erased(sqlite, settings):
    add_readers(sqlite, ["KZ"])
    log = Path(f"{sqlite.path}-wal")
    with sqlite.reading() as session:
        session.scalars(select(Subscriber)).all()
        with sqlite.writing() as writer:
            erasure.erase(writer, writer.get_one(Subscriber, 1), tokens=TOKENS, now=NOW)
        scheduler.tick(sqlite, settings, now=NOW - MINUTE)
        assert b"reader1@" in log.read_bytes()

    scheduler.tick(sqlite, settings, now=NOW)

    assert b"reader1@" not in log.read_bytes() + sqlite.path.read_bytes()


def test_a_clock_that_jumps_fires_nothing_twice_and_a_month_slept_through_is_made_once(database, automatic):
    december = Month(2022, 12)
    store_updates(database)
    add_readers(database, ["KZ", "all"])
    day = timedelta(days=1)
    scheduler.tick(database, automatic, now=NOW - day)
    for jump in (0, -40, 0, -1, 1, 2, -30):  # days
        scheduler.tick(database, automatic, now=NOW + jump * day)
    assert months_made(database) == [("2022-11", "sending")]
    assert deliveries_planned(database) == 2

    with database.writing() as session:
        editorial.store(session, an_update("KZ", december), now=NOW)
    for jump in (40, -40, 41, 0, 42):  # it slept through the 1st of January, and wakes up on the 10th
        scheduler.tick(database, automatic, now=NOW + jump * day)
    assert months_made(database) == [("2022-11", "sending"), ("2022-12", "draft")]
    assert deliveries_planned(database) == 2


def tick_through(settings: Settings, times: Sequence[datetime], together: Barrier) -> None:
    """The body of one process: its own connection, its own view of the time."""
    database = Database(settings.database_url)
    together.wait(60)
    for now in times:
        scheduler.tick(database, settings, now=now)
    database.close()


def test_four_processes_over_a_months_boundary_make_one_edition_and_one_send(database, make_settings):
    settings = replace(make_settings(database_url=database.url), release=Release.AUTOMATIC)
    store_updates(database)
    add_readers(database, ["KZ"] * 5)
    # Each is forked from a process that has imported all this, and has no threads.
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload([__name__])
    together = fresh.Barrier(PROCESSES)
    steps = [NOW - 30 * MINUTE + each * MINUTE for each in range(60)]
    processes = [
        # Each with a clock of its own, a little off.
        fresh.Process(target=tick_through, args=(settings, [at + seconds for at in steps], together))
        for seconds in (timedelta(seconds=7 * number) for number in range(PROCESSES))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert months_made(database) == [("2022-11", "sending")]
    assert deliveries_planned(database) == 5
    with database.reading() as session:
        edition = editions.get(session, NOVEMBER)
        assert edition.note is None
        assert edition.send_started_at == edition.approved_at
        assert NOW <= edition.send_started_at.astimezone(UTC) < NOW + MINUTE


class Asked:
    """A clock that tells when it was asked; it fails if it is told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.was = Event()
        self._failure = failure

    def __call__(self) -> datetime:
        self.was.set()
        if self._failure is not None:
            raise self._failure
        return NOW


def until(is_so: Callable[[], bool], database: Database) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        months_made(database)


def test_in_the_background_it_ticks_at_once(sqlite, settings):
    store_updates(sqlite)
    clock = Asked()
    ticker = scheduler.start(sqlite, settings, clock=clock)
    try:
        assert clock.was.wait(10)
        until(lambda: months_made(sqlite) == [("2022-11", "draft")], sqlite)
    finally:
        ticker.shutdown()


def test_a_database_that_is_away_is_tried_again_at_the_next_tick(sqlite, settings, caplog):
    clock = Asked(StorageUnavailable("the database can't be used: locked"))
    ticker = scheduler.start(sqlite, settings, clock=clock)
    try:
        until(lambda: "the schedule waits for its next tick: the database can't be used" in caplog.text, sqlite)
    finally:
        ticker.shutdown()


def test_a_clock_that_is_set_back_does_not_stop_the_ticks():
    ticker = BackgroundScheduler(timezone="UTC", jobstores={"default": (store := scheduler.TickStore())})
    ticker.start(paused=True)
    job = ticker.add_job(print, "interval", seconds=scheduler.TICK_SECONDS, next_run_time=NOW)

    assert store.get_due_jobs(NOW - timedelta(seconds=scheduler.TICK_SECONDS)) == []
    assert store.get_due_jobs(NOW - timedelta(days=40)) == [job]
    ticker.shutdown(wait=False)


def test_what_is_due_is_forgotten_every_hour_and_at_the_first_time_soon(sqlite, settings):
    ticker = scheduler.start(sqlite, settings, clock=lambda: NOW)
    try:
        _lists, ticks, forgets = sorted(ticker.get_jobs(), key=lambda job: job.trigger.interval)
        assert (ticks.trigger.interval, forgets.trigger.interval) == (timedelta(seconds=20), timedelta(hours=1))
        assert timedelta(0) < forgets.next_run_time - datetime.now(UTC) <= MINUTE

        with sqlite.writing() as session:
            signup.request(
                session, Address.parse("ada@example.org"), ["KZ"], origin=ORIGIN, tokens=TOKENS, now=LONG_AGO
            )
            session.get_one(Subscriber, 1).state = "active"
        forgets.modify(next_run_time=datetime.now(UTC))
        until(lambda: ips(sqlite) == [None], sqlite)
    finally:
        ticker.shutdown()


def ips(database: Database) -> Sequence[str | None]:
    with database.reading() as session:
        return session.scalars(select(Consent.ip)).all()


def test_an_hourly_job_is_due_when_the_clock_was_set_back_and_not_at_every_tick():
    store = scheduler.TickStore()
    ticker = BackgroundScheduler(timezone="UTC", jobstores={"default": store})
    ticker.add_job(print, "interval", hours=1, next_run_time=NOW)
    ticker.start(paused=True)
    try:
        assert store.get_due_jobs(NOW - timedelta(hours=2)) == []
        assert len(store.get_due_jobs(NOW - timedelta(hours=2, seconds=1))) == 1
    finally:
        ticker.shutdown()


def test_a_database_that_is_away_is_no_end_to_forgetting(sqlite, settings, caplog):
    clock = Asked(StorageUnavailable("the database can't be used: locked"))
    ticker = scheduler.start(sqlite, settings, clock=clock)
    try:
        ticker.get_jobs()[-1].modify(next_run_time=datetime.now(UTC))
        until(lambda: "waits for the next hour: the database can't be used" in caplog.text, sqlite)
    finally:
        ticker.shutdown()
