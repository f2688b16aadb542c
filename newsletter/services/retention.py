"""What is forgotten when its time is over.

Whoever types an address into the form need not own it: without the owner's answer it is not kept.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.mail.links import CONFIRMATION_LIFETIME
from newsletter.storage.tables import Notice, Subscriber, Subscription

log = logging.getLogger(__name__)

#: Rows at a time: a flood of signups must not hold SQLite's write lock for long. The next tick takes the next ones.
MOST_AT_ONCE = 500


def is_purge_due(session: Session, *, now: datetime) -> bool:
    """Whether `purge_pending` has anything to do: a look that takes no lock."""
    return session.scalar(_unanswered(now).limit(1)) is not None


def purge_pending(session: Session, now: datetime) -> int:
    """Forget up to MOST_AT_ONCE pending subscribers whose last question can't be answered any more; how many it were.

    Who never confirmed is deleted, with all that belongs to them. Who was active before has left again: their history
    is the proof of what they once agreed to.
    """
    locked = session.scalars(_unanswered(now).limit(MOST_AT_ONCE).with_for_update(skip_locked=True)).all()
    # Again, now that nobody can ask or answer: PostgreSQL looked before it had the locks.
    ids = session.scalars(_unanswered(now).where(Subscriber.id.in_(locked))).all()
    if not ids:
        return 0
    session.execute(delete(Subscriber).where(Subscriber.id.in_(ids), Subscriber.confirmed_at.is_(None)))
    session.execute(
        update(Subscription)
        .where(Subscription.subscriber_id.in_(ids), Subscription.ended_at.is_(None))
        .values(ended_at=now, reason="not confirmed")
    )
    session.execute(
        update(Subscriber).where(Subscriber.id.in_(ids)).values(state=SubscriberState.ENDED.value, ended_at=now)
    )
    log.info("%d requests were not confirmed in time, and are forgotten", len(ids))
    return len(ids)


def _unanswered(now: datetime) -> Select[int]:
    """Who is pending without a link that can still be used.

    The newest question counts, not the newest request: when no more mail goes out (services.notices), asking on and on
    must neither keep an address here nor keep its owner out. A first request has its subscriber's age, and one of
    somebody who had left can't be older than that.
    """
    oldest = now - CONFIRMATION_LIFETIME
    asked_lately = exists().where(
        Notice.subscriber_id == Subscriber.id,
        Notice.kind == NoticeKind.CONFIRMATION.value,
        Notice.created_at >= oldest,
    )
    return select(Subscriber.id).where(
        Subscriber.state == SubscriberState.PENDING.value,
        func.coalesce(Subscriber.ended_at, Subscriber.created_at) < oldest,
        ~asked_lately,
    )
