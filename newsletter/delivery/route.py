"""Which address of the relay to connect to.

A host may have several addresses, and each is tried before the relay counts as down (RFC 5321, 5.1). Names are looked
up in a thread of its own, since the system's resolver can block for many seconds and the loop must not.
"""

import socket
from threading import Thread
from typing import Final

from newsletter.delivery.settings import is_address, is_loopback
from newsletter.errors import RelayUnavailable

LIFETIME: Final = 60.0  #: seconds until a name is looked up again

#: Address family, and what socket.connect takes for it
Address = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class Route:
    """The addresses of one host. `next_address` gives the one to try now."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._addresses: list[Address] = []
        self._index = 0
        self._stale_at = float("-inf")
        self._lookup: _Lookup | None = None

    @property
    def is_looking_up(self) -> bool:
        return self._lookup is not None

    def next_address(self, now: float) -> Address | None:
        """The address to try, or None while the name is being looked up. Raises RelayUnavailable if there is none."""
        if self._lookup is None and now >= self._stale_at:
            self._lookup = _Lookup(self._host, self._port)
        if self._lookup is not None and self._lookup.is_done:
            self._take_over(self._lookup, now)
        if not self._addresses:
            return None
        return self._addresses[self._index]

    def give_up_on(self, address: Address) -> bool:
        """Note that an address can't be reached; whether there is another to try before waiting."""
        if not self._addresses or self._addresses[self._index] != address:
            return True
        self._index = (self._index + 1) % len(self._addresses)
        return self._index != 0

    def _take_over(self, lookup: "_Lookup", now: float) -> None:
        self._lookup = None
        if lookup.error is not None and not self._addresses:
            raise RelayUnavailable(f"the relay's host {self._host} can't be found: {lookup.error}")
        self._stale_at = now + LIFETIME
        if lookup.addresses and set(lookup.addresses) != set(self._addresses):
            self._addresses = lookup.addresses
            self._index = 0


class _Lookup:
    """One question to the resolver, asked at once."""

    def __init__(self, host: str, port: int) -> None:
        self.addresses: list[Address] = []
        self.error: str | None = None
        self.is_done = False
        self._question = (host, port)
        if is_address(host) or is_loopback(host):
            self._ask()  # answered from this machine
            return
        Thread(target=self._ask, name="relay lookup", daemon=True).start()

    def _ask(self) -> None:
        host, port = self._question
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.error = error.strerror or type(error).__name__
        else:
            self.addresses = list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))
        self.is_done = True
