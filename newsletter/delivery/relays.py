"""All relays: a pool of connections for each, one loop for all, and one queue, from which each takes its part.

A relay that can't be reached is rested by its pool, and the others carry on with all messages.
"""

import math
import selectors
from collections.abc import Callable, Mapping, Sequence

from newsletter.delivery.connection import Connection
from newsletter.delivery.message_queue import MessageQueue
from newsletter.delivery.outcome import Outcome
from newsletter.delivery.pool import Common, Pool
from newsletter.delivery.settings import RelaySettings, Timeouts
from newsletter.delivery.shares import Share, Shares, Whole
from newsletter.delivery.window import Window
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable, SettingsError


class Relays:
    """Pools, and the loop over the sockets of them all."""

    def __init__(
        self,
        relays: Sequence[RelaySettings],
        queue: MessageQueue,
        outcomes: list[Outcome],
        window: Window,
        *,
        clock: Callable[[], float],
    ) -> None:
        if not relays:
            raise SettingsError("at least one relay is needed")
        self._queue = queue
        self._window = window
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._shares: Shares | None = None
        parts: Sequence[Share | Whole] = [Whole(queue.take)]
        if len(relays) > 1:
            connections = sum(each.connections for each in relays)
            self._shares = Shares([each.weight for each in relays], connections, queue.take)
            parts = self._shares.each
        common = Common(queue, outcomes, window, self._selector)
        self._pools = [Pool(each, part, common) for each, part in zip(relays, parts, strict=True)]
        self.is_woken = False  #: in the last `run`, a descriptor that is watched could be read
        self._judge_at = math.inf  #: when to look at deadlines next
        self._shares_at = math.inf  #: when to look at the relays that keep others waiting
        self._grain = min(1.0, *(_shortest(each.timeouts) / 4 for each in relays))  #: how late one may be seen, seconds
        self._told: tuple[RelayError, ...] = ()  #: the troubles of all relays that `_trouble` is made of
        self._trouble: RelayError | None = None

    def __bool__(self) -> bool:
        """Whether any connection is open or being opened."""
        return any(self._pools)

    @property
    def troubles(self) -> dict[str, RelayError]:
        """Why no connection can be opened, for each relay to which none can, by its name."""
        return {pool.name: pool.trouble for pool in self._pools if pool.trouble is not None}

    @property
    def trouble(self) -> RelayError | None:
        """Why no relay can be used; None while one can."""
        troubles = self.troubles
        if len(troubles) < len(self._pools):
            return None
        if len(troubles) > 1 and self._told != tuple(troubles.values()):
            self._told = tuple(troubles.values())
            self._trouble = _combined(troubles)
        return self._trouble if len(troubles) > 1 else next(iter(troubles.values()))

    def wake_at(self, now: float) -> float:
        """When there is something to do even if nothing is heard from any relay."""
        wake_at = self._judge_at if self._shares is None else min(self._judge_at, self._shares_at)
        for pool in self._pools:
            wake_at = min(wake_at, pool.wake_at(now))
        return wake_at

    def spread(self, now: float) -> None:
        """Give what waits to free connections, and open more if that is not enough."""
        # Who is furthest behind goes first.
        pools = self._pools if self._shares is None else sorted(self._pools, key=lambda pool: pool.share.passed)
        for pool in pools:
            if pool.spread(now):
                self._judge_soon(now)
        if self._shares is not None:
            can_begin = bool(self._queue) and self._queue.ready_at(now) <= now
            self._shares_at = self._shares.look(now, is_waiting=can_begin)

    def resume(self, now: float) -> None:
        """Let contents go that were held back, as far as there is room in the window."""
        while (talk := self._window.next_held()) is not None:
            for pool in self._pools:
                if pool.resume(talk, now):
                    break
            self._judge_soon(now)

    def watch(self, fileno: int) -> None:
        """Let `run` return when this descriptor can be read, too."""
        self._selector.register(fileno, selectors.EVENT_READ)

    def unwatch(self, fileno: int) -> None:
        """Look at this descriptor no more."""
        self._selector.unregister(fileno)

    def run(self, wait: float, now: float) -> float:
        """Handle what is there, or what comes within `wait` seconds; the time afterwards."""
        before = now
        events = self._selector.select(wait)
        now = self._clock()
        self.is_woken = False
        for key, mask in events:
            connection: Connection | None = key.data
            if connection is None:
                self.is_woken = True
                continue
            if connection.handle(mask, now):
                connection.around.look_at(connection, now)
        if events:
            self._judge_soon(now)
        for pool in self._pools:
            if pool.backoff.is_failing:
                pool.look_for_recovery()
        if now >= self._judge_at:
            # However long this loop was not run: what came in the meantime is read before anything counts as late.
            late = before if events else now
            self._judge_at = min(pool.judge(late) for pool in self._pools)
        return now

    def leave(self, now: float) -> None:
        """End the connections on which nothing is under way."""
        for pool in self._pools:
            pool.leave(now)

    def close(self) -> None:
        """End everything at once."""
        for pool in self._pools:
            pool.close()
        self._selector.close()

    def _judge_soon(self, now: float) -> None:
        """Deadlines may have changed: don't sleep past the nearest there can be."""
        self._judge_at = min(self._judge_at, now + self._grain)


def _combined(troubles: Mapping[str, RelayError]) -> RelayError:
    """One for all. A person is needed only where every relay refuses us."""
    words = "; ".join(f"{name}: {error}" for name, error in troubles.items())
    is_refusal = all(isinstance(error, RelayRefused) for error in troubles.values())
    return (RelayRefused if is_refusal else RelayUnavailable)(f"no relay can be used: {words}")


def _shortest(timeouts: Timeouts) -> float:
    """Of those that matter; whether QUIT is answered in time doesn't."""
    return min(timeouts.connect, timeouts.greeting, timeouts.command, timeouts.data, timeouts.block, timeouts.dot)
