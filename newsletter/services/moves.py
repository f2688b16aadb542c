"""Subscriptions that have moved to another address, and the links that lie in the old one's mailbox.

A link names a subscriber, not an address. What was mailed before a move is read by whoever reads the old mailbox: a
former employer, say. See docs/decisions/017.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.services.consents import ConsentAct
from newsletter.storage.tables import Consent


def moved_at(session: Session, subscriber_id: int) -> datetime | None:
    """When the owner of another address last took a subscription over to it, by the ledger; None: it never moved."""
    moves = select(func.max(Consent.at)).where(
        Consent.subscriber_id == subscriber_id, Consent.act == ConsentAct.ADDRESS_CHANGED.value
    )
    return session.scalar(moves)


def is_from_before(session: Session, subscriber_id: int, made_at: datetime) -> bool:
    """Whether a link that was made at the second `made_at` went to an address that was given up since.

    A link of the second of the move itself is the one on the page that follows it.
    """
    moved = moved_at(session, subscriber_id)
    return moved is not None and int(made_at.timestamp()) < int(moved.timestamp())
