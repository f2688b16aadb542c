"""Sending an edition, seen from the database: planned, started, paused, counted, and done with.

How rows go to a sender and come back is in services.claims.
"""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, Integer, String, cast, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.edition import Contents
from newsletter.domain.month import Month
from newsletter.domain.states import OPEN_STATES, DeliveryState, EditionState, SkipReason, SubscriberState
from newsletter.errors import EditionStateError
from newsletter.services import editions, shards
from newsletter.storage import outbox_queries
from newsletter.storage.tables import Delivery, Edition, Subscriber

_OPEN = [state.value for state in OPEN_STATES]


@dataclass(frozen=True, slots=True)
class Audience:
    """Who an edition would go to, if it were sent now."""

    readers: int  #: get a digest
    skipped: int  #: active, but follow no place that is in the edition
    paused: int = 0  #: active, but take no mail for a while, whatever they follow


def audience(session: Session, contents: Contents, *, now: datetime) -> Audience:
    """Count the readers: each different selection is looked at once."""
    is_paused = Subscriber.paused_until > now
    counts = session.execute(
        select(Subscriber.follows, func.count(), func.count().filter(is_paused))
        .where(Subscriber.state == SubscriberState.ACTIVE.value)
        .group_by(Subscriber.follows)
        .execution_options(yield_per=10_000)
    )
    told = {code for entry in contents.entries for code in (entry.place.code, entry.place.region.code)}
    told |= {subjects_.ALL} if contents.entries else set()
    readers = skipped = paused = 0
    for follows, count, away in counts:
        paused += away
        if told.isdisjoint(subjects_.split(follows)):
            skipped += count - away
        else:
            readers += count - away
    return Audience(readers, skipped, paused)


@dataclass(frozen=True, slots=True)
class Terms:
    """How an edition is sent."""

    deadline: timedelta = timedelta(days=4)  #: from its start; who has not got it by then doesn't get it any more
    canary: float = 0.0  #: per cent of the readers who get it first; 0: all at once


DEFAULT_TERMS: Final = Terms()


def start(session: Session, month: Month, *, by: str, now: datetime, terms: Terms = DEFAULT_TERMS) -> Edition:
    """Plan one delivery a reader, and let the sender begin. Asking again while it is sent, or after, changes nothing.

    Raises NotFound, or EditionStateError for a draft, a paused or a cancelled edition.
    """
    edition = editions.get(session, month, for_update=True)
    if edition.state in (EditionState.SENDING.value, EditionState.SENT.value):
        return edition
    if edition.state != EditionState.APPROVED.value:
        raise EditionStateError(_why_not_sent(edition))
    edition.state = EditionState.SENDING.value
    edition.send_started_at = now
    edition.send_started_by = by
    edition.note = None
    edition.deadline_at = now + terms.deadline
    plan(session, edition)
    if terms.canary:
        edition.first_wave = _last_of_first_wave(session, edition.id, terms.canary)
    shards.hand_out(session, edition.id)
    return edition


def plan(session: Session, edition: Edition) -> None:
    """One pending delivery for each active subscriber who has none yet, in one statement however many they are."""
    planned = exists().where(Delivery.edition_id == edition.id, Delivery.subscriber_id == Subscriber.id)
    readers = select(
        cast(literal(edition.id), Integer),
        Subscriber.id,
        cast(literal(DeliveryState.PENDING.value), String),
        literal(0),
        literal(False),
    ).where(Subscriber.state == SubscriberState.ACTIVE.value, ~planned)
    columns = ["edition_id", "subscriber_id", "state", "attempt", "flagged"]
    session.execute(insert(Delivery).from_select(columns, readers.order_by(Subscriber.id)))


def _last_of_first_wave(session: Session, edition_id: int, canary: float) -> int | None:
    """The subscriber with whom the first `canary` per cent end; None without readers."""
    of_edition = Delivery.edition_id == edition_id
    readers = session.scalar(select(func.count()).where(of_edition)) or 0
    place = math.ceil(readers * canary / 100)
    ordered = select(Delivery.subscriber_id).where(of_edition).order_by(Delivery.subscriber_id)
    return session.scalar(ordered.offset(place - 1).limit(1)) if place else None


def pause(session: Session, month: Month, *, note: str | None = None) -> Edition:
    """Stop sending; what the relay has in hand is finished. Raises EditionStateError unless it is being sent."""
    edition = editions.get(session, month, for_update=True)
    if edition.state == EditionState.PAUSED.value:
        return edition
    if edition.state != EditionState.SENDING.value:
        raise EditionStateError(
            f"the edition for {month} is {edition.state}; only one that is being sent can be paused"
        )
    edition.state = EditionState.PAUSED.value
    edition.note = note
    return edition


def resume(session: Session, month: Month, *, now: datetime, terms: Terms = DEFAULT_TERMS) -> Edition:
    """Go on with a paused edition, whose deadline counts from now on. Raises EditionStateError."""
    edition = editions.get(session, month, for_update=True)
    if edition.state == EditionState.SENDING.value:
        return edition
    if edition.state != EditionState.PAUSED.value:
        raise EditionStateError(f"the edition for {month} is {edition.state}; only a paused one can be resumed")
    edition.state = EditionState.SENDING.value
    edition.note = None
    edition.resumed_at, edition.deadline_at = now, now + terms.deadline
    shards.hand_out(session, edition.id)
    return edition


def cancel(session: Session, month: Month, *, now: datetime) -> Edition:
    """Send no more of it, for ever: what is not sent yet is skipped. Raises EditionStateError for one that is sent."""
    edition = editions.get(session, month, for_update=True)
    if edition.state == EditionState.CANCELLED.value:
        return edition
    if edition.state == EditionState.SENT.value:
        raise EditionStateError(f"the edition for {month} is sent, and can't be taken back")
    edition.state = EditionState.CANCELLED.value
    edition.ended_at = now
    skip_the_rest(session, edition.id, now=now)
    return edition


def skip_the_rest(
    session: Session, edition_id: int, *, now: datetime, reason: SkipReason = SkipReason.CANCELLED
) -> int:
    """Skip what was not sent: of a cancelled edition, also what comes back from a sender after that. How many."""
    waiting = (DeliveryState.PENDING.value, DeliveryState.DEFERRED.value)
    skipped = session.execute(
        update(Delivery)
        .where(Delivery.edition_id == edition_id, Delivery.state.in_(waiting))
        .values(
            state=DeliveryState.SKIPPED.value,
            detail=reason.value,
            due_at=None,
            changed_at=int(now.timestamp()),
        )
    )
    return typing.cast("CursorResult[Any]", skipped).rowcount


def has_open(session: Session, edition_id: int) -> bool:
    """Whether anything is left to send."""
    of_edition = select(Delivery.subscriber_id).where(Delivery.edition_id == edition_id).limit(1)
    # Deferred ones have an index of their own, so that waiting for them costs nothing; the rest is a look at all rows.
    if session.scalar(of_edition.where(Delivery.due_at.is_not(None))) is not None:
        return True
    return session.scalar(of_edition.where(Delivery.state.in_(_OPEN))) is not None


def is_wave_under_way(session: Session, edition_id: int, last: int) -> bool:
    """Whether anybody up to this subscriber still waits for a first try, or has one under way."""
    states = (DeliveryState.PENDING.value, DeliveryState.ARMED.value)
    query = select(Delivery.subscriber_id).where(
        Delivery.edition_id == edition_id, Delivery.subscriber_id <= last, Delivery.state.in_(states)
    )
    return session.scalar(query.limit(1)) is not None


def finish(session: Session, edition: Edition, *, now: datetime) -> bool:
    """Call the edition sent when nothing is left to send; whether it is."""
    if edition.state != EditionState.SENDING.value or has_open(session, edition.id):
        return False
    session.refresh(edition, with_for_update=True)
    if edition.state != EditionState.SENDING.value or has_open(session, edition.id):
        return False  # a person was quicker
    edition.state = EditionState.SENT.value
    edition.ended_at = now
    session.flush()
    return True


def sending(session: Session) -> list[int]:
    """The ids of the editions that are being sent, the oldest month first."""
    return [edition_id for (edition_id,) in outbox_queries.SENDING.rows(session)]


def hold(session: Session, edition_id: int, note: str) -> None:
    """Pause an edition that is being sent, and say why; one that a person has paused or cancelled stays as it is."""
    edition = session.get_one(Edition, edition_id, with_for_update=True, populate_existing=True)
    if edition.state == EditionState.SENDING.value:
        edition.state, edition.note = EditionState.PAUSED.value, note
        session.flush()


def send_held_again(session: Session, month: Month, *, now: datetime, terms: Terms = DEFAULT_TERMS) -> int:
    """Let what is held go out, as an admin has decided; how many deliveries. An edition that was sent is sent on.

    Raises EditionStateError for one that was cancelled.
    """
    # With a time, as a sender that is at work has passed them and looks for nobody without one behind it.
    again = {"state": DeliveryState.PENDING.value, "attempt": 0, "due_at": int(now.timestamp())}
    return _decide(session, month, again, now=now, terms=terms)


def give_up_held(session: Session, month: Month, *, now: datetime) -> int:
    """Count what is held as failed, as an admin has decided; how many deliveries."""
    return _decide(session, month, {"state": DeliveryState.FAILED.value}, now=now, terms=None)


def _decide(session: Session, month: Month, values: dict[str, object], *, now: datetime, terms: Terms | None) -> int:
    edition = editions.get(session, month, for_update=True)
    if terms is not None and edition.state == EditionState.CANCELLED.value:
        raise EditionStateError(f"the edition for {month} is cancelled; what is held can only be given up")
    held = (Delivery.edition_id == edition.id, Delivery.state == DeliveryState.HELD.value)
    found = session.execute(
        update(Delivery)
        .where(*held)
        .values(values | {"changed_at": int(now.timestamp())})
        .returning(Delivery.edition_id)
    ).all()
    if found and terms is not None and edition.state == EditionState.SENT.value:
        edition.state, edition.ended_at = EditionState.SENDING.value, None
        edition.resumed_at, edition.deadline_at = now, now + terms.deadline
    if found and terms is not None and edition.state == EditionState.SENDING.value:
        shards.hand_out(session, edition.id)
    session.flush()
    return len(found)


def _why_not_sent(edition: Edition) -> str:
    if edition.state == EditionState.DRAFT.value:
        return f"the edition for {edition.month} is a draft; approve it first"
    if edition.state == EditionState.PAUSED.value:
        return f"the edition for {edition.month} is paused; resume it"
    return f"the edition for {edition.month} is {edition.state}, and can't be sent"
