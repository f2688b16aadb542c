"""When to try a deferred message again.

A client waits between tries, longer after the first ones, and gives up after four to five days (RFC 5321,
4.5.4.1). The first waits are shorter than the 30 minutes named there, since greylisting lets a message in
after a few minutes (RFC 6647).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FIRST_WAITS: Final = (
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The first `waits` one after the other, then `later_wait` each time, until a message is `lifetime` old."""

    waits: tuple[timedelta, ...] = FIRST_WAITS
    later_wait: timedelta = timedelta(hours=6)
    lifetime: timedelta = timedelta(days=4)

    def next_attempt(self, *, queued_at: datetime, attempts: int, now: datetime) -> datetime | None:
        """The time of the next try after `attempts` that failed, or None to give up."""
        if attempts < 1:
            raise ValueError("there is a next attempt only after a first one")
        wait = self.waits[attempts - 1] if attempts <= len(self.waits) else self.later_wait
        return now + wait if now + wait - queued_at <= self.lifetime else None
