"""A link to a reader's own page that shows that they read the mailbox now: some things are asked for with it only.

Whoever has an old mail can ask for one, also who it was passed on to: the limits keep them from filling the mailbox.
They are apart from those of the public forms, so that nobody who was just asked to confirm has to wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.services import notices
from newsletter.storage.tables import Notice, Subscriber


def send(session: Session, subscriber: Subscriber, *, now: datetime) -> None:
    """Mail a subscriber their link, unless they have left, or have just got one."""
    if subscriber.state != SubscriberState.ACTIVE.value:
        return
    lately, today = session.execute(
        select(
            func.count().filter(Notice.created_at > now - notices.SHORTEST_GAP),
            func.count().filter(Notice.created_at > now - timedelta(days=1)),
        ).where(Notice.subscriber_id == subscriber.id, Notice.kind == NoticeKind.MANAGE_LINK.value)
    ).one()
    if notices.is_flood(lately, today):
        return
    notices.enqueue(session, NoticeKind.MANAGE_LINK, subscriber.id, now=now)
