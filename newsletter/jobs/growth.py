"""Counts how many subscribed and left, every hour, for the desk's drawing."""

from __future__ import annotations

from datetime import datetime

from newsletter.services import growth
from newsletter.storage.database import Database


def count_growth(database: Database, *, now: datetime) -> bool:
    """Count if it is time to; whether it was. Raises StorageUnavailable.

    The look through all subscribers is a transaction that only reads: nobody waits for it.
    """
    with database.reading() as session:
        if not growth.is_due(session, now=now):
            return False
        counted = growth.count(session)
    with database.writing() as session:
        growth.keep(session, counted, now=now)
    return True
