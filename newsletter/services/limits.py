"""How often something may be asked for: counted in rows, so that every process counts the same.

A window is an hour or a day by the clock, so that around its end up to twice as many may be asked in as much time. Its
key is a keyed hash: the table tells nobody who asked.

A request is looked at before anything is done for it, which takes no lock and writes nothing: a flood costs one look a
request. It is counted last, as that locks the rows that all requests share until the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam, delete, select, text, tuple_
from sqlalchemy.orm import Session

from newsletter.mail.links import Tokens
from newsletter.storage.prepared import Prepared, any_of
from newsletter.storage.tables import RateWindow
from newsletter.storage.upsert import insert_or_ignore

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: When a window is forgotten; longer than any of them is open.
KEPT = DAY + HOUR
MOST_AT_ONCE = 1000  #: rows that are forgotten in one transaction


@dataclass(frozen=True, slots=True)
class Caps:
    """How many requests of a kind are taken in an hour; 0 is no limit."""

    ip: int = 20  #: of one IPv4 address, or of one IPv6 /64
    network: int = 100  #: of one IPv4 /24, or of one IPv6 /48
    all: int = 2000

    def tenth(self) -> Caps:
        """For requests of which less is known: a tenth of each, and at least one."""
        ip, network, everybody = (-(-cap // 10) for cap in (self.ip, self.network, self.all))
        return Caps(ip, network, everybody)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of a kind in a span of time."""

    kind: str
    whom: str  #: whom it is held against
    most: int  #: 0 is no limit
    span: timedelta = HOUR


_COUNTS = Prepared(
    select(RateWindow.key, RateWindow.count).where(
        RateWindow.name == bindparam("name"), any_of(RateWindow.__table__.c.key, "keys")
    )
)


@cache
def _count_one(windows: int) -> Prepared:
    """Counts one more in so many windows, in their order -> key and count of each."""
    # S608: only the numbers of the windows are put into the text.
    rows = ", ".join(f"(:name, :key{number}, :began_at{number}, 1)" for number in range(windows))
    return Prepared(
        text(
            f"INSERT INTO rate_window (name, key, began_at, count) VALUES {rows}"  # noqa: S608
            " ON CONFLICT (name, key, began_at) DO UPDATE SET count = rate_window.count + 1 RETURNING key, count"
        )
    )


class Limits:
    """What one request is held against. The more share a limit, the later it stands: locks are held in this order."""

    def __init__(self, name: str, limits: Sequence[Limit], *, tokens: Tokens, now: datetime) -> None:
        self._name = name
        self._windows: dict[str, tuple[Limit, int]] = {}  # key -> limit, and when its window began
        for limit in limits:
            seconds = int(limit.span.total_seconds())
            began_at = int(now.timestamp()) // seconds * seconds
            if limit.most:
                self._windows[tokens.digest("limit", name, limit.kind, limit.whom, began_at)] = limit, began_at

    def reached(self, session: Session) -> Limit | None:
        """The first limit that lets nothing more through."""
        counts = self._counts(session)
        return next((limit for key, (limit, _) in self._windows.items() if counts.get(key, 0) >= limit.most), None)

    def count(self, session: Session) -> Limit | None:
        """Count one more; the first limit that others had reached by then: roll back, if there is one."""
        if not self._windows:
            return None
        given: dict[str, object] = {"name": self._name}
        for number, (key, (_, began_at)) in enumerate(self._windows.items()):
            given |= {f"key{number}": key, f"began_at{number}": began_at}
        # The rows are locked now, and hold what everybody has committed.
        counts: dict[str, int] = dict(_count_one(len(self._windows)).rows(session, **given))
        return next((limit for key, (limit, _) in self._windows.items() if counts[key] > limit.most), None)

    def _counts(self, session: Session) -> dict[str, int]:
        return dict(_COUNTS.rows(session, name=self._name, keys=list(self._windows)))


def spend(session: Session, name: str, key: str, *, until: datetime) -> bool:
    """Whether `key`, which is worth something once and only until a time, had not been spent before."""
    return insert_or_ignore(session, RateWindow, name=name, key=key, began_at=int(until.timestamp()), count=1)


def purge(session: Session, now: datetime) -> int:
    """Forget up to MOST_AT_ONCE windows that are over; how many it were."""
    key = tuple_(RateWindow.name, RateWindow.key, RateWindow.began_at)
    old = select(RateWindow.name, RateWindow.key, RateWindow.began_at).where(
        RateWindow.began_at < int((now - KEPT).timestamp())
    )
    found = session.execute(delete(RateWindow).where(key.in_(old.limit(MOST_AT_ONCE))).returning(RateWindow.count))
    return len(found.all())
