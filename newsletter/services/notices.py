"""One-off mails wait in a table, written in the same transaction as their cause; the sender takes them from there."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.storage.tables import Notice

#: A stranger can type anybody's address into the form: so much of it reaches that mailbox, and no more.
SHORTEST_GAP = timedelta(minutes=15)
MOST_A_DAY = 3


def enqueue(session: Session, kind: NoticeKind, subscriber_id: int, *, now: datetime) -> Notice:
    """Have a notice sent as soon as can be."""
    notice = Notice(
        kind=kind.value,
        subscriber_id=subscriber_id,
        created_at=now,
        state=DeliveryState.PENDING.value,
        due_at=int(now.timestamp()),
    )
    session.add(notice)
    return notice


def enqueue_unless_flooded(session: Session, kind: NoticeKind, subscriber_id: int, *, now: datetime) -> bool:
    """The same for a notice that anybody can cause; whether it was enqueued."""
    answers = (NoticeKind.CONFIRMATION.value, NoticeKind.MANAGE_LINK.value)
    sent = select(func.count()).where(Notice.subscriber_id == subscriber_id, Notice.kind.in_(answers))
    lately = session.scalar(sent.where(Notice.created_at > now - SHORTEST_GAP)) or 0
    today = session.scalar(sent.where(Notice.created_at > now - timedelta(days=1))) or 0
    if lately or today >= MOST_A_DAY:
        return False
    enqueue(session, kind, subscriber_id, now=now)
    return True
