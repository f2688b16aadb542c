"""Which connections are open.

One is opened when messages wait and none is free, up to the number set; one that is free for long is ended. While the
relay can't be reached, a single one is tried again and again, at growing intervals, and the messages stay queued.
"""

import math
import selectors
from collections.abc import Callable
from typing import Final

from newsletter.delivery.connection import Connection, Surroundings
from newsletter.delivery.message_queue import MessageQueue
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Phase
from newsletter.delivery.pacing import Backoff
from newsletter.delivery.protocol import Conversation
from newsletter.delivery.route import Route
from newsletter.delivery.settings import RelaySettings, TlsMode
from newsletter.delivery.tls import make_tls_context
from newsletter.delivery.window import Window
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable

LOOKUP_INTERVAL: Final = 0.05  #: seconds between looks whether a name was found
PLAIN_SECONDS: Final = 300.0  #: how long opportunistic TLS is left alone once it failed


class Pool:
    """Connections, and when to open and end them."""

    def __init__(
        self,
        settings: RelaySettings,
        queue: MessageQueue,
        outcomes: list[Outcome],
        window: Window,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.trouble: RelayError | None = None  #: why no connection can be opened
        self._settings = settings
        self._queue = queue
        self._outcomes = outcomes
        self._window = window
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._around = Surroundings(settings, self._selector, make_tls_context(settings), self._begin)
        self._route = Route(settings.host, settings.port)
        self._backoff = Backoff()
        self._connections: set[Connection] = set()
        self._opening: set[Connection] = set()
        self._idle: list[Connection] = []  #: the one used last is at the end, and used first
        self._plain_until = -math.inf
        self._judge_at = math.inf  #: when to look at deadlines next
        timeouts = settings.timeouts
        shortest = min(
            timeouts.connect, timeouts.greeting, timeouts.command, timeouts.data, timeouts.block, timeouts.dot
        )
        self._grain = min(1.0, shortest / 4)  #: seconds by which a deadline may be seen late

    def __bool__(self) -> bool:
        """Whether any connection is open or being opened."""
        return bool(self._connections)

    def wake_at(self, now: float) -> float:
        """When there is something to do even if nothing is heard from the relay."""
        if self._is_busy or not self._queue or self._queue.is_shut:
            return self._judge_at
        if self._route.is_looking_up:
            return min(self._judge_at, now + LOOKUP_INTERVAL)
        ready = self._queue.ready_at(now)
        if self._idle:
            return min(self._judge_at, ready)
        if self._opening:
            return self._judge_at
        return min(self._judge_at, max(ready, self._backoff.until))

    def spread(self, now: float) -> None:
        """Give what waits to free connections, and open more if that is not enough."""
        if self._is_busy:
            return
        while self._idle and self._queue and self._queue.ready_at(now) <= now:
            connection = self._idle.pop()
            connection.is_parked = False
            connection.start(now)
            self._look_at(connection, now)
            self._judge_soon(now)
            if connection.is_parked:
                return  # nothing was left to start, or the rate doesn't allow it
        while self._may_open(now) and self._open(now):
            pass

    def resume(self, now: float) -> None:
        """Let contents go that were held back, as far as there is room in the window."""
        while (talk := self._window.next_held()) is not None:
            talk.resume()
            for connection in self._connections:
                if connection.talk is talk:
                    connection.handle(0, now)
                    self._look_at(connection, now)
                    break
            self._judge_soon(now)

    def run(self, wait: float, now: float) -> float:
        """Handle what is there, or what comes within `wait` seconds; the time afterwards."""
        before = now
        events = self._selector.select(wait)
        now = self._clock()
        for key, mask in events:
            connection: Connection = key.data
            if connection.handle(mask, now):
                self._look_at(connection, now)
        if events:
            self._judge_soon(now)
        if self._backoff.is_failing and any(each.talk and each.talk.completed for each in self._connections):
            self._backoff.succeed()
        if now >= self._judge_at:
            # However long this loop was not run: what came in the meantime is read before anything counts as late.
            self._judge(before if events else now)
        return now

    @property
    def _is_busy(self) -> bool:
        """Whether all connections there may be are open, and none is free."""
        return not self._idle and len(self._connections) >= self._settings.connections

    def _judge_soon(self, now: float) -> None:
        """Deadlines may have changed: don't sleep past the nearest there can be."""
        soon = now + self._grain
        self._judge_at = min(self._judge_at, soon)

    def _judge(self, now: float) -> None:
        """End what has waited too long."""
        for connection in list(self._connections):
            if connection.deadline <= now:
                connection.expire(now)
                self._look_at(connection, now)
        self._judge_at = min((connection.deadline for connection in self._connections), default=math.inf)

    def leave(self, now: float) -> None:
        """End the connections on which nothing is under way; a content that is held back is given up, unsent."""
        for connection in [each for each in self._connections if each.talk and each.talk.is_held]:
            connection.close(None)
            self._look_at(connection, now)
        for connection in list(self._opening):
            connection.close(None)
            self._look_at(connection, now)
        for connection in self._idle:
            connection.is_parked = False
            connection.quit(now)
        ended, self._idle = self._idle, []
        for connection in ended:
            self._look_at(connection, now)

    def close(self) -> None:
        """End everything at once."""
        for connection in self._connections:
            connection.close(RelayUnavailable("the connection was ended by us"))
        self._connections.clear()
        self._opening.clear()
        self._idle.clear()
        self._selector.close()

    def _begin(self, offers: Offers) -> Conversation:
        limit = self._settings.messages_per_connection
        return Conversation(offers, take=self._queue.take, outcomes=self._outcomes, window=self._window, limit=limit)

    def _may_open(self, now: float) -> bool:
        if len(self._connections) >= self._settings.connections or now < self._backoff.until:
            return False
        if self._idle or self._queue.is_shut or len(self._queue) <= len(self._opening):
            return False
        if self._backoff.is_failing and self._opening:
            return False  # one is enough to see whether the relay is back
        return self._queue.ready_at(now) <= now

    def _open(self, now: float) -> bool:
        try:
            address = self._route.next_address(now)
        except RelayUnavailable as error:
            self._fail(error, now)
            return False
        if address is None:
            return False
        try:
            connection = Connection(address, self._around, now=now, plain=now < self._plain_until)
        except OSError as error:
            if not self._route.give_up_on(address):
                self._fail(RelayUnavailable(f"no connection can be made: {error.strerror}"), now)
            return False
        self._connections.add(connection)
        self._opening.add(connection)
        self._judge_soon(now)
        return True

    def _look_at(self, connection: Connection, now: float) -> None:
        """Take note of a connection that was opened, is free, or has ended."""
        if connection.is_closed:
            self._remove(connection, now)
            return
        if connection.talk is None:
            return
        if connection in self._opening:
            self._opening.discard(connection)
            self.trouble = None
        if connection.is_idle and not connection.is_parked and not connection.start(now):
            connection.is_parked = True
            self._idle.append(connection)
            return
        if connection.is_closed:
            self._remove(connection, now)

    def _remove(self, connection: Connection, now: float) -> None:
        self._connections.discard(connection)
        self._opening.discard(connection)
        if connection.is_parked:
            connection.is_parked = False
            self._idle.remove(connection)
        if connection.error is None or (connection.talk and connection.talk.completed):
            return
        if connection.phase is Phase.CONNECT and self._route.give_up_on(connection.address):
            return
        if connection.phase is Phase.TLS and self._may_go_plain():
            self._plain_until = now + PLAIN_SECONDS
            return
        self._fail(connection.error, now)

    def _may_go_plain(self) -> bool:
        has_no_secret = self._settings.password is None or self._settings.is_loopback
        return self._settings.tls is TlsMode.OPPORTUNISTIC and has_no_secret

    def _fail(self, error: RelayError, now: float) -> None:
        self.trouble = error
        # Connections that fail together are one failure.
        if now >= self._backoff.until:
            self._backoff.fail(now, longest=isinstance(error, RelayRefused))
