"""The audit log: who did what, to what, when, from where. Events are only ever added; the database sees to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.storage.tables import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, and from where."""

    name: str  #: an admin's address, or "command line", or "schedule"
    ip: str | None = None


COMMAND_LINE = Actor("command line")
SCHEDULE = Actor("schedule")


def record(session: Session, actor: Actor, act: str, subject: str, detail: str = "", *, now: datetime) -> None:
    """Add an event, in the transaction of what it tells of.

    `act` is what was done, as "edition.approved"; `subject` is to what, as "edition 2022-11" or "subscriber 17". No
    part of it names a subscriber's address.
    """
    session.add(AuditEvent(at=now, actor=actor.name, act=act, subject=subject, ip=actor.ip, detail=detail))
