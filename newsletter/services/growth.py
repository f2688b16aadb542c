"""How many subscribed and left, month by month.

Counted every hour: to look through a million rows is no work for a page.

Who comes by a list counts in the month in which they agreed. Who is erased counts no more, in any month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.domain.month import Month
from newsletter.storage.tables import GrowthMonth, Subscriber

EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Growth:
    """One month."""

    month: Month
    joined: int
    ended: int
    total: int  #: subscribed at its end


@dataclass(frozen=True, slots=True)
class Counted:
    """What a look through the subscribers found, by month (YYYY-MM)."""

    joined: Mapping[str, int]
    ended: Mapping[str, int]


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether it is time to count again."""
    at = counted_at(session)
    return at is None or at <= now - EVERY


def counted_at(session: Session) -> datetime | None:
    """When it was counted last."""
    return session.scalar(select(GrowthMonth.counted_at).limit(1))


def count(session: Session) -> Counted:
    """Look through all subscribers: about a second for a million."""
    return Counted(_by_month(session, Subscriber.confirmed_at), _by_month(session, Subscriber.ended_at))


def _by_month(session: Session, column: InstrumentedAttribute[datetime | None]) -> dict[str, int]:
    if session.get_bind().dialect.name == "sqlite":
        month = func.substr(column, 1, 7)
    else:
        month = func.to_char(func.timezone("UTC", column), "YYYY-MM")
    query = select(month, func.count()).where(Subscriber.confirmed_at.is_not(None), column.is_not(None))
    return {str(name): number for name, number in session.execute(query.group_by(month))}


def keep(session: Session, counted: Counted, *, now: datetime) -> None:
    """Let pages show what was counted."""
    session.execute(delete(GrowthMonth))
    names = {f"{now:%Y-%m}", *counted.joined, *counted.ended}
    rows = [
        {
            "month": name,
            "joined": counted.joined.get(name, 0),
            "ended": counted.ended.get(name, 0),
            "counted_at": now,
        }
        for name in sorted(names)
    ]
    session.execute(insert(GrowthMonth), rows)


def shown(session: Session, *, most: int = 36) -> Sequence[Growth]:
    """The last months, each that lies between the first and the last, the oldest first."""
    rows = {row.month: row for row in session.scalars(select(GrowthMonth).order_by(GrowthMonth.month))}
    if not rows:
        return ()
    found: list[Growth] = []
    month, last, total = Month.parse(min(rows)), Month.parse(max(rows)), 0
    while month <= last:
        row = rows.get(str(month))
        joined, ended = (row.joined, row.ended) if row is not None else (0, 0)
        total += joined - ended
        found.append(Growth(month, joined, ended, total))
        month = month.next
    return found[-most:]
