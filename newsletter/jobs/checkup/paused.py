"""Destinations that nothing is sent to for a while, since they refuse us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.jobs.checkup.finding import Finding, ok, sentence, warn, when
from newsletter.services import destinations
from newsletter.storage.database import Database


def check(database: Database, *, now: datetime) -> Iterator[Finding]:
    """A finding for each destination that is paused, or one that says that none is. Raises StorageUnavailable."""
    with database.reading() as session:
        known = destinations.load(session)
    paused = [each for each in known if each.paused_until is not None]
    for each in paused:
        until = datetime.fromtimestamp(each.paused_until or 0, UTC)
        words = f"Nothing is sent to {each.name} until {when(until)}." if until > now else f"{each.name} was paused."
        note = f" {sentence(each.note)}" if each.note else ""
        remedy = f"Mend that, then run 'newsletter destination resume {each.name}'."
        yield warn("destinations", f"{words}{note}", remedy)
    if not paused:
        yield ok("destinations", "All of them get mail.")
