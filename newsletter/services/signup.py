"""Double opt-in: nobody is written to, but for the question itself, until the owner of the address has said yes.

request  -> a pending Subscriber with its Subscriptions, and a confirmation in the outbox
confirm  -> the Subscriber is active, and a welcome is in the outbox
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.errors import LinkInvalid, SubscriptionEnded
from newsletter.mail.links import Tokens
from newsletter.services import consents, notices, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.tables import Subscriber
from newsletter.storage.upsert import insert_or_ignore


def request(
    session: Session, address: Address, subjects: Sequence[str], *, origin: Origin, tokens: Tokens, now: datetime
) -> None:
    """Ask the owner of `address` whether they want mail about `subjects` (checked by domain.subject.parse).

    Returns nothing, so that nobody can learn from the answer who is subscribed: who is gets a link to their own page
    instead, who is suppressed gets nothing. Nor can a stopwatch tell: for every address all is written that a new one
    needs, and what is not to be kept is undone. That costs the same statements, and the same wait for the disk.
    """
    suppressed = suppressions.is_suppressed(session, address.key, tokens=tokens)
    with session.begin_nested() as everything:
        subscriber = _find_or_add(session, address, now=now)
        subscriber_id, active = subscriber.id, subscriber.state == SubscriberState.ACTIVE.value
        with session.begin_nested() as question:
            subscriber.state = SubscriberState.PENDING.value
            preferences.replace_subscriptions(
                session, subscriber, subjects, reason="asked again", now=now, confirmed_at=None
            )
            consents.record(session, subscriber_id, ConsentAct.REQUESTED, origin, now=now)
            session.flush()
            if active:
                question.rollback()
        kind = NoticeKind.MANAGE_LINK if active else NoticeKind.CONFIRMATION
        notices.enqueue_unless_flooded(session, kind, subscriber_id, now=now)
        session.flush()
        if suppressed:
            everything.rollback()


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
    subscriber.alerts_at_once = False  # the form asks for the digest only, whatever was ticked before they left
    consents.record(session, subscriber.id, ConsentAct.CONFIRMED, origin, now=now)
    notices.enqueue(session, NoticeKind.WELCOME, subscriber.id, now=now)
    return subscriber


def _find_or_add(session: Session, address: Address, *, now: datetime) -> Subscriber:
    insert_or_ignore(
        session,
        Subscriber,
        address=address.text,
        address_key=address.key,
        state=SubscriberState.PENDING.value,
        language="en",
        follows="",
        created_at=now,
    )
    query = select(Subscriber).where(Subscriber.address_key == address.key)
    locked = session.scalars(query.with_for_update(), execution_options={"populate_existing": True})
    # PostgreSQL: services.retention may have deleted the row in between. The next one is new, and stays.
    return locked.one_or_none() or _find_or_add(session, address, now=now)
