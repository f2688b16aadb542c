"""Which relay the next message goes to, where there are several: each gets its part, by weight.

Stride scheduling: a message takes its relay 1/weight further, and none may be further than a little beyond the one that
is furthest behind. A relay that is away doesn't count, and one that keeps the others waiting doesn't either, until it
takes a message again. What it missed meanwhile is not made up for.
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
        """Whether it is its turn; one that doesn't count may go on as soon as it can."""
        return self.passed <= self._shares.end or not self.counts

    def take(self) -> OutgoingMessage | None:
        """The next message for this relay, or None if there is none, or it is not yet time."""
        message = self._shares.take() if self.is_open else None
        if message is not None:
            since = self.passed if self.counts else max(self.passed, self._shares.start)
            self.counts = True
            self.passed = since + self._step
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
        self.start = 0.0  #: where the one is that is furthest behind
        self.each = [Share(self, weight) for weight in weights]
        self._lead = 2 * connections / sum(weights)  # a connection may have two messages under way
        self.end = self._lead  #: whoever is beyond has to wait
        self._seen = 0.0  # the start at the last look
        self._since = math.inf  # when it was first seen there; infinite while nobody waits

    def measure(self) -> None:
        """Find out anew who is furthest behind."""
        self.start = min((share.passed for share in self.each if share.counts), default=self.start)
        self.end = self.start + self._lead

    def look(self, now: float, *, is_waiting: bool) -> float:
        """While messages wait: do without those that have kept others waiting for too long; when to look again."""
        if not is_waiting or all(share.is_open for share in self.each):
            self._since = math.inf
            return math.inf
        if self.start != self._seen or self._since > now:
            self._seen, self._since = self.start, now
        if now - self._since < PATIENCE:
            return self._since + PATIENCE
        for share in self.each:
            share.counts = share.counts and share.passed > self.start
        self.measure()
        self._since = math.inf
        return now
