"""A correction by mail: to those who were sent one of the corrected places, and follow it still.

One statement makes one notice for each of them, however many they are; a unique index holds it to one a reader. What
was made is looked at again before it is sent (services.due_notices).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CursorResult,
    Integer,
    SQLColumnExpression,
    String,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, NoticeKind, SubscriberState
from newsletter.errors import EditionStateError, NotFound
from newsletter.services import editions, notices, revisions
from newsletter.storage import job_queue
from newsletter.storage.columns import UtcDateTime
from newsletter.storage.tables import Delivery, Edition, EditionRevision, Notice, Subscriber, Subscription


@dataclass(frozen=True, slots=True)
class Reach:
    """Who a correction would go to, if it were mailed now."""

    readers: int  #: were sent the wrong update, and follow it still
    paused: int  #: of these, take no mail for a while: they are skipped
    left: int  #: were sent the edition, and are subscribed no more, whatever they followed


def reach(session: Session, month: Month, number: int, *, now: datetime) -> Reach:
    """Count them; a look at all deliveries of the edition. Raises NotFound."""
    edition, revision = _revision(session, month, number)
    places = revisions.split(revision.places)
    follows = _follows_any(places) & _followed_then(edition, places)
    is_active = Subscriber.state == SubscriberState.ACTIVE.value
    query = (
        select(
            func.count().filter(is_active & follows),
            func.count().filter(is_active & follows & (Subscriber.paused_until > now)),
            func.count().filter(or_(Subscriber.id.is_(None), ~is_active)),
        )
        .select_from(Delivery)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(*_was_sent(edition.id))
    )
    return Reach(*session.execute(query).one())


def tell(session: Session, month: Month, number: int, *, now: datetime) -> int:
    """Make the mails, once; how many.

    Raises NotFound, and EditionStateError when they were made before, or a newer revision is there.
    """
    edition, revision = _revision(session, month, number, for_update=True)
    if revision.mailed_at is not None:
        raise EditionStateError("this correction was mailed already; nobody gets it twice")
    if edition.revision != number:
        raise EditionStateError("there is a newer revision; mail that one")
    places, second = revisions.split(revision.places), int(now.timestamp())
    values: dict[str, SQLColumnExpression[Any]] = {
        "kind": _text(NoticeKind.CORRECTION.value),
        "subscriber_id": Subscriber.id,
        "month": _text(str(month)),
        "revision": cast(literal(number), Integer),
        "created_at": literal(now, UtcDateTime()),
        "state": _text(DeliveryState.PENDING.value),
        "attempt": cast(literal(0), Integer),
        "flagged": cast(literal(False), Boolean),
        "due_at": cast(literal(second), Integer),
    }
    # In the order of subscribers, so that two processes never wait for each other's rows.
    readers = (
        select(*values.values())
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(*_was_sent(edition.id), Subscriber.state == SubscriberState.ACTIVE.value)
        .where(_follows_any(places), _followed_then(edition, places))
        .order_by(Subscriber.id)
    )
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = insert(Notice).from_select(list(values), readers).on_conflict_do_nothing()
    # Else SQLAlchemy forgets it of an INSERT on PostgreSQL.
    found: CursorResult[Any] = session.connection().execute(made, execution_options={"preserve_rowcount": True})
    revision.mailed_at = now
    job_queue.defer(session, notices.SEND_NOTICES)
    session.flush()
    return found.rowcount


def _revision(
    session: Session, month: Month, number: int, *, for_update: bool = False
) -> tuple[Edition, EditionRevision]:
    edition = editions.get(session, month, for_update=for_update)
    key = (edition.id, number)
    row = session.get(EditionRevision, key, with_for_update=for_update, populate_existing=for_update)
    if row is None or row.at is None:
        raise NotFound(f"the edition for {month} has no revision {number}")
    return edition, row


def _was_sent(edition_id: int) -> tuple[ColumnElement[bool], ...]:
    return (Delivery.edition_id == edition_id, Delivery.state == DeliveryState.SENT.value)


def _follows_any(places: tuple[str, ...]) -> ColumnElement[bool]:
    """By the text that says the same as their subscriptions."""
    listed = literal(";") + Subscriber.follows + ";"
    codes = _codes(places)
    return or_(Subscriber.follows == subjects_.ALL, *(listed.contains(f";{code};", autoescape=True) for code in codes))


def _followed_then(edition: Edition, places: tuple[str, ...]) -> ColumnElement[bool]:
    """While the edition was sent: who has chosen a place since was never sent what is corrected."""
    subject = func.coalesce(Subscription.place_code, Subscription.region_code, subjects_.ALL)
    return exists().where(
        Subscription.subscriber_id == Subscriber.id,
        subject.in_([subjects_.ALL, *_codes(places)]),
        Subscription.confirmed_at <= edition.ended_at,
        or_(Subscription.ended_at.is_(None), Subscription.ended_at >= edition.send_started_at),
    )


def _codes(places: tuple[str, ...]) -> list[str]:
    """Of these places and their regions."""
    return sorted({code for place in places for code in revisions.subjects_of(place)})


def _text(value: str) -> ColumnElement[str]:
    """PostgreSQL wants to be told what a parameter among a SELECT's columns is."""
    return cast(literal(value), String)
