"""Nothing is sent from a database that may be older than what was sent from it already: a restored backup.

Its pending deliveries went out long ago, perhaps, and only a person can know. Three things tell: the database lies in
another place than when something was last sent from it; a witness outside of it has seen a later tick; or nothing was
recorded for long while an edition was being sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.domain.states import EditionState
from newsletter.storage.tables import Delivery, Edition, SenderRun, SendingGuard

_ONLY = 1  #: the row's id

_REMEDY = "If it is the database to go on with, say so with 'newsletter db accept'"


@dataclass(frozen=True, slots=True)
class Witness:
    """What a sender has seen of its database, noted outside of it."""

    timeline: str  #: of SendingGuard
    run: int
    ticks: int  #: of that run, committed
    at: int  #: when, in seconds since 1970


def check(session: Session, *, home: str, witnesses: Iterable[Witness], within: timedelta, now: datetime) -> str | None:
    """Look whether anything may be sent; why not, in words for an admin, or None. Call it before a sender begins."""
    guard = _locked(session)
    if guard.halted_at is None:
        guard.home = guard.home or home
        reason = (
            _elsewhere(guard, home) or _behind(session, guard, witnesses) or _stood_still(session, guard, within, now)
        )
        if reason is not None:
            guard.halted_at, guard.reason = now, f"{reason}. {_REMEDY}."
    session.flush()
    return guard.reason if guard.halted_at is not None else None


def halted(session: Session) -> str | None:
    """Why nothing is sent until an admin says so; None if nothing stands in the way."""
    guard = session.get_one(SendingGuard, _ONLY, populate_existing=True)
    return guard.reason if guard.halted_at is not None else None


def timeline(session: Session) -> str:
    """What a witness of this database notes, to be told from those of others."""
    return session.get_one(SendingGuard, _ONLY).timeline


def accept(session: Session, *, home: str, now: datetime) -> bool:
    """An admin says that mail may go out from this database; whether anything stood in the way.

    What is still to be sent of editions may have gone out before, and is flagged.
    """
    guard = _locked(session)
    if guard.halted_at is None:
        return False
    guard.home, guard.halted_at, guard.reason = home, None, None
    guard.timeline, guard.accepted_at = uuid4().hex, now
    sending = select(Edition.id).where(Edition.state.in_([EditionState.SENDING.value, EditionState.PAUSED.value]))
    for edition_id in session.scalars(sending).all():
        is_open = (Delivery.edition_id == edition_id, Delivery.state.in_(["pending", "armed", "deferred"]))
        session.execute(update(Delivery).where(*is_open).values(flagged=True))
    session.flush()
    return True


def _locked(session: Session) -> SendingGuard:
    return session.get_one(SendingGuard, _ONLY, with_for_update=True, populate_existing=True)


def _elsewhere(guard: SendingGuard, home: str) -> str | None:
    if guard.home == home:
        return None
    return "This database is in another place than when mail was last sent from it: it may be a restored backup"


def _behind(session: Session, guard: SendingGuard, witnesses: Iterable[Witness]) -> str | None:
    """Whether a tick that a witness saw is not in the database."""
    for witness in witnesses:
        if witness.timeline == guard.timeline and _is_unknown(session, witness):
            return f"This database is older than what was sent from it at {_at(witness.at)}: it is a restored backup"
    return None


def _is_unknown(session: Session, witness: Witness) -> bool:
    """Old runs are forgotten, the newest never."""
    run = session.get(SenderRun, witness.run)
    if run is not None:
        return run.ticks < witness.ticks
    return (session.scalar(select(func.max(SenderRun.id))) or 0) < witness.run


def _stood_still(session: Session, guard: SendingGuard, within: timedelta, now: datetime) -> str | None:
    """Whether an edition should have been sent, and was not, for longer than `within`."""
    acts = select(func.max(Edition.send_started_at), func.max(Edition.resumed_at))
    begun, resumed = session.execute(acts.where(Edition.state == EditionState.SENDING.value)).one()
    if begun is None:
        return None
    last = session.scalar(select(func.max(SenderRun.ticked_at))) or 0
    since = max(last, _second(guard.accepted_at), _second(begun), _second(resumed))
    if now.timestamp() - since <= within.total_seconds():
        return None
    return f"An edition is being sent, and nothing was recorded since {_at(since)}: this may be a restored backup"


def _second(at: datetime | None) -> int:
    return int(at.timestamp()) if at is not None else 0


def _at(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M} UTC"
