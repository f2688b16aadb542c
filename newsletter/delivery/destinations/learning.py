"""How fast a destination takes mail, learnt from its replies, and how long it is left alone when it refuses us.

Like a TCP connection finds its window: down by a factor when told to, up by small steps while all goes well.
"""

from collections.abc import Sequence
from typing import Final

from newsletter.delivery.destinations.signals import Signal

REMEMBERED: Final = 20  #: replies of a destination that are judged together
MOST_BUSY: Final = 4  #: of these may say "later" without any consequence
MOST_DOUBTFUL: Final = 2  #: of these may be refusals by a policy: a filter may dislike one reader, and then another

SLOWEST: Final = 0.1  #: messages a second: nothing is learnt below it, and a day still takes 8,640
FIRST: Final = 1.0  #: messages a second: the lowest limit that is learnt at once
DROP: Final = {Signal.TOO_FAST: 0.5, Signal.BUSY: 0.7}  #: of the rate at which mail was taken
DROP_SECONDS: Final = 10.0  #: from one drop to the next at least: what is under way still hears of the last one
WATCHED_SECONDS: Final = 2.0  #: of watching before it is known how fast mail is taken
RISE: Final = 1.1  #: doubles a rate in eight steps, from the slowest to 100 a second in 73
RISE_SECONDS: Final = 60.0  #: from one step to the next, and after a drop
USED: Final = 0.4  #: of a limit that has to be used for it to rise

FIRST_PAUSE: Final = 3600  #: seconds
LONGEST_PAUSE: Final = 8 * 3600  #: seconds


def is_too_busy(replies: Sequence[Signal]) -> bool:
    """Whether so many of the last replies say "later" that it is no chance."""
    return sum(each in (Signal.BUSY, Signal.TOO_FAST) for each in replies) > MOST_BUSY


def is_refusal(replies: Sequence[Signal]) -> bool:
    """Whether the last reply, with those before it, means that we are refused, and not a reader."""
    return replies[-1] is Signal.REFUSED or replies.count(Signal.DOUBTFUL) > MOST_DOUBTFUL


def dropped(rate: float | None, taken: float, by: Signal) -> float:
    """The new limit, in messages a second, after one in force (None: none) where `taken` were taken."""
    if rate is None:
        return max(FIRST, taken * DROP[by])
    return min(rate, max(SLOWEST, min(rate, taken or rate) * DROP[by]))


def risen(rate: float, taken: float, *, is_felt: bool) -> float | None:
    """The new limit after some time in which all went well; None if it is none any more.

    `is_felt`: somebody had to wait for it. A limit that is not used stays: nothing is known of what would happen.
    """
    if taken < rate * USED and rate > 1.0:
        return rate
    return rate * RISE if is_felt else None


def pause_seconds(pauses: int) -> int:
    """How long the next pause is, after so many in a row."""
    return FIRST_PAUSE * 2**pauses if pauses < 3 else LONGEST_PAUSE


class Taken:
    """How many messages a destination took of late."""

    SECONDS: Final = 10  #: that are looked back on

    __slots__ = ("_counts", "_since")

    def __init__(self, now: float) -> None:
        self._since = now
        self._counts: dict[int, int] = {}  # by second

    def add(self, now: float) -> None:
        second = int(now)
        if second not in self._counts:
            self._counts = {each: count for each, count in self._counts.items() if each > second - self.SECONDS}
        self._counts[second] = self._counts.get(second, 0) + 1

    def rate(self, now: float) -> float:
        """Messages a second."""
        counted = sum(count for each, count in self._counts.items() if each > int(now) - self.SECONDS)
        return counted / min(max(now - self._since, 1.0), float(self.SECONDS))
