"""The lives of senders: each owns what it arms, and is fenced off by the next one in its scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, case, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.domain.states import DeliveryState, EditionState
from newsletter.errors import SenderRunning
from newsletter.services import deliveries
from newsletter.services.shards import LAST
from newsletter.storage import lock, outbox_queries
from newsletter.storage.tables import Delivery, Edition, Notice, SenderRun

MOST_TRIES: Final = 5  #: what was under way in so many deaths of a sender may be their cause, and is held
AT_WORK_SECONDS: Final = 15  #: a sender that has ticked within them counts as one of those who share the rates
KEPT: Final = timedelta(days=1)  #: how long the runs that ended are remembered

MAY_HOLD_ARMED = [state.value for state in (EditionState.SENDING, EditionState.PAUSED, EditionState.CANCELLED)]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a sender may send. Those of senders that run side by side have nothing in common."""

    notices: bool = True
    edition_id: int | None = None  #: None: every edition, if it sends editions at all
    first: int = 0  #: subscriber, of the edition
    last: int = LAST  #: the same, inclusive

    @property
    def name(self) -> str:
        """As it is kept with a run."""
        if self.edition_id is not None:
            return f"edition {self.edition_id} from {self.first}"
        return lock.EVERYTHING if self.last else "notices"

    def covers(self, edition_id: int) -> bool:
        """Whether deliveries of this edition are in it."""
        return self.last > 0 and self.edition_id in (None, edition_id)


EVERYTHING: Final = Scope()
NOTICES: Final = Scope(last=0)


def begin(session: Session, scope: Scope, *, now: datetime) -> int:
    """Begin a sender's life, and return its owner id. Call it with the lock of its scope held.

    What is armed in its scope was armed by a sender that is dead: it goes back, flagged, because a copy may be out.
    What had been tried MOST_TRIES times by then may be what brings senders down: a delivery is held, a notice fails.
    """
    # Waits for a sender that is in the middle of a tick and doesn't know yet that its lock is gone.
    alive = [SenderRun.ended_at.is_(None)]
    if scope != EVERYTHING:
        alive.append(SenderRun.scope.in_([scope.name, EVERYTHING.name]))
    session.execute(select(SenderRun.id).where(*alive).order_by(SenderRun.id).with_for_update())
    # A tick that waits for this one to be over sees no row that is new then, but what its own has become.
    session.execute(update(SenderRun).where(*alive).values(ended_at=now))
    session.execute(delete(SenderRun).where(SenderRun.ended_at < now - KEPT))
    run = SenderRun(scope=scope.name, started_at=now, ticked_at=int(now.timestamp()))
    session.add(run)
    session.flush()
    # By edition, so that the deliveries of all the years before are not looked through.
    for edition in session.scalars(select(Edition).where(Edition.state.in_(MAY_HOLD_ARMED))).all():
        if scope.covers(edition.id):
            _take_back(session, scope, edition, now=now)
    if scope.notices:
        is_suspect = (Notice.attempt >= MOST_TRIES) & Notice.flagged
        due_at = case((is_suspect, None), else_=int(now.timestamp()))
        returned = _returned(is_suspect, Notice.detail, DeliveryState.FAILED) | {"due_at": due_at}
        session.execute(update(Notice).where(Notice.state == DeliveryState.ARMED.value).values(returned))
    return run.id


def _take_back(session: Session, scope: Scope, edition: Edition, *, now: datetime) -> None:
    is_suspect = (Delivery.attempt >= MOST_TRIES) & Delivery.flagged
    session.execute(
        update(Delivery)
        .where(
            Delivery.edition_id == edition.id,
            Delivery.subscriber_id.between(scope.first, scope.last),
            Delivery.state == DeliveryState.ARMED.value,
        )
        .values(_returned(is_suspect, Delivery.detail, DeliveryState.HELD))
    )
    if edition.state == EditionState.CANCELLED.value:
        deliveries.skip_the_rest(session, edition.id, now=now)


def _returned(
    is_suspect: ColumnElement[bool], detail: InstrumentedAttribute[str | None], end: DeliveryState
) -> dict[str, object]:
    words = f"the sender died while this was under way, after {MOST_TRIES} tries"
    return {
        "state": case((is_suspect, end.value), else_=DeliveryState.PENDING.value),
        "detail": case((is_suspect, words), else_=detail),
        "owner": None,
        "flagged": True,
    }


def tick(session: Session, owner: int, *, seen: int, now: datetime) -> None:
    """Begin a tick's transaction; `seen` ticks of this run were counted so far.

    Raises SenderRunning when another sender has begun in its scope since, or when the database knows of fewer ticks: it
    was set back to an earlier state. A lock on PostgreSQL ends with its connection, so that a sender may learn only
    here that it was replaced.
    """
    second = int(now.timestamp())
    if not outbox_queries.TICK.change(session, owner=owner, seen=seen, second=second):
        raise SenderRunning("another sender has taken over, or the database was set back")


def end(session: Session, owner: int, *, now: datetime) -> None:
    """Note that a sender has stopped in good order."""
    session.execute(update(SenderRun).where(SenderRun.id == owner).values(ended_at=now))


def at_work(session: Session, *, now: datetime) -> int:
    """How many senders of editions are at work now, at least 1."""
    ticked_since = int(now.timestamp()) - AT_WORK_SECONDS
    query = select(func.count()).where(
        SenderRun.ended_at.is_(None), SenderRun.scope != NOTICES.name, SenderRun.ticked_at > ticked_since
    )
    return max(1, session.scalar(query) or 0)
