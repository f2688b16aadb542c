"""What is known of destinations, and how much was sent on a day: kept, so that it outlives a sender."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.delivery.destination import DestinationState
from newsletter.errors import NotFound
from newsletter.storage.tables import Destination, SendingDay
from newsletter.storage.upsert import insert_or_ignore


def load(session: Session) -> list[DestinationState]:
    """All that is known, by name."""
    rows = session.scalars(select(Destination).order_by(Destination.name).execution_options(populate_existing=True))
    return [DestinationState(row.name, row.rate, row.paused_until, row.pauses, row.note) for row in rows]


def save(session: Session, states: Iterable[DestinationState], *, now: datetime) -> None:
    """Keep what changed."""
    second = int(now.timestamp())
    for state in states:
        values = asdict(state) | {"changed_at": second}
        if not insert_or_ignore(session, Destination, **values):
            session.execute(update(Destination).where(Destination.name == state.name).values(values))


def resume(session: Session, name: str, *, now: datetime) -> None:
    """End a pause at once. Raises NotFound."""
    found = session.get(Destination, name.lower(), with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"nothing is known of a destination {name!r}; 'newsletter destination list' shows all")
    found.paused_until, found.pauses, found.note = None, 0, None
    found.changed_at = int(now.timestamp())
    session.flush()


def sent_on(session: Session, day: date) -> int:
    """How many messages were counted on a day."""
    return session.scalar(select(SendingDay.messages).where(SendingDay.day == day.isoformat())) or 0


def add_sent(session: Session, day: date, messages: int) -> None:
    """Count messages."""
    insert_or_ignore(session, SendingDay, day=day.isoformat(), messages=0)
    counted = update(SendingDay).where(SendingDay.day == day.isoformat())
    session.execute(counted.values(messages=SendingDay.messages + messages))
