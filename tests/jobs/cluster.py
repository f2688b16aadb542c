"""Workers in threads, and an edition on its way in shards that are small enough for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.domain.states import EditionState
from newsletter.jobs.sender import utc_now
from newsletter.jobs.worker import Worker
from newsletter.services import deliveries, shards
from newsletter.storage import job_queue
from newsletter.storage.database import Database
from newsletter.storage.tables import Edition, Shard
from tests.readers import MONTH, approve_sample


def start_in_shards(database: Database, settings: Settings, *, now: datetime, readers: int) -> int:
    """Start the sample month's edition in shards of so many readers, each with its job; its id."""
    edition_id = approve_sample(database, settings, now=now, start=False)
    with database.writing() as session:  # in one transaction: workers may be waiting for it
        deliveries.start(session, MONTH, by="a test", now=utc_now())
        cut_anew(session, edition_id, readers=readers)
    return edition_id


def cut_anew(session: Session, edition_id: int, *, readers: int) -> None:
    """Cut an edition that nobody is at into shards of so many readers, each with its job."""
    session.execute(delete(Shard))
    session.execute(text("DELETE FROM procrastinate.procrastinate_jobs"))
    shards.cut(session, edition_id, readers=readers)
    shards.hand_out(session, edition_id)


@contextmanager
def at_work(database: Database, settings: Settings, count: int = 1) -> Iterator[None]:
    """So many workers; they are told to stop at the end, and waited for."""
    stop = Event()
    with ThreadPoolExecutor(count) as pool:
        working = [pool.submit(Worker(database, settings).run, stop.is_set) for _ in range(count)]
        try:
            look_until(database, lambda known: workers_known(known) > 0)
            yield
        finally:
            stop.set()
        for each in working:
            each.result()


def look_until(database: Database, found: Callable[[Database], bool], *, seconds: int = 20) -> None:
    """Look at the database again and again."""
    patience = Event()
    assert any(found(database) or patience.wait(0.1) for _ in range(10 * seconds))


def is_sent(database: Database) -> bool:
    with database.reading() as session:
        return session.scalar(select(Edition.state)) == EditionState.SENT.value


def workers_known(database: Database) -> int:
    """How many workers the server knows."""
    with database.reading() as session:
        return len(job_queue.workers(session))
