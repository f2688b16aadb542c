"""How many connections a relay takes from us.

Relays have limits that nobody tells us, and that change: one connection too many gets a 421, or no answer at all. What
is turned away while others work has met the limit, and that is no trouble. After a while one more is tried.
"""

import math
from typing import Final

SOON: Final = 1.0  #: seconds: a relay may take a moment to notice that a connection has ended
FIRST_WAIT: Final = 60.0  #: seconds until one more is tried
LONGEST_WAIT: Final = 3600.0  #: seconds


class Capacity:
    """Learns from the connections that a relay takes and turns away; the time is passed in, in seconds."""

    __slots__ = ("_known", "_most", "_wait", "limit", "try_at")

    def __init__(self, most: int) -> None:
        self.limit = most  #: connections that may be open now
        self.try_at = math.inf  #: when one more may be
        self._most = most
        self._known = 0  #: connections that worked at the same time
        self._wait = FIRST_WAIT

    def taken(self, working: int, now: float) -> None:
        """A connection was taken, which makes so many that work."""
        self.limit = max(self.limit, working)
        if working <= self._known:
            return
        self._known = working
        self._wait = FIRST_WAIT
        if working == self.limit < self._most:
            self.try_at = now + FIRST_WAIT

    def turned_away(self, working: int, now: float) -> None:
        """A connection was not taken while so many worked."""
        self.limit = working
        if working < self._known:
            self._known = working
            self.try_at = now + SOON
        elif self.try_at <= now or self.try_at == math.inf:  # else it was opened together with another: one failure
            self.try_at = now + self._wait
            self._wait = min(self._wait * 2, LONGEST_WAIT)

    def look(self, now: float) -> None:
        """Allow one more if it is time."""
        if now >= self.try_at:
            self.limit += 1
            self.try_at = math.inf  # until it is known whether the relay takes it

    def forget(self) -> None:
        """The relay was away, and may take more than before."""
        self.limit = self._most
        self.try_at = math.inf
        self._known = 0
        self._wait = FIRST_WAIT
