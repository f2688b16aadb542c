"""Conflict risk alerts that go out as soon as they are published, to whoever asked for that.

One statement makes one notice for each of these readers, however many they are. A unique index holds it to one alert a
place a month, whatever is edited, taken back and published again, and in however many processes. What was made is
looked at again before it is sent (services.due_notices): an alert that was taken back by then goes to nobody.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, cast, literal, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.month import Month
from newsletter.domain.place import Place
from newsletter.domain.states import DeliveryState, NoticeKind, SubscriberState
from newsletter.domain.update import Alert, Update, UpdateState
from newsletter.storage.columns import UtcDateTime
from newsletter.storage.tables import Notice, Subscriber

log = logging.getLogger(__name__)


def is_published(update: Update) -> bool:
    """Whether an update is ready, and has a conflict risk alert."""
    return update.state is UpdateState.READY and Alert.CONFLICT_RISK in update.alerts


def is_news(month: Month, now: datetime) -> bool:
    """Whether an update of this month may tell anybody at once: it is this month's, or the last one's.

    An alert looks at the month ahead. One of a month long gone warns of nothing any more: it comes from sample data, or
    from an archive that is taken in. And one of a month to come is a typing error.
    """
    running = Month.of(now)
    return month in (running, running.previous)


def announce(session: Session, place: Place, month: Month, *, now: datetime) -> None:
    """Tell of a place's alert, which was published just now, once: who was told before is not told again.

    Who was skipped, because it was taken back for a while, is told after all: nothing ever went out to them.
    """
    if not is_news(month, now):
        return
    second = int(now.timestamp())
    values: dict[str, SQLColumnExpression[Any]] = {
        "kind": _text(NoticeKind.ALERT.value),
        "subscriber_id": Subscriber.id,
        "place_code": _text(place.code),
        "month": _text(str(month)),
        "created_at": literal(now, UtcDateTime()),
        "state": _text(DeliveryState.PENDING.value),
        "attempt": literal(0),
        "flagged": literal(False),
        "due_at": literal(second),
    }
    # In the order of subscribers, so that two processes never wait for each other's rows.
    readers = select(*values.values()).where(*_who_asked(place)).order_by(Subscriber.id)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = insert(Notice).from_select(list(values), readers)
    again = made.on_conflict_do_update(
        index_elements=["subscriber_id", "place_code", "month"],
        index_where=text("kind = 'alert'"),
        set_={"state": DeliveryState.PENDING.value, "created_at": now, "due_at": second, "detail": None},
        where=(Notice.state == DeliveryState.SKIPPED.value) & ~Notice.flagged,
    )
    # Else SQLAlchemy forgets it of an INSERT on PostgreSQL.
    count = session.connection().execute(again, execution_options={"preserve_rowcount": True}).rowcount
    log.info("%d readers are told at once of the alert for %s, %s", count, place.code, month)


def _who_asked(place: Place) -> tuple[SQLColumnExpression[bool], ...]:
    """Active readers who asked for it and follow the place, by the text that says the same as their subscriptions."""
    listed = literal(";") + Subscriber.follows + ";"
    return (
        Subscriber.alerts_at_once,
        Subscriber.state == SubscriberState.ACTIVE.value,
        or_(
            Subscriber.follows == subjects_.ALL,
            listed.contains(f";{place.code};", autoescape=True),
            listed.contains(f";{place.region.code};", autoescape=True),
        ),
    )


def _text(value: str) -> ColumnElement[str]:
    """PostgreSQL wants to be told what a parameter among a SELECT's columns is."""
    return cast(literal(value), String)
