"""A new address for a subscriber: asked for by them, confirmed by its owner, and told to the old one.

request -> an AddressChange, and a question in the outbox that goes to the new address
confirm -> the subscriber has it, and a word to the old address is in the outbox

An address may be somebody else's, or suppressed. That is not looked at when it is asked for: neither the answer nor a
stopwatch then tells who is subscribed. The question is not sent in such a case (services.due_notices), and confirming
looks once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from newsletter.domain.address import Address
from newsletter.domain.states import NoticeKind, SubscriberState
from newsletter.mail.links import Tokens
from newsletter.services import consents, notices, preferences, suppressions
from newsletter.services.consents import ConsentAct, Origin
from newsletter.storage.tables import AddressChange, Notice, RateWindow, Subscriber
from newsletter.storage.upsert import insert_or_ignore

#: Questions that one subscriber can have sent in a day, wherever they go: enough to mend two slips of the pen.
MOST_QUESTIONS_A_DAY = 3

_LIMIT = "address change"


class Changing(Enum):
    """What has become of a change of address, by the time that the question is answered."""

    POSSIBLE = auto()
    DONE = auto()  #: confirmed before, by the same link
    TAKEN = auto()  #: the address has a subscription of its own
    SUPPRESSED = auto()  #: no mail may go to the address
    ENDED = auto()  #: the subscriber has left since
    OVERTAKEN = auto()  #: another address was asked for since, or all was erased


def request(
    session: Session, subscriber: Subscriber, address: Address, *, origin: Origin, tokens: Tokens, now: datetime
) -> None:
    """Ask the owner of `address` whether this subscriber's mail may go there. Raises SubscriptionEnded.

    Returns nothing: whatever address it is, and also when no question goes out because of the limits, the answer is the
    same. Then the last question stands, with its link.
    """
    preferences.require_active(subscriber)
    if _has_asked_enough(session, subscriber, now) or not _may_write_to(session, address, tokens, now):
        return
    session.execute(delete(AddressChange).where(AddressChange.subscriber_id == subscriber.id))
    change = AddressChange(subscriber_id=subscriber.id, address=address.text, address_key=address.key, requested_at=now)
    session.add(change)
    notices.enqueue(session, NoticeKind.ADDRESS_CHANGE, subscriber.id, now=now).address = address.text
    consents.record(session, subscriber.id, ConsentAct.ADDRESS_ASKED, origin, now=now)
    session.flush()


def waiting(session: Session, subscriber: Subscriber, *, now: datetime, lifetime: timedelta) -> str | None:
    """The address that a subscriber has asked for and whose owner can still confirm it."""
    query = select(AddressChange.address).where(
        AddressChange.subscriber_id == subscriber.id,
        AddressChange.address_key != subscriber.address_key,
        AddressChange.requested_at >= now - lifetime,
    )
    return session.scalar(query)


def of_question(session: Session, notice_id: int) -> AddressChange | None:
    """The change that a question is about, as far as nothing has overtaken it."""
    return session.scalars(select(AddressChange).join(Notice, _asks()).where(Notice.id == notice_id)).one_or_none()


def askable(session: Session, notice_ids: Iterable[int]) -> set[int]:
    """Those of the questions that are to be sent: they still stand, and their address is nobody's."""
    query = select(Notice.id).join(AddressChange, _asks()).where(Notice.id.in_(notice_ids), ~_is_taken())
    return set(session.scalars(query))


def changing(session: Session, change: AddressChange | None, *, tokens: Tokens) -> Changing:
    """Whether a change can be made now."""
    subscriber = session.get(Subscriber, change.subscriber_id) if change is not None else None
    if change is None or subscriber is None:
        return Changing.OVERTAKEN
    if subscriber.state != SubscriberState.ACTIVE.value:
        return Changing.ENDED
    if subscriber.address_key == change.address_key:
        return Changing.DONE
    if suppressions.is_suppressed(session, change.address_key, tokens=tokens):
        return Changing.SUPPRESSED
    is_taken = session.scalar(select(_is_taken()).where(AddressChange.id == change.id))
    return Changing.TAKEN if is_taken else Changing.POSSIBLE


def confirm(session: Session, notice_id: int, *, origin: Origin, tokens: Tokens, now: datetime) -> Changing:
    """Give the subscriber the address that the notice went to; what stood in its way, and then nothing was changed."""
    change = of_question(session, notice_id)
    if change is not None:
        session.get(Subscriber, change.subscriber_id, with_for_update=True, populate_existing=True)
        change = of_question(session, notice_id)
    found = changing(session, change, tokens=tokens)
    if found is not Changing.POSSIBLE or change is None:
        return found
    subscriber = session.get_one(Subscriber, change.subscriber_id)
    old_address = subscriber.address
    try:
        with session.begin_nested():
            # Whoever typed this address into the form meanwhile and never confirmed it does not keep its owner out.
            session.execute(delete(Subscriber).where(*_never_confirmed(change.address_key)))
            subscriber.address, subscriber.address_key = change.address, change.address_key
            session.flush()
    except IntegrityError:  # somebody else has got it in the same moment
        session.refresh(subscriber)
        return Changing.TAKEN
    consents.record(session, subscriber.id, ConsentAct.ADDRESS_CHANGED, origin, now=now)
    notices.enqueue(session, NoticeKind.ADDRESS_CHANGED, subscriber.id, now=now).address = old_address
    return found


def _asks() -> ColumnElement[bool]:
    """Whether a notice is the question of a change, and not of one before it."""
    return (
        (Notice.kind == NoticeKind.ADDRESS_CHANGE.value)
        & (Notice.subscriber_id == AddressChange.subscriber_id)
        & (Notice.address == AddressChange.address)
        & (Notice.created_at == AddressChange.requested_at)
    )


def _is_taken() -> ColumnElement[bool]:
    """Whether a change's address is a subscriber's, or was and is still kept; its own subscriber's too."""
    other = aliased(Subscriber)
    answered = or_(other.state != SubscriberState.PENDING.value, other.confirmed_at.is_not(None))
    return exists().where(other.address_key == AddressChange.address_key, answered)


def _never_confirmed(address_key: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Subscriber.address_key == address_key,
        Subscriber.state == SubscriberState.PENDING.value,
        Subscriber.confirmed_at.is_(None),
    )


def _has_asked_enough(session: Session, subscriber: Subscriber, now: datetime) -> bool:
    asked = select(func.count()).where(
        Notice.subscriber_id == subscriber.id,
        Notice.kind == NoticeKind.ADDRESS_CHANGE.value,
        Notice.created_at > now - timedelta(days=1),
    )
    return (session.scalar(asked) or 0) >= MOST_QUESTIONS_A_DAY


def _may_write_to(session: Session, address: Address, tokens: Tokens, now: datetime) -> bool:
    """Note that a question goes to an address, if it may: it can be anybody's, so services.notices' limits hold.

    A row says when one went out. It is kept by a keyed hash, and outlives a change that is overtaken.
    """
    key, second = tokens.digest(_LIMIT, address.key), int(now.timestamp())
    gap, day = notices.SHORTEST_GAP.total_seconds(), timedelta(days=1).total_seconds()
    lately, today = session.execute(
        select(
            func.count().filter(RateWindow.began_at > second - gap),
            func.count().filter(RateWindow.began_at > second - day),
        ).where(RateWindow.name == _LIMIT, RateWindow.key == key)
    ).one()
    if notices.is_flood(lately, today):
        return False
    return insert_or_ignore(session, RateWindow, name=_LIMIT, key=key, began_at=second, count=1)
