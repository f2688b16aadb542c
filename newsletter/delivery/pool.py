"""Which connections to one relay are open.

The first shows whether the relay is there; the others follow while messages wait and none is free, up to what the relay
takes. One that is free for long is ended. While the relay can't be reached, a single one is tried again and again, at
growing intervals, and the messages stay queued.
"""

import math
from dataclasses import dataclass
from selectors import BaseSelector
from typing import Final

from newsletter.delivery.capacity import Capacity
from newsletter.delivery.connection import Connection, Surroundings
from newsletter.delivery.message_queue import MessageQueue
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Outcome, Phase
from newsletter.delivery.pacing import Backoff
from newsletter.delivery.protocol import Conversation
from newsletter.delivery.route import Route
from newsletter.delivery.settings import RelaySettings
from newsletter.delivery.shares import Share, Whole
from newsletter.delivery.tls import make_tls_context
from newsletter.delivery.window import Holder, Window
from newsletter.errors import RelayError, RelayRefused, RelayUnavailable

LOOKUP_INTERVAL: Final = 0.05  #: seconds between looks whether a name was found
PLAIN_SECONDS: Final = 300.0  #: how long opportunistic TLS is left alone once it failed
SILENT_SECONDS: Final = 30.0  #: a connection on which nothing has moved for so long is not sure to work


@dataclass(frozen=True, slots=True)
class Common:
    """What the pools of all relays share."""

    queue: MessageQueue
    outcomes: list[Outcome]
    window: Window
    selector: BaseSelector


class Pool:
    """Connections to one relay, and when to open and end them."""

    def __init__(self, settings: RelaySettings, share: Share | Whole, common: Common) -> None:
        self.name = settings.name
        self.share = share
        self.trouble: RelayError | None = None  #: why no connection can be opened
        self.backoff = Backoff()
        self._settings = settings
        self._common = common
        self._queue = common.queue
        self._around = Surroundings(settings, common.selector, make_tls_context(settings), self._begin, self.look_at)
        self._route = Route(settings.host, settings.port)
        self._capacity = Capacity(settings.connections)
        self._opening: set[Connection] = set()
        self._ready: dict[Holder, Connection] = {}  #: by their conversations
        self._idle: list[Connection] = []  #: the one used last is at the end, and used first
        self._plain_until = -math.inf
        self._failed_at = -math.inf

    def __bool__(self) -> bool:
        """Whether any connection is open or being opened."""
        return bool(self._opening or self._ready)

    def wake_at(self, now: float) -> float:
        """When there is something to begin even if nothing is heard from the relay."""
        if self._is_busy or not self._queue or self._queue.is_shut or not self.share.is_open:
            return math.inf
        if self._route.is_looking_up:
            return now + LOOKUP_INTERVAL
        if self._idle:
            return self._queue.ready_at(now)
        if self._opening:
            return math.inf
        return max(self._queue.ready_at(now), self.backoff.until)

    def spread(self, now: float) -> bool:
        """Give what waits to free connections, and open more if that is not enough; whether anything was begun."""
        if self._is_busy:
            return False
        begun = False
        while self._idle and self._queue and self.share.is_open and self._queue.ready_at(now) <= now:
            connection = self._idle.pop()
            connection.is_parked = False
            connection.start(now)
            self.look_at(connection, now)
            begun = True
            if connection.is_parked:
                return begun  # nothing was left to start, or the rate doesn't allow it
        while self._may_open(now) and self._open(now):
            begun = True
        return begun

    def resume(self, talk: Holder, now: float) -> bool:
        """Let a content go that was held back; whether it is one of this relay's."""
        connection = self._ready.get(talk)
        if connection is None:
            return False
        talk.resume()
        connection.handle(0, now)
        self.look_at(connection, now)
        return True

    def look_for_recovery(self) -> None:
        """While attempts fail: a relay that takes messages again is back."""
        if any(each.talk and each.talk.completed and each.heard_at > self._failed_at for each in self._ready.values()):
            self.backoff.succeed()
            self.trouble = None

    def judge(self, now: float) -> float:
        """End what has waited too long; when to look again."""
        self._capacity.look(now)
        for connection in [*self._opening, *self._ready.values()]:
            if connection.deadline <= now:
                connection.expire(now)
                self.look_at(connection, now)
        deadlines = [connection.deadline for connection in (*self._opening, *self._ready.values())]
        return min(self._capacity.try_at, *deadlines, math.inf)

    def leave(self, now: float) -> None:
        """End the connections on which nothing is under way; a content that is held back is given up, unsent."""
        held = [each for each in self._ready.values() if each.talk and each.talk.is_held]
        for connection in [*held, *self._opening]:
            connection.close(None)
            self.look_at(connection, now)
        ended, self._idle = self._idle, []
        for connection in ended:
            connection.is_parked = False
            connection.quit(now)
            self.look_at(connection, now)

    def close(self) -> None:
        """End everything at once."""
        for connection in [*self._opening, *self._ready.values()]:
            connection.close(RelayUnavailable("the connection was ended by us"))
        self._opening.clear()
        self._ready.clear()
        self._idle.clear()

    def look_at(self, connection: Connection, now: float) -> None:
        """Take note of a connection that was opened, is free, or has ended."""
        if connection.is_closed:
            self._remove(connection, now)
            return
        if connection.talk is None:
            return
        if connection in self._opening:
            self._opening.discard(connection)
            self._ready[connection.talk] = connection
            self._capacity.taken(len(self._ready), now)
            self.trouble = None
        if connection.is_idle and not connection.is_parked and not connection.start(now):
            connection.is_parked = True
            self._idle.append(connection)
            return
        if connection.is_closed:
            self._remove(connection, now)

    @property
    def _is_busy(self) -> bool:
        """Whether all connections there may be are open, and none is free."""
        return not self._idle and len(self._ready) + len(self._opening) >= self._capacity.limit

    def _begin(self, offers: Offers) -> Conversation:
        return Conversation(
            offers,
            take=self.share.take,
            outcomes=self._common.outcomes,
            window=self._common.window,
            limit=self._settings.messages_per_connection,
        )

    def _may_open(self, now: float) -> bool:
        if self._idle or len(self._ready) + len(self._opening) >= self._capacity.limit or now < self.backoff.until:
            return False
        if self._opening and (self.backoff.is_failing or not self._ready):
            return False  # one is enough to see whether the relay is there
        if self._queue.is_shut or len(self._queue) <= len(self._opening) or not self.share.is_open:
            return False
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
        self._opening.add(connection)
        return True

    def _remove(self, connection: Connection, now: float) -> None:
        self._opening.discard(connection)
        if connection.talk is not None:
            self._ready.pop(connection.talk, None)
        if connection.is_parked:
            connection.is_parked = False
            self._idle.remove(connection)
        if connection.error is None or (connection.talk and connection.talk.completed):
            return
        if connection.phase is Phase.CONNECT and self._route.give_up_on(connection.address):
            return
        if connection.phase is Phase.TLS and self._settings.may_go_plain:
            self._plain_until = now + PLAIN_SECONDS
            return
        self._fail(connection.error, now)

    def _fail(self, error: RelayError, now: float) -> None:
        """A connection came to nothing. While others work, the relay takes no more of them, and that is all."""
        working = [each for each in self._ready.values() if not each.is_leaving]
        if any(each.moved_at > now - SILENT_SECONDS for each in working):
            self._capacity.turned_away(len(working), now)
            return
        self.trouble = error
        self._failed_at = now
        self._capacity.forget()
        self.share.step_out()
        # Connections that fail together are one failure.
        if now >= self.backoff.until:
            is_final = isinstance(error, RelayRefused) or (error.reply_code or 0) >= 500
            self.backoff.fail(now, longest=is_final)
