"""What a tick has armed, on its way to the relay: signed where the settings name a key, then sent by the engine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self, cast

from newsletter.delivery.engine import Engine
from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.outcome import Outcome
from newsletter.errors import RelayError
from newsletter.jobs.signing import Piece, SigningPool
from newsletter.services.claims import Claim

STALE_SECONDS: Final = 1.0  #: what has waited so long for the relay is looked at anew before it is sent

Made = tuple[OutgoingMessage | Outcome, datetime]  # the time of its signature


class Dispatch:
    """Messages are signed from `prepare` on, while the disk works, and none leaves before `go`."""

    def __init__(self, engine: Engine, signing: SigningPool) -> None:
        self._engine = engine
        self._signing = signing
        self._prepared: Sequence[Made] = ()
        self._pieces: list[Piece] = []
        self._fresh_at = time.monotonic()  # since when something has been waiting

    @property
    def waiting(self) -> int:
        """Messages that may be sent, and were not yet started."""
        return self._engine.waiting + self._signing.pending

    @property
    def in_flight(self) -> int:
        """Messages that were started and have no outcome yet."""
        return self._engine.in_flight

    @property
    def rate(self) -> float:
        """Messages a second; 0: no limit."""
        return self._engine.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._engine.rate = rate

    @property
    def trouble(self) -> RelayError | None:
        """Why nothing can be sent right now."""
        return self._engine.trouble

    @property
    def has_waited(self) -> bool:
        """Whether something may have waited for more than STALE_SECONDS."""
        now = time.monotonic()
        if not self.waiting:
            self._fresh_at = now
        return now - self._fresh_at > STALE_SECONDS

    def prepare(self, made: Sequence[Made]) -> None:
        """Begin to sign what a tick arms, before its commit: then comes `go` or `drop`."""
        self._prepared = made
        self._pieces = self._signing.begin([(each, at) for each, at in made if isinstance(each, OutgoingMessage)])

    def go(self) -> tuple[list[Claim], list[Outcome]]:
        """After the commit: all may be sent. The claims of the tick, and the outcomes of what could not be made."""
        prepared, self._prepared = self._prepared, ()
        self._signing.release(self._pieces)
        self._pieces = []
        self._submit()
        claims = [cast("Claim", each.key) for each, _ in prepared]
        return claims, [each for each, _ in prepared if isinstance(each, Outcome)]

    def drop(self) -> None:
        """The commit failed: nothing of it may be sent."""
        self._signing.drop(self._pieces)
        self._prepared, self._pieces = (), []

    def poll(self, timeout: float, *, at_least: int) -> list[Outcome]:
        """Send, until there are `at_least` outcomes, or none is to come, or `timeout` seconds have passed."""
        until = time.monotonic() + timeout
        outcomes: list[Outcome] = []
        while True:
            self._submit()
            left = max(0.0, until - time.monotonic())
            outcomes += self._engine.poll(left, at_least=max(1, at_least - len(outcomes)))
            if not self._signing.pending or len(outcomes) >= at_least or time.monotonic() >= until:
                return outcomes

    def withdraw(self) -> list[Claim]:
        """Take back what was not started."""
        self._fresh_at = time.monotonic()
        unsigned = [message.key for message in self._signing.withdraw()]
        return cast("list[Claim]", self._engine.withdraw() + unsigned)

    def close(self, timeout: float) -> list[Outcome]:
        """Start nothing more, and finish what the relay has in hand: the last outcomes. `withdraw` comes before it."""
        self._signing.detach()
        return self._engine.close(timeout)

    def __enter__(self) -> Self:
        self._engine.__enter__()
        self._signing.attach(self._engine.watch, self._engine.unwatch)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.drop()
        self._signing.withdraw()  # it may be another sender's next
        self._signing.detach()
        self._engine.__exit__(kind, error, traceback)

    def _submit(self) -> None:
        """Hand what is signed to the engine, notices ahead."""
        messages = self._signing.ready()
        if not messages:
            return
        self._engine.submit([each for each in messages if not cast("Claim", each.key).edition_id], ahead=True)
        self._engine.submit([each for each in messages if cast("Claim", each.key).edition_id])
