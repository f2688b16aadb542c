"""Which relay the next message goes to, where there are several.

Each message takes its relay 1/weight further (stride scheduling), and where there is a choice, the one that is furthest
behind goes first. Where weights differ, somebody wants mail in this proportion: then none may be further than a little
beyond the one that is furthest behind. Where they are equal, each takes what it can, and a slow relay slows nobody.

Nobody waits for a relay that is away, nor for one that takes nothing for a while, until it takes a message again. What
a relay missed is not made up for.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from newsletter.delivery.message import OutgoingMessage

PATIENCE: Final = 0.5  #: seconds for which a relay may keep the others waiting

Take = Callable[[], OutgoingMessage | None]


class Whole:
    """The part of the only relay: all of it."""

    is_open: Final = True
    passed: Final = 0.0

    def __init__(self, take: Take) -> None:
        self.take = take

    def step_out(self) -> None:
        """Nobody waits for it."""


class Share:
    """The part of one among several relays."""

    __slots__ = ("_shares", "_step", "counts", "passed")

    def __init__(self, shares: "Shares", weight: int) -> None:
        self.passed = 0.0  #: messages taken, by weight
        self.counts = True  #: the others wait for it
        self._shares = shares
        self._step = 1 / weight

    @property
    def is_open(self) -> bool:
        """Whether it may take a message; one that doesn't count may as soon as it can."""
        return self.passed <= self._shares.end or not self.counts

    def take(self) -> OutgoingMessage | None:
        """The next message for this relay, or None if there is none, or it is not yet time."""
        message = self._shares.take() if self.is_open else None
        if message is not None:
            self.counts = True
            self.passed = max(self.passed, self._shares.missed) + self._step
            self._shares.measure()
        return message

    def step_out(self) -> None:
        """The relay is away, and nobody waits for it."""
        self.counts = False
        self._shares.measure()


class Shares:
    """The parts of all relays."""

    def __init__(self, weights: Sequence[int], connections: int, take: Take) -> None:
        """`connections` is their number over all relays."""
        self.take = take
        self.each = [Share(self, weight) for weight in weights]
        self._is_strict = len(set(weights)) > 1
        self._lead = 2 * connections / sum(weights)  # a connection may have two messages under way
        self._usual = self._lead + 1 / min(weights)  # between the first and the last, when none misses anything
        self._start = 0.0  # where the one is that is furthest behind, of those that count
        self.end = math.inf  #: whoever is beyond has to wait
        self._seen = 0.0  # the start at the last look
        self._since = math.inf  # when it was first seen there; infinite while nobody waits
        self.measure()

    def measure(self) -> None:
        """Find out anew where everybody is."""
        #: Whoever is further behind than this has missed something.
        self.missed = max(share.passed for share in self.each) - self._usual
        if self._is_strict:
            self._start = min((share.passed for share in self.each if share.counts), default=math.inf)
            self.end = self._start + self._lead

    def look(self, now: float, *, is_waiting: bool) -> float:
        """While messages wait: do without those that have kept others waiting for too long; when to look again."""
        if not is_waiting or all(share.is_open for share in self.each):
            self._since = math.inf
            return math.inf
        if self._start != self._seen or self._since > now:
            self._seen, self._since = self._start, now
        if now - self._since < PATIENCE:
            return self._since + PATIENCE
        for share in self.each:
            share.counts = share.counts and share.passed > self._start
        self.measure()
        self._since = math.inf
        return now
