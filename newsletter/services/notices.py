"""One-off mails wait in a table, written in the same transaction as their cause; the sender takes them from there."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

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
    moment = partial(signup_queries.moment, session)
    # All is looked at for each kind: the statement must not tell who is active (T9b).
    queued = signup_queries.ENQUEUE.change(
        session,
        kind=kind.value,
        subscriber_id=subscriber_id,
        now=moment(now),
        state=DeliveryState.PENDING.value,
        second=int(now.timestamp()),
        lately=moment(now - SHORTEST_GAP),
        today=moment(now - timedelta(days=1)),
        most_today=MOST_A_DAY,
        most_questions=MOST_CONFIRMATIONS,
    )
    if not queued:
        return False
    job_queue.defer(session, SEND_NOTICES)
    return True


def is_flood(lately: int, today: int) -> bool:
    """Whether no more mail may go where so many went since SHORTEST_GAP, and so many within a day."""
    return lately > 0 or today >= MOST_A_DAY


def _values(kind: NoticeKind, subscriber_id: int, now: datetime) -> dict[str, object]:
    return {
        "kind": kind.value,
        "subscriber_id": subscriber_id,
        "created_at": now,
        "state": DeliveryState.PENDING.value,
        "due_at": int(now.timestamp()),
    }
