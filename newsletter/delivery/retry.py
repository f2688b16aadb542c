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
JITTER: Final = 0.1  #: of a wait is added at most, so that what was deferred together doesn't come back together


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The first `waits` one after the other, then `later_wait` each time, until a message is `lifetime` old."""

    waits: tuple[timedelta, ...] = FIRST_WAITS
    later_wait: timedelta = timedelta(hours=6)
    lifetime: timedelta = timedelta(days=4)  #: of a message without a deadline of its own

    def next_attempt(self, *, attempts: int, now: datetime, until: datetime, chance: float = 0.0) -> datetime | None:
        """The time of the next try after `attempts` that failed; None to give up, as it would be after `until`.

        `chance`, from 0 to 1, says where in the jitter it lies.
        """
        if attempts < 1:
            raise ValueError("there is a next attempt only after a first one")
        wait = self.waits[attempts - 1] if attempts <= len(self.waits) else self.later_wait
        due = now + wait * (1 + JITTER * chance)
        return due if due <= until else None
