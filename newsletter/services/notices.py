"""One-off mails wait in a table, written in the same transaction as their cause; the sender takes them from there."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.storage import job_queue
from newsletter.storage.job_queue import Job
from newsletter.storage.tables import Notice, Subscriber

SEND_NOTICES = Job("send_notices", job_queue.NOTICES)  #: what sends all that are due

#: A stranger can type anybody's address into the form: so much of it reaches that mailbox, and no more.
SHORTEST_GAP = timedelta(minutes=15)
MOST_A_DAY = 3
MOST_CONFIRMATIONS = 3  #: in all, until they answer or services.retention forgets them


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
    job_queue.defer(session, SEND_NOTICES)
    return notice


def enqueue_unless_flooded(session: Session, kind: NoticeKind, subscriber_id: int, *, now: datetime) -> bool:
    """The same for a notice that anybody can cause; whether it was enqueued."""
    answers = (NoticeKind.CONFIRMATION.value, NoticeKind.MANAGE_LINK.value)
    # Who asks after they have left is asked anew: what went out before that counts no more.
    since_pending = or_(Subscriber.ended_at.is_(None), Notice.created_at >= Subscriber.ended_at)
    # All three for either kind: the statements must not tell who is active (T9b).
    lately, today, questions = session.execute(
        select(
            func.count().filter(Notice.created_at > now - SHORTEST_GAP),
            func.count().filter(Notice.created_at > now - timedelta(days=1)),
            func.count().filter(Notice.kind == NoticeKind.CONFIRMATION.value, since_pending),
        )
        .select_from(Notice)
        .join(Subscriber, Subscriber.id == Notice.subscriber_id)
        .where(Notice.subscriber_id == subscriber_id, Notice.kind.in_(answers))
    ).one()
    if lately or today >= MOST_A_DAY:
        return False
    if kind is NoticeKind.CONFIRMATION and questions >= MOST_CONFIRMATIONS:
        return False
    enqueue(session, kind, subscriber_id, now=now)
    return True
