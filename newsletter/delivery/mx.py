"""Which large provider takes a domain's mail, told by its MX records (RFC 5321, 5.1).

The questions are asked in a thread of its own: nothing here makes its caller wait.
"""

import queue
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Final, Protocol

import dns.exception
import dns.rdatatype
import dns.resolver

MOST_WAITING: Final = 1000  #: domains that wait to be asked for
MOST_KEPT: Final = 100_000  #: answers
DNS_SECONDS: Final = 3.0  #: for one answer
FAILURES: Final = 5  #: in a row, after which DNS is left alone
REST_SECONDS: Final = 300.0

#: The end of an MX host's name -> the provider. Of their own domains, see destinations.PROVIDERS.
_HOSTS: Final = (
    (".google.com", "gmail"),
    (".googlemail.com", "gmail"),
    (".outlook.com", "outlook"),
    (".mx.microsoft", "outlook"),
    (".yahoodns.net", "yahoo"),
    (".icloud.com", "icloud"),
)
_RESERVED: Final = (".test", ".example", ".invalid", ".localhost", "example.com", "example.net", "example.org")


class Resolver(Protocol):
    """Asks DNS. Raises OSError where it gets no answer."""

    def hosts(self, domain: str) -> Sequence[str]:
        """The names of a domain's mail servers, without a dot at the end; none if it has no MX."""


class DnsResolver:
    """The system's resolver."""

    def hosts(self, domain: str) -> Sequence[str]:
        """See Resolver."""
        try:
            found = dns.resolver.resolve(domain, dns.rdatatype.MX, lifetime=DNS_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except dns.exception.DNSException as error:
            raise OSError(type(error).__name__) from None
        return [each.exchange.to_text(omit_final_dot=True) for each in found]


class MxLookup:
    """Remembers which provider a domain belongs to, and asks for what it doesn't know."""

    def __init__(self, resolver: Resolver | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolver = resolver or DnsResolver()
        self._clock = clock
        self._known: dict[str, str | None] = {}
        self._waiting: queue.Queue[str] = queue.Queue(MOST_WAITING)
        self._asked: set[str] = set()
        self._thread: Thread | None = None
        self._lock = Lock()
        self._failures = 0
        self._rests_until = 0.0

    def provider(self, domain: str) -> str | None:
        """The large provider that takes the mail of a domain; None if it is none, or not known yet."""
        if domain in self._known:
            return self._known[domain]
        if domain not in self._asked and not domain.endswith(_RESERVED) and self._clock() >= self._rests_until:
            self._ask(domain)
        return None

    def settle(self) -> None:
        """Wait until all that was asked is answered."""
        self._waiting.join()

    def _ask(self, domain: str) -> None:
        try:
            self._waiting.put_nowait(domain)
        except queue.Full:
            return
        self._asked.add(domain)
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._answer, name="mx lookup", daemon=True)
                self._thread.start()

    def _answer(self) -> None:
        while True:
            domain = self._waiting.get()
            try:
                self._look_up(domain)
            finally:
                self._asked.discard(domain)
                self._waiting.task_done()

    def _look_up(self, domain: str) -> None:
        if self._clock() < self._rests_until:
            return
        try:
            hosts = self._resolver.hosts(domain)
        except OSError:
            self._failures += 1
            if self._failures >= FAILURES:
                self._failures, self._rests_until = 0, self._clock() + REST_SECONDS
            return
        self._failures = 0
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[domain] = _provider_of(hosts)


def _provider_of(hosts: Sequence[str]) -> str | None:
    names = [host.lower() for host in hosts]
    return next((provider for end, provider in _HOSTS if any(name.endswith(end) for name in names)), None)
