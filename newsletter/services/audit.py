"""The audit log: who did what, to what, when, from where. Events are only ever added; the database sees to it.

Their ids grow as their times do: pages and spans of time are cut by the id, which every index of the table ends with.
So a page takes as long among a million events as among a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.storage.tables import AuditEvent

MOST_WORDS = 200  #: that a filter offers


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where."""

    name: str  #: an admin's address, or "command line", or "schedule"
    ip: str | None = None


COMMAND_LINE = Actor("command line")
SCHEDULE = Actor("schedule")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to look for; None is any."""

    actor: str | None = None
    act: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None  #: not this time itself


def record(session: Session, actor: Actor, act: str, subject: str, detail: str = "", *, now: datetime) -> None:
    """Add an event, in the transaction of what it tells of.

    `act` is what was done, as "edition.approved"; `subject` is to what, as "edition 2022-11" or "subscriber 17". No
    part of it names a subscriber's address.
    """
    session.add(AuditEvent(at=now, actor=actor.name, act=act, subject=subject, ip=actor.ip, detail=detail))


def page(session: Session, wanted: Wanted, *, before: int | None, most: int) -> Sequence[AuditEvent]:
    """Up to `most` events, the newest first: those older than the event `before`."""
    query = _found(session, wanted)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return session.scalars(query.order_by(AuditEvent.id.desc()).limit(most)).all()


def pages(session: Session, wanted: Wanted, *, most: int = 1000) -> Iterator[Sequence[AuditEvent]]:
    """All events that are looked for, the newest first, a few at a time."""
    before: int | None = None
    while found := page(session, wanted, before=before, most=most):
        yield found
        before = found[-1].id
        session.expunge_all()  # a million of them must not gather in memory


def actors(session: Session) -> list[str]:
    """Everybody who has done something."""
    return _words(session, AuditEvent.actor)


def acts(session: Session) -> list[str]:
    """Everything that was done."""
    return _words(session, AuditEvent.act)


def _found(session: Session, wanted: Wanted) -> Select[AuditEvent]:
    query = select(AuditEvent)
    for column, word in (
        (AuditEvent.actor, wanted.actor),
        (AuditEvent.act, wanted.act),
        (AuditEvent.subject, wanted.subject),
    ):
        if word is not None:
            query = query.where(column == word)
    if wanted.since is not None:
        query = query.where(AuditEvent.id >= _first_since(session, wanted.since))
    if wanted.until is not None:
        query = query.where(AuditEvent.id < _first_since(session, wanted.until))
    return query


def _first_since(session: Session, at: datetime) -> ColumnElement[int] | int:
    """The id of the first event at this time or later; beyond all, if there is none."""
    found = session.scalar(
        select(AuditEvent.id).where(AuditEvent.at >= at).order_by(AuditEvent.at, AuditEvent.id).limit(1)
    )
    return found if found is not None else select(func.coalesce(func.max(AuditEvent.id), 0) + 1).scalar_subquery()


def _words(session: Session, column: InstrumentedAttribute[str]) -> list[str]:
    """The different words in a column, from one to the next by its index: it holds few, in very many rows."""
    first = select(func.min(column).label("word"), literal(1).label("number"))
    walk = first.cte("walk", recursive=True)
    after = select(func.min(column)).where(column > walk.c.word).scalar_subquery()
    walk = walk.union_all(select(after, walk.c.number + 1).where(walk.c.word.is_not(None), walk.c.number < MOST_WORDS))
    return list(session.scalars(select(walk.c.word).where(walk.c.word.is_not(None))))
