"""T13: a long list, against a sink that takes everything. What a sender holds does not grow with it."""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, insert, select

from newsletter.cli.updates import sample_readings
from newsletter.config import Settings
from newsletter.domain import subject as subjects_
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.jobs import service
from newsletter.jobs.sender import utc_now
from newsletter.services import deliveries, editions
from newsletter.storage.database import Database
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Delivery, Subscriber
from tests import parts
from tests.conftest import NOW, close_as_one_file
from tests.jobs.running import wait_until
from tests.readers import MONTH, approve_sample, count_states

BATCH = 10_000
FOLLOWED = 3
WARM_UP = 0.1  #: of the readers, before memory is looked at
GROWTH = 4_000_000  #: bytes by which memory may differ: what the allocator keeps goes up and down
PASSING = 2  #: descriptors that are open for a moment now and then
BYTES_A_DELIVERY = 150


@dataclass(frozen=True)
class Sample:
    """What a process holds at one moment."""

    memory: int  #: resident bytes
    descriptors: int

    @classmethod
    def of(cls, process_id: int) -> Sample:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return cls(pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{process_id}/fd")))


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's test server, which forgets what it takes; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
    process = subprocess.Popen([parts.smtp_sink(), *user, f"127.0.0.1:{port}", "1000"])

    def answers() -> bool:
        with closing(socket.socket()) as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "the sink answers")
        yield port
    finally:
        process.terminate()
        process.wait()


def add_many_readers(database: Database, count: int) -> None:
    """Active subscribers who follow places of the sample's, chosen at random."""
    dice = random.Random(count)
    codes = sorted({reading.update.place for reading in sample_readings()})
    for start in range(1, count + 1, BATCH):
        rows = [
            {
                "address": f"reader{number}@example.org",
                "address_key": f"reader{number}@example.org",
                "state": "active",
                "language": "en",
                "follows": subjects_.join(subjects_.parse(dice.sample(codes, FOLLOWED), gazetteer())),
                "created_at": NOW,
                "confirmed_at": NOW,
            }
            for number in range(start, min(start + BATCH, count + 1))
        ]
        with database.writing() as session:
            session.execute(insert(Subscriber), rows)


def bytes_stored(database: Database) -> int:
    assert database.path is not None
    close_as_one_file(database)
    return database.path.stat().st_size


def samples(settings: Settings, database: Database, readers: int, *, every: float) -> list[Sample]:
    """Send the edition in a process of its own; what it held from its warm-up on."""
    process = multiprocessing.get_context("spawn").Process(target=service.sender_process, args=(settings, os.getpid()))
    process.start()
    found: list[Sample] = []
    pause = Event()
    assert process.pid is not None
    try:
        wait_until(lambda: is_beyond(database, int(readers * WARM_UP)), "it begins")
        while not is_sent(database):
            assert process.is_alive()
            found.append(Sample.of(process.pid))
            pause.wait(every)
    finally:
        process.terminate()
        process.join()
    assert process.exitcode == 0
    return found


def is_beyond(database: Database, reader: int) -> bool:
    with database.reading() as session:
        state = session.scalar(select(Delivery.state).where(Delivery.subscriber_id == reader))
        return state == DeliveryState.SENT


def is_sent(database: Database) -> bool:
    with database.reading() as session:
        return editions.get(session, MONTH).state == EditionState.SENT


def send(database: Database, make_settings: Callable[..., Settings], readers: int, *, every: float) -> None:
    with smtp_sink() as port:
        settings = make_settings(
            database_url=database.url, smtp_url=f"smtp://127.0.0.1:{port}?tls=none", mx_lookup="off", connections="20"
        )
        add_many_readers(database, readers)
        edition_id = approve_sample(database, settings, now=NOW, start=False)
        before = bytes_stored(database)
        with database.writing() as session:
            deliveries.start(session, MONTH, by="a test", now=utc_now())
        held = samples(settings, database, readers, every=every)

    stored = (bytes_stored(database) - before) / readers
    half = len(held) // 2
    early, late = held[:half], held[half:]
    print(
        f"{readers:,} readers: at most {max(each.memory for each in held) / 1e6:.0f} MB, {stored:.0f} bytes a delivery"
    )
    assert max(each.memory for each in late) - max(each.memory for each in early) < GROWTH
    assert max(each.descriptors for each in late) <= max(each.descriptors for each in early) + PASSING
    assert stored <= BYTES_A_DELIVERY
    with database.reading() as session:
        counts = count_states(session, edition_id)
        assert counts[DeliveryState.SENT] == sum(counts.values()) == readers
        assert session.scalar(select(func.count()).select_from(Delivery)) == readers


def test_what_a_sender_holds_does_not_grow_with_five_thousand_readers(sqlite, make_settings):
    send(sqlite, make_settings, 5_000, every=0.02)


@pytest.mark.soak
def test_nor_with_a_million(sqlite, make_settings):
    send(sqlite, make_settings, 1_000_000, every=1.0)
