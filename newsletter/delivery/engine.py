"""The sending engine: messages in, outcomes out, one thread, no blocking but in `poll`.

    with Engine(relays, rate=50.0) as engine:
        engine.submit(messages)
        for outcome in engine.poll(1.0):
            ...

Everything happens within `poll` and `close`; between two calls nothing moves, and the relay's replies wait.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Self

from newsletter.delivery.message import OutgoingMessage
from newsletter.delivery.message_queue import MessageQueue
from newsletter.delivery.outcome import Outcome
from newsletter.delivery.relays import Relays
from newsletter.delivery.settings import RelaySettings
from newsletter.delivery.window import Window
from newsletter.errors import RelayError


class Engine:
    """Sends messages to one relay or several, over several connections each.

    Each message that was started gets one Outcome.
    """

    def __init__(
        self, relays: Sequence[RelaySettings], *, rate: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`rate` is in messages a second, over all relays; 0 means no limit."""
        self._clock = clock
        self._outcomes: list[Outcome] = []
        self._returned = 0
        self._queue = MessageQueue(rate=rate, clock=clock)
        self._window = Window()
        self._relays = Relays(relays, self._queue, self._outcomes, self._window, clock=clock)

    @property
    def waiting(self) -> int:
        """Messages that were submitted and not yet started."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """Messages that were started and have no outcome yet."""
        return self._queue.taken - self._returned - len(self._outcomes)

    @property
    def trouble(self) -> RelayError | None:
        """Why nothing can be sent right now: no relay can be used. None when the last attempt with one worked."""
        return self._relays.trouble

    @property
    def troubles(self) -> dict[str, RelayError]:
        """What is wrong with each relay that can't be used right now, by its "host:port"."""
        return self._relays.troubles

    @property
    def rate(self) -> float:
        """Messages a second, over all relays; 0: no limit. It may be changed at any time."""
        return self._queue.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._queue.rate = rate

    def submit(self, messages: Iterable[OutgoingMessage], *, ahead: bool = False) -> None:
        """Queue messages; with `ahead`, before all that were submitted without it."""
        self._queue.submit(messages, ahead=ahead)

    def watch(self, fileno: int) -> None:
        """`poll` returns early when this descriptor can be read."""
        self._relays.watch(fileno)

    def unwatch(self, fileno: int) -> None:
        """Look at this descriptor no more; to be called before it is closed."""
        self._relays.unwatch(fileno)

    def withdraw(self) -> list[Hashable]:
        """Take back what was not started; the keys in order. None of it will be sent."""
        return self._queue.withdraw()

    def settle(self, *, window: int = 0) -> None:
        """The caller has recorded every outcome that it got; more contents may be written.

        From now on at most `window` messages are written and unsettled at any time; 0 means any number.
        """
        self._window.limit = window
        self._window.settle()
        self._relays.resume(self._clock())

    def poll(self, timeout: float, *, at_least: int = 1) -> list[Outcome]:
        """Send, until there are `at_least` outcomes, or none is to come, or `timeout` seconds have passed.

        It returns before that when a descriptor that is watched can be read.
        """
        now = self._clock()
        until = now + timeout
        while True:
            self._relays.spread(now)
            is_enough = self._is_enough(at_least)
            wait = 0.0 if is_enough else max(0.0, min(until, self._relays.wake_at(now)) - now)
            now = self._relays.run(wait, now)
            if is_enough or now >= until or self._is_enough(at_least) or self._relays.is_woken:
                return self._collect()

    def close(self, timeout: float) -> list[Outcome]:
        """Start nothing more, finish what is under way within `timeout` seconds, take leave; the last outcomes.

        What is not finished by then is LOST, or UNKNOWN if all of it was written.
        """
        self._queue.is_shut = True
        now = self._clock()
        until = now + timeout
        self._relays.leave(now)
        while self._relays and now < until:
            now = self._relays.run(max(0.0, min(until, self._relays.wake_at(now)) - now), now)
            self._relays.leave(now)
        self._relays.close()
        return self._collect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._relays.close()

    def _is_enough(self, at_least: int) -> bool:
        """Whether there are that many outcomes, or some and no more are to come."""
        found = len(self._outcomes)
        return found >= at_least or (found > 0 and not self._queue and not self.in_flight)

    def _collect(self) -> list[Outcome]:
        collected = self._outcomes[:]
        self._window.returned()
        self._outcomes.clear()
        self._returned += len(collected)
        return collected
