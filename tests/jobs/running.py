"""The service's sender, running beside a test that interferes with what it depends on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread

from sqlalchemy import Engine

from newsletter.config import Settings
from newsletter.jobs import service
from newsletter.storage.database import Database

PATIENCE = 60.0  #: seconds


class Complaints(logging.Handler):
    """Counts what the sender warns of: each is a try in vain."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._changed = Condition()
        self._count = 0

    def emit(self, _record: logging.LogRecord) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait_for_more(self, count: int) -> None:
        """Until so many more have come."""
        with self._changed:
            enough = self._count + count
            assert self._changed.wait_for(lambda: self._count >= enough, PATIENCE), "the sender has no complaint"


@contextmanager
def sending(settings: Settings, *, set_up: Callable[[Engine], None] | None = None) -> Iterator[Complaints]:
    """Run the sender in a thread as the service does; `set_up` gets its engine before that is used."""
    database = Database(settings.database_url)
    if set_up is not None:
        set_up(database.engine)
    stop = Event()
    complaints = Complaints()
    thread = Thread(target=service.run_sender, args=(database, settings, stop.is_set))
    jobs = logging.getLogger("newsletter.jobs")
    jobs.addHandler(complaints)
    thread.start()
    try:
        yield complaints
    finally:
        stop.set()
        thread.join()
        jobs.removeHandler(complaints)
        database.close()


def wait_until(condition: Callable[[], bool], what: str, *, within: float = PATIENCE) -> None:
    """Look again and again."""
    end = time.monotonic() + within
    pause = Event()
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        pause.wait(0.01)
