"""What is known of destinations, and how much was sent on a day: kept, so that it outlives a sender."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from newsletter.delivery.destinations import providers
from newsletter.delivery.destinations.destination import DestinationState
from newsletter.domain.states import DeliveryState, EditionState
from newsletter.errors import Conflict, NotFound
from newsletter.storage.tables import Delivery, Destination, Edition, SendingDay
from newsletter.storage.upsert import insert_or_ignore

KEPT: Final = timedelta(days=45)  #: after its last change, what was learnt is forgotten: it is there for the next month


def load(session: Session) -> list[DestinationState]:
    """All that is known, by name."""
    rows = session.scalars(select(Destination).order_by(Destination.name).execution_options(populate_existing=True))
    return [DestinationState(row.name, row.rate, row.paused_until, row.pauses, row.note) for row in rows]


def save(session: Session, states: Collection[DestinationState], *, now: datetime) -> None:
    """Keep what changed, and forget what says nothing any more."""
    second = int(now.timestamp())
    over = [state.name for state in states if state.is_neutral]
    for state in sorted(states, key=lambda state: state.name):  # in one order, so that senders don't wait in a ring
        values = asdict(state) | {"changed_at": second}
        if not state.is_neutral and not insert_or_ignore(session, Destination, **values):
            session.execute(update(Destination).where(Destination.name == state.name).values(values))
    is_old = Destination.changed_at < second - int(KEPT.total_seconds())
    session.execute(delete(Destination).where(Destination.name.in_(over) | is_old))


def resume(session: Session, name: str, *, now: datetime) -> str:
    """End a pause at once; the destination's name, which `name` may be a domain of. Raises NotFound or Conflict.

    Those who wait for a time of their own are looked at anew: who has to wait for another destination gets a new one.
    """
    destination = providers.destination(name)
    found = session.get(Destination, destination, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"nothing is known of a destination {name!r}; 'newsletter destination list' shows all")
    if found.paused_until is None:
        raise Conflict(f"{destination} is not paused")
    second = int(now.timestamp())
    if found.rate is None:
        session.delete(found)
    else:
        found.paused_until, found.pauses, found.note, found.changed_at = None, 0, None, second
    session.flush()
    waits = (Delivery.state == DeliveryState.PENDING.value) & (Delivery.due_at > second)
    sending = select(Edition.id).where(Edition.state == EditionState.SENDING.value)
    session.execute(update(Delivery).where(Delivery.edition_id.in_(sending), waits).values(due_at=second))
    return destination


def sent_on(session: Session, day: date) -> int:
    """How many messages were counted on a day."""
    return session.scalar(select(SendingDay.messages).where(SendingDay.day == day.isoformat())) or 0


def add_sent(session: Session, day: date, messages: int) -> None:
    """Count messages."""
    insert_or_ignore(session, SendingDay, day=day.isoformat(), messages=0)
    counted = update(SendingDay).where(SendingDay.day == day.isoformat())
    session.execute(counted.values(messages=SendingDay.messages + messages))
