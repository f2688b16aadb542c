"""Leaving, and taking it back: a goodbye mail has a link that for a while brings back all that was given up.

Whoever holds an old mail can leave for its reader: a gateway that presses buttons, or who it was passed on to. The
goodbye goes to the reader, so only they can undo it.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto

from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.mail.links import Tokens
from newsletter.services import consents, notices, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.tables import Subscriber


class Undo(Enum):
    """What has become of a leaving, by the time that it is to be taken back."""

    POSSIBLE = auto()
    NEEDLESS = auto()  #: they are subscribed, by this link or by the form
    SUPPRESSED = auto()  #: no mail may go to the address any more
    OVERTAKEN = auto()  #: they have come back, and have left once more, since
    FORGOTTEN = auto()  #: nothing is known of them any more


def leave(
    session: Session, subscriber: Subscriber, *, reason: str = "", origin: Origin, tokens: Tokens, now: datetime
) -> None:
    """Stop all mail, at once, and say goodbye to who was subscribed. Doing it twice changes nothing.

    `reason` is what they said of why, if anything: it is kept with what they followed.
    """
    was_active = subscriber.state == SubscriberState.ACTIVE.value
    told = f"unsubscribed: {reason}" if reason else "unsubscribed"
    preferences.end(session, subscriber, told, origin=origin, now=now)
    if was_active and not suppressions.is_suppressed(session, subscriber.address_key, tokens=tokens):
        notices.enqueue(session, NoticeKind.GOODBYE, subscriber.id, now=now)


def undoing(session: Session, subscriber: Subscriber | None, left_at: datetime, *, tokens: Tokens) -> Undo:
    """Whether what was given up at the second `left_at` can be brought back."""
    if subscriber is None:
        return Undo.FORGOTTEN
    if suppressions.is_suppressed(session, subscriber.address_key, tokens=tokens):
        return Undo.SUPPRESSED
    if subscriber.state == SubscriberState.ACTIVE.value:
        return Undo.NEEDLESS
    if subscriber.ended_at is None or int(subscriber.ended_at.timestamp()) != int(left_at.timestamp()):
        return Undo.OVERTAKEN
    return Undo.POSSIBLE if given_up(session, subscriber) else Undo.FORGOTTEN


def given_up(session: Session, subscriber: Subscriber) -> tuple[str, ...]:
    """What a subscriber followed when they left."""
    found = preferences.given_up_of_all(session, [subscriber.id]).get(subscriber.id, [])
    return tuple(each.subject for each in found)


def undo(
    session: Session, subscriber: Subscriber | None, left_at: datetime, *, origin: Origin, tokens: Tokens, now: datetime
) -> Undo:
    """Bring back exactly what was given up at `left_at`; what stood in its way, and then nothing was changed.

    Also for who has asked anew by the form meanwhile, and not confirmed it: anybody can do that in their name.
    """
    found = undoing(session, subscriber, left_at, tokens=tokens)
    if found is not Undo.POSSIBLE or subscriber is None:
        return found
    subjects = given_up(session, subscriber)
    preferences.replace_subscriptions(session, subscriber, subjects, reason="undone", now=now, confirmed_at=now)
    for subscription in preferences.live_subscriptions(session, subscriber.id):
        subscription.confirmed_at = now
    subscriber.state = SubscriberState.ACTIVE.value
    subscriber.follows = subjects_.join(subjects)
    subscriber.ended_at = None
    consents.record(session, subscriber.id, ConsentAct.RESTORED, origin, now=now)
    return found
