"""How many rows a sender may have armed at once."""

from __future__ import annotations

import time
from collections.abc import Callable

FEWEST_BOUND = 50  #: the bound is this, or twice the connections: so much can be doubled by a crash
TICK_SECONDS = 0.0025  #: between two commits at full speed
SIGNING_TICK_SECONDS = 0.006  #: the same where messages are signed: those of one tick at once, by several processes
WINDOW_SECONDS = 0.01  #: how long a fast relay may be kept busy without a commit
SLOW_TICK_SECONDS = 0.01  #: between two commits where the relay takes its time, and half the connections wait for it
_MEASURED_SECONDS = 0.25  #: over which the speed is measured


class Allowance:
    """Few enough that each waits for a second at most, so that leaving works at once; never more than the bound.

    A slow relay gets two messages a connection, a fast one what it takes in a second.
    """

    def __init__(
        self,
        connections: int,
        rate: float,
        *,
        tick_seconds: float = TICK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._fewest = 2 * connections
        self._most = max(FEWEST_BOUND, 2 * connections)
        self._rate_limit = rate
        self._speed = 0.0  # messages a second
        self._since = clock()
        self._count = 0

    @property
    def armed(self) -> int:
        """How many rows may be armed now."""
        allowed = min(self._most, max(self._fewest, int(self._speed)))
        return min(allowed, max(1, int(self._rate_limit))) if self._rate_limit else allowed

    @property
    def window(self) -> int:
        """How many messages may be written and not yet recorded: one a connection, or, to a fast relay, more.

        What is sent in WINDOW_SECONDS is more than that only where a relay answers within milliseconds.
        """
        return min(self._most, max(self._fewest // 2, int(self._speed * WINDOW_SECONDS)))

    @property
    def batch(self) -> int:
        """How many outcomes make a tick worth while: what comes back in some milliseconds, so that few are unrecorded.

        Never more than a third of what may be armed: the rest has to keep the connections busy meanwhile. A slow relay
        is given longer, for half of the connections at most: a commit for each message would cost more than it gains.
        """
        slowly = min(self._fewest // 4, int(self._speed * SLOW_TICK_SECONDS))
        return min(self._most // 3, max(1, int(self._speed * self._tick_seconds), slowly))

    def note(self, finished: int) -> None:
        """Count messages that the relay is done with."""
        self._count += finished
        elapsed = self._clock() - self._since
        if elapsed >= _MEASURED_SECONDS:
            self._speed = self._count / elapsed
            self._since += elapsed
            self._count = 0
