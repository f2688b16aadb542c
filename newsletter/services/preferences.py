"""What a subscriber follows, and how they get it: shown, changed, given up. History stays in the Subscription rows."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import SubscriberState
from newsletter.errors import InvalidInput, LinkInvalid, SubscriptionEnded
from newsletter.services import consents
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Subscriber, Subscription

#: Characters of the column that says why a subscription ended.
LONGEST_REASON = 200

LONGEST_PAUSE = 6  #: months


def subscriber_of_link(session: Session, subscriber_id: int) -> Subscriber:
    """The subscriber that a link names, locked. Raises LinkInvalid when there is none any more."""
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True, populate_existing=True)
    if subscriber is None:
        raise LinkInvalid("nobody is subscribed by this link any more")
    return subscriber


def change(
    session: Session,
    subscriber: Subscriber,
    subjects: Sequence[str],
    *,
    alerts_at_once: bool,
    origin: Origin,
    now: datetime,
) -> None:
    """Follow exactly `subjects` (checked by domain.subject.parse) from now on. Raises SubscriptionEnded."""
    require_active(subscriber)
    if (subscriber.follows, subscriber.alerts_at_once) == (subjects_.join(subjects), alerts_at_once):
        return
    replace_subscriptions(session, subscriber, subjects, reason="changed", now=now, confirmed_at=now)
    subscriber.follows = subjects_.join(subjects)
    subscriber.alerts_at_once = alerts_at_once
    consents.record(session, subscriber.id, ConsentAct.CHANGED, origin, now=now)


def require_active(subscriber: Subscriber) -> None:
    """Raises SubscriptionEnded for who has left, or has not confirmed."""
    if subscriber.state != SubscriberState.ACTIVE.value:
        raise SubscriptionEnded("this subscription has ended; subscribe again to follow places")


def set_text_only(session: Session, subscriber: Subscriber, text_only: bool, *, origin: Origin, now: datetime) -> None:
    """Get digests without HTML from now on, or with it. Raises SubscriptionEnded."""
    require_active(subscriber)
    if subscriber.text_only == text_only:
        return
    subscriber.text_only = text_only
    consents.record(session, subscriber.id, ConsentAct.CHANGED, origin, now=now)


def is_paused(subscriber: Subscriber, now: datetime) -> bool:
    """Whether no digest and no alert goes to this subscriber."""
    return subscriber.paused_until is not None and subscriber.paused_until > now


def pause(
    session: Session, subscriber: Subscriber, months: int, *, zone: ZoneInfo, origin: Origin, now: datetime
) -> None:
    """Send no digest and no alert for 1 to LONGEST_PAUSE months; a pause that runs already is replaced.

    Raises InvalidInput or SubscriptionEnded.
    """
    require_active(subscriber)
    if not 1 <= months <= LONGEST_PAUSE:
        raise InvalidInput(f"choose a pause of 1 to {LONGEST_PAUSE} months")
    subscriber.paused_until = pause_end(months, zone=zone, now=now)
    consents.record(session, subscriber.id, ConsentAct.PAUSED, origin, now=now)


def resume(session: Session, subscriber: Subscriber, *, origin: Origin, now: datetime) -> None:
    """End a pause at once. Doing it twice changes nothing. Raises SubscriptionEnded."""
    require_active(subscriber)
    if not is_paused(subscriber, now):
        return
    subscriber.paused_until = None
    consents.record(session, subscriber.id, ConsentAct.RESUMED, origin, now=now)


def pause_end(months: int, *, zone: ZoneInfo, now: datetime) -> datetime:
    """When a pause ends: as the same day of a later month begins in `zone`, or its last day where it is shorter.

    As it begins, so that who pauses in the evening of a 1st gets the digest of the 1st that the pause ends on.
    """
    today = now.astimezone(zone)
    years, month = divmod(today.month - 1 + months, 12)
    year, month = today.year + years, month + 1
    return datetime(year, month, min(today.day, monthrange(year, month)[1]), tzinfo=zone)


def end(session: Session, subscriber: Subscriber, reason: str, *, origin: Origin, now: datetime) -> None:
    """Stop all mail, at once. Doing it twice changes nothing."""
    if subscriber.state == SubscriberState.ENDED.value:
        return
    replace_subscriptions(session, subscriber, (), reason=reason, now=now, confirmed_at=None)
    subscriber.state = SubscriberState.ENDED.value
    subscriber.follows = ""
    subscriber.ended_at = now
    consents.record(session, subscriber.id, ConsentAct.ENDED, origin, now=now)


def replace_subscriptions(
    session: Session,
    subscriber: Subscriber,
    subjects: Sequence[str],
    *,
    reason: str,
    now: datetime,
    confirmed_at: datetime | None,
) -> None:
    """End the live subscriptions that are not among `subjects`, and begin those that are missing."""
    regions = {region.code for region in gazetteer().regions}
    live = {subscription.subject: subscription for subscription in live_subscriptions(session, subscriber.id)}
    for subject, subscription in live.items():
        if subject not in subjects:
            subscription.ended_at = now
            subscription.reason = reason[:LONGEST_REASON]
    for subject in subjects:
        if subject in live:
            continue
        session.add(
            Subscription(
                subscriber_id=subscriber.id,
                place_code=None if subject in regions or subject == subjects_.ALL else subject,
                region_code=subject if subject in regions else None,
                requested_at=now,
                confirmed_at=confirmed_at,
            )
        )
    session.flush()


def live_subscriptions(session: Session, subscriber_id: int) -> Sequence[Subscription]:
    """The subscriptions that have not ended, confirmed or not, in the order of domain.subject."""
    return live_of_all(session, [subscriber_id]).get(subscriber_id, [])


def live_of_all(session: Session, subscriber_ids: Iterable[int]) -> dict[int, list[Subscription]]:
    """The same for many subscribers, in one look; who has none is left out."""
    query = select(Subscription).where(Subscription.subscriber_id.in_(subscriber_ids), Subscription.ended_at.is_(None))
    return _by_subscriber(session.scalars(query))


def given_up_of_all(session: Session, subscriber_ids: Iterable[int]) -> dict[int, list[Subscription]]:
    """The confirmed subscriptions that each of these subscribers gave up when they left, in one look."""
    query = (
        select(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.subscriber_id.in_(subscriber_ids),
            Subscription.ended_at == Subscriber.ended_at,
            Subscription.confirmed_at.is_not(None),
        )
    )
    return _by_subscriber(session.scalars(query))


def _by_subscriber(subscriptions: Iterable[Subscription]) -> dict[int, list[Subscription]]:
    found: dict[int, list[Subscription]] = {}
    for subscription in sorted(subscriptions, key=lambda each: _order()[each.subject]):
        found.setdefault(subscription.subscriber_id, []).append(subscription)
    return found


@cache
def _order() -> defaultdict[str, int]:
    """Each subject's place in a selection; what has left the list of places comes last."""
    places = gazetteer()
    codes = [subjects_.ALL, *(region.code for region in places.regions), *(place.code for place in places.places)]
    return defaultdict(lambda: len(codes), {code: number for number, code in enumerate(codes)})
