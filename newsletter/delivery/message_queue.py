"""The messages that wait to be started: two lanes, and a limit of how many may start in a second."""

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.pacing import TokenBucket
from newsletter.errors import SettingsError


class MessageQueue:
    """First in, first out, but the lane ahead goes first."""

    __slots__ = ("_ahead", "_bucket", "_clock", "_others", "_rate", "is_shut", "taken")

    def __init__(self, *, rate: float, clock: Callable[[], float]) -> None:
        self._ahead: deque[OutgoingMessage] = deque()
        self._others: deque[OutgoingMessage] = deque()
        self._clock = clock
        self._rate = 0.0
        self._bucket = TokenBucket(0.0, clock())
        self.rate = rate
        self.is_shut = False  #: nothing is started any more
        self.taken = 0  #: how many have ever been started

    def __len__(self) -> int:
        return len(self._ahead) + len(self._others)

    @property
    def rate(self) -> float:
        """Messages a second; 0: no limit."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        """Raises SettingsError for what is no rate."""
        if not 0 <= rate < math.inf:
            raise SettingsError("the rate must be 0 (no limit) or a number of messages a second")
        if rate == self._rate:
            return
        now = self._clock()
        bucket = TokenBucket(rate, now)
        while self._rate and rate and bucket.take(now):
            pass  # a change of limits is no reason for a burst
        self._rate, self._bucket = rate, bucket

    def submit(self, messages: Iterable[OutgoingMessage], *, ahead: bool) -> None:
        (self._ahead if ahead else self._others).extend(messages)

    def take(self) -> OutgoingMessage | None:
        """The next message to start, or None if there is none or it is not yet time."""
        lane = self._ahead or self._others
        if not lane or self.is_shut:
            return None
        if self._rate and not self._bucket.take(self._clock()):
            return None
        self.taken += 1
        return lane.popleft()

    def ready_at(self, now: float) -> float:
        """When the rate allows the next message."""
        return self._bucket.ready_at(now) if self._rate else now

    def withdraw(self) -> list[Hashable]:
        """Take back all messages; their keys in the order in which they would have been started."""
        keys = [message.key for lane in (self._ahead, self._others) for message in lane]
        self._ahead.clear()
        self._others.clear()
        return keys
