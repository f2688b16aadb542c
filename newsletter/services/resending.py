"""An edition once more to those who failed to get it, and to nobody else.

Only what failed comes back, whose reader is still subscribed, takes mail now, and is not suppressed. A delivery that is
flagged stays as it is: a copy may be out, and nobody is to get two. An edition that was corrected since is not sent any
more: who has not got it finds the right one on the web.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from newsletter.domain.month import Month
from newsletter.domain.states import DeliveryState, EditionState, SubscriberState
from newsletter.errors import EditionStateError
from newsletter.mail.links import Tokens
from newsletter.services import editions, revisions, shards, suppressions
from newsletter.services.deliveries import DEFAULT_TERMS, Terms
from newsletter.storage import outbox_queries
from newsletter.storage.tables import Delivery, Edition, EditionReport, Subscriber

_CHUNK: Final = 500  #: rows at a time: SQLite takes some thousand parameters


@dataclass(frozen=True, slots=True)
class _Failed:
    subscriber_id: int
    address_key: str


def why_not(edition: Edition) -> str | None:
    """Why an edition can't be sent once more, as a sentence; None if it can."""
    if edition.state != EditionState.SENT.value:
        return f"the edition for {edition.month} is {edition.state}; only what was sent is sent once more"
    if edition.revision != revisions.AS_SENT:
        return f"the edition for {edition.month} was corrected since, and the wrong one is not sent any more"
    return None


def count(session: Session, edition: Edition, *, tokens: Tokens, now: datetime) -> int:
    """How many would get it: it looks at each that failed."""
    return sum(len(ids) for ids in _reachable(session, edition.id, tokens, now))


def resend(session: Session, month: Month, *, tokens: Tokens, now: datetime, terms: Terms = DEFAULT_TERMS) -> int:
    """Let the deliveries that failed go out once more; how many. Asking again while they do changes nothing.

    Raises NotFound, and EditionStateError for an edition that is not sent, or was corrected since.
    """
    edition = editions.get(session, month, for_update=True)
    reason = why_not(edition)
    if reason is not None:
        raise EditionStateError(reason)
    number = sum(_put_back(session, edition.id, ids, now) for ids in _reachable(session, edition.id, tokens, now))
    if number:
        edition.state, edition.ended_at, edition.note = EditionState.SENDING.value, None, None
        edition.resumed_at, edition.deadline_at = now, now + terms.deadline
        session.execute(delete(EditionReport).where(EditionReport.edition_id == edition.id))
        shards.hand_out(session, edition.id)
    session.flush()
    return number


def _reachable(session: Session, edition_id: int, tokens: Tokens, now: datetime) -> Iterator[list[int]]:
    """Those who failed and can be written to, some hundred at a time, in the order of subscribers."""
    after = 0
    while True:
        query = (
            select(Delivery.subscriber_id, Subscriber.address_key)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .where(*_failed(edition_id), Delivery.subscriber_id > after)
            .where(
                Subscriber.state == SubscriberState.ACTIVE.value,
                or_(Subscriber.paused_until.is_(None), Subscriber.paused_until <= now),
            )
            .order_by(Delivery.subscriber_id)
            .limit(_CHUNK)
        )
        found = [_Failed(*row) for row in session.execute(query)]
        if not found:
            return
        after = found[-1].subscriber_id
        yield _not_suppressed(session, found, tokens)


def _not_suppressed(session: Session, found: Sequence[_Failed], tokens: Tokens) -> list[int]:
    hashes = {each.subscriber_id: suppressions.address_hash(each.address_key, tokens) for each in found}
    rows = outbox_queries.SUPPRESSED.rows(session, hashes=list(hashes.values()))
    suppressed = {address_hash for (address_hash,) in rows}
    return [subscriber_id for subscriber_id, address_hash in hashes.items() if address_hash not in suppressed]


def _failed(edition_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.edition_id == edition_id,
        Delivery.state == DeliveryState.FAILED.value,
        Delivery.flagged.is_(False),
    )


def _put_back(session: Session, edition_id: int, ids: Sequence[int], now: datetime) -> int:
    if not ids:
        return 0
    second = int(now.timestamp())
    # With a time, as a sender that is at work has passed them and looks for nobody without one behind it.
    again = {"state": DeliveryState.PENDING.value, "attempt": 0, "due_at": second, "changed_at": second}
    changed = session.execute(
        update(Delivery).where(*_failed(edition_id), Delivery.subscriber_id.in_(ids)).values(again)
    )
    return cast("CursorResult[Any]", changed).rowcount
