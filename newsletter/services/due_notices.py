"""Which notices are due, and what each of them tells by now: much may have happened since it was made.

A confirmation is for who has not confirmed, a goodbye for who has left by it, everything else for who is subscribed.
But some go to another address than the subscriber's own: a question there, while it stands, and the word to an old one,
whatever has become of the subscription. What goes to an admin is for who may log in, and a test copy goes where one who
may has asked it to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.orm import Session

from newsletter.domain import subject as subjects_
from newsletter.domain.correction import Correction
from newsletter.domain.month import Month
from newsletter.domain.states import NoticeKind, SkipReason, SubscriberState
from newsletter.domain.update import Update
from newsletter.errors import NotFound
from newsletter.mail.copies import CopySource
from newsletter.services import address_changes, alerts, editorial, preferences, revisions, test_copies
from newsletter.storage.places import gazetteer
from newsletter.storage.tables import Admin, Notice, Subscriber, Subscription

#: Written out, since SQLite takes an index of a part of the rows only where the statement itself tells the part.
_ALERT: Final = literal(NoticeKind.ALERT.value, literal_execute=True)
_CORRECTION: Final = literal(NoticeKind.CORRECTION.value, literal_execute=True)


_COPY: Final = NoticeKind.TEST_COPY.value


class DueNotice(NamedTuple):
    """A notice with whom it is for: a subscriber or an admin, or nobody but an address."""

    notice: Notice
    subscriber: Subscriber | None
    admin: Admin | None

    @property
    def address(self) -> str:
        """Where it goes."""
        owner = self.subscriber or self.admin
        return self.notice.address or (owner.address if owner is not None else "")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notice tells its reader."""

    follows: tuple[str, ...]  #: what they follow; what was asked for, or given up; why they get an alert
    update: Update | None = None  #: what an alert is about
    correction: Correction | None = None  #: what a correction tells
    copy: CopySource | None = None  #: what a test copy is made of


def find(session: Session, second: int, *, limit: int) -> list[DueNotice]:
    """Up to `limit` notices that are due, locked: the longest due first, but alerts and corrections last.

    These can be made for a million readers at once, and a confirmation must not wait behind them all.
    """
    goes_ahead = (Notice.kind != _ALERT) & (Notice.kind != _CORRECTION)
    found = _find(session, second, goes_ahead, limit)
    if len(found) < limit:
        comes_last = (Notice.kind == _ALERT) | (Notice.kind == _CORRECTION)
        found += _find(session, second, comes_last, limit - len(found))
    return found


def _find(session: Session, second: int, is_such: ColumnElement[bool], limit: int) -> list[DueNotice]:
    query = (
        select(Notice, Subscriber, Admin)
        .outerjoin(Subscriber, Notice.subscriber_id == Subscriber.id)
        .outerjoin(Admin, Notice.admin_id == Admin.id)
        .where(is_such, Notice.due_at <= second)
        .order_by(Notice.due_at, Notice.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Notice)
    )
    return [DueNotice(*row) for row in session.execute(query)]


def look_up(session: Session, rows: Sequence[DueNotice]) -> list[Facts | SkipReason]:
    """What each notice tells, or why it is not to be sent."""
    to_readers = [(each.notice, each.subscriber) for each in rows if each.subscriber is not None]
    told = iter(_to_readers(session, to_readers))
    copies = test_copies.sources(session, [each.notice for each in rows if each.notice.kind == _COPY])
    return [next(told) if each.subscriber is not None else _to_admin(each, copies) for each in rows]


def _to_admin(due: DueNotice, copies: Mapping[int, CopySource]) -> Facts | SkipReason:
    """For an admin, or for an address that one has named."""
    admin, notice = due.admin, due.notice
    if admin is None or admin.closed_at is not None:
        return SkipReason.ENDED
    if notice.kind != _COPY:
        return Facts(())
    source = copies.get(notice.id)
    if source is None:
        return SkipReason.NOTHING_TO_TELL
    return Facts(test_copies.order_of(notice).follows, copy=replace(source, asked_by=admin.address))


def _to_readers(session: Session, rows: Sequence[tuple[Notice, Subscriber]]) -> list[Facts | SkipReason]:
    asked = [each.id for _, each in rows if each.state == SubscriberState.PENDING.value]
    left = [each.id for notice, each in rows if notice.kind == NoticeKind.GOODBYE.value]
    live = preferences.live_of_all(session, asked) if asked else {}
    given_up = preferences.given_up_of_all(session, left) if left else {}
    updates = _updates(session, [notice for notice, _ in rows if notice.kind == NoticeKind.ALERT.value])
    corrections = revisions.told(session, [notice for notice, _ in rows if notice.revision is not None])
    questions = [notice.id for notice, _ in rows if notice.kind == NoticeKind.ADDRESS_CHANGE.value]
    askable = address_changes.askable(session, questions) if questions else set()
    found: list[Facts | SkipReason] = []
    for notice, subscriber in rows:
        match NoticeKind(notice.kind):
            case NoticeKind.CONFIRMATION:
                told = _of_state(subscriber, SubscriberState.PENDING, _subjects(live.get(subscriber.id, ())))
            case NoticeKind.GOODBYE:
                told = _goodbye(notice, subscriber, _subjects(given_up.get(subscriber.id, ())))
            case NoticeKind.ALERT:
                told = _alert(notice, subscriber, updates.get((notice.place_code, notice.month)))
            case NoticeKind.CORRECTION:
                told = _correction(notice, subscriber, corrections.get((notice.month, notice.revision)))
            case NoticeKind.ADDRESS_CHANGE if notice.id not in askable:
                told = SkipReason.ENDED
            case NoticeKind.ADDRESS_CHANGED:
                told = Facts(subjects_.split(subscriber.follows))
            case _:
                told = _of_state(subscriber, SubscriberState.ACTIVE, subjects_.split(subscriber.follows))
        found.append(told)
    return found


def _of_state(subscriber: Subscriber, wanted: SubscriberState, follows: tuple[str, ...]) -> Facts | SkipReason:
    return Facts(follows) if subscriber.state == wanted.value else SkipReason.ENDED


def _goodbye(notice: Notice, subscriber: Subscriber, follows: tuple[str, ...]) -> Facts | SkipReason:
    """Only of the leaving that still stands: its link undoes no other."""
    has_left = subscriber.state == SubscriberState.ENDED.value and subscriber.ended_at == notice.created_at
    return Facts(follows) if has_left else SkipReason.ENDED


def _alert(notice: Notice, subscriber: Subscriber, update: Update | None) -> Facts | SkipReason:
    if subscriber.state != SubscriberState.ACTIVE.value or not subscriber.alerts_at_once:
        return SkipReason.ENDED
    if preferences.is_paused(subscriber, notice.created_at):
        # By the time that it was published: one that had to wait is no news when the pause is over.
        return SkipReason.PAUSED
    if update is None:
        return SkipReason.NOTHING_TO_TELL
    place = gazetteer().require(update.place)
    wider = {subjects_.ALL, place.region.code, place.code}
    why = tuple(each for each in subjects_.split(subscriber.follows) if each in wider)
    return Facts(why, update) if why else SkipReason.NOTHING_TO_TELL


def _correction(notice: Notice, subscriber: Subscriber, correction: Correction | None) -> Facts | SkipReason:
    """Of those places that they follow by now; who pauses takes no mail, and finds it on the web."""
    if subscriber.state != SubscriberState.ACTIVE.value:
        return SkipReason.ENDED
    if preferences.is_paused(subscriber, notice.created_at):
        return SkipReason.PAUSED
    follows = subjects_.split(subscriber.follows)
    own = correction.only(revisions.followed(correction, follows)) if correction is not None else None
    if own is None or not own.updates:
        return SkipReason.NOTHING_TO_TELL
    wider = {subjects_.ALL} | {code for each in own.updates for code in revisions.subjects_of(each.place)}
    return Facts(tuple(each for each in follows if each in wider), correction=own)


def _updates(session: Session, notices: Sequence[Notice]) -> Mapping[tuple[str | None, str | None], Update]:
    """The updates that alerts among `notices` are about, as they stand now, as far as their alert stands."""
    found: dict[tuple[str | None, str | None], Update] = {}
    for place_code, month in {(each.place_code, each.month) for each in notices}:
        if place_code is None or month is None:
            continue
        try:
            update = editorial.get(session, place_code, Month.parse(month))
        except NotFound:
            continue
        if alerts.is_published(update):
            found[place_code, month] = update
    return found


def _subjects(subscriptions: Sequence[Subscription]) -> tuple[str, ...]:
    return tuple(each.subject for each in subscriptions)
