"""All that is known of a subscriber, for themselves (GDPR, article 15), as values that JSON can hold.

What is kept by a keyed hash only names nobody, such as how often something was asked for from a network: it is left
out, but for the suppression of their own address. So is how the question at a new address fared: that address may be
somebody else's, and whether it is must not be found out like this.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import NoticeKind
from newsletter.mail.links import Tokens
from newsletter.services import suppressions
from newsletter.storage.tables import (
    AddressChange,
    Consent,
    Delivery,
    Edition,
    Notice,
    Subscriber,
    Subscription,
    Suppression,
)

_Facts = dict[str, object]


def collect(session: Session, subscriber: Subscriber, *, tokens: Tokens) -> dict[str, object]:
    """Everything that is stored about a subscriber; times as ISO 8601 in UTC."""
    return {
        "subscriber": _subscriber(subscriber),
        "subscriptions": _subscriptions(session, subscriber.id),
        "consents": _consents(session, subscriber.id),
        "notices": _notices(session, subscriber.id),
        "deliveries": _deliveries(session, subscriber.id),
        "address_change": _address_change(session, subscriber.id),
        "suppression": _suppression(session, subscriber.address_key, tokens),
    }


def _subscriber(subscriber: Subscriber) -> _Facts:
    return {
        "id": subscriber.id,
        "address": subscriber.address,
        "language": subscriber.language,
        "state": subscriber.state,
        "follows": list(subjects_.split(subscriber.follows)),
        "alerts_at_once": subscriber.alerts_at_once,
        "text_only": subscriber.text_only,
        "created_at": _time(subscriber.created_at),
        "confirmed_at": _time(subscriber.confirmed_at),
        "ended_at": _time(subscriber.ended_at),
        "paused_until": _time(subscriber.paused_until),
    }


def _subscriptions(session: Session, subscriber_id: int) -> list[_Facts]:
    rows = session.scalars(
        select(Subscription).where(Subscription.subscriber_id == subscriber_id).order_by(Subscription.id)
    )
    return [
        {
            "subject": row.subject,
            "requested_at": _time(row.requested_at),
            "confirmed_at": _time(row.confirmed_at),
            "ended_at": _time(row.ended_at),
            "reason": row.reason,
        }
        for row in rows
    ]


def _consents(session: Session, subscriber_id: int) -> list[_Facts]:
    rows = session.scalars(select(Consent).where(Consent.subscriber_id == subscriber_id).order_by(Consent.id))
    return [
        {
            "at": _time(row.at),
            "act": row.act,
            "source": row.source,
            "ip": row.ip,
            "text": row.text,
            "text_sha256": row.text_sha256,
        }
        for row in rows
    ]


def _notices(session: Session, subscriber_id: int) -> list[_Facts]:
    rows = session.scalars(select(Notice).where(Notice.subscriber_id == subscriber_id).order_by(Notice.id))
    return [_notice(row) for row in rows]


def _notice(row: Notice) -> _Facts:
    made: _Facts = {"kind": row.kind, "created_at": _time(row.created_at), "address": row.address}
    if row.kind == NoticeKind.ADDRESS_CHANGE.value:
        return made
    told: _Facts = {"place": row.place_code, "month": row.month, "revision": row.revision}
    return made | told | {"state": row.state, "changed_at": _second(row.changed_at), "detail": row.detail}


def _deliveries(session: Session, subscriber_id: int) -> list[_Facts]:
    # Edition by edition: a delivery is found by both, and there may be millions of each one's.
    editions = select(Edition.id).order_by(Edition.id)
    rows = session.execute(
        select(Edition.month, Delivery)
        .join(Delivery, Delivery.edition_id == Edition.id)
        .where(Delivery.edition_id.in_(editions), Delivery.subscriber_id == subscriber_id)
        .order_by(Edition.month)
    )
    return [
        {
            "month": month,
            "state": row.state,
            "tries": row.attempt,
            "due_at": _second(row.due_at),
            "changed_at": _second(row.changed_at),
            "detail": row.detail,
        }
        for month, row in rows
    ]


def _address_change(session: Session, subscriber_id: int) -> _Facts | None:
    row = session.scalars(select(AddressChange).where(AddressChange.subscriber_id == subscriber_id)).one_or_none()
    return {"address": row.address, "requested_at": _time(row.requested_at)} if row is not None else None


def _suppression(session: Session, address_key: str, tokens: Tokens) -> _Facts | None:
    row = session.get(Suppression, suppressions.address_hash(address_key, tokens))
    return {"reason": row.reason, "at": _time(row.at)} if row is not None else None


def _time(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat() if value is not None else None


def _second(value: int | None) -> str | None:
    return datetime.fromtimestamp(value, UTC).isoformat() if value is not None else None
