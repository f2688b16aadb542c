"""Double opt-in: nobody is written to, but for the question itself, until the owner of the address has said yes.

request           -> a pending Subscriber with its Subscriptions, and a confirmation in the outbox
confirm           -> the Subscriber is active, and a welcome is in the outbox
send_manage_link  -> for who is active: the link to their own page is in the outbox
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.errors import AddressSuppressed, LinkInvalid, SubscriptionEnded
from newsletter.mail.links import Tokens
from newsletter.services import consents, disposable, notices, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage import signup_queries
from newsletter.storage.places import gazetteer
from newsletter.storage.prepared import Bound, together
from newsletter.storage.signup_queries import EVERYTHING, QUESTION
from newsletter.storage.tables import Subscriber

_NOBODY = 0  #: no subscriber has this id

#: Follows the form in the ledger where the address is one to be thrown away.
DISPOSABLE = ", disposable address"


@dataclass(frozen=True, slots=True)
class _Asker:
    """Whose address was typed into the form."""

    id: int
    active: bool
    suppressed: bool
    disposable: bool  #: by the address's domain


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
    EVERYTHING.begin.change(session)
    asker = _find_or_add(session, address, tokens, now)
    kind = NoticeKind.ALREADY_SUBSCRIBED if asker.active else NoticeKind.CONFIRMATION
    notices.enqueue_unless_flooded(session, kind, asker.id, now=now)
    if asker.disposable:
        origin = replace(origin, source=f"{origin.source}{DISPOSABLE}")
    together(
        session,
        [
            (QUESTION.begin, {}),
            *_question(session, asker, subjects, now),
            consents.recording(session, asker.id, ConsentAct.REQUESTED, origin, now=now),
            (QUESTION.ending(keep=not asker.active), {}),
            (EVERYTHING.ending(keep=keep and not asker.suppressed), {}),
        ],
    )


def _question(session: Session, asker: _Asker, subjects: Sequence[str], now: datetime) -> list[Bound]:
    """What lets a pending subscriber be asked about exactly these subjects.

    For who is active it is undone. So that it takes as long, and not longer the more they follow, nothing of theirs is
    touched, and what begins has ended already: it can't meet what they have.
    """
    at = signup_queries.moment(session, now)
    ends_of = _NOBODY if asker.active else asker.id
    ends = {"subscriber_id": ends_of, "subjects": list(subjects), "now": at, "why": "asked again"}
    asked = {"subscriber_id": asker.id, "now": at, "ended_at": at if asker.active else None}
    begin = signup_queries.BEGIN[session.connection().dialect.name]
    return [(signup_queries.END, ends), *((begin, {**_columns(subject), **asked}) for subject in subjects)]


def send_manage_link(session: Session, address: Address, *, tokens: Tokens, now: datetime, keep: bool = True) -> None:
    """Send whoever is subscribed with `address` the link to their own page; as silent about it as `request`."""
    EVERYTHING.begin.change(session)
    asker = _find_or_add(session, address, tokens, now)
    notices.enqueue_unless_flooded(session, NoticeKind.MANAGE_LINK, asker.id, now=now)
    EVERYTHING.ending(keep=asker.active and keep and not asker.suppressed).change(session)


def confirm(session: Session, subscriber_id: int, *, origin: Origin, tokens: Tokens, now: datetime) -> Subscriber:
    """Make the subscriber active, and return it. People press the button twice: the second time changes nothing.

    Raises LinkInvalid, SubscriptionEnded, or AddressSuppressed where the address was suppressed meanwhile.
    """
    subscriber = preferences.subscriber_of_link(session, subscriber_id)
    if subscriber.state == SubscriberState.ENDED.value:
        raise SubscriptionEnded("this subscription has ended; subscribe again to get mail")
    if subscriber.state == SubscriberState.ACTIVE.value:
        return subscriber
    if suppressions.is_suppressed(session, subscriber.address_key, tokens=tokens):
        raise AddressSuppressed("this address gets no mail from here")
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


def _find_or_add(session: Session, address: Address, tokens: Tokens, now: datetime) -> _Asker:
    """The address's subscriber, locked; whoever is not active is pending now."""
    found = signup_queries.FIND_OR_ADD[session.connection().dialect.name].rows(
        session,
        address=address.text,
        key=address.key,
        digest=suppressions.address_hash(address.key, tokens),
        domains=disposable.names(address),
        now=signup_queries.moment(session, now),
    )
    [(subscriber_id, state, suppressed, thrown_away)] = found
    return _Asker(subscriber_id, state == SubscriberState.ACTIVE.value, bool(suppressed), bool(thrown_away))
