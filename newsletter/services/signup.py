"""Double opt-in: nobody is written to, but for the question itself, until the owner of the address has said yes.

request           -> a pending Subscriber with its Subscriptions, and a confirmation in the outbox
confirm           -> the Subscriber is active, and a welcome is in the outbox
send_manage_link  -> for who is active: the link to their own page is in the outbox
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.errors import LinkInvalid, SubscriptionEnded
from newsletter.mail.links import Tokens
from newsletter.services import consents, disposable, notices, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage import signup_queries
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber

#: Follows the form in the ledger where the address is one to be thrown away.
DISPOSABLE = ", disposable address"


def request(
    session: Session,
    address: Address,
    subjects: Sequence[str],
    *,
    origin: Origin,
    tokens: Tokens,
    now: datetime,
    keep: bool = True,
) -> None:
    """Ask the owner of `address` whether they want mail about `subjects` (checked by domain.subject.parse).

    Returns nothing, so that nobody can learn from the answer who is subscribed: who is, is told so by mail; who is
    suppressed gets nothing, and neither does anybody without `keep`. Nor can a stopwatch tell: for every address all is
    written that a new one needs, and what is not to be kept is undone. That costs the same statements, and the same
    wait for the disk.
    """
    if disposable.is_listed(session, address):
        origin = replace(origin, source=f"{origin.source}{DISPOSABLE}")
    suppressed = _is_suppressed(session, address, tokens)
    connection = session.connection()
    everything = connection.begin_nested()
    subscriber_id, active = _find_or_add(session, address, now=now)
    question = connection.begin_nested()
    _ask(session, subscriber_id, subjects, origin, now)
    (question.rollback if active else question.commit)()
    kind = NoticeKind.ALREADY_SUBSCRIBED if active else NoticeKind.CONFIRMATION
    notices.enqueue_unless_flooded(session, kind, subscriber_id, now=now)
    (everything.rollback if suppressed or not keep else everything.commit)()


def _ask(session: Session, subscriber_id: int, subjects: Sequence[str], origin: Origin, now: datetime) -> None:
    """Make the subscriber pending, with exactly these subjects."""
    signup_queries.MAKE_PENDING.change(session, subscriber_id=subscriber_id)
    live = {subject: row for row, subject in signup_queries.LIVE.rows(session, subscriber_id=subscriber_id)}
    connection = session.connection()
    ended = [row for subject, row in live.items() if subject not in subjects]
    if ended:
        why = {"now": now, "why": "asked again"}
        connection.execute(signup_queries.END, [{"subscription_id": row, **why} for row in ended])
    begun = [_columns(subject) for subject in subjects if subject not in live]
    if begun:
        asked = {"subscriber_id": subscriber_id, "requested_at": now}
        connection.execute(signup_queries.BEGIN, [{**each, **asked} for each in begun])
    consents.record(session, subscriber_id, ConsentAct.REQUESTED, origin, now=now)
    session.flush()


def send_manage_link(session: Session, address: Address, *, tokens: Tokens, now: datetime, keep: bool = True) -> None:
    """Send whoever is subscribed with `address` the link to their own page; as silent about it as `request`."""
    suppressed = _is_suppressed(session, address, tokens)
    everything = session.connection().begin_nested()
    subscriber_id, active = _find_or_add(session, address, now=now)
    notices.enqueue_unless_flooded(session, NoticeKind.MANAGE_LINK, subscriber_id, now=now)
    (everything.commit if active and keep and not suppressed else everything.rollback)()


def confirm(session: Session, subscriber_id: int, *, origin: Origin, now: datetime) -> Subscriber:
    """Make the subscriber active, and return it. People press the button twice: the second time changes nothing.

    Raises LinkInvalid or SubscriptionEnded.
    """
    subscriber = preferences.subscriber_of_link(session, subscriber_id)
    if subscriber.state == SubscriberState.ENDED.value:
        raise SubscriptionEnded("this subscription has ended; subscribe again to get mail")
    if subscriber.state == SubscriberState.ACTIVE.value:
        return subscriber
    asked = preferences.live_subscriptions(session, subscriber.id)
    if not asked:
        raise LinkInvalid("nothing is left to confirm; subscribe again")
    for subscription in asked:
        subscription.confirmed_at = now
    subscriber.follows = subjects_.join([subscription.subject for subscription in asked])
    subscriber.state = SubscriberState.ACTIVE.value
    subscriber.confirmed_at = now
    subscriber.ended_at = None
    subscriber.paused_until = None  # nor is a pause of the time before
    subscriber.alerts_at_once = False  # the form asks for the digest only, whatever was ticked before they left
    consents.record(session, subscriber.id, ConsentAct.CONFIRMED, origin, now=now)
    notices.enqueue(session, NoticeKind.WELCOME, subscriber.id, now=now)
    return subscriber


def _columns(subject: str) -> dict[str, str | None]:
    """Where a Subscription keeps its subject."""
    is_region = any(subject == region.code for region in gazetteer().regions)
    is_place = not is_region and subject != subjects_.ALL
    return {"place_code": subject if is_place else None, "region_code": subject if is_region else None}


def _find_or_add(session: Session, address: Address, *, now: datetime) -> tuple[int, bool]:
    """The id of the address's subscriber, locked, and whether they are active."""
    connection = session.connection()
    given = {"address": address.text, "key": address.key, "now": now}
    connection.execute(signup_queries.ADD[connection.dialect.name], given)
    found = signup_queries.LOCK.rows(session, key=address.key)
    if not found:
        # PostgreSQL: services.retention may have deleted the row in between. The next one is new, and stays.
        return _find_or_add(session, address, now=now)
    [(subscriber_id, state)] = found
    return subscriber_id, state == SubscriberState.ACTIVE.value


def _is_suppressed(session: Session, address: Address, tokens: Tokens) -> bool:
    digest = suppressions.address_hash(address.key, tokens)
    return signup_queries.SUPPRESSED.first(session, digest=digest) is not None
