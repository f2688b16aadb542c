"""How fast messages start, and how long to wait before a relay that failed is tried again.

Both take the time as an argument: seconds on any clock that never goes back.
"""

from typing import Final

FIRST_WAIT: Final = 0.5  #: seconds
LONGEST_WAIT: Final = 60.0  #: seconds


class TokenBucket:
    """Lets `rate` messages a second pass, on average, and `burst` at once: by default, a tenth of a second's worth."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate: float, now: float, *, burst: float = 0.0, tokens: float | None = None) -> None:
        """It begins with `tokens`; full, if they are not given."""
        self._rate = rate  #: a second; 0: no limit
        self._burst = max(1.0, burst or rate / 10)
        self._tokens = self._burst if tokens is None else min(tokens, self._burst)
        self._filled_at = now

    def take(self, now: float, *, ahead: float = 0.0) -> bool:
        """Use up a token; False if there is none. It may be one that comes within `ahead` seconds from now."""
        if not self._rate:
            return True
        self._fill(now)
        if self._tokens + ahead * self._rate < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def tokens(self, now: float) -> float:
        """How many there are; fewer than none when some were taken ahead of their time."""
        self._fill(now)
        return self._tokens

    def ready_at(self, now: float) -> float:
        """When the next token can be taken: `now` if at once."""
        if not self._rate:
            return now
        self._fill(now)
        # The small surplus makes up for rounding: at the time given, there is a whole token.
        return now if self._tokens >= 1.0 else now + (1.0 - self._tokens) / self._rate + 1e-6

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled_at) * self._rate)
        self._filled_at = max(now, self._filled_at)


class Backoff:
    """Waits that double from `FIRST_WAIT` to `LONGEST_WAIT` while attempts fail."""

    __slots__ = ("_wait", "is_failing", "until")

    def __init__(self) -> None:
        self.until = 0.0  #: no attempt before this time
        self.is_failing = False  #: the last attempt failed
        self._wait = 0.0

    def fail(self, now: float, *, longest: bool = False) -> None:
        """Note a failure; with `longest`, wait as long as ever at once, since trying again won't help."""
        self._wait = LONGEST_WAIT if longest else min(max(FIRST_WAIT, self._wait * 2), LONGEST_WAIT)
        self.until = now + self._wait
        self.is_failing = True

    def succeed(self) -> None:
        self.until = self._wait = 0.0
        self.is_failing = False
