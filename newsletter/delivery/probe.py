"""Knock at the relay as the sender would, and send nothing: connect, EHLO, STARTTLS, AUTH, QUIT.

The steps are `connection`'s and `handshake`'s own, so what holds for the probe holds for the sender. Only its patience
is shorter: one time limit for all steps together.
"""

import selectors
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from newsletter.delivery.connection import Connection, Surroundings
from newsletter.delivery.offers import Offers
from newsletter.delivery.outcome import Phase
from newsletter.delivery.pool import LOOKUP_INTERVAL
from newsletter.delivery.protocol import Conversation
from newsletter.delivery.route import Address, Route
from newsletter.delivery.settings import RelaySettings
from newsletter.delivery.tls import make_tls_context
from newsletter.errors import RelayError, RelayUnavailable

LEAVE_SECONDS: Final = 1.0  #: for the reply to QUIT, on which nothing depends


@dataclass(frozen=True, slots=True)
class Probed:
    """A relay that let us in."""

    offers: Offers  #: what it said last, so after STARTTLS where there was one
    tls: str | None  #: the version, such as TLSv1.3; None when the connection is plain
    logged_in: bool
    tls_failure: RelayError | None = None  #: why an opportunistic connection ended up plain, if it was tried


def probe(settings: RelaySettings, *, timeout: float, clock: Callable[[], float] = time.monotonic) -> Probed:
    """Go through a session without a message within `timeout` seconds. Raises RelayError where there is none."""
    knock = _Knock(settings, clock() + timeout, clock)
    try:
        return knock.until_let_in()
    finally:
        knock.close()


class _Knock:
    """Tries the relay's addresses in turn, as the pool does."""

    def __init__(self, settings: RelaySettings, until: float, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._until = until
        self._clock = clock
        self._route = Route(settings.host, settings.port)
        self._selector = selectors.DefaultSelector()
        self._connection: Connection | None = None
        self._offers: Offers | None = None
        self._versions: list[str] = []
        context = make_tls_context(settings)
        context.sslobject_class = _noting(self._versions)
        self._around = Surroundings(settings, self._selector, context, self._begin, _look_away)

    def until_let_in(self) -> Probed:
        tls_failure: RelayError | None = None
        while True:
            address = self._address()
            connection = self._connect(address, plain=tls_failure is not None)
            if connection is None:
                continue
            self._converse(connection)
            if self._offers is not None:
                tls = self._versions[-1] if self._versions else None
                return Probed(self._offers, tls, self._settings.username is not None, tls_failure)
            error = connection.error or RelayUnavailable("the relay ended the session before it began")
            if connection.phase is Phase.CONNECT and self._route.give_up_on(address):
                continue
            if connection.phase is not Phase.TLS or tls_failure is not None or not self._settings.may_go_plain:
                raise error
            tls_failure = error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close(None)
        self._selector.close()

    def _address(self) -> Address:
        while (address := self._route.next_address(self._clock())) is None:
            if self._clock() >= self._until:
                raise RelayUnavailable(f"looking up the relay's host {self._settings.host} takes too long")
            time.sleep(LOOKUP_INTERVAL)
        return address

    def _connect(self, address: Address, *, plain: bool) -> Connection | None:
        """A connection that begins; None if that failed at once and there is another address to try."""
        try:
            self._connection = Connection(address, self._around, now=self._clock(), plain=plain)
        except OSError as error:
            if self._route.give_up_on(address):
                return None
            raise RelayUnavailable(f"no connection can be made: {error.strerror}") from None
        return self._connection

    def _converse(self, connection: Connection) -> None:
        """Let the session run its course, to QUIT or to its error."""
        until = self._until
        while not connection.is_closed:
            now = self._clock()
            if connection.is_idle:
                until = min(until, now + LEAVE_SECONDS)
                connection.quit(now)
            elif now >= until and connection.talk is not None:
                connection.close(None)
            elif now >= until:
                connection.expire(now)
            else:
                for _, events in self._selector.select(until - now):
                    connection.handle(events, self._clock())

    def _begin(self, offers: Offers) -> Conversation:
        self._offers = offers
        return Conversation(offers, take=lambda: None, outcomes=[])


def _look_away(_connection: Connection, _now: float) -> None:
    """A pool has to look at its connections; here is only one, which is looked at anyway."""


def _noting(versions: list[str]) -> type[ssl.SSLObject]:
    """What a context makes for each connection, if `versions` is to tell what was agreed on."""

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            versions.append(self.version() or "TLS")

    return Noting
