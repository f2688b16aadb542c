"""How rows go to a sender: the first half of the protocol that loses nobody (services.results is the other).

A sender works in ticks, each one transaction: what came back is recorded, and a few more rows are armed. Only rows that
a committed tick has armed may be sent, so after a crash the armed rows are all that can be in doubt; the next sender
takes them back, flagged, and sends them again byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.states import DeliveryState, EditionState, NoticeKind, SkipReason, SubscriberState
from newsletter.domain.update import Update
from newsletter.errors import SenderRunning
from newsletter.mail.links import Tokens
from newsletter.mail.recipient import Recipient
from newsletter.services import deliveries, due_notices, suppressions
from newsletter.storage import outbox_queries
from newsletter.storage.tables import Delivery, Edition, Notice, SenderRun


class Claim(NamedTuple):
    """One arming of one row; the key under which the message goes to the engine and its outcome comes back."""

    edition_id: int  #: 0 for a notice
    row_id: int  #: the delivery's subscriber, or the notice
    attempt: int


@dataclass(frozen=True, slots=True)
class ArmedDelivery:
    """A digest that may be sent now."""

    claim: Claim
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class ArmedNotice:
    """A notice that may be sent now."""

    claim: Claim
    kind: NoticeKind
    created_at: datetime
    recipient: Recipient
    update: Update | None  #: what an alert is about


@dataclass(frozen=True, slots=True)
class Armed:
    """What one look at an edition brought."""

    deliveries: list[ArmedDelivery]
    seen: int  #: rows that were looked at, the skipped ones too
    last_id: int  #: the last subscriber among them: where to look on


@dataclass(frozen=True, slots=True)
class Arming:
    """Who arms, and when."""

    owner: int  #: of begin_run
    tokens: Tokens
    now: datetime

    @property
    def second(self) -> int:
        return int(self.now.timestamp())


class _Candidate(NamedTuple):
    """A delivery with what is to be known of its subscriber; all None when it was erased."""

    subscriber_id: int
    attempt: int
    address: str | None
    address_key: str | None
    follows: str | None
    state: str | None


def begin_run(session: Session, *, now: datetime) -> int:
    """Begin a sender's life, and return its owner id. Call it with the sender's lock held.

    What is armed now was armed by a sender that is dead: it goes back, flagged, because a copy may be out.
    """
    # Waits for a sender that is in the middle of a tick and doesn't know yet that its lock is gone.
    session.execute(select(SenderRun.id).where(SenderRun.ended_at.is_(None)).with_for_update())
    run = SenderRun(started_at=now)
    session.add(run)
    session.flush()
    returned: dict[str, object] = {"state": DeliveryState.PENDING.value, "owner": None, "flagged": True}
    # By edition, so that the deliveries of all the years before are not looked through.
    for edition in session.scalars(select(Edition).where(Edition.state.in_(_MAY_HOLD_ARMED))).all():
        of_edition = (Delivery.edition_id == edition.id, Delivery.state == DeliveryState.ARMED.value)
        session.execute(update(Delivery).where(*of_edition).values(returned))
        if edition.state == EditionState.CANCELLED.value:
            deliveries.skip_the_rest(session, edition.id, now=now)
    session.execute(
        update(Notice)
        .where(Notice.state == DeliveryState.ARMED.value)
        .values(returned | {"due_at": int(now.timestamp())})
    )
    return run.id


_MAY_HOLD_ARMED = [state.value for state in (EditionState.SENDING, EditionState.PAUSED, EditionState.CANCELLED)]


def require_own_run(session: Session, owner: int) -> None:
    """Raises SenderRunning when another sender has begun since: the lock was lost with its connection.

    A lock on a file lasts as long as the process, so on SQLite there is nothing to look at.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    connection = session.connection()
    connection.execute(outbox_queries.OWN_RUN, {"owner": owner})
    if connection.scalar(outbox_queries.NEWEST_RUN) != owner:
        raise SenderRunning("another sender has taken over")


def end_run(session: Session, owner: int, *, now: datetime) -> None:
    """Note that a sender has stopped in good order."""
    session.execute(update(SenderRun).where(SenderRun.id == owner).values(ended_at=now))


def is_anything_due(session: Session, *, now: datetime) -> bool:
    """Whether a sender has anything to do: a notice that is due, or an edition that is being sent."""
    return is_notice_due(session, now=now) or session.scalar(outbox_queries.ANY_SENDING) is not None


def is_notice_due(session: Session, *, now: datetime) -> bool:
    """Whether a notice is due: a quick look, so that a tick without one stays quick."""
    found = session.connection().execute(outbox_queries.ANY_NOTICE_DUE, {"second": int(now.timestamp())})
    return found.first() is not None


def arm_notices(session: Session, arming: Arming, *, limit: int) -> list[ArmedNotice]:
    """Arm up to `limit` notices that are due; who is not to have theirs any more is skipped, and the reason kept."""
    rows = due_notices.find(session, arming.second, limit=limit)
    suppressed = _suppressed(session, [subscriber.address_key for _, subscriber in rows], arming.tokens)
    armed: list[ArmedNotice] = []
    skipped: dict[SkipReason, list[int]] = {}
    for (notice, subscriber), found in zip(rows, due_notices.look_up(session, rows, suppressed), strict=True):
        if isinstance(found, SkipReason):
            skipped.setdefault(found, []).append(notice.id)
            continue
        recipient = Recipient(subscriber.id, subscriber.address, found.follows)
        claim = Claim(0, notice.id, notice.attempt + 1)
        armed.append(ArmedNotice(claim, NoticeKind(notice.kind), notice.created_at, recipient, found.update))
    looked_at: dict[str, object] = {"due_at": None, "changed_at": arming.second}
    taken = {"state": DeliveryState.ARMED.value, "owner": arming.owner, "attempt": Notice.attempt + 1}
    _set_notices(session, [each.claim.row_id for each in armed], looked_at | taken)
    for reason, ids in skipped.items():
        told = {"state": DeliveryState.SKIPPED.value, "detail": reason.value}
        _set_notices(session, ids, looked_at | told)
    return armed


def _set_notices(session: Session, ids: Sequence[int], values: Mapping[str, object]) -> None:
    if ids:
        session.execute(update(Notice).where(Notice.id.in_(ids)).values(values))


def arm_pending(
    session: Session, arming: Arming, edition_id: int, *, after: int, has_news: HasNews, limit: int
) -> Armed:
    """Arm up to `limit` of an edition's pending deliveries, in the order of subscribers, from behind `after`.

    `has_news` tells whether anything that a reader follows is in the edition. Who has left, is suppressed, or gets no
    news, is skipped, and the reason kept.
    """
    parameters = {"edition_id": edition_id, "after": after, "most": limit}
    found = session.connection().execute(outbox_queries.PENDING, parameters)
    return _arm(session, arming, edition_id, found, has_news)


def arm_deferred(session: Session, arming: Arming, edition_id: int, *, has_news: HasNews, limit: int) -> Armed:
    """The same for deferred deliveries that are due, the longest due first."""
    parameters = {"edition_id": edition_id, "second": arming.second, "most": limit}
    found = session.connection().execute(outbox_queries.DUE, parameters)
    return _arm(session, arming, edition_id, found, has_news)


HasNews = Callable[[Sequence[str]], bool]


def _arm(
    session: Session, arming: Arming, edition_id: int, rows: CursorResult[*tuple[Any, ...]], has_news: HasNews
) -> Armed:
    found = [_Candidate._make(row) for row in rows]
    suppressed = _suppressed(session, [each.address_key for each in found if each.address_key], arming.tokens)
    armed: list[ArmedDelivery] = []
    skipped: dict[SkipReason, list[int]] = {}
    for each in found:
        follows = subjects_.split(each.follows or "")
        reason = _why_skipped(each, follows, suppressed, has_news)
        if reason is not None:
            skipped.setdefault(reason, []).append(each.subscriber_id)
            continue
        claim = Claim(edition_id, each.subscriber_id, each.attempt + 1)
        armed.append(ArmedDelivery(claim, Recipient(each.subscriber_id, each.address or "", follows)))
    connection = session.connection()
    if armed:
        ids = [each.claim.row_id for each in armed]
        taken = {"of_edition": edition_id, "subscriber_ids": ids, "new_owner": arming.owner}
        connection.execute(outbox_queries.ARM, taken)
    for reason, ids in skipped.items():
        told = {"of_edition": edition_id, "subscriber_ids": ids, "new_detail": reason.value}
        connection.execute(outbox_queries.SKIP, told | {"new_changed_at": arming.second})
    return Armed(armed, len(found), found[-1].subscriber_id if found else 0)


def _why_skipped(
    candidate: _Candidate, follows: Sequence[str], suppressed: set[str], has_news: HasNews
) -> SkipReason | None:
    if candidate.state != SubscriberState.ACTIVE.value:
        return SkipReason.ENDED
    if candidate.address_key in suppressed:
        return SkipReason.SUPPRESSED
    return None if has_news(follows) else SkipReason.NOTHING_TO_TELL


def _suppressed(session: Session, address_keys: Sequence[str], tokens: Tokens) -> set[str]:
    """Which of these addresses get nothing."""
    keys = {suppressions.address_hash(key, tokens): key for key in address_keys}
    if not keys:
        return set()
    found = session.connection().execute(outbox_queries.SUPPRESSED, {"hashes": list(keys)})
    return {keys[address_hash] for (address_hash,) in found}
