"""What is forgotten when its time is over: a list of rules, each with a time and its rows. See docs/privacy.md.

Whoever types an address into the form need not own it: without the owner's answer it is not kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, Select, delete, exists, func, literal_column, select, update
from sqlalchemy.orm import Session

from newsletter.domain.states import OPEN_STATES, NoticeKind, SubscriberState
from newsletter.mail.links import ADDRESS_LIFETIME, CONFIRMATION_LIFETIME, Tokens
from newsletter.services import forgotten, limits, old_deliveries, unsaved
from newsletter.storage.tables import AddressChange, Consent, Notice, RateWindow, Subscriber, Subscription

log = logging.getLogger(__name__)

#: Rows at a time: a flood of signups must not hold SQLite's write lock for long. The next tick takes the next ones.
MOST_AT_ONCE = 500

IPS_KEPT: Final = timedelta(days=30)
NOTICES_KEPT: Final = timedelta(days=90)

# Both in the statement itself, and the index's own condition besides: it is looked for every 20 seconds, and only so
# SQLite finds the few among a million by ix_subscriber_not_active.
_ACTIVE: ColumnElement[str] = literal_column(f"'{SubscriberState.ACTIVE.value}'")
_PENDING: ColumnElement[str] = literal_column(f"'{SubscriberState.PENDING.value}'")

_OPEN = [state.value for state in OPEN_STATES]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of thing that is forgotten."""

    name: str
    what: str  #: in words
    kept: timedelta
    due: Callable[[datetime], Select[Any]]  #: the rows whose time is over
    forget: Callable[[Session, Tokens, datetime], int]  #: up to MOST_AT_ONCE of them; how many it were


def is_due(session: Session, rule: Rule, *, now: datetime) -> bool:
    """Whether a rule has anything to forget: a look that takes no lock."""
    return session.execute(rule.due(now).limit(1)).first() is not None


def due(session: Session, *, now: datetime) -> Mapping[Rule, int]:
    """How much each rule has to forget."""
    return {rule: session.scalar(select(func.count()).select_from(rule.due(now).subquery())) or 0 for rule in RULES}


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
    # Since they left: by asking in their name nobody must be able to keep their address here for longer. The questions
    # go, as they do with who is deleted: others may be asked after this.
    session.execute(delete(Notice).where(Notice.subscriber_id.in_(ids), Notice.kind == NoticeKind.CONFIRMATION.value))
    session.execute(
        update(Subscriber)
        .where(Subscriber.id.in_(ids))
        .values(state=SubscriberState.ENDED.value, ended_at=func.coalesce(Subscriber.ended_at, now))
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
        Subscriber.state == _PENDING,
        Subscriber.state != _ACTIVE,
        func.coalesce(Subscriber.ended_at, Subscriber.created_at) < oldest,
        ~asked_lately,
    )


def _old_ips(now: datetime) -> Select[int]:
    return select(Consent.id).where(Consent.ip.is_not(None), Consent.at < now - IPS_KEPT)


def _forget_ips(session: Session, _tokens: Tokens, now: datetime) -> int:
    ids = _old_ips(now).order_by(Consent.id).limit(MOST_AT_ONCE)
    return _count(session.execute(update(Consent).where(Consent.id.in_(ids)).values(ip=None)))


def _old_changes(now: datetime) -> Select[int]:
    return select(AddressChange.id).where(AddressChange.requested_at < now - ADDRESS_LIFETIME)


def _forget_changes(session: Session, _tokens: Tokens, now: datetime) -> int:
    ids = _old_changes(now).order_by(AddressChange.id).limit(MOST_AT_ONCE)
    return _count(session.execute(delete(AddressChange).where(AddressChange.id.in_(ids))))


def _settled(before: datetime) -> Select[int]:
    return select(Notice.id).where(Notice.state.not_in(_OPEN), Notice.created_at < before)


def _old_notice_addresses(now: datetime) -> Select[int]:
    return _settled(now - ADDRESS_LIFETIME).where(Notice.address.is_not(None))


def _forget_notice_addresses(session: Session, _tokens: Tokens, now: datetime) -> int:
    ids = _old_notice_addresses(now).order_by(Notice.id).limit(MOST_AT_ONCE)
    return _count(session.execute(update(Notice).where(Notice.id.in_(ids)).values(address=None)))


def _old_notices(now: datetime) -> Select[int]:
    return _settled(now - NOTICES_KEPT)


def _forget_notices(session: Session, _tokens: Tokens, now: datetime) -> int:
    ids = _old_notices(now).order_by(Notice.id).limit(MOST_AT_ONCE)
    return _count(session.execute(delete(Notice).where(Notice.id.in_(ids))))


def _old_windows(now: datetime) -> Select[int]:
    return select(RateWindow.began_at).where(RateWindow.began_at < int((now - limits.KEPT).timestamp()))


def _count(found: object) -> int:
    return found.rowcount if isinstance(found, CursorResult) else 0


RULES: Final = (
    Rule(
        "requests",
        "requests that were never confirmed",
        CONFIRMATION_LIFETIME,
        _unanswered,
        lambda session, _, now: purge_pending(session, now),
    ),
    Rule(
        "addresses",
        "addresses of who has left; what they agreed to stays",
        forgotten.KEPT,
        forgotten.due,
        lambda session, tokens, now: forgotten.forget(session, tokens=tokens, now=now, most=MOST_AT_ONCE),
    ),
    Rule("ips", "IP addresses in the ledger of consent", IPS_KEPT, _old_ips, _forget_ips),
    Rule("changes", "new addresses that were never confirmed", ADDRESS_LIFETIME, _old_changes, _forget_changes),
    Rule(
        "notice-addresses",
        "where mail about a new address went",
        ADDRESS_LIFETIME,
        _old_notice_addresses,
        _forget_notice_addresses,
    ),
    Rule("notices", "one-off mails that are done with", NOTICES_KEPT, _old_notices, _forget_notices),
    Rule(
        "deliveries",
        "who got an edition; how many it were stays",
        old_deliveries.KEPT,
        old_deliveries.due,
        lambda session, _, now: old_deliveries.forget(session, now=now, most=MOST_AT_ONCE),
    ),
    Rule(
        "limits",
        "how often something was asked for",
        limits.KEPT,
        _old_windows,
        lambda session, _, now: limits.purge(session, now),
    ),
    Rule(
        "unsaved",
        "what editors typed and never saved",
        unsaved.KEPT,
        unsaved.due,
        lambda session, _, now: unsaved.forget(session, now=now),
    ),
)
