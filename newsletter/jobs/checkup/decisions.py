"""What waits for an admin's decision: a database that may be a restored backup, deliveries that are held."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState
from newsletter.jobs.checkup.finding import Finding, bad, ok, sentence, warn
from newsletter.services import guard
from newsletter.storage.database import Database
from newsletter.storage.tables import Delivery, Edition


def check(database: Database) -> Iterator[Finding]:
    """A finding for each of them. Raises StorageUnavailable."""
    with database.reading() as session:
        yield backup(guard.halted(session))
        yield from held(session)


def backup(reason: str | None) -> Finding:
    """Whether sending is halted, as the sender has found signs of a restored backup."""
    if reason is None:
        return ok("backup", "No sender has found signs of a restored backup.")
    remedy = "If there is a newer copy of it, stop the service and put that in its place."
    return bad("backup", f"Nothing is sent. {sentence(reason)}", remedy)


def held(session: Session) -> Iterator[Finding]:
    """A finding for each edition of which deliveries are held."""
    query = (
        select(Edition.month, func.count())
        .join(Delivery, Delivery.edition_id == Edition.id)
        .where(Delivery.state == DeliveryState.HELD.value)
        .group_by(Edition.month)
        .order_by(Edition.month)
    )
    for month, number in session.execute(query):
        yield warn(
            "held",
            f"Of {month}, {'1 delivery is' if number == 1 else f'{number:,} deliveries are'} held.",
            f"See why with 'newsletter edition held {month}', then decide with '--send-again' or '--give-up'.",
        )
