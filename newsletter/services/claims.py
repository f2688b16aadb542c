"""How rows go to a sender: the first half of the protocol that loses nobody (services.results is the other).

A sender works in ticks, each one transaction: what came back is recorded, and a few more rows are armed. Only rows that
a committed tick has armed may be sent, so after a crash the armed rows are all that can be in doubt; the next sender
takes them back, flagged, and sends them again byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import literal, select, update
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.address import Address
from newsletter.domain.correction import Correction
from newsletter.domain.states import DeliveryState, NoticeKind, SkipReason, SubscriberState
from newsletter.domain.update import Update
from newsletter.errors import InvalidAddress
from newsletter.mail.copies import CopySource
from newsletter.mail.links import Tokens
from newsletter.mail.recipient import Recipient
from newsletter.services import due_notices, runs, suppressions
from newsletter.services.due_notices import DueNotice
from newsletter.services.runs import EVERYTHING, Scope
from newsletter.storage import outbox_queries
from newsletter.storage.prepared import Row
from newsletter.storage.tables import Delivery, Edition, Notice, Subscriber

NOBODY: Final = 0  #: no subscriber has this id
SUSPECT_TRIES: Final = 2  #: what was under way in so many deaths of a sender goes alone from then on

HasNews = Callable[[Sequence[str]], bool]
Slot = Callable[[str], int | None]  #: a domain -> None if mail may go there now, else when (seconds since 1970)


class Claim(NamedTuple):
    """One arming of one row; the key under which the message goes to the engine and its outcome comes back."""

    edition_id: int  #: 0 for a notice
    row_id: int  #: the delivery's subscriber, or the notice
    attempt: int


class ArmedDelivery(NamedTuple):
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
    correction: Correction | None = None  #: what a correction tells
    copy: CopySource | None = None  #: what a test copy is made of


@dataclass(frozen=True, slots=True)
class Armed:
    """What one look at an edition brought."""

    deliveries: list[ArmedDelivery]
    seen: int  #: rows that were looked at, the skipped ones too
    last_id: int  #: the last subscriber among them: where to look on
    waits: bool = False  #: the next one must go alone, and something is under way
    is_alone: bool = False  #: it is one that must go alone


@dataclass(frozen=True, slots=True)
class Arming:
    """Who arms, and when."""

    owner: int  #: of runs.begin
    tokens: Tokens
    now: datetime
    scope: Scope = EVERYTHING
    slot: Slot | None = None  #: None: no destination has a limit just now

    @property
    def second(self) -> int:
        return int(self.now.timestamp())


class _Candidate(NamedTuple):
    """A delivery with what is to be known of its subscriber; all None when it was erased."""

    subscriber_id: int
    attempt: int
    flagged: bool
    address: str | None
    address_key: str | None
    follows: str | None
    state: str | None
    paused_until: Decimal | int | None  #: seconds since 1970
    text_only: bool | None

    @property
    def is_suspect(self) -> bool:
        """Whether it was under way when a sender died, more than once."""
        return bool(self.flagged) and self.attempt >= SUSPECT_TRIES


def is_anything_due(session: Session, *, scope: Scope = EVERYTHING, now: datetime) -> bool:
    """Whether a sender has anything to do: a notice that is due, or an edition that is being sent."""
    if scope.notices and is_notice_due(session, now=now):
        return True
    return any(scope.covers(edition_id) for (edition_id,) in outbox_queries.SENDING.rows(session))


def is_notice_due(session: Session, *, now: datetime) -> bool:
    """Whether a notice is due: a quick look, so that a tick without one stays quick."""
    return outbox_queries.ANY_NOTICE_DUE.first(session, second=int(now.timestamp())) is not None


def armed_by(session: Session, owner: int) -> list[Claim]:
    """Everything that this owner has armed. It looks through all deliveries of the editions that may hold such."""
    editions = select(Edition.id).where(Edition.state.in_(runs.MAY_HOLD_ARMED))
    of_editions = select(Delivery.edition_id, Delivery.subscriber_id, Delivery.attempt).where(
        Delivery.edition_id.in_(editions),
        Delivery.state == DeliveryState.ARMED.value,
        Delivery.owner == owner,
    )
    of_notices = select(literal(0), Notice.id, Notice.attempt).where(
        Notice.state == DeliveryState.ARMED.value, Notice.owner == owner
    )
    return [Claim(*row) for query in (of_editions, of_notices) for row in session.execute(query)]


def arm_notices(session: Session, arming: Arming, *, limit: int) -> list[ArmedNotice]:
    """Arm up to `limit` notices that are due; who is not to have theirs any more is skipped, and the reason kept."""
    rows, suppressed = _parted(session, due_notices.find(session, arming.second, limit=limit), arming.tokens)
    armed: list[ArmedNotice] = []
    skipped: dict[SkipReason, list[int]] = {SkipReason.SUPPRESSED: suppressed}
    for due, found in zip(rows, due_notices.look_up(session, rows), strict=True):
        notice, subscriber, _ = due
        if isinstance(found, SkipReason):
            skipped.setdefault(found, []).append(notice.id)
            continue
        recipient = Recipient(subscriber.id if subscriber is not None else NOBODY, due.address, found.follows)
        claim = Claim(0, notice.id, notice.attempt + 1)
        told = (found.update, found.correction, found.copy)
        armed.append(ArmedNotice(claim, NoticeKind(notice.kind), notice.created_at, recipient, *told))
    looked_at: dict[str, object] = {"due_at": None, "changed_at": arming.second}
    taken = {"state": DeliveryState.ARMED.value, "owner": arming.owner, "attempt": Notice.attempt + 1}
    _set_notices(session, [each.claim.row_id for each in armed], looked_at | taken)
    for reason, ids in skipped.items():
        why = {"state": DeliveryState.SKIPPED.value, "detail": reason.value}
        _set_notices(session, ids, looked_at | why)
    return armed


def _parted(session: Session, rows: Sequence[DueNotice], tokens: Tokens) -> tuple[list[DueNotice], list[int]]:
    """Those to addresses that may be written to, and the ids of the others.

    Only the address that a notice goes to counts: who moves away from a mailbox that is gone is asked at the new one.
    What an admin is sent is no mail to a reader: it goes out even if they want none as such.
    """
    keys = [address_key(notice, subscriber) if subscriber is not None else "" for notice, subscriber, _ in rows]
    suppressed = _suppressed(session, keys, tokens)
    found = list(zip(rows, keys, strict=True))
    return (
        [row for row, key in found if key not in suppressed],
        [due.notice.id for due, key in found if key in suppressed],
    )


def address_key(notice: Notice, subscriber: Subscriber) -> str:
    """Of the address that a notice goes to, as suppressions know it."""
    if notice.address is None:
        return subscriber.address_key
    try:
        return Address.parse(notice.address).key
    except InvalidAddress:  # the relay will say so; it must not stop everybody's notices
        return notice.address


def _set_notices(session: Session, ids: Sequence[int], values: Mapping[str, object]) -> None:
    if ids:
        session.execute(update(Notice).where(Notice.id.in_(ids)).values(values))


def arm_pending(
    session: Session,
    arming: Arming,
    edition_id: int,
    *,
    between: tuple[int, int],
    has_news: HasNews,
    limit: int,
    is_idle: bool = True,
) -> Armed:
    """Arm up to `limit` of an edition's pending deliveries, in the order of subscribers: after one, up to another.

    `has_news` tells whether anything that a reader follows is in the edition. Who has left, is suppressed, takes no
    mail for a while, or gets no news, is skipped, and the reason kept. What may have brought down a sender goes alone,
    once `is_idle`: nothing else is under way.
    """
    after, last = between
    rows = outbox_queries.PENDING.rows(session, edition_id=edition_id, after=after, last=last, most=limit)
    return _arm_carefully(session, arming, edition_id, rows, has_news, is_idle=is_idle)


def _arm_carefully(
    session: Session, arming: Arming, edition_id: int, rows: Sequence[Row], has_news: HasNews, *, is_idle: bool
) -> Armed:
    """Arm what comes before the first suspect, or the suspect alone."""
    found = [_Candidate._make(row) for row in rows]
    suspect = next((number for number, each in enumerate(found) if each.is_suspect), None)
    if suspect is None:
        return _arm(session, arming, edition_id, found, has_news)
    if suspect == 0 and is_idle:
        return replace(_arm(session, arming, edition_id, found[:1], has_news), waits=True, is_alone=True)
    return replace(_arm(session, arming, edition_id, found[:suspect], has_news), waits=True)


def arm_due(
    session: Session, arming: Arming, edition_id: int, *, has_news: HasNews, limit: int, is_idle: bool = True
) -> Armed:
    """The same for deliveries that were given a time, and whose time has come; the longest due first."""
    scope = arming.scope
    rows: list[Row] = outbox_queries.DUE.rows(
        session, edition_id=edition_id, first=scope.first, last=scope.last, second=arming.second, most=limit
    )
    return _arm_carefully(session, arming, edition_id, rows, has_news, is_idle=is_idle)


def _arm(session: Session, arming: Arming, edition_id: int, found: Sequence[_Candidate], has_news: HasNews) -> Armed:
    if not found:
        return Armed([], 0, 0)
    suppressed = _suppressed(session, [each.address_key for each in found if each.address_key], arming.tokens)
    armed: list[ArmedDelivery] = []
    skipped: list[dict[str, object]] = []
    postponed: list[dict[str, object]] = []
    for each in found:
        follows = subjects_.split(each.follows or "")
        row: dict[str, object] = {"of_edition": edition_id, "of_row": each.subscriber_id}
        reason = _why_skipped(each, follows, suppressed, has_news, arming.second)
        address = each.address or ""
        if reason is not None:
            skipped.append(row | {"new_detail": reason.value, "new_changed_at": arming.second})
        elif arming.slot is not None and (due := arming.slot(address.rpartition("@")[2])) is not None:
            postponed.append(row | {"new_due_at": due})
        else:
            claim = Claim(edition_id, each.subscriber_id, each.attempt + 1)
            recipient = Recipient(each.subscriber_id, address, follows, bool(each.text_only))
            armed.append(ArmedDelivery(claim, recipient))
    owner = arming.owner
    outbox_queries.ARM.change_many(
        session, [{"of_edition": edition_id, "of_row": each.claim.row_id, "new_owner": owner} for each in armed]
    )
    outbox_queries.SKIP.change_many(session, skipped)
    outbox_queries.POSTPONE.change_many(session, postponed)
    return Armed(armed, len(found), found[-1].subscriber_id)


def _why_skipped(
    candidate: _Candidate, follows: Sequence[str], suppressed: set[str], has_news: HasNews, second: int
) -> SkipReason | None:
    if candidate.state != SubscriberState.ACTIVE.value:
        return SkipReason.ENDED
    if candidate.address_key in suppressed:
        return SkipReason.SUPPRESSED
    if candidate.paused_until is not None and candidate.paused_until > second:
        return SkipReason.PAUSED
    return None if has_news(follows) else SkipReason.NOTHING_TO_TELL


def _suppressed(session: Session, address_keys: Sequence[str], tokens: Tokens) -> set[str]:
    """Which of these addresses get nothing."""
    keys = {suppressions.address_hash(key, tokens): key for key in address_keys}
    if not keys:
        return set()
    return {keys[address_hash] for (address_hash,) in outbox_queries.SUPPRESSED.rows(session, hashes=list(keys))}
