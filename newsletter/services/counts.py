"""An edition's deliveries, counted from their rows: half a second for a million, at the cost of whoever sends.

Of an edition that is long over the rows are forgotten (services.old_deliveries): what was counted of them is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.domain.states import OPEN_STATES, DeliveryState, EditionState, SkipReason
from newsletter.services import old_deliveries
from newsletter.storage.tables import Delivery, Edition, EditionTotal

RECENT_SECONDS: Final = 60  #: that the rate is of
ROWS_A_SECOND: Final = 100_000  #: a count of so many is good for a second: so counting takes a twentieth of a core
LONGEST_SECONDS: Final = 60  #: that any count is good for

_ANSWERED = (DeliveryState.SENT.value, DeliveryState.FAILED.value)
_SETTLED = (*_ANSWERED, DeliveryState.SKIPPED.value)


@dataclass(frozen=True, slots=True)
class Count:
    """An edition's deliveries at one time."""

    at: datetime
    state: EditionState  #: the edition's, at that time
    ended_at: datetime | None
    deliveries: Mapping[DeliveryState, int]
    skipped: Mapping[SkipReason, int]
    flagged: int  #: readers who may have got a second copy
    rate: float = 0.0  #: messages a second that the relay answered for good, lately
    pace: float = 0.0  #: readers a second that are done with, those who are skipped among them
    waiting: int = 0  #: of those left, wait for a time of their own
    last_due_at: datetime | None = None  #: the last of these times

    @property
    def total(self) -> int:
        return sum(self.deliveries.values())

    @property
    def held(self) -> int:
        """Wait for an admin."""
        return self.deliveries[DeliveryState.HELD]

    @property
    def left(self) -> int:
        """Still to be sent, now or later."""
        return sum(self.deliveries[state] for state in OPEN_STATES)

    @property
    def done(self) -> int:
        """Nobody has to do anything for them any more."""
        return self.total - self.left - self.held

    @property
    def good_for(self) -> int:
        """For how many seconds it need not be made anew."""
        return min(self.total // ROWS_A_SECOND, LONGEST_SECONDS)


def count(session: Session, edition: Edition, *, now: datetime) -> Count:
    """Count an edition's deliveries. One that was never sent has none."""
    state = EditionState(edition.state)
    deliveries = dict.fromkeys(DeliveryState, 0)
    skipped = dict.fromkeys(SkipReason, 0)
    if edition.send_started_at is None:
        return Count(now, state, edition.ended_at, deliveries, skipped, flagged=0)
    deliveries, flagged = _by_state(session, edition.id)
    if deliveries[DeliveryState.SKIPPED]:
        skipped = _by_reason(session, edition.id)
    if edition.state in old_deliveries.ENDED:
        deliveries = _with_forgotten(session, edition.id, deliveries)
    made = Count(now, state, edition.ended_at, deliveries, skipped, flagged)
    if state is not EditionState.SENDING:
        return made
    rate, pace = _lately(session, edition.id, now)
    waiting, last_due_at = _waiting(session, edition.id, now)
    return Count(now, state, edition.ended_at, deliveries, skipped, flagged, rate, pace, waiting, last_due_at)


def held_details(session: Session, edition_id: int) -> dict[str, int]:
    """Why deliveries are held, in the words that are kept with them, the most frequent first."""
    query = (
        select(Delivery.detail, func.count())
        .where(Delivery.edition_id == edition_id, Delivery.state == DeliveryState.HELD.value)
        .group_by(Delivery.detail)
    )
    found = [(detail or "no reason was kept", number) for detail, number in session.execute(query)]
    return dict(sorted(found, key=lambda each: (-each[1], each[0])))


def _by_state(session: Session, edition_id: int) -> tuple[dict[DeliveryState, int], int]:
    """Each state, and the flagged ones, in one pass: to group a million rows, SQLite would sort them."""
    columns = [func.count().filter(Delivery.state == state.value) for state in DeliveryState]
    query = select(*columns, func.count().filter(Delivery.flagged)).where(Delivery.edition_id == edition_id)
    *numbers, flagged = session.execute(query).one()
    return dict(zip(DeliveryState, numbers, strict=True)), flagged


def _with_forgotten(
    session: Session, edition_id: int, deliveries: Mapping[DeliveryState, int]
) -> dict[DeliveryState, int]:
    """The same with those whose rows are forgotten."""
    query = select(EditionTotal.state, EditionTotal.count).where(EditionTotal.edition_id == edition_id)
    totals: dict[str, int] = dict(session.execute(query).all())
    return {state: number + totals.get(state.value, 0) for state, number in deliveries.items()}


def _by_reason(session: Session, edition_id: int) -> dict[SkipReason, int]:
    is_skipped = (Delivery.edition_id == edition_id, Delivery.state == DeliveryState.SKIPPED.value)
    columns = [func.count().filter(Delivery.detail == reason.value) for reason in SkipReason]
    numbers = session.execute(select(*columns).where(*is_skipped)).one()
    return dict(zip(SkipReason, numbers, strict=True))


def _lately(session: Session, edition_id: int, now: datetime) -> tuple[float, float]:
    """Messages answered, and readers done with, a second: since the first of them in the last minute.

    So an edition that was resumed ten seconds ago is measured over these ten.
    """
    since = int(now.timestamp()) - RECENT_SECONDS
    query = (
        select(Delivery.state, func.count(), func.min(Delivery.changed_at))
        .where(Delivery.edition_id == edition_id, Delivery.changed_at >= since, Delivery.state.in_(_SETTLED))
        .group_by(Delivery.state)
    )
    rows = session.execute(query).all()
    if not rows:
        return 0.0, 0.0
    seconds = max(1.0, now.timestamp() - min(first or since for _, _, first in rows))
    answered = sum(number for state, number, _ in rows if state in _ANSWERED)
    return answered / seconds, sum(number for _, number, _ in rows) / seconds


def _waiting(session: Session, edition_id: int, now: datetime) -> tuple[int, datetime | None]:
    """How many have a time of their own that is still to come, and the last one; there is an index for them."""
    query = select(func.count(), func.max(Delivery.due_at)).where(
        Delivery.edition_id == edition_id, Delivery.due_at > int(now.timestamp())
    )
    waiting, last = session.execute(query).one()
    return waiting, datetime.fromtimestamp(last, UTC) if last is not None else None
