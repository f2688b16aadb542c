"""Who has left long ago: their address is forgotten, what they once agreed to is not.

In place of the address stays its keyed hash. It names nobody, but who knows the address can look it up: the publisher
when its owner asks by what right they were written to, and an import, so that nobody who has left comes back by an old
list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from newsletter.domain.states import DeliveryState, SubscriberState
from newsletter.mail.links import Tokens
from newsletter.services import suppressions
from newsletter.storage.tables import AddressChange, Consent, Delivery, Edition, Notice, Subscriber, Subscription

KEPT: Final = timedelta(days=28)

_UNSUBSCRIBED: Final = "unsubscribed"  #: services.leaving writes it, and what the reader said of why behind it


def due(now: datetime) -> Select[int]:
    """The ids of who has left long ago, and whose address is still here."""
    return select(Subscriber.id).where(
        Subscriber.state == SubscriberState.ENDED.value,
        Subscriber.address != "",
        func.coalesce(Subscriber.ended_at, Subscriber.created_at) < now - KEPT,
    )


def forget(session: Session, *, tokens: Tokens, now: datetime, most: int) -> int:
    """Forget the addresses of up to `most` of them; how many it were."""
    locked = due(now).order_by(Subscriber.id).limit(most).with_for_update(skip_locked=True)
    ids = session.scalars(locked).all()
    if not ids:
        return 0
    forget_words(session, ids)
    for table in (Notice, AddressChange):
        session.execute(delete(table).where(table.subscriber_id.in_(ids)))
    session.execute(
        update(Subscription)
        .where(Subscription.subscriber_id.in_(ids), Subscription.reason.startswith(f"{_UNSUBSCRIBED}: "))
        .values(reason=_UNSUBSCRIBED)
    )
    found = session.scalars(select(Subscriber).where(Subscriber.id.in_(ids))).all()
    keys = {each.id: key_of(each.address_key, tokens) for each in found}
    _join_earlier(session, keys)
    for each in found:
        each.address, each.address_key = "", keys[each.id]
    session.flush()
    return len(found)


def key_of(address_key: str, tokens: Tokens) -> str:
    """What stands in place of an address that is forgotten."""
    return f"{suppressions.FORGOTTEN}{suppressions.address_hash(address_key, tokens)}"


def find(session: Session, address_key: str, *, tokens: Tokens) -> Subscriber | None:
    """Who had this address, and is forgotten."""
    return session.scalar(select(Subscriber).where(Subscriber.address_key == key_of(address_key, tokens)))


def forget_words(session: Session, subscriber_ids: Collection[int]) -> None:
    """Forget what relays said of these readers' digests: it may name a mailbox. A SkipReason stays, to be counted."""
    session.execute(
        update(Delivery)
        .where(
            # With each edition named, the primary key finds the rows.
            Delivery.edition_id.in_(select(Edition.id)),
            Delivery.subscriber_id.in_(subscriber_ids),
            Delivery.detail.is_not(None),
            Delivery.state != DeliveryState.SKIPPED.value,
        )
        .values(detail=None)
    )


def _join_earlier(session: Session, keys: Mapping[int, str]) -> None:
    """Who was forgotten before, came back and has left again, is one row: the hash is unique as the address was."""
    earlier = select(Subscriber.address_key, Subscriber.id).where(Subscriber.address_key.in_(keys.values()))
    before = dict(session.execute(earlier).all())
    for subscriber_id, key in keys.items():
        if key not in before:
            continue
        for table in (Consent, Subscription):
            of_earlier = table.subscriber_id == before[key]
            session.execute(update(table).where(of_earlier).values(subscriber_id=subscriber_id))
        session.execute(delete(Subscriber).where(Subscriber.id == before[key]))
