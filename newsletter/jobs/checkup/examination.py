"""The whole check-up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from newsletter.config import Settings
from newsletter.errors import StorageUnavailable
from newsletter.jobs.checkup import configured, decisions, looked_up, paused, relayed, running, stored
from newsletter.jobs.checkup.finding import Finding
from newsletter.jobs.checkup.looked_up import Lookup
from newsletter.services.schedule import Schedule


def examine(settings: Settings, *, now: datetime, timeout: float, lookup: Lookup | None) -> Iterator[Finding]:
    """Look at everything, and tell each finding at once; without `lookup`, at nothing beyond this machine.

    `timeout` is for the relay, and for a database server to answer; in seconds.
    """
    yield from configured.check(settings, now=now)
    yield from _database(settings, now=now, timeout=timeout)
    if lookup is None:
        return
    for relay in settings.relays:
        yield relayed.check(relay, timeout=timeout)
    yield from looked_up.check(configured.sender_domain(settings), lookup)


def _database(settings: Settings, *, now: datetime, timeout: float) -> Iterator[Finding]:
    with stored.opened(settings.database_url, timeout=timeout) as database:
        path = database.path
        if path is not None and path.parent.is_dir() and not path.exists():
            yield stored.missing()  # to open it would make it
            return
        try:
            yield from stored.check(database)
            yield from decisions.check(database)
            yield from running.check(database, Schedule(settings.schedule, settings.zone), now=now)
            yield from paused.check(database, now=now)
        except (StorageUnavailable, DBAPIError) as error:
            yield stored.explain(error)
