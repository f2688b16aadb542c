"""One-off mails wait in a table, written in the same transaction as their cause; the sender takes them from there."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, NoticeKind
from newsletter.storage import job_queue, signup_queries
from newsletter.storage.job_queue import Job
from newsletter.storage.tables import Notice

SEND_NOTICES = Job("send_notices", job_queue.NOTICES)  #: what sends all that are due

#: A stranger can type anybody's address into the form: so much of it reaches that mailbox, and no more.
SHORTEST_GAP = timedelta(minutes=15)
MOST_A_DAY = 3
MOST_CONFIRMATIONS = 3  #: in all, until they answer or services.retention forgets them


def enqueue(session: Session, kind: NoticeKind, subscriber_id: int, *, now: datetime) -> Notice:
    """Have a notice sent as soon as can be."""
    notice = Notice(**_values(kind, subscriber_id, now))
    session.add(notice)
    job_queue.defer(session, SEND_NOTICES)
    return notice


def enqueue_unless_flooded(session: Session, kind: NoticeKind, subscriber_id: int, *, now: datetime) -> bool:
    """The same for a notice that anybody can cause; whether it was enqueued."""
    since = {"lately": now - SHORTEST_GAP, "today": now - timedelta(days=1)}
    connection = session.connection()
    # All three for each kind: the statements must not tell who is active (T9b).
    found = connection.execute(signup_queries.CAUSED, {"subscriber_id": subscriber_id, **since})
    lately, today, questions = found.one()
    if lately or today >= MOST_A_DAY:
        return False
    if kind is NoticeKind.CONFIRMATION and questions >= MOST_CONFIRMATIONS:
        return False
    connection.execute(signup_queries.ENQUEUE, _values(kind, subscriber_id, now))
    job_queue.defer(session, SEND_NOTICES)
    return True


def _values(kind: NoticeKind, subscriber_id: int, now: datetime) -> dict[str, object]:
    return {
        "kind": kind.value,
        "subscriber_id": subscriber_id,
        "created_at": now,
        "state": DeliveryState.PENDING.value,
        "due_at": int(now.timestamp()),
    }
